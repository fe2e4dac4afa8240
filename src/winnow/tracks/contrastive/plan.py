"""The cells of the track `contrastive`, and what their records must say."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from winnow.data.metrics import Cell
from winnow.params.names import PRETRAINED
from winnow.params.planning import curating, selecting
from winnow.tracks.contrastive.settings import Contrastive

if TYPE_CHECKING:
    from winnow.params.model import Params


def plan(params: "Params", own: Contrastive) -> Iterator[Cell]:
    """The model as it is, and tuned on every subset with every seed."""
    yield Cell(track="contrastive", captions="raw", scorer=PRETRAINED, ratio=1.0, seed=0)
    for captions, scorer, ratio in _subsets(params):
        for seed in dict.fromkeys(params.sweep.seeds):
            yield Cell(
                track="contrastive", captions=captions, scorer=scorer, ratio=ratio, seed=seed
            )


def _subsets(params: "Params") -> Iterator[tuple[str, str, float]]:
    """Caption set, scorer and ratio: all pairs of each set, what each scorer keeps of `raw`, and
    what the swept ones keep of the sets that are curated."""
    sweep = params.sweep
    ratios = sorted({*sweep.ratios, params.ratio})
    yield "raw", "none", 1.0
    for name in selecting(params, params.captions.known_noise):
        alone = params.scorers[name].share or params.ratio
        for ratio in ratios if name in sweep.scorers else [alone]:
            yield "raw", name, ratio
    for captions in sweep.captions:
        yield captions, "none", 1.0
        for name in curating(params, captions):
            yield captions, name, params.ratio


def expected(params: "Params", own: Contrastive) -> dict[str, dict[str, Any]]:
    """What the records of its cells must say."""
    return {
        "parameters": params.statistics.model_dump(mode="json"),
        "training": own.model_dump(mode="json"),
    }
