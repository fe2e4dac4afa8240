"""The papers' tables: published and measured blocks over the same rows, as CSV, Markdown, LaTeX."""

from collections.abc import Callable
from itertools import groupby
from typing import NamedTuple

from winnow.evaluation.statistics import VERSION
from winnow.reporting.methods import Method, Value
from winnow.reporting.papers import Measure, Paper, Row, Table
from winnow.reporting.results import Results
from winnow.reporting.text import (
    EMPTY,
    csv_text,
    interval,
    latex,
    latex_table,
    markdown,
    markdown_table,
)

OUR_CELL = "captions, scorer, keep ratio"


class Line(NamedTuple):
    """One row: published per cent (None where there is none), measured values, why they lack."""

    row: Row
    published: list[float | None]
    measured: list[Value | None]
    reason: str


class Built(NamedTuple):
    """A table with its values filled in."""

    paper: Paper
    name: str
    table: Table
    measures: list[tuple[str, str]]  # (label, metric)
    lines: list[Line]
    scale: str
    models: list[str]


def build(results: Results, paper: Paper, name: str) -> Built:
    """Fill in one table of a paper. Rows of ours appear where their cells were planned."""
    table = paper.tables[name]
    measures = _expand(results, table)
    planned = set(results.expected(table.track))
    lines, used = [], set()
    for row in table.rows:
        method = _method(table, row)
        if row.ours and method not in planned:
            continue
        measured = [results.value(method, metric) if method else None for _, metric in measures]
        lines.append(
            Line(row, _published(table, row), measured, _reason(results, row, method, measured))
        )
        if method in results.values:
            used.add(method)
    models = {
        f"{record.model} on {record.dataset}"
        for cell, record in results.sweep.records.items()
        if Method(cell.track, cell.captions, cell.scorer, cell.ratio) in used
    }
    return Built(paper, name, table, measures, lines, results.scale, sorted(models))


def _expand(results: Results, table: Table) -> list[tuple[str, str]]:
    """Measured columns as (label, metric); neighbours with `*` take turns within each set."""
    pairs = []
    for starred, run in groupby(table.measured, lambda measure: measure.name.startswith("*/")):
        measures: list[Measure] = list(run)
        for name in results.zero_shot_sets(table.track) if starred else [""]:
            for m in measures:
                pairs.append((m.label.replace("{set}", name), m.name.replace("*", name, 1)))
    return pairs


def _method(table: Table, row: Row) -> Method | None:
    place = row.cell
    return Method(table.track, place.captions, place.scorer, place.ratio) if place else None


def _published(table: Table, row: Row) -> list[float | None]:
    given = [column.key for column in table.columns if column.mean is None]
    values = dict(zip(given, row.published or [None] * len(given), strict=True))
    for column in table.columns:
        if column.mean:
            parts = [v for key in column.mean if (v := values[key]) is not None]
            complete = len(parts) == len(column.mean)
            values[column.key] = sum(parts) / len(parts) if complete else None
    return [values[column.key] for column in table.columns]


def _reason(results: Results, row: Row, method: Method | None, measured: list[Value | None]) -> str:
    if method is None:
        return f"not run: {row.not_run}"
    reason = results.reason(method)
    if reason is None and None in measured:
        return "this metric was not measured in this cell"
    return reason or ""


def table_csv(built: Built) -> str:
    """Per cent with two decimals; blank where there is no value, with the reason in its column."""
    header = ["row", "ours", "captions", "scorer", "ratio"]
    header += [f"published: {column.label}" for column in built.table.columns]
    header += [
        f"measured: {label}{end}" for label, _ in built.measures for end in ("", " low", " high")
    ]
    rows = []
    for row, published, measured, reason in built.lines:
        place = row.cell
        keys = [place.captions, place.scorer, place.ratio] if place else [None] * 3
        spread = [
            None if number is None else f"{100 * number:.2f}"
            for value in measured
            for number in ((value.value, value.low, value.high) if value else (None,) * 3)
        ]
        shown = [None if v is None else f"{v:.2f}" for v in published]
        rows.append([row.label, "yes" if row.ours else "no", *keys, *shown, *spread, reason])
    return csv_text([*header, "reason"], rows)


