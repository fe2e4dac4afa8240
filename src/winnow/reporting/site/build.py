"""The whole site in one folder: pages, what they load, and thumbnails."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import winnow
from winnow.data.files import atomic_path
from winnow.data.tables import CHOICE, read_table
from winnow.params.submissions import read_card
from winnow.reporting import leakage
from winnow.reporting.claims import VERDICTS, Judgement, judge_claims
from winnow.reporting.claims_page import claims_table
from winnow.reporting.costs import cost_table, read_costs
from winnow.reporting.emit.files import write_table
from winnow.reporting.leaderboard import leaderboard_table, track_leaderboards_table
from winnow.reporting.leaderboard_page import address
from winnow.reporting.leakage import leakage_table
from winnow.reporting.method_results import Method
from winnow.reporting.papers import Paper, extra_means, load_papers
from winnow.reporting.results import Results, load_results
from winnow.reporting.settings import SiteSettings
from winnow.reporting.site import cells, samples, tables
from winnow.reporting.site.image_pages import gallery_page, samples_page
from winnow.reporting.site.leaderboard_tables import curves, leaderboard_tables
from winnow.reporting.site.pages import Page, write_data, write_pages
from winnow.reporting.site.tracks import track_pages
from winnow.reporting.track_leaderboards import TrackLeaderboard, track_leaderboards
from winnow.terrarium.settings import noise_told


class Sources(NamedTuple):
    """What a run leaves: files and folders, and the cards of its submissions; see `winnow site
    --help`. Without `choice` no keep ratio was chosen by scene, without `audit` nothing is known of
    leaks. `pages` are those of the tracks, each called as its track, with figures below
    `results`."""

    cells: Path
    sweep: Path
    papers: Path
    pool: Path
    tables: samples.Folders
    generated: Path
    choice: Path | None = None
    audit: Path | None = None
    recipes: Path | None = None
    cards: Sequence[Path] = ()
    pages: Sequence[Path] = ()
    results: Path | None = None


def build(sources: Sources, output: Path, run: SiteSettings, threads: int = 1) -> None:
    """Write the site into the folder `output`.

    Equal inputs give equal bytes. A page of which nothing is known is left out, but for the
    leaderboard. WinnowError names a table, an image or a record that cannot be read.
    """
    papers = load_papers(sources.papers)
    asked = run.model_dump(include={"scale", "resamples", "seed", "standins"})
    results = load_results(sources.cells, sources.sweep, extra=extra_means(papers), **asked)
    leaked = _leaked(sources, run)
    struck = {row.method: len(row.leaks) for row in leaked if row.struck}
    chosen = read_table(sources.choice, CHOICE) if sources.choice else None
    judged = judge_claims(results, papers, chosen, struck, run.standins)
    found = track_leaderboards(results, struck)
    files = {
        "boards": track_leaderboards_table(results, found),
        "claims": claims_table(judged, run.scale),
        "cost": cost_table(results.sweep, read_costs(results.sweep)),
        "leaderboard": leaderboard_table(results, found),
        "leakage": leakage_table(leaked),
    }
    with atomic_path(output) as folder:
        for name in ("data", "tables"):
            (folder / name).mkdir(parents=True)
        for name, table in files.items():
            write_table(folder / f"tables/{name}.csv", table, signed=name == "leakage")
        expected = results.sweep.expected
        made = [
            _leaderboard(sources, run, results, found, judged, leaked),
            *track_pages(folder, sources.pages, sources.results),
            _curves(folder, results, found),
            _claims(judged),
            _papers(results, papers, struck),
            samples_page(folder, sources.pool, sources.tables, expected, run.samples, threads),
            gallery_page(folder, sources.pool, sources.generated, expected),
            _cells(folder, results),
            _leakage(leaked),
        ]
        shared = {"version": winnow.__version__, "scale": run.scale, "files": list(files)}
        write_pages(folder, [page for page in made if page], kinds=tables.KINDS, **shared)


def _leaked(sources: Sources, run: SiteSettings) -> list[leakage.Leaked]:
    if sources.audit is None or sources.recipes is None:
        return []
    audit = leakage.read_audit(sources.audit)
    places = (sources.sweep, sources.tables.subsets, sources.recipes)
    return leakage.rows(audit, *places, run.untrained)


def _verdicts(judged: Sequence[Judgement]) -> dict[str, int]:
    count = Counter(found.verdict for found in judged)
    return {verdict: count[verdict] for verdict in VERDICTS}


def _leaderboard(
    sources: Sources,
    run: SiteSettings,
    results: Results,
    leaderboards: Sequence[TrackLeaderboard],
    judged: Sequence[Judgement],
    leaked: Sequence[leakage.Leaked],
) -> Page:
    lead = (
        "Which image-text pairs to keep, and what keeping them buys. Methods by each measure, with "
        "95 % intervals over test images, not over trainings; controls bracket the others."
    )
    sweep = results.sweep
    browsable = {
        (captions, selection.scorer, selection.ratio)
        for captions, every in samples.selections(sweep.expected).items()
        for selection in every
    }
    states = Counter(cells.state(sweep, cell) for cell in sweep.expected)
    cards = [read_card(path) for path in sources.cards]
    context: dict[str, Any] = {
        "boards": leaderboard_tables(results, leaderboards, browsable),
        "measured": bool(results.values),
        "captions": dict.fromkeys(
            row.method.captions for board in leaderboards for row in board.rows
        ),
        "standins": run.standins,
        "noise": "" if run.noise is None else noise_told(run.noise),
        "verdicts": _verdicts(judged),
        "leaked": len(leaked),
        "struck": sum(row.struck for row in leaked),
        "states": {state: states[state] for state in ("finished", "not run", "refused")},
        "cards": [(card, address(card)) for card in cards],
    }
    return Page("index", "Leaderboard", lead, context)


def _curves(
    folder: Path, results: Results, leaderboards: Sequence[TrackLeaderboard]
) -> Page | None:
    charts = curves(results, leaderboards)
    if not charts:
        return None
    write_data(folder, "curves", charts)
    lead = (
        "A measure by the share of the pairs that a scorer keeps, with 95 % intervals. What was "
        "measured at one ratio alone stands side by side there; what is struck out for leaks is "
        "left out. Point at a curve, or reach it by Tab and walk along it with the arrow keys."
    )
    return Page("curves", "Ratio curves", lead, {}, "curves")


def _claims(judged: Sequence[Judgement]) -> Page | None:
    lead = (
        "What the papers say, and what the cells of this run say to it. Stand-ins are asked for "
        "the direction alone, not for the size."
    )
    verdicts = _verdicts(judged)
    context = {
        "claims": tables.claims(judged),
        "verdicts": verdicts,
        "known": [verdict for verdict, number in verdicts.items() if number],
        "papers": dict.fromkeys(found.paper.paper for found in judged),
    }
    return Page("claims", "Claims", lead, context) if judged else None


def _papers(results: Results, papers: Sequence[Paper], struck: Mapping[Method, int]) -> Page | None:
    found = tables.papers(results, papers, struck)
    lead = (
        "Every table of the papers: published values beside measured ones. A stand-in's number is "
        "not comparable with a paper's; what did not run is empty, with its reason under the name."
    )
    return Page("papers", "Papers", lead, {"papers": found}) if found else None


def _cells(folder: Path, results: Results) -> Page:
    write_data(folder, "cells", cells.provenances(results.sweep))
    write_data(folder, "cost", cells.costs(results.sweep))
    lead = (
        "Every experiment of the sweep. Open one for all it measured, the digests of what it read, "
        "its parameters, versions and hardware, and its cost."
    )
    tracks = dict.fromkeys(cell.track for cell in results.sweep.expected)
    context = {"cells": cells.cells_table(results.sweep), "tracks": tracks}
    return Page("cells", "Cells", lead, context, "cells")


def _leakage(leaked: Sequence[leakage.Leaked]) -> Page | None:
    lead = (
        "Which methods were trained on images that are also evaluated, exactly or nearly. A method "
        "that keeps a leaking pair is struck out of the leaderboard."
    )
    if not leaked:
        return None
    table = tables.leakage(leaked)
    head = [column.key for column in table.columns].index("scorer")
    return Page("leakage", "Leakage", lead, {"leakage": table, "head": head})
