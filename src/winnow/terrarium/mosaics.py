"""Large images put together from tiles, to test whether text finds its place in them."""

from __future__ import annotations

from typing import Any

import numpy as np

from winnow.terrarium.captions import human_captions
from winnow.terrarium.schema import Style
from winnow.terrarium.words import SCENES
from winnow.terrarium.world import draw_sample, sample_seeds

_ALIKE = (
    frozenset({"river", "bridge"}),
    frozenset({"forest", "meadow"}),
    frozenset({"lake", "golf course"}),
)


def mosaic(seed: int, grid: int = 4, size: int = 64) -> dict[str, Any]:
    """A mosaic of grid x grid tiles of `size` pixels.

    Returns `image` uint8 [grid*size, grid*size, 3] and `captions`: dicts with `text` and `box`
    (x0, y0, x1, y1 in pixels), one for every tile whose scene occurs once and is not easily taken
    for another one there.
    """
    rng = np.random.Generator(np.random.PCG64(seed))
    scenes = [SCENES[int(i)] for i in _draw_scenes(rng, grid * grid)]
    image = np.zeros((grid * size, grid * size, 3), dtype=np.uint8)
    captions = []
    for k, scene in enumerate(scenes):
        sample = draw_sample(seed, k, size, Style(scenes=(scene,)))
        x, y = k % grid * size, k // grid * size
        image[y : y + size, x : x + size] = sample.image
        if _distinctive(k, scenes):
            text = human_captions(sample.layout, sample_seeds(seed, k, 4)[3], 1)[0]
            captions.append({"text": text, "box": (x, y, x + size, y + size)})
    return {"image": image, "captions": captions}


def _draw_scenes(rng: np.random.Generator, count: int) -> list[int]:
    """Scene indices, as few repeats as possible but a few by chance."""
    order = [int(i) for i in rng.permutation(len(SCENES))]
    drawn = [order[k % len(order)] for k in range(count)]
    for k in range(count):
        if rng.random() < 0.15:
            drawn[k] = drawn[int(rng.integers(0, count))]
    return drawn


def _distinctive(k: int, scenes: list[str]) -> bool:
    others = scenes[:k] + scenes[k + 1 :]
    rivals = {scenes[k]}.union(*(pair for pair in _ALIKE if scenes[k] in pair))
    return not rivals & set(others)
