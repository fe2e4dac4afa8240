"""Command `generation`: the track's page."""

from pathlib import Path

from pydantic import Field

from winnow.command.description import Output, command
from winnow.reporting.settings import ModelSettings


class GenerationSettings(ModelSettings):
    """What every page names, and which scorers the report on text-to-image is about."""

    scorer: str = Field("", description="Whose keep ratios are compared by scene")
    chosen: str = Field("", description="Which has its ratio chosen by scene")
    baselines: dict[str, str | None] = Field(
        default_factory=dict,
        description="Published generators: the role of each, null of a folder of images",
    )


@command
def generation(
    cells: Path,
    sweep: Path,
    generated: Path,
    pool: Path,
    output: Output,
    page: Output | None,
    choice: Path | None,
    leakage: Path | None,
    settings: GenerationSettings,
) -> None:
    """Render what the generators draw: tables, the choice of the keep ratios, and the gallery.
    Without `choice` no ratio was chosen. What the table `leakage` strikes out is marked, and left
    off curves."""
    from winnow.data.tables import CHOICE, empty, read_table
    from winnow.reporting.dvc import ratio_plot
    from winnow.reporting.emit.files import Report, write_report
    from winnow.reporting.leakage import read_struck
    from winnow.reporting.ratio_regret import regrets
    from winnow.reporting.results import load_track_results
    from winnow.tracks.generation import gallery, report

    plan = report.Plan(settings.scorer, settings.chosen, settings.baselines)
    results = load_track_results(cells, sweep, settings, report.TRACK)
    struck = read_struck(leakage)
    ratios = empty(CHOICE) if choice is None else read_table(choice, CHOICE)
    drawn = gallery.collect(results, plan, generated, pool)
    prompts = list(zip(drawn.prompts["scene"], drawn.prompts["prompt"], strict=True))
    tables = {
        "generation": report.generation_table(results, plan, struck),
        "generation_scenes": report.scenes_table(results, plan),
        "plots/generation": ratio_plot(results, report.TRACK, struck),
        "generation_choice": report.choice_table(regrets(results, plan.sweep(results), ratios)),
    }
    shown = report.generation_page(results, plan, ratios, prompts, struck)
    figures = {"generation": gallery.draw(drawn)}
    kinds = {"generation": ("jpg",)}
    write_report(output, page, Report("generation", shown, tables, figures, kinds))
