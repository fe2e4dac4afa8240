"""The papers' tables filled in: published and measured values over the same rows."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import NamedTuple

from winnow.data.metrics import Metrics
from winnow.reporting.boards import LOWER, UPPER
from winnow.reporting.methods import Method, method_of
from winnow.reporting.paired import change, difference
from winnow.reporting.papers import Measure, Paper, Place, Row, Table
from winnow.reporting.results import Results
from winnow.reporting.values import Value
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
    warnings: dict[Place, str]


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
) -> dict[Place, str]:
    """The columns that have the lower control above the upper one, of the same captions and ratio;
    the text is that of both rows."""
    rows = {line.row.cell: line for line in lines if line.row.cell}
    found: dict[Place, str] = {}
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
    results: Results, measure: Measured, place: Place, a: Value | None, b: Value | None
) -> bool:
    """Whether a row's value `a` is better than `b`."""
    if a is None or b is None:
        return False
    rising = results.higher_is_better(measure.track, place.metric(measure.metric))
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


def method_at(results: Results, track: str, place: Place) -> Method:
    """The method of a place; where it has no ratio, of the first ratio that was planned."""
    found = Method(track, place.captions, place.scorer, place.ratio or 1.0)
    planned = (m for m in results.expected(track) if m[:3] == found[:3])
    return found if place.ratio is not None else next(planned, found)


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
