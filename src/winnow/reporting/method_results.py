"""From cells to methods: their seeds' outcomes, and the means over seeds."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa

from winnow.data.errors import WinnowError
from winnow.data.metrics import Cell
from winnow.data.tables import OUTCOMES, read_arrow
from winnow.evaluation.statistics import Resampling, headline_means
from winnow.reporting.cells import Sweep, cell_folder, mapping
from winnow.reporting.values import IMAGES_ALONE, Value
from winnow.tracks.registry import BY_NAME, TRACKS

TOLERANCE = 1e-6  # between a metric and the mean of its outcomes


class Method(NamedTuple):
    """What the seeds of a cell repeat."""

    track: str
    captions: str
    scorer: str
    ratio: float


Values = dict[Method, dict[str, Value]]


def method_of(cell: Cell) -> Method:
    """The method that a cell belongs to."""
    return Method(cell.track, cell.captions, cell.scorer, cell.ratio)


def seeds_of(sweep: Sweep, track: str) -> dict[Method, list[Cell]]:
    """The usable cells of each method of a track."""
    methods: dict[Method, list[Cell]] = {}
    for cell in sweep.cells(track):
        methods.setdefault(method_of(cell), []).append(cell)
    return methods


class Outcomes(NamedTuple):
    """The queries of a track, and each method's values for them, a column a seed."""

    queries: pd.DataFrame  # metric, query, group
    values: dict[Method, np.ndarray]  # [rows, S]


def load_outcomes(sweep: Sweep, track: str) -> Outcomes | None:
    """Read the outcomes of a track; None without any. A cell whose outcomes cannot be read, belong
    to other queries than those of most cells, or contradict its metrics is refused."""
    layouts: list[pa.Table] = []
    members: list[dict[Cell, np.ndarray]] = []
    for cell in list(sweep.cells(track)):
        path = cell_folder(sweep.folder, cell) / "outcomes.parquet"
        try:
            table = read_arrow(path, OUTCOMES)
        except WinnowError as error:
            sweep.refuse(cell, error)
            continue
        keys = table.select(["metric", "query", "group"])
        place = next((i for i, layout in enumerate(layouts) if layout.equals(keys)), len(layouts))
        if place == len(layouts):
            layouts.append(keys)
            members.append({})
        members[place][cell] = table["value"].to_numpy()
    if not layouts:
        return None
    main = max(range(len(layouts)), key=lambda i: len(members[i]))
    for cell in (cell for i, part in enumerate(members) if i != main for cell in part):
        path = cell_folder(sweep.folder, cell) / "outcomes.parquet"
        text = "holds other queries than the other cells of its track"
        sweep.refuse(cell, WinnowError(f"{path}: {text}"))
    queries = layouts[main].to_pandas()
    if queries.empty:
        return None
    _check_agreement(sweep, queries, means_of(track, queries), members[main])
    repeats = seeds_of(sweep, track)
    values = {
        method: np.stack([members[main][cell] for cell in cells], axis=1)
        for method, cells in repeats.items()
    }
    return Outcomes(queries, values)


def outcomes_by_track(sweep: Sweep) -> dict[str, Outcomes]:
    """The outcomes of the tracks whose cells share their queries. Cells whose outcomes cannot be
    read or contradict their metrics are refused, of all tracks whose metrics are means of them."""
    found = {}
    for track in TRACKS:
        if track.outcomes == "shared" and (table := load_outcomes(sweep, track.name)) is not None:
            found[track.name] = table
        elif track.outcomes == "own":
            _check_own(sweep, track.name)
    return found


def _check_own(sweep: Sweep, track: str) -> None:
    for cell in list(sweep.cells(track)):
        try:
            table = read_arrow(cell_folder(sweep.folder, cell) / "outcomes.parquet", OUTCOMES)
        except WinnowError as error:
            sweep.refuse(cell, error)
            continue
        means = table.group_by("metric").aggregate([("value", "mean")])
        names, values = means["metric"].to_pylist(), means["value_mean"].to_pylist()
        _check_metrics(sweep, cell, dict(zip(names, values, strict=True)))


def means_of(track: str, queries: pd.DataFrame) -> dict[str, list[str]]:
    """The means over sets that a track's cells report beside the metrics of their outcomes."""
    return headline_means(queries["metric"]) if BY_NAME[track].means else {}


def _check_agreement(
    sweep: Sweep,
    queries: pd.DataFrame,
    means: Mapping[str, Sequence[str]],
    members: dict[Cell, np.ndarray],
) -> None:
    plan = Resampling(queries, means)
    for cell, values in members.items():
        found = dict(zip(plan.names, plan.estimates(values[:, None])[:, 0], strict=True))
        _check_metrics(sweep, cell, found)


def _check_metrics(sweep: Sweep, cell: Cell, measured: Mapping[str, float]) -> None:
    """Refuse a cell whose metrics are not what its outcomes give."""
    for name, value in sweep.records[cell].metrics.items():
        if name in measured and not abs(measured[name] - value) <= TOLERANCE:
            path = cell_folder(sweep.folder, cell) / "metrics.json"
            text = f"{path}: {name}: {value}, but its outcomes give {measured[name]:.6g}"
            sweep.refuse(cell, WinnowError(text))
            return


def method_values(sweep: Sweep) -> Values:
    """The mean over seeds of each method's metrics. Of one seed it has the interval of the cell,
    which covers images alone."""
    tracks = dict.fromkeys(cell.track for cell in sweep.expected)
    return {
        method: _stored(sweep, cells)
        for track in tracks
        for method, cells in seeds_of(sweep, track).items()
    }


def _stored(sweep: Sweep, cells: list[Cell]) -> dict[str, Value]:
    """The metrics of a method, each over the cells that have it: further seeds may measure less."""
    values = {}
    for name in dict.fromkeys(n for cell in cells for n in sweep.records[cell].metrics):
        records = [r for cell in cells if name in (r := sweep.records[cell]).metrics]
        alone = len(records) == 1
        replication = IMAGES_ALONE if alone and is_trained(sweep, cells) else ""
        low, high = records[0].intervals.get(name, (None, None)) if alone else (None, None)
        mean = float(np.mean([record.metrics[name] for record in records]))
        values[name] = Value(mean, low, high, records[0].n.get(name), len(records), replication)
    return values


def is_trained(sweep: Sweep, cells: Iterable[Cell]) -> bool:
    """Whether the seed of a method's cells changes a training, by their track and their records:
    nothing is trained for the model as it is, or for a published one."""
    return any(
        BY_NAME[cell.track].trained and mapping(sweep.records[cell].provenance.get("training"))
        for cell in cells
    )
