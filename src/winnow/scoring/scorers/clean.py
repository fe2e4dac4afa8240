"""Scorer `clean`: keep the pairs without noise, by the sealed truth."""

from typing import Any

import numpy as np

from winnow.data.errors import WinnowError
from winnow.scoring.scorer import Batch, Context, Scorer


class CleanScore(Scorer):
    """Control: 1 for a clean pair, 0 for one with noise of any kind."""

    sees_images = False

    def __init__(self, context: Context, **options: Any):
        super().__init__(context, **options)
        if context.truth is None:
            raise WinnowError("scorers clean and oracle: need the sealed truth, give --truth")
        from winnow.data.tables import TRUTH, read_table  # pandas, which planning needs not
        from winnow.terrarium.noise import CLEAN, KINDS

        truth = read_table(context.truth, TRUTH)
        unknown = set(truth["kind"]) - {CLEAN, *KINDS}
        if unknown:
            raise WinnowError(f"{context.truth}: unknown kind of noise {sorted(unknown)[0]!r}")
        keys = zip(truth["uid"], truth["caption_id"], strict=True)
        self.clean = dict(zip(keys, truth["kind"] == CLEAN, strict=True))

    def score(self, batch: Batch) -> np.ndarray:
        """Whether each pair is clean, 1.0 or 0.0."""
        keys = zip(batch.uid, batch.caption_id, strict=True)
        try:
            return np.array([float(self.clean[key]) for key in keys])
        except KeyError as error:
            raise WinnowError(f"{self.context.truth}: no row for pair {error}") from error


SCORER = CleanScore
