"""The track `preference`."""

from winnow.tracks.preference.metrics import METRICS
from winnow.tracks.preference.plan import expected, plan
from winnow.tracks.track import Track

TRACK = Track(
    name="preference",
    title="Score models",
    order=3,
    metrics=METRICS,
    plan=plan,
    page="score_models",
    expected=expected,
    by_ratio=False,
    outcomes="own",
    summary="winnow.evaluation.preference:summary",
    measured_on=("preferences",),
    trained_on="preferences",
)
