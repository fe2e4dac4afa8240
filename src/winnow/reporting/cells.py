"""The cells of a sweep as they lie on disk: read, checked, and what was refused and why."""

import csv
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from pydantic import ValidationError

from winnow.data.errors import WinnowError
from winnow.data.files import read_json
from winnow.data.metrics import Cell, Metrics, flatten, read_metrics

KEYS = ("track", "captions", "scorer", "ratio", "seed")
COST = ("wall_s", "cpu_s", "gpu_s", "peak_mb", "samples")
COLUMNS = (*KEYS, "metric", "value", "low", "high", "n")
NOT_RUN = "not run"


@dataclass
class Sweep:
    """The cells expected, the records of those that can be used, and why the others cannot."""

    folder: Path
    expected: list[Cell]
    records: dict[Cell, Metrics]
    refusals: dict[Cell, str]

    def refuse(self, cell: Cell, error: Exception) -> None:
        """Take a cell out. The reason names files relative to the folder of the cells."""
        self.records.pop(cell, None)
        self.refusals[cell] = str(error).replace(f"{self.folder}/", "")

    def cells(self, track: str) -> Iterator[Cell]:
        """The usable cells of a track, in the order of the sweep."""
        return (cell for cell in self.expected if cell in self.records and cell.track == track)


def cell_folder(cells_dir: str | Path, cell: Cell) -> Path:
    """Where a cell keeps its `metrics.json`, `outcomes.parquet` and `cost.json`."""
    place = (cell.track, cell.captions, cell.scorer, repr(cell.ratio), str(cell.seed))
    return Path(cells_dir).joinpath(*place)


def read_sweep(path: str | Path) -> list[Cell]:
    """The expected cells, from a CSV with the columns track, captions, scorer, ratio, seed.

    WinnowError names the file, the row and the column.
    """
    try:
        with Path(path).open(encoding="utf-8", newline="") as handle:
            reader = csv.DictReader(handle)
            missing = [key for key in KEYS if key not in (reader.fieldnames or ())]
            if missing:
                raise WinnowError(f"{path}: column {missing[0]!r} is missing")
            rows = list(reader)
    except FileNotFoundError as error:
        raise WinnowError(f"{path}: no such table") from error
    cells = [_cell(path, number, row) for number, row in enumerate(rows)]
    return list(dict.fromkeys(cells))


def _cell(path: str | Path, number: int, row: dict[str, Any]) -> Cell:
    try:
        cell = Cell.model_validate({key: row[key] for key in KEYS})
    except ValidationError as error:
        first = error.errors()[0]
        raise WinnowError(f"{path}: row {number}: {first['loc'][0]}: {first['msg']}") from error
    for key in ("track", "captions", "scorer"):
        name = getattr(cell, key)
        if not name or name in (".", "..") or "/" in name or "\\" in name or "\0" in name:
            raise WinnowError(f"{path}: row {number}: {key}: {name!r} cannot name a folder")
    return cell


def load_cells(
    sweep_path: str | Path, cells_dir: str | Path, tracks: Sequence[str] | None = None
) -> Sweep:
    """Read every expected cell (of `tracks`, or all).

    One that is missing, truncated, of another version, from another place or out of range is
    refused with its reason; other folders are ignored.
    """
    expected = [c for c in read_sweep(sweep_path) if tracks is None or c.track in tracks]
    sweep = Sweep(Path(cells_dir), expected, {}, {})
    for cell in sweep.expected:
        path = cell_folder(cells_dir, cell) / "metrics.json"
        if not path.exists():
            sweep.refusals[cell] = NOT_RUN
            continue
        try:
            record = read_metrics(path, cell)
            _check_range(path, record)
            sweep.records[cell] = record
        except (WinnowError, OSError) as error:
            sweep.refuse(cell, error)
    return sweep


def _check_range(path: Path, record: Metrics) -> None:
    """A fraction lies in 0..1, an interval is ordered; anything else was edited by hand."""
    lowest, highest = (0.0, 1.0) if record.unit == "fraction" else (-math.inf, math.inf)
    for name, value in record.metrics.items():
        low, high = record.intervals.get(name, (value, value))
        finite = all(map(math.isfinite, (value, low, high)))
        if not finite or not lowest <= low <= high <= highest or not lowest <= value <= highest:
            raise WinnowError(
                f"{path}: {name}: {value} with interval {low} to {high} is not possible; "
                "delete it and run again"
            )


def tidy(sweep: Sweep) -> pd.DataFrame:
    """One row a usable cell and metric: track, captions, scorer, ratio, seed, metric, value, low,
    high, n."""
    rows = [
        row
        for cell in sweep.expected
        if cell in sweep.records
        for row in flatten(sweep.records[cell])
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def digests(record: Metrics) -> str:
    """The digests in a record's provenance on one line: of code and of each input, by name."""
    found = {"code": record.provenance.get("code")}
    for key in ("inputs", "digests"):
        part = record.provenance.get(key)
        found |= part if isinstance(part, dict) else {}
    return " ".join(f"{name}={value}" for name, value in sorted(found.items()) if value)


def costs(sweep: Sweep) -> list[list[Any]]:
    """One row a usable cell: its keys, then what it cost (COST), None where it is not known."""
    rows = []
    for cell in (cell for cell in sweep.expected if cell in sweep.records):
        try:
            cost = read_json(cell_folder(sweep.folder, cell) / "cost.json")
        except WinnowError:  # a lost sidecar costs no result
            cost = None
        cost = cost if isinstance(cost, dict) else {}
        rows.append([*cell.model_dump().values(), *(cost.get(key) for key in COST)])
    return rows
