"""`snakemake --report`: what it shows of a finished run, made and opened without a network."""

import json
import re
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import pytest
from test_site_browser import CHROMIUM, FLAGS
from workflow_helpers import ROOT, clone, smoke_in_place

from winnow.reporting.papers import load_papers

CAPTIONS = ROOT / "workflow" / "report"
PAPERS = load_papers(ROOT / "workflow" / "papers")
TABLES = (
    *("leaderboard", "boards", "sweep", "cells", "cost", "claims", "claims_comparisons", "leakage"),
    *("detection", "captions", "score_model", "generation", "segmentation"),
)
CURVES = ("contrastive", "detection", "captions", "score_normalisation", "segmentation_ratio")
SHOWN = {f"results/{name}.csv" for name in TABLES}
SHOWN |= {f"results/tables/{paper.paper}/{name}.csv" for paper in PAPERS for name in paper.tables}
SHOWN |= {f"results/figures/{name}.svg" for name in CURVES}
SHOWN |= {"results/figures/generation.jpg", "results/figures/segmentation.png"}
SHOWN |= {"results/site/index.html"}
NOWHERE = dict.fromkeys(("http_proxy", "https_proxy", "all_proxy"), "http://127.0.0.1:9")


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The unpacked report of a clone in which everything looks finished."""
    folder = tmp_path_factory.mktemp("report")
    made = clone(folder / "clone", folder / "state")
    for name in (*SHOWN, "results/site/assets/site.css"):
        (made.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (made.folder / name).write_text(f"content of {name}")
    made.change(smoke_in_place)
    made.snakemake("--report", str(folder / "report.zip"), **NOWHERE)
    with zipfile.ZipFile(folder / "report.zip") as archive:
        archive.extractall(folder)
    return folder / "report"


def parsed(report: Path, name: str) -> dict[str, Any]:
    """A variable of the report's page."""
    page = (report / "report.html").read_text(encoding="utf-8")
    start = re.search(rf'<script id="{name}">\s*var {name} = ', page)
    assert start is not None
    found, _ = json.JSONDecoder().raw_decode(page, start.end())
    return found


def words(text: str) -> str:
    return re.sub(r"[\s*`_]+|<[^>]+>", "", text).replace("&quot;", '"')


def test_shows_tables_figures_and_the_site(report: Path) -> None:
    results = parsed(report, "results")
    assert set(results) == SHOWN
    for name, result in results.items():
        assert (report / result["data_uri"]).read_text() == f"content of {name}"


def test_every_result_has_a_place_a_name_and_a_caption(report: Path) -> None:
    results, categories = parsed(report, "results"), parsed(report, "categories")
    assert set(categories) == {"Site", "Leaderboard", "Claims", "Leaks", "Papers", "Tracks"}
    assert set(categories["Papers"]) == {paper.citation.short for paper in PAPERS}
    names = [
        (category, subcategory, results[path]["labels"]["what"])
        for category, parts in categories.items()
        for subcategory, paths in parts.items()
        for path in paths
    ]
    assert len(set(names)) == len(names) == len(results)
    assert all(result["caption"] for result in results.values())


def test_every_caption_is_used_and_says_what_its_file_says(report: Path) -> None:
    used = {words(result["caption"]) for result in parsed(report, "results").values()}
    page = (report / "report.html").read_text(encoding="utf-8")
    written = {words(path.read_text("utf-8")) for path in CAPTIONS.glob("*.rst")}
    (described,) = written - used
    assert described.startswith("Winnow") and used <= written
    assert "This run is of the scale" in page and "{{ snakemake" not in page


def test_the_site_comes_whole(report: Path) -> None:
    index = report / parsed(report, "results")["results/site/index.html"]["data_uri"]
    assert (index.parent / "assets/site.css").is_file()


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium")
def test_opens_without_a_network(report: Path, tmp_path: Path) -> None:
    resolver = "--host-resolver-rules=MAP * ~NOTFOUND"
    page = (report / "report.html").as_uri()
    command = [str(CHROMIUM), *FLAGS, resolver, f"--user-data-dir={tmp_path}", "--dump-dom", page]
    text = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout
    assert all(name in text for name in ("Leaderboard", "Claims", "Papers", "which pairs should"))
