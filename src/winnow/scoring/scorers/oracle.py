"""Scorer `oracle`: keep by the sealed truth."""

from typing import Any, ClassVar

import numpy as np

from winnow.data.errors import WinnowError
from winnow.scoring.scorer import Batch, Context, Scorer


class OracleScore(Scorer):
    """Control: reads the sealed truth, and orders kinds of noise by how much is false."""

    sees_images = False
    VALUE: ClassVar[dict[str, float]] = {
        "clean": 1.0,
        "truncated": 0.75,  # true, but less than it could say
        "generic": 0.75,
        "attribute": 0.5,  # one fact is wrong
        "count": 0.5,
        "relation": 0.5,
        "hallucination": 0.25,  # a thing that is not there
        "infeasible": 0.25,
        "mismatch": 0.0,
    }

    def __init__(self, context: Context, **options: Any):
        super().__init__(context, **options)
        if context.truth is None:
            raise WinnowError("scorer oracle: needs the sealed truth, give --truth")
        from winnow.data.tables import TRUTH, read_table  # pandas, which planning needs not

        truth = read_table(context.truth, TRUTH)
        unknown = set(truth["kind"]) - set(self.VALUE)
        if unknown:
            raise WinnowError(f"{context.truth}: unknown kind of noise {sorted(unknown)[0]!r}")
        keys = zip(truth["uid"], truth["caption_id"], strict=True)
        self.kinds = dict(zip(keys, truth["kind"], strict=True))

    def score(self, batch: Batch) -> np.ndarray:
        """The value of each pair's kind."""
        keys = zip(batch.uid, batch.caption_id, strict=True)
        try:
            return np.array([self.VALUE[self.kinds[key]] for key in keys])
        except KeyError as error:
            raise WinnowError(f"{self.context.truth}: no row for pair {error}") from error


SCORER = OracleScore
