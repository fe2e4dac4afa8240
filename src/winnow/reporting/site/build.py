"""The whole site in one folder: pages, what they load, and thumbnails."""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import winnow
from winnow.data.csv_file import read_csv
from winnow.data.files import atomic_path
from winnow.data.metrics import Cell
from winnow.params.sections import Noise, noise_told
from winnow.params.submissions import read_card
from winnow.reporting.cells import KEYS, Sweep, load_cells
from winnow.reporting.site import (
    cells,
    claims,
    curves,
    leakage,
    overview,
    pages,
    papers,
    samples,
    submissions,
    summary,
)
from winnow.reporting.site.board import COLUMNS, Board, boards
from winnow.reporting.site.boards import leaderboard
from winnow.reporting.site.markup import select, text
from winnow.reporting.site.pages import Page, write_data
from winnow.reporting.site.pictures import gallery_page, samples_page
from winnow.reporting.site.rows import optional_rows

COPIED = ("leaderboard", "boards", "claims", "leakage", "cost")  # tables to take along


class Sources(NamedTuple):
    """What a run leaves: files and folders, and the cards of its submissions; see `winnow site
    --help`."""

    results: Path
    cells: Path
    sweep: Path
    pool: Path
    tables: samples.Folders
    generated: Path
    cards: Sequence[Path] = ()


def build(
    sources: Sources,
    output: Path,
    scale: str,
    standins: Sequence[str],
    most: int,
    threads: int = 1,
    noise: Mapping[Noise, float] | None = None,
) -> None:
    """Write the site, which shows `most` pairs of each caption set, into the folder `output`.

    It names the `standins` among the run's models, and the `noise` (share by kind) that was added
    to people's captions. Equal inputs give equal bytes. A page whose table is not there is left
    out, but for the leaderboard. WinnowError names a table, an image or a record that cannot be
    read.
    """
    sweep = load_cells(sources.sweep, sources.cells)
    told = cells.states(sweep, optional_rows(sources.results / "cells.csv", KEYS))
    with atomic_path(output) as folder:
        for name in ("data", "tables"):
            (folder / name).mkdir(parents=True)
        found = boards(read_csv(sources.results / "boards.csv", COLUMNS))
        made = [
            _leaderboard(sources, found, told, _run(scale, standins, noise)),
            _curves(folder, found),
            _claims(sources.results),
            _papers(sources.results),
            samples_page(folder, sources.pool, sources.tables, sweep.expected, most, threads),
            gallery_page(folder, sources.pool, sources.generated, sweep.expected),
            _cells(folder, sources.results, sweep, told),
            _leakage(sources.results),
        ]
        for name in COPIED:
            if (sources.results / f"{name}.csv").is_file():
                shutil.copyfile(sources.results / f"{name}.csv", folder / f"tables/{name}.csv")
        pages.write_pages(folder, [page for page in made if page], _footer(folder, scale))


def _footer(folder: Path, scale: str) -> str:
    links = ", ".join(
        f'<a href="tables/{path.name}">{path.stem}</a>'
        for path in sorted((folder / "tables").iterdir())
    )
    return (
        f"Winnow {text(winnow.__version__)}, scale {text(scale)}. Tables as files: {links}. "
        "Captions, names and reasons are shown as the data has them."
    )


def _run(scale: str, standins: Sequence[str], noise: Mapping[Noise, float] | None) -> str:
    """The scale, which models are stand-ins, and what was done to people's captions."""
    told = f"Scale <strong>{text(scale)}</strong>"
    if standins:
        names = text(", ".join(standins))
        told += f" with stand-ins, whose numbers compare with each other only: {names}"
    return f"{told}." if noise is None else f"{told}. {text(noise_told(noise))}"


def _leaderboard(sources: Sources, found: list[Board], told: dict[Cell, str], models: str) -> Page:
    results = sources.results
    said = optional_rows(results / "claims.csv", claims.COLUMNS)
    leaks = optional_rows(results / "leakage.csv", leakage.COLUMNS)
    lead = (
        "Which image-text pairs to keep, and what keeping them buys. Methods by each measure, with "
        "95 % intervals over test images, not over trainings; controls bracket the others. "
        f"{models}"
    )
    rows = optional_rows(results / "leaderboard.csv", overview.COLUMNS)
    browsable = {
        (captions, selection.scorer, repr(selection.ratio))
        for captions, every in samples.selections(list(told)).items()
        for selection in every
    }
    beside = overview.overview(rows) if rows else ""
    board = leaderboard(found, browsable, beside)
    who = submissions.submissions([read_card(path) for path in sources.cards])
    content = summary.summary(said, leaks, told.values()) + board + who
    return Page("index", "Leaderboard", lead, content)


def _curves(folder: Path, found: list[Board]) -> Page | None:
    charts = curves.curves(found)
    if not charts:
        return None
    write_data(folder, "curves", charts)
    lead = (
        "A measure by the share of the pairs that a scorer keeps, with 95 % intervals. What was "
        "measured at one ratio alone stands side by side there; what is struck out for leaks is "
        "left out. Point at a curve, or reach it by Tab and walk along it with the arrow keys."
    )
    return Page("curves", "Ratio curves", lead, pages.CURVES, "curves")


def _claims(results: Path) -> Page | None:
    rows = optional_rows(results / "claims.csv", claims.COLUMNS)
    lead = (
        "What the papers say, and what the cells of this run say to it. Stand-ins are asked for "
        "the direction alone, not for the size."
    )
    return Page("claims", "Claims", lead, claims.claims(rows)) if rows else None


def _papers(results: Path) -> Page | None:
    content = papers.tables(results / "tables")
    lead = (
        "Every table of the papers: published values beside measured ones. A stand-in's number is "
        "not comparable with a paper's; what did not run is empty, with its reason under the name."
    )
    return Page("papers", "Papers", lead, content) if content else None


def _cells(folder: Path, results: Path, sweep: Sweep, told: dict[Cell, str]) -> Page:
    write_data(folder, "cells", cells.provenances(sweep, told))
    write_data(folder, "cost", cells.costs(told, optional_rows(results / "cost.csv", KEYS)))
    tracks = dict.fromkeys(cell.track for cell in told)
    form = pages.CELLS_FORM.format(
        track=select("Track", "track", tracks),
        state=select("State", "state", ["finished", "not run", "refused"]),
    )
    lead = (
        "Every experiment of the sweep. Open one for all it measured, the digests of what it read, "
        "its parameters, versions and hardware, and its cost."
    )
    content = f'{form}<div id="cells-list">{cells.cells_table(told)}</div>{pages.CELLS_DIALOG}'
    return Page("cells", "Cells", lead, content, "cells")


def _leakage(results: Path) -> Page | None:
    rows = optional_rows(results / "leakage.csv", leakage.COLUMNS)
    lead = (
        "Which methods were trained on images that are also evaluated, exactly or nearly. A method "
        "that keeps a leaking pair is struck out of the leaderboard."
    )
    return Page("leakage", "Leakage", lead, leakage.leakage(rows)) if rows else None
