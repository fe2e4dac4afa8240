"""The tables of the pages on claims, papers and leaks."""

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from winnow.reporting.claims import SHOWN, Judged, Judgement
from winnow.reporting.claims_page import EFFECT, reason
from winnow.reporting.leakage import Leaked, leakage_table
from winnow.reporting.method_results import Method
from winnow.reporting.papers import Paper
from winnow.reporting.results import Results
from winnow.reporting.table import Cell, Column, Footnotes, Interval, Row, Table
from winnow.reporting.tables import (
    Built,
    build,
    measured_columns,
    published_columns,
    reason_of,
    row_of,
)
from winnow.reporting.values import Value, count, kept

# How a verdict looks.
KINDS = {"held": "good", "not held": "bad", "inconclusive": "open", "not run": "quiet"}
CLAIMS = (
    Column("claim", "Claim"),
    Column("statement", "Statement"),
    Column("verdict", "Verdict"),
    Column("published", "Published"),
    Column("effect", "Measured effect", EFFECT, hint="with its 95 % interval"),
    Column("compared", "Compared", kind="note"),
    Column("n", "n", count, hint="queries behind it"),
    Column("reason", "Why", kind="note"),
)
LEAKAGE = {
    "track": Column("track", "Track"),
    "captions": Column("captions", "Captions"),
    "scorer": Column("scorer", "Scorer"),
    "ratio": Column("ratio", "Keep", kept),
    "images": Column("images", "Images learned from", count),
    "pairs": Column("pairs", "Leaking pairs", count),
    "struck": Column("struck", "Struck out"),
    "sets": Column("sets", "Evaluation sets"),
    "named": Column("named", "The first pairs", kind="note"),
    "reason": Column("reason", "Why not audited", kind="note"),
}


def claims(judged: Sequence[Judgement]) -> Table:
    """A row a claim, with the effect of the comparison that decides."""
    rows: list[Row] = [
        {
            "claim": found.name,
            "statement": found.claim.statement,
            "verdict": Cell(None, chips=[(found.verdict, KINDS[found.verdict])]),
            "published": found.claim.published,
            "reason": reason(found),
            "data": {"verdict": found.verdict, "paper": found.paper.paper},
            **(_compared(found.deciding) if found.deciding else {}),
        }
        for found in judged
    ]
    return Table(CLAIMS, rows)


def _compared(part: Judged) -> dict[str, object]:
    about, effect = part.about, part.effect
    sides = " against ".join(filter(None, (about.a, about.b)))
    return {
        "effect": Cell(effect, show=SHOWN[about.kind], interval=_drawn(effect)),
        "compared": ": ".join(filter(None, (about.label, sides))),
        "n": effect and effect.n,
    }


def _drawn(effect: Value | None) -> Interval | None:
    """An effect beside zero."""
    if effect is None or effect.ends is None:
        return None
    low, high = effect.ends
    return Interval(effect, (min(low, 0.0), max(high, 0.0)), 0.0)


class PaperTable(NamedTuple):
    """A table of a paper; the first `published` of its columns are published values."""

    anchor: str
    title: str
    columns: Sequence[Column]
    published: int
    rows: Sequence[Row]


def papers(
    results: Results, declared: Sequence[Paper], struck: Mapping[Method, int]
) -> dict[str, list[PaperTable]]:
    """Every table, by what its paper is called."""
    return {
        paper.citation.short: [_shown(build(results, paper, name, struck)) for name in paper.tables]
        for paper in declared
        if paper.tables
    }


def _shown(built: Built) -> PaperTable:
    published = published_columns(built)
    rows = [
        {key: _unmarked(cell) for key, cell in row_of(built, line, Footnotes()).items()}
        | {"row": line.row.label, "ours": line.row.ours, "reason": reason_of(built, line)}
        for line in built.lines
    ]
    name = re.sub("^table(?=[0-9])", "table ", built.name)
    title = f"{name}: {built.table.title}"
    columns = [*published, *measured_columns(built)]
    anchor = f"{built.paper.paper}-{built.name}"
    return PaperTable(anchor, title[:1].upper() + title[1:], columns, len(published), rows)


def _unmarked(cell: object) -> object:
    """Reasons stand under the name of a row instead."""
    return cell._replace(mark="") if isinstance(cell, Cell) else cell


def leakage(leaked: Sequence[Leaked]) -> Table:
    """A row a method, with those columns in which something stands."""
    rows = []
    for row in leakage_table(leaked).rows:
        struck = Cell(None, chips=[("struck out", "bad")]) if row["struck"] else "no"
        data = {"struck": "yes" if row["struck"] else "no"}
        classes = "struck" if row["struck"] else ""
        rows.append({**row, "struck": struck, "data": data, "classes": classes})
    known = [key for key in LEAKAGE if any(row[key] not in (None, "") for row in rows)]
    return Table([LEAKAGE[key] for key in known], rows)
