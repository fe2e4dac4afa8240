"""How well images agree with the masks that they were drawn from: mIoU of a reference segmentor."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from winnow.data.images import resized
from winnow.data.segmentation_set import labelled, read_classes, read_images, read_items, read_masks
from winnow.evaluation.cell_results import Measurement
from winnow.evaluation.segmentation import areas, measure
from winnow.evaluation.settings import Statistics
from winnow.models import diffusion, segmentor
from winnow.models.segmentor import Segmentor
from winnow.tracks.segmentation.metrics import AGREEMENT
from winnow.training.diffusion import encode

CHUNK = 64  # images decoded at once


def agreements(
    reference: Path,
    segments: Path,
    generated: Path | None,
    autoencoder: Path | None,
    settings: Statistics,
) -> Iterator[Measurement]:
    """Yield the agreement of the images in the set `generated` with their masks; or without one
    that of the labelled images of `segments`, and what the `autoencoder` of a generator leaves."""
    judge, place = segmentor.load(reference), generated or segments
    names = labelled(read_items(place), 1.0)["name"].tolist()
    images = {"drawn" if generated else "real": read_images(place, names)}
    if autoencoder is not None:
        images["autoencoder"] = decoded(autoencoder, read_images(place, names))
    masks = read_masks(place, names, len(read_classes(place)))
    for kind, pixels in images.items():
        yield agreement(f"{AGREEMENT}/{kind}", judge, pixels, masks, settings)


def agreement(
    name: str, judge: Segmentor, images: np.ndarray, masks: np.ndarray, settings: Statistics
) -> Measurement:
    """The metric `name`: mIoU of what a segmentor sees in images uint8 [N, H, W, 3] against masks
    [N, H, W]."""
    counted = areas(segmentor.labels(judge, images), masks, len(judge.classes))
    part = measure("", counted, judge.classes, settings.resamples, settings.seed)
    key = "/miou"
    return Measurement(
        {name: part.metrics[key]},
        {name: part.intervals[key]},
        {name: part.n[key]},
        {name: part.draws[key]},
    )


def decoded(generator: Path, images: np.ndarray) -> np.ndarray:
    """Images uint8 [N, S, S, 3] after the autoencoder of a generator, at its size in between: the
    ceiling of what it can draw."""
    import torch

    model = diffusion.load(generator)
    pixels = np.stack([resized(image, model.size) for image in images])
    with torch.inference_mode():
        latents = encode(model, pixels, CHUNK).to(model.device, model.dtype)
        parts = [model.decode(part) for part in latents.split(CHUNK)]
    return np.stack([resized(image, images.shape[1]) for part in parts for image in part])
