"""The mean of several scorers, each on its own scale: what DLDC's internal loop grades pairs by."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from winnow.captioning.loop import combine
from winnow.data.errors import WinnowError
from winnow.data.tables import PAIR, SCORES, join_scores, read_table


def combine_scores(paths: Sequence[Path]) -> pd.DataFrame:
    """SCORES of the pairs of the first table, in its order: the mean of the tables' z-scores.

    Mean and deviation of each table are those over all its pairs. Raises WinnowError for tables
    that do not hold the same pairs, and for a score that is not finite.
    """
    if not paths:
        raise WinnowError("--scores: give at least one table")
    pairs = read_table(paths[0], SCORES)[PAIR]
    columns = [_scores(pairs, path, paths[0]) for path in paths]
    values = np.stack(columns, axis=1)
    return pairs.assign(score=combine(values, np.ones(len(pairs), dtype=bool)))


def _scores(pairs: pd.DataFrame, path: Path, first: Path) -> np.ndarray:
    table = read_table(path, SCORES)
    values = join_scores(pairs, table, path)
    if len(table) != len(pairs):
        raise WinnowError(
            f"{path}: scores {len(table)} pairs, {first} {len(pairs)}; score the same caption set "
            "with both"
        )
    return values
