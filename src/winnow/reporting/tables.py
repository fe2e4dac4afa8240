"""The papers' tables: published and measured values over the same rows, as data, page and LaTeX."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import NamedTuple

from winnow.data.metrics import Metrics
from winnow.evaluation.statistics import VERSION
from winnow.reporting import table
from winnow.reporting.emit.latex import latex, latex_table
from winnow.reporting.emit.markdown import bullets, markdown
from winnow.reporting.method_results import Method, method_of
from winnow.reporting.paired import change, difference
from winnow.reporting.papers import CellSelector, Measure, Paper, Row, Table
from winnow.reporting.results import Results
from winnow.reporting.row_notes import struck_out
from winnow.reporting.standins import standins_named
from winnow.reporting.table import Cell, Column, Footnotes, Page, plain
from winnow.reporting.track_leaderboards import LOWER, UPPER
from winnow.reporting.values import LEVELS, Show, Value, to
from winnow.tracks.registry import BY_NAME
from winnow.tracks.track import Unit


class Measured(NamedTuple):
    """A measured column, as its paper has it, of one of our sets."""

    label: str
    metric: str
    track: str
    measure: Measure

    @property
    def unit(self) -> Unit:
        """How its values are shown."""
        return self.measure.unit


class Line(NamedTuple):
    """One row: published and measured values, why each of the measured ones is missing, and the
    number of leaking pairs for which a row is struck out."""

    row: Row
    published: list[float | None]
    measured: list[Value | None]
    reasons: list[str]
    leaks: int | None


class Built(NamedTuple):
    """A table with its values filled in; `warnings` say of the controls that are out of order."""

    paper: Paper
    name: str
    table: Table
    measures: list[Measured]
    lines: list[Line]
    scale: str
    models: list[str]
    standins: Sequence[str]
    warnings: dict[CellSelector, str]


def build(results: Results, paper: Paper, name: str, struck: Mapping[Method, int]) -> Built:
    """Fill in one table of a paper. Rows of ours appear where their cells were planned; those with
    a method among `struck` are marked."""
    table = paper.tables[name]
    measures = _expand(results, table)
    tracks = {measure.track or table.track for measure in table.measured}
    planned = {method for track in tracks for method in results.expected(track)}
    lines, used = [], set()
    for row in table.rows:
        methods = [_method(results, measure, row) for measure in measures]
        if row.ours and planned.isdisjoint(methods):
            continue
        found = [_look_up(results, row, *pair) for pair in zip(methods, measures, strict=True)]
        values, reasons = [value for value, _ in found], [reason for _, reason in found]
        shown = row.model_copy(update={"label": _label(results, row, methods)})
        leaks = max((struck[m] for m in methods if m is not None and m in struck), default=None)
        lines.append(Line(shown, _published(table, row), values, reasons, leaks))
        used.update(methods)
    models = {
        f"{_measured_with(record)} on {record.dataset}"
        for cell, record in results.sweep.records.items()
        if method_of(cell) in used
    }
    warnings = _warnings(results, measures, lines)
    run = (results.scale, sorted(models), results.standins)
    return Built(paper, name, table, measures, lines, *run, warnings)


def _warnings(
    results: Results, measures: Sequence[Measured], lines: Sequence[Line]
) -> dict[CellSelector, str]:
    """The columns that have the lower control above the upper one, of the same captions and ratio;
    the text is that of both rows."""
    rows = {line.row.cell: line for line in lines if line.row.cell}
    found: dict[CellSelector, str] = {}
    for place, lower in rows.items():
        above = place.model_copy(update={"scorer": UPPER})
        upper = rows.get(above)
        if place.scorer != LOWER or upper is None:
            continue
        columns = zip(measures, lower.measured, upper.measured, strict=True)
        wrong = [m.label for m, low, high in columns if _better(results, m, place, low, high)]
        if wrong:
            text = f"{lower.row.label} above {upper.row.label} in {', '.join(wrong)}"
            found |= dict.fromkeys((place, above), f"controls out of order: {text}")
    return found


def _better(
    results: Results, measure: Measured, selector: CellSelector, a: Value | None, b: Value | None
) -> bool:
    """Whether a row's value `a` is better than `b`."""
    if a is None or b is None:
        return False
    rising = results.higher_is_better(measure.track, selector.metric(measure.metric))
    gain = round(a.estimate - b.estimate, 9)
    return gain > 0 if rising else gain < 0


def _measured_with(record: Metrics) -> str:
    """The model; of captions, which it wrote, the one that grades them."""
    return record.pretrained if BY_NAME[record.cell.track].base_captions else record.model


