"""Command `detection`: the track's page."""

from pathlib import Path

from winnow.command.description import Output, command
from winnow.reporting.settings import Page


@command
def detection(cells: Path, sweep: Path, output: Output, settings: Page) -> None:
    """Render the detection track's table and figure from the cells that are finished."""
    from winnow.reporting import figures
    from winnow.reporting.detection import detection_page, detection_table
    from winnow.reporting.dvc import detection_plot
    from winnow.reporting.emit.files import write_page, write_table
    from winnow.reporting.results import gather, print_refusals

    results = gather(cells, sweep, settings.scale, tracks=("detection",))
    print_refusals(results)
    write_table(output / "detection.csv", detection_table(results))
    write_page(output / "detection.md", detection_page(results))
    write_table(output / "plots/detection.csv", detection_plot(results))
    figures.save(figures.detection(results), output / "figures", "detection")
