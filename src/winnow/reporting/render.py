"""What all tracks share under `results/`, from the files of the cells: leaderboard and claims."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from winnow.data.files import write_json, write_text
from winnow.data.tables import CHOICE, read_table
from winnow.evaluation.statistics import RESAMPLES
from winnow.params.sections import Noise
from winnow.params.submissions import read_card
from winnow.reporting import claims_page, closing, leaderboard_page
from winnow.reporting.boards import boards
from winnow.reporting.claims import gather_claimed, judge
from winnow.reporting.costs import cells_table, cost_table, read_costs
from winnow.reporting.dvc import metrics_json
from winnow.reporting.emit.files import write_page, write_table
from winnow.reporting.leaderboard import boards_table, leaderboard_table
from winnow.reporting.leakage import read_struck
from winnow.reporting.papers import extra_means, load_papers
from winnow.reporting.results import gather, print_refusals
from winnow.reporting.tables import build
from winnow.reporting.tables_page import paper_page, paper_table, paper_tex


def render(
    cells_dir: str | Path,
    sweep_path: str | Path,
    papers_dir: str | Path,
    results_dir: str | Path,
    scale: str,
    resamples: int = RESAMPLES,
    seed: int = 0,
    leakage: str | Path | None = None,
    cards: Sequence[Path] = (),
    standins: Sequence[str] = (),
    noise: Mapping[Noise, float] | None = None,
    told: Path | None = None,
) -> None:
    """Write leaderboard, boards, cells, costs, paper tables and DVC's metrics.

    Each file is written atomically. Equal cells give equal bytes; `cost.csv` alone is measured.
    Refused cells are printed with their reasons and left out. The methods that `leakage`, the table
    of the audit, strikes out are not ranked. `cards` are those of the submissions that take part;
    the tables name the `standins` among the models of the run, and the leaderboard the `noise`
    (share by kind) in people's captions. `told` is written as well: the best methods in words.
    """
    papers = load_papers(papers_dir)
    means = extra_means(papers)
    results = gather(cells_dir, sweep_path, scale, means, resamples, seed, standins=standins)
    print_refusals(results)
    folder = Path(results_dir)
    struck = read_struck(leakage)
    found = boards(results, struck)
    submitted = [read_card(path) for path in cards]
    for name, table in {
        "leaderboard": leaderboard_table(results, found),
        "boards": boards_table(results, found),
        "cells": cells_table(results.sweep),
        "cost": cost_table(results.sweep, read_costs(results.sweep)),
    }.items():
        write_table(folder / f"{name}.csv", table)
    write_page(
        folder / "leaderboard.md",
        leaderboard_page.leaderboard_page(results, found, submitted, noise),
    )
    write_page(folder / "summary/leaderboard.md", leaderboard_page.summary(results, found))
    for paper in papers:
        for name in paper.tables:
            built = build(results, paper, name, struck)
            place = folder / "tables" / paper.paper
            write_table(place / f"{name}.csv", paper_table(built))
            write_page(place / f"{name}.md", paper_page(built))
            write_text(place / f"{name}.tex", paper_tex(built))
    write_json(folder / "metrics.json", metrics_json(results))
    if told is not None:
        write_json(told, closing.best(results, found))


def render_claims(
    cells_dir: str | Path,
    sweep_path: str | Path,
    papers_dir: str | Path,
    results_dir: str | Path,
    scale: str,
    standins: Sequence[str],
    resamples: int = RESAMPLES,
    seed: int = 0,
    choice: str | Path | None = None,
    leakage: str | Path | None = None,
    told: Path | None = None,
) -> None:
    """Write the verdicts on the papers' claims; without `choice` no keep ratio was chosen.

    A claim about a method that `leakage`, the table of the audit, strikes out is not run. With
    `standins` among the models of the run, none is judged by its size. `told` is written as well:
    the number of each verdict in words.
    """
    papers = load_papers(papers_dir)
    results = gather_claimed(papers, cells_dir, sweep_path, scale, resamples, seed)
    print_refusals(results)
    folder = Path(results_dir)
    chosen = None if choice is None else read_table(choice, CHOICE)
    judged = judge(results, papers, chosen, read_struck(leakage), standins)
    write_table(folder / "claims.csv", claims_page.claims_table(judged, scale))
    write_table(folder / "claims_comparisons.csv", claims_page.comparisons_table(judged, scale))
    write_page(folder / "claims.md", claims_page.claims_page(judged, scale, standins))
    write_page(folder / "summary/claims.md", claims_page.summary(judged))
    if told is not None:
        write_json(told, closing.verdicts(judged))
