"""The cells of the track `preference`, and what their records must say."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from winnow.data.metrics import Cell
from winnow.params.names import JUDGE

if TYPE_CHECKING:
    from winnow.params.model import Params


def plan(params: "Params", own: None) -> Iterator[Cell]:
    """Each way to train a score model, and the judge of the preferences that it learns from."""
    given = params.score_model
    methods = [(recipe, seed) for recipe in given.recipes for seed in given.seeds]
    judged = [(JUDGE, 0)] if methods else []
    for scorer, seed in dict.fromkeys([*methods, *judged]):
        yield Cell(track="preference", captions="reference", scorer=scorer, ratio=1.0, seed=seed)


def expected(params: "Params", own: None) -> dict[str, dict[str, Any]]:
    """What the records of its cells must say. How the judge is asked differs from the others."""
    return {"parameters": {"resamples": params.statistics.resamples}}
