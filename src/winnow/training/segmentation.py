"""Training of a segmentor by mmengine's Runner with mmsegmentation's transforms.

The images are in memory, as arrays; nothing is read from disk while a segmentor trains. The
foundry's one is trained as any other, on another world; others start from its backbone.
"""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch

from winnow.data.errors import WinnowError
from winnow.data.segmentation_set import IGNORED
from winnow.data.temporary_folders import scratch_folder
from winnow.models.precision import is_bfloat16
from winnow.models.segmentor import Segmentor, build, predict
from winnow.terrarium.schema import CLASSES
from winnow.training.images import decode, fitted, land_cover
from winnow.training.settings import SegmentorTraining
from winnow.training.training_loop import parameter_groups

SEED = 16  # of the foundry's segmentor
SIDE = 64  # of the foundry's images, in pixels


class Examples(NamedTuple):
    """Images uint8 [N, H, W, 3] and their labels uint8 [N, H, W]."""

    images: np.ndarray
    masks: np.ndarray


def pool_examples(pool: Path, samples: pd.DataFrame) -> Examples:
    """Images of a pool with their land cover. Raises WinnowError where one has no mask."""
    with scratch_folder() as scratch:
        images, row = decode(fitted(SIDE), SIDE, pool, samples, scratch / "pixels.npy")
        return Examples(np.array(images), land_cover(pool / "masks", row, SIDE))


def train_standin(
    pool: Path, samples: pd.DataFrame, settings: SegmentorTraining
) -> tuple[Segmentor, list[float]]:
    """The foundry's segmentor, from its seed, and its losses."""
    segmentor = build("unet", CLASSES, SEED)
    return segmentor, fit(segmentor, pool_examples(pool, samples), settings, SEED)


def union(parts: Sequence[Examples]) -> Examples:
    """All examples of several sets, which have images of one size."""
    sizes = {part.images.shape[1:3] for part in parts}
    if len(sizes) > 1:
        shown = " and ".join(f"{wide}x{high}" for high, wide in sorted(sizes))
        raise WinnowError(f"real and generated images have {shown} pixels; draw them of one size")
    return Examples(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))


def pseudo_labels(segmentor: Segmentor, images: np.ndarray, confidence: float) -> np.ndarray:
    """Labels uint8 [N, H, W] that a segmentor gives images, IGNORED where it is less sure."""
    found = [
        np.where(probability >= confidence, labels, IGNORED).astype(np.uint8)
        for labels, probability in predict(segmentor, images)
    ]
    return np.concatenate(found)


