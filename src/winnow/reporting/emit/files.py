"""Tables, pages and whole reports as files, written atomically."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from winnow.data.files import write_json, write_text
from winnow.reporting.emit.csv import csv_text
from winnow.reporting.emit.data import page_data
from winnow.reporting.emit.markdown import markdown_page
from winnow.reporting.table import Page, Table


class Report(NamedTuple):
    """What a track shows: a page, called `name`, tables by their file, and figures (matplotlib's)
    by name; `pixels` are the kinds of those that are better no SVG."""

    name: str
    page: Page
    tables: Mapping[str, Table]
    figures: Mapping[str, Any]
    pixels: Mapping[str, Sequence[str]] = {}


def write_table(path: Path, table: Table, signed: bool = False) -> None:
    """Write a table as CSV; `signed` as in `csv_text`."""
    write_text(path, csv_text(table, signed))


def write_page(path: Path, page: Page) -> None:
    """Write a page as Markdown."""
    write_text(path, markdown_page(page))


def write_report(output: Path, page: Path | None, report: Report) -> None:
    """Write a track's report into the folder `output` and, as `page`, its page for the site."""
    from winnow.reporting.figures import save

    for name, table in report.tables.items():
        write_table(output / f"{name}.csv", table)
    write_page(output / f"{report.name}.md", report.page)
    for name, figure in report.figures.items():
        save(figure, output / "figures", name, report.pixels.get(name, ("svg", "png")))
    if page is not None:
        write_json(page, page_data(report.page))
