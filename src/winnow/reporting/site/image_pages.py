"""The pages that show images: the browser of samples, and the gallery of what was drawn."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd

from winnow.data.errors import WinnowError
from winnow.data.metrics import Cell
from winnow.data.shards import pool_images
from winnow.data.tables import SAMPLES, read_table
from winnow.reporting.site import generated_gallery, samples
from winnow.reporting.site.pages import Page, write_data
from winnow.reporting.site.samples import Folders
from winnow.reporting.site.thumbnail_sheets import write_sheets

SIDE = 64  # pixels of a thumbnail of the pool
THUMBNAIL = 850  # bytes of one, on average
DRAWN = 2_500  # bytes of one of the gallery, on average
PROMPTS = 60  # of the gallery


def samples_page(
    folder: Path, pool: Path, tables: Folders, cells: Sequence[Cell], most: int, threads: int
) -> Page | None:
    """The browser of samples: `most` pairs of each caption set, thumbnails below `folder`; None
    where no planned cell selects any. WinnowError names an image that is not there."""
    every = samples.selections(cells)
    if not every:
        return None
    pairs = {
        name: samples.chosen_pairs(tables.captions / f"{name}.parquet", most) for name in every
    }
    images = read_table(pool / "samples.parquet", SAMPLES)
    wanted = set().union(*(table["uid"] for table in pairs.values()))
    shown = images[images["uid"].isin(wanted)]
    if len(shown) < len(wanted):
        lost = min(wanted - set(shown["uid"]))
        raise WinnowError(f"{pool}: holds no image {lost}, which has captions")
    order: list[str] = []
    stream = _noted(pool_images(pool, shown), order)
    sheets = write_sheets(folder / "thumbs", stream, SIDE, THUMBNAIL, threads)
    scenes = shown.set_index("uid")["scene"].reindex(order).fillna("")
    places, names = pd.factorize(scenes)
    sets = [{"captions": name, "file": str(number)} for number, name in enumerate(pairs)]
    write_data(
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
        content = samples.caption_set(name, table, every[name], tables, tiles)
        write_data(folder, f"samples-{number}", content)
    lead = (
        "What each scorer keeps of the pool at a keep ratio, and what it rejects. Where the truth "
        "is known, so is the noise in each caption; no scorer saw it but the control oracle."
    )
    return Page("samples", "Samples", lead, {}, "samples")


def _noted(images: Iterator[tuple[str, bytes]], order: list[str]) -> Iterator[tuple[str, bytes]]:
    for uid, content in images:
        order.append(uid)
        yield f"image {uid} of the pool", content


def gallery_page(folder: Path, pool: Path, generated: Path, cells: Sequence[Cell]) -> Page | None:
    """The gallery, its images below `folder`; None where nothing was drawn."""
    shown = generated_gallery.methods_with_images(cells, generated)
    if not shown:
        return None
    content = generated_gallery.gallery(shown, pool, folder / "gallery", PROMPTS, DRAWN)
    write_data(folder, "gallery", content)
    lead = (
        "What each generator drew for the same captions of test images, beside the real image: "
        "from the same first noise, but for images that somebody generated elsewhere. How good "
        "they are is on the leaderboard."
    )
    return Page("gallery", "Gallery", lead, {}, "gallery")
