"""The gallery of generated images: what each method drew for the same prompts."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from winnow.data.errors import WinnowError
from winnow.data.images import BadImageError, open_rgb
from winnow.data.metrics import Cell
from winnow.data.shards import pool_images
from winnow.data.tables import SAMPLES, read_table
from winnow.generation.images import iter_images, read_prompts
from winnow.reporting.caption_sets import MAIN
from winnow.reporting.method_results import Method, method_of
from winnow.reporting.site.thumbnail_sheets import write_sheets
from winnow.tracks.registry import BY_NAME

SIDE = 128  # pixels of a tile, unless the images are smaller


class MethodImages(NamedTuple):
    """A method and the folder of what its first seed drew."""

    method: Method
    folder: Path


def methods_with_images(cells: Sequence[Cell], generated: Path) -> list[MethodImages]:
    """The methods of the planned cells whose images are there."""
    first: dict[Method, Cell] = {}
    for cell in cells:
        known = first.get(method_of(cell))
        if BY_NAME[cell.track].draws and (known is None or cell.seed < known.seed):
            first[method_of(cell)] = cell
    folders = [
        MethodImages(
            method, generated / cell.captions / cell.scorer / repr(cell.ratio) / str(cell.seed)
        )
        for method, cell in first.items()
    ]
    return [shown for shown in folders if shown.folder.is_dir()]


def gallery(
    shown: Sequence[MethodImages], pool: Path, folder: Path, most: int, budget: int
) -> dict[str, Any]:
    """The data of the gallery: `most` prompts and the methods; below `folder` sheets of the real
    images and of each method's, tiles in the order of the prompts.

    `shown` is not empty. WinnowError names an image that cannot be read, or a method that was asked
    for other prompts than the first.
    """
    prompts = spread_over_scenes(read_prompts(shown[0].folder), most)
    samples = read_table(pool / "samples.parquet", SAMPLES)
    real = dict(pool_images(pool, samples[samples["uid"].isin(prompts["uid"])]))
    images = [(uid, real[uid]) for uid in prompts["uid"]]
    side = min(SIDE, _side(*images[0]))
    sheets = write_sheets(folder / "real", images, side, budget)
    methods = [{"folder": "real", "name": "real image"}]
    several = Counter(method[:3] for method, _ in shown)
    for place, (method, source) in enumerate(shown):
        _same_prompts(source, prompts)
        images = [(f"{source}: image {uid}", image) for uid, image in iter_images(source, prompts)]
        write_sheets(folder / str(place), images, side, budget)
        methods.append({"folder": str(place), "name": _name(method, several[method[:3]] > 1)})
    named = prompts.assign(scene=prompts["scene"].fillna(""))[["scene", "prompt", "uid"]]
    return {
        "prompts": named.to_dict("records"),
        "methods": methods,
        "sheets": sheets._asdict(),
    }


def spread_over_scenes(prompts: pd.DataFrame, most: int) -> pd.DataFrame:
    """The first prompts of each scene, equally many, in the order of scenes; `most` at most."""
    scenes = prompts["scene"].fillna("")
    turns = prompts.assign(_turn=scenes.groupby(scenes).cumcount(), _scene=scenes)
    first = turns.sort_values(["_turn", "row"], kind="stable").head(most)
    return first.sort_values(["_scene", "row"], kind="stable")[list(prompts)].reset_index(drop=True)


def _name(method: Method, by_ratio: bool) -> str:
    captions = "" if method.captions == MAIN else f"{method.captions}: "
    keeps = f", keep {100 * method.ratio:.6g} %" if by_ratio else ""
    return f"{captions}{method.scorer}{keeps}"


def _same_prompts(folder: Path, prompts: pd.DataFrame) -> None:
    asked = read_prompts(folder).set_index("row")["prompt"]
    if not asked.reindex(prompts["row"]).tolist() == prompts["prompt"].tolist():
        raise WinnowError(f"{folder}: drew other prompts than the other methods; generate again")


def _side(name: str, content: bytes) -> int:
    try:
        return max(open_rgb(content).size)
    except BadImageError as error:
        raise WinnowError(f"{name} cannot be shown: {error}") from error
