"""ScoreRS Figure 5: how the normalisation of the score changes loss and accuracy."""

from collections.abc import Container

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from winnow.data.errors import WinnowError
from winnow.data.files import read_json
from winnow.data.metrics import Cell
from winnow.reporting.cells import Sweep, cell_folder
from winnow.reporting.figures import COLOURS, MARKERS, STYLE, bar, empty, grid
from winnow.reporting.method_results import Method, method_of
from winnow.reporting.results import Results
from winnow.tracks.preference.report import TRACK

# Recipe -> the normalisation in which alone it differs from the others.
NORMALISATIONS = {
    "score_small": "none",
    "score_small_softplus": "softplus",
    "score_small_tanh": "tanh",
    "score_small_sigmoid": "sigmoid",
}
PANELS = {
    "accuracy/caption": "captions",
    "accuracy/instruction": "instructions",
    "accuracy": "mean",
}
SPAN = 0.1  # share of the steps that a smoothed loss is the mean of


def normalisation(results: Results, struck: Container[Method] = ()) -> Figure:
    """Left the smoothed training loss by step, right the accuracy on held-out pairs with its
    interval; a colour a normalisation. What is struck out is left out."""
    planned = {m.scorer: m for m in results.expected(TRACK) if m not in struck}
    methods = {planned[name]: label for name, label in NORMALISATIONS.items() if name in planned}
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(10, 4.2), layout="constrained")
        left, right = figure.subplots(1, 2)
        measured = [method for method in methods if results.values.get(method)]
        if not measured:
            empty(left)
        for method in measured:
            place = list(NORMALISATIONS).index(method.scorer)
            _loss(left, results.sweep, method, methods[method], COLOURS[place])
            _accuracy(right, results, method, place)
        left.set_xlabel("step")
        left.set_ylabel("loss (smoothed)")
        left.set_title("training; sigmoid and tanh bound the loss from below", fontsize=10)
        right.set_xticks(range(len(PANELS)), list(PANELS.values()))
        right.set_xlim(-0.5, len(PANELS) - 0.5)
        right.axhline(50, color="#777777", ls="--", lw=1)
        right.set_ylabel("accuracy, %")
        right.set_title("held-out pairs (bars: 95 % intervals; dashed: chance)", fontsize=10)
        for axes in (left, right):
            grid(axes)
        handles, labels = right.get_legend_handles_labels()
        if handles:
            figure.legend(
                handles, labels, loc="outside lower center", ncols=len(labels), frameon=False
            )
    return figure


def _accuracy(axes: Axes, results: Results, method: Method, place: int) -> None:
    shift = 0.16 * (place - (len(NORMALISATIONS) - 1) / 2)
    label: str | None = f"normalisation: {NORMALISATIONS[method.scorer]}"
    for panel, metric in enumerate(PANELS):
        value = results.value(method, metric)
        if value is None:
            continue
        x, colour, marker = panel + shift, COLOURS[place], MARKERS[place]
        axes.plot([x], [100 * value.estimate], marker, color=colour, ms=6, label=label)
        label = None  # named once
        bar(axes, x, value, colour, 1.4)


def _loss(axes: Axes, sweep: Sweep, method: Method, label: str, colour: str) -> None:
    """The mean curve of the seeds that have as many steps as the first."""
    cells = [cell for cell in sweep.cells(TRACK) if method_of(cell) == method]
    curves = [curve for cell in cells if len(curve := losses(sweep, cell))]
    same = [curve for curve in curves if len(curve) == len(curves[0])]
    if same:
        values = np.mean(same, axis=0)
        steps = np.arange(1, len(values) + 1)
        axes.plot(steps, values, color=colour, alpha=0.15, lw=0.8)
        axes.plot(steps, smoothed(values), color=colour, lw=1.6, label=label)


def losses(sweep: Sweep, cell: Cell) -> np.ndarray:
    """The loss of each step [N] of a cell's training; none where they were not recorded."""
    try:
        content = read_json(cell_folder(sweep.folder, cell) / "training.json")
        found = np.asarray(content["losses"], dtype=float)
    except (WinnowError, KeyError, TypeError, ValueError):
        return np.empty(0)
    return found if found.ndim == 1 and np.isfinite(found).all() else np.empty(0)


def smoothed(values: np.ndarray) -> np.ndarray:
    """Means [N] over the neighbours within SPAN of the steps, fewer at both ends."""
    half = int(SPAN * len(values) / 2)
    sums = np.concatenate([[0.0], np.cumsum(values)])
    place = np.arange(len(values))
    low, high = np.maximum(place - half, 0), np.minimum(place + half + 1, len(values))
    return np.asarray((sums[high] - sums[low]) / (high - low))
