"""Metrics of the track `contrastive`."""

from winnow.tracks.track import Metric

METRICS = (Metric("mean_recall", "mR"), Metric("acc1", "zero-shot @1"))
