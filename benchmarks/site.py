"""The site of a large pool: time to write it, its size, and the first view in Chromium.

Terrarium's images with one caption each, random scores and subsets, a leaderboard of as many
methods as the scale mini has. The first view is Chromium's first contentful paint of a page opened
from disk.
"""

from __future__ import annotations

import argparse
import itertools
import shutil
import tempfile
from pathlib import Path

import numpy as np
from children import run
from reporting import write

from winnow.data.metrics import Cell
from winnow.data.tables import (
    CAPTIONS,
    PAIR,
    SAMPLES,
    SCORES,
    SUBSET,
    TRUTH,
    read_table,
    write_table,
)
from winnow.sources.formats.terrarium import TerrariumSource
from winnow.sources.pool import build_pool
from winnow.sources.read import read_source

PAPERS = Path(__file__).parents[1] / "workflow/papers"
SCORERS = [f"scorer_{number:02}" for number in range(14)]
RATIOS = (0.1, 0.2, 0.3, 0.5)
PAGES = ("index", "curves", "samples", "cells")
FLAGS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)


def write_tables(folder: Path, samples: int) -> None:
    """Write what `winnow site` reads."""
    source = read_source(TerrariumSource(pool=samples, reference=1, test=1, seed=0))
    human, layouts = folder / "human.parquet", folder / "layouts.parquet"
    build_pool(
        source, folder / "pool", human, layouts, shard_size=1000, quarantine_limit=0, reference=0,
        test=0, workers=2,
    )  # fmt: skip
    images = read_table(folder / "pool/samples.parquet", SAMPLES)
    pool = images.loc[images["split"] == "pool", "uid"]
    captions = read_table(human, CAPTIONS)
    raw = captions[captions["uid"].isin(pool) & (captions["caption_id"] == 0)].reset_index(
        drop=True
    )
    write_table(folder / "captions/raw.parquet", raw, CAPTIONS)
    draw = np.random.default_rng(0)
    kinds = draw.choice(["clean", "mismatch", "count", "attribute"], len(raw))
    write_table(folder / "truth/raw.parquet", raw[PAIR].assign(kind=kinds), TRUTH)
    for scorer in SCORERS:
        table = raw[PAIR].assign(score=draw.normal(0.2, 0.05, len(raw)))
        write_table(folder / f"scores/raw/{scorer}.parquet", table, SCORES)
        for ratio in RATIOS:
            kept = table.nlargest(round(ratio * len(raw)), "score")
            write_table(folder / f"subsets/raw/{scorer}/{ratio}.parquet", kept, SUBSET)
    methods = itertools.product(SCORERS, RATIOS)
    write(
        folder,
        [
            Cell(track="contrastive", captions="raw", scorer=scorer, ratio=ratio, seed=0)
            for scorer, ratio in methods
        ],
    )


def first_views(site: Path, profile: Path) -> dict[str, float]:
    """Seconds to the first contentful paint of each page, each opened twice, the slower time."""
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or ""
    for flag in (*FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    driver = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
    paint = "return performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
    found: dict[str, float] = dict.fromkeys(PAGES, 0.0)
    try:
        for page in PAGES * 2:
            driver.get((site / f"{page}.html").as_uri())
            while (seconds := driver.execute_script(paint)) is None:
                pass
            found[page] = max(found[page], seconds / 1000)
    finally:
        driver.quit()
    return found


def main() -> None:
    """Make the pool, write the site, look at it, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=10_000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        write_tables(folder, given.samples)
        names = ("cells", "pool", "captions", "scores", "subsets", "generated", "truth")
        words = [word for name in names for word in (f"--{name}", folder / name)]
        words += ["--papers", PAPERS, "--sweep", folder / "sweep.csv", "--output", folder / "site"]
        options = ["--scale=mini", "--standins=[]", f"--samples={given.samples}", "--threads=1"]
        seconds, peak = run("site", *words, *options)
        files = [path for path in (folder / "site").rglob("*") if path.is_file()]
        size = sum(path.stat().st_size for path in files) / 1e6
        print(f"{given.samples} samples: {seconds:.1f} s, {peak:.0f} MB at the peak", flush=True)
        print(f"{size:.1f} MB in {len(files)} files", flush=True)
        if shutil.which("chromium") and shutil.which("chromedriver"):
            for page, first in first_views(folder / "site", folder / "profile").items():
                print(f"{page}: first view after {first:.2f} s", flush=True)


if __name__ == "__main__":
    main()
