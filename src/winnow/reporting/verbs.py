"""Commands `sweep`, `leakage`, `claims`, `leaderboard` and `site`: what all tracks share."""

import json
from pathlib import Path
from typing import Any

from pydantic import Field

from winnow.command.description import Given, Output, command
from winnow.data.files import write_text
from winnow.params import sections
from winnow.reporting.settings import ModelSettings, Page


class Planned(sections.Section):
    """The experiments of a run."""

    methods: list[tuple[str, str, str, sections.Ratio, list[sections.Seed]]] = Field(
        description="Track, captions, scorer, ratio and seeds"
    )
    expected: dict[str, dict[str, dict[str, Any]]] = Field(
        default_factory=dict, description="By track, the parameters that records must have"
    )


@command
def sweep(output: Output, settings: Planned) -> None:
    """Write the table of the experiments that a run consists of, and what it expects of each."""
    from winnow.reporting.cells import KEYS, PARAMETERS
    from winnow.reporting.emit.csv import csv_text
    from winnow.reporting.table import Table, plain

    told = {track: json.dumps(said, sort_keys=True) for track, said in settings.expected.items()}
    rows = [
        {**dict(zip(KEYS, (track, *method, seed), strict=True)), PARAMETERS: told.get(track)}
        for track, *method, seeds in settings.methods
        for seed in seeds
    ]
    write_text(output, csv_text(Table(plain(*KEYS, PARAMETERS), rows), signed=True))


class LeakageSettings(Page):
    """The scale that the page names, and the rows that learn from no subset of the pool."""

    untrained: list[str] = Field(default_factory=list, description="Scorers of such rows")


@command
def leakage(
    audit: Path,
    sweep: Path,
    subsets: Path,
    recipes: Path,
    output: Output,
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


@command
def claims(
    cells: Path,
    sweep: Path,
    papers: Given,
    output: Output,
    told: Output | None,
    choice: Path | None,
    leakage: Path | None,
    settings: ModelSettings,
) -> None:
    """Judge the papers' claims by the cells that are finished; with a stand-in, no size."""
    from winnow.reporting.render import render_claims

    asked = (settings.scale, settings.standins, settings.resamples, settings.seed)
    render_claims(cells, sweep, papers, output, *asked, choice, leakage, told)


class LeaderboardSettings(ModelSettings):
    """What every page names, and what was done to the captions."""

    noise: sections.Rates | None = Field(None, description="Added to people's captions")


@command
def leaderboard(
    cells: Path,
    sweep: Path,
    papers: Given,
    output: Output,
    told: Output | None,
    leakage: Path | None,
    cards: list[Path],
    settings: LeaderboardSettings,
) -> None:
    """Render the leaderboard and the papers' tables from the cells that are finished."""
    from winnow.reporting.render import render

    asked = (settings.scale, settings.resamples, settings.seed)
    named = (settings.standins, settings.noise)
    render(cells, sweep, papers, output, *asked, leakage, cards, *named, told)


class SiteSettings(sections.Site, LeaderboardSettings):
    """How much the site shows, what its pages name, and the rows that learn from no subset."""

    untrained: list[str] = Field(default_factory=list, description="Scorers of such rows")


@command
def site(
    cells: Path,
    sweep: Path,
    papers: Given,
    pool: Path,
    captions: Path,
    scores: Path,
    subsets: Path,
    generated: Path,
    output: Output,
    pages: list[Path],
    results: Path | None,
    truth: Path | None,
    choice: Path | None,
    audit: Path | None,
    recipes: Path | None,
    cards: list[Path],
    threads: int,
    settings: SiteSettings,
) -> None:
    """Write the site: the results as pages that open from disk, with the samples and images.
    `pages` are those of the tracks; their figures lie in the folder `results`."""
    from winnow.reporting.site.build import Run, Sources, build
    from winnow.reporting.site.samples import Folders

    tables = Folders(captions, scores, subsets, truth)
    places = (cells, sweep, papers, pool, tables, generated)
    further = (choice, audit, recipes, cards, pages, results)
    told = (settings.scale, settings.standins, settings.noise, settings.untrained)
    run = Run(*told, settings.resamples, settings.seed)
    build(Sources(*places, *further), output, run, settings.samples, threads)
