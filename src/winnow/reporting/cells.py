"""The cells of a sweep as they lie on disk: read, checked, and what was refused and why."""

import json
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pydantic import ValidationError

from winnow.data.csv_file import read_csv
from winnow.data.errors import WinnowError
from winnow.data.metrics import Cell, Metrics, check_files, flatten, read_metrics

KEYS = ("track", "captions", "scorer", "ratio", "seed")
PARAMETERS = "parameters"  # the column of what the records of a cell must say, in JSON
COLUMNS = (*KEYS, "metric", "value", "low", "high", "n")
NOT_RUN = "not run"
CELLS = "artifacts/cells"  # where a run keeps them
AGAIN = "snakemake --cores all --forcerun {} runs it again"  # or takes it from the cache


@dataclass
class Sweep:
    """The cells expected, the records of those that can be used, and why the others cannot.

    `draws` holds the resampled values of the cells that were asked for, by metric; `usable` the
    usable cells of the tracks that were asked for, until another cell is refused.
    """

    folder: Path
    expected: list[Cell]
    records: dict[Cell, Metrics]
    refusals: dict[Cell, str]
    draws: dict[Cell, dict[str, np.ndarray]] = field(default_factory=dict)
    usable: dict[str, list[Cell]] = field(default_factory=dict)

    def refuse(self, cell: Cell, error: Exception) -> None:
        """Take a cell out. The reason names files relative to the folder of the cells, and what
        to do."""
        self.records.pop(cell, None)
        self.usable.clear()
        reason = str(error).replace(f"{self.folder}/", "")
        self.refusals[cell] = f"{reason}; {AGAIN.format(cell_folder(CELLS, cell))}"

    def cells(self, track: str) -> Iterator[Cell]:
        """The usable cells of a track, in the order of the sweep."""
        if track not in self.usable:
            planned = (cell for cell in self.expected if cell.track == track)
            self.usable[track] = [cell for cell in planned if cell in self.records]
        return iter(self.usable[track])


def cell_folder(cells_dir: str | Path, cell: Cell) -> Path:
    """Where a cell keeps its `metrics.json`, `outcomes.parquet` and `cost.json`."""
    place = (cell.track, cell.captions, cell.scorer, repr(cell.ratio), str(cell.seed))
    return Path(cells_dir).joinpath(*place)


def read_sweep(path: str | Path) -> dict[Cell, dict[str, Any]]:
    """The expected cells and the parameters that their records must have, from a CSV with the
    columns track, captions, scorer, ratio, seed and, if any is to be checked, parameters (JSON).

    WinnowError names the file, the row and the column.
    """
    return {
        _cell(path, number, row): _parameters(path, number, row.get(PARAMETERS))
        for number, row in enumerate(read_csv(path, KEYS))
    }


def _parameters(path: str | Path, number: int, text: str | None) -> dict[str, Any]:
    try:
        found = json.loads(text or "{}")
    except (ValueError, RecursionError) as error:
        raise WinnowError(f"{path}: row {number}: {PARAMETERS}: {error}") from error
    if not isinstance(found, dict):
        raise WinnowError(f"{path}: row {number}: {PARAMETERS}: is no mapping")
    return found


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
    sweep_path: str | Path,
    cells_dir: str | Path,
    tracks: Sequence[str] | None = None,
    wanted: Callable[[Cell], bool] = lambda cell: True,
) -> Sweep:
    """Read every expected cell (of `tracks`, or all) that is wanted.

    One that is missing, truncated, of another version, from another place, of other parameters, out
    of range or edited is refused with its reason; other folders are ignored.
    """
    planned = read_sweep(sweep_path)
    expected = [cell for cell in planned if tracks is None or cell.track in tracks]
    sweep = Sweep(Path(cells_dir), expected, {}, {})
    for cell in filter(wanted, sweep.expected):
        folder = cell_folder(cells_dir, cell)
        if not (folder / "metrics.json").exists():
            sweep.refusals[cell] = NOT_RUN
            continue
        try:
            record = read_metrics(folder / "metrics.json", cell)
            _check_range(folder / "metrics.json", record)
            _check_parameters(folder / "metrics.json", record, planned[cell])
            check_files(folder, record)
            sweep.records[cell] = record
        except (WinnowError, OSError) as error:
            sweep.refuse(cell, error)
    return sweep


def _check_parameters(path: Path, record: Metrics, planned: dict[str, Any]) -> None:
    """What a record says of its evaluation and its trainings is what this run asks for; of what it
    does not name nothing is known."""
    for place, found in _told(record):
        for name, value in found.items():
            wanted = planned.get(place, {}).get(name, value)
            if wanted != value:
                raise WinnowError(
                    f"{path}: was run with {name} {value!r}, this run asks for {wanted!r}"
                )


def _told(record: Metrics) -> Iterator[tuple[str, dict[str, Any]]]:
    """The parameters of a record's evaluation, of its drawing, and those of its trainings."""
    yield PARAMETERS, mapping(record.provenance.get(PARAMETERS))
    yield "drawing", mapping(mapping(record.provenance.get("drawing")).get(PARAMETERS))
    for training in trainings(record):
        yield "training", mapping(training.get(PARAMETERS))


def trainings(record: Metrics) -> list[dict[str, Any]]:
    """What a record tells of the training behind it; of segmentors there are several."""
    told = mapping(record.provenance.get("training"))
    return [part for part in (told, *told.values()) if isinstance(part, dict)]


def mapping(value: Any) -> dict[str, Any]:
    """`value` if it is a mapping, or else an empty one."""
    return value if isinstance(value, dict) else {}


def _check_range(path: Path, record: Metrics) -> None:
    """A fraction lies in 0..1, an interval is ordered; anything else was edited by hand."""
    lowest, highest = (0.0, 1.0) if record.unit == "fraction" else (-math.inf, math.inf)
    for name, value in record.metrics.items():
        low, high = record.intervals.get(name, (value, value))
        finite = all(map(math.isfinite, (value, low, high)))
        if not finite or not lowest <= low <= high <= highest or not lowest <= value <= highest:
            raise WinnowError(
                f"{path}: {name}: {value} with interval {low} to {high} is not possible"
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
        found |= mapping(record.provenance.get(key))
    return " ".join(f"{name}={value}" for name, value in sorted(found.items()) if value)
