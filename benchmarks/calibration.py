"""The distance of the general world from the domain, by `pretrained` and human captions alone.

Draws a general world as `--crawl` says, pretrains `clip` on it, and measures it before and after
fine-tuning on human captions, in a world with another seed than the benchmark's. No other method is
looked at. docs/calibration.md has the runs that `Crawl`'s defaults were chosen by.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import replace
from pathlib import Path

import pandas as pd

from winnow.command.line import main as winnow
from winnow.data.images import encode_png
from winnow.data.records import Record
from winnow.data.tables import CAPTIONS, SAMPLES, read_table
from winnow.evaluation.contrastive import contrastive_outcomes
from winnow.evaluation.statistics import estimates, headline_means
from winnow.models import clip
from winnow.sources.pool import build_pool
from winnow.terrarium.general import Crawl, draw_general
from winnow.training.clip_standins import train_standin
from winnow.training.contrastive import fit
from winnow.training.settings import Optimiser
from winnow.training.subsets import reference_split

TUNING = Optimiser.model_validate({"batch_size": 64, "learning_rate": 2e-3})
PRETRAINING = Optimiser.model_validate({"learning_rate": 2e-3, "warmup": 0.05})


def domain(folder: Path, seed: int, pool: int, test: int) -> Path:
    """The world that is measured in: a pool, its human captions, zero-shot sets."""
    if not (folder / "zeroshot").is_dir():
        source = {"kind": "terrarium", "pool": pool, "reference": 2, "test": test, "seed": seed}
        made = ["--shard-size=1000", "--quarantine-limit=0", f"--source={json.dumps(source)}"]
        places = [f"--{name}={folder / name}" for name in ("human", "sealed", "truth")]
        winnow(["pool", f"--output={folder / 'pool'}", *places, *made])
        winnow(["zeroshot", f"--output={folder / 'zeroshot'}", "--images=240", f"--seed={seed}"])
    return folder


def general(folder: Path, seed: int, images: int, crawl: Crawl) -> Path:
    """A general world, as a pool whose reference split is all of it."""
    if not (folder / "pool").is_dir():
        drawn = ((i, draw_general(seed, i, crawl=crawl)) for i in range(images))
        records = (
            Record(
                f"general/{i}",
                encode_png(sample.image),
                "reference",
                None,
                list(dict.fromkeys(sample.captions)),
            )
            for i, sample in drawn
        )
        build_pool(
            records, *(folder / name for name in ("pool", "human", "sealed", "truth")),
            shard_size=1000, quarantine_limit=0.5, reference=0, test=0,
        )  # fmt: skip
    return folder


def measured(model: clip.Clip, world: Path) -> dict[str, float]:
    """Headlines of the track contrastive, in per cent."""
    pool = world / "pool"
    samples = read_table(pool / "samples.parquet", SAMPLES)
    human = read_table(world / "human", CAPTIONS)
    outcomes = contrastive_outcomes(model, pool, samples, human, world / "zeroshot")
    means = headline_means(outcomes["metric"])
    values = estimates(outcomes, means)
    return {name: 100 * values[name] for name in means}


def main() -> None:
    """Print one row for the pretrained model and one for each seed of human captions."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--crawl", type=json.loads, default={})
    parser.add_argument("--name", default="default")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--images", type=int, default=16000)
    parser.add_argument("--seen", type=int, default=60000)
    parser.add_argument("--pool", type=int, default=8000)
    parser.add_argument("--test", type=int, default=1000)
    parser.add_argument("--samples-seen", type=int, default=16000)
    parser.add_argument("--seeds", type=int, default=2)
    given = parser.parse_args()
    world = domain(given.folder / "domain", given.seed, given.pool, given.test)
    crawl = replace(Crawl(), **given.crawl)
    web = general(given.folder / given.name, given.seed + 1000, given.images, crawl)
    start = time.perf_counter()
    if not (web / "clip" / "open_clip_config.json").is_file():
        samples, captions = reference_split(web / "pool", web / "human")
        (web / "clip").mkdir(exist_ok=True)
        model, losses = train_standin(
            "clip", web / "pool", samples, captions, web / "clip", PRETRAINING, given.seen
        )
        clip.save(model, web / "clip", half=True)
        print(f"pretraining: loss {losses[-1]:.3f}, {time.perf_counter() - start:.0f} s")
    rows = {"pretrained": measured(clip.load(web / "clip"), world)}
    print(pd.DataFrame(rows).T.round(1).to_string(), flush=True)
    samples = read_table(world / "pool" / "samples.parquet", SAMPLES)
    pairs = read_table(world / "sealed", CAPTIONS)
    first = pairs[~pairs["uid"].duplicated()]
    for seed in range(given.seeds):
        tuned = clip.load(web / "clip")
        fit(tuned, world / "pool", samples, first, TUNING, given.samples_seen, seed)
        rows[f"human {seed}"] = measured(tuned, world)
    print(json.dumps(given.crawl), given.seen)
    print(pd.DataFrame(rows).T.round(1).to_string())


if __name__ == "__main__":
    main()
