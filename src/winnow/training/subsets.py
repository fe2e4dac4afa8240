"""What models are trained on: the pairs of a subset, or the reference split."""

from pathlib import Path

import pandas as pd

from winnow.data.errors import WinnowError
from winnow.data.splits import rows_of
from winnow.data.tables import CAPTIONS, PAIR, SAMPLES, SUBSET, read_table, require_unique


def kept_pairs(subset: Path, captions: Path) -> pd.DataFrame:
    """The pairs of a subset with their texts; WinnowError if the captions lack one."""
    kept = read_table(subset, SUBSET)
    require_unique(kept, PAIR, subset)
    pairs = kept.merge(read_table(captions, CAPTIONS), on=PAIR, how="inner")
    if len(pairs) != len(kept):
        raise WinnowError(f"{subset}: {len(kept) - len(pairs)} of its pairs are not in {captions}")
    return pairs


def reference_split(pool: Path, human: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The samples of a pool's reference split, and their human captions."""
    samples = rows_of(read_table(pool / "samples.parquet", SAMPLES), "reference", pool)
    captions = read_table(human, CAPTIONS)
    return samples, captions[captions["uid"].isin(set(samples["uid"]))]
