"""Figures on segmentation: predictions beside the truth, and mIoU by keep ratio."""

from collections.abc import Container
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from winnow.data import segmentation_set
from winnow.reporting.cells import cell_folder
from winnow.reporting.figures import COLOURS, MARKERS, STYLE, aside, bar, empty, grid
from winnow.reporting.method_results import Method, seeds_of
from winnow.reporting.results import Results
from winnow.reporting.values import Value
from winnow.tracks.segmentation.report import (
    ALONE,
    RAW,
    TRACK,
    Plan,
    Variant,
    called,
    chosen_method,
    shares,
    value,
)

SHOWN = 6  # test images
BESIDE = 1.14  # where on the axis of keep ratios those chosen by scene stand
# Of labels 0, 1, ...: bare, vegetation, water, paved, building, agriculture, vehicle in Terrarium.
# Further labels begin anew; what is ignored is white.
PALETTE = np.array(
    [
        *[(203, 170, 120), (60, 130, 65), (60, 120, 190), (125, 125, 130)],
        *[(200, 70, 60), (235, 205, 90), (30, 20, 30)],
    ],
    dtype=np.uint8,
)


class Panel(NamedTuple):
    """Test images uint8 [N, H, W, 3] and labels [N, H, W] by column, with the classes' names."""

    images: np.ndarray
    labels: dict[str, np.ndarray]
    classes: list[str]
    percent: str


def collect(results: Results, plan: Plan, folder: Path) -> Panel | None:
    """The first test images of a segmentation set with their masks and what segmentors that learned
    from all labels see in them; None before anything was measured."""
    percents = shares(results, "real")
    cleaned = chosen_method(results, plan)
    columns = {"real images alone": ALONE, "and raw-generated": RAW}
    columns |= {f"and cleaned ({cleaned.scorer})": cleaned} if cleaned else {}
    percent = percents[-1] if percents else ""
    found = {
        title: folders
        for title, method in columns.items()
        if (folders := _predictions(results, method, percent)) is not None
    }
    if not found:
        return None
    names = sorted(path.stem for path in next(iter(found.values())).glob("*.png"))[:SHOWN]
    classes = segmentation_set.read_classes(folder)
    labels = {"truth": segmentation_set.read_masks(folder, names, len(classes))}
    for title, place in found.items():
        labels[title] = segmentation_set.read_labels(place, names, len(classes))
    return Panel(segmentation_set.read_images(folder, names), labels, classes, percent)


def _predictions(results: Results, method: Method, percent: str) -> Path | None:
    """Where the first seed of a method keeps what it saw, if it was measured at that share."""
    cells = seeds_of(results.sweep, TRACK).get(method, [])
    if not cells or not value(results, method, Variant("mask", percent), "miou"):
        return None
    cell = min(cells, key=lambda cell: cell.seed)
    mode = called(method, Variant("mask", percent), "").split("/")[0]
    folder = cell_folder(results.sweep.folder, cell) / "predictions" / mode / percent
    return folder if folder.is_dir() else None


def predictions(panel: Panel | None) -> Figure:
    """A row a test image: the image, its mask, and what each segmentor sees."""
    with matplotlib.rc_context(STYLE):
        if panel is None:
            figure = Figure(figsize=(6, 2))
            figure.text(0.5, 0.5, "no predictions yet", ha="center")
            return figure
        high, wide = len(panel.images), 1 + len(panel.labels)
        figure = Figure(figsize=(1.75 * wide, 1.65 * high + 1.1), layout="constrained")
        axes = figure.subplots(high, wide, squeeze=False)
        for row in range(high):
            axes[row, 0].imshow(panel.images[row], interpolation="nearest")
            for column, labels in enumerate(panel.labels.values(), start=1):
                axes[row, column].imshow(coloured(labels[row]), interpolation="nearest")
        for axis in axes.flat:
            axis.set_axis_off()
        for axis, title in zip(axes[0], ["image", *panel.labels], strict=True):
            axis.set_title(title, fontsize=9)
        present = np.unique(np.stack(list(panel.labels.values())))
        patches = [
            Patch(color=PALETTE[label % len(PALETTE)] / 255, label=name)
            for label, name in enumerate(panel.classes)
            if label in present
        ]
        figure.legend(handles=patches, loc="outside lower center", ncols=4, frameon=False)
        figure.suptitle(f"test images, learned from {panel.percent} % of the labels", fontsize=10)
    return figure


def coloured(labels: np.ndarray) -> np.ndarray:
    """Labels uint8 [H, W] as an image [H, W, 3]; what is ignored is white."""
    found = PALETTE[labels % len(PALETTE)]
    found[labels == segmentation_set.IGNORED] = 255
    return found


def by_ratio(results: Results, plan: Plan, struck: Container[Method] = ()) -> Figure:
    """Exact labels: mIoU by the keep ratio of what fine-tuned the generator. A line a share of the
    real labels with its intervals, real images alone dotted, on the right the ratios that were
    chosen by scene. What is struck out is left out."""
    swept = results.swept(TRACK, plan.scorer)
    kept = {ratio: swept[ratio] for ratio in sorted(swept) if swept[ratio] not in struck}
    chosen = chosen_method(results, plan)
    percents = shares(results, "mask")
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(7, 4.6), layout="constrained")
        axes = figure.subplots()
        if not percents:
            empty(axes)
            return figure
        for number, percent in enumerate(percents):
            variant = Variant("mask", percent)
            style = _style(number)
            moved = aside(number, len(percents))
            points = {
                ratio + moved: found
                for ratio, method in kept.items()
                if (found := value(results, method, variant, "miou"))
            }
            _line(axes, points, style, f"{percent} % of the labels")
            alone = value(results, ALONE, variant, "miou")
            if alone and ALONE not in struck:
                axes.axhline(100 * alone.estimate, color=style["color"], ls=":", lw=1.2)
            if chosen and chosen.scorer == plan.chosen and chosen not in struck:
                found = value(results, chosen, variant, "miou")
                _line(axes, {BESIDE + moved: found} if found else {}, style, None)
        axes.plot([], [], ":", color="#444444", label="real images alone")
        ticks = {ratio: f"{100 * ratio:g}" for ratio in (0, 0.2, 0.4, 0.6, 0.8, 1)}
        ticks |= {BESIDE: "chosen\nby scene"} if plan.chosen else {}
        axes.set_xlim(0, max(ticks) + 0.06)
        axes.set_xticks(list(ticks), list(ticks.values()))
        axes.set_xlabel(f"pairs that {plan.scorer or 'no scorer'} keeps for the generator, %")
        axes.set_ylabel("mIoU, %")
        axes.set_title("real and generated images (bars: 95 % intervals)", fontsize=10)
        grid(axes)
        figure.legend(loc="outside lower center", ncols=2, frameon=False)
    return figure


def _line(axes: Axes, points: dict[float, Value], style: dict[str, Any], label: str | None) -> None:
    values = [100 * v.estimate for v in points.values()]
    axes.plot(list(points), values, ms=5, lw=1.6, label=label, **style)
    for ratio, found in points.items():
        bar(axes, ratio, found, style["color"], 1.1)


def _style(number: int) -> dict[str, Any]:
    return {
        "color": COLOURS[number % len(COLOURS)],
        "marker": MARKERS[number % len(MARKERS)],
    }
