"""The cells of the track `segmentation`, and what their records must say."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from winnow.data.metrics import Cell
from winnow.data.provenance import without_paths
from winnow.params.names import PRETRAINED, REAL
from winnow.params.planning import known_truth, ratios_of, selective_controls
from winnow.tracks.segmentation.settings import Segmentation

if TYPE_CHECKING:
    from winnow.params.model import Params

NETWORK = "segmentation.network"  # among models: a small one of our own, which has no role


def plan(params: "Params", own: Segmentation) -> Iterator[Cell]:
    """A segmentor of real images alone, and of those beside what each generator draws; none where
    there are no masks."""
    if not known_truth(params) and own.data is None:
        return
    for scorer, ratio in dict.fromkeys([(REAL, 1.0), *generator_subsets(params, own)]):
        for seed in dict.fromkeys(own.seeds):
            yield Cell(track="segmentation", captions="raw", scorer=scorer, ratio=ratio, seed=seed)


def generator_subsets(params: "Params", own: Segmentation) -> list[tuple[str, float]]:
    """Scorers and ratios whose generators draw: only from a pool with masks."""
    if not known_truth(params) or own.data is not None:
        return []
    found = [(PRETRAINED, 1.0)] if own.pretrained else []
    found += [("none", 1.0)]
    controls = selective_controls(params.captions.known_noise) if own.scorers else ()
    found += [(name, params.ratio) for name in controls]
    for name in own.scorers:
        found += [(name, ratio) for ratio in ratios_of(params, name, own.ratios)]
    return found


def models(params: "Params", own: Segmentation) -> Iterator[str]:
    """The roles that it needs, and its network if that is one of ours."""
    if known_truth(params) or own.data is not None:
        yield "segmentor"
        if own.network == "unet":
            yield NETWORK
    if generator_subsets(params, own):
        yield "controlnet"


def expected(params: "Params", own: Segmentation) -> dict[str, dict[str, Any]]:
    """What the records of its cells must say; how their images were drawn differs."""
    return {
        "parameters": params.statistics.model_dump(mode="json"),
        "training": {
            **own.training.model_dump(mode="json"),
            "network": without_paths(own.network),
            **({"confidence": own.text.confidence} if own.text else {}),
        },
    }
