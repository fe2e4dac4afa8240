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
    from winnow.data.files import write_text
    from winnow.reporting import figures, score_figure
    from winnow.reporting.leakage import read_struck
    from winnow.reporting.results import gather, print_refusals
    from winnow.reporting.score_models_text import score_model_csv, score_model_md

    asked = (settings.scale, None, settings.resamples, settings.seed)
    results = gather(cells, sweep, *asked, ("preference", "detection"))
    print_refusals(results)
    struck = read_struck(leakage)
    write_text(output / "score_model.csv", score_model_csv(results, struck))
    write_text(output / "score_model.md", score_model_md(results, struck))
    figure = score_figure.normalisation(results, struck)
    figures.save(figure, output / "figures", "score_normalisation")
