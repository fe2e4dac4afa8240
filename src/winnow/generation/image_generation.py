"""Drawing with one model and, where masks say what to draw, its ControlNet; what is recorded."""

from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from winnow.data.errors import WinnowError
from winnow.data.files import optional_signed, write_signed
from winnow.data.provenance import provenance, weight_files
from winnow.generation.images import COST, RECORD
from winnow.generation.settings import Sampling


def with_mask_control(
    generator: Any, controlnet: Path, labels: np.ndarray, source: Path
) -> tuple[Any, Any]:
    """The generator with its ControlNet, and labels uint8 [N, S, S] one-hot for it.

    Raises WinnowError for a ControlNet that does not fit the generator, and, naming the labels'
    `source`, for a class that the ControlNet lacks.
    """
    import torch

    from winnow.models import diffusion
    from winnow.training.diffusion import one_hot

    generator = diffusion.with_controlnet(generator, controlnet)
    classes = generator.controlnet.config.conditioning_channels
    if int(labels.max()) >= classes:
        raise WinnowError(
            f"{source}: class {int(labels.max())}; {controlnet} knows 0 to {classes - 1}"
        )
    return generator, one_hot(torch.from_numpy(labels), classes)


def generate_images(
    generator: Any, texts: Sequence[str], settings: Sampling, control: Any = None
) -> Iterator[np.ndarray]:
    """An image uint8 [S, S, 3] for each prompt, each from its own first noise."""
    from winnow.generation.prompts import noise_seeds
    from winnow.generation.sample import sample

    seeds = noise_seeds(settings.seed, len(texts))
    return chain.from_iterable(sample(generator, texts, settings, seeds, control=control))


def write_records(
    folder: Path,
    generator: Any,
    model: Path,
    controlnet: Path | None,
    settings: Sampling,
    inputs: dict[str, Path],
    cost: dict[str, float],
    images: int,
) -> None:
    """Write what drew a folder of images from which inputs, and what that cost."""
    inputs = inputs | weight_files("model", model)
    inputs |= weight_files("controlnet", controlnet) if controlnet else {}
    record = {
        "generator": generator.kind,
        "training": optional_signed(model / "training.json"),  # a published model has none
        **provenance(settings.model_dump(), inputs),
    }
    write_signed(folder / RECORD, record)
    trained = optional_signed(model / COST)
    write_signed(folder / COST, {**cost, "samples": images, "training": trained})
