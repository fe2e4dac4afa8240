"""Tables as CSV."""

from collections.abc import Iterator
from typing import Any

from winnow.data.csv_file import csv_digest, csv_rows
from winnow.data.files import DIGEST
from winnow.reporting.table import Column, Row, Table, cell_of
from winnow.reporting.values import Value


def csv_text(table: Table, signed: bool = False) -> str:
    """A CSV; None is blank. Floats have six significant digits, but a column `*ratio` is exact, as
    ratios name folders. What a spreadsheet would take for a formula is marked as text, which
    `read_csv` undoes. `signed` rows end with a digest of themselves, which `read_csv` checks."""
    header = [name for column in table.columns for name in column.parts or (column.key,)]
    exact = [name.endswith("ratio") for name in header]
    rows = [
        [_text(*cell) for cell in zip(_cells(table, row), exact, strict=True)] for row in table.rows
    ]
    if signed:
        digests = [csv_digest(dict(zip(header, row, strict=True))) for row in rows]
        header = [*header, DIGEST]
        rows = [[*row, digest] for row, digest in zip(rows, digests, strict=True)]
    return csv_rows([header, *rows])


def _cells(table: Table, row: Row) -> Iterator[Any]:
    for column in table.columns:
        yield from _parts(column, cell_of(column, row).value)


def _parts(column: Column, value: Any) -> list[Any]:
    wide = len(column.parts)
    if wide == 0:
        return [value]
    return list(value[:wide]) if isinstance(value, Value) else [None] * wide


def _text(value: Any, exact: bool) -> str:
    if value is None or value != value:  # NaN
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.6g}" if isinstance(value, float) and not exact else str(value)
