"""Scorer `score_model`: the value of a caption as the answer to a question about its image."""

from contextlib import AbstractContextManager
from typing import Any, ClassVar

import numpy as np
from PIL import Image

from winnow.data.errors import WinnowError
from winnow.scoring.scorer import Batch, Context, Scorer


class ScoreModelScore(Scorer):
    """ScoreRS's score (NeurIPS 2025): any real number.

    `prompt` is what the captions answer, in place of the prompt that the model's folder records.
    """

    needs: ClassVar = "score_model"

    def __init__(self, context: Context, prompt: str | None = None, **options: Any):
        super().__init__(context, **options)
        if context.model is None:
            raise WinnowError("scorer score_model: needs a score model, give `model: <recipe>`")
        if prompt is not None and not (isinstance(prompt, str) and prompt.strip()):
            raise WinnowError(f"scorer score_model: `prompt` is {prompt!r}, expected a question")
        import torch

        from winnow.models import score
        from winnow.models.precision import chosen
        from winnow.models.weights import device

        self.torch = torch
        self.precision = chosen(context.precision, device())
        half = self.precision == "bfloat16" and torch.cuda.is_available()
        self.model = score.load(context.model, torch.bfloat16 if half else torch.float32)
        self.prompt = prompt or self.model.prompt
        self.asked, self.score_pairs = score.Asked, score.score_pairs

    def prepare(self, image: Image.Image) -> np.ndarray:
        """The image as a square, uint8 [S, S, 3]."""
        return self.model.prepare(image)

    def score(self, batch: Batch) -> np.ndarray:
        """Value of each pair; an image's features are made once for all its captions."""
        assert batch.pixels is not None
        asked = [
            self.asked(self.prompt, text, int(image))
            for text, image in zip(batch.text, batch.image, strict=True)
        ]
        with self.autocast():
            return self.score_pairs(self.model, asked, batch.pixels, len(asked))

    def autocast(self) -> AbstractContextManager[Any]:
        """The context of the scorer's precision."""
        half = self.precision == "bfloat16"
        return self.torch.autocast(self.model.device.type, self.torch.bfloat16, enabled=half)


SCORER = ScoreModelScore
