"""The rows of a table that people wrote: CSV and its like, JSON lines or a JSON list.

What the file holds decides how it is read, not its suffix.
"""

import contextlib
import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from winnow.data.errors import WinnowError
from winnow.sources.caption_text import MISSING, Twice, decode, storable, unique_keys

csv.field_size_limit(2**31 - 1)  # an endless caption costs its row, not the table
DELIMITERS = "\t,;|"
FILES = {  # by their first bytes
    b"PAR1": "a Parquet file",
    b"\x1f\x8b": "compressed with gzip",
    b"BZh": "compressed with bzip2",
    b"\xfd7zXZ\0": "compressed with xz",
    b"\x28\xb5\x2f\xfd": "compressed with zstd",
    b"PK\x03\x04": "a ZIP or an Excel file",
    b"SQLite format": "a database of SQLite",
}
KINDS = "unpack it, or save it as CSV or as JSON lines"
QUOTES = 'double a quote inside quotes, or remove a stray one (")'
TOLD = {  # errors of `csv` in the words of this place
    "unexpected end of data": f"a quote opens in this row that is never closed; {QUOTES}",
    "new-line character": "a carriage return stands outside quotes; put its cell in quotes",
}

Row = tuple[str, Any]  # its place as messages name it; the object, or a Fault


class Fault(str):
    """Why a row cannot be taken."""


def read_rows(
    path: Path, wanted: Sequence[Sequence[str]], name_first: Callable[[str], bool]
) -> Iterator[Row]:
    """Stream the rows as objects from names of columns, in lower case, to values.

    A table must have one column, and a JSON list one key, of each of `wanted`; the first of them
    holds file names, and `name_first` says whether a cell looks like one. Raises WinnowError,
    naming the file and the line, where that is not so or where quotes make the rows uncertain.
    """
    text = _text(path)
    start = text.lstrip()[:1]
    if start == "[":
        rows = _json_list(path, text)
    elif start == "{":
        rows = _json_lines(path, text)
    else:
        yield from _csv_rows(path, text, wanted, name_first)
        return
    found: list[str] | None = None  # the keys of the first object, until one is seen to be right
    seen = False
    for place, row in rows:
        if isinstance(row, dict):
            row = unique_keys(_lower(row))
            _one_column(f"{path}: {place.partition(': ')[2]}", wanted[0], row)
            seen = seen or any(key in row for key in wanted[0])
            found = list(row) if found is None else found
        yield place, row
    if found is not None and not seen:
        raise _no_column(path, wanted[0], found)


def _lower(row: dict[str, Any]) -> list[tuple[str, Any]]:
    """The keys in lower case, and the values, of an object; each of a key that occurs twice."""
    twice = row.keys_twice if isinstance(row, Twice) else ()
    pairs = [(key, v) for key, value in row.items() for v in (value if key in twice else [value])]
    return [(key.strip().lower(), value) for key, value in pairs]


def _one_column(place: str, names: Sequence[str], row: Mapping[str, Any] | Sequence[str]) -> None:
    """Raise WinnowError where two columns, or keys with a value, hold names of files."""
    held = [n for n in names if n in row and not (isinstance(row, Mapping) and row[n] is None)]
    if len(held) > 1:
        raise WinnowError(f"{place}: {' and '.join(held)} both name files; rename or remove one")


def _text(path: Path) -> str:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise WinnowError(f"{path}: cannot be read ({error.strerror})") from error
    kind = next((kind for start, kind in FILES.items() if content.startswith(start)), None)
    if kind is not None:
        raise WinnowError(f"{path}: is {kind}, not a table of text; {KINDS}")
    try:
        text = decode(content)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise WinnowError(
            f"{path}: line {line}: not UTF-8 text ({error.reason}); save the table as UTF-8"
        ) from error
    if "\0" in text[:1000].partition("\n")[0]:
        raise WinnowError(f"{path}: line 1 holds zero bytes; save the table as UTF-8")
    return text


def _no_column(path: Path, wanted: Sequence[str], names: Sequence[str]) -> WinnowError:
    has = ", ".join(storable(c) for c in names if c.strip()) or "none"
    return WinnowError(f"{path}: needs a column {' or '.join(wanted)}, has {has}")


def _json_list(path: Path, text: str) -> Iterator[Row]:
    try:
        rows = json.loads(text, object_pairs_hook=unique_keys)
    except (ValueError, RecursionError) as error:
        raise WinnowError(f"{path}: not valid JSON ({error})") from error
    for number, row in enumerate(rows):
        known = isinstance(row, dict)
        yield f"{path.name}: [{number}]", row if known else Fault("entry is not a JSON object")


