"""The images of a training set, decoded once and mapped into memory, and their masks."""

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image, ImageOps

from winnow.data.batches import batches
from winnow.data.errors import WinnowError
from winnow.data.images import open_rgb
from winnow.data.masks import read_mask
from winnow.data.shards import iter_masks, iter_shard, shard_path

CHUNK = 256  # images decoded at once


def decode(
    prepare: Callable[[Image.Image], np.ndarray],
    size: int,
    pool: Path,
    samples: pd.DataFrame,
    file: Path,
    workers: int = 1,
) -> tuple[np.ndarray, dict[str, int]]:
    """Decode the images of `samples` (uid, shard); `prepare` makes each uint8 [size, size, 3].

    Returns uint8 [images, size, size, 3], mapped from `file`, and each uid's row. The map
    keeps memory small whatever the size of the set; it takes 150 kB of disk an image at 224 pixels.
    """
    rows = {uid: row for row, uid in enumerate(samples["uid"])}
    shape = (len(rows), size, size, 3)
    try:
        pixels = np.lib.format.open_memmap(file, mode="w+", dtype=np.uint8, shape=shape)
        if hasattr(os, "posix_fallocate"):  # a full disk is an error now, and a crash once mapped
            with file.open("r+b") as handle:
                os.posix_fallocate(handle.fileno(), 0, file.stat().st_size)
    except OSError as error:
        error.filename = str(file)  # else what is written from it would be named
        raise
    done = 0
    with ThreadPoolExecutor(workers) as threads:
        for shard in sorted(samples["shard"].unique()):
            wanted = (item for item in iter_shard(shard_path(pool, int(shard))) if item[0] in rows)
            for chunk in batches(wanted, CHUNK):
                images = threads.map(lambda item: prepare(open_rgb(item[1])), chunk)
                pixels[[rows[uid] for uid, _ in chunk]] = list(images)
                done += len(chunk)
    if done != len(rows):
        raise WinnowError(f"{pool}: shards hold {done} of the {len(rows)} images asked for")
    return pixels, rows


def fitted(size: int) -> Callable[[Image.Image], np.ndarray]:
    """What makes an image a square of `size` pixels: uint8 [size, size, 3]."""
    return lambda image: np.asarray(_square(image, size, Image.Resampling.BICUBIC))


def land_cover(folder: Path, uids: Iterable[str], size: int) -> np.ndarray:
    """Labels uint8 [N, size, size] of images, from the masks in a pool's folder `masks`.

    Raises WinnowError for images without a mask.
    """
    row = {uid: number for number, uid in enumerate(uids)}
    masks = np.zeros((len(row), size, size), dtype=np.uint8)
    found = set()
    for uid, content in iter_masks(folder):
        if uid not in row:
            continue
        labels = Image.fromarray(read_mask(content).astype(np.uint8))
        masks[row[uid]] = np.asarray(_square(labels, size, Image.Resampling.NEAREST))
        found.add(uid)
    if len(found) < len(row):
        raise WinnowError(f"{folder}: {len(row) - len(found)} of {len(row)} images have no mask")
    return masks


def _square(image: Image.Image, size: int, by: Image.Resampling) -> Image.Image:
    """The middle of an image, or of its mask, as a square of `size` pixels."""
    return ImageOps.fit(image, (size, size), by)
