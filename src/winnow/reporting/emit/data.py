"""Pages as plain data, which the site shows."""

from typing import Any

from winnow.reporting.table import Cell, Column, Image, Page, Table, cell_of, text_of
from winnow.reporting.values import NUMBER, Value


def page_data(page: Page) -> list[dict[str, Any]]:
    """A page as JSON can say it: texts as they are shown, and the numbers that they sort by."""
    return [_block(block) for block in page if block]


def _block(block: str | Table | Image) -> dict[str, Any]:
    if isinstance(block, str):
        return {"prose": block}
    if isinstance(block, Image):
        return {"image": block.path, "text": block.text}
    columns = [[column.head, column.numeric] for column in block.columns]
    rows = [[_cell(c, cell_of(c, row)) for c in block.columns] for row in block.rows]
    return {"columns": columns, "rows": rows}


def _cell(column: Column, cell: Cell) -> list[Any]:
    """Its text, number (None of what is none), and style."""
    value = cell.value.estimate if isinstance(cell.value, Value) else cell.value
    number = value if isinstance(value, int | float) else None
    return [text_of(column, cell), number, cell.style]


def page_from(data: list[dict[str, Any]]) -> Page:
    """The page that `page_data` told."""
    return [_block_from(block) for block in data]


def _block_from(block: dict[str, Any]) -> str | Table | Image:
    if "prose" in block:
        return str(block["prose"])
    if "image" in block:
        return Image(block["text"], block["image"])
    columns = [
        Column(str(place), head, NUMBER if numeric else str)
        for place, (head, numeric) in enumerate(block["columns"])
    ]
    rows = [
        {str(place): _cell_from(*cell) for place, cell in enumerate(row)} for row in block["rows"]
    ]
    return Table(columns, rows)


def _cell_from(text: str, number: float | None, style: Any) -> Cell:
    value = text if number is None else Value(number)
    return Cell(value, style, show=lambda _: text)
