"""Metrics of the track `generation`."""

from winnow.tracks.track import Metric, page_metric

METRICS = (
    Metric("fid", "FID", "number", higher_is_better=False),
    page_metric("kid", "KID", "number", higher_is_better=False),
    page_metric("clip_score", "CLIP score", "number"),
    Metric("remoteclip_score", "RemoteCLIP score", "number"),
    page_metric("scene_accuracy", "scene accuracy", "number"),
)
