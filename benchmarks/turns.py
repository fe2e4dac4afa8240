"""Loops over one pool that take turns on each shard, so that a slow spell slows all of them.

- forward: the model on input made ready before;
- decode: JPEG to pixels of the model's size;
- plain: what one writes first;
- engine: `winnow.scoring`, from the shard on disk to the table of scores.

Decoding and forward pass share the cores: the limit is 1 / (1 / forward + 1 / decode).
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from winnow.data.shards import iter_shard, shard_path
from winnow.data.tables import SCORES, read_table
from winnow.scoring.engine import score_pool
from winnow.scoring.scorers import Scorer

RATES = ("forward", "decode", "plain", "engine")


class Loops:
    """The loops, over the rows (uid, caption_id, text, shard) and encoded images of one shard.

    Each returns its seconds. `plain` leaves its scores, batch by batch, in `expected`.
    """

    def __init__(self, folder: Path, pool: Path, scorer: Scorer, batch: int, workers: int):
        self.folder, self.pool, self.scorer = folder, pool, scorer
        self.batch, self.workers = batch, workers
        self.expected: list[torch.Tensor] = []  # the plain loop's scores of this shard
        self.difference = 0.0  # of the engine's scores from them, at most

    def forward(self, rows: pd.DataFrame, images: list[bytes]) -> float:
        """The model, on input that is ready."""
        raise NotImplementedError

    def decode(self, rows: pd.DataFrame, images: list[bytes]) -> float:
        """JPEG to pixels."""
        raise NotImplementedError

    def plain(self, rows: pd.DataFrame, images: list[bytes]) -> float:
        """What one writes first."""
        raise NotImplementedError

    def engine(self, rows: pd.DataFrame, images: list[bytes]) -> float:
        """The engine, from the shard on disk to the table of scores on disk."""
        output = self.folder / "scores.parquet"
        start = time.perf_counter()
        score_pool(
            self.scorer,
            self.pool,
            rows,
            output,
            key="",
            batch_size=self.batch,
            workers=self.workers,
        )
        seconds = time.perf_counter() - start
        scores = read_table(output, SCORES)["score"].to_numpy()
        difference = np.abs(scores - torch.cat(self.expected).numpy()).max()
        self.difference = max(self.difference, float(difference))
        return seconds

    def batches(
        self, rows: pd.DataFrame, images: list[bytes]
    ) -> Iterator[tuple[list[str], list[bytes]]]:
        """Texts and encoded images of each batch."""
        texts = rows["text"].tolist()
        for start in range(0, len(texts), self.batch):
            yield texts[start : start + self.batch], images[start : start + self.batch]


def options(description: str | None, images: int, size: int) -> argparse.ArgumentParser:
    """The command line that the benchmarks share; `images` and `size` are its defaults."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--images", type=int, default=images)
    parser.add_argument("--size", type=int, default=size, help="side of the JPEGs in pixels")
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--shard-size", type=int, default=500)
    parser.add_argument("--folder", type=Path, help="keep the pool there (default: a scratch one)")
    return parser


def run(loops: Loops, pairs: pd.DataFrame) -> dict[str, np.ndarray]:
    """Seconds of each loop for each shard."""
    seconds: dict[str, list[float]] = {name: [] for name in RATES}
    for shard in pairs["shard"].unique().tolist():
        rows = pairs[pairs["shard"] == shard]
        images = [content for _, content in iter_shard(shard_path(loops.pool, shard))]
        for name in RATES:
            seconds[name].append(getattr(loops, name)(rows, images))
        done = ", ".join(f"{name} {len(rows) / seconds[name][-1]:.1f}" for name in RATES)
        print(f"shard {shard}, pairs/s: {done}", flush=True)
    return {name: np.array(values) for name, values in seconds.items()}


def report(seconds: dict[str, np.ndarray], pairs: int, against: Sequence[str]) -> str:
    """Rates over all shards, and the ratio of the engine's to each that it is held `against`."""
    rates = {**seconds, "limit": seconds["forward"] + seconds["decode"]}
    lines = [f"{name:8} {pairs / rates[name].sum():9.1f} pairs/s" for name in rates]
    lines += [ratio(name, rates[name], seconds["engine"], "shards") for name in against]
    return "\n".join(lines)


def ratio(name: str, other: np.ndarray, engine: np.ndarray, turns: str, digits: int = 2) -> str:
    """The engine's rate by another's, from the seconds of both: in all, and its range by turn."""
    each = other / engine
    low, high = f"{each.min():.{digits}f}", f"{each.max():.{digits}f}"
    return f"engine / {name}: {other.sum() / engine.sum():.{digits}f} ({turns}: {low} to {high})"
