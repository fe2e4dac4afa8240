"""Metrics of the track `preference`, which has no board: its methods are no scorers."""

from winnow.tracks.track import Metric, page_metric

PARTS = ("accuracy/caption", "accuracy/instruction")
METRICS = (
    Metric("accuracy", "mean", headline=False, column=False, mean_of=PARTS),
    Metric("accuracy/caption", "captions", headline=False, column=False),
    Metric("accuracy/instruction", "instructions", headline=False, column=False),
    page_metric("accuracy/closed", "closed"),
    page_metric("accuracy/open", "open"),
    page_metric("accuracy/remote_sensing", "remote sensing"),
    page_metric("accuracy/text", "text"),
    Metric("agreement/caption", "agreement on captions", headline=False, column=False),
)
