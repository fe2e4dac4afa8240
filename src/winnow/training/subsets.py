"""What models are trained on: the pairs of a subset, or the reference split."""

from pathlib import Path

import pandas as pd

from winnow.data.splits import split_rows
from winnow.data.tables import (
    CAPTIONS,
    PAIR,
    SAMPLES,
    SUBSET,
    kept_rows,
    read_table,
    require_unique,
)


def kept_pairs(subset: Path, captions: Path) -> pd.DataFrame:
    """The pairs of a subset with their texts, in its order; errors as in `kept_rows`."""
    table = read_table(captions, CAPTIONS)
    require_unique(table, PAIR, captions)
    rows = kept_rows(table, read_table(subset, SUBSET), subset)
    return table.iloc[rows].reset_index(drop=True)


def reference_split(pool: Path, human: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The samples of a pool's reference split, and their human captions."""
    samples = split_rows(read_table(pool / "samples.parquet", SAMPLES), "reference", pool)
    captions = read_table(human, CAPTIONS)
    return samples, captions[captions["uid"].isin(set(samples["uid"]))]
