"""The track `segmentation`."""

from winnow.params.names import REAL
from winnow.tracks.segmentation.metrics import METRICS, at_headline
from winnow.tracks.segmentation.plan import expected, models, plan
from winnow.tracks.segmentation.settings import Segmentation
from winnow.tracks.track import Track

TRACK = Track(
    name="segmentation",
    title="Segmentation with generated images",
    order=5,
    metrics=METRICS,
    plan=plan,
    page="segmentation",
    legend="mIoU and mAcc: on real images, of segmentors that learned from generated images alone, "
    "drawn from masks; `real` learned from all real labels.",
    settings=Segmentation,
    expected=expected,
    models=models,
    untrained=lambda params, own: (REAL,),
    outcomes="own",
    prefix=at_headline,
    measured_on=("segmentation",),
    trained_on="labels",
)
