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
    legend="mR: mean of the six retrieval recalls. Within-scene AUC: how often an image scores its "
    "own caption above one of another image of its scene (chance: 50 %); not measured where no "
    "scene has two test images. Scene only: what is expected of a model that knows the scene of "
    "each image and caption, and ranks at random inside it. A row that is not above it has learned "
    "no more than scenes.",
    floor="scene only",
    settings=Contrastive,
    expected=expected,
    models=lambda params, own: ("clip", "evaluator_clip", "evaluator_general"),
    untrained=lambda params, own: (PRETRAINED,),
    by_captions=True,
    means=True,
    measured_on=("test", "zeroshot/"),
)
