"""Pages and tables as Markdown."""

import re
from collections.abc import Iterable

from winnow.reporting.table import Cell, Column, Image, Page, Style, Table, cell_of, text_of

_SPECIAL = re.compile(r"([\\`*_\[\]|~$#])")
_HTML = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_MARKS: dict[Style, str] = {"": "", "bold": "**", "italic": "_", "struck": "~~"}


def markdown(text: str) -> str:
    """Text that Markdown shows as it is, on one line, inside a table or outside."""
    plain = "".join(_HTML.get(character, character) for character in " ".join(text.split()))
    return _SPECIAL.sub(r"\\\1", plain)


def markdown_table(table: Table) -> str:
    """A table; columns of numbers are set to the right."""
    rows = [[markdown(column.head) for column in table.columns]]
    rows.append(["---:" if column.numeric else "---" for column in table.columns])
    for row in table.rows:
        cells = [(column, cell_of(column, row)) for column in table.columns]
        rows.append([_cell(column, cell) for column, cell in cells])
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _cell(column: Column, cell: Cell) -> str:
    if cell.link:
        return f"<{cell.link}>"
    style = "" if cell.value is None else _MARKS[cell.style]
    told = text_of(column, cell._replace(mark=""))
    mark = f" {markdown(cell.mark)}" if cell.mark else ""
    return f"{style}{markdown(told)}{style}{mark}"


def markdown_page(page: Page) -> str:
    """A whole page."""
    return "\n\n".join(_block(block).strip("\n") for block in page if block) + "\n"


def _block(block: str | Table | Image) -> str:
    if isinstance(block, Table):
        return markdown_table(block)
    return f"![{block.text}]({block.path})" if isinstance(block, Image) else block


def bullets(texts: Iterable[str]) -> str:
    """A list of plain texts."""
    return "".join(f"- {markdown(text)}\n" for text in texts)
