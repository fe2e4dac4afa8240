"""Contrastive training of a CLIP on image-caption pairs."""

import math
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from open_clip import ClipLoss
from open_clip.loss import SigLipLoss

from winnow.data.errors import WinnowError
from winnow.data.temporary_folders import scratch_folder
from winnow.models.clip import Clip
from winnow.models.precision import is_bfloat16
from winnow.training.images import decode
from winnow.training.settings import Optimiser
from winnow.training.training_loop import attention, run_training_loop


def fit(
    clip: Clip,
    pool: Path,
    samples: pd.DataFrame,
    pairs: pd.DataFrame,
    settings: Optimiser,
    samples_seen: int,
    seed: int,
) -> list[float]:
    """Train `clip` in place on `pairs` (uid, text) for `samples_seen` pairs; returns the losses.

    InfoNCE over the batch (Radford et al. 2021), or for a model with a logit bias SigLIP's sigmoid
    loss of every pair (Zhai et al. 2023); AdamW, linear warm-up, cosine decay. The number of
    steps depends on `samples_seen` alone, so subsets of every size get equal training. Given one
    seed, one machine and one number of threads, two runs give the same weights.
    """
    torch.manual_seed(seed)
    batch = min(settings.batch_size, len(pairs))
    if batch < 2:
        raise WinnowError(f"{len(pairs)} pairs to train on: contrastive training needs two or more")
    steps = max(1, samples_seen // settings.batch_size)
    needed = samples[samples["uid"].isin(set(pairs["uid"]))]
    with scratch_folder() as scratch:
        pixels, row = decode(clip.prepare, clip.size, pool, needed, scratch / "pixels.npy")
        image = np.array([row[uid] for uid in pairs["uid"]])
        tokens = clip.tokenizer(pairs["text"].tolist())
        return _train(clip, pixels, image, tokens, settings, batch, steps, seed)


def _train(
    clip: Clip,
    pixels: np.ndarray,
    image: np.ndarray,
    tokens: torch.Tensor,
    settings: Optimiser,
    batch: int,
    steps: int,
    seed: int,
) -> list[float]:
    model = clip.model.train().to(memory_format=torch.channels_last)
    criterion = ClipLoss() if model.logit_bias is None else SigLipLoss()
    half = is_bfloat16(settings.precision, clip.device)

    def loss(rows: np.ndarray) -> torch.Tensor:
        images = clip.normalise(pixels[image[rows]]).contiguous(memory_format=torch.channels_last)
        with torch.autocast(clip.device.type, torch.bfloat16, enabled=half):
            outputs = model(
                images, tokens[rows].to(clip.device)
            )  # two features, scale, perhaps bias
        return criterion(*(output.float() for output in outputs))

    def bound_scale() -> None:
        with torch.no_grad():
            model.logit_scale.clamp_(0, math.log(100))

    kernel = attention(clip.device, half, short=True)
    losses = run_training_loop(
        [model], loss, len(tokens), batch, steps, settings, seed, kernel, bound_scale
    )
    model.eval()
    return losses
