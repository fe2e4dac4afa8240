"""Metrics of the track `generation`."""

from winnow.tracks.track import Metric

METRICS = (
    Metric("fid", "FID", "number", higher_is_better=False),
    Metric("remoteclip_score", "RemoteCLIP score", "number"),
)
