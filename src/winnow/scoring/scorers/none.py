"""Scorer `none`: keep all pairs."""

import numpy as np

from winnow.scoring.scorer import Batch, Scorer


class NoScore(Scorer):
    """Control: keeps everything."""

    sees_images = False

    def score(self, batch: Batch) -> np.ndarray:
        """One score for all."""
        return np.zeros(len(batch.text))


SCORER = NoScore
