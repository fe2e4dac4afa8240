"""Gradient descent as all our training does it: AdamW, linear warm-up, cosine decay, clipping."""

import math
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from tqdm import tqdm

from winnow.data.errors import WinnowError
from winnow.training.settings import Optimiser


def run_training_loop(
    modules: list[torch.nn.Module],
    loss: Callable[[np.ndarray], torch.Tensor],
    rows: int,
    batch: int,
    steps: int,
    settings: Optimiser,
    seed: int,
    attending: AbstractContextManager[Any],
    after: Callable[[], Any] = lambda: None,
) -> list[float]:
    """Train `modules` in place for `steps` on `loss(batch of row numbers)`; returns the losses.

    `attending` is around all steps, `after` runs behind each. Raises WinnowError where the loss is
    no longer finite.
    """
    groups = [
        group for module in modules for group in parameter_groups(module, settings.weight_decay)
    ]
    optimiser = torch.optim.AdamW(
        groups, lr=settings.learning_rate, betas=(0.9, 0.98), eps=1e-6, fused=True
    )
    parameters = [parameter for group in groups for parameter in group["params"]]
    warmup = max(1, round(settings.warmup * steps))
    batches = _batches(rows, batch, seed)
    losses = []
    with attending:
        for step in tqdm(range(steps), unit="step", mininterval=2, file=sys.stderr):
            for group in optimiser.param_groups:
                group["lr"] = settings.learning_rate * _schedule(step, steps, warmup)
            value = loss(next(batches))
            optimiser.zero_grad(set_to_none=True)
            value.backward()
            torch.nn.utils.clip_grad_norm_(parameters, 1.0)
            optimiser.step()
            after()
            losses.append(value.item())
            if not math.isfinite(losses[-1]):
                raise WinnowError(f"training diverged at step {step}: lower learning_rate")
    return losses


def attention(device: torch.device, half: bool, short: bool = False) -> AbstractContextManager[Any]:
    """The kernel of attention: torch's own choice, but where that is slow on a CPU.

    It is the flash kernel, whose backward pass takes seven times as long in bfloat16 as in float32,
    and which gains nothing on `short` sequences, as a CLIP's texts are.
    """
    plain = device.type == "cpu" and (half or short)
    return sdpa_kernel(SDPBackend.MATH) if plain else nullcontext()


def _batches(total: int, batch: int, seed: int) -> Iterator[np.ndarray]:
    """Rows of full batches, for ever; each epoch permutes anew and leaves out its remainder."""
    rng = np.random.default_rng(seed)
    while True:
        order = rng.permutation(total)
        for start in range(0, total - batch + 1, batch):
            yield order[start : start + batch]


def parameter_groups(module: torch.nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Weight decay for matrices and kernels only, as in open_clip; nothing that is frozen."""
    parameters = [p for p in module.parameters() if p.requires_grad]
    decayed = [p for p in parameters if p.ndim >= 2]
    others = [p for p in parameters if p.ndim < 2]
    return [
        {"params": decayed, "weight_decay": weight_decay},
        {"params": others, "weight_decay": 0},
    ]


def _schedule(step: int, steps: int, warmup: int) -> float:
    """Share of the peak learning rate at `step`."""
    if step < warmup:
        return (step + 1) / warmup
    return 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, steps - warmup)))
