"""Command `score-models`: the page of the track `preference`."""

from pathlib import Path

from winnow.command.description import Output, command
from winnow.reporting.settings import RenderSettings


@command
def score_models(
    cells: Path,
    sweep: Path,
    output: Output,
    page: Output | None,
    leakage: Path | None,
    settings: RenderSettings,
) -> None:
    """Render how good the score models and their judge are: tables and figure. What the table
    `leakage` strikes out is marked, and left off curves."""
    from winnow.reporting.emit.files import Report, write_report
    from winnow.reporting.leakage import read_struck
    from winnow.reporting.results import load_track_results
    from winnow.tracks.preference import report
    from winnow.tracks.preference.figure import normalisation

    results = load_track_results(cells, sweep, settings, report.TRACK, report.DETECTION)
    struck = read_struck(leakage)
    tables = {"score_model": report.score_model_table(results, struck)}
    figures = {"score_normalisation": normalisation(results, struck)}
    shown = report.score_model_page(results, struck)
    write_report(output, page, Report("score_model", shown, tables, figures))
