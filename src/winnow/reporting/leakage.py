"""Which rows learned from what they were measured on: struck out, the pairs named; and the page."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from winnow.data.csv_file import read_csv
from winnow.data.errors import WinnowError
from winnow.data.files import optional_signed
from winnow.data.tables import COMPARED, ECHOED, ECHOES, LEAKS, SUBSET, read_table
from winnow.params.names import JUDGE
from winnow.reporting.cells import read_sweep
from winnow.reporting.emit.markdown import bullets, markdown
from winnow.reporting.method_results import Method, method_of
from winnow.reporting.table import Column, Page, Table, plain
from winnow.reporting.values import PERCENT, kept
from winnow.tracks.registry import BY_NAME, TRACKS

NO_TRAINING = "learns from no image of this run"
NAMED = 3  # pairs in a cell of the CSV


class Audit(NamedTuple):
    """What the audit found: LEAKS, COMPARED, ECHOES, ECHOED."""

    pairs: pd.DataFrame
    compared: pd.DataFrame
    echoes: pd.DataFrame
    echoed: pd.DataFrame


class Leaked(NamedTuple):
    """A method, the images of its subset, and the leaks that it learned from; or why that is not
    known."""

    method: Method
    images: int | None
    leaks: pd.DataFrame
    reason: str

    @property
    def struck(self) -> bool:
        """Whether it is struck out."""
        return len(self.leaks) > 0

    @property
    def sets(self) -> list[str]:
        """The evaluation sets that hold what it learned from."""
        return sorted(set(self.leaks["evaluation"]))


def read_audit(folder: Path) -> Audit:
    """The tables of the command `audit`."""
    tables = {"pairs": LEAKS, "compared": COMPARED, "echoes": ECHOES, "echoed": ECHOED}
    return Audit(*(read_table(folder / f"{k}.parquet", v) for k, v in tables.items()))


def rows(
    audit: Audit, sweep: Path, subsets: Path, recipes: Path, untrained: Sequence[str]
) -> list[Leaked]:
    """One row for each method of the tracks that train, in the order of the sweep."""
    methods = dict.fromkeys(
        method_of(cell) for cell in read_sweep(sweep) if BY_NAME[cell.track].measured_on
    )
    starts = _starts(recipes)
    known: dict[Path, set[str]] = {}
    found = []
    for method in methods:
        path = _subset(method, subsets, starts, untrained)
        try:
            if path is not None and path not in known:
                known[path] = set(read_table(path, SUBSET)["uid"])
        except WinnowError as error:
            reason = f"not audited: {str(error).replace(f'{subsets}/', '')}"
            found.append(Leaked(method, None, audit.pairs.iloc[:0], reason))
            continue
        images = known[path] if path is not None else None
        found.append(_row(method, images, audit.pairs))
    return found


def _row(method: Method, images: set[str] | None, pairs: pd.DataFrame) -> Leaked:
    track = BY_NAME[method.track]
    shared = "" if method.scorer == JUDGE else track.trained_on
    learned = pairs["trained"] == shared
    if images is not None:
        learned |= (pairs["trained"] == "pool") & pairs["uid"].isin(images)
    elsewhere = images is None and not shared
    measured = pairs["evaluation"].map(lambda name: name.startswith(track.measured_on))
    count = len(images) if images is not None else None
    leaks = pairs[learned & measured.astype(bool)]
    return Leaked(method, count, leaks, NO_TRAINING if elsewhere else "")


def _subset(
    method: Method, subsets: Path, starts: dict[str, tuple[str, float]], untrained: Sequence[str]
) -> Path | None:
    """The subset of the pool that a method learned from, if it did."""
    if not BY_NAME[method.track].by_ratio:
        if method.scorer not in starts:
            return None
        scorer, ratio = starts[method.scorer]
        return subsets / "raw" / scorer / f"{ratio!r}.parquet"
    if method.scorer in untrained:
        return None
    return subsets / method.captions / method.scorer / f"{method.ratio!r}.parquet"


def _starts(recipes: Path) -> dict[str, tuple[str, float]]:
    """Of the recipes that start from a model fine-tuned on the pool: by what scorer, what ratio."""
    plan = optional_signed(recipes)
    tuned = plan.get("tuned", {})
    return {
        name: (tuned[recipe["start"]]["scorer"], float(tuned[recipe["start"]]["ratio"]))
        for name, recipe in plan.get("recipes", {}).items()
        if recipe["start"] in tuned
    }


def read_struck(path: str | Path | None) -> dict[Method, int]:
    """The methods that `leakage.csv` strikes out, with the number of their pairs; none without it.

    WinnowError names the file and row of what the command `leakage` did not write.
    """
    if path is None:
        return {}
    found = {}
    for number, line in enumerate(read_csv(path, (*Method._fields, "pairs", "struck"))):
        try:
            names = (line["track"], line["captions"], line["scorer"])
            if line["struck"] == "yes":
                found[Method(*names, float(line["ratio"]))] = int(line["pairs"])
        except ValueError as error:
            raise WinnowError(
                f"{path}: row {number}: {error!r}; delete it and run again"
            ) from error
    return found


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
