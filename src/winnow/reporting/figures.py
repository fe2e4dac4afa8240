"""What all figures share: style, colours, and files with equal bytes each run."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from winnow.data.files import atomic_path
from winnow.reporting.values import Value

# Okabe & Ito (2008), without black and yellow: distinct with any colour vision.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00")
MARKERS = ("o", "s", "^", "D", "v", "P")
DPI = 110  # of a picture of pixels
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
# Without dates and versions
METADATA: dict[str, Any] = {"svg": {"Date": None}, "png": {"Software": None}}
JPEG = {"quality": 85, "optimize": True}


def save(
    figure: Figure, folder: str | Path, name: str, kinds: Sequence[str] = ("svg", "png")
) -> None:
    """Write `{name}.{kind}` for each kind atomically.

    A picture of many pixels is better no SVG, and one of photographs a JPEG (`jpg`).
    """
    FigureCanvasAgg(figure)
    for kind in kinds:
        options: dict[str, Any] = {"metadata": METADATA[kind]} if kind in METADATA else {}
        options |= {"pil_kwargs": JPEG} if kind == "jpg" else {}
        path = Path(folder) / f"{name}.{kind}"
        with matplotlib.rc_context(STYLE), atomic_path(path) as temporary:
            figure.savefig(temporary, dpi=DPI, format=kind, **options)


def grid(axes: Axes) -> None:
    """A light grid behind the data."""
    axes.grid(color="#dddddd", linewidth=0.6)
    axes.set_axisbelow(True)


def empty(axes: Axes, text: str = "no cells yet") -> None:
    """Say why nothing is drawn."""
    axes.text(0.5, 0.5, text, ha="center", transform=axes.transAxes)


def bar(axes: Axes, x: float, value: Value, color: str, width: float) -> None:
    """The interval of a fraction in per cent, if it has one, as a vertical line."""
    if value.ends is not None:
        axes.vlines(x, 100 * value.ends[0], 100 * value.ends[1], color=color, lw=width)


def aside(number: int, count: int) -> float:
    """How far from its keep ratio a point is drawn that shares it with others, the `number`th of
    `count`: none hides another."""
    return ASIDE * (number - (count - 1) / 2)
