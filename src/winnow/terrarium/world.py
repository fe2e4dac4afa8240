"""One sample of the world: image, mask and text from a single seed and an index."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from winnow.terrarium.captions import human_captions, rule_caption
from winnow.terrarium.layout import draw_layout
from winnow.terrarium.render import render
from winnow.terrarium.schema import Layout, Style


@dataclass(frozen=True)
class Sample:
    """A layout, its picture uint8 [size, size, 3], its mask uint8 [size, size], and its texts."""

    layout: Layout
    image: NDArray[np.uint8]
    mask: NDArray[np.uint8]
    captions: tuple[str, ...]
    rule: str


def sample_seeds(seed: int, index: int, count: int = 3) -> list[int]:
    """Independent seeds of one sample, so that any index can be made alone and in any order."""
    state = np.random.SeedSequence([seed, index]).generate_state(count, np.uint64)
    return [int(value) for value in state]


def draw_sample(seed: int, index: int, size: int = 64, style: Style | None = None) -> Sample:
    """Sample number `index` of the world with this seed."""
    for_layout, for_image, for_text = sample_seeds(seed, index)
    layout = draw_layout(for_layout, style)
    image, mask = render(layout, for_image, size)
    captions = tuple(human_captions(layout, for_text))
    return Sample(layout, image, mask, captions, rule_caption(layout))
