"""Six zero-shot sets that differ in style as real sets do: scale, palette, classes, season."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from winnow.terrarium.layout import draw_layout
from winnow.terrarium.render import render
from winnow.terrarium.schema import SCENES, Style

_URBAN = (
    "airport",
    "bridge",
    "dense residential",
    "harbor",
    "industrial area",
    "intersection",
    "parking lot",
    "sparse residential",
    "stadium",
    "storage tanks",
    "tennis court",
)
_RURAL = (
    "desert",
    "farmland",
    "forest",
    "golf course",
    "lake",
    "meadow",
    "mountain",
    "river",
    "sparse residential",
)
_WIDE = (
    "airport",
    "beach",
    "dense residential",
    "desert",
    "farmland",
    "forest",
    "harbor",
    "industrial area",
    "lake",
    "mountain",
    "river",
    "stadium",
)

ZEROSHOT: dict[str, Style] = {
    "terra-mixed": Style(scale=(0.8, 1.2)),
    "terra-coarse": Style(
        scenes=_WIDE, scale=(0.6, 0.75), blur=0.8, noise=2.0, cloud=(0.0, 0.2)
    ),
    "terra-urban": Style(
        scenes=_URBAN, scale=(1.05, 1.25), contrast=1.15, noise=5.0, seasons=("spring", "summer")
    ),
    "terra-winter": Style(
        scenes=tuple(scene for scene in SCENES if scene not in ("desert", "beach", "golf course")),
        seasons=("winter",), light=(0.92, 1.08), tint=(0.95, 0.99, 1.08), cloud=(0.0, 0.2),
    ),
    "terra-hazy": Style(cloud=(0.45, 0.8), contrast=0.85, blur=0.5, noise=4.0),
    "terra-rural": Style(
        scenes=_RURAL, scale=(0.85, 1.05), seasons=("summer", "autumn"), tint=(1.06, 1.0, 0.9)
    ),
}  # fmt: skip

# Each set words some of its classes in its own way, as real sets do.
_WORDING: dict[str, dict[str, str]] = {
    "terra-mixed": {"storage tanks": "storage tank", "stadium": "ground track field"},
    "terra-coarse": {"dense residential": "city", "industrial area": "industry", "lake": "water"},
    "terra-urban": {
        "intersection": "crossroads",
        "parking lot": "car park",
        "industrial area": "factories",
        "dense residential": "high density housing",
        "sparse residential": "low density housing",
    },
    "terra-winter": {"harbor": "port", "airport": "airfield", "meadow": "grassland"},
    "terra-hazy": {"meadow": "grass", "farmland": "agricultural land", "stadium": "sports field"},
    "terra-rural": {"farmland": "cropland", "meadow": "pasture", "sparse residential": "houses"},
}


def class_names(name: str) -> list[str]:
    """The class names of a zero-shot set, in the order of its labels."""
    wording = _WORDING[name]
    return [wording.get(scene, scene) for scene in ZEROSHOT[name].scenes]


def zeroshot_sample(
    name: str, index: int, seed: int, size: int = 64
) -> tuple[NDArray[np.uint8], int]:
    """Image uint8 [size, size, 3] and label number `index` of a set; labels take turns."""
    style = ZEROSHOT[name]
    label = index % len(style.scenes)
    place = list(ZEROSHOT).index(name)
    state = np.random.SeedSequence([seed, place, index]).generate_state(2, np.uint64)
    only = Style(**{**vars(style), "scenes": (style.scenes[label],)})
    layout = draw_layout(int(state[0]), only)
    return render(layout, int(state[1]), size)[0], label
