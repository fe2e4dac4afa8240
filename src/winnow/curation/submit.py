"""Taking in a submission: its card and table are checked against the pool's pairs, then copied."""

import shutil
from collections.abc import Collection
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from winnow.data.errors import WinnowError
from winnow.data.files import atomic_path, read_csv
from winnow.data.tables import SCORES, SUBSET, join_scores, kept_pairs, read_table
from winnow.params.submissions import CARD, CHECKED, Card, read_card, table_of

ROW_BYTES = 512  # of a table, at most, for each pair of the pool
SPARE_BYTES = 2**20  # beside them
AGAIN = "mend it and submit again"


def check_card(folder: Path, taken: Collection[str]) -> Card:
    """The card of a submission whose name is free, in a folder that holds one table.

    WinnowError names the file, the key and what is wrong.
    """
    if not folder.is_dir():
        raise WinnowError(f"{folder}: no such folder; a submission is a folder with {CARD}")
    for name in (CARD, f"{table_of(folder)}.parquet"):
        if (folder / name).is_symlink():
            raise WinnowError(f"{folder / name}: is a link; put the file itself there")
    card = read_card(folder / CARD)
    if card.name in taken:
        raise WinnowError(f"{folder / CARD}: name: {card.name!r} is taken; choose another one")
    return card


def check_table(folder: Path, pairs: pd.DataFrame) -> float | None:
    """Check a submission's table against `pairs` (uid, caption_id): the share that a subset keeps,
    None for scores.

    WinnowError names the file, the row and the remedy.
    """
    kind = table_of(folder)
    path = folder / f"{kind}.parquet"
    try:
        _check_size(path, len(pairs))
        if kind == "subset":
            return _check_subset(path, pairs)
        _check_scores(path, pairs)
        return None
    except WinnowError as error:
        raise WinnowError(f"{error}; {AGAIN}") from error


def _check_size(path: Path, pairs: int) -> None:
    """Before anything is read: a small file may unfold to a huge table."""
    allowed = ROW_BYTES * pairs + SPARE_BYTES
    size = path.stat().st_size
    if size > allowed:
        raise WinnowError(f"{path}: {size} bytes; {pairs} pairs need at most {allowed}")
    try:
        metadata = pq.ParquetFile(path).metadata
    except (pa.ArrowInvalid, OSError) as error:
        raise WinnowError(f"{path}: not a readable Parquet file ({error})") from error
    if metadata.num_rows > pairs:
        raise WinnowError(f"{path}: {metadata.num_rows} rows, but the pool has {pairs} pairs")
    groups = (metadata.row_group(i) for i in range(metadata.num_row_groups))
    unfolded = sum(group.total_byte_size for group in groups)
    if unfolded > allowed:
        raise WinnowError(
            f"{path}: unfolds to {unfolded} bytes; {pairs} pairs need at most {allowed}"
        )


def _check_scores(path: Path, pairs: pd.DataFrame) -> None:
    table = read_table(path, SCORES)
    infinite = np.isinf(table["score"].to_numpy())
    if infinite.any():
        row = int(infinite.argmax())
        raise WinnowError(f"{path}: column 'score' is {table['score'].iloc[row]} in row {row}")
    kept_pairs(pairs, table, path)
    join_scores(pairs, table, path)


def _check_subset(path: Path, pairs: pd.DataFrame) -> float:
    kept = int(kept_pairs(pairs, read_table(path, SUBSET), path).sum())
    if not kept:
        raise WinnowError(f"{path}: keeps no pair")
    return rounded(kept / len(pairs))


def rounded(share: float) -> float:
    """A share with two significant digits: where the tables show the cell of a subset."""
    return float(f"{share:.2g}")


def install(folder: Path, place: Path, pool: str, share: float | None) -> None:
    """Copy card and table to `place`, with what was found; nothing is there before all is."""
    if place.exists():
        raise WinnowError(f"{place}: exists already; delete it, or choose another name")
    with atomic_path(place) as temporary:
        temporary.mkdir()
        for name in (CARD, f"{table_of(folder)}.parquet"):
            shutil.copyfile(folder / name, temporary / name)
        found = {"pool": pool} | ({} if share is None else {"share": share})
        (temporary / CHECKED).write_text(yaml.safe_dump(found), encoding="utf-8")


def standing(leaderboard: Path, name: str) -> list[str]:
    """In words, where a scorer's rows stand in `leaderboard.csv`."""
    rows = read_csv(leaderboard, ("scorer", "ratio", "rank", "leaks", "note"))
    ranked = sum(bool(row.get("rank")) for row in rows)

    def place(row: dict[str, str]) -> str:
        if row["rank"]:
            return f"rank {row['rank']} of {ranked}"
        if row["leaks"]:
            return f"struck out: it learned from {row['leaks']} leaking pairs, see leakage.md"
        return f"unranked, {row['note']}"

    return [
        f"{name} at keep ratio {row['ratio']}: {place(row)}"
        for row in rows
        if row["scorer"] == name
    ]
