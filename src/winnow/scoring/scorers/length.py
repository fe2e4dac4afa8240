"""Scorer `length`: the number of words."""

import numpy as np

from winnow.data.language import words
from winnow.scoring.scorer import Batch, Scorer


class LengthScore(Scorer):
    """Trivial baseline: the longer a caption, the better, whatever it says and the image shows.

    What a learned scorer gains must be seen against it.
    """

    sees_images = False

    def score(self, batch: Batch) -> np.ndarray:
        """The number of words; of characters in scripts without blanks."""
        return np.array([float(len(words(text))) for text in batch.text])


SCORER = LengthScore
