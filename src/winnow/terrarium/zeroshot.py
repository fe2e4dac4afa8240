"""Images of a zero-shot set in one style."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from winnow.terrarium.layout import draw_layout
from winnow.terrarium.render import render
from winnow.terrarium.schema import Style


def zeroshot_sample(
    style: Style, number: int, index: int, seed: int, size: int = 64
) -> tuple[NDArray[np.uint8], int]:
    """Image uint8 [size, size, 3] and label number `index` of the set `number`. Labels are those of
    the style's scenes, and take turns."""
    label = index % len(style.scenes)
    state = np.random.SeedSequence([seed, number, index]).generate_state(2, np.uint64)
    layout = draw_layout(int(state[0]), replace(style, scenes=(style.scenes[label],)))
    return render(layout, int(state[1]), size)[0], label
