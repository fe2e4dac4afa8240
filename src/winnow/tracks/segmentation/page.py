"""Command `segmentation`: the track's page."""

from pathlib import Path

from pydantic import Field

from winnow.command.description import Output, command
from winnow.reporting.settings import ModelSettings


class SegmentationSettings(ModelSettings):
    """What every page names, and which scorers the report on segmentation is about."""

    scorer: str = Field("", description="Whose keep ratios are compared")
    chosen: str = Field("", description="Which has its ratio chosen by scene")


@command
def segmentation(
    cells: Path,
    sweep: Path,
    output: Output,
    page: Output | None,
    segments: Path | None,
    leakage: Path | None,
    settings: SegmentationSettings,
) -> None:
    """Render what generated images add to real labels: tables, predictions, mIoU by keep ratio.
    Without the set `segments` no predictions are shown. What the table `leakage` strikes out is
    marked, and left off curves."""
    from winnow.reporting.dvc import ratio_plot
    from winnow.reporting.emit.files import Report, write_report
    from winnow.reporting.leakage import read_struck
    from winnow.reporting.results import load_track_results
    from winnow.tracks.segmentation import figure
    from winnow.tracks.segmentation.report import (
        TRACK,
        Plan,
        segmentation_page,
        segmentation_table,
    )

    plan = Plan(settings.scorer, settings.chosen)
    results = load_track_results(cells, sweep, settings, TRACK)
    struck = read_struck(leakage)
    panel = None if segments is None else figure.collect(results, plan, segments)
    tables = {
        "segmentation": segmentation_table(results, struck),
        "plots/segmentation": ratio_plot(results, TRACK, struck),
    }
    figures = {
        "segmentation": figure.predictions(panel),
        "segmentation_ratio": figure.by_ratio(results, plan, struck),
    }
    shown = segmentation_page(results, plan, struck)
    report = Report("segmentation", shown, tables, figures, {"segmentation": ("png",)})
    write_report(output, page, report)
