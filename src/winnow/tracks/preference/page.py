"""Command `score-models`: the page of the track `preference`."""

from pathlib import Path

from winnow.command.description import Output, command
from winnow.reporting.settings import RenderSettings


@command
def score_models(
    cells: Path,
    sweep: Path,
    output: Output,
    leakage: Path | None,
    settings: RenderSettings,
) -> None:
    """Render how good the score models and their judge are: tables and figure. What the table
    `leakage` strikes out is marked, and left off curves."""
    from winnow.reporting import figures, score_figure
    from winnow.reporting.emit.files import write_page, write_table
    from winnow.reporting.leakage import read_struck
    from winnow.reporting.results import gather, print_refusals
    from winnow.reporting.score_models_page import score_model_page, score_model_table

    asked = (settings.scale, None, settings.resamples, settings.seed)
    results = gather(cells, sweep, *asked, ("preference", "detection"))
    print_refusals(results)
    struck = read_struck(leakage)
    write_table(output / "score_model.csv", score_model_table(results, struck))
    write_page(output / "score_model.md", score_model_page(results, struck))
    figure = score_figure.normalisation(results, struck)
    figures.save(figure, output / "figures", "score_normalisation")
