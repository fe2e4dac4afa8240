"""IoU and accuracy of segmentors, as mmsegmentation's IoUMetric counts them, with intervals.

Areas add up over the images, then IoU = intersection / union and accuracy = intersection / label
for each class, and their means over the classes that occur. So a resample of the images (Efron &
Tibshirani 1993) is a weighted sum of the areas of each.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from winnow.data.segmentation_set import IGNORED
from winnow.evaluation.cell_results import Measurement
from winnow.evaluation.statistics import cluster_weights, percentile_interval

AREAS = ("intersection", "union", "prediction", "label")


def areas(predicted: np.ndarray, truth: np.ndarray, classes: int) -> np.ndarray:
    """Pixels of each image, kind of AREAS and class, float64 [N, 4, C], by mmsegmentation's metric.

    `predicted` and `truth` are labels uint8 [N, H, W]; where the truth is IGNORED nothing counts.
    """
    import torch

    from winnow.models import mmsegmentation

    mmsegmentation.load()
    from mmseg.evaluation import IoUMetric

    count = IoUMetric.intersect_and_union
    found = [
        torch.stack(count(torch.from_numpy(ours), torch.from_numpy(theirs), classes, IGNORED))
        for ours, theirs in zip(predicted, truth, strict=True)
    ]
    return torch.stack(found).double().numpy()


def rates(total: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """IoU and accuracy [..., C] of total areas [..., 4, C]; NaN for a class that does not occur."""
    intersection, union, _, label = np.moveaxis(total, -2, 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return intersection / union, intersection / label


def measure(
    name: str, counted: np.ndarray, classes: Sequence[str], resamples: int, seed: int
) -> Measurement:
    """`{name}/miou`, `{name}/macc` and `{name}/iou/{class}` of areas [N, 4, C].

    Equal resamples of the images, whatever `name`: two segmentors of one test set pair draw by
    draw. A class that does not occur has no metric.
    """
    weights = cluster_weights(np.random.default_rng(seed), resamples, len(counted))
    drawn = np.tensordot(weights, counted, axes=1)
    values, spread = _named(name, counted.sum(axis=0), classes), _named(name, drawn, classes)
    known = {key: float(value) for key, value in values.items() if np.isfinite(value)}
    draws = {key: spread[key] for key in known}
    intervals = {key: percentile_interval(draw).tolist() for key, draw in draws.items()}
    pairs = {key: (low, high) for key, (low, high) in intervals.items()}
    return Measurement(known, pairs, dict.fromkeys(known, len(counted)), draws)


def _named(name: str, total: np.ndarray, classes: Sequence[str]) -> dict[str, np.ndarray]:
    """Metrics by name of total areas [..., 4, C]."""
    iou, accuracy = rates(total)
    found = {f"{name}/miou": _mean(iou), f"{name}/macc": _mean(accuracy)}
    return found | {f"{name}/iou/{label}": iou[..., i] for i, label in enumerate(classes)}


def _mean(values: np.ndarray) -> np.ndarray:
    """The mean over the classes that occur."""
    occurs = np.isfinite(values)
    return np.asarray(np.where(occurs, values, 0).sum(axis=-1) / occurs.sum(axis=-1))


def outcomes(
    name: str, counted: np.ndarray, images: Sequence[str], classes: Sequence[str]
) -> pd.DataFrame:
    """OUTCOMES of areas [N, 4, C]: `{name}/{kind}/{class}`, the pixels of each image."""
    metrics = [f"{name}/{kind}/{label}" for kind in AREAS for label in classes]
    return pd.DataFrame(
        {
            "metric": np.tile(metrics, len(images)),
            "query": np.repeat(list(images), len(metrics)),
            "group": np.repeat(list(images), len(metrics)),
            "value": counted.reshape(-1),
        }
    )
