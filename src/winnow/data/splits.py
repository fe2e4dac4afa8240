"""The splits of a pool that not every source has, and what to do where one is missing."""

import pandas as pd

from winnow.data.errors import WinnowError

REMEDIES = {
    "reference": "name some in the source, or set source.reference to a share of the images (0.3); "
    "or name published models in the place of stand-ins, and train no score model "
    "(score_model: {recipes: {}, tuned: {}})",
    "test": "name some in the source, or set source.test to a share of the images (0.1)",
}


def missing_split(source: object, split: str, whose: str = "") -> str:
    """What is said of a source or a pool that has no image of a split for the jobs of `whose`."""
    needed = f" (for {whose})" if whose else ""
    return f"{source}: has no image of the split `{split}`{needed}; {REMEDIES[split]}"


def split_rows(samples: pd.DataFrame, split: str, pool: object) -> pd.DataFrame:
    """The rows of SAMPLES that are of a split; WinnowError tells the remedy where none are."""
    rows = samples[samples["split"] == split]
    if rows.empty:
        raise WinnowError(missing_split(pool, split))
    return rows
