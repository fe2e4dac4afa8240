"""Time and peak memory of `winnow select`, Parquet in and Parquet out, over the pool and per scene.

Each selection is a process of its own; its start and its imports count.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from children import run

from winnow.data.tables import SAMPLES, SCORES, schema

SCENES = 30


def write_tables(folder: Path, pairs: int, captions: int) -> None:
    """Write `scores.parquet` and `samples.parquet`, with `captions` pairs an image."""
    draw = np.random.default_rng(0)
    images = -(-pairs // captions)
    uids = pa.array([draw.bytes(16).hex() for _ in range(images)])
    owner = np.repeat(np.arange(images), captions)[:pairs]
    scores = {
        "uid": uids.take(pa.array(owner)),
        "caption_id": np.tile(np.arange(captions, dtype=np.int32), images)[:pairs],
        "score": draw.normal(0.2, 0.05, pairs),
    }
    pq.write_table(pa.table(scores, schema=schema(SCORES)), folder / "scores.parquet")
    scenes = pa.array([f"scene{number:02}" for number in range(SCENES)])
    side = np.full(images, 224, dtype=np.int32)
    samples = {
        "uid": uids,
        "split": pa.array(["pool"]).take(pa.array(np.zeros(images, dtype=np.int64))),
        "scene": scenes.take(pa.array(draw.integers(0, SCENES, images))),
        "source": pa.array([f"images/{number:08}.jpg" for number in range(images)]),
        "shard": (np.arange(images) // 10000).astype(np.int32),
        "width": side,
        "height": side,
    }
    pq.write_table(pa.table(samples, schema=schema(SAMPLES)), folder / "samples.parquet")


def main() -> None:
    """Make the tables, select, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=5_000_000)
    parser.add_argument("--captions", type=int, default=1, help="captions an image")
    parser.add_argument("--ratio", type=float, default=0.3)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        write_tables(folder, given.pairs, given.captions)
        for within in ("pool", "scene"):
            words = ["--scores", folder / "scores.parquet", "--pool", folder]
            words += ["--output", folder / "subset.parquet", f"--ratio={given.ratio}"]
            seconds, peak = run("select", *words, f"--within={within}")
            print(f"within {within}: {seconds:.1f} s, {peak:.0f} MB at the peak", flush=True)


if __name__ == "__main__":
    main()
