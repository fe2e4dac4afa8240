"""The track `generation`."""

from winnow.tracks.generation.metrics import METRICS
from winnow.tracks.generation.plan import expected, models, plan, untrained
from winnow.tracks.generation.settings import TextToImage
from winnow.tracks.track import Track

TRACK = Track(
    name="generation",
    title="Text to image",
    order=4,
    metrics=METRICS,
    plan=plan,
    page="generation",
    settings=TextToImage,
    expected=expected,
    models=models,
    untrained=untrained,
    judged="remoteclip_score",
    draws=True,
    measured_on=("test",),
)
