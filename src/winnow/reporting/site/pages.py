"""Pages of the site, each from a template of its own."""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from winnow.data.files import write_text
from winnow.reporting.site.markup import ASSETS, data_script, render


class Page(NamedTuple):
    """A page: its file without the ending, which is also its template's unless it has another,
    title, a sentence or two, and what the template shows; `script` runs beside the one of all
    pages."""

    file: str
    title: str
    lead: str
    context: Mapping[str, Any]
    script: str = ""
    template: str = ""


def write_pages(folder: Path, pages: Sequence[Page], **shared: Any) -> None:
    """Write the pages, each linked from all others, and the assets."""
    for page in pages:
        html = render(
            f"{page.template or page.file}.html", page=page, pages=pages, **shared, **page.context
        )
        write_text(folder / f"{page.file}.html", html)
    (folder / "assets").mkdir()
    for asset in sorted(ASSETS.iterdir()):
        if asset.suffix in (".css", ".js", ".svg"):
            shutil.copyfile(asset, folder / "assets" / asset.name)


def write_data(folder: Path, name: str, content: Any) -> None:
    """Write what a page's script loads by this name."""
    (folder / f"data/{name}.js").write_text(data_script(name, content), encoding="utf-8")
