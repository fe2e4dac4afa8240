"""Which of some images are versions of which others."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from winnow.curation.perceptual_hash import (
    BITS,
    CROPS,
    TURNS,
    WHOLE,
    Hashes,
    correlation,
    fitted,
    hashes,
    turn,
    view,
)

BATCH = 256  # images hashed at once
NEARLY_WHOLE = (0.0, 0.0, 0.97)  # where the fit of a crop begins that no box of CROPS is like


class Match(NamedTuple):
    """Image `one` is a version of image `other`, by `edit`: same, turn or crop."""

    one: int
    other: int
    edit: str
    similarity: float


class Gallery:
    """Images that others are compared with: brightness uint8 [N, SIDE, SIDE], and their hashes."""

    def __init__(self, greys: np.ndarray):
        self.greys = greys
        parts = np.array_split(greys, len(greys) // BATCH + 1)  # views take ten times what is kept
        found = zip(*map(hashes, parts), strict=True)
        self.hashes = Hashes(*(np.concatenate(views, axis=-2) for views in found))


def matches(greys: np.ndarray, gallery: Gallery, distance: int, bar: float) -> list[Match]:
    """The images `greys` [N, SIDE, SIDE] that are versions of some in `gallery`, by row.

    Two views may be one if their hashes differ in at most `distance` bits; they are if their detail
    correlates by `bar` or more, crops being fitted first. Of a pair the simplest edit counts.
    """
    found: dict[tuple[int, int], Match] = {}
    for kind, place, one, other in _candidates(hashes(greys), gallery.hashes, distance):
        near = _verified(kind, place, greys[one], gallery.greys[other])
        for edit, similarity in near.items():
            for row in np.flatnonzero(similarity >= bar):
                key = (int(one[row]), int(other[row]))
                match = Match(*key, edit, float(min(similarity[row], 1)))
                best = found.setdefault(key, match)
                if best.edit == edit and match.similarity > best.similarity:
                    found[key] = match
    return [found[key] for key in sorted(found)]


def _candidates(
    own: Hashes, theirs: Hashes, distance: int
) -> Iterator[tuple[str, int, np.ndarray, np.ndarray]]:
    """How two views are related (and which of TURNS or CROPS), and the pairs that agree."""
    views = [("same", 0, own.whole, theirs.whole)]
    views += [("turn", i, own.whole, theirs.turned[i]) for i in range(len(TURNS))]
    views += [("part", i, own.whole, theirs.cropped[i]) for i in range(len(CROPS))]
    views += [("whole", i, own.cropped[i], theirs.whole) for i in range(len(CROPS))]
    bar = BITS - 2 * distance
    for kind, place, one, other in views:
        ones, others = np.nonzero(one @ other.T >= bar)
        if len(ones):
            yield kind, place, ones, others


def _verified(kind: str, place: int, one: np.ndarray, other: np.ndarray) -> dict[str, np.ndarray]:
    """By edit, how alike the images `one` and `other` [N, SIDE, SIDE] are."""
    whole = np.tile(WHOLE, (len(one), 1))
    ones, others = view(one, whole), view(other, whole)
    if kind == "turn":
        return {"turn": correlation(ones, turn(others, *TURNS[place]))}
    if kind == "part":
        return {"crop": _cropped(ones, other, CROPS[place])}
    if kind == "whole":
        return {"crop": _cropped(others, one, CROPS[place])}
    ways = _cropped(ones, other, NEARLY_WHOLE), _cropped(others, one, NEARLY_WHOLE)
    return {"same": correlation(ones, others), "crop": np.maximum(*ways)}


def _cropped(views: np.ndarray, greys: np.ndarray, box: tuple[float, float, float]) -> np.ndarray:
    """How alike views are to the part of images near a box that fits best."""
    boxes = np.tile(box, (len(greys), 1))
    return correlation(views, view(greys, fitted(views, greys, boxes)))
