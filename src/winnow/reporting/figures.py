"""Ratio curves and the heat map of detection, as SVG and PNG with equal bytes each run."""

from collections.abc import Container, Sequence
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from winnow.data.files import atomic_path
from winnow.reporting.caption_sets import in_order, main_set
from winnow.reporting.methods import Method
from winnow.reporting.results import CONTROLS, Results
from winnow.reporting.shares import share_kept
from winnow.reporting.values import Value

# Okabe & Ito (2008), without black and yellow: told apart with any colour vision.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00")
MARKERS = ("o", "s", "^", "D", "v", "P")
CONTROL_STYLES: dict[str, dict[str, Any]] = {
    "random": {"color": "#777777", "linestyle": "--", "marker": "x"},
    "oracle": {"color": "#000000", "linestyle": "-.", "marker": "*"},
}
DPI = 110  # of a PNG
STYLE: Any = {
    "svg.hashsalt": "winnow",  # else the ids in an SVG are random
    "svg.fonttype": "path",  # else a reader's fonts decide how it looks
    "font.family": "DejaVu Sans",  # ships with matplotlib
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "text.parse_math": False,  # a name with $ is a name
}
ASIDE = 0.012  # between two points that share a keep ratio
PANELS = (("mean_recall", "mean recall, %"), ("acc1", "zero-shot accuracy @1, %"))


def save(
    figure: Figure, folder: str | Path, name: str, kinds: Sequence[str] = ("svg", "png")
) -> None:
    """Write `{name}.svg` and `{name}.png` (or one of them) atomically, without dates or versions.

    A picture of many pixels is better not an SVG.
    """
    FigureCanvasAgg(figure)
    for kind in kinds:
        metadata = {"Date": None} if kind == "svg" else {"Software": None}
        path = Path(folder) / f"{name}.{kind}"
        with matplotlib.rc_context(STYLE), atomic_path(path) as temporary:
            figure.savefig(temporary, dpi=DPI, metadata=metadata)


def contrastive(results: Results, struck: Container[Method] = ()) -> Figure:
    """Mean recall and zero-shot accuracy of the main caption set by keep ratio: a line a scorer
    with its interval, `none` a horizontal band, the model before fine-tuning dotted. Below, all
    pairs of each caption set, if there are several. What is struck out is left out."""
    methods = [method for method in results.expected("contrastive") if method not in struck]
    main = main_set(method.captions for method in methods)
    curves = [method for method in methods if method.captions == main]
    sets = {method.captions: method for method in methods if method.scorer == "none"}
    rows = [sets[captions] for captions in in_order(sets)] if set(sets) - {main} else []
    heights = [4.5, 1 + 0.27 * len(rows)] if rows else [4.5]
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(10, sum(heights)), layout="constrained")
        parts = figure.subfigures(len(heights), 1, height_ratios=heights, squeeze=False)[:, 0]
        panels = parts[0].subplots(1, len(PANELS))
        for axes, (metric, label) in zip(panels, PANELS, strict=True):
            _ratio_panel(axes, results, curves, metric)
            axes.set_ylabel(label)
            title = f"captions: {main} (shaded, bars: 95 % intervals)" if main else "no cells"
            axes.set_title(title, fontsize=10)
        handles, labels = _legend(list(panels))
        if handles:
            place, columns = "outside lower center", min(len(labels), 5)
            parts[0].legend(handles, labels, loc=place, ncols=columns, frameon=False)
        else:
            axes = panels[0]
            axes.text(0.5, 0.5, "no cells yet", ha="center", transform=axes.transAxes)
        if rows:
            panels = parts[1].subplots(1, len(PANELS), sharey=True)
            for axes, (metric, label) in zip(panels, PANELS, strict=True):
                _sets_panel(axes, results, rows, metric)
                axes.set_xlabel(label)
                axes.set_title("all pairs of each caption set (bars: 95 % intervals)", fontsize=10)
    return figure


def _ratio_panel(axes: Axes, results: Results, methods: list[Method], metric: str) -> None:
    scorers = list(dict.fromkeys(m.scorer for m in methods if m.scorer not in CONTROLS))
    curves: dict[str, dict[float, Value]] = {}
    for scorer in [*scorers, "random", "oracle"]:
        points = {
            share_kept(results, m): value
            for m in methods
            if m.scorer == scorer and (value := results.value(m, metric))
        }
        if points:
            curves[scorer] = dict(sorted(points.items()))
    for scorer, points in _side_by_side(curves).items():
        _curve(axes, scorer, points, _style(scorers, scorer))
    for scorer, linestyle in (("none", "-"), ("pretrained", ":")):
        for method in methods:
            value = results.value(method, metric) if method.scorer == scorer else None
            if value:
                name = "none (keep all)" if scorer == "none" else "before fine-tuning"
                axes.axhline(
                    100 * value.estimate, color="#444444", ls=linestyle, lw=1.3, label=name
                )
                if scorer == "none" and value.low is not None and value.high is not None:
                    axes.axhspan(
                        100 * value.low, 100 * value.high, color="#444444", alpha=0.12, lw=0
                    )
    axes.set_xlim(0, 1.02)
    axes.set_xticks([0, 0.2, 0.4, 0.6, 0.8, 1.0], ["0", "20", "40", "60", "80", "100"])
    axes.set_xlabel("kept, % of the pairs (single points of one ratio stand side by side)")
    axes.grid(color="#dddddd", linewidth=0.6)
    axes.set_axisbelow(True)


