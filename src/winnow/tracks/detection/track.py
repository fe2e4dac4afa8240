"""The track `detection`."""

from winnow.tracks.detection.metrics import METRICS
from winnow.tracks.detection.plan import plan
from winnow.tracks.track import Track

TRACK = Track(
    name="detection",
    title="Finding the known noise",
    order=1,
    metrics=METRICS,
    plan=plan,
    page="detection",
    legend="Noise AP and AUROC: how well the scorer finds noisy pairs.",
    base="random",  # `none` keeps all and finds nothing
    apart=True,  # their noise is not the same
    by_ratio=False,  # what a scorer finds
    by_captions=True,
    outcomes=None,
)
