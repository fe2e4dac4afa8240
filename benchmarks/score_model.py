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

import io
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from PIL import Image
from pools import make_pool
from turns import Loops, options, report, run

from winnow.data.tables import CAPTIONS, read_table
from winnow.models import score
from winnow.models.score_network import Asked, pad
from winnow.scoring.engine import pool_pairs
from winnow.scoring.scorers import Context
from winnow.scoring.scorers.score_model import ScoreModelScore


class Bench(Loops):
    """The loops of one model."""

    scorer: ScoreModelScore

    def __init__(self, folder: Path, pool: Path, model: Path, batch: int):
        ready = folder / "model"
        ready.mkdir()
        score.save(score.start_from(model, seed=0), ready)
        super().__init__(folder, pool, ScoreModelScore(Context(ready)), batch, workers=1)
        self.model = self.scorer.model

    def forward(self, rows: pd.DataFrame, images: list[bytes]) -> float:
        """Features and values, of tokens and pixels that are ready."""
        seconds = 0.0
        for texts, part in self.batches(rows, images):
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
        self.expected = [self._plain(texts, part) for texts, part in self.batches(rows, images)]
        return time.perf_counter() - start

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

    def _open(self, content: bytes) -> Image.Image:
        return Image.open(io.BytesIO(content)).convert("RGB")


def main() -> None:
    """Make the pool, run the loops, print rates and ratios."""
    parser = options(__doc__, images=2000, size=64)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--model", type=Path, default=Path("released/standins/mllm"))
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    with tempfile.TemporaryDirectory() as scratch:
        pool = make_pool(given.folder or Path(scratch), given.images, given.size, given.shard_size)
        captions = read_table(pool.parent / "human.parquet", CAPTIONS)
        bench = Bench(Path(scratch), pool, given.model, given.batch)
        pairs = pool_pairs(pool, captions)
        seconds = run(bench, pairs)
    text = report(seconds, len(pairs), against=("forward", "plain", "limit"))
    print(text, f"in {bench.scorer.precision}")
    print(f"scores differ from the plain ones by {bench.difference:.4f} at most")


if __name__ == "__main__":
    main()
