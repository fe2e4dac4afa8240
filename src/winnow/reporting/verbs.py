"""Commands `sweep`, `leakage`, `claims`, `leaderboard` and `site`: what all tracks share."""

import json
from pathlib import Path
from typing import Any

from pydantic import Field

from winnow.command.description import Given, Output, command
from winnow.data.files import write_json, write_text
from winnow.params.fields import Ratio, Section, Seed
from winnow.reporting.settings import LeaderboardSettings, ModelSettings, Page, SiteSettings


class Planned(Section):
    """The experiments of a run."""

    methods: list[tuple[str, str, str, Ratio, list[Seed]]] = Field(
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
    from winnow.reporting.leakage import leakage_page, leakage_table, read_audit, rows

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
    """Judge the papers' claims by the cells that are finished; with a stand-in, no size. Without
    `choice` no keep ratio was chosen. A claim about a method that the table `leakage` strikes out
    is not run. `told` gets the verdicts in words."""
    from winnow.data.tables import CHOICE, read_table
    from winnow.reporting import claims_page, run_summary
    from winnow.reporting.claims import judge_claims, load_claimed_results
    from winnow.reporting.emit.files import write_page, write_table
    from winnow.reporting.leakage import read_struck
    from winnow.reporting.papers import load_papers
    from winnow.reporting.results import print_refusals

    declared, scale = load_papers(papers), settings.scale
    asked = (scale, settings.resamples, settings.seed)
    results = load_claimed_results(declared, cells, sweep, *asked)
    print_refusals(results)
    chosen = None if choice is None else read_table(choice, CHOICE)
    judged = judge_claims(results, declared, chosen, read_struck(leakage), settings.standins)
    write_table(output / "claims.csv", claims_page.claims_table(judged, scale))
    write_table(output / "claims_comparisons.csv", claims_page.comparisons_table(judged, scale))
    write_page(output / "claims.md", claims_page.claims_page(judged, scale, settings.standins))
    write_page(output / "summary/claims.md", claims_page.summary(judged))
    if told is not None:
        write_json(told, run_summary.verdicts(judged))


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
    """Render the leaderboard and the papers' tables from the cells that are finished. What the
    table `leakage` strikes out is not ranked. `cards` are those of the submissions. `told` gets the
    best methods in words.

    Equal cells give equal bytes; `cost.csv` alone is measured.
    """
    from winnow.params.submissions import read_card
    from winnow.reporting import run_summary
    from winnow.reporting.costs import cells_table, cost_table, read_costs
    from winnow.reporting.dvc import metrics_json
    from winnow.reporting.emit.files import write_page, write_table
    from winnow.reporting.leaderboard import leaderboard_table, track_leaderboards_table
    from winnow.reporting.leaderboard_page import leaderboard_page, summary
    from winnow.reporting.leakage import read_struck
    from winnow.reporting.papers import extra_means, load_papers
    from winnow.reporting.results import load_results, print_refusals
    from winnow.reporting.tables import build, paper_page, paper_table, paper_tex
    from winnow.reporting.track_leaderboards import track_leaderboards

    declared = load_papers(papers)
    asked = settings.model_dump(include={"scale", "resamples", "seed", "standins"})
    results = load_results(cells, sweep, extra=extra_means(declared), **asked)
    print_refusals(results)
    struck = read_struck(leakage)
    found = track_leaderboards(results, struck)
    for name, table in {
        "leaderboard": leaderboard_table(results, found),
        "boards": track_leaderboards_table(results, found),
        "cells": cells_table(results.sweep),
        "cost": cost_table(results.sweep, read_costs(results.sweep)),
    }.items():
        write_table(output / f"{name}.csv", table)
    submitted = [read_card(path) for path in cards]
    page = leaderboard_page(results, found, submitted, settings.noise)
    write_page(output / "leaderboard.md", page)
    write_page(output / "summary/leaderboard.md", summary(results, found))
    for paper in declared:
        for name in paper.tables:
            built = build(results, paper, name, struck)
            place = output / "tables" / paper.paper
            write_table(place / f"{name}.csv", paper_table(built))
            write_page(place / f"{name}.md", paper_page(built))
            write_text(place / f"{name}.tex", paper_tex(built))
    write_json(output / "metrics.json", metrics_json(results))
    if told is not None:
        write_json(told, run_summary.best(results, found))


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
    from winnow.reporting.site.build import Sources, build
    from winnow.reporting.site.samples import Folders

    tables = Folders(captions, scores, subsets, truth)
    places = (cells, sweep, papers, pool, tables, generated)
    further = (choice, audit, recipes, cards, pages, results)
    build(Sources(*places, *further), output, settings, threads)
