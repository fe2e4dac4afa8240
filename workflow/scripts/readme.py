"""Put the leaderboard and the verdicts on the claims, as `results/` has them, into the README."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from winnow.reporting.site.claims import VERDICTS
from winnow.reporting.site.rows import Rows, optional_rows
from winnow.reporting.text import EMPTY, markdown, markdown_table

ROOT = Path(__file__).resolve().parents[2]
BEST = 10  # methods of the leaderboard, beside the controls
CONTROLLED = ("human", "raw")  # caption sets whose controls are shown
MEASURES = ("mR", "minus none", "zero-shot @1", "noise AP")
SHOWN = ("rank", "captions", "scorer", "keep", *MEASURES)


def leaderboard(page: str) -> str:
    """The best methods of the page's first section, and the controls of the caption sets CONTROLLED
    that have a value, below the section's warnings. A measure that is not there is left out."""
    section = page.split("\n## ")[1] if "\n## " in page else page
    lines = section.splitlines()
    head, _, *body = (_cells(line) for line in lines if line.startswith("|"))
    shown = [name for name in SHOWN if name in head]
    rows = [dict(zip(head, cells, strict=True)) for cells in body]
    chosen = [[row[name] for name in shown] for row in rows if _is_shown(row, shown)]
    warnings = "".join(f"{line}\n\n" for line in lines if line.startswith("> "))
    return warnings + markdown_table(shown, chosen, 3)


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


def _is_shown(row: dict[str, str], shown: Sequence[str]) -> bool:
    if row["rank"].isdigit() and int(row["rank"]) <= BEST:
        return True
    told = any(row[name] != EMPTY for name in shown if name in MEASURES)
    return told and row["captions"] in CONTROLLED and "(control)" in row["scorer"]


def claims(rows: Rows) -> str:
    """How many claims have which verdict, and which of each paper."""
    count = Counter(row["verdict"] for row in rows)
    told = ", ".join(f"{count[verdict]} {verdict}" for verdict in VERDICTS)
    papers = dict.fromkeys(row["paper"] for row in rows)
    body = [[paper, *(_named(rows, paper, verdict) for verdict in VERDICTS)] for paper in papers]
    return f"{len(rows)} claims: {told}.\n\n" + markdown_table(["paper", *VERDICTS], body, 5)


def _named(rows: Rows, paper: str, verdict: str) -> str:
    found = [row["claim"] for row in rows if (row["paper"], row["verdict"]) == (paper, verdict)]
    return markdown(", ".join(found)) or EMPTY


def filled(text: str, results: Path) -> str:
    """The README's text with its tables as `results` has them; one that is not there is empty."""
    page = results / "leaderboard.md"
    rows = optional_rows(results / "claims.csv", ("claim", "paper", "verdict"))
    board = leaderboard(page.read_text(encoding="utf-8")) if page.is_file() else ""
    return _put(_put(text, "leaderboard", board), "claims", claims(rows) if rows else "")


def _put(text: str, name: str, content: str) -> str:
    marks = (f"<!-- {name} -->\n", f"<!-- /{name} -->")
    found: Sequence[str] = re.findall(f"{marks[0]}.*?{marks[1]}", text, re.DOTALL)
    if len(found) != 1:
        raise SystemExit(f"README.md: not one place between {marks[0].strip()} and {marks[1]}")
    return text.replace(found[0], f"{marks[0]}{content}{marks[1]}")


if __name__ == "__main__":
    page = ROOT / "README.md"
    page.write_text(filled(page.read_text(encoding="utf-8"), ROOT / "results"), encoding="utf-8")
