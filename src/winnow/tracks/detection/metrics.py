"""Metrics of the track `detection`."""

from winnow.tracks.track import Metric

METRICS = (Metric("average_precision", "noise AP"), Metric("auroc", "noise AUROC"))
