"""The cells of the track `generation`, and what their records must say."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from winnow.data.metrics import Cell
from winnow.params.names import PRETRAINED
from winnow.params.planning import ratios_of, selective_controls
from winnow.tracks.generation.settings import TextToImage

if TYPE_CHECKING:
    from winnow.params.model import Params


def plan(params: "Params", own: TextToImage) -> Iterator[Cell]:
    """Generators that draw as they are; and fine-tuned: on all pairs, on subsets, on other sets."""
    for name in untrained(params, own):
        yield Cell(track="generation", captions="raw", scorer=name, ratio=1.0, seed=0)
    for captions, scorer, ratio in dict.fromkeys(_subsets(params, own)):
        for seed in dict.fromkeys(own.seeds):
            yield Cell(track="generation", captions=captions, scorer=scorer, ratio=ratio, seed=seed)


def _subsets(params: "Params", own: TextToImage) -> Iterator[tuple[str, str, float]]:
    """Caption set, scorer and ratio of what generators are fine-tuned on."""
    yield "raw", "none", 1.0
    if own.scorers:
        for name in selective_controls(params.captions.known_noise):
            yield "raw", name, params.ratio
    for name in own.scorers:
        for ratio in ratios_of(params, name, own.ratios):
            yield "raw", name, ratio
    for captions in own.captions:
        yield captions, "none", 1.0


def untrained(params: "Params", own: TextToImage) -> tuple[str, ...]:
    """The generators that draw as they are."""
    return (PRETRAINED, *own.baselines)


def models(params: "Params", own: TextToImage) -> Iterator[str]:
    """The roles of what draws and of what measures."""
    yield from ("t2i", "evaluator_clip", "evaluator_general")
    yield from (baseline.model for baseline in own.baselines.values() if baseline.model)


def expected(params: "Params", own: TextToImage) -> dict[str, dict[str, Any]]:
    """What the records of its cells must say."""
    resampled = params.statistics.model_dump(mode="json")
    return {
        "parameters": own.metrics.model_dump(mode="json") | {"statistics": resampled},
        "training": own.training.model_dump(mode="json"),
        "drawing": own.sampling.model_dump(mode="json"),
    }
