"""How many pairs a method learned from, and which share of its caption set they are."""

from winnow.reporting.cells import PARAMETERS, mapping, trainings
from winnow.reporting.methods import Method
from winnow.reporting.results import Results
from winnow.tracks.registry import TRACKS

ROUNDING = 0.01  # of a ratio that is kept of each scene: no more is made of it


def pairs_kept(results: Results, method: Method) -> int | None:
    """The pairs that a method's subset holds, by the records of any track; None if none says so."""
    for track in (track.name for track in TRACKS if track.by_ratio):
        for cell in results.cells(method._replace(track=track)):
            record = results.sweep.records.get(cell)
            if record is None:
                continue
            known = (mapping(part.get(PARAMETERS)).get("pairs") for part in trainings(record))
            if count := next((n for n in known if isinstance(n, int)), None):
                return count
    return None


def share_kept(results: Results, method: Method) -> float:
    """The share of its caption set's pairs that a method keeps.

    That is its ratio, unless a threshold, a choice by scene or a submitted subset says how much is
    kept: then the ratio is only where its cell stands.
    """
    own, whole = (
        pairs_kept(results, place) for place in (method, method._replace(scorer="none", ratio=1.0))
    )
    if own is None or whole is None or abs(own / whole - method.ratio) < ROUNDING:
        return method.ratio
    return round(own / whole, 3)
