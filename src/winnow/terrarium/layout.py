"""Draws the truth of an image: one scene, composed, turned at random, and frozen."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from winnow.terrarium import scenes_built, scenes_land
from winnow.terrarium.layout_builder import LayoutBuilder
from winnow.terrarium.schema import Box, Feature, Layout, Point, Style, Thing

# Metres per pixel at scale 1: wide landscapes are seen from further away than parked cars.
_GSD = {"desert": 8.0, "mountain": 10.0, "forest": 2.0, "farmland": 4.0, "lake": 4.0, "river": 2.5}


def draw_layout(seed: int, style: Style | None = None) -> Layout:
    """The layout of one image; the same seed and style give the same layout everywhere."""
    style = style or Style()
    rng = np.random.Generator(np.random.PCG64(seed))
    builder = LayoutBuilder(rng, style)
    scene = builder.pick(style.scenes)
    composer = scene.replace(" ", "_")
    getattr(scenes_built if hasattr(scenes_built, composer) else scenes_land, composer)(builder)
    turn = builder.count(0, 3), builder.chance(0.5)
    return Layout(
        scene=scene,
        ground=builder.ground,
        ground_colour=builder.ground_colour,
        features=tuple(_turn_feature(feature, *turn) for feature in builder.features),
        things=tuple(_turn_thing(thing, *turn) for thing in builder.things),
        relations=tuple(builder.relations),
        gsd=round(_GSD.get(scene, 0.8) / builder.scale * builder.between(0.9, 1.1), 2),
        season=builder.season,
        cloud=round(builder.between(*style.cloud), 3),
        sun=round(builder.between(0, math.tau), 3),
        light=round(builder.between(*style.light), 3),
        tint=style.tint,
        contrast=style.contrast,
        blur=style.blur,
        noise=style.noise,
    )


def _turn_point(point: Point, quarters: int, flip: bool) -> Point:
    """Turn by quarters about the middle, after an optional left-right flip.

    Rounded to 1e-4 of the side, so that the last bits of a platform's sine cannot matter.
    """
    x, y = (1 - point[0], point[1]) if flip else point
    for _ in range(quarters):
        x, y = 1 - y, x
    return round(x, 4), round(y, 4)


def _turn_angle(angle: float, quarters: int, flip: bool) -> float:
    turned = (math.pi - angle if flip else angle) + quarters * math.pi / 2
    return round(turned % math.tau, 4)


def _turn_feature(feature: Feature, quarters: int, flip: bool) -> Feature:
    return replace(
        feature,
        points=tuple(_turn_point(point, quarters, flip) for point in feature.points),
        width=round(feature.width, 4),
        angle=_turn_angle(feature.angle, quarters, flip),
    )


def _turn_thing(thing: Thing, quarters: int, flip: bool) -> Thing:
    a = _turn_point(thing.box[:2], quarters, flip)
    b = _turn_point(thing.box[2:], quarters, flip)
    box: Box = (min(a[0], b[0]), min(a[1], b[1]), max(a[0], b[0]), max(a[1], b[1]))
    length, width = round(thing.length, 4), round(thing.width, 4)
    angle = _turn_angle(thing.angle, quarters, flip)
    return replace(thing, box=box, angle=angle, length=length, width=width)
