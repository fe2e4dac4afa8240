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

from winnow.data.digests import check_digests, write_digests
from winnow.data.errors import WinnowError
from winnow.data.files import atomic_path, read_json, write_json
from winnow.models import mmsegmentation, weights
from winnow.models.segmentation_networks import Config, check, configuration

CONFIG = "config.json"
WEIGHTS = "model.safetensors"
BATCH = 50  # images labelled at once
BACKBONE = "backbone."  # what the keys of a backbone's weights begin with


@dataclass(frozen=True)
class Segmentor:
    """A network of mmsegmentation, and the names of the labels 0, 1, ... that it gives."""

    network: Any
    classes: list[str]
    config: Config
    device: torch.device


def build(network: str, classes: Sequence[str], seed: int, start: Path | None = None) -> Segmentor:
    """A new segmentor: its weights are drawn from `seed`, its backbone's read from a model's folder
    where `start` is one."""
    torch.manual_seed(seed)
    segmentor = _built(configuration(network, len(classes)), classes, network)
    try:
        segmentor.network.init_weights()
    except Exception as error:  # as below
        raise WinnowError(f"{network}: mmsegmentation cannot start it: {error}") from error
    if start is not None:
        check_digests(start)
        _start_from(segmentor.network, start / WEIGHTS)
    return segmentor


def save(segmentor: Segmentor, folder: Path) -> None:
    """Write a segmentor into a folder that exists."""
    write_json(folder / CONFIG, {"model": segmentor.config, "classes": segmentor.classes})
    weights.write(segmentor.network.state_dict(), folder / WEIGHTS)
    write_digests(folder)


def load(folder: Path) -> Segmentor:
    """Read a segmentor, strictly. Raises WinnowError naming the file."""
    check_digests(folder)
    path = folder / CONFIG
    content = read_json(path)
    config, classes = (
        content.get(key) if isinstance(content, dict) else None for key in ("model", "classes")
    )
    if not config or not isinstance(classes, list) or not all(isinstance(c, str) for c in classes):
        raise WinnowError(f"{path}: needs model and classes; train the segmentor again")
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
    except Exception as error:  # of many kinds, whatever does not fit
        raise WinnowError(f"{where}: mmsegmentation cannot build it: {error}") from error
    return Segmentor(network.to(weights.device()).eval(), list(classes), config, weights.device())


def fetch(file: Path, output: Path) -> None:
    """Write a model's folder of a file of weights: safetensors, or a state dict of `torch.save`."""
    state = weights.read_state(file)
    with atomic_path(output) as folder:
        weights.write(state, folder / WEIGHTS)
        write_digests(folder)


def _start_from(network: Any, path: Path) -> None:
    """Fill a network's backbone with that of a file: of a whole segmentor's weights, whose heads
    are left out, or a backbone's alone."""
    found = weights.read(path)
    if any(key.startswith(BACKBONE) for key in found):
        found = {key: value for key, value in found.items() if key.startswith(BACKBONE)}
    else:
        found = {BACKBONE + key: value for key, value in found.items()}
    expected = network.state_dict()
    expected = {key: value for key, value in expected.items() if key.startswith(BACKBONE)}
    weights.fill(expected, found, path)


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
