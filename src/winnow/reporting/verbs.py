"""Verbs `sweep`, `leakage`, `claims`, `leaderboard` and `site`: what all tracks share."""

import json
from pathlib import Path

from pydantic import Field

from winnow.command import verb
from winnow.data.files import write_text
from winnow.params import sections
from winnow.params.cells import Experiments, cells
from winnow.params.model import Scale
from winnow.reporting.track_verbs import ModelSettings


@verb("output", settings=Experiments)
def sweep(output: Path, threads: int, settings: Experiments) -> None:
    """Write the table of the experiments that a run consists of, and what it asks of each."""
    from winnow.reporting.cells import KEYS, PARAMETERS
    from winnow.reporting.emit.csv import csv_text
    from winnow.reporting.table import Table, plain

    asked = {track: json.dumps(told, sort_keys=True) for track, told in settings.asked.items()}
    rows = [{**cell.model_dump(), PARAMETERS: asked.get(cell.track)} for cell in cells(settings)]
    write_text(output, csv_text(Table(plain(*KEYS, PARAMETERS), rows), signed=True))


class LeakageSettings(sections.Section):
    """The scale that the page names, and the rows that learn from no subset of the pool."""

    scale: Scale = Field(description="Of the run, named on the page")
    untrained: list[str] = Field(default_factory=list, description="Scorers of such rows")


@verb("audit", "sweep", "subsets", "recipes", "output", settings=LeakageSettings)
def leakage(
    audit: Path,
    sweep: Path,
    subsets: Path,
    recipes: Path,
    output: Path,
    threads: int,
    settings: LeakageSettings,
) -> None:
    """Render which rows are struck out because they learned from what they were measured on."""
    from winnow.reporting.emit.files import write_page, write_table
    from winnow.reporting.leakage import read_audit, rows
    from winnow.reporting.leakage_page import leakage_page, leakage_table

    found = read_audit(audit)
    judged = rows(found, sweep, subsets, recipes, settings.untrained)
    write_table(output / "leakage.csv", leakage_table(judged), signed=True)
    write_page(output / "leakage.md", leakage_page(found, judged, settings.scale))


@verb(
    *("cells", "sweep", "papers", "output"),
    optional=("choice", "leakage"),
    settings=ModelSettings,
)
def claims(
    cells: Path,
    sweep: Path,
    papers: Path,
    output: Path,
    choice: Path | None,
    leakage: Path | None,
    threads: int,
    settings: ModelSettings,
) -> None:
    """Judge the papers' claims by the cells that are finished; with a stand-in, no size."""
    from winnow.reporting.render import render_claims

    asked = (settings.scale, settings.standins, settings.resamples, settings.seed)
    render_claims(cells, sweep, papers, output, *asked, choice, leakage)


class LeaderboardSettings(ModelSettings):
    """What every page names, and what was done to the captions."""

    noise: sections.Rates | None = Field(None, description="Added to people's captions")


@verb(
    *("cells", "sweep", "papers", "output"),
    optional=("leakage",),
    lists=("cards",),
    settings=LeaderboardSettings,
)
def leaderboard(
    cells: Path,
    sweep: Path,
    papers: Path,
    output: Path,
    leakage: Path | None,
    cards: list[Path],
    threads: int,
    settings: LeaderboardSettings,
) -> None:
    """Render leaderboard, tables and figures from the cells that are finished."""
    from winnow.reporting.render import render

    asked = (settings.scale, settings.resamples, settings.seed)
    told = (settings.standins, settings.noise)
    render(cells, sweep, papers, output, *asked, leakage, cards, *told)


class SiteSettings(sections.Site, LeaderboardSettings):
    """How much the site shows, what its pages name, and the rows that learn from no subset."""

    untrained: list[str] = Field(default_factory=list, description="Scorers of such rows")


@verb(
    *("cells", "sweep", "papers", "pool", "captions", "scores", "subsets", "generated", "output"),
    optional=("truth", "choice", "audit", "recipes"),
    lists=("cards",),
    settings=SiteSettings,
)
def site(
    cells: Path,
    sweep: Path,
    papers: Path,
    pool: Path,
    captions: Path,
    scores: Path,
    subsets: Path,
    generated: Path,
    output: Path,
    truth: Path | None,
    choice: Path | None,
    audit: Path | None,
    recipes: Path | None,
    cards: list[Path],
    threads: int,
    settings: SiteSettings,
) -> None:
    """Write the site: the results as pages that open from disk, with the samples and images."""
    from winnow.reporting.site.build import Run, Sources, build
    from winnow.reporting.site.samples import Folders

    tables = Folders(captions, scores, subsets, truth)
    places = (cells, sweep, papers, pool, tables, generated, choice, audit, recipes, cards)
    told = (settings.scale, settings.standins, settings.noise, settings.untrained)
    run = Run(*told, settings.resamples, settings.seed)
    build(Sources(*places), output, run, settings.samples, threads)
