"""Pages of the site, from one template."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from string import Template
from typing import Any, NamedTuple

from winnow.reporting.site.markup import data_script, text

ASSETS = Path(__file__).parent / "assets"
TEMPLATE = "page.html"


class Page(NamedTuple):
    """A page: its file without the ending, title, a sentence or two of HTML, what is on it, and the
    script that it needs beside the one of all pages."""

    file: str
    title: str
    lead: str
    content: str
    script: str = ""


def write_pages(folder: Path, pages: Sequence[Page], footer: str) -> None:
    """Write the pages, each linked from all others, and the assets."""
    template = Template((ASSETS / TEMPLATE).read_text(encoding="utf-8"))
    for page in pages:
        script = f'<script src="assets/{page.script}.js"></script>\n' if page.script else ""
        filled = template.substitute(
            title=text(page.title),
            nav="".join(_link(other, page) for other in pages),
            scripts=script,
            lead=page.lead,
            content=page.content,
            footer=footer,
        )
        (folder / f"{page.file}.html").write_text(filled, encoding="utf-8")
    (folder / "assets").mkdir()
    for asset in sorted(ASSETS.iterdir()):
        if asset.suffix in (".css", ".js", ".svg"):
            shutil.copyfile(asset, folder / "assets" / asset.name)


def write_data(folder: Path, name: str, content: Any) -> None:
    """Write what a page's script loads by this name."""
    (folder / f"data/{name}.js").write_text(data_script(name, content), encoding="utf-8")


def _link(other: Page, page: Page) -> str:
    here = ' aria-current="page"' if other == page else ""
    return f'<li><a href="{other.file}.html"{here}>{text(other.title)}</a></li>'


CURVES = """
<form class="filters" id="curve-form" autocomplete="off">
<label>Measure <select name="measure"></select></label>
<label>Captions <select name="captions"></select></label>
</form>
<div class="curves">
<div id="plot-area"><div id="plot"></div><div id="tip" role="status" hidden></div></div>
<fieldset id="legend" aria-label="Scorers that are drawn"></fieldset>
</div>
<details><summary>The same as numbers</summary>
<div class="scroll" role="region" tabindex="0" aria-label="Values by scorer and ratio">
<table id="numbers"><thead><tr><th scope="col">scorer</th><th scope="col" class="number">keep</th>
<th scope="col" class="number">value (95 % interval)</th></tr></thead><tbody></tbody></table>
</div></details>
"""

SAMPLES = """
<form class="filters" id="sample-form" autocomplete="off">
<label>Captions <select name="captions"></select></label>
<label>Scorer <select name="scorer"></select></label>
<label>Keep <select name="ratio"></select></label>
<label>Show <select name="show"><option value="">all</option>
<option value="kept">kept</option><option value="rejected">rejected</option></select></label>
<label>Noise <select name="noise"></select></label>
<label>Scene <select name="scene"></select></label>
<label>Order <select name="order"><option value="best">best score first</option>
<option value="worst">worst score first</option><option value="uid">by image</option>
</select></label>
<label>Find <input type="search" name="find" placeholder="words of a caption"></label>
</form>
<table id="summary"><caption class="hidden">What is kept and what is rejected</caption>
<tbody></tbody></table>
<ul id="kinds"></ul>
<p id="sample-status" role="status"></p>
<ul id="cards"></ul>
<div class="pager"><button type="button" id="before">Previous</button>
<button type="button" id="after">Next</button></div>
<dialog id="sample" aria-labelledby="sample-caption"><button type="button">Close</button>
<div class="inside"></div></dialog>
"""

GALLERY = """
<form class="filters" id="gallery-form" autocomplete="off">
<label>Scene <select name="scene"></select></label>
<p role="status" class="status"></p>
<fieldset id="methods" aria-label="Methods that are shown"></fieldset>
</form>
<div id="drawn"></div>
"""

CELLS_FORM = """
<form class="filters" data-tables="cells-list" autocomplete="off">
{track}{state}
<label>Find <input type="search" name="find" placeholder="scorer, captions"></label>
<p role="status" class="status"></p></form>
"""

CELLS_DIALOG = """
<dialog id="cell" aria-labelledby="cell-name"><button type="button">Close</button>
<div class="inside"></div></dialog>
"""
