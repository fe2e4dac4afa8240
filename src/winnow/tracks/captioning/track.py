"""The track `captioning`."""

from winnow.tracks.captioning.metrics import METRICS
from winnow.tracks.captioning.plan import plan
from winnow.tracks.track import Track

TRACK = Track(
    name="captioning",
    title="Caption sets",
    order=2,
    metrics=METRICS,
    plan=plan,
    page="captions",
    legend="Caption sets are ranked together where they are measured on the same test images.",
    base_captions="human",
    by_ratio=False,
    by_captions=True,
    outcomes="own",
)
