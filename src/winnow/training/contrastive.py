"""Contrastive training of a CLIP on image-caption pairs."""

import math
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from open_clip import ClipLoss
from tqdm import tqdm

from winnow.data.errors import WinnowError
from winnow.models.clip import Clip
from winnow.params.sections import Optimiser
from winnow.training.images import decode


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

    InfoNCE over the batch (Radford et al. 2021), AdamW, linear warm-up, cosine decay. The number of
    steps depends on `samples_seen` alone, so subsets of every size get equal training. Given one
    seed, one machine and one number of threads, two runs give the same weights.
    """
    torch.manual_seed(seed)
    batch = min(settings.batch_size, len(pairs))
    if batch < 2:
        raise WinnowError(f"{len(pairs)} pairs to train on: contrastive training needs two or more")
    steps = max(1, samples_seen // settings.batch_size)
    needed = samples[samples["uid"].isin(set(pairs["uid"]))]
    with tempfile.TemporaryDirectory(prefix="winnow-") as scratch:
        pixels, row = decode(clip, pool, needed, Path(scratch) / "pixels.npy")
        image = np.array([row[uid] for uid in pairs["uid"]])
        tokens = clip.tokenizer(pairs["text"].tolist())
        return _train(
            clip, pixels, image, tokens, settings, _batches(len(pairs), batch, seed), steps
        )


def _train(
    clip: Clip,
    pixels: np.ndarray,
    image: np.ndarray,
    tokens: torch.Tensor,
    settings: Optimiser,
    batches: Iterator[np.ndarray],
    steps: int,
) -> list[float]:
    model = clip.model.train().to(memory_format=torch.channels_last)
    optimiser = torch.optim.AdamW(
        _groups(model, settings.weight_decay),
        lr=settings.learning_rate,
        betas=(0.9, 0.98),
        eps=1e-6,
    )
    warmup = max(1, round(settings.warmup * steps))
    criterion = ClipLoss()
    losses = []
    for step in tqdm(range(steps), unit="step", mininterval=2, file=sys.stderr):
        for group in optimiser.param_groups:
            group["lr"] = settings.learning_rate * _schedule(step, steps, warmup)
        rows = next(batches)
        batch = clip.normalise(pixels[image[rows]]).contiguous(memory_format=torch.channels_last)
        with torch.autocast(clip.device.type, torch.bfloat16, enabled=_bfloat16(clip, settings)):
            features, words, scale = model(batch, tokens[rows].to(clip.device))
        loss = criterion(features.float(), words.float(), scale.float())
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        with torch.no_grad():
            model.logit_scale.clamp_(0, math.log(100))
        losses.append(loss.item())
        if not math.isfinite(losses[-1]):
            raise WinnowError(f"training diverged at step {step}: lower learning_rate")
    model.eval()
    return losses


def _batches(total: int, batch: int, seed: int) -> Iterator[np.ndarray]:
    """Rows of full batches, for ever; each epoch permutes anew and leaves out its remainder."""
    rng = np.random.default_rng(seed)
    while True:
        order = rng.permutation(total)
        for start in range(0, total - batch + 1, batch):
            yield order[start : start + batch]


def _groups(model: torch.nn.Module, weight_decay: float) -> list[dict[str, object]]:
    """Weight decay for matrices and kernels only, as in open_clip."""
    decayed = [p for p in model.parameters() if p.ndim >= 2]
    others = [p for p in model.parameters() if p.ndim < 2]
    return [
        {"params": decayed, "weight_decay": weight_decay},
        {"params": others, "weight_decay": 0},
    ]


def _schedule(step: int, steps: int, warmup: int) -> float:
    """Share of the peak learning rate at `step`."""
    if step < warmup:
        return (step + 1) / warmup
    return 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, steps - warmup)))


def _bfloat16(clip: Clip, settings: Optimiser) -> bool:
    """By hardware, not by measurement: training must not differ between two runs on one machine."""
    if settings.precision != "auto":
        return settings.precision == "bfloat16"
    if clip.device.type == "cuda":
        return torch.cuda.is_bf16_supported()
    return bool(torch.cpu.get_capabilities().get("amx_bf16", False))
