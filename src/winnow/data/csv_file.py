"""CSV that rules write and read back: no formulas of people's, rows checked."""

import csv
import io
import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from winnow.data.errors import WinnowError
from winnow.data.files import DIGEST, digest_bytes, read_bytes

# What a spreadsheet takes for a formula, once some of its own marks of text are before it
FORMULA = re.compile(r"'*[=+\-@\t\r\uff0b\uff0d\uff1d\uff20]")


def csv_cell(text: str) -> str:
    """A text as a cell of a CSV: one that a spreadsheet would take for a formula gets a `'` before
    it, as spreadsheets show text. Numbers stay. `csv_word` undoes it."""
    if not FORMULA.match(text):
        return text
    try:
        float(text)
    except ValueError:
        return f"'{text}"
    return text


def csv_rows(rows: Iterable[Iterable[str]]) -> str:
    """Rows of texts as CSV whose lines end with a line feed."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)  # with its own ends of lines it quotes both of their characters
    lines = []
    for row in rows:
        writer.writerow(map(csv_cell, row))
        lines.append(buffer.getvalue().removesuffix("\r\n") + "\n")
        buffer.seek(0)
        buffer.truncate()
    return "".join(lines)


def csv_word(cell: str) -> str:
    """The text of a cell that `csv_cell` made."""
    return cell[1:] if cell.startswith("'") and FORMULA.match(cell) else cell


def read_csv(path: str | Path, columns: Sequence[str]) -> list[dict[str, str]]:
    """The rows of a CSV that a rule wrote; a column `digest` is checked and left out.

    WinnowError names the file, and the first of `columns` that it does not have, or the row that
    is not as wide as its head or not as it was written.
    """
    try:
        with io.StringIO(read_bytes(path).decode("utf-8"), newline="") as handle:
            reader = csv.DictReader(handle, strict=True)
            known = set(map(csv_word, reader.fieldnames or ()))
            missing = [name for name in columns if name not in known]
            if missing:
                raise WinnowError(f"{path}: column {missing[0]!r} is missing; render it again")
            rows = list(reader)
    except FileNotFoundError as error:
        raise WinnowError(f"{path}: no such table; run snakemake first") from error
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise WinnowError(f"{path}: not a readable CSV ({error}); render it again") from error
    for place, row in enumerate(rows):
        if None in row or None in row.values():
            raise WinnowError(f"{path}: row {place} is not as wide as its head; render it again")
    read = [{csv_word(key): csv_word(cell) for key, cell in row.items()} for row in rows]
    for place, row in enumerate(read):
        if row.pop(DIGEST, None) not in (None, csv_digest(row)):
            raise WinnowError(f"{path}: row {place} is damaged or was edited; render it again")
    return read


def csv_digest(row: dict[str, str]) -> str:
    """What the column `digest` of a CSV holds: of the columns before it and their cells."""
    return digest_bytes(json.dumps(list(row.items())).encode())[:16]
