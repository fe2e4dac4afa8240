"""Metrics that are no means of outcomes, of which a cell keeps resamples: distances between sets of
images, and IoU."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from winnow.data.errors import WinnowError
from winnow.data.metrics import Cell
from winnow.data.tables import DRAWS, read_table
from winnow.evaluation.statistics import percentile_interval
from winnow.reporting.cells import Sweep, cell_folder
from winnow.reporting.methods import Method, Values, seeds_of
from winnow.tracks.registry import BY_NAME


def kept(sweep: Sweep, method: Method, metric: str) -> np.ndarray:
    """The resampled values [resamples] that a method's cells keep, averaged over its seeds; none
    where a seed's are lost or differ in number.

    Where the track says so the seeds are resampled as well, in the same way for all methods with as
    many.
    """
    return averaged(sweep, seeds_of(sweep, method.track).get(method, []), metric)


def averaged(sweep: Sweep, cells: Sequence[Cell], metric: str) -> np.ndarray:
    """`kept` of the usable cells of one method."""
    found = [_draws(sweep, cell).get(metric, np.empty(0)) for cell in cells]
    if len({len(part) for part in found}) != 1:
        return np.empty(0)
    repeats = np.stack(found)
    if BY_NAME[cells[0].track].resamples_seeds:
        chosen_seeds = np.random.default_rng(0).integers(len(repeats), size=repeats.shape)
        repeats = np.take_along_axis(repeats, chosen_seeds, axis=0)
    return np.asarray(repeats.mean(axis=0))


def _draws(sweep: Sweep, cell: Cell) -> dict[str, np.ndarray]:
    """What a cell keeps, by metric; each file is read once. Without one there is no interval."""
    if cell not in sweep.draws:
        path = cell_folder(sweep.folder, cell) / "draws.parquet"
        sweep.draws[cell] = _by_metric(path) if path.exists() else {}
    return sweep.draws[cell]


def _by_metric(path: Path) -> dict[str, np.ndarray]:
    try:
        ordered = read_table(path, DRAWS).sort_values("draw", kind="stable")
    except WinnowError:
        return {}
    return {
        str(metric): rows["value"].to_numpy(dtype=float)
        for metric, rows in ordered.groupby("metric", sort=False)
    }


def with_intervals(sweep: Sweep, values: Values) -> None:
    """Give such metrics of methods with several seeds the intervals of their averaged resamples, in
    place."""
    for method, known in values.items():
        for name, value in known.items():
            if value.seeds > 1 and value.low is None and len(draws := kept(sweep, method, name)):
                low, high = percentile_interval(draws).tolist()
                known[name] = value._replace(low=low, high=high)
