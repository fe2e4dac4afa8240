"""Taking in a submission: its card and table are checked against the pool's pairs, then copied."""

import shutil
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.compute as pc
import yaml

from winnow.data.csv_file import read_csv
from winnow.data.errors import WinnowError
from winnow.data.files import atomic_path
from winnow.data.tables import (
    PAIR,
    SCORES,
    SUBSET,
    Columns,
    column_faults,
    damaged,
    open_table,
    read_table,
)
from winnow.params.submissions import CARD, CHECKED, NONE_TAKEN, Card, read_card, table_of

ROW_BYTES = 512  # of a table, at most, for each pair of the pool
SPARE_BYTES = 2**20  # beside them
UID_LENGTH = 32
FEW = 3  # rows or pairs of a kind that a message names
AGAIN = "mend it and submit again"


def check_card(folder: Path, taken: Mapping[str, str] = NONE_TAKEN) -> Card:
    """The card of a submission, in a folder that holds one table with the right columns. `taken`
    are the names that are in use, and whose they are.

    WinnowError tells all that is wrong: the file, the key or column, and the remedy.
    """
    if not folder.is_dir():
        raise WinnowError(f"{folder}: no such folder; a submission is a folder with {CARD}")
    faults = []
    try:
        card = read_card(folder / CARD, taken)
    except WinnowError as error:
        faults.append(str(error))
    try:
        _check_columns(*_table(folder))
    except WinnowError as error:
        faults.append(str(error))
    if faults:
        raise WinnowError("; ".join([*faults, AGAIN]))
    return card


def _table(folder: Path) -> tuple[Path, Columns]:
    """The table of a submission and the columns that it must have."""
    kind = table_of(folder)
    return folder / f"{kind}.parquet", SCORES if kind == "scores" else SUBSET


def _check_columns(path: Path, columns: Columns) -> None:
    if faults := column_faults(open_table(path).schema_arrow, columns):
        raise WinnowError(f"{path}: {'; '.join(faults)}")


def check_table(folder: Path, pairs: pd.DataFrame) -> float | None:
    """Check a submission's table against `pairs` (uid, caption_id): the share that a subset keeps,
    None for scores.

    WinnowError names the file, all that is wrong with its rows, and the remedy.
    """
    path, columns = _table(folder)
    try:
        _check_size(path, len(pairs))
        _check_columns(path, columns)
        _check_uids(path)
        table = read_table(path, {f"{name}?": type for name, type in columns.items()})
    except WinnowError as error:
        raise WinnowError(f"{error}; {AGAIN}") from error
    faults = _faults(table, pairs)
    if columns is SUBSET and table.empty:
        faults.append("keeps no pair")
    if faults:
        raise WinnowError(f"{path}: {'; '.join([*faults, AGAIN])}")
    return rounded(len(table) / len(pairs)) if columns is SUBSET else None


def _check_size(path: Path, pairs: int) -> None:
    """Before anything is read: a small file may unfold to a huge table."""
    allowed = ROW_BYTES * pairs + SPARE_BYTES
    size = path.stat().st_size
    if size > allowed:
        raise WinnowError(f"{path}: {size} bytes; {pairs} pairs need at most {allowed}")
    metadata = open_table(path).metadata
    if metadata.num_rows > 2 * pairs:  # of fewer, those that are too many are named
        raise WinnowError(f"{path}: {metadata.num_rows} rows, but the pool has {pairs} pairs")
    groups = (metadata.row_group(i) for i in range(metadata.num_row_groups))
    unfolded = sum(group.total_byte_size for group in groups)
    if unfolded > allowed:
        raise WinnowError(
            f"{path}: unfolds to {unfolded} bytes; {pairs} pairs need at most {allowed}"
        )


