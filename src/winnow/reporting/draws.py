"""Metrics that are no means of outcomes, of which a cell keeps resamples: distances between sets of
images, and IoU."""

import numpy as np

from winnow.data.errors import WinnowError
from winnow.data.tables import DRAWS, read_table
from winnow.evaluation.statistics import percentile_interval
from winnow.reporting.cells import Sweep, cell_folder
from winnow.reporting.methods import Method, Values, seeds_of

TRACK = "generation"
SEGMENTATION = "segmentation"


def kept(sweep: Sweep, method: Method, metric: str) -> np.ndarray:
    """The resampled values [resamples] that a method's cells keep, averaged over its seeds; none
    where a seed's are lost or differ in number.

    Of segmentors the seeds are resampled as well, in the same way for all methods with as many.
    """
    found = []
    for cell in seeds_of(sweep, method.track).get(method, []):
        path = cell_folder(sweep.folder, cell) / "draws.parquet"
        try:
            table = read_table(path, DRAWS)
        except WinnowError:  # without it there is no interval
            return np.empty(0)
        chosen = table[table["metric"] == metric].sort_values("draw")
        found.append(chosen["value"].to_numpy(dtype=float))
    if len({len(part) for part in found}) != 1:
        return np.empty(0)
    repeats = np.stack(found)
    if method.track == SEGMENTATION:
        chosen_seeds = np.random.default_rng(0).integers(len(repeats), size=repeats.shape)
        repeats = np.take_along_axis(repeats, chosen_seeds, axis=0)
    return np.asarray(repeats.mean(axis=0))


def with_intervals(sweep: Sweep, values: Values) -> None:
    """Give such metrics of methods with several seeds the intervals of their averaged resamples, in
    place."""
    for method in [*seeds_of(sweep, TRACK), *seeds_of(sweep, SEGMENTATION)]:
        for name, value in values[method].items():
            if value.seeds > 1 and value.low is None and len(draws := kept(sweep, method, name)):
                low, high = percentile_interval(draws).tolist()
                values[method][name] = value._replace(low=low, high=high)
