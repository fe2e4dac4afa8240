"""The papers' tables: published values beside measured ones, from `results/tables/`."""

import re
from html import unescape
from pathlib import Path
from typing import NamedTuple

from winnow.data.csv_file import read_csv
from winnow.reporting.site.markup import text
from winnow.reporting.text import EMPTY, number

KINDS = ("published", "measured")


class Part(NamedTuple):
    """A column of values: whose they are, and what they are."""

    kind: str
    label: str

    @property
    def name(self) -> str:
        """The column of the CSV."""
        return f"{self.kind}: {self.label}"


def tables(folder: Path) -> str:
    """Every table of every paper, after a list that leads to each."""
    papers = sorted(path for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []
    found = [(paper, sorted(paper.glob("*.csv"), key=_natural)) for paper in papers]
    lists = "".join(_contents(paper.name, paths) for paper, paths in found if paths)
    sections = "".join(_paper(paper.name, paths) for paper, paths in found if paths)
    return f'<nav class="contents" aria-label="Tables">{lists}</nav>{sections}' if lists else ""


def _contents(paper: str, paths: list[Path]) -> str:
    links = "".join(
        f'<li><a href="#{text(_anchor(paper, path))}">{text(_heading(paper, path)[1])}</a></li>'
        for path in paths
    )
    short = _heading(paper, paths[0])[0]
    count = f"<small>{len(paths)} tables</small>"
    return f"<details><summary>{text(short)} {count}</summary><ul>{links}</ul></details>"


def _paper(paper: str, paths: list[Path]) -> str:
    inner = "".join(_table(paper, path) for path in paths)
    return f"<section><h2>{text(_heading(paper, paths[0])[0])}</h2>{inner}</section>"


def _anchor(paper: str, path: Path) -> str:
    return f"{paper}-{path.stem}"


def _heading(paper: str, path: Path) -> tuple[str, str]:
    """How the paper is called, and what the table is, by the first line of the table's page."""
    short, comma, rest = _title(path.with_suffix(".md")).partition(", ")
    title = re.sub(r"^table(?=[0-9])", "table ", rest)
    return (short, title[:1].upper() + title[1:]) if comma else (paper, path.stem)


def _natural(path: Path) -> tuple[str, int]:
    """Table 2 before table 10."""
    name = path.stem.rstrip("0123456789")
    return (name, int(path.stem[len(name) :] or 0))


def _table(paper: str, path: Path) -> str:
    rows = read_csv(path, ("row", "reason"))
    title = _heading(paper, path)[1]
    names = list(rows[0]) if rows else []
    parts = [
        Part(*name.split(": ", 1))
        for name in names
        if name.startswith(("published: ", "measured: "))
    ]
    whole = [p for p in parts if not (p.label.endswith((" low", " high")) and _of(p) in parts)]
    groups = "".join(
        f'<th scope="colgroup" colspan="{count}">{kind}</th>'
        for kind in KINDS
        if (count := sum(part.kind == kind for part in whole))
    )
    heads = "".join(f'<th scope="col" class="number">{text(part.label)}</th>' for part in whole)
    body = "".join(_row(row, whole) for row in rows)
    return (
        f'<details class="paper" id="{text(_anchor(paper, path))}" open>'
        f"<summary>{text(title)}</summary>"
        f'<div class="scroll" role="region" tabindex="0" aria-label="{text(title)}"><table>'
        f'<thead><tr><th rowspan="2" scope="col">row</th>{groups}</tr><tr>{heads}</tr></thead>'
        f"<tbody>{body}</tbody></table></div></details>"
    )


def _of(part: Part) -> Part:
    return Part(part.kind, part.label.rsplit(" ", 1)[0])


def _title(page: Path) -> str:
    """The heading of the table's page, without its Markdown."""
    if not page.is_file():
        return ""
    with page.open(encoding="utf-8", errors="replace") as handle:
        return unescape(handle.readline().lstrip("# ").strip().replace("\\", ""))


def _row(row: dict[str, str], parts: list[Part]) -> str:
    ours = ' <span class="chip quiet">ours</span>' if row.get("ours") == "yes" else ""
    cells = "".join(f'<td class="number">{_value(row, part)}</td>' for part in parts)
    why = f'<small class="why">{text(row["reason"])}</small>' if row["reason"] else ""
    return f'<tr><th scope="row">{text(row["row"])}{ours}{why}</th>{cells}</tr>'


def _value(row: dict[str, str], part: Part) -> str:
    low, high = (row.get(f"{part.name} {end}") for end in ("low", "high"))
    told = text(_short(row[part.name]) or EMPTY)
    if not low or not high:
        return told
    return f"{told} <small>{text(_short(low))} to {text(_short(high))}</small>"


def _short(value: str) -> str:
    """Per cent have two decimals in the file already; other numbers are shortened."""
    try:
        return value if len(value.rpartition(".")[2]) <= 2 else number(float(value))
    except ValueError:
        return value
