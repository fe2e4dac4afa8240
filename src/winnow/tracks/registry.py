"""All tracks, found by their folders; what a run plans and expects of them together."""

from collections.abc import Iterable
from importlib import import_module
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from winnow.data.metrics import Cell
from winnow.tracks.track import Track

if TYPE_CHECKING:
    from winnow.params.model import Params

DECLARED = "winnow.tracks.*.track"  # the digest of a command's code follows such a pattern


def _declared() -> Iterable[Track]:
    for path in Path(__file__).parent.glob("*/track.py"):
        yield import_module(DECLARED.replace("*", path.parent.name)).TRACK


TRACKS = tuple(sorted(_declared(), key=lambda track: (track.order, track.name)))
BY_NAME = {track.name: track for track in TRACKS}
MAIN = TRACKS[0]
# Tracks that are named in papers and that nothing measures yet.
UNMEASURED = {"vlm": "nothing fine-tunes a vision-language model yet"}


def own_section(params: "Params", track: Track) -> Any:
    """A track's section of the parameters; None if it has none."""
    return getattr(params, track.name) if track.settings else None


def cells(params: "Params") -> list[Cell]:
    """Every experiment of a run, controls included.

    First those of the tracks `by_captions`, caption set by caption set; then the other tracks'.
    """
    sets = ["raw", *params.sweep.captions]

    def place(cell: Cell) -> tuple[int, int, str]:
        track = BY_NAME[cell.track]
        return (0, sets.index(cell.captions), track.name) if track.by_captions else (
            1, track.order, track.name,
        )  # fmt: skip

    return sorted((c for t in TRACKS for c in t.plan(params, own_section(params, t))), key=place)


def methods(planned: Iterable[Cell]) -> list[tuple[str, str, str, float, list[int]]]:
    """Cells that follow each other and differ in their seeds alone: track, captions, scorer, ratio
    and the seeds."""
    grouped = groupby(planned, lambda cell: (cell.track, cell.captions, cell.scorer, cell.ratio))
    return [(*method, [cell.seed for cell in found]) for method, found in grouped]


def expected(params: "Params") -> dict[str, dict[str, dict[str, Any]]]:
    """By track what the records of its cells must say: the parameters of their evaluations, and of
    what was trained and drawn for them. What differs from cell to cell is left out."""
    return {track.name: track.expected(params, own_section(params, track)) for track in TRACKS}


def untrained(params: "Params") -> list[str]:
    """The names in the place of a scorer whose cells learn from no subset of the pool."""
    names = [name for t in TRACKS for name in t.untrained(params, own_section(params, t))]
    return list(dict.fromkeys(names))


def models(params: "Params") -> set[str]:
    """The roles that cells need by their tracks, and small networks of tracks by their keys."""
    return {name for t in TRACKS for name in t.models(params, own_section(params, t))}
