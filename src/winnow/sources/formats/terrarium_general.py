"""Terrarium's general world as a source: what general models are pretrained on."""

from collections.abc import Iterator
from itertools import chain
from typing import Literal

from pydantic import Field

from winnow.data.records import Record, Rejected
from winnow.sources.parallel import in_processes
from winnow.sources.source import AnySource

CHUNK = 64  # images a task
CAPTIONS = 2  # of an image


class GeneralSource(AnySource):
    """Things as a web crawl shows them, with captions and without truth: all of it reference."""

    kind: Literal["terrarium_general"] = "terrarium_general"
    images: int = Field(ge=1, le=10**8, description="images in the reference split")
    size: int = Field(default=64, ge=16, le=2048, description="width and height in pixels")
    seed: int = Field(default=0, ge=0, description="seed of the world")

    def records(self, workers: int) -> Iterator[Record | Rejected]:
        """Draw the images in order; with `workers` > 1 in that many processes."""
        chunks = [
            (self, start, min(start + CHUNK, self.images)) for start in range(0, self.images, CHUNK)
        ]
        yield from chain.from_iterable(in_processes(_draw, chunks, workers))


SOURCE = GeneralSource


def _draw(chunk: tuple[GeneralSource, int, int]) -> list[Record]:
    source, start, stop = chunk
    return [_record(source, number) for number in range(start, stop)]


def _record(source: GeneralSource, number: int) -> Record:
    from winnow.data.images import encode_png
    from winnow.terrarium.general import draw_general

    sample = draw_general(source.seed, number, source.size, captions=CAPTIONS)
    return Record(
        name=f"general/{source.seed}/{number}",
        image=encode_png(sample.image),
        split="reference",
        scene=None,
        captions=list(dict.fromkeys(sample.captions)),
    )
