"""What every cell of the sweep measured, what it came from, and what it cost."""

import json
from typing import Any

from winnow.data.metrics import Cell, Metrics
from winnow.reporting.cells import KEYS, NOT_RUN, Sweep
from winnow.reporting.costs import cost_table, read_costs
from winnow.reporting.table import Column, Table
from winnow.reporting.values import NUMBER, PERCENT, Value, count, kept

COLUMNS = (
    Column("track", "Track"),
    Column("captions", "Captions"),
    Column("scorer", "Scorer"),
    Column("ratio", "Keep", kept),
    Column("seed", "Seed", "{:d}".format),
    Column("told", "State"),
    Column("cost", "CPU s", NUMBER, (), "measured by the job itself", "cost"),
)


def state(sweep: Sweep, cell: Cell) -> str:
    """What became of a cell: finished, not run, refused."""
    reason = sweep.refusals.get(cell, "")
    return "finished" if not reason else NOT_RUN if reason == NOT_RUN else "refused"


def cells_table(sweep: Sweep) -> Table:
    """A row a cell; its number in the sweep is how the page finds what belongs to it."""
    rows = []
    for number, cell in enumerate(sweep.expected):
        found = state(sweep, cell)
        told = f"refused: {sweep.refusals[cell]}" if found == "refused" else found
        data = {"track": cell.track, "state": found, "cell": number}
        own = {"told": told, "data": data, "classes": f"state-{found.replace(' ', '-')}"}
        rows.append(cell.model_dump() | own)
    return Table(COLUMNS, rows)


def provenances(sweep: Sweep) -> dict[str, Any]:
    """Of each cell its metrics and where they come from; what several cells share (versions,
    hardware, code) is there once, in `parts`, and named by its place."""
    parts: dict[str, int] = {}
    records = (sweep.records.get(cell) for cell in sweep.expected)
    cells = [_told(record, parts) if record else None for record in records]
    return {"parts": [json.loads(part) for part in parts], "cells": cells}


def _told(record: Metrics, parts: dict[str, int]) -> dict[str, Any]:
    told = {"dataset": record.dataset, "model": record.model, "pretrained": record.pretrained}
    origin = told | record.provenance
    show = PERCENT if record.unit == "fraction" else NUMBER
    metrics = [
        [
            name,
            show(Value(value, *record.intervals.get(name, ()))),
            count(record.n.get(name)),
        ]
        for name, value in record.metrics.items()
    ]
    origins = {name: _place(value, parts) for name, value in sorted(origin.items())}
    return {"unit": record.unit, "metrics": metrics, "origin": origins}


def _place(value: Any, parts: dict[str, int]) -> int:
    return parts.setdefault(json.dumps(value, sort_keys=True, ensure_ascii=False), len(parts))


def costs(sweep: Sweep) -> dict[str, Any]:
    """What the cells cost, in their order: the names of what was measured, and a list a cell, None
    where it is not known."""
    table = cost_table(sweep, read_costs(sweep))
    names = [column.key for column in table.columns if column.key not in KEYS]
    known = {tuple(row[key] for key in KEYS): row for row in table.rows}
    keys = [tuple(cell.model_dump().values()) for cell in sweep.expected]
    found = [known.get(key) for key in keys]
    return {
        "keys": [[str(part) for part in key] for key in keys],
        "names": names,
        "cells": [row and [row.get(name, "") for name in names] for row in found],
    }
