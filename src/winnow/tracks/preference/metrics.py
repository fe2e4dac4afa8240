"""Metrics of the track `preference`, which has no board: its methods are no scorers."""

from winnow.tracks.track import Metric

METRICS = tuple(
    Metric(key, label, headline=False, column=False)
    for key, label in (
        ("accuracy", "mean"),
        ("accuracy/caption", "captions"),
        ("accuracy/instruction", "instructions"),
        ("agreement/caption", "agreement on captions"),
    )
)
