"""How good the score models are: pair accuracy, the judge behind them, and the noise they find."""

import numpy as np

from winnow.data.errors import WinnowError
from winnow.data.tables import OUTCOMES, read_table
from winnow.evaluation.preference import summary
from winnow.evaluation.statistics import average_seeds
from winnow.params.model import JUDGE
from winnow.params.sections import Statistics
from winnow.reporting.caption_sets import MAIN
from winnow.reporting.cells import Sweep, cell_folder
from winnow.reporting.methods import Method, Values, method_of, seeds_of
from winnow.reporting.values import Value

TRACK = "preference"
# Metric -> what the tables call it.
ACCURACY = {
    "accuracy": "mean",
    "accuracy/caption": "captions",
    "accuracy/instruction": "instructions",
    "accuracy/closed": "closed",
    "accuracy/open": "open",
    "accuracy/remote_sensing": "remote sensing",
    "accuracy/text": "text",
}
DETECTORS = ("score_model", "clip", "domain_clip", "text")  # whose detection is compared


def seed_intervals(sweep: Sweep, resamples: int, seed: int) -> Values:
    """Mean and interval of every metric of the recipes with several seeds: outcomes are averaged
    over the seeds first. Recipes whose seeds were measured on different pairs are left out."""
    found: Values = {}
    settings = Statistics(resamples=resamples, seed=seed)
    for method, cells in seeds_of(sweep, TRACK).items():
        if len(cells) < 2:
            continue
        folders = [cell_folder(sweep.folder, cell) for cell in cells]
        try:
            tables = [read_table(folder / "outcomes.parquet", OUTCOMES) for folder in folders]
            metrics, intervals, n = summary(average_seeds(tables), settings)
        except WinnowError:
            continue
        found[method] = {
            name: Value(value, *intervals[name], n[name], len(cells))
            for name, value in metrics.items()
        }
    return found


def recipes(planned: list[Method]) -> list[Method]:
    """The score models among the methods of the track, without the judge."""
    return [method for method in planned if method.scorer != JUDGE]


def detectors(planned: list[Method]) -> list[Method]:
    """The scorers of the main caption set whose detection is compared, in DETECTORS' order."""
    known = {method.scorer: method for method in planned if method.captions == MAIN}
    return [known[scorer] for scorer in DETECTORS if scorer in known]


def kinds_of(metrics: set[str]) -> list[str]:
    """The metrics of agreement or of average precision: the total, then each kind of noise."""
    order = ["agreement/caption", "agreement/instruction", "average_precision"]
    first = [name for name in order if name in metrics]
    return first + sorted(metrics - set(first))


def deviation(sweep: Sweep, method: Method, metric: str) -> float | None:
    """Sample standard deviation of a metric over a method's seeds; None of fewer than two."""
    records = [
        sweep.records[cell] for cell in sweep.cells(method.track) if method_of(cell) == method
    ]
    values = [record.metrics[metric] for record in records if metric in record.metrics]
    return float(np.std(values, ddof=1)) if len(values) > 1 else None


def measured(values: Values, method: Method) -> list[str]:
    """The metrics of a method that were measured, but of detection only the average precision."""
    known = values.get(method, {})
    chosen = {name for name in known if method.track == TRACK or "average_precision" in name}
    names = [name for name in ACCURACY if name in chosen]
    return [*names, *kinds_of(chosen - set(names))]
