"""The papers' tables filled in: published and measured values over the same rows."""

from itertools import groupby
from typing import NamedTuple

from winnow.data.metrics import Metrics
from winnow.reporting.methods import Method, Value, method_of
from winnow.reporting.papers import Measure, Paper, Row, Table, Unit
from winnow.reporting.results import Results


class Measured(NamedTuple):
    """A measured column."""

    label: str
    metric: str
    track: str
    unit: Unit


class Line(NamedTuple):
    """One row: published and measured values, and why each of the measured ones is missing."""

    row: Row
    published: list[float | None]
    measured: list[Value | None]
    reasons: list[str]


class Built(NamedTuple):
    """A table with its values filled in."""

    paper: Paper
    name: str
    table: Table
    measures: list[Measured]
    lines: list[Line]
    scale: str
    models: list[str]


def build(results: Results, paper: Paper, name: str) -> Built:
    """Fill in one table of a paper. Rows of ours appear where their cells were planned."""
    table = paper.tables[name]
    measures = _expand(results, table)
    tracks = {measure.track or table.track for measure in table.measured}
    planned = {method for track in tracks for method in results.expected(track)}
    lines, used = [], set()
    for row in table.rows:
        methods = [_method(measure.track, row) for measure in measures]
        if row.ours and planned.isdisjoint(methods):
            continue
        found = [_look_up(results, row, *pair) for pair in zip(methods, measures, strict=True)]
        values, reasons = [value for value, _ in found], [reason for _, reason in found]
        lines.append(Line(row, _published(table, row), values, reasons))
        used.update(methods)
    models = {
        f"{_measured_with(record)} on {record.dataset}"
        for cell, record in results.sweep.records.items()
        if method_of(cell) in used
    }
    return Built(paper, name, table, measures, lines, results.scale, sorted(models))


def _measured_with(record: Metrics) -> str:
    """The model; of captions, whose model wrote them, the one that grades them."""
    return record.pretrained if record.cell.track == "captioning" else record.model


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
                columns.append(Measured(label, metric, track, m.unit))
    return columns


def _method(track: str, row: Row) -> Method | None:
    place = row.cell
    return Method(track, place.captions, place.scorer, place.ratio) if place else None


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
    if method is None:
        return None, f"not run: {row.not_run}"
    value = results.value(method, measure.metric)
    if value is not None:
        return value, ""
    return None, results.reason(method) or "this metric was not measured in this cell"
