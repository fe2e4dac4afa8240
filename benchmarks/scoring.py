"""The scoring engine against what its parts allow, and against a plain open_clip loop.

Four loops take turns on each shard of one pool, so that a machine which slows down slows all four:

- forward: both towers on tensors made ready before, in the fastest way of several tried first;
- decode: JPEG to pixels of the model's size, on all cores;
- plain: what one writes first with open_clip, its transform in the main process, float32;
- engine: `winnow.scoring`, from the shard on disk to the table of scores.

Decoding and forward pass share the cores: the limit is 1 / (1 / forward + 1 / decode).
"""

from __future__ import annotations

import io
import os
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import open_clip
import pandas as pd
import torch
from open_clip.transform import PreprocessCfg
from PIL import Image
from pools import make_pool
from torch.nn import functional
from turns import Loops, options, report, run

from winnow.data.tables import CAPTIONS, read_table
from winnow.models import clip
from winnow.scoring.engine import pool_pairs
from winnow.scoring.scorers import Context
from winnow.scoring.scorers.clip import ClipScore

CORES = os.cpu_count() or 1


@dataclass(frozen=True)
class Way:
    """One way to run the towers: the model, the context around it, the type of its pixels."""

    model: Any
    context: Callable[[], AbstractContextManager[Any]] = nullcontext
    pixels: torch.dtype = torch.float32

    def __call__(self, pixels: torch.Tensor, tokens: torch.Tensor) -> torch.Tensor:
        """Cosine of each pair."""
        with torch.inference_mode(), self.context():
            images = self.model.encode_image(pixels).float()
            texts = self.model.encode_text(tokens).float()
        return functional.cosine_similarity(images, texts)


class Bench(Loops):
    """The loops of one model."""

    scorer: ClipScore

    def __init__(self, folder: Path, pool: Path, architecture: str, batch: int):
        torch.manual_seed(0)
        self.model, _, self.transform = open_clip.create_model_and_transforms(architecture)
        self.model.eval()
        self.tokenizer = open_clip.get_tokenizer(architecture)
        preprocess = PreprocessCfg(**open_clip.get_model_preprocess_cfg(self.model))
        config = open_clip.get_model_config(architecture)
        standard = clip.Clip(self.model, self.tokenizer, preprocess, config, torch.device("cpu"))
        self.size = standard.size
        clip.save(standard, folder / "model")
        super().__init__(folder, pool, ClipScore(Context(folder / "model")), batch, CORES)
        self.way: Way | None = None  # chosen on the first shard

    def choose_way(self, rows: pd.DataFrame, images: list[bytes]) -> Way:
        """Try ways to run the towers on one batch, in turn, for the fastest."""
        ways = {
            "float32": Way(self.model),
            "autocast": Way(self.model, partial(torch.autocast, "cpu", torch.bfloat16)),
            "bfloat16 weights": Way(deepcopy(self.model).bfloat16(), pixels=torch.bfloat16),
            "as the engine does": Way(self.scorer.clip.model, self.scorer.autocast),
        }
        texts, part = next(self.batches(rows, images))
        pixels, tokens = self._ready(texts, part)
        seconds: dict[str, float] = {}
        for name in [*ways] * 3:
            start = time.perf_counter()
            ways[name](pixels.to(ways[name].pixels), tokens)
            seconds[name] = min(seconds.get(name, np.inf), time.perf_counter() - start)
        for name, best in seconds.items():
            print(f"forward, {name}: {len(part) / best:.1f} pairs/s")
        return ways[min(seconds, key=seconds.__getitem__)]

    def forward(self, rows: pd.DataFrame, images: list[bytes]) -> float:
        """Both towers, on tensors that are ready."""
        if self.way is None:
            self.way = self.choose_way(rows, images)
        seconds = 0.0
        for texts, part in self.batches(rows, images):
            pixels, tokens = self._ready(texts, part)
            pixels = pixels.to(self.way.pixels)
            start = time.perf_counter()
            self.way(pixels, tokens)
            seconds += time.perf_counter() - start
        return seconds

    def decode(self, rows: pd.DataFrame, images: list[bytes]) -> float:
        """JPEG to resized pixels, each core its share."""
        start = time.perf_counter()
        with ThreadPoolExecutor(CORES) as threads:
            shares = [threads.submit(self._decode, images[core::CORES]) for core in range(CORES)]
            for share in shares:
                share.result()
        return time.perf_counter() - start

    def plain(self, rows: pd.DataFrame, images: list[bytes]) -> float:
        """Transform, tokenise and forward, batch by batch."""
        way = Way(self.model)
        start = time.perf_counter()
        self.expected = [
            way(*self._ready(texts, part)) for texts, part in self.batches(rows, images)
        ]
        return time.perf_counter() - start

    def _ready(self, texts: list[str], images: list[bytes]) -> tuple[torch.Tensor, torch.Tensor]:
        opened = [self.transform(Image.open(io.BytesIO(content))) for content in images]
        return torch.stack(opened), self.tokenizer(texts)

    def _decode(self, images: list[bytes]) -> None:
        for content in images:
            image = Image.open(io.BytesIO(content)).convert("RGB")
            if image.size != (self.size, self.size):
                image = image.resize((self.size, self.size), Image.Resampling.BICUBIC)
            np.asarray(image)


def main() -> None:
    """Make the pool, run the loops, print rates and ratios."""
    parser = options(__doc__, images=4000, size=224)
    parser.add_argument("--architecture", default="ViT-B-32")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = given.folder or Path(scratch)
        pool = make_pool(folder, given.images, given.size, given.shard_size)
        pairs = pool_pairs(pool, read_table(folder / "human.parquet", CAPTIONS))
        bench = Bench(folder, pool, given.architecture, given.batch)
        seconds = run(bench, pairs)
    print(report(seconds, len(pairs), against=("limit", "plain")))
    print(f"scores differ from float32 by {bench.difference:.4f} at most")


if __name__ == "__main__":
    main()
