"""The images of training and evaluation sets, wherever they lie, as a stream of encoded images."""

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from winnow.data.errors import WinnowError
from winnow.data.files import digest_bytes
from winnow.data.segmentation_set import read_items
from winnow.data.shards import pool_images
from winnow.data.tables import PREFERENCES, read_table
from winnow.sources.zeroshot import read_set

Images = Iterable[tuple[str, bytes]]  # uid, encoded image


def split_images(pool: Path, samples: pd.DataFrame, split: str) -> Images:
    """The images of one split of a pool."""
    return pool_images(pool, samples[samples["split"] == split])


def zeroshot_images(folder: Path) -> dict[str, Images]:
    """The images of each zero-shot set; their uid is made from their bytes as that of samples."""
    sets = sorted(path for path in folder.iterdir() if (path / "classnames.txt").is_file())
    return {f"zeroshot/{path.name}": _digested(path) for path in sets}


def _digested(folder: Path) -> Images:
    for content, _ in read_set(folder).images:
        yield digest_bytes(content), content


def segment_images(folder: Path, split: str) -> Images:
    """The images of one split of a segmentation set."""
    items = read_items(folder)
    for item in items[items["split"] == split].itertuples():
        path = folder / "images" / f"{item.name}.png"
        try:
            yield str(item.uid), path.read_bytes()
        except OSError as error:
            raise WinnowError(f"{path}: {error.strerror}; make the set again") from error


def preference_images(pool: Path, samples: pd.DataFrame, pairs: Path, split: str) -> Images:
    """The images that preference pairs of one split are about."""
    table = read_table(pairs, PREFERENCES)
    uids = table.loc[table["split"] == split, "uid"].dropna().unique()
    return pool_images(pool, samples[samples["uid"].isin(uids)])
