"""Features of images for FID and KID: the evaluator's, or Inception's as clean-fid takes them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from winnow.data.batches import batches
from winnow.data.errors import WinnowError
from winnow.data.images import open_rgb
from winnow.data.shards import pool_images
from winnow.generation.images import iter_images

if TYPE_CHECKING:
    from winnow.models.clip import Clip

BATCH = 128

Named = Iterable[tuple[str, bytes]]  # uid, encoded image

Extract = Callable[[Named], dict[str, np.ndarray]]


@dataclass(frozen=True)
class Images:
    """Generated images, and the real ones of their prompts and of the reference split."""

    folder: Path  # of generated images
    pool: Path
    samples: pd.DataFrame  # of the pool
    prompts: pd.DataFrame

    def generated(self, extract: Extract) -> np.ndarray:
        """Features [N, D] in the order of the prompts."""
        found = extract(iter_images(self.folder, self.prompts))
        return np.stack([found[uid] for uid in self.prompts["uid"]])

    def real(self, extract: Extract) -> np.ndarray:
        """Features [N, D] of the images whose captions are the prompts, in their order."""
        chosen = self.samples[self.samples["uid"].isin(self.prompts["uid"])]
        found = extract(pool_images(self.pool, chosen))
        return np.stack([found[uid] for uid in self.prompts["uid"]])

    def reference(self, extract: Extract) -> np.ndarray | None:
        """Features [N, D] of as many images of the reference split; None where it has fewer."""
        split = self.samples[self.samples["split"] == "reference"]
        if len(split) < len(self.prompts):
            return None
        chosen = split.sort_values("uid").head(len(self.prompts))
        found = extract(pool_images(self.pool, chosen))
        return np.stack([found[uid] for uid in chosen["uid"]])


def clip_features(clip: Clip, images: Named) -> dict[str, np.ndarray]:
    """Features [D] of each image by uid, of length sqrt(D): their mean square is 1 and the kernel
    of KID is (cosine + 1)^3, whatever the scale of the model."""
    from winnow.evaluation.contrastive import encode_images  # imports torch

    uids, features = encode_images(clip, images)
    return dict(zip(uids, features * features.shape[1] ** 0.5, strict=True))


def inception_features(images: Named, extractor: Callable[[Any], Any]) -> dict[str, np.ndarray]:
    """Features [2048] of each image by uid, resized to 299 pixels as clean-fid's mode `clean`."""
    import torch
    from cleanfid.fid import get_batch_features
    from cleanfid.resize import build_resizer

    resize = build_resizer("clean")
    found: dict[str, np.ndarray] = {}
    place = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    for named in batches(images, BATCH):
        pixels = np.stack([resize(np.asarray(open_rgb(content))) for _, content in named])
        batch = torch.from_numpy(pixels).permute(0, 3, 1, 2)
        features = get_batch_features(batch, extractor, place)
        found |= dict(zip((uid for uid, _ in named), features, strict=True))
    return found


def inception() -> Callable[[Any], Any]:
    """clean-fid's Inception, whose weights it downloads once. WinnowError where it cannot."""
    import torch
    from cleanfid.features import build_feature_extractor

    place = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        return build_feature_extractor("clean", place, use_dataparallel=False)
    except (OSError, RuntimeError) as error:  # no network; a file that was cut short
        raise WinnowError(
            f"--features: inception: clean-fid's weights cannot be loaded ({error}); put "
            "inception-2015-12-05.pt into /tmp, or take --features=evaluator"
        ) from error