def _expand(results: Results, table: Table) -> list[Measured]:
    """Measured columns; neighbours with `*` take turns within each set."""
    columns = []

    def kind(measure: Measure) -> tuple[bool, str]:
        return measure.name.startswith("*/"), measure.track or table.track

    for (starred, track), run in groupby(table.measured, kind):
        measures: list[Measure] = list(run)
        for name in results.zero_shot_sets(track) if starred else [""]:
            for m in measures:
                label, metric = m.label.replace("{set}", name), m.name.replace("*", name, 1)
                columns.append(Measured(label, metric, track, m))
    return columns


def _method(results: Results, measured: Measured, row: Row) -> Method | None:
    """The cells behind one value; None where nothing measures the row or the column."""
    place, measure = row.cell, measured.measure
    if place is None or not measured.metric:
        return None
    own = {k: v for k in ("captions", "ratio") if (v := getattr(measure, k)) is not None}
    return method_at(results, measured.track, place.model_copy(update=own))


def method_at(results: Results, track: str, selector: CellSelector) -> Method:
    """The method of a place; where it has no ratio, of the first ratio that was planned."""
    found = Method(track, selector.captions, selector.scorer, selector.ratio or 1.0)
    planned = (m for m in results.expected(track) if m[:3] == found[:3])
    return found if selector.ratio is not None else next(planned, found)


def _label(results: Results, row: Row, methods: Sequence[Method | None]) -> str:
    if "{pairs}" not in row.label:
        return row.label
    known = [results.pairs_kept(method) for method in methods if method]
    pairs = next((f"{count:,}" for count in known if count), "?")
    return row.label.replace("{pairs}", pairs)


def _published(table: Table, row: Row) -> list[float | None]:
    given = [column.key for column in table.columns if column.mean is None]
    values = dict(zip(given, row.published or [None] * len(given), strict=True))
    for column in table.columns:
        if column.mean:
            parts = [v for key in column.mean if (v := values[key]) is not None]
            complete = len(parts) == len(column.mean)
            values[column.key] = sum(parts) / len(parts) if complete else None
    return [values[column.key] for column in table.columns]


def _look_up(
    results: Results, row: Row, method: Method | None, measure: Measured
) -> tuple[Value | None, str]:
    """A row's value in a measured column, and why there is none."""
    place = row.cell
    if method is None or place is None:
        return None, f"not run: {row.not_run or measure.measure.reason}"
    metric = place.metric(measure.metric)
    base = measure.measure.relative_to or measure.measure.minus
    if base is not None and method in results.values:
        compare = change if measure.measure.relative_to else difference
        prefix = base.prefix or row.against or place.prefix
        other = base.model_copy(update={"prefix": prefix}).metric(measure.metric)
        against = method_at(results, method.track, base)
        if (method, metric) == (against, other):
            return None, "what the other rows are compared with"
        return compare(results, method, against, metric, other)
    value = results.value(method, metric)
    if value is not None:
        return value, ""
    unmeasured = measure.measure.reason or "this metric was not measured in this cell"
    return None, results.reason(method) or unmeasured


# Published percentages are per cent already and numbers stand as they were printed.
PUBLISHED: dict[str, Show] = {"percent": "{:.2f}".format, "number": "{:,.10g}".format}


def paper_table(built: Built) -> table.Table:
    """Per cent with two decimals, numbers as they are; blank where there is no value, with the
    reasons in their column, as are warnings."""
    columns = plain("row", "ours", "captions", "scorer", "ratio")
    columns += plain(*(f"published: {column.label}" for column in built.table.columns))
    for measure in built.measures:
        columns += plain(*(f"measured: {measure.label}{end}" for end in ("", " low", " high")))
    return table.Table(
        [*columns, *plain("reason")], [_plain_row(built, line) for line in built.lines]
    )


def _plain_row(built: Built, line: Line) -> table.Row:
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


def row_of(built: Built, line: Line, footnotes: Footnotes) -> table.Row:
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


def _blocks(built: Built) -> tuple[table.Table, table.Table, Footnotes]:
    footnotes = Footnotes()
    rows = [row_of(built, line, footnotes) for line in built.lines]
    theirs = [row for row, line in zip(rows, built.lines, strict=True) if not line.row.ours]
    first = [Column("measured"), Column("cell", "captions, scorer, keep ratio")]
    return (
        table.Table([Column("published"), *published_columns(built)], theirs),
        table.Table([*first, *measured_columns(built)], rows),
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


def _warning_texts(built: Built) -> list[str]:
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
        *(f"> **Warning:** {markdown(text)}" for text in _warning_texts(built)),
        measured,
        markdown(_caution(built)),
        bullets([*footnotes.lines(), *built.table.notes]),
    ]


def paper_tex(built: Built) -> str:
    """LaTeX (packages booktabs and graphicx): one float with both blocks."""
    published, measured, footnotes = _blocks(built)
    notes = [latex(f"{line}.") for line in footnotes.lines()]
    warnings = [rf"\textbf{{Warning:}} {latex(text)}." for text in _warning_texts(built)]
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
