"""The pairs of a subset."""

from pathlib import Path

import pandas as pd

from winnow.data.errors import WinnowError
from winnow.data.tables import CAPTIONS, PAIR, SUBSET, read_table, require_unique


def kept_pairs(subset: Path, captions: Path) -> pd.DataFrame:
    """The pairs of a subset with their texts; WinnowError if the captions lack one."""
    kept = read_table(subset, SUBSET)
    require_unique(kept, PAIR, subset)
    pairs = kept.merge(read_table(captions, CAPTIONS), on=PAIR, how="inner")
    if len(pairs) != len(kept):
        raise WinnowError(f"{subset}: {len(kept) - len(pairs)} of its pairs are not in {captions}")
    return pairs
