"""Command `contrastive`: the track's page."""

from pathlib import Path

from winnow.command.description import Output, command
from winnow.reporting.settings import RenderSettings


@command
def contrastive(
    cells: Path,
    sweep: Path,
    output: Output,
    page: Output | None,
    leakage: Path | None,
    settings: RenderSettings,
) -> None:
    """Render mean recall by keep ratio: table, page, curves. What the table `leakage` strikes out
    is marked, and left off curves."""
    from winnow.reporting.dvc import ratio_plot
    from winnow.reporting.emit.files import Report, write_report
    from winnow.reporting.leakage import read_struck
    from winnow.reporting.results import load_track_results
    from winnow.tracks.contrastive.figure import contrastive
    from winnow.tracks.contrastive.report import sweep_page, sweep_table

    results = load_track_results(cells, sweep, settings, "contrastive")
    struck = read_struck(leakage)
    tables = {
        "sweep": sweep_table(results, struck),
        "plots/contrastive": ratio_plot(results, "contrastive", struck),
    }
    figures = {"contrastive": contrastive(results, struck)}
    write_report(output, page, Report("sweep", sweep_page(results, struck), tables, figures))
