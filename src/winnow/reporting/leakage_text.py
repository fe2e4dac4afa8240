"""The leakage audit as a page."""

from collections.abc import Hashable, Sequence
from typing import Any

import pandas as pd

from winnow.reporting.leakage import Audit, Row
from winnow.reporting.ratios import kept
from winnow.reporting.text import EMPTY, markdown, markdown_table, percent
from winnow.tracks.registry import TRACKS

SHOWN = 100  # pairs on the page
KINDS = {
    "bytes": "the same file",
    "pixels": "the same pixels",
    "same": "another encoding",
    "turn": "turned or mirrored",
    "crop": "a crop",
}


def leakage_md(audit: Audit, found: Sequence[Row], scale: str) -> str:
    """The page: struck rows, pairs of images, what was compared, captions."""
    return "\n".join(
        [
            f"# Leakage audit (scale `{markdown(scale)}`)\n",
            *_struck(found),
            *_pairs(audit),
            *_compared(audit.compared, audit.pairs),
            *_echoed(audit),
        ]
    )


def _struck(found: Sequence[Row]) -> list[str]:
    struck = [row for row in found if row.struck]
    unknown = [row for row in found if row.reason]
    lines = [
        f"{len(struck)} of {len(found)} rows are struck out: they learned from images that are in "
        "an evaluation set of their track, too.\n"
        if struck
        else f"None of {len(found)} rows learned from an image of its evaluation sets.\n"
    ]
    if struck:
        header = ["track", "captions", "scorer", "keep", "evaluation sets", "images", "pairs"]
        body = [
            [
                *(markdown(name) for name in row.method[:3]),
                kept(row.method.ratio),
                markdown(", ".join(sorted(set(row.leaks["evaluation"])))),
                str(EMPTY if row.images is None else row.images),
                str(len(row.leaks)),
            ]
            for row in struck
        ]
        lines.append(markdown_table(header, body, left=5))
    if unknown:
        reasons = dict.fromkeys(row.reason for row in unknown)
        lines.append("Not audited:\n")
        for reason in reasons:
            names = [_name(row) for row in unknown if row.reason == reason]
            lines.append(f"- {markdown(reason)}: {markdown(', '.join(names))}")
        lines.append("")
    return lines


def _name(row: Row) -> str:
    return f"{row.method.track} {row.method.captions} / {row.method.scorer}"


def _pairs(audit: Audit) -> list[str]:
    lines = ["## Images in a training and an evaluation set\n"]
    if audit.pairs.empty:
        return [*lines, "None was found.\n"]
    said = {(e["uid"], e["other"]): e["kind"] for e in _rows(audit.echoes)}
    header = [
        "learned from",
        "image",
        "evaluation set",
        "image there",
        "is",
        "similarity",
        "caption",
    ]
    body = [
        [
            markdown(leak["trained"]),
            f"`{leak['uid']}`",
            markdown(leak["evaluation"]),
            f"`{leak['other']}`",
            KINDS.get(leak["kind"], markdown(leak["kind"])),
            f"{leak['similarity']:.3f}",
            said.get((leak["uid"], leak["other"]), EMPTY),
        ]
        for leak in _rows(audit.pairs.head(SHOWN))
    ]
    more = len(audit.pairs) - SHOWN
    return [
        *lines,
        markdown_table(header, body, left=5),
        "Similarity: correlation of the aligned images, 1 where they are equal. Caption: whether "
        "one of both says the same (equal), or the same but for a word (near). Images of the split "
        "`reference` train scorers and judges, no row: they are named and strike nothing out. Such "
        "a scorer knows those that are in the pool, too, before it scores them, and before "
        "detection is measured on them.\n",
        *([f"{more} more are in `artifacts/leakage/pairs.parquet`.\n"] if more > 0 else []),
    ]


def _compared(compared: pd.DataFrame, pairs: pd.DataFrame) -> list[str]:
    counts = pairs.groupby(["trained", "evaluation"]).size()
    header = ["training set", "evaluation set", "images", "images there", "pairs"]
    body = [
        [
            markdown(row["trained"]),
            markdown(row["evaluation"]),
            str(row["images"]),
            str(row["others"]),
            str(counts.get((row["trained"], row["evaluation"]), 0)),
        ]
        for row in _rows(compared)
    ]
    tracks = "; ".join(
        f"{track.name}: {', '.join(name.rstrip('/') for name in track.measured_on)}"
        for track in TRACKS
        if track.measured_on
    )
    return [
        "## What was compared\n",
        markdown_table(header, body, left=2),
        f"The evaluation sets of each track: {tracks}.\n",
    ]


def _echoed(audit: Audit) -> list[str]:
    header = ["caption set", "split", "captions", "equal", "near", "in common"]
    body = [
        [
            markdown(row["captions"]),
            markdown(row["split"]),
            str(row["total"]),
            str(row["equal"]),
            str(row["near"]),
            percent((row["equal"] + row["near"]) / row["total"]) if row["total"] else EMPTY,
        ]
        for row in _rows(audit.echoed)
    ]
    return [
        "## Captions that say what one of the test split says\n",
        markdown_table(header, body, left=2),
        "In common: per cent of the captions. A phrase in common is no leak: people who describe "
        "like scenes write alike. The human captions of the split `reference` show how often that "
        "happens by itself; a set of the pool far above them deserves a look. A caption strikes "
        "nothing out by itself; with its image it stands in the table above.\n",
    ]


def _rows(table: pd.DataFrame) -> list[dict[Hashable, Any]]:
    return table.to_dict("records")
