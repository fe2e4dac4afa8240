"""The splits of a pool that not every source has, and what to do where one is missing."""

import pandas as pd

from winnow.data.errors import WinnowError

REMEDIES = {
    "reference": "name some in the source, or set source.reference to a share of the images (0.3); "
    "or name published models in the place of stand-ins, and train no score model "
    "(score_model: {recipes: {}, tuned: {}})",
    "test": "name some in the source, or set source.test to a share of the images (0.1)",
}


def lacking(place: object, split: str, whose: str = "") -> str:
    """What is said of a source or a pool that has no image of a split for the jobs of `whose`."""
    needed = f" (for {whose})" if whose else ""
    return f"{place}: has no image of the split `{split}`{needed}; {REMEDIES[split]}"


def rows_of(samples: pd.DataFrame, split: str, pool: object) -> pd.DataFrame:
    """The rows of SAMPLES that are of a split; WinnowError tells the remedy where none are."""
    rows = samples[samples["split"] == split]
    if rows.empty:
        raise WinnowError(lacking(pool, split))
    return rows
