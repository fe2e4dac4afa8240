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
    choice: Path | None,
    leakage: Path | None,
    settings: GenerationSettings,
) -> None:
    """Render what the generators draw: tables, the choice of the keep ratios, and the gallery.
    Without `choice` no ratio was chosen. What the table `leakage` strikes out is marked, and left
    off curves."""
    from winnow.data.tables import CHOICE, empty, read_table
    from winnow.reporting import figures, gallery
    from winnow.reporting.dvc import ratio_plot
    from winnow.reporting.emit.files import write_page, write_table
    from winnow.reporting.generation import Plan
    from winnow.reporting.generation_page import (
        generation_page,
        generation_table,
        scenes_table,
    )
    from winnow.reporting.leakage import read_struck
    from winnow.reporting.regret import regrets
    from winnow.reporting.regret_page import choice_table
    from winnow.reporting.results import gather, print_refusals

    plan = Plan(settings.scorer, settings.chosen, settings.baselines)
    asked = (settings.scale, None, settings.resamples, settings.seed)
    results = gather(cells, sweep, *asked, ("generation",), settings.standins)
    print_refusals(results)
    struck = read_struck(leakage)
    ratios = empty(CHOICE) if choice is None else read_table(choice, CHOICE)
    shown = gallery.collect(results, plan, generated, pool)
    prompts = list(zip(shown.prompts["scene"], shown.prompts["prompt"], strict=True))
    write_table(output / "generation.csv", generation_table(results, plan, struck))
    write_table(output / "generation_scenes.csv", scenes_table(results, plan))
    write_table(output / "plots/generation.csv", ratio_plot(results, "generation", struck))
    write_table(output / "generation_choice.csv", choice_table(regrets(results, plan, ratios)))
    write_page(output / "generation.md", generation_page(results, plan, ratios, prompts, struck))
    figures.save(gallery.draw(shown), output / "figures", "generation", ("png",))
