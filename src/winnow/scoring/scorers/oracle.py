"""Scorer `oracle`: keep the pairs that are clean and say much, by the sealed truth."""

from typing import Any

import numpy as np

from winnow.data.errors import WinnowError
from winnow.scoring.scorer import Batch, Context
from winnow.scoring.scorers.clean import CleanScore

CLEAN = 1000.0  # more than a caption asserts


class OracleScore(CleanScore):
    """Control: clean pairs first, and of both kinds those with the most right assertions minus the
    false ones.

    False is what is wrong or invented, by the check against the image's layout; a pair with noise
    has one at least. What a caption leaves out does not count: there is always more to say.
    """

    def __init__(self, context: Context, **options: Any):
        super().__init__(context, **options)
        if context.facts is None:
            raise WinnowError("scorer oracle: needs the checked assertions, give --facts")
        from winnow.assertions.check import INVENTED, RIGHT, WRONG
        from winnow.data.tables import FACTS, PAIR, read_table

        facts = read_table(context.facts, FACTS)
        right, false = facts["verdict"] == RIGHT, facts["verdict"].isin([WRONG, INVENTED])
        counted = facts[PAIR].assign(right=right, false=false).groupby(PAIR).sum()
        self.counts = dict(zip(counted.index, counted.to_numpy().tolist(), strict=True))

    def score(self, batch: Batch) -> np.ndarray:
        """Right minus false assertions of each pair, and CLEAN more for a clean one."""
        clean = super().score(batch)
        keys = zip(batch.uid, batch.caption_id, strict=True)
        right, false = np.array([self.counts.get(key, (0, 0)) for key in keys]).reshape(-1, 2).T
        return right - np.maximum(false, 1 - clean) + CLEAN * clean


SCORER = OracleScore
