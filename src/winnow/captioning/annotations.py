"""Boxes and masks that an annotated data set comes with, as one table of labelled boxes."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd

from winnow.captioning.coco import clipped, read_coco
from winnow.captioning.masks import pool_masks, read_masks
from winnow.captioning.matching import Fault, Row
from winnow.captioning.rules import rule_captions
from winnow.captioning.settings import Annotations
from winnow.data.tables import ANNOTATIONS
from winnow.terrarium.schema import Layout
from winnow.terrarium.words import NOUNS

SHOWN = 5  # places named for each reason
REASONS = 20  # reasons told apart


def annotations(
    pool: Path, samples: pd.DataFrame, layouts: pd.DataFrame, settings: Annotations
) -> tuple[pd.DataFrame, list[Fault]]:
    """ANNOTATIONS of all images of a pool, in its order, and what could not be used.

    They come from Terrarium's layouts and masks where the pool has them, and from the files that
    `settings` names. Of an image's masks the label that covers most comes first. Raises WinnowError
    for a file that cannot be read at all, or of which nothing belongs to the pool.
    """
    rows: list[Row] = [*_layout_boxes(layouts), *pool_masks(pool / "masks", settings.min_area)]
    faults: list[Fault] = []
    if settings.coco is not None:
        found, bad = read_coco(Path(settings.coco), samples)
        rows, faults = rows + found, faults + bad
    if settings.masks is not None:
        found, bad = read_masks(Path(settings.masks), settings, samples)
        rows, faults = rows + found, faults + bad
    order = {uid: place for place, uid in enumerate(samples["uid"])}
    rows.sort(key=lambda row: order.get(row[0], len(order)))  # stable: of an image as they came
    return pd.DataFrame(rows, columns=list(ANNOTATIONS)), faults


def _layout_boxes(layouts: pd.DataFrame) -> Iterator[Row]:
    """Class and box of each thing: what a person would have drawn, and no more of the truth."""
    for uid, text in zip(layouts["uid"], layouts["layout"], strict=True):
        for thing in Layout.from_json(text, uid).things:
            box = clipped(*thing.box)
            if box is not None:
                yield uid, "box", NOUNS[thing.kind][0][0], *box


def describe(rows: pd.DataFrame, faults: Sequence[Fault]) -> str:
    """What was found, and what was left out: each reason with its count and first places."""
    counts = rows["origin"].value_counts().sort_index().items()
    origins = ", ".join(f"{count} of origin {origin}" for origin, count in counts) or "none"
    places: dict[str, list[str]] = defaultdict(list)
    for reason, place in faults:
        places[reason].append(place)
    often = sorted(places.items(), key=lambda item: -len(item[1]))
    lines = [
        f"left out: {len(found)} x {reason}: {', '.join(found[:SHOWN])}"
        + (", ..." if len(found) > SHOWN else "")
        for reason, found in often[:REASONS]
    ]
    if len(often) > REASONS:
        lines.append(f"left out for {len(often) - REASONS} more reasons")
    return "\n".join([f"boxes of {rows['uid'].nunique()} images: {origins}", *lines])


def own_rules(pool: Path, samples: pd.DataFrame, layouts: pd.DataFrame) -> pd.DataFrame:
    """Rule captions of `samples`, of whatever split, from the pool's own layouts and masks."""
    rows, _ = annotations(pool, samples, layouts, Annotations.model_validate({}))
    return rule_captions(samples.assign(split="pool"), rows)
