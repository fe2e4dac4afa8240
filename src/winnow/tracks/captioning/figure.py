"""The figure of the caption sets: what they find against what they invent."""

from collections.abc import Iterator

import matplotlib
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Annotation, Text
from matplotlib.transforms import Bbox

from winnow.reporting.caption_sets import MAIN
from winnow.reporting.figures import COLOURS, STYLE, empty, grid
from winnow.reporting.results import Results
from winnow.reporting.values import Value
from winnow.tracks.captioning.report import sets

RECALL, HALLUCINATION = "object_recall", "hallucination_rate"
# Where a label may stand, in points from its point: near first.
STEPS = ((1, 1), (1, -1), (-1, 1), (-1, -1), (0, 1), (0, -1), (1, 0), (-1, 0))
DISTANCES = (6, 14, 26, 40, 56)
PEOPLE = ("human", MAIN)  # drawn unlike what was generated


def captions(results: Results) -> Figure:
    """Object recall against hallucination rate: a labelled point a caption set, with intervals."""
    points = {
        method.captions: (recall, hallucination)
        for method in sets(results)
        if (recall := results.value(method, RECALL))
        and (hallucination := results.value(method, HALLUCINATION))
    }
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(7, 5.2), layout="constrained")
        axes = figure.subplots()
        if not points:
            empty(axes, "no cells yet, or no truth")
            return figure
        for name, (recall, hallucination) in points.items():
            person = name in PEOPLE
            axes.errorbar(
                100 * hallucination.estimate,
                100 * recall.estimate,
                xerr=_bars(hallucination),
                yerr=_bars(recall),
                fmt="s" if person else "o",
                color="#444444" if person else COLOURS[0],
                ms=5,
                lw=1.1,
            )
        axes.set_xlabel("hallucination rate, % (lower is better)")
        axes.set_ylabel("object recall, % (higher is better)")
        axes.set_title("caption sets against the truth (bars: 95 % intervals)", fontsize=10)
        grid(axes)
        axes.margins(0.12)
        _label(
            figure, axes, {n: (100 * h.estimate, 100 * r.estimate) for n, (r, h) in points.items()}
        )
    return figure


def _bars(value: Value) -> list[list[float]] | None:
    """Lengths of an error bar, below and above, in per cent."""
    if value.ends is None:
        return None
    low, high = value.ends
    return [[100 * max(0.0, value.estimate - low)], [100 * max(0.0, high - value.estimate)]]


def _label(figure: Figure, axes: Axes, places: dict[str, tuple[float, float]]) -> None:
    """Name each point where its label covers neither a point nor another label, if there is room;
    a thin line leads to it from afar."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()  # fixes the layout, so that places can be measured
    renderer = canvas.get_renderer()
    figure.set_layout_engine("none")
    pixels = axes.transData.transform(list(places.values()))
    taken = [Bbox.from_bounds(x - 5, y - 5, 10, 10) for x, y in pixels]
    frame = axes.get_window_extent()
    for name, place in places.items():
        best: tuple[int, Annotation, Bbox] | None = None
        for note in _notes(axes, name, place):
            note.update_positions(renderer)
            box = Text.get_window_extent(note, renderer)  # of the words, without the line
            inside = frame.contains(*box.min) and frame.contains(*box.max)
            cost = box.count_overlaps(taken) + (0 if inside else 2)
            if best is not None and cost >= best[0]:
                note.remove()
                continue
            if best is not None:
                best[1].remove()
            best = (cost, note, box)
            if cost == 0:
                break
        taken += [best[2]] if best else []


def _notes(axes: Axes, name: str, place: tuple[float, float]) -> Iterator[Annotation]:
    for distance in DISTANCES:
        for x, y in STEPS:
            yield axes.annotate(
                name,
                place,
                xytext=(distance * x, distance * y),
                textcoords="offset points",
                ha={1: "left", 0: "center", -1: "right"}[x],
                va={1: "bottom", 0: "center", -1: "top"}[y],
                fontsize=9,
                bbox={"facecolor": "white", "alpha": 0.7, "linewidth": 0, "pad": 0.5},
                arrowprops={"arrowstyle": "-", "lw": 0.5, "color": "#999999"},
            )
