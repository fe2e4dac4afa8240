"""What all tracks share under `results/`, from the files of the cells: leaderboard and claims."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from winnow.data.files import write_json, write_text
from winnow.data.tables import CHOICE, read_table
from winnow.evaluation.statistics import RESAMPLES
from winnow.params.sections import Noise
from winnow.params.submissions import read_card
from winnow.reporting import figures
from winnow.reporting.boards import tables
from winnow.reporting.claims import gather_claimed, judge
from winnow.reporting.claims_text import claims_csv, claims_md, comparisons_csv
from winnow.reporting.costs import cells_csv, cost_csv, read_costs
from winnow.reporting.dvc import metrics_json, ratio_plot_csv
from winnow.reporting.leaderboard import boards_csv, leaderboard_csv
from winnow.reporting.leaderboard_text import leaderboard_md
from winnow.reporting.leakage import read_struck
from winnow.reporting.papers import extra_means, load_papers
from winnow.reporting.ratios import sweep_csv, sweep_md
from winnow.reporting.results import gather, print_refusals
from winnow.reporting.table_text import table_csv, table_md, table_tex
from winnow.reporting.tables import build


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
) -> None:
    """Write leaderboard, sweep, cells, costs, paper tables, ratio curves, DVC's metrics and plots.

    Each file is written atomically. Equal cells give equal bytes; `cost.csv` alone is
    measured. Refused cells are printed with their reasons and left out. The
    methods that `leakage`, the table of the audit, strikes out are not ranked, and no curve has
    them. `cards` are those of the submissions that take part; the tables name the `standins` among
    the models of the run, and the leaderboard the `noise` (share by kind) in people's captions.
    """
    papers = load_papers(papers_dir)
    means = extra_means(papers)
    results = gather(cells_dir, sweep_path, scale, means, resamples, seed, standins=standins)
    print_refusals(results)
    folder = Path(results_dir)
    struck = read_struck(leakage)
    boards = tables(results, struck)
    submitted = [read_card(path) for path in cards]
    texts = {
        "leaderboard.csv": leaderboard_csv(results, boards),
        "leaderboard.md": leaderboard_md(results, boards, submitted, noise),
        "boards.csv": boards_csv(results, boards),
        "sweep.csv": sweep_csv(results, struck),
        "sweep.md": sweep_md(results, struck),
        "cells.csv": cells_csv(results.sweep),
        "cost.csv": cost_csv(results.sweep, read_costs(results.sweep)),
        "plots/contrastive.csv": ratio_plot_csv(results, "contrastive", struck),
    }
    for paper in papers:
        for name in paper.tables:
            built = build(results, paper, name, struck)
            place = f"tables/{paper.paper}/{name}"
            texts[f"{place}.csv"] = table_csv(built)
            texts[f"{place}.md"] = table_md(built)
            texts[f"{place}.tex"] = table_tex(built)
    for name, text in texts.items():
        write_text(folder / name, text)
    write_json(folder / "metrics.json", metrics_json(results))
    figures.save(figures.contrastive(results, struck), folder / "figures", "contrastive")


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
) -> None:
    """Write the verdicts on the papers' claims; without `choice` no keep ratio was chosen.

    A claim about a method that `leakage`, the table of the audit, strikes out is not run. With
    `standins` among the models of the run, none is judged by its size.
    """
    papers = load_papers(papers_dir)
    results = gather_claimed(papers, cells_dir, sweep_path, scale, resamples, seed)
    print_refusals(results)
    folder = Path(results_dir)
    chosen = None if choice is None else read_table(choice, CHOICE)
    judged = judge(results, papers, chosen, read_struck(leakage), standins)
    write_text(folder / "claims.csv", claims_csv(judged, scale))
    write_text(folder / "claims_comparisons.csv", comparisons_csv(judged, scale))
    write_text(folder / "claims.md", claims_md(judged, scale, standins))
