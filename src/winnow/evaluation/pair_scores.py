"""What a score model gives both texts of each preference pair."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from winnow.data.batches import batches
from winnow.data.errors import WinnowError
from winnow.data.images import open_rgb
from winnow.data.shards import pool_images
from winnow.models.score import score_pairs
from winnow.models.score_network import Asked, ScoreModel

CHUNK = 256  # images held at once
SIDES = ("chosen", "rejected")


def pair_scores(
    model: ScoreModel, pool: Path, samples: pd.DataFrame, pairs: pd.DataFrame, path: Path
) -> np.ndarray:
    """Values float64 [N, 2] of the chosen and the rejected text of rows of PREFERENCES.

    Both are seen with the pair's image, or both without one. `path`, of the preferences, is named
    in errors: WinnowError where the pool (`samples`, SAMPLES) lacks an image.
    """
    unknown = pairs["uid"].notna() & ~pairs["uid"].isin(samples["uid"])
    if unknown.any():
        uid = pairs.loc[unknown, "uid"].iloc[0]
        raise WinnowError(f"{path}: uid {uid} is not in {pool}; make the preferences again")
    values = np.full((len(pairs), len(SIDES)), np.nan)
    for rows, images, pixels in _chunks(model, pool, samples, pairs):
        prompts, *texts = (pairs[name].iloc[rows] for name in ("prompt", *SIDES))
        place: dict[Asked, int] = {}  # a text is preferred to several others: it is valued once
        asked = [list(map(Asked, prompts, side, images)) for side in texts]
        sides = [[place.setdefault(one, len(place)) for one in side] for side in asked]
        values[rows] = score_pairs(model, list(place), pixels)[np.transpose(sides)]
    return values


def _chunks(
    model: ScoreModel, pool: Path, samples: pd.DataFrame, pairs: pd.DataFrame
) -> Iterator[tuple[list[int], list[int | None], np.ndarray]]:
    """Rows of `pairs`, for each the number of its image or None, and the images [B, S, S, 3]."""
    uids = pairs["uid"].reset_index(drop=True)
    text = np.flatnonzero(uids.isna()).tolist()
    if text:
        none = np.empty((0, model.side, model.side, 3), dtype=np.uint8)
        yield text, [None] * len(text), none
    places = {uid: rows.index.tolist() for uid, rows in uids.groupby(uids)}
    shown = samples[samples["uid"].isin(places.keys())]
    for chunk in batches(pool_images(pool, shown), CHUNK):
        rows = [row for uid, _ in chunk for row in places[uid]]
        images: list[int | None] = [i for i, (uid, _) in enumerate(chunk) for _ in places[uid]]
        yield rows, images, np.stack([model.prepare(open_rgb(content)) for _, content in chunk])
