"""Command `detection`: the track's page."""

from pathlib import Path

from winnow.command.description import Output, command
from winnow.reporting.settings import Page


@command
def detection(
    cells: Path, sweep: Path, output: Output, page: Output | None, settings: Page
) -> None:
    """Render which noise each scorer finds: table and figure."""
    from winnow.reporting.emit.files import Report, write_report
    from winnow.reporting.results import load_track_results
    from winnow.tracks.detection import report
    from winnow.tracks.detection.figure import detection

    results = load_track_results(cells, sweep, settings, report.TRACK)
    tables = {
        "detection": report.detection_table(results),
        "plots/detection": report.detection_plot(results),
    }
    figures = {"detection": detection(results)}
    shown = report.detection_page(results)
    write_report(output, page, Report("detection", shown, tables, figures))
