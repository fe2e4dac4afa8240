"""The page of the leakage audit."""

from collections.abc import Iterator, Sequence

import pandas as pd

from winnow.reporting.emit.markdown import bullets, markdown
from winnow.reporting.leakage import NAMED, Audit, Leaked
from winnow.reporting.table import Column, Page, Table, plain
from winnow.reporting.values import PERCENT, kept
from winnow.tracks.registry import TRACKS

SHOWN = 100  # pairs on the page
KINDS = {
    "bytes": "the same file",
    "pixels": "the same pixels",
    "same": "another encoding",
    "turn": "turned or mirrored",
    "crop": "a crop",
}
NUMBER = "{:d}".format
COLUMNS = ("track", "captions", "scorer", "ratio", "images", "pairs", "struck", "sets", "named",
           "reason")  # fmt: skip


def leakage_table(found: Sequence[Leaked]) -> Table:
    """A row a method of the tracks that train; `pairs` is blank where nothing was audited."""
    rows = [
        {
            **row.method._asdict(),
            "images": row.images,
            "pairs": None if row.reason else len(row.leaks),
            "struck": row.struck,
            "sets": ";".join(row.sets),
            "named": "; ".join(_named(row.leaks)),
            "reason": row.reason,
        }
        for row in found
    ]
    return Table(plain(*COLUMNS), rows)


def _named(leaks: pd.DataFrame) -> Iterator[str]:
    for leak in leaks.head(NAMED).itertuples():
        yield f"{leak.uid} in {leak.evaluation} as {leak.other} ({leak.kind} {leak.similarity:.2f})"
    if len(leaks) > NAMED:
        yield f"and {len(leaks) - NAMED} more"


def leakage_page(audit: Audit, found: Sequence[Leaked], scale: str) -> Page:
    """Struck rows, pairs of images, what was compared, captions."""
    return [
        f"# Leakage audit (scale `{markdown(scale)}`)",
        *_struck(found),
        "## Images in a training and an evaluation set",
        *_pairs(audit),
        "## What was compared",
        *_compared(audit.compared, audit.pairs),
        "## Captions that say what one of the test split says",
        *_echoed(audit),
    ]


def _struck(found: Sequence[Leaked]) -> Iterator[str | Table]:
    struck = [row for row in found if row.struck]
    if not struck:
        yield f"None of {len(found)} rows learned from an image of its evaluation sets."
    else:
        yield (
            f"{len(struck)} of {len(found)} rows are struck out: they learned from images that are "
            "in an evaluation set of their track, too."
        )
        columns = [Column(key, key) for key in ("track", "captions", "scorer")]
        columns += [Column("ratio", "keep", kept), Column("sets", "evaluation sets")]
        columns += [Column("images", "images", NUMBER), Column("pairs", "pairs", NUMBER)]
        rows = [
            row.method._asdict()
            | {"sets": ", ".join(row.sets), "images": row.images, "pairs": len(row.leaks)}
            for row in struck
        ]
        yield Table(columns, rows)
    names: dict[str, list[str]] = {}
    for row in found:
        if row.reason:
            own = f"{row.method.track} {row.method.captions} / {row.method.scorer}"
            names.setdefault(row.reason, []).append(own)
    if names:
        yield "Not audited:"
        yield bullets(f"{reason}: {', '.join(named)}" for reason, named in names.items())


def _pairs(audit: Audit) -> Iterator[str | Table]:
    if audit.pairs.empty:
        yield "None was found."
        return
    said = {(e["uid"], e["other"]): e["kind"] for e in audit.echoes.to_dict("records")}
    rows = [
        leak
        | {"is": KINDS.get(leak["kind"], leak["kind"])}
        | {"caption": said.get((leak["uid"], leak["other"]))}
        for leak in audit.pairs.head(SHOWN).to_dict("records")
    ]
    columns = [
        Column("trained", "learned from"),
        Column("uid", "image"),
        Column("evaluation", "evaluation set"),
        Column("other", "image there"),
        Column("is", "is"),
        Column("similarity", "similarity", "{:.3f}".format),
        Column("caption", "caption"),
    ]
    yield Table(columns, [{str(k): v for k, v in row.items()} for row in rows])
    yield (
        "Similarity: correlation of the aligned images, 1 where they are equal. Caption: whether "
        "one of both says the same (equal), or the same but for a word (near). Images of the split "
        "`reference` train scorers and judges, no row: they are named and strike nothing out. Such "
        "a scorer knows those that are in the pool, too, before it scores them, and before "
        "detection is measured on them."
    )
    if (more := len(audit.pairs) - SHOWN) > 0:
        yield f"{more} more are in `artifacts/leakage/pairs.parquet`."


def _compared(compared: pd.DataFrame, pairs: pd.DataFrame) -> Page:
    counts = pairs.groupby(["trained", "evaluation"]).size()
    rows = [
        {str(k): v for k, v in row.items()}
        | {"pairs": int(counts.get((row["trained"], row["evaluation"]), 0))}
        for row in compared.to_dict("records")
    ]
    columns = [Column("trained", "training set"), Column("evaluation", "evaluation set")]
    columns += [Column("images", "images", NUMBER), Column("others", "images there", NUMBER)]
    tracks = "; ".join(
        f"{track.name}: {', '.join(name.rstrip('/') for name in track.measured_on)}"
        for track in TRACKS
        if track.measured_on
    )
    return [
        Table([*columns, Column("pairs", "pairs", NUMBER)], rows),
        f"The evaluation sets of each track: {tracks}.",
    ]


def _echoed(audit: Audit) -> Page:
    rows = [
        {str(k): v for k, v in row.items()}
        | {"common": (row["equal"] + row["near"]) / row["total"] if row["total"] else None}
        for row in audit.echoed.to_dict("records")
    ]
    columns = [Column("captions", "caption set"), Column("split", "split")]
    columns += [Column("total", "captions", NUMBER), Column("equal", "equal", NUMBER)]
    columns += [Column("near", "near", NUMBER), Column("common", "in common", PERCENT)]
    return [
        Table(columns, rows),
        "In common: per cent of the captions. A phrase in common is no leak: people who describe "
        "like scenes write alike. The human captions of the split `reference` show how often that "
        "happens by itself; a set of the pool far above them deserves a look. A caption strikes "
        "nothing out by itself; with its image it stands in the table above.",
    ]
