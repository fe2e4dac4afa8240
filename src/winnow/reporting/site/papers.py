"""The papers' tables: published values beside measured ones, from `results/tables/`."""

from pathlib import Path
from typing import NamedTuple

from winnow.reporting.site.markup import text
from winnow.reporting.site.rows import read_rows
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
    """Every table of every paper, with links to it as a file."""
    papers = sorted(path for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []
    return "".join(_paper(paper) for paper in papers)


def _paper(folder: Path) -> str:
    inner = "".join(
        _table(folder.name, path) for path in sorted(folder.glob("*.csv"), key=_natural)
    )
    return f"<section><h2>{text(folder.name)}</h2>{inner}</section>"


def _natural(path: Path) -> tuple[str, int]:
    """Table 2 before table 10."""
    name = path.stem.rstrip("0123456789")
    return (name, int(path.stem[len(name) :] or 0))


def _table(paper: str, path: Path) -> str:
    rows = read_rows(path, ("row", "reason"))
    title = _title(path.with_suffix(".md")) or f"{paper}, {path.stem}"
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
        f'<details class="paper" open><summary>{text(title)}</summary>'
        f'<div class="scroll" role="region" tabindex="0" aria-label="{text(title)}"><table>'
        f'<thead><tr><th rowspan="2" scope="col">row</th>{groups}'
        f'<th rowspan="2" scope="col">why empty</th></tr><tr>{heads}</tr></thead>'
        f"<tbody>{body}</tbody></table></div></details>"
    )


def _of(part: Part) -> Part:
    return Part(part.kind, part.label.rsplit(" ", 1)[0])


def _title(page: Path) -> str:
    """The heading of the table's page, without its Markdown."""
    if not page.is_file():
        return ""
    with page.open(encoding="utf-8", errors="replace") as handle:
        return handle.readline().lstrip("# ").strip().replace("\\", "")


def _row(row: dict[str, str], parts: list[Part]) -> str:
    ours = ' <span class="chip quiet">ours</span>' if row.get("ours") == "yes" else ""
    cells = "".join(f'<td class="number">{_value(row, part)}</td>' for part in parts)
    return (
        f'<tr><th scope="row">{text(row["row"])}{ours}</th>{cells}'
        f'<td class="note">{text(row["reason"])}</td></tr>'
    )


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
