"""Six zero-shot sets that differ in style as real sets do: `zeroshot.yaml`."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

from winnow.data.yaml_file import own_tables
from winnow.terrarium.layout import draw_layout
from winnow.terrarium.render import render
from winnow.terrarium.schema import Style


class Set(BaseModel):
    """The style of a set, and how it words some of its classes."""

    style: Style
    wording: dict[str, str]


_SETS = own_tables(__file__, dict[str, Set])
ZEROSHOT = {name: own.style for name, own in _SETS.items()}


def class_names(name: str) -> list[str]:
    """The class names of a zero-shot set, in the order of its labels."""
    return [_SETS[name].wording.get(scene, scene) for scene in ZEROSHOT[name].scenes]


def zeroshot_sample(
    name: str, index: int, seed: int, size: int = 64
) -> tuple[NDArray[np.uint8], int]:
    """Image uint8 [size, size, 3] and label number `index` of a set; labels take turns."""
    style = ZEROSHOT[name]
    label = index % len(style.scenes)
    place = list(ZEROSHOT).index(name)
    state = np.random.SeedSequence([seed, place, index]).generate_state(2, np.uint64)
    layout = draw_layout(int(state[0]), replace(style, scenes=(style.scenes[label],)))
    return render(layout, int(state[1]), size)[0], label
