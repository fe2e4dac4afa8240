"""The track `contrastive`."""

from winnow.params.names import PRETRAINED
from winnow.tracks.contrastive.metrics import METRICS
from winnow.tracks.contrastive.plan import expected, plan
from winnow.tracks.contrastive.settings import Contrastive
from winnow.tracks.track import Track

TRACK = Track(
    name="contrastive",
    title="Retrieval and zero-shot classification",
    order=0,
    metrics=METRICS,
    plan=plan,
    page="contrastive",
    legend="mR: mean of the six retrieval recalls.",
    settings=Contrastive,
    expected=expected,
    models=lambda params, own: ("clip", "evaluator_clip", "evaluator_general"),
    untrained=lambda params, own: (PRETRAINED,),
    by_captions=True,
    means=True,
    measured_on=("test", "zeroshot/"),
)
