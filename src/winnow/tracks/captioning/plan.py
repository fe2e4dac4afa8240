"""The cells of the track `captioning`."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from winnow.data.metrics import Cell

if TYPE_CHECKING:
    from winnow.params.model import Params


def plan(params: "Params", own: None) -> Iterator[Cell]:
    """Each caption set beside `raw`."""
    for captions in params.sweep.captions:
        yield Cell(track="captioning", captions=captions, scorer="none", ratio=1.0, seed=0)
