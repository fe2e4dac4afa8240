"""The papers' tables as CSV, Markdown and LaTeX: a published and a measured block."""

from collections.abc import Callable
from typing import NamedTuple

from winnow.evaluation.statistics import VERSION
from winnow.reporting.notes import struck_out
from winnow.reporting.standins import standins_named
from winnow.reporting.tables import Built
from winnow.reporting.text import (
    EMPTY,
    csv_text,
    interval,
    latex,
    latex_table,
    markdown,
    markdown_table,
    number,
    percent,
)
from winnow.tracks.track import Unit

OUR_CELL = "captions, scorer, keep ratio"
# How a value is shown. Published percentages are per cent already, measured ones are fractions.
PUBLISHED: dict[Unit, Callable[[float], str]] = {"percent": "{:.2f}".format, "number": number}
MEASURED: dict[Unit, Callable[[float | None], str]] = {"percent": percent, "number": number}


def table_csv(built: Built) -> str:
    """Per cent with two decimals, numbers as they are; blank where there is no value, with the
    reasons in their column, as are warnings."""
    header = ["row", "ours", "captions", "scorer", "ratio"]
    header += [f"published: {column.label}" for column in built.table.columns]
    header += [
        f"measured: {measure.label}{end}"
        for measure in built.measures
        for end in ("", " low", " high")
    ]
    rows = []
    for row, published, measured, reasons, leaks in built.lines:
        place = row.cell
        keys = [place.captions, place.scorer, place.ratio] if place else [None] * 3
        shown = [
            _plain(value, column.unit)
            for column, value in zip(built.table.columns, published, strict=True)
        ]
        spread = [
            _plain(part, measure.unit, 100)
            for measure, value in zip(built.measures, measured, strict=True)
            for part in ((value.value, value.low, value.high) if value else (None,) * 3)
        ]
        warning = built.warnings.get(place) if place else None
        reason = "; ".join(dict.fromkeys(filter(None, [warning, struck_out(leaks), *reasons])))
        rows.append([row.label, "yes" if row.ours else "no", *keys, *shown, *spread, reason])
    return csv_text([*header, "reason"], rows)


def _plain(value: float | None, unit: Unit, whole: int = 1) -> str | None:
    """For programs; `whole` is what one hundred per cent are multiplied by."""
    if value is None:
        return None
    return f"{whole * value:.2f}" if unit == "percent" else f"{value:.10g}"


class _Blocks(NamedTuple):
    published: tuple[list[str], list[list[str]]]
    measured: tuple[list[str], list[list[str]]]
    footnotes: list[str]


def _blocks(built: Built, escape: Callable[[str], str]) -> _Blocks:
    """Both blocks as escaped cells, and the reasons that their marks [1], [2], ... refer to."""
    footnotes: list[str] = []
    left, right = [], []

    def marked(text: str, reason: str | None) -> str:
        if not reason:
            return escape(text)
        if reason not in footnotes:
            footnotes.append(reason)
        return escape(f"{text} [{footnotes.index(reason) + 1}]")

    def empty(reason: str | None) -> str:
        return marked(EMPTY, reason)

    for row, published, *_ in (line for line in built.lines if not line.row.ours):
        shown = [
            empty(built.table.not_found) if v is None else escape(PUBLISHED[column.unit](v))
            for column, v in zip(built.table.columns, published, strict=True)
        ]
        left.append([escape(row.label), *shown])
    for row, _, measured, reasons, leaks in built.lines:
        cells = [
            escape(interval(v.value, v.low, v.high, MEASURED[measure.unit])) if v else empty(reason)
            for measure, v, reason in zip(built.measures, measured, reasons, strict=True)
        ]
        label = marked(f"{row.label} (ours)" if row.ours else row.label, struck_out(leaks))
        right.append([label, escape(str(row.cell) if row.cell else EMPTY), *cells])
    return _Blocks(
        (["", *(escape(column.label) for column in built.table.columns)], left),
        (["", OUR_CELL, *(escape(measure.label) for measure in built.measures)], right),
        footnotes,
    )


def _heading(built: Built) -> str:
    return f"{built.paper.citation.short}, {built.name}: {built.table.title}"


def _source(built: Built) -> str:
    citation = built.paper.citation
    arxiv = f", arXiv {citation.arxiv}" if citation.arxiv else ""
    return f"{citation.title} ({citation.venue}{arxiv}). Verified: {built.table.verified}."


def _caution(built: Built) -> str:
    if not any(value for line in built.lines for value in line.measured):
        return f"Nothing was measured at scale {built.scale}."
    stand_ins = "stand-ins' " if built.standins else ""
    models = f" Measured with {'; '.join(built.models)}." if built.models else ""
    models += f" {standins_named(built.standins)}" if built.standins else ""
    seeds = {value.seeds for line in built.lines for value in line.measured if value}
    low, high = min(seeds, default=1), max(seeds, default=1)
    repeats = f" Means over {low if low == high else f'{low} to {high}'} seeds." if high > 1 else ""
    numbers = any(measure.unit == "number" for measure in built.measures)
    units = "Rates in per cent, counts and scores as they are," if numbers else "Per cent,"
    return (
        f"Measured at scale {built.scale} on our own sets, so these {stand_ins}numbers are not "
        f"comparable with the paper's; compare the order of the rows. They keep the paper's names; "
        f"the second column says which of our cells was measured.{models} {units} with "
        f"95 % bootstrap intervals over images (statistics version {VERSION}).{repeats}"
    )


def _warnings(built: Built) -> list[str]:
    """Each warning once, though it is that of two rows."""
    return list(dict.fromkeys(built.warnings.values()))


def table_md(built: Built) -> str:
    """Markdown: the published block, warnings, the measured block, why cells are empty, notes."""
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
                *(f"> **Warning:** {markdown(text)}\n" for text in _warnings(built)),
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
    warnings = [rf"\textbf{{Warning:}} {latex(text)}." for text in _warnings(built)]
    small = " ".join([*warnings, latex(_caution(built)), *notes, *map(latex, built.table.notes)])
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
