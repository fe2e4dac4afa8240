"""Command `captions`: the page of the track `captioning`."""

from pathlib import Path

from winnow.command.description import Output, command
from winnow.reporting.settings import RenderSettings


@command
def captions(
    cells: Path, sweep: Path, output: Output, page: Output | None, settings: RenderSettings
) -> None:
    """Render how good the caption sets are: tables, differences and figure."""
    from winnow.reporting.emit.files import Report, write_report
    from winnow.reporting.results import load_track_results
    from winnow.tracks.captioning import report
    from winnow.tracks.captioning.figure import captions

    results = load_track_results(cells, sweep, settings, report.TRACK)
    compared = report.compare(results)
    tables = {
        "captions": report.captions_table(results),
        "captions_differences": report.differences_table(compared),
    }
    shown = report.captions_page(results, compared)
    write_report(output, page, Report("captions", shown, tables, {"captions": captions(results)}))
