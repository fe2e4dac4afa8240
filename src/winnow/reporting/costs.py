"""The flat tables of cells: what they measured; what they cost in this run, on what, from what."""

import math
from collections.abc import Iterable
from typing import Any

from winnow.data.energy_counters import ENERGY
from winnow.data.errors import WinnowError
from winnow.data.files import read_signed
from winnow.data.metrics import Cell, Metrics
from winnow.reporting.cells import (
    COLUMNS,
    KEYS,
    Sweep,
    cell_folder,
    digests,
    mapping,
    tidy,
    trainings,
)
from winnow.reporting.table import Table, plain

COST = ("wall_s", "cpu_s", "gpu_s", ENERGY, "peak_mb", "samples")

Cost = dict[str, float]


def read_costs(sweep: Sweep) -> dict[Cell, Cost]:
    """The numbers of COST that each usable cell's `cost.json` has; a lost one costs no result."""
    return {cell: _cost(sweep, cell) for cell in sweep.expected if cell in sweep.records}


def _cost(sweep: Sweep, cell: Cell) -> Cost:
    try:
        found = read_signed(cell_folder(sweep.folder, cell) / "cost.json")
    except WinnowError:
        return {}
    known: list[tuple[str, Any]] = [(name, found.get(name)) for name in COST]
    numbers = [(name, v) for name, v in known if isinstance(v, float | int)]
    return {name: v for name, v in numbers if 0 <= v < math.inf}


def hardware(records: Iterable[Metrics]) -> str:
    """The processors that evaluated and trained some cells, each once."""
    parts = (part for record in records for part in (record.provenance, *trainings(record)))
    found = {_described(mapping(part.get("hardware"))): None for part in parts}
    return "; ".join(filter(None, found))


def _described(named: dict[str, Any]) -> str:
    cores = f"{named['cores']} cores" if named.get("cores") else ""
    parts = (named.get("cpu"), cores, named.get("gpu"), named.get("blas"))
    return ", ".join(str(part) for part in parts if part)


def cells_table(sweep: Sweep) -> Table:
    """Every usable cell and metric, with interval and queries."""
    rows = tidy(sweep).astype(object).to_numpy().tolist()
    return Table(plain(*COLUMNS), [dict(zip(COLUMNS, row, strict=True)) for row in rows])


def cost_table(sweep: Sweep, costs: dict[Cell, Cost]) -> Table:
    """One row a usable cell: its keys, what it cost in this run, on what, and the digests it
    came from."""
    rows = [
        {
            **cell.model_dump(),
            **cost,
            "hardware": hardware([sweep.records[cell]]),
            "digests": digests(sweep.records[cell]),
        }
        for cell, cost in costs.items()
    ]
    return Table(plain(*KEYS, *COST, "hardware", "digests"), rows)
