"""Terrarium as a source: drawn in parallel processes, the same images whatever their number."""

import json
from collections.abc import Iterator
from itertools import chain
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from winnow.data.files import digest_bytes
from winnow.data.records import Record, Rejected
from winnow.sources.parallel import in_processes
from winnow.sources.source import AnySource

CHUNK = 64  # images a task
# Each split has its own range of indices: no image shared, and a larger pool keeps
# its test set.
FIRST_INDEX = {"pool": 0, "reference": 10**9, "test": 2 * 10**9}


class TerrariumSource(AnySource):
    """The embedded miniature Earth: nothing to download, and the truth is known."""

    knows_truth: ClassVar[bool] = True
    kind: Literal["terrarium"] = "terrarium"
    pool: int = Field(ge=1, le=10**8, description="images in the split that is curated")
    reference: int = Field(ge=0, le=10**8, description="images in the reference split")
    test: int = Field(ge=0, le=10**8, description="images in the test split")
    size: int = Field(default=64, ge=16, le=2048, description="width and height in pixels")
    seed: int = Field(default=0, ge=0, description="seed of the world")

    def records(self, workers: int) -> Iterator[Record | Rejected]:
        """Draw the three splits; with `workers` > 1 in that many processes.

        The images of a split come in random order, so that their places do not tell their numbers,
        from which the truth can be drawn.
        """
        counts = {"pool": self.pool, "reference": self.reference, "test": self.test}
        chunks = [
            (self, split, numbers[start : start + CHUNK].tolist())
            for split, count in counts.items()
            for numbers in [_shuffled(self.seed, split, count)]
            for start in range(0, count, CHUNK)
        ]
        yield from chain.from_iterable(in_processes(_draw, chunks, workers))


SOURCE = TerrariumSource
Chunk = tuple[TerrariumSource, str, list[int]]


def _shuffled(seed: int, split: str, count: int) -> np.ndarray:
    return np.random.default_rng([seed, FIRST_INDEX[split]]).permutation(count)


def _draw(chunk: Chunk) -> list[Record]:
    source, split, numbers = chunk
    return [_record(source, split, number) for number in numbers]


def _record(source: TerrariumSource, split: str, number: int) -> Record:
    from winnow.data.images import encode_png
    from winnow.terrarium.world import draw_sample

    sample = draw_sample(source.seed, FIRST_INDEX[split] + number, source.size)
    image = encode_png(sample.image)
    return Record(
        name=f"terrarium/{split}/{digest_bytes(image)}",
        image=image,
        split=split,
        scene=sample.layout.scene,
        captions=list(sample.captions),
        layout=json.dumps(sample.layout.to_dict(), sort_keys=True, separators=(",", ":")),
        rule_caption=sample.rule,
        mask=encode_png(sample.mask),
        origin=f"terrarium/{source.seed}/{split}/{number}",
    )
