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
    segments: Path | None,
    leakage: Path | None,
    settings: SegmentationSettings,
) -> None:
    """Render what generated images add to real labels: tables, predictions, mIoU by keep ratio.
    Without the set `segments` no predictions are shown. What the table `leakage` strikes out is
    marked, and left off curves."""
    from winnow.reporting import figures, segmentation_figure
    from winnow.reporting.dvc import ratio_plot
    from winnow.reporting.emit.files import write_page, write_table
    from winnow.reporting.leakage import read_struck
    from winnow.reporting.results import gather, print_refusals
    from winnow.reporting.segmentation import Plan
    from winnow.reporting.segmentation_page import segmentation_page, segmentation_table

    plan = Plan(settings.scorer, settings.chosen)
    asked = (settings.scale, None, settings.resamples, settings.seed)
    results = gather(cells, sweep, *asked, ("segmentation",), settings.standins)
    print_refusals(results)
    struck = read_struck(leakage)
    panel = None if segments is None else segmentation_figure.collect(results, plan, segments)
    write_table(output / "segmentation.csv", segmentation_table(results, struck))
    write_page(output / "segmentation.md", segmentation_page(results, plan, struck))
    write_table(output / "plots/segmentation.csv", ratio_plot(results, "segmentation", struck))
    shown = segmentation_figure.predictions(panel)
    figures.save(shown, output / "figures", "segmentation", ("png",))
    by_ratio = segmentation_figure.by_ratio(results, plan, struck)
    figures.save(by_ratio, output / "figures", "segmentation_ratio")
