"""What a piece of the world is made of: plain frozen records, and the words that name them.

Coordinates are fractions of the image side, x to the right and y down, so a layout does not know
how many pixels it will be drawn with. Angles are radians, clockwise on screen.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

from pydantic import BaseModel

from winnow.data.errors import WinnowError
from winnow.data.yaml_file import own_tables
from winnow.terrarium.words import SCENES

Point = tuple[float, float]
Box = tuple[float, float, float, float]


class Kind(NamedTuple):
    """A kind of thing: its land-cover class and sizes, in fractions of the image side."""

    cover: str
    length: float
    width: float
    height: float


class Tables(BaseModel):
    """The tables of `schema.yaml`, which explains them."""

    classes: dict[str, list[str]]
    kinds: dict[str, Kind]


_TABLES = own_tables(__file__, Tables)
CLASSES = tuple(_TABLES.classes)
SEASONS = ("spring", "summer", "autumn", "winter")
SURFACE_CLASS = {surface: name for name, own in _TABLES.classes.items() for surface in own}
KINDS = _TABLES.kinds
VEHICLES = frozenset(name for name, kind in KINDS.items() if kind.cover == "vehicle")
BUILDINGS = frozenset(name for name, kind in KINDS.items() if kind.cover == "building")

COUNTED_LAND = ("runway", "pier", "field")
"""Features that people count as they count things."""


@dataclass(frozen=True)
class Thing:
    """One countable object. `box` bounds the turned rectangle of `length` x `width`."""

    kind: str
    colour: str
    size: str
    box: Box
    angle: float = 0.0
    length: float = 0.0
    width: float = 0.0

    @property
    def centre(self) -> Point:
        """Middle of the box."""
        return (self.box[0] + self.box[2]) / 2, (self.box[1] + self.box[3]) / 2


@dataclass(frozen=True)
class Feature:
    """One stretch of land cover, painted over what came before it.

    `shape` is "area" (polygon), "line" (polyline of `width`), or "dots" (crowns of diameter
    `width`). `trait` is a visible adjective such as "curved"; `colour` is empty where the surface
    has its usual one; `angle` turns a directional texture, such as the rows of a crop.
    """

    name: str
    shape: str
    surface: str
    points: tuple[Point, ...]
    width: float = 0.0
    colour: str = ""
    trait: str = ""
    angle: float = 0.0


@dataclass(frozen=True)
class Style:
    """What a set of images has in common: its classes, scale, palette, seasons and sensor.

    `scale` multiplies the size of things; `blur` is a radius and `noise` a standard deviation, in
    pixels and grey levels of the finished image.
    """

    __pydantic_config__: ClassVar = {"extra": "forbid"}  # where one is read from a file

    scenes: tuple[str, ...] = SCENES
    scale: tuple[float, float] = (0.9, 1.1)
    seasons: tuple[str, ...] = SEASONS
    cloud: tuple[float, float] = (0.0, 0.3)
    light: tuple[float, float] = (0.88, 1.1)
    tint: tuple[float, float, float] = (1.0, 1.0, 1.0)
    contrast: float = 1.0
    blur: float = 0.0
    noise: float = 3.0


@dataclass(frozen=True)
class Layout:
    """The truth of one image.

    A relation is (subject, words, object); each end is the index of a thing, the name of a
    feature, or the scene. `gsd` is in metres per pixel at 64 px; `sun` is the azimuth that
    shadows fall towards; `cloud` is the strength of haze, 0..1.
    """

    scene: str
    ground: str
    ground_colour: str
    features: tuple[Feature, ...]
    things: tuple[Thing, ...]
    relations: tuple[tuple[int | str, str, int | str], ...]
    gsd: float
    season: str
    cloud: float
    sun: float
    light: float
    tint: tuple[float, float, float]
    contrast: float
    blur: float
    noise: float

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON. Numbers survive the round trip exactly."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Layout:
        """The inverse of `to_dict`, also after a trip through JSON."""
        plain = {key: _tuples(value) for key, value in data.items()}
        plain["features"] = tuple(
            Feature(**{key: _tuples(value) for key, value in item.items()})
            for item in data["features"]
        )
        plain["things"] = tuple(
            Thing(**{key: _tuples(value) for key, value in item.items()}) for item in data["things"]
        )
        return cls(**plain)

    @classmethod
    def from_json(cls, text: str, uid: str, table: Path | str = "layouts") -> Layout:
        """The layout of the image `uid` in the column of LAYOUTS; WinnowError names `table`."""
        try:
            return cls.from_dict(json.loads(text))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise WinnowError(
                f"{table}: the layout of uid {uid} cannot be read ({error}); make the pool again"
            ) from error


def _tuples(value: Any) -> Any:
    return tuple(_tuples(item) for item in value) if isinstance(value, list | tuple) else value
