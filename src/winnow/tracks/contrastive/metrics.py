"""Metrics of the track `contrastive`."""

from winnow.tracks.track import Metric

METRICS = (
    Metric("mean_recall", "mR"),
    Metric("within_scene_auc", "within-scene AUC"),
    Metric("acc1", "zero-shot @1"),
    Metric("within_scene_recall", "within-scene mR", headline=False, column=False),
)
