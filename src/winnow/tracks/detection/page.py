"""Command `detection`: the track's page."""

from pathlib import Path

from winnow.command.description import Output, command
from winnow.reporting.settings import Page


@command
def detection(cells: Path, sweep: Path, output: Output, settings: Page) -> None:
    """Render the detection track's table and figure from the cells that are finished."""
    from winnow.data.files import write_text
    from winnow.reporting import figures
    from winnow.reporting.detection import detection_csv, detection_md
    from winnow.reporting.dvc import detection_plot_csv
    from winnow.reporting.results import gather, print_refusals

    results = gather(cells, sweep, settings.scale, tracks=("detection",))
    print_refusals(results)
    write_text(output / "detection.csv", detection_csv(results))
    write_text(output / "detection.md", detection_md(results))
    write_text(output / "plots/detection.csv", detection_plot_csv(results))
    figures.save(figures.detection(results), output / "figures", "detection")
