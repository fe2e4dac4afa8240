"""How good the score models are: pair accuracy, the judge behind them, and the noise they find."""

import numpy as np

from winnow.params.names import JUDGE
from winnow.reporting.caption_sets import MAIN
from winnow.reporting.cells import Sweep
from winnow.reporting.methods import Method, Values, method_of

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
