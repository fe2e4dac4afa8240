"""The general world: the same kinds of things as the domain's, as a web crawl shows them.

Close-ups, scenes with a horizon, and a few pictures from above, in the palettes and with the
sensors of the web; captions name things, colours and counts, and scenes rarely. Everything comes
from one seed and an index, as in `world`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from winnow.terrarium import general_closeups, general_scenes
from winnow.terrarium.choices import Choices
from winnow.terrarium.general_camera import LOOKS, expose
from winnow.terrarium.general_captions import caption
from winnow.terrarium.general_overhead import draw_overhead
from winnow.terrarium.general_picture import COLOURS, Picture
from winnow.terrarium.render import OVERSAMPLE
from winnow.terrarium.schema import SCENES, Layout, Thing


@dataclass(frozen=True)
class Crawl:
    """What the general world's pictures and captions are like; shares are of 0..1.

    The defaults are first guesses, to be set by the controls `pretrained` and human captions alone.
    """

    overhead: float = 0.2  # pictures that look down
    scenes: float = 0.35  # pictures of a scene with a horizon; all others are close-ups
    scene_named: float = 0.15  # captions that name the scene, of all captions
    class_name: float = 0.5  # of those, captions that use a word of zero-shot classes
    clutter: float = 0.06  # captions that say nothing of the picture
    backdrop: float = 0.25  # captions of land, water and sky rather than things, of scenes
    altered: float = 0.4  # pictures with another palette than a plain photo's
    zoom: tuple[float, float] = (1.0, 2.0)  # magnification of pictures that look down
    tilt: float = 0.5  # of those, pictures that look ahead rather than straight down
    companion: float = 0.35  # close-ups of one or two things with one of another kind
    most: int = 6  # things in a close-up
    overlay: float = 0.12  # pictures with a frame, a bar or a watermark


@dataclass(frozen=True)
class View:
    """The truth of a general picture.

    `kind` is "closeup", "scene" or "overhead"; `scene` is empty for close-ups. `backdrop` maps what
    shows and is not counted to its colour ("" if it has none worth a word); `below` names those
    that the things stand on. `overlay` is what a web site laid over the picture.
    """

    kind: str
    scene: str
    things: tuple[Thing, ...]
    backdrop: dict[str, str]
    below: tuple[str, ...]
    sky: str
    look: str
    overlay: str


@dataclass(frozen=True)
class GeneralSample:
    """A picture uint8 [size, size, 3], its captions, and its truth."""

    image: NDArray[np.uint8]
    captions: tuple[str, ...]
    view: View


def draw_general(
    seed: int, index: int, size: int = 64, crawl: Crawl | None = None, captions: int = 2
) -> GeneralSample:
    """Sample number `index` of the general world with this seed; its captions may be equal."""
    crawl = crawl or Crawl()
    state = np.random.SeedSequence([seed, index, _WORLD]).generate_state(4, np.uint64)
    rng = np.random.Generator(np.random.PCG64(int(state[0])))
    choices = Choices(rng)
    kind = _kind(choices, crawl)
    look = choices.pick(tuple(LOOKS)[1:]) if choices.chance(crawl.altered) else "plain"
    if kind == "overhead":
        picture, view = _overhead(choices, crawl, look, (int(state[1]), int(state[2])), size)
    else:
        picture, view = _painted(rng, crawl, kind, look, size)
    image, overlay = expose(choices, picture, look, size, crawl.overlay)
    view = View(**{**vars(view), "overlay": overlay})
    writer = Choices(np.random.Generator(np.random.PCG64(int(state[3]))))
    texts = tuple(_caption(view, writer, crawl) for _ in range(captions))
    return GeneralSample(image, texts, view)


_WORLD = 1
"""Keeps the seeds of this world apart from those of `world`."""

_SKIES = ("clear", "clear", "clear", "cloudy", "cloudy", "gray", "sunset", "night")
_INDOORS = frozenset({"wall", "floor", "table"})


def _kind(choices: Choices, crawl: Crawl) -> str:
    draw = choices.between(0, 1)
    if draw < crawl.overhead:
        return "overhead"
    return "scene" if draw < crawl.overhead + crawl.scenes else "closeup"


def _painted(
    rng: np.random.Generator, crawl: Crawl, kind: str, look: str, size: int
) -> tuple[Image.Image, View]:
    """A close-up or a scene with a horizon."""
    picture = Picture(rng, size * OVERSAMPLE, Choices(rng).pick(_SKIES))
    scene = ""
    if kind == "scene":
        scene = picture.pick(SCENES)
        general_scenes.compose(picture, scene)
    else:
        thing = picture.pick(tuple(COLOURS))
        general_closeups.compose(picture, thing, crawl.most, crawl.companion)
    seen = dict(picture.seen)
    below = tuple(name for name in seen if name != "sky" or len(seen) == 1)
    sky = picture.sky_kind if not _INDOORS & seen.keys() else "clear"
    view = View(kind, scene, tuple(picture.things), seen, below, sky, look, "")
    return picture.image.reduce(OVERSAMPLE), view


def _overhead(
    choices: Choices, crawl: Crawl, look: str, seeds: tuple[int, int], size: int
) -> tuple[Image.Image, View]:
    """One of the domain's scenes from a drone."""
    scene = choices.pick(SCENES)
    image, things, layout = draw_overhead(choices, scene, crawl.zoom, crawl.tilt, seeds, size)
    return image, View("overhead", scene, things, _ground(layout), (), "clear", look, "")


_GROUNDS = {
    "grass": "grass", "forest": "trees", "water": "water", "sand": "sand", "dunes": "dunes",
    "soil": "soil", "rock": "rock", "concrete": "concrete", "asphalt": "asphalt",
}  # fmt: skip


def _ground(layout: Layout) -> dict[str, str]:
    """What covers most of the picture, whatever part of the layout it shows."""
    ground = _GROUNDS.get(layout.ground)
    return {ground: ""} if ground else {}


def _caption(view: View, choices: Choices, crawl: Crawl) -> str:
    """One caption; scenes are named so often that the share of all captions is as asked for."""
    with_scene = crawl.overhead + crawl.scenes
    draw = choices.between(0, 1)
    if draw < crawl.clutter or not (view.things or view.backdrop):
        kind = "clutter"
    elif view.scene and draw < crawl.clutter + crawl.scene_named / with_scene:
        kind = "scenes"
    elif not view.things or (view.scene and choices.chance(crawl.backdrop)):
        kind = "backdrops" if set(view.backdrop) - {"sky"} else "things"
    else:
        kind = "things"
    return caption(view, choices, kind, crawl.class_name)
