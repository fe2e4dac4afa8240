"""What a scorer is: it maps an image and a caption to a float, higher is better."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
from PIL import Image

from winnow.data.errors import WinnowError


@dataclass(frozen=True)
class Batch:
    """Pairs to score. Pair `i` is image `image[i]` of `pixels` with text `text[i]`."""

    uid: list[str]
    caption_id: list[int]
    text: list[str]
    image: np.ndarray  # int [pairs]
    pixels: np.ndarray | None  # what `prepare` returned, stacked: [images, ...]


@dataclass(frozen=True)
class Context:
    """What a scorer may use: its role's model folder, the sealed truth (oracle alone), a seed."""

    model: Path | None = None
    truth: Path | None = None
    seed: int = 0
    precision: str = "auto"


class Scorer:
    """Base of every scorer. `options` come from `params.yaml`."""

    sees_images = True  # False spares the engine reading and decoding them
    needs: ClassVar[Literal["clip", "score_model"] | None] = None  # the model of a built-in one
    precision: str | None = None  # that its model computes in; the table of scores tells it

    def __init__(self, context: Context, **options: Any):
        if options:
            raise WinnowError(
                f"scorer {type(self).__name__}: unknown options {', '.join(sorted(options))}"
            )
        self.context = context

    def prepare(self, image: Image.Image) -> np.ndarray:
        """Make a decoded image ready, in a worker thread: an array of one shape for all images."""
        raise NotImplementedError(f"{type(self).__name__} sees images but has no prepare()")

    def score(self, batch: Batch) -> np.ndarray:
        """Scores [pairs], finite floats."""
        raise NotImplementedError(f"{type(self).__name__} has no score()")


def check(scores: np.ndarray, batch: Batch, scorer: Scorer) -> np.ndarray:
    """Refuse scores of the wrong length or that are not finite, naming the pair."""
    scores = np.asarray(scores, dtype=np.float64)
    name = type(scorer).__name__
    if scores.shape != (len(batch.text),):
        raise WinnowError(f"{name}: returned shape {scores.shape} for {len(batch.text)} pairs")
    if not np.isfinite(scores).all():
        row = int(np.flatnonzero(~np.isfinite(scores))[0])
        raise WinnowError(
            f"{name}: score {scores[row]} for uid {batch.uid[row]}, "
            f"caption_id {batch.caption_id[row]}; scores must be finite"
        )
    return scores
