"""The pages of the tracks: the same prose, tables and figures as in Markdown."""

import re
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup

from winnow.data.errors import WinnowError
from winnow.data.files import read_json
from winnow.reporting.emit.data import page_from
from winnow.reporting.site.pages import Page
from winnow.reporting.table import Image, Table
from winnow.reporting.table import Page as Blocks
from winnow.tracks.registry import BY_NAME

# Where the site has what Markdown pages link
LINKS = (
    (re.compile(r"^tables/([^/]+)/([^/]+)\.md$"), r"papers.html#\1-\2"),
    (re.compile(r"^([a-z_]+)\.md$"), r"\1.html"),
)


def track_pages(folder: Path, pages: Sequence[Path], results: Path | None) -> list[Page]:
    """The page of each track, in the order of the registry; `folder` gets their figures from below
    `results`. WinnowError names a page or figure that cannot be read."""
    known = {path.stem: path for path in pages}
    return [
        _page(folder, name, page_from(read_json(known[name])), results)
        for name in BY_NAME
        if name in known
    ]


def _page(folder: Path, name: str, blocks: Blocks, results: Path | None) -> Page:
    heading = BY_NAME[name].title
    shown: list[dict[str, Any]] = []
    for block in blocks:
        if isinstance(block, Table):
            shown.append({"table": block, "caption": heading})
        elif isinstance(block, Image):
            _copy(block.path, results, folder)
            shown.append({"image": block})
        elif not block.startswith("# "):  # the page has its title
            heading = block.splitlines()[0].lstrip("# ") if block.startswith("## ") else heading
            shown.append({"prose": html(block)})
    lead = "What the experiments of this track measured, with 95 % intervals."
    return Page(f"track-{name}", BY_NAME[name].title, lead, {"blocks": shown}, template="track")


def _copy(path: str, results: Path | None, folder: Path) -> None:
    try:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile((results or Path()) / path, folder / path)
    except OSError as error:
        raise WinnowError(f"{error.filename}: {error.strerror}; run again") from error


def html(text: str) -> Markup:
    """Markdown as HTML, in which HTML is text; links lead to pages of the site."""
    tokens = _MARKDOWN.parse(text)
    for token in _inside(tokens):
        if token.type == "link_open":
            token.attrSet("href", _link(str(token.attrGet("href"))))
    return Markup(_MARKDOWN.renderer.render(tokens, _MARKDOWN.options, {}))


def _inside(tokens: Sequence[Token]) -> Iterator[Token]:
    for token in tokens:
        yield token
        yield from _inside(token.children or ())


def _link(target: str) -> str:
    for pattern, place in LINKS:
        target = pattern.sub(place, target)
    return target


_MARKDOWN = MarkdownIt("commonmark", {"html": False})