class _Blocks(NamedTuple):
    published: tuple[list[str], list[list[str]]]
    measured: tuple[list[str], list[list[str]]]
    footnotes: list[str]


def _blocks(built: Built, escape: Callable[[str], str]) -> _Blocks:
    """Both blocks as escaped cells, and the reasons that their marks [1], [2], ... refer to."""
    footnotes: list[str] = []
    left, right = [], []
    for row, published, measured, reason in built.lines:
        label = escape(f"{row.label} (ours)" if row.ours else row.label)
        if reason and reason not in footnotes:
            footnotes.append(reason)
        mark = escape(f"{EMPTY} [{footnotes.index(reason) + 1}]") if reason else escape(EMPTY)
        if not row.ours:
            left.append([label, *(escape(EMPTY if v is None else f"{v:.2f}") for v in published)])
        cells = [escape(interval(v.value, v.low, v.high)) if v else mark for v in measured]
        place = f"{row.cell.captions}, {row.cell.scorer}, {row.cell.ratio:g}" if row.cell else EMPTY
        right.append([label, escape(place), *cells])
    return _Blocks(
        (["", *(escape(column.label) for column in built.table.columns)], left),
        (["", OUR_CELL, *(escape(label) for label, _ in built.measures)], right),
        footnotes,
    )


def _heading(built: Built) -> str:
    return f"{built.paper.citation.short}, {built.name}: {built.table.title}"


def _source(built: Built) -> str:
    citation = built.paper.citation
    arxiv = f", arXiv {citation.arxiv}" if citation.arxiv else ""
    return f"{citation.title} ({citation.venue}{arxiv}). Verified: {built.table.verified}."


def _caution(built: Built) -> str:
    stand_ins = "" if built.scale == "paper" else "stand-ins' "
    models = f" Measured with {'; '.join(built.models)}." if built.models else ""
    return (
        f"Measured at scale {built.scale} on our own sets, so these {stand_ins}numbers are not "
        f"comparable with the paper's; compare the order of the rows. They keep the paper's names; "
        f"the second column says which of our cells was measured.{models} Per cent, with 95 % "
        f"bootstrap intervals over images (statistics version {VERSION})."
    )


def table_md(built: Built) -> str:
    """Markdown: the published block, the measured block, the reasons of empty cells, the notes."""
    published, measured, footnotes = _blocks(built, markdown)
    notes = [f"\\[{i}\\] {markdown(text)}" for i, text in enumerate(footnotes, 1)]
    return (
        "\n".join(
            [
                f"# {markdown(_heading(built))}\n",
                "## Published\n",
                markdown_table(*published),
                f"{markdown(_source(built))}\n",
                "## Measured\n",
                markdown_table(*measured, left=2),
                f"{markdown(_caution(built))}\n",
                *(f"- {text}" for text in [*notes, *map(markdown, built.table.notes)]),
            ]
        ).rstrip("\n")
        + "\n"
    )


def table_tex(built: Built) -> str:
    """LaTeX (packages booktabs and graphicx): one float with both blocks."""
    published, measured, footnotes = _blocks(built, latex)
    notes = [latex(f"[{i}] {text}.") for i, text in enumerate(footnotes, 1)]
    small = " ".join([latex(_caution(built)), *notes, *map(latex, built.table.notes)])
    blocks = [
        f"\\textbf{{{title}}}\\par\n\\resizebox{{\\linewidth}}{{!}}{{%\n{tabular}}}\n"
        for title, tabular in (
            ("Published", latex_table(*published)),
            ("Measured", latex_table(*measured, left=2)),
        )
    ]
    return (
        "\\begin{table*}\n\\centering\n"
        f"\\caption{{{latex(_heading(built))}. {latex(_source(built))}}}\n"
        + "\\par\\medskip\n".join(blocks)
        + f"\\par\\smallskip\n{{\\footnotesize {small}}}\n\\end{{table*}}\n"
    )