def _check_uids(path: Path) -> None:
    """One long value that stands in every row is small in a file and huge in memory."""
    try:
        file = open_table(path, read_dictionary=["uid"])
        chunks = file.read(columns=["uid"])["uid"].chunks
        different = [getattr(chunk, "dictionary", chunk) for chunk in chunks]
        longest = max((pc.max(pc.binary_length(v)).as_py() or 0 for v in different), default=0)
    except WinnowError:
        raise
    except Exception as error:  # of many kinds for damaged files
        raise damaged(path, error) from error
    if longest > UID_LENGTH:
        raise WinnowError(
            f"{path}: column 'uid' holds {longest} characters; a uid has {UID_LENGTH}"
        )


def _faults(table: pd.DataFrame, pairs: pd.DataFrame) -> list[str]:
    """What is wrong with the rows of a table: what is no number, pairs that are there twice, that
    the pool does not have, or that were not scored."""
    faults = []
    for column in table:
        empty = table.index[table[column].isna()]
        if len(empty):
            told = f"column {column!r} has no value (null or NaN) in row"
            faults.append(f"{told} {_first(empty)}{_of(len(empty), 'rows')}")
    if "score" in table:
        infinite = table.index[np.isinf(table["score"])]
        if len(infinite):
            told = f"column 'score' is infinite in row {_first(infinite)}"
            faults.append(told + _of(len(infinite), "rows"))
    whole = table.dropna(subset=PAIR).astype({"caption_id": np.int64})
    known = pd.MultiIndex.from_frame(pairs[PAIR].astype({"caption_id": np.int64}))
    given = pd.MultiIndex.from_frame(whole[PAIR])
    for rows, told in (
        (given.duplicated(), "occurs again"),
        (~given.isin(known), "is no pair of the pool"),
    ):
        if rows.any():
            named = [
                f"{_pair(given[i])} in row {whole.index[i]}" for i in np.flatnonzero(rows)[:FEW]
            ]
            faults.append(f"{', '.join(named)} {told}{_of(int(rows.sum()), 'rows')}")
    lost = ~known.isin(given)
    if "score" in table and lost.any():
        named = [_pair(known[i]) for i in np.flatnonzero(lost)[:FEW]]
        faults.append(f"no score for {', '.join(named)}{_of(int(lost.sum()), 'pairs')}")
    return faults


def _first(rows: pd.Index) -> str:
    return ", ".join(map(str, rows[:FEW]))


def _of(count: int, what: str) -> str:
    return f" ({count} {what} in all)" if count > FEW else ""


def _pair(pair: tuple[str, int]) -> str:
    return f"uid {pair[0]}, caption_id {pair[1]}"


def rounded(share: float) -> float:
    """A share with two significant digits: where the tables show the cell of a subset."""
    return float(f"{share:.2g}")


def install(folder: Path, target: Path, pool: str, share: float | None) -> None:
    """Copy card and table to `target`, with what was found: whole, or not at all. What was there
    before is replaced."""
    with atomic_path(target) as temporary:
        temporary.mkdir()
        for name in (CARD, f"{table_of(folder)}.parquet"):
            shutil.copyfile(folder / name, temporary / name)
        checked = {"pool": pool} | ({} if share is None else {"share": share})
        (temporary / CHECKED).write_text(yaml.safe_dump(checked), encoding="utf-8")


def leaderboard_ranks(leaderboard: Path, name: str) -> list[str]:
    """In words, where a scorer's rows stand in `leaderboard.csv` among those that have a rank."""
    rows = read_csv(leaderboard, ("scorer", "ratio", "rank", "leaks", "note"))
    ranked = sum(bool(row.get("rank")) for row in rows)

    def place(row: dict[str, str]) -> str:
        if row["rank"]:
            return f"rank {row['rank']} of {ranked} methods"
        if row["leaks"]:
            return f"struck out: it learned from {row['leaks']} leaking pairs, see leakage.md"
        return f"unranked, {row['note'] or 'not measured'}"

    own = [row for row in rows if row["scorer"] == name]
    lines = [f"{name} at keep ratio {row['ratio']}: {place(row)}" for row in own]
    return lines or [f"{name}: has no row in {leaderboard}"]
