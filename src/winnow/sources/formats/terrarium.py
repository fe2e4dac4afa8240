"""Terrarium as a source: drawn in parallel processes, the same images whatever their number."""

import json
import multiprocessing
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import chain
from typing import ClassVar, Literal

from pydantic import Field

from winnow.data.records import Record, Rejected
from winnow.sources.parallel import ordered
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
        """Draw the three splits, in order; with `workers` > 1 in that many processes."""
        counts = {"pool": self.pool, "reference": self.reference, "test": self.test}
        chunks = [
            (self, split, start, min(start + CHUNK, count))
            for split, count in counts.items()
            for start in range(0, count, CHUNK)
        ]
        if workers <= 1:
            yield from chain.from_iterable(map(_draw, chunks))
            return
        try:
            executor = ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn"))
        except OSError as error:  # no semaphores
            told = f"no shared memory (/dev/shm: {error.strerror}): drawing in this process alone"
            print(told, file=sys.stderr)
            yield from chain.from_iterable(map(_draw, chunks))
            return
        with executor:
            yield from chain.from_iterable(ordered(executor, _draw, chunks, 2 * workers))


SOURCE = TerrariumSource
Chunk = tuple[TerrariumSource, str, int, int]


def _draw(chunk: Chunk) -> list[Record]:
    source, split, start, stop = chunk
    return [_record(source, split, number) for number in range(start, stop)]


def _record(source: TerrariumSource, split: str, number: int) -> Record:
    from winnow.data.images import encode_png
    from winnow.terrarium.world import draw_sample

    sample = draw_sample(source.seed, FIRST_INDEX[split] + number, source.size)
    return Record(
        name=f"terrarium/{source.seed}/{split}/{number}",
        image=encode_png(sample.image),
        split=split,
        scene=sample.layout.scene,
        captions=list(sample.captions),
        layout=json.dumps(sample.layout.to_dict(), sort_keys=True, separators=(",", ":")),
        rule_caption=sample.rule,
        mask=encode_png(sample.mask),
    )
