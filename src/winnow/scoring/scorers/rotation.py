"""Scorer `rotation`: `clip` from four sides."""

import numpy as np

from winnow.scoring.scorer import Batch
from winnow.scoring.scorers.clip import ClipScore


class RotationScore(ClipScore):
    """Rotation-consistent CLIP score: mean over four quarter turns, less their deviation.

    From above there is no "up", so a caption that fits only one orientation is suspect. After
    RS5M's rotation-consistent caption selection (Zhang et al. 2024); that the deviation enters with
    weight one is our choice.
    """

    def score(self, batch: Batch) -> np.ndarray:
        """Mean minus standard deviation of the four cosines."""
        with self.torch.inference_mode(), self.autocast():
            texts = self.clip.encode_texts(batch.text)
            turns = np.stack([self._similarity(batch, texts, turn) for turn in range(4)])
        return turns.mean(axis=0) - turns.std(axis=0)


SCORER = RotationScore
