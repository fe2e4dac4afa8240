"""Tables and pages as files, written atomically."""

from pathlib import Path

from winnow.data.files import write_text
from winnow.reporting.emit.csv import csv_text
from winnow.reporting.emit.markdown import markdown_page
from winnow.reporting.table import Page, Table


def write_table(path: Path, table: Table, signed: bool = False) -> None:
    """Write a table as CSV; `signed` as in `csv_text`."""
    write_text(path, csv_text(table, signed))


def write_page(path: Path, page: Page) -> None:
    """Write a page as Markdown."""
    write_text(path, markdown_page(page))
