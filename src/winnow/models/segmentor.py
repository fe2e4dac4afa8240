"""Segmentors: mmsegmentation's networks, built from a configuration, saved, loaded and asked.

A folder holds `config.json` (the network's configuration and the names of its classes) and
`model.safetensors`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from winnow.data.errors import WinnowError
from winnow.data.files import read_json, write_json
from winnow.models import mmsegmentation, weights
from winnow.models.networks import Config, check, configuration

CONFIG = "config.json"
WEIGHTS = "model.safetensors"
BATCH = 50  # images labelled at once
LAST = ".conv_seg."  # the layer of a head that has an output for each class


@dataclass(frozen=True)
class Segmentor:
    """A network of mmsegmentation, and the names of the labels 0, 1, ... that it gives."""

    network: Any
    classes: list[str]
    config: Config
    device: torch.device


def build(
    network: str, classes: Sequence[str], seed: int, checkpoint: str | None = None
) -> Segmentor:
    """A new segmentor, its weights drawn from `seed`, or read from `checkpoint`."""
    torch.manual_seed(seed)
    segmentor = _built(configuration(network, len(classes)), classes, network)
    segmentor.network.init_weights()
    if checkpoint is not None:
        _start_from(segmentor.network, Path(checkpoint))
    return segmentor


def save(segmentor: Segmentor, folder: Path) -> None:
    """Write a segmentor into a folder that exists."""
    write_json(folder / CONFIG, {"model": segmentor.config, "classes": segmentor.classes})
    weights.write(segmentor.network.state_dict(), folder / WEIGHTS)


def load(folder: Path) -> Segmentor:
    """Read a segmentor, strictly. Raises WinnowError naming the file."""
    path = folder / CONFIG
    content = read_json(path)
    try:
        config, classes = content["model"], list(content["classes"])
    except (KeyError, TypeError) as error:
        raise WinnowError(f"{path}: needs model and classes; train the segmentor again") from error
    check(config, path)
    segmentor = _built(config, classes, path)
    weights.fill(segmentor.network.state_dict(), weights.read(folder / WEIGHTS), folder / WEIGHTS)
    return segmentor


def _built(config: Config, classes: Sequence[str], where: str | Path) -> Segmentor:
    mmsegmentation.load()
    from mmengine import ConfigDict
    from mmseg.registry import MODELS

    try:
        network = MODELS.build(ConfigDict(config))
    except (KeyError, TypeError, ValueError, AssertionError, AttributeError) as error:
        raise WinnowError(f"{where}: mmsegmentation cannot build it: {error}") from error
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return Segmentor(network.to(device).eval(), list(classes), config, device)


def _start_from(network: Any, path: Path) -> None:
    """Fill a network with the weights of a file: all of them, or its backbone's alone.

    The last layers of the heads stay as drawn where the file has another number of classes.
    """
    found = weights.read_state(path)
    expected = network.state_dict()
    if not any(key.startswith("decode_head.") for key in found):
        found = {f"backbone.{key.removeprefix('backbone.')}": found[key] for key in found}
        expected = {key: expected[key] for key in expected if key.startswith("backbone.")}
    fresh = {
        key
        for key in expected
        if LAST in f".{key}" and key in found and found[key].shape != expected[key].shape
    }
    kept = {key: value for key, value in expected.items() if key not in fresh}
    weights.fill(kept, {key: found[key] for key in found if key not in fresh}, path)


def predict(segmentor: Segmentor, images: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield batches of labels uint8 [B, H, W] of images uint8 [N, H, W, 3], in their order, and how
    probable each is, float32 [B, H, W]."""
    from mmseg.structures import SegDataSample

    size = images.shape[1:3]
    meta = {"ori_shape": size, "img_shape": size}
    segmentor.network.eval()
    for start in range(0, len(images), BATCH):
        batch = torch.from_numpy(images[start : start + BATCH]).permute(0, 3, 1, 2)
        blank = [SegDataSample(metainfo=meta) for _ in batch]
        with torch.inference_mode():
            samples = segmentor.network.test_step({"inputs": list(batch), "data_samples": blank})
            logits = torch.stack([sample.seg_logits.data for sample in samples]).float()
            best = logits.softmax(dim=1).max(dim=1)
        yield best.indices.to(torch.uint8).cpu().numpy(), best.values.cpu().numpy()


def labels(segmentor: Segmentor, images: np.ndarray) -> np.ndarray:
    """Labels uint8 [N, H, W] of images uint8 [N, H, W, 3]."""
    return np.concatenate([found for found, _ in predict(segmentor, images)])
