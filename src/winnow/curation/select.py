"""Which pairs to keep, given their scores."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from winnow.data.errors import WinnowError


def keep_count(total: int, ratio: float) -> int:
    """Pairs that `ratio` of `total` keeps: rounded half up, at least one."""
    if not 0 < ratio <= 1:
        raise WinnowError(f"ratio: {ratio} is not in 0 < ratio <= 1")
    return min(total, max(1, int(ratio * total + 0.5)))


def keep_ratio(scores: pa.Table, ratio: float, groups: np.ndarray | None = None) -> np.ndarray:
    """Indices (ascending) of the best `ratio` of the rows, of each group if `groups` [n] is given.

    Rows are ordered by score (descending), then uid, then caption_id: a total order, so a smaller
    ratio keeps a subset of what a larger one keeps. Only ties at the threshold are compared by
    uid, so 5 million rows take about a second.
    """
    if groups is not None:
        return keep_ratios(scores, np.full(int(groups.max(initial=-1)) + 1, ratio), groups)
    values = scores["score"].to_numpy()
    return _best(scores, values, np.arange(len(values)), ratio)


def keep_ratios(scores: pa.Table, ratios: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Indices (ascending) of the best `ratios[g]` of the rows of each group `g` = `groups` [n]."""
    values = scores["score"].to_numpy()
    if len(groups) != len(values):
        raise WinnowError(f"{len(groups)} groups for {len(values)} scores")
    order = np.argsort(groups, kind="stable")
    starts = np.flatnonzero(np.diff(groups[order])) + 1
    parts = [rows for rows in np.split(order, starts) if len(rows)]
    kept = [_best(scores, values, rows, float(ratios[groups[rows[0]]])) for rows in parts]
    return np.sort(np.concatenate(kept)) if kept else np.empty(0, dtype=np.int64)


def keep_above(scores: pa.Table, threshold: float) -> np.ndarray:
    """Indices of the rows with a score of `threshold` or more."""
    return np.flatnonzero(scores["score"].to_numpy() >= threshold)


def _best(scores: pa.Table, values: np.ndarray, rows: np.ndarray, ratio: float) -> np.ndarray:
    if not len(rows):
        return rows
    count = keep_count(len(rows), ratio)
    own = values[rows]
    bar = np.partition(own, len(own) - count)[len(own) - count]
    above, level = rows[own > bar], rows[own == bar]
    missing = count - len(above)
    if missing < len(level):
        tied = scores.select(["uid", "caption_id"]).take(pa.array(level))
        ranked = pc.sort_indices(tied, [("uid", "ascending"), ("caption_id", "ascending")])
        level = level[ranked.to_numpy()[:missing]]
    return np.sort(np.concatenate([above, level]))


def check_scores(
    scores: pa.Table, samples: pa.Table, path: Path, pool: Path
) -> tuple[int, list[str]]:
    """Images of the pool split among `samples`, and the uids of those that have no score.

    WinnowError names what a table of scores must not hold: no row, a score that is not finite, an
    image that is not of the pool split, a pair that occurs again; the first row and how many.
    """
    if not scores.num_rows:
        raise WinnowError(f"{path}: holds no scores; score the pool's pairs first")
    images = samples["uid"].filter(pc.equal(samples["split"], "pool")).combine_chunks()
    place = pc.index_in(scores["uid"], images).to_numpy()  # NaN of others
    other = np.isnan(place)
    images_of = np.where(other, 0, place).astype(np.int64)
    key = (images_of << 32) + scores["caption_id"].to_numpy()
    for wrong, told in (
        (~np.isfinite(scores["score"].to_numpy()), "has no finite score; write finite numbers"),
        (other, f"is of no image of the pool split in {pool}; leave such rows out"),
        (pd.Series(key).duplicated().to_numpy(), "occurs again; keep one row of each pair"),
    ):
        if wrong.any():
            row = int(wrong.argmax())
            pair = f"uid {scores['uid'][row]}, caption_id {scores['caption_id'][row]}"
            raise WinnowError(f"{path}: row {row} ({int(wrong.sum())} such rows): {pair} {told}")
    absent = np.ones(len(images), dtype=bool)
    absent[images_of] = False
    return len(images), images.filter(pa.array(absent)).to_pylist()


def scenes_of(scores: pa.Table, samples: pa.Table) -> tuple[np.ndarray, list[str]]:
    """The scene of each scored pair as a small integer, and the scenes' names by that integer.

    Pairs without a scene form one group, whose name is empty. WinnowError names a pair whose image
    is not among the samples.
    """
    place = pc.index_in(scores["uid"], samples["uid"].combine_chunks())
    if place.null_count:
        row = pc.index(pc.is_null(place), True).as_py()
        raise WinnowError(f"samples.parquet: no sample has uid {scores['uid'][row]} (row {row})")
    encoded = pc.fill_null(samples["scene"], "").combine_chunks().dictionary_encode()
    return encoded.indices.to_numpy()[place.to_numpy()], encoded.dictionary.to_pylist()
