"""What every cell of the sweep measured, what it came from, and what it cost."""

import json
from collections.abc import Iterable
from typing import Any

from winnow.data.metrics import Cell, Metrics
from winnow.reporting.cells import KEYS, NOT_RUN, Sweep
from winnow.reporting.site.markup import Cell as Shown
from winnow.reporting.site.markup import Column, Row, table
from winnow.reporting.site.rows import Rows, kept

CONTRADICTED = "refused: the leaderboard's notes say why"
COLUMNS = (
    Column("Track"),
    Column("Captions"),
    Column("Scorer"),
    Column("Keep", "number"),
    Column("Seed", "number"),
    Column("State"),
    Column("CPU s", "number", "measured by the job itself", "cost"),
)


def states(sweep: Sweep, reported: Rows) -> dict[Cell, str]:
    """Why a planned cell has no values, "" where it has; `reported` is `results/cells.csv`, which
    has the cells that the tables rest on (without any it is not asked)."""
    used = {tuple(row[key] for key in KEYS) for row in reported}
    found = {}
    for cell in sweep.expected:
        reason = sweep.refusals.get(cell, "")
        if not reason and used and _key(cell) not in used:
            reason = CONTRADICTED
        found[cell] = f"refused: {reason}" if _refused(reason) else reason
    return found


def _key(cell: Cell) -> tuple[str, ...]:
    return (cell.track, cell.captions, cell.scorer, repr(cell.ratio), str(cell.seed))


def _refused(reason: str) -> bool:
    return bool(reason) and reason not in (NOT_RUN, CONTRADICTED)


def cells_table(told: dict[Cell, str]) -> str:
    """A row a cell; its number in the sweep is how the page finds what belongs to it."""
    rows = []
    for number, (cell, reason) in enumerate(told.items()):
        state = "not run" if reason == NOT_RUN else "refused" if reason else "finished"
        shown = [
            Shown(cell.track),
            Shown(cell.captions),
            Shown(cell.scorer),
            Shown(kept(repr(cell.ratio)), cell.ratio),
            Shown(str(cell.seed), cell.seed),
            Shown(state if state != "refused" else reason),
            Shown(""),
        ]
        data = {"track": cell.track, "state": state, "cell": str(number)}
        rows.append(Row(shown, data, f"state-{state.replace(' ', '-')}"))
    return table("cells", "The cells of the sweep", COLUMNS, rows, head=2)


def provenances(sweep: Sweep, told: dict[Cell, str]) -> dict[str, Any]:
    """Of each cell its metrics and where they come from; what several cells share (versions,
    hardware, code) is there once, in `parts`, and named by its place."""
    parts: dict[str, int] = {}
    cells = []
    for cell in told:
        record = sweep.records.get(cell)
        cells.append(_told(record, parts) if record else None)
    return {"parts": [json.loads(part) for part in parts], "cells": cells}


def _told(record: Metrics, parts: dict[str, int]) -> dict[str, Any]:
    told = {"dataset": record.dataset, "model": record.model, "pretrained": record.pretrained}
    origin = told | record.provenance
    return {
        "unit": record.unit,
        "metrics": [
            [name, value, *record.intervals.get(name, (None, None)), record.n.get(name)]
            for name, value in record.metrics.items()
        ],
        "origin": {name: _place(value, parts) for name, value in sorted(origin.items())},
    }


def _place(value: Any, parts: dict[str, int]) -> int:
    return parts.setdefault(json.dumps(value, sort_keys=True, ensure_ascii=False), len(parts))


def costs(told: Iterable[Cell], rows: Rows) -> dict[str, Any]:
    """`results/cost.csv` in the order of the cells: the names of what was measured, and a list a
    cell, None where it is not known."""
    names = [name for name in (rows[0] if rows else {}) if name not in KEYS]
    known = {tuple(row[key] for key in KEYS): row for row in rows}
    found = (known.get(_key(cell)) for cell in told)
    return {
        "keys": [list(_key(cell)) for cell in told],
        "names": names,
        "cells": [row and [row[name] for name in names] for row in found],
    }
