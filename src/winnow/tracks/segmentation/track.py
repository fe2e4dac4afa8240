"""The track `segmentation`."""

from winnow.params.names import REAL
from winnow.tracks.segmentation.metrics import METRICS, at_most_labels
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
    legend="mIoU and mAcc: at the largest share of the labels, generated images with exact labels.",
    settings=Segmentation,
    expected=expected,
    models=models,
    untrained=lambda params, own: (REAL,),
    outcomes="own",
    resamples_seeds=True,
    prefix=at_most_labels,
    measured_on=("segmentation",),
    trained_on="labels",
)