def _side_by_side(curves: dict[str, dict[float, Value]]) -> dict[str, dict[float, Value]]:
    """Points of scorers with one ratio each, and the same, are moved so that none hides another."""
    alone: dict[float, list[str]] = {}
    for scorer, points in curves.items():
        if len(points) == 1:
            alone.setdefault(next(iter(points)), []).append(scorer)
    moved = dict(curves)
    for ratio, scorers in alone.items():
        for number, scorer in enumerate(scorers):
            moved[scorer] = {ratio + aside(number, len(scorers)): curves[scorer][ratio]}
    return moved


def aside(number: int, count: int) -> float:
    """How far from its keep ratio a point is drawn that shares it with others, the `number`th of
    `count`: none hides another."""
    return ASIDE * (number - (count - 1) / 2)


def _sets_panel(axes: Axes, results: Results, methods: list[Method], metric: str) -> None:
    """A point with its interval for each method, named by its caption set, from the top down."""
    for row, method in enumerate(methods):
        value = results.value(method, metric)
        if value is None:
            continue
        axes.plot(100 * value.estimate, row, "o", color=COLOURS[0], ms=5)
        if value.low is not None and value.high is not None:
            axes.hlines(row, 100 * value.low, 100 * value.high, color=COLOURS[0], lw=1.4)
    axes.set_yticks(range(len(methods)), [method.captions for method in methods])
    axes.set_ylim(len(methods) - 0.5, -0.5)
    axes.grid(color="#dddddd", linewidth=0.6)
    axes.set_axisbelow(True)


def _style(scorers: list[str], scorer: str) -> dict[str, Any]:
    if scorer in CONTROL_STYLES:
        return CONTROL_STYLES[scorer]
    place = scorers.index(scorer)
    return {
        "color": COLOURS[place % len(COLOURS)],
        "marker": MARKERS[place % len(MARKERS)],
        "linestyle": ("-", "--", ":")[place // len(COLOURS) % 3],
    }


def _curve(axes: Axes, name: str, points: dict[float, Value], style: dict[str, Any]) -> None:
    ratios = list(points)
    axes.plot(
        ratios, [100 * v.estimate for v in points.values()], ms=5, lw=1.6, label=name, **style
    )
    band = [
        (r, 100 * v.low, 100 * v.high)
        for r, v in points.items()
        if v.low is not None and v.high is not None
    ]
    if len(band) > 1:
        xs, lows, highs = zip(*band, strict=True)
        axes.fill_between(xs, lows, highs, color=style["color"], alpha=0.13, lw=0)
    elif band:  # one ratio: a bar shows the interval
        ((ratio, low, high),) = band
        axes.vlines(ratio, low, high, color=style["color"], lw=1.2)


def _legend(panels: list[Axes]) -> tuple[list[Any], list[str]]:
    found: dict[str, Any] = {}
    for axes in panels:
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
            found.setdefault(label, handle)
    return list(found.values()), list(found)


def detection(results: Results) -> Figure:
    """Average precision of each scorer (rows) in finding each kind of noise (columns)."""
    methods = [m for m in results.expected("detection") if m in results.values]
    kinds = ["all", *results.zero_shot_sets("detection")]
    several = len({method.captions for method in methods}) > 1
    names = [f"{m.captions}: {m.scorer}" if several else m.scorer for m in methods]
    table = np.full((len(methods), len(kinds)), np.nan)
    for i, method in enumerate(methods):
        for j, kind in enumerate(kinds):
            metric = "average_precision" if kind == "all" else f"{kind}/average_precision"
            if value := results.value(method, metric):
                table[i, j] = 100 * value.estimate
    with matplotlib.rc_context(STYLE):
        figure = Figure(
            figsize=(2.4 + 0.92 * len(kinds), 1.9 + 0.42 * max(len(methods), 2)),
            layout="constrained",
        )
        axes = figure.subplots()
        if not methods:
            axes.text(0.5, 0.5, "no cells yet", ha="center", transform=axes.transAxes)
            return figure
        image = axes.imshow(table, cmap="cividis", vmin=0, vmax=100, aspect="auto")
        for i, j in np.argwhere(np.isfinite(table)):
            shade = "white" if table[i, j] < 55 else "black"
            axes.text(j, i, f"{table[i, j]:.1f}", ha="center", va="center", color=shade)
        axes.set_xticks(range(len(kinds)), kinds, rotation=30, ha="right", rotation_mode="anchor")
        axes.set_yticks(range(len(methods)), names)
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
        axes.set_title("average precision in finding the noise, %", fontsize=10)
        figure.colorbar(image, ax=axes, shrink=0.9)
    return figure
