"""The papers' tables: a published and a measured block over the same rows, as page and as LaTeX."""

from winnow.evaluation.statistics import VERSION
from winnow.reporting.emit.latex import latex, latex_table
from winnow.reporting.emit.markdown import bullets, markdown
from winnow.reporting.notes import struck_out
from winnow.reporting.standins import standins_named
from winnow.reporting.table import Cell, Column, Footnotes, Page, Row, Table, plain
from winnow.reporting.tables import Built, Line
from winnow.reporting.values import LEVELS, Show, Value, to

# Published percentages are per cent already and numbers stand as they were printed.
PUBLISHED: dict[str, Show] = {"percent": "{:.2f}".format, "number": "{:,.10g}".format}


def paper_table(built: Built) -> Table:
    """Per cent with two decimals, numbers as they are; blank where there is no value, with the
    reasons in their column, as are warnings."""
    columns = plain("row", "ours", "captions", "scorer", "ratio")
    columns += plain(*(f"published: {column.label}" for column in built.table.columns))
    for measure in built.measures:
        columns += plain(*(f"measured: {measure.label}{end}" for end in ("", " low", " high")))
    return Table([*columns, *plain("reason")], [_plain_row(built, line) for line in built.lines])


def _plain_row(built: Built, line: Line) -> Row:
    place = line.row.cell
    row: dict[str, object] = {"row": line.row.label, "ours": line.row.ours}
    row |= {"reason": reason_of(built, line)}
    row |= place.model_dump(include={"captions", "scorer", "ratio"}) if place else {}
    for column, number in zip(built.table.columns, line.published, strict=True):
        row[f"published: {column.label}"] = _plain(number, column.unit, 1)
    for measure, value in zip(built.measures, line.measured, strict=True):
        for end, number in zip(("", " low", " high"), value or (), strict=False):
            row[f"measured: {measure.label}{end}"] = _plain(number, measure.unit, 100)
    return row


def _plain(value: float | None, unit: str, whole: int) -> str | None:
    """For programs; `whole` is what one hundred per cent are multiplied by."""
    if value is None:
        return None
    return f"{whole * value:.2f}" if unit == "percent" else f"{value:.10g}"


def reason_of(built: Built, line: Line) -> str:
    """What is wrong with a row, and why values are missing."""
    warning = built.warnings.get(line.row.cell) if line.row.cell else None
    told = [warning, struck_out(line.leaks), *line.reasons]
    return "; ".join(dict.fromkeys(filter(None, told)))


def published_columns(built: Built) -> list[Column]:
    """The published columns."""
    return [
        Column(f"published: {column.label}", column.label, PUBLISHED[column.unit])
        for column in built.table.columns
    ]


def measured_columns(built: Built) -> list[Column]:
    """The measured columns."""
    return [
        Column(f"measured: {measure.label}", measure.label, LEVELS[measure.unit])
        for measure in built.measures
    ]


def row_of(built: Built, line: Line, footnotes: Footnotes) -> Row:
    """A row of both blocks; marks say why values are missing."""
    label = f"{line.row.label} (ours)" if line.row.ours else line.row.label
    row: dict[str, object] = {
        "published": line.row.label,
        "measured": Cell(label, mark=footnotes.mark(struck_out(line.leaks))),
        "cell": str(line.row.cell) if line.row.cell else None,
    }
    lost = built.table.not_found or ""
    for column, number in zip(published_columns(built), line.published, strict=True):
        mark = footnotes.mark(lost) if number is None and not line.row.ours else ""
        row[column.key] = Cell(number, mark=mark)
    found = zip(measured_columns(built), line.measured, line.reasons, strict=True)
    for column, value, reason in found:
        row[column.key] = Cell(value, mark="" if value else footnotes.mark(reason))
    return row


def _blocks(built: Built) -> tuple[Table, Table, Footnotes]:
    footnotes = Footnotes()
    rows = [row_of(built, line, footnotes) for line in built.lines]
    theirs = [row for row, line in zip(rows, built.lines, strict=True) if not line.row.ours]
    first = [Column("measured"), Column("cell", "captions, scorer, keep ratio")]
    return (
        Table([Column("published"), *published_columns(built)], theirs),
        Table([*first, *measured_columns(built)], rows),
        footnotes,
    )


def heading(built: Built) -> str:
    """The name of a table, after that of its paper."""
    return f"{built.paper.citation.short}, {built.name}: {built.table.title}"


def _source(built: Built) -> str:
    citation = built.paper.citation
    arxiv = f", arXiv {citation.arxiv}" if citation.arxiv else ""
    return f"{citation.title} ({citation.venue}{arxiv}). Verified: {built.table.verified}."


def _caution(built: Built) -> str:
    values: list[Value] = [value for line in built.lines for value in line.measured if value]
    if not values:
        return f"Nothing was measured at scale {built.scale}."
    stand_ins = "stand-ins' " if built.standins else ""
    models = f" Measured with {'; '.join(built.models)}." if built.models else ""
    models += f" {standins_named(built.standins)}" if built.standins else ""
    seeds = {value.seeds for value in values}
    repeats = f" Means over {to(seeds)} seeds." if max(seeds) > 1 else ""
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


def paper_page(built: Built) -> Page:
    """The published block, warnings, the measured block, why cells are empty, notes."""
    published, measured, footnotes = _blocks(built)
    return [
        f"# {markdown(heading(built))}",
        "## Published",
        published,
        markdown(_source(built)),
        "## Measured",
        *(f"> **Warning:** {markdown(text)}" for text in _warnings(built)),
        measured,
        markdown(_caution(built)),
        bullets([*footnotes.lines(), *built.table.notes]),
    ]


def paper_tex(built: Built) -> str:
    """LaTeX (packages booktabs and graphicx): one float with both blocks."""
    published, measured, footnotes = _blocks(built)
    notes = [latex(f"{line}.") for line in footnotes.lines()]
    warnings = [rf"\textbf{{Warning:}} {latex(text)}." for text in _warnings(built)]
    small = " ".join([*warnings, latex(_caution(built)), *notes, *map(latex, built.table.notes)])
    blocks = [
        f"\\textbf{{{title}}}\\par\n\\resizebox{{\\linewidth}}{{!}}{{%\n{latex_table(table)}}}\n"
        for title, table in (("Published", published), ("Measured", measured))
    ]
    return (
        "\\begin{table*}\n\\centering\n"
        f"\\caption{{{latex(heading(built))}. {latex(_source(built))}}}\n"
        + "\\par\\medskip\n".join(blocks)
        + f"\\par\\smallskip\n{{\\footnotesize {small}}}\n\\end{{table*}}\n"
    )
