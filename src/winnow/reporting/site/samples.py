"""What the browser of samples shows: captions, scores, what is kept, and the known noise."""

import base64
import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from winnow.data.metrics import Cell
from winnow.data.tables import (
    CAPTIONS,
    PAIR,
    SCORES,
    SUBSET,
    TRUTH,
    join_scores,
    read_table,
)
from winnow.reporting.caption_sets import MAIN, in_order
from winnow.reporting.results import CONTROLS, UNSELECTIVE
from winnow.tracks.registry import MAIN as MAIN_TRACK

CLEAN = "clean"
DIGITS = 4  # of a score, significant


class Folders(NamedTuple):
    """Where the tables lie, as a run leaves them; `truth` is None where no noise is known."""

    captions: Path
    scores: Path
    subsets: Path
    truth: Path | None


class Selection(NamedTuple):
    """A scorer and a ratio that keep some of a caption set."""

    scorer: str
    ratio: float


def selections(cells: Sequence[Cell]) -> dict[str, list[Selection]]:
    """Of each caption set from which a planned cell selects: by whom and how much."""
    found: dict[str, dict[Selection, None]] = {}
    for cell in cells:
        if cell.track == MAIN_TRACK.name and cell.scorer not in UNSELECTIVE:
            found.setdefault(cell.captions, {})[Selection(cell.scorer, cell.ratio)] = None
    return {name: sorted(found[name], key=_is_control) for name in main_first(found)}


def main_first(names: Iterable[str]) -> list[str]:
    """Each caption set once: the main one, then the others in the order of the tables."""
    return sorted(in_order(names), key=lambda name: name != MAIN)


def _is_control(selection: Selection) -> bool:
    return selection.scorer in CONTROLS


def chosen_pairs(captions: Path, most: int) -> pd.DataFrame:
    """The pairs (CAPTIONS) of the first images by uid, a digest, so that any order of the source is
    mixed: all of them, or as many whole images as have `most` pairs."""
    pairs = read_table(captions, CAPTIONS).sort_values(PAIR, kind="stable", ignore_index=True)
    if len(pairs) <= most:
        return pairs
    ends = pairs.index[pairs["uid"] != pairs["uid"].shift(-1)] + 1
    fitting = ends[ends <= most]
    return pairs.head(int(fitting.max()) if len(fitting) else most)


def caption_set(
    name: str,
    pairs: pd.DataFrame,
    every: Sequence[Selection],
    folders: Folders,
    images: dict[str, int],
) -> dict[str, Any]:
    """The data of one caption set; `images` says which tile shows which uid.

    Lists run parallel to the pairs. A score is rounded; `kept` holds a bit a pair, the first in the
    highest bit of the first byte. WinnowError names a table that cannot be read, or lacks a
    pair.
    """
    kinds, noise = _noise(name, pairs, folders.truth)
    perspectives, places = _named(pairs["perspective"])
    scorers = dict.fromkeys(selection.scorer for selection in every)
    tables = {scorer: folders.scores / name / f"{scorer}.parquet" for scorer in scorers}
    return {
        "captions": name,
        "image": [images[uid] for uid in pairs["uid"]],
        "caption": pairs["caption_id"].tolist(),
        "text": pairs["text"].tolist(),
        "perspectives": perspectives,
        "perspective": places,
        "kinds": kinds,
        "noise": noise,
        "scores": {scorer: _scores(pairs, path) for scorer, path in tables.items()},
        "subsets": [_subset(name, pairs, selection, folders.subsets) for selection in every],
    }


def _named(values: pd.Series) -> tuple[list[str], list[int]]:
    """The different values in their order, and the place of each among them."""
    places, names = pd.factorize(values)
    return [str(name) for name in names], places.tolist()


def _noise(name: str, pairs: pd.DataFrame, truth: Path | None) -> tuple[list[str], list[int]]:
    """The kinds of noise, `clean` before the others, and which each pair has; nothing where the
    truth does not know."""
    if truth is None or not (truth / f"{name}.parquet").is_file():
        return [], []
    known = read_table(truth / f"{name}.parquet", TRUTH)
    kinds = pairs[PAIR].merge(known, on=PAIR, how="left")["kind"].fillna("unknown")
    names = sorted(kinds.unique(), key=lambda kind: (kind != CLEAN, kind))
    return names, [names.index(kind) for kind in kinds]


def _scores(pairs: pd.DataFrame, path: Path) -> list[float | None]:
    """Rounded; None for what is not finite, which JSON cannot say."""
    scores = join_scores(pairs, read_table(path, SCORES), path).tolist()
    return [float(f"{score:.{DIGITS}g}") if math.isfinite(score) else None for score in scores]


def _subset(name: str, pairs: pd.DataFrame, selection: Selection, subsets: Path) -> dict[str, Any]:
    path = subsets / name / selection.scorer / f"{selection.ratio!r}.parquet"
    kept = pd.MultiIndex.from_frame(read_table(path, SUBSET)[PAIR])
    bits = np.packbits(pd.MultiIndex.from_frame(pairs[PAIR]).isin(kept))
    return {
        "scorer": selection.scorer,
        "ratio": selection.ratio,
        "kept": base64.b64encode(bits.tobytes()).decode(),
    }
