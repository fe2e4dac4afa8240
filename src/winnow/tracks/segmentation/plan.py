"""The cells of the track `segmentation`, and what their records must say."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from winnow.data.metrics import Cell
from winnow.data.provenance import without_paths
from winnow.params.names import PRETRAINED, REAL
from winnow.params.planning import bounds, known_truth, ratios_of
from winnow.tracks.segmentation.settings import Segmentation

if TYPE_CHECKING:
    from winnow.params.model import Params

NETWORK = "segmentation.network"  # among models: a small one of our own, which has no role


def plan(params: "Params", own: Segmentation) -> Iterator[Cell]:
    """A segmentor of real images alone, and those of what each generator draws, alone and beside
    real images; none where there are no masks."""
    if not known_truth(params) and own.data is None:
        return
    subsets = dict.fromkeys([("raw", REAL, 1.0), *generator_subsets(params, own)])
    for captions, scorer, ratio in subsets:
        for seed in own.of_method(captions, scorer, ratio == params.ratio):
            yield Cell(
                track="segmentation", captions=captions, scorer=scorer, ratio=ratio, seed=seed
            )


def generator_subsets(params: "Params", own: Segmentation) -> list[tuple[str, str, float]]:
    """Caption sets, scorers and ratios whose generators draw: only from a pool with masks."""
    if not known_truth(params) or own.data is not None:
        return []
    found = [("raw", PRETRAINED, 1.0)] if own.pretrained else []
    found += [("raw", "none", 1.0)]
    controls = bounds(params) if own.scorers else ()
    found += [("raw", name, params.ratio) for name in controls]
    for name in own.scorers:
        found += [("raw", name, ratio) for ratio in ratios_of(params, name, own.ratios)]
    return found + [(captions, "none", 1.0) for captions in own.captions]


def models(params: "Params", own: Segmentation) -> Iterator[str]:
    """The roles that it needs, and its network if that is one of ours."""
    drawn = bool(generator_subsets(params, own))
    if known_truth(params) or own.data is not None:
        if own.start != "random" or drawn:  # what measures agreement starts from it, too
            yield "segmentor"
        if own.network == "unet":
            yield NETWORK
    if drawn:
        yield from ("t2i", "controlnet")


def expected(params: "Params", own: Segmentation) -> dict[str, dict[str, Any]]:
    """What the records of its cells must say; how their images were drawn differs."""
    return {
        "parameters": params.statistics.model_dump(mode="json"),
        "training": {
            **own.training.model_dump(mode="json"),
            "network": without_paths(own.network),
            "heads": own.start == "whole",
            **({"confidence": own.text.confidence} if own.text else {}),
        },
    }
