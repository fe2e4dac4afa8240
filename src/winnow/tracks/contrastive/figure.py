"""The figure of the track `contrastive`: curves over the keep ratio."""

from collections.abc import Container
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from winnow.reporting.caption_sets import in_order, main_set
from winnow.reporting.figures import COLOURS, MARKERS, STYLE, aside, bar, empty, grid
from winnow.reporting.method_results import Method
from winnow.reporting.results import CONTROLS, Results
from winnow.reporting.values import Value

CONTROL_STYLES: dict[str, dict[str, Any]] = {
    "random": {"color": "#777777", "linestyle": "--", "marker": "x"},
    "oracle": {"color": "#000000", "linestyle": "-.", "marker": "*"},
}
PANELS = (("mean_recall", "mean recall, %"), ("acc1", "zero-shot accuracy @1, %"))


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
            empty(panels[0])
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
            results.share_kept(m): value
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
                if scorer == "none" and value.ends is not None:
                    low, high = value.ends
                    axes.axhspan(100 * low, 100 * high, color="#444444", alpha=0.12, lw=0)
    axes.set_xlim(0, 1.02)
    axes.set_xticks([0, 0.2, 0.4, 0.6, 0.8, 1.0], ["0", "20", "40", "60", "80", "100"])
    axes.set_xlabel("kept, % of the pairs (single points of one ratio stand side by side)")
    grid(axes)


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


def _sets_panel(axes: Axes, results: Results, methods: list[Method], metric: str) -> None:
    """A point with its interval for each method, named by its caption set, from the top down."""
    for row, method in enumerate(methods):
        value = results.value(method, metric)
        if value is None:
            continue
        axes.plot(100 * value.estimate, row, "o", color=COLOURS[0], ms=5)
        if value.ends is not None:
            axes.hlines(row, 100 * value.ends[0], 100 * value.ends[1], color=COLOURS[0], lw=1.4)
    axes.set_yticks(range(len(methods)), [method.captions for method in methods])
    axes.set_ylim(len(methods) - 0.5, -0.5)
    grid(axes)


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
    band = {r: v.ends for r, v in points.items() if v.ends is not None}
    if len(band) > 1:
        lows, highs = ([100 * end for end in ends] for ends in zip(*band.values(), strict=True))
        axes.fill_between(list(band), lows, highs, color=style["color"], alpha=0.13, lw=0)
    for ratio in band if len(band) == 1 else ():  # one ratio: a bar shows the interval
        bar(axes, ratio, points[ratio], style["color"], 1.2)


def _legend(panels: list[Axes]) -> tuple[list[Any], list[str]]:
    found: dict[str, Any] = {}
    for axes in panels:
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
            found.setdefault(label, handle)
    return list(found.values()), list(found)
