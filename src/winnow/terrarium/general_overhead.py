"""The few pictures of the web that look down: drones, windows of planes, maps and posters.

They show the domain's own scenes, but nearer, turned at any angle and often tilted.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from winnow.terrarium.choices import Choices
from winnow.terrarium.layout import draw_layout
from winnow.terrarium.render import render
from winnow.terrarium.schema import Layout, Style, Thing

Matrix = NDArray[np.float64]


def draw_overhead(
    choices: Choices, scene: str, zoom: Sequence[float], tilt: float, seeds: Sequence[int],
    size: int,
) -> tuple[Image.Image, tuple[Thing, ...], Layout]:  # fmt: skip
    """A picture [size, size], the things that show in it, and the layout it was taken of.

    `zoom` bounds the magnification; `tilt` is the chance of looking ahead rather than down.
    """
    style = Style(
        scenes=(scene,), scale=(0.8, 1.4), cloud=(0.0, 0.1), noise=0.0,
        light=(0.9, 1.15), contrast=choices.between(0.9, 1.35),
        tint=(choices.between(0.85, 1.15), 1.0, choices.between(0.8, 1.15)),
    )  # fmt: skip
    layout = draw_layout(seeds[0], style)
    pixels, _ = render(layout, seeds[1], size)
    view = _view(choices, choices.between(*zoom), choices.chance(tilt))
    image = Image.fromarray(pixels).transform(
        (size, size), Image.Transform.PERSPECTIVE, _coefficients(view, size),
        Image.Resampling.BILINEAR,
    )  # fmt: skip
    return image, _visible(layout.things, np.linalg.inv(view).astype(np.float64)), layout


def _view(choices: Choices, zoom: float, tilted: bool) -> Matrix:
    """Takes points of the picture (0..1) to points of the scene; the frame stays inside it."""
    reach = 1 / zoom
    # A square turned by 45 degrees needs sqrt(2) of room.
    angle = choices.between(0, math.tau)
    c, s = math.cos(angle), math.sin(angle)
    half = reach / 2
    if (abs(c) + abs(s)) * half > 0.5:
        angle = choices.count(0, 3) * math.pi / 2
        c, s = round(math.cos(angle)), round(math.sin(angle))
    room = 0.5 - (abs(c) + abs(s)) * half
    x, y = 0.5 + choices.between(-room, room), 0.5 + choices.between(-room, room)
    turn = np.array([[reach * c, -reach * s, x], [reach * s, reach * c, y], [0, 0, 1]])
    middle = np.array([[1, 0, -0.5], [0, 1, -0.5], [0, 0, 1]])
    if not tilted:
        return np.asarray(turn @ middle)
    # Ahead is far away: the lower edge of the picture shows less of the scene than the upper one.
    lean = choices.between(0.2, 0.45)
    ahead = np.array([[1 - lean, 0, 0], [0, 1 - lean, 0], [0, lean, 1]])
    return np.asarray(turn @ ahead @ middle)


def _coefficients(view: Matrix, size: int) -> list[float]:
    """Pillow's eight numbers of a perspective, in pixels."""
    scale = np.diag([size, size, 1.0])
    m = scale @ view @ np.diag([1 / size, 1 / size, 1.0])
    return [float(v) for v in (m / m[2, 2]).ravel()[:8]]


def _visible(things: Sequence[Thing], back: Matrix) -> tuple[Thing, ...]:
    """The things whose middle shows, with their boxes in the picture."""
    found = []
    for thing in things:
        x0, y0, x1, y1 = thing.box
        corners = np.array([[x0, x1, x1, x0, (x0 + x1) / 2], [y0, y0, y1, y1, (y0 + y1) / 2],
                            [1] * 5])  # fmt: skip
        u, v, w = back @ corners
        u, v = u / w, v / w
        if 0.02 < u[4] < 0.98 and 0.02 < v[4] < 0.98:
            box = [round(float(np.clip(k, 0, 1)), 4) for k in (u.min(), v.min(), u.max(), v.max())]
            found.append(
                Thing(thing.kind, thing.colour, thing.size, (box[0], box[1], box[2], box[3]))
            )
    return tuple(found)
