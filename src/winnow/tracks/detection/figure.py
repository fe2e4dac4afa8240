"""The figure of the track `detection`: a heat map of what each scorer finds."""

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from winnow.reporting.figures import STYLE, empty
from winnow.reporting.results import Results
from winnow.tracks.detection.report import TRACK, called
from winnow.tracks.detection.report import kinds as kinds_of


def detection(results: Results) -> Figure:
    """Average precision of each scorer (rows) in finding each kind of noise (columns)."""
    methods = [m for m in results.expected(TRACK) if m in results.values]
    kinds = kinds_of(results)
    several = len({method.captions for method in methods}) > 1
    names = [f"{m.captions}: {m.scorer}" if several else m.scorer for m in methods]
    table = np.full((len(methods), len(kinds)), np.nan)
    for i, method in enumerate(methods):
        for j, kind in enumerate(kinds):
            if value := results.value(method, called(kind, "average_precision")):
                table[i, j] = 100 * value.estimate
    with matplotlib.rc_context(STYLE):
        figure = Figure(
            figsize=(2.4 + 0.92 * len(kinds), 1.9 + 0.42 * max(len(methods), 2)),
            layout="constrained",
        )
        axes = figure.subplots()
        if not methods:
            empty(axes)
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