def _json_lines(path: Path, text: str) -> Iterator[Row]:
    with contextlib.suppress(ValueError, RecursionError):
        yield (
            f"{path.name}: line 1",
            json.loads(text, object_pairs_hook=unique_keys),
        )  # one object, on whatever lines
        return
    for number, line in enumerate(io.StringIO(text, newline=None), start=1):
        if line.strip():
            try:
                row = json.loads(line, object_pairs_hook=unique_keys)
            except (ValueError, RecursionError):
                row = None
            known = isinstance(row, dict)
            place = f"{path.name}: line {number}"
            yield place, row if known else Fault("line is not a JSON object")


def _csv_rows(
    path: Path, text: str, wanted: Sequence[Sequence[str]], is_name: Callable[[str], bool]
) -> Iterator[Row]:
    """A row without a file's name takes the row before it with it: that one may have been cut in
    two by a line break outside quotes.
    """
    first = next(io.StringIO(text, newline=""), "")
    delimiter, columns = _header(path, first, wanted)
    naming = next(i for i, column in enumerate(columns) if column in wanted[0])
    waiting: Row | None = None
    whole = False  # whether the row that waits begins with the name of a file
    # Where \n ends the lines a lone \r is part of a cell, which must then be quoted.
    ends = "\n" if first.endswith("\n") else ""
    for place, cells in _cells(path, io.StringIO(text, newline=ends), delimiter, naming, is_name):
        named = len(cells) > naming and is_name(cells[naming].strip())
        if waiting is not None:
            cut = naming == 0 and whole and not named and cells[0].strip()
            yield (waiting[0], Fault("row may go on in the next line")) if cut else waiting
        waiting, whole = (place, _row(columns, cells)), named
    if waiting is not None:
        yield waiting


def _row(columns: Sequence[str], cells: Sequence[str]) -> dict[str, str] | Fault:
    if any(cell.strip() for cell in cells[len(columns) :]):
        return Fault("row has more cells than the header")
    pairs = zip(columns, cells, strict=False)
    return {column: cell for column, cell in pairs if cell.strip().lower() not in MISSING}


def _cells(
    path: Path, lines: io.StringIO, delimiter: str, naming: int, is_name: Callable[[str], bool]
) -> Iterator[tuple[str, list[str]]]:
    """The place and the cells of each row after the header that is not blank."""
    reader = csv.reader(lines, delimiter=delimiter, strict=True, skipinitialspace=True)
    line = 0
    try:
        for cells in reader:
            first, line = line + 1, reader.line_num
            several = enumerate(cells if line > first else [])
            if any(_holds_row(cell, i, naming, delimiter, is_name) for i, cell in several):
                raise WinnowError(
                    f"{path}: line {first}: a quoted cell goes on to line {line} and holds "
                    f"further rows; {QUOTES}"
                )
            if first > 1 and any(cell.strip() for cell in cells):
                yield f"{path.name}: line {first}", cells
    except csv.Error as error:
        told = (ours for theirs, ours in TOLD.items() if theirs in str(error))
        raise WinnowError(f"{path}: line {line + 1}: {next(told, f'{error}; {QUOTES}')}") from error


def _header(path: Path, first: str, wanted: Sequence[Sequence[str]]) -> tuple[str, list[str]]:
    """The delimiter and the columns, in lower case, of the first line."""
    best: list[str] = []
    for delimiter in DELIMITERS:
        try:
            cells = next(csv.reader([first], delimiter=delimiter, skipinitialspace=True), [])
        except csv.Error:
            continue
        columns = [cell.strip().lower() for cell in cells]
        best = cells if len(cells) > len(best) else best
        if all(set(names) & set(columns) for names in wanted):
            twice = next((c for c in columns if c and columns.count(c) > 1), None)
            if twice is not None:
                raise WinnowError(f"{path}: has two columns {storable(twice)}; rename one")
            _one_column(f"{path}: line 1", wanted[0], columns)
            return delimiter, columns
    lower = [cell.strip().lower() for cell in best]
    raise _no_column(path, next(n for n in wanted if not set(n) & set(lower)), best)


def _holds_row(
    cell: str, place: int, naming: int, delimiter: str, is_name: Callable[[str], bool]
) -> bool:
    """Whether a quoted cell with line breaks has swallowed rows: a line of it has a file's name in
    the column of names. A line after the first begins with the first column.
    """
    lines = cell.splitlines()
    for number, line in enumerate(lines if len(lines) > 1 else []):
        pieces = line.split(delimiter)
        index = naming - place if number == 0 else naming
        if index < 0 or len(pieces) < 2 or index >= len(pieces) or (number == 0 and index == 0):
            continue
        if is_name(pieces[index].strip().strip('"')):
            return True
    return False
