"""The cells of the track `detection`."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from winnow.data.metrics import Cell
from winnow.params.planning import curating, known_truth, selecting

if TYPE_CHECKING:
    from winnow.params.model import Params


def plan(params: "Params", own: None) -> Iterator[Cell]:
    """Every scorer on `raw` if noise of known kinds was added, and the swept ones on the caption
    sets that they curate if the truth is known."""
    known = params.captions.known_noise
    found = {"raw": selecting(params, known) if known else []}
    if known_truth(params):
        found |= {name: curating(params, name) for name in params.sweep.captions}
    for captions, scorers in found.items():
        for scorer in scorers:
            yield Cell(track="detection", captions=captions, scorer=scorer, ratio=1.0, seed=0)
