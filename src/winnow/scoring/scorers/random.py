"""Scorer `random`: keep a random sample."""

import hashlib

import numpy as np

from winnow.scoring.scorer import Batch, Scorer


class RandomScore(Scorer):
    """Control: a fair draw for each pair, from the seed and the pair's key alone."""

    sees_images = False

    def score(self, batch: Batch) -> np.ndarray:
        """Uniform in [0, 1), the same whatever the batches."""
        keys = (
            f"{self.context.seed}/{u}/{c}" for u, c in zip(batch.uid, batch.caption_id, strict=True)
        )
        digests = (hashlib.sha256(key.encode()).digest()[:7] for key in keys)
        return np.array([int.from_bytes(digest) / 256**7 for digest in digests])


SCORER = RandomScore
