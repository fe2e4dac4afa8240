"""The gallery of generated images: same prompts, a row a method, a column a scene."""

from pathlib import Path
from typing import NamedTuple

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from PIL import Image

from winnow.data.errors import WinnowError
from winnow.data.images import BadImageError, open_rgb
from winnow.data.shards import pool_images
from winnow.data.tables import SAMPLES, read_table
from winnow.generation.images import iter_images, read_prompts
from winnow.reporting.figures import DPI, STYLE
from winnow.reporting.method_results import Method, seeds_of
from winnow.reporting.results import Results
from winnow.tracks.generation.report import Plan, names, rows

COLUMNS = 20  # scenes shown, at most
TILE = 64  # side of an image in the figure, in pixels; smaller ones are enlarged by whole numbers
GAP = 4  # pixels between two
MARGIN = (230, 110)  # left of and above the images, in pixels: names of methods and of scenes
ASIDE = 80  # pixels right of them, for the end of the last scene's name


class Gallery(NamedTuple):
    """Images uint8 [rows, columns, TILE, TILE, 3] with the rows' names, and PROMPTS of the
    columns."""

    names: list[str]
    prompts: pd.DataFrame
    images: np.ndarray


def collect(results: Results, plan: Plan, generated: Path, pool: Path) -> Gallery:
    """What is shown: the real images, then what each measured method drew with its first seed.

    Of a scorer's keep ratios the one that its judging metric prefers is shown. Raises WinnowError
    for an image that cannot be read.
    """
    shown = methods(results, plan)
    folders = [_folder(results, method, generated) for method in shown]
    if not folders:
        return Gallery([], pd.DataFrame(columns=["scene", "prompt"]), np.empty(0))
    prompts = columns(read_prompts(folders[0]))
    samples = read_table(pool / "samples.parquet", SAMPLES)
    wanted = samples[samples["uid"].isin(prompts["uid"])]
    real = dict(pool_images(pool, wanted))
    tiles = [[_tile(real[uid], uid) for uid in prompts["uid"]]]
    for folder in folders:
        drawn = iter_images(folder, prompts)
        tiles.append([_tile(content, f"{folder}: image {uid}") for uid, content in drawn])
    labels = [" ".join(filter(None, names(method, plan))) for method in shown]
    return Gallery(["real images", *labels], prompts, np.array(tiles))


def methods(results: Results, plan: Plan) -> list[Method]:
    """The measured methods, of each caption set and scorer the ratio with the best judged value."""
    judged = plan.sweep(results).metric
    found: dict[tuple[str, str], Method] = {}
    for method in rows(results, plan):
        value = results.value(method, judged)
        known = results.value(found.get(method[1:3], method), judged)
        if value and known and (method[1:3] not in found or value.estimate > known.estimate):
            found[method[1:3]] = method
    return list(found.values())


def columns(prompts: pd.DataFrame) -> pd.DataFrame:
    """The first prompt of each scene, by name; the first prompts where there is one scene."""
    named = prompts.assign(scene=prompts["scene"].fillna(""))
    first = named.drop_duplicates("scene").sort_values("scene", kind="stable")
    return (first if len(first) > 1 else named).head(COLUMNS).reset_index(drop=True)


def draw(gallery: Gallery) -> Figure:
    """The images, not resampled, with the names of methods and scenes."""
    high, wide = gallery.images.shape[:2] if gallery.names else (1, 1)
    left, top = MARGIN
    size = (left + wide * (TILE + GAP) + ASIDE, top + high * (TILE + GAP))
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(size[0] / DPI, size[1] / DPI))
        if not gallery.names:
            figure.text(0.5, 0.5, "no images yet", ha="center")
            return figure
        sheet = np.full((high * (TILE + GAP), wide * (TILE + GAP), 3), 255, dtype=np.uint8)
        for (row, column), _ in np.ndenumerate(np.empty((high, wide))):
            y, x = row * (TILE + GAP), column * (TILE + GAP)
            sheet[y : y + TILE, x : x + TILE] = gallery.images[row, column]
        figure.figimage(sheet, left, 0, origin="upper")
        for row, name in enumerate(gallery.names):
            y = 1 - (top + row * (TILE + GAP) + TILE / 2) / size[1]
            figure.text((left - 8) / size[0], y, _short(name), ha="right", va="center")
        for column, scene in enumerate(gallery.prompts["scene"]):
            x = (left + column * (TILE + GAP) + TILE / 3) / size[0]
            y = 1 - (top - 8) / size[1]
            figure.text(x, y, _short(scene), rotation=40, ha="left", va="bottom")
    return figure


def _short(name: str) -> str:
    """A name that fits into the margin."""
    plain = " ".join(name.split())
    return plain if len(plain) <= 30 else plain[:29] + "…"


def _folder(results: Results, method: Method, generated: Path) -> Path:
    cell = min(seeds_of(results.sweep, method.track)[method], key=lambda cell: cell.seed)
    return generated / cell.captions / cell.scorer / repr(cell.ratio) / str(cell.seed)


def _tile(content: bytes, name: str) -> np.ndarray:
    """An encoded image as uint8 [TILE, TILE, 3]; one that is not square is squeezed."""
    try:
        image = open_rgb(content)
    except BadImageError as error:
        raise WinnowError(f"{name} cannot be shown: {error}") from error
    side = max(image.size)
    whole = image.width == image.height and TILE % side == 0
    method = Image.Resampling.NEAREST if whole else Image.Resampling.LANCZOS
    return np.asarray(image.resize((TILE, TILE), method))