def fit(
    segmentor: Segmentor, examples: Examples, settings: SegmentorTraining, seed: int
) -> list[float]:
    """Train a segmentor in place; returns the losses.

    A pixel weighs by its class (`class_weights`). The number of steps depends on `samples_seen` and
    `batch_size` alone, and every example is drawn as often as any other. Raises WinnowError where
    nothing is labelled, or the loss is not finite.
    """
    from mmengine.runner import Runner

    if (examples.masks == IGNORED).all():
        raise WinnowError("no pixel has a label; lower `confidence`, or correct the masks")
    steps = max(1, settings.samples_seen // settings.batch_size)
    segmentor.network.to(memory_format=torch.channels_last)  # a CPU convolves 1.6 times as fast
    _balance(segmentor, class_weights(examples.masks, len(segmentor.classes)))
    losses: list[float] = []
    with scratch_folder() as scratch:
        runner = Runner(
            model=segmentor.network,
            work_dir=str(scratch),
            train_dataloader={
                "batch_size": settings.batch_size,
                "num_workers": 0,
                "sampler": {"type": "InfiniteSampler", "shuffle": True, "seed": seed},
                "dataset": _dataset(examples, segmentor.classes, settings.crop),
            },
            train_cfg={"type": "IterBasedTrainLoop", "max_iters": steps, "val_interval": steps + 1},
            optim_wrapper=_optimiser(segmentor, settings),
            param_scheduler=_schedule(settings.warmup, steps),
            default_hooks={"logger": None, "checkpoint": None, "timer": None},
            custom_hooks=[_recorder(losses)],
            randomness={"seed": seed},
            default_scope="mmseg",
            log_level="ERROR",
        )
        runner.train()
    segmentor.network.eval()
    return losses


def class_weights(masks: np.ndarray, classes: int) -> np.ndarray:
    """What a pixel of each class weighs, float32 [classes]: the inverse square root of the class's
    share of the labelled pixels, so that small things are learned, 1 where all shares are equal."""
    counts = np.bincount(masks[masks != IGNORED], minlength=classes)
    with np.errstate(divide="ignore"):
        weights = np.sqrt(counts.sum() / (classes * counts))
    return np.where(counts > 0, weights, 0).astype(np.float32)


def _balance(segmentor: Segmentor, weights: np.ndarray) -> None:
    """Let heads that sample pixels in no other way weigh them by their classes.

    Not by the loss's `class_weight`: with it mmsegmentation 1.2.2 cannot ignore pixels.
    """
    from mmseg.models.decode_heads.decode_head import BaseDecodeHead
    from mmseg.structures.sampler import BasePixelSampler

    table = torch.zeros(IGNORED + 1, device=segmentor.device)
    table[: len(weights)] = torch.from_numpy(weights)

    class Balanced(BasePixelSampler):
        def sample(self, seg_logit: torch.Tensor, seg_label: torch.Tensor) -> torch.Tensor:
            return table[seg_label.squeeze(1)]

    for module in segmentor.network.modules():
        if isinstance(module, BaseDecodeHead) and module.sampler is None:
            module.sampler = Balanced()


def _dataset(examples: Examples, classes: Sequence[str], crop: int | None) -> Any:
    """The examples as mmsegmentation takes them, cropped and flipped at random."""
    from mmseg.datasets import BaseSegDataset

    class Arrays(BaseSegDataset):
        def load_data_list(self) -> list[dict[str, Any]]:
            return [
                {"img": image, "gt_seg_map": mask, "seg_fields": ["gt_seg_map"]}
                for image, mask in zip(examples.images, examples.masks, strict=True)
            ]

    return Arrays(
        metainfo={"classes": list(classes)},
        serialize_data=False,
        pipeline=[
            {"type": "LoadImageFromNDArray"},
            *([{"type": "RandomCrop", "crop_size": (crop, crop)}] if crop else []),
            {"type": "RandomFlip", "prob": 0.5, "direction": "horizontal"},
            {"type": "RandomFlip", "prob": 0.5, "direction": "vertical"},
            {"type": "PackSegInputs"},
        ],
    )


def _optimiser(segmentor: Segmentor, settings: SegmentorTraining) -> Any:
    """AdamW with clipped gradients; bfloat16 on a CPU too, where mmengine's own wrapper refuses."""
    from mmengine.optim import OptimWrapper

    half, device = is_bfloat16(settings.precision, segmentor.device), segmentor.device.type

    class Autocast(OptimWrapper):
        @contextmanager
        def optim_context(self, model: torch.nn.Module) -> Iterator[None]:
            with super().optim_context(model), torch.autocast(device, torch.bfloat16, enabled=half):
                yield

    groups = parameter_groups(segmentor.network, settings.weight_decay)
    optimiser = torch.optim.AdamW(groups, lr=settings.learning_rate, fused=True)
    return Autocast(optimiser, clip_grad={"max_norm": 1.0})


def _schedule(warmup: float, steps: int) -> list[dict[str, Any]]:
    """Linear warm-up over a share of the steps, then cosine decay to zero."""
    rising = max(1, round(warmup * steps))
    whole = {"by_epoch": False}
    warmed = {"type": "LinearLR", "start_factor": 1 / rising, "begin": 0, "end": rising, **whole}
    decayed = {"type": "CosineAnnealingLR", "T_max": steps - rising, "begin": rising, **whole}
    return [warmed, decayed] if steps > rising else [warmed]


def _recorder(losses: list[float]) -> Any:
    """A hook that records each step's loss and stops where it is not finite."""
    from mmengine.hooks import Hook

    class Recorder(Hook):
        def after_train_iter(
            self, runner: Any, batch_idx: int, data_batch: Any = None, outputs: Any = None
        ) -> None:
            losses.append(outputs["loss"].item())
            if not math.isfinite(losses[-1]):
                raise WinnowError(f"training diverged at step {batch_idx}: lower learning_rate")

    return Recorder()
