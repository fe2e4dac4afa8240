"""The score model's rate in the scoring engine against its bare forward pass.

Four loops take turns on each shard of one pool, so that a machine which slows down slows all four:

- forward: vision tower and decoder on tokens and pixels made ready before, in the precision that
  the engine chose;
- decode: JPEG to pixels of the model's size, in one thread;
- plain: what one writes first, the processor and transformers' own Qwen2VLModel, float32;
- engine: `winnow.scoring`, from the shard on disk to the table of scores.

Decoding and forward pass share the cores: the limit is 1 / (1 / forward + 1 / decode).
"""

from __future__ import annotations

import argparse
import io
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from PIL import Image
from pools import make_pool

from winnow.data.shards import iter_shard, shard_path
from winnow.data.tables import CAPTIONS, SCORES, read_table
from winnow.models import score
from winnow.models.score_network import Asked, pad
from winnow.scoring.engine import pool_pairs, score_pool
from winnow.scoring.score_model import ScoreModelScore
from winnow.scoring.scorers import Context

RATES = ("forward", "decode", "plain", "engine")


class Bench:
    """The loops, over the rows (uid, caption_id, text, shard) and encoded images of one shard."""

    def __init__(self, folder: Path, pool: Path, model: Path, batch: int):
        self.folder, self.pool, self.batch = folder, pool, batch
        ready = folder / "model"
        ready.mkdir()
        score.save(score.start_from(model, seed=0), ready)
        self.scorer = ScoreModelScore(Context(ready))
        self.model = self.scorer.model
        self.expected: list[torch.Tensor] = []  # the plain loop's scores of this shard
        self.difference = 0.0  # of the engine's scores from them, at most

    def forward(self, rows: pd.DataFrame, images: list[bytes]) -> float:
        """Features and values, of tokens and pixels that are ready."""
        seconds = 0.0
        for texts, part in self._batches(rows, images):
            pixels = np.stack([self.model.prepare(self._open(content)) for content in part])
            asked = [Asked(self.scorer.prompt, text, row) for row, text in enumerate(texts)]
            ids, lengths = pad(self.model.tokenise(asked))
            image = torch.arange(len(texts))
            start = time.perf_counter()
            with torch.inference_mode(), self.scorer.autocast():
                self.model(ids, lengths, image, self.model.features(pixels))
            seconds += time.perf_counter() - start
        return seconds

    def decode(self, rows: pd.DataFrame, images: list[bytes]) -> float:
        """JPEG to pixels."""
        start = time.perf_counter()
        for content in images:
            self.model.prepare(self._open(content))
        return time.perf_counter() - start

    def plain(self, rows: pd.DataFrame, images: list[bytes]) -> float:
        """Processor and model, batch by batch."""
        start = time.perf_counter()
        self.expected = [self._plain(texts, part) for texts, part in self._batches(rows, images)]
        return time.perf_counter() - start

    def engine(self, rows: pd.DataFrame, images: list[bytes]) -> float:
        """The engine, from the shard on disk to the table of scores on disk."""
        output = self.folder / "scores.parquet"
        start = time.perf_counter()
        score_pool(self.scorer, self.pool, rows, output, key="", batch_size=self.batch, workers=1)
        seconds = time.perf_counter() - start
        scores = read_table(output, SCORES)["score"].to_numpy()
        difference = np.abs(scores - torch.cat(self.expected).numpy()).max()
        self.difference = max(self.difference, float(difference))
        return seconds

    @torch.inference_mode()
    def _plain(self, texts: list[str], images: list[bytes]) -> torch.Tensor:
        conversations = []
        for text, content in zip(texts, images, strict=True):
            question = {"type": "text", "text": self.scorer.prompt}
            shown = [{"type": "image", "image": self._open(content)}, question]
            turns = [{"role": "user", "content": shown}, {"role": "assistant", "content": text}]
            conversations.append(turns)
        inputs = self.model.processor.apply_chat_template(
            conversations,
            tokenize=True,
            return_dict=True,
            return_tensors="pt",
            processor_kwargs={"padding": True, "padding_side": "left"},
        )
        hidden = self.model.backbone(**inputs).last_hidden_state
        return self.model.head(hidden[:, -1]).squeeze(1)

    def _batches(
        self, rows: pd.DataFrame, images: list[bytes]
    ) -> Iterator[tuple[list[str], list[bytes]]]:
        texts = rows["text"].tolist()
        for start in range(0, len(texts), self.batch):
            yield texts[start : start + self.batch], images[start : start + self.batch]

    def _open(self, content: bytes) -> Image.Image:
        return Image.open(io.BytesIO(content)).convert("RGB")


def main() -> None:
    """Make the pool, run the loops, print rates and ratios."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--images", type=int, default=2000)
    parser.add_argument("--size", type=int, default=64, help="side of the JPEGs in pixels")
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--shard-size", type=int, default=500)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--model", type=Path, default=Path("released/standins/mllm"))
    parser.add_argument("--folder", type=Path, help="keep the pool there (default: a scratch one)")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    with tempfile.TemporaryDirectory() as scratch:
        pool = make_pool(given.folder or Path(scratch), given.images, given.size, given.shard_size)
        captions = read_table(pool.parent / "human.parquet", CAPTIONS)
        bench = Bench(Path(scratch), pool, given.model, given.batch)
        pairs = pool_pairs(pool, captions)
        seconds = run(bench, pool, pairs)
    print(report(seconds, len(pairs)), f"in {bench.scorer.precision}")
    print(f"scores differ from the plain ones by {bench.difference:.4f} at most")


def run(bench: Bench, pool: Path, pairs: pd.DataFrame) -> dict[str, np.ndarray]:
    """Seconds of each loop for each shard."""
    seconds: dict[str, list[float]] = {name: [] for name in RATES}
    for shard in pairs["shard"].unique().tolist():
        rows = pairs[pairs["shard"] == shard]
        images = [content for _, content in iter_shard(shard_path(pool, shard))]
        for name in RATES:
            seconds[name].append(getattr(bench, name)(rows, images))
        done = ", ".join(f"{name} {len(rows) / seconds[name][-1]:.1f}" for name in RATES)
        print(f"shard {shard}, pairs/s: {done}", flush=True)
    return {name: np.array(values) for name, values in seconds.items()}


def report(seconds: dict[str, np.ndarray], count: int) -> str:
    """Rates and ratios over all shards, and the range of each ratio over the shards."""
    engine = seconds["engine"]
    limit = seconds["forward"] + seconds["decode"]
    lines = [f"{name:8} {count / seconds[name].sum():9.1f} pairs/s" for name in RATES]
    for name, other in {**seconds, "limit": limit}.items():
        if name in ("decode", "engine"):
            continue
        each = other / engine
        lines.append(
            f"engine / {name}: {other.sum() / engine.sum():.2f} "
            f"(shards: {each.min():.2f} to {each.max():.2f})"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
