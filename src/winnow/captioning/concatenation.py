"""Several caption sets put together as one."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from winnow.data.errors import WinnowError
from winnow.data.tables import CAPTIONS, PAIR, read_table, require_unique

SOURCE = ["uid", "perspective", "generator"]  # what tells one part's captions from another's


def concatenate(parts: Sequence[Path]) -> pd.DataFrame:
    """The captions of all parts in the order given, with `caption_id` 0, 1, ... for each image.

    Raises WinnowError if a part holds a pair twice, or if two parts hold captions of one image from
    one perspective and generator: that is one set given twice.
    """
    if not parts:
        raise WinnowError("--parts: no caption set to concatenate")
    tables: list[pd.DataFrame] = []
    for path in parts:
        table = read_table(path, CAPTIONS)
        require_unique(table, PAIR, path)
        tables.append(table.assign(part=len(tables)))
    whole = pd.concat(tables, ignore_index=True)
    seen = whole.drop_duplicates([*SOURCE, "part"])
    again = seen[seen.duplicated(SOURCE, keep=False)].sort_values([*SOURCE, "part"], kind="stable")
    if len(again):
        first, second = again.iloc[0], again.iloc[1]
        raise WinnowError(
            f"{parts[second['part']]}: uid {first['uid']} has a caption of perspective "
            f"{first['perspective']!r}, generator {first['generator']!r}, as it has in "
            f"{parts[first['part']]}; name each set once"
        )
    return whole.assign(caption_id=whole.groupby("uid", sort=False).cumcount()).drop(columns="part")
