"""Scorer `clip`: how close image and caption are for a contrastive model."""

from typing import Any, ClassVar

import numpy as np
from PIL import Image

from winnow.data.errors import WinnowError
from winnow.scoring.scorer import Batch, Context, Scorer


class ClipScore(Scorer):
    """Cosine of the image's and the caption's features, -1 to 1 (Hessel et al. 2021, unscaled)."""

    needs: ClassVar = "clip"

    def __init__(self, context: Context, **options: Any):
        super().__init__(context, **options)
        if context.model is None:
            raise WinnowError("scorer: needs a model, give `model: <role>` in params.yaml")
        import torch

        from winnow.models import clip
        from winnow.models.precision import chosen
        from winnow.scoring.precision import autocast

        self.torch = torch
        self.clip = clip.load(context.model)
        self.precision = chosen(context.precision, self.clip.device)
        self.autocast = autocast(self.precision, self.clip)

    def prepare(self, image: Image.Image) -> np.ndarray:
        """The model's own resizing: uint8 [H, W, 3]."""
        return self.clip.prepare(image)

    def score(self, batch: Batch) -> np.ndarray:
        """Cosine similarity of each pair."""
        with self.torch.inference_mode(), self.autocast():
            texts = self.clip.encode_texts(batch.text)
            return self._similarity(batch, texts)

    def _similarity(self, batch: Batch, texts: Any, turns: int = 0) -> np.ndarray:
        assert batch.pixels is not None
        pixels = np.ascontiguousarray(np.rot90(batch.pixels, turns, axes=(1, 2)))
        images = self.clip.encode_images(pixels)[batch.image]
        return (images * texts).sum(dim=1).double().cpu().numpy()


SCORER = ClipScore
