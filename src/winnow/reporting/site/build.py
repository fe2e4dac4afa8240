"""The whole site in one folder: pages, what they load, and thumbnails."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

import winnow
from winnow.data.errors import WinnowError
from winnow.data.files import atomic_path
from winnow.data.shards import pool_images
from winnow.data.tables import SAMPLES, read_table
from winnow.reporting.cells import KEYS, Sweep, load_cells
from winnow.reporting.site import (
    boards,
    cells,
    claims,
    curves,
    drawn,
    leakage,
    overview,
    pages,
    papers,
    samples,
)
from winnow.reporting.site.markup import data_script, select, text
from winnow.reporting.site.pages import Page
from winnow.reporting.site.rows import optional_rows, read_rows
from winnow.reporting.site.sprites import write_sheets

SIDE = 64  # pixels of a thumbnail of the pool
THUMBNAIL = 850  # bytes of one, on average
DRAWN = 2_500  # bytes of one of the gallery, on average
PROMPTS = 60  # of the gallery
COPIED = ("leaderboard", "boards", "claims", "leakage", "cost")  # tables to take along


class Sources(NamedTuple):
    """What a run leaves: files and folders; see `winnow site --help`."""

    results: Path
    cells: Path
    sweep: Path
    pool: Path
    tables: samples.Folders
    generated: Path


def build(sources: Sources, output: Path, scale: str, most: int, threads: int = 1) -> None:
    """Write the site, which shows `most` pairs of each caption set, into the folder `output`.

    Equal inputs give equal bytes. A page whose table is not there is left out, but for the
    leaderboard. WinnowError names a table, an image or a record that cannot be read.
    """
    sweep = load_cells(sources.sweep, sources.cells)
    with atomic_path(output) as folder:
        for name in ("data", "tables"):
            (folder / name).mkdir(parents=True)
        found = boards.boards(read_rows(sources.results / "boards.csv", boards.COLUMNS))
        made = [
            _leaderboard(sources.results, found, sweep, scale),
            _curves(folder, found),
            _claims(sources.results),
            _papers(sources.results),
            _samples(folder, sources, sweep, most, threads),
            _gallery(folder, sources, sweep),
            _cells(folder, sources.results, sweep),
            _leakage(sources.results),
        ]
        for name in COPIED:
            if (sources.results / f"{name}.csv").is_file():
                shutil.copyfile(sources.results / f"{name}.csv", folder / f"tables/{name}.csv")
        pages.write_pages(folder, [page for page in made if page], _footer(folder, scale))


def _write(folder: Path, name: str, content: Any) -> None:
    (folder / f"data/{name}.js").write_text(data_script(name, content), encoding="utf-8")


def _footer(folder: Path, scale: str) -> str:
    links = ", ".join(
        f'<a href="tables/{path.name}">{path.stem}</a>'
        for path in sorted((folder / "tables").iterdir())
    )
    return (
        f"Winnow {text(winnow.__version__)}, scale {text(scale)}. Tables as files: {links}. "
        "Captions, names and reasons are shown as the data has them."
    )


def _leaderboard(results: Path, found: list[boards.Board], sweep: Sweep, scale: str) -> Page:
    told = optional_rows(results / "claims.csv", claims.COLUMNS)
    models = (
        "" if scale == "paper" else " with stand-ins, whose numbers compare with each other only"
    )
    lead = (
        "Which image-text pairs to keep, and what keeping them buys. Methods by each measure, with "
        "95 % intervals over test images; controls bracket the others. Scale "
        f"<strong>{text(scale)}</strong>{models}."
    )
    rows = optional_rows(results / "leaderboard.csv", overview.COLUMNS)
    browsable = {
        (captions, selection.scorer, repr(selection.ratio))
        for captions, every in samples.selections(sweep.expected).items()
        for selection in every
    }
    beside = overview.overview(rows) if rows else ""
    board = boards.leaderboard(found, browsable, beside)
    content = (claims.headline(told) if told else "") + board
    return Page("index", "Leaderboard", lead, content)


def _curves(folder: Path, found: list[boards.Board]) -> Page | None:
    charts = curves.curves(found)
    if not charts:
        return None
    _write(folder, "curves", charts)
    lead = (
        "A measure by the share of the pairs that a scorer keeps, with 95 % intervals. Point at a "
        "curve, or reach it by Tab and walk along it with the arrow keys."
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
        "not comparable with a paper's; what did not run is empty, with the reason."
    )
    return Page("papers", "Papers", lead, content) if content else None


def _samples(folder: Path, sources: Sources, sweep: Sweep, most: int, threads: int) -> Page | None:
    every = samples.selections(sweep.expected)
    if not every:
        return None
    pairs = {
        name: samples.chosen_pairs(sources.tables.captions / f"{name}.parquet", most)
        for name in every
    }
    images = read_table(sources.pool / "samples.parquet", SAMPLES)
    wanted = set().union(*(table["uid"] for table in pairs.values()))
    shown = images[images["uid"].isin(wanted)]
    if len(shown) < len(wanted):
        lost = min(wanted - set(shown["uid"]))
        raise WinnowError(f"{sources.pool}: holds no image {lost}, which has captions")
    order: list[str] = []
    stream = _noted(pool_images(sources.pool, shown), order)
    sheets = write_sheets(folder / "thumbs", stream, SIDE, THUMBNAIL, threads)
    scenes = shown.set_index("uid")["scene"].reindex(order).fillna("")
    places, names = pd.factorize(scenes)
    sets = [{"captions": name, "file": str(number)} for number, name in enumerate(pairs)]
    _write(
        folder,
        "images",
        {
            "uid": order,
            "scenes": [str(name) for name in names],
            "scene": places.tolist(),
            "sheets": sheets._asdict(),
            "sets": sets,
        },
    )
    tiles = {uid: place for place, uid in enumerate(order)}
    for number, (name, table) in enumerate(pairs.items()):
        content = samples.caption_set(name, table, every[name], sources.tables, tiles)
        _write(folder, f"samples-{number}", content)
    lead = (
        "What each scorer keeps of the pool at a keep ratio, and what it rejects. Where the truth "
        "is known, so is the noise in each caption; no scorer saw it but the control oracle."
    )
    return Page("samples", "Samples", lead, pages.SAMPLES, "samples")


def _noted(images: Iterator[tuple[str, bytes]], order: list[str]) -> Iterator[tuple[str, bytes]]:
    for uid, content in images:
        order.append(uid)
        yield f"image {uid} of the pool", content


def _gallery(folder: Path, sources: Sources, sweep: Sweep) -> Page | None:
    shown = drawn.drawn(sweep.expected, sources.generated)
    if not shown:
        return None
    content = drawn.gallery(shown, sources.pool, folder / "gallery", PROMPTS, DRAWN)
    _write(folder, "gallery", content)
    lead = (
        "What each generator drew for the same captions of test images, from the same first noise, "
        "beside the real image. How good they are is on the leaderboard."
    )
    return Page("gallery", "Gallery", lead, pages.GALLERY, "gallery")


def _cells(folder: Path, results: Path, sweep: Sweep) -> Page:
    told = cells.states(sweep, optional_rows(results / "cells.csv", KEYS))
    _write(folder, "cells", cells.provenances(sweep, told))
    _write(folder, "cost", cells.costs(told, optional_rows(results / "cost.csv", KEYS)))
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
