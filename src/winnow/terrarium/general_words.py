"""The words of the general world's captions: `general_words.yaml`, read once and checked."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from winnow.data.yaml_file import read_yaml

Words = Annotated[tuple[str, ...], Field(min_length=1)]


class SceneWords(BaseModel):
    """How a scene is called: as zero-shot classes are, and as people on the web do."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    named: Words = Field(alias="class")
    web: Words


class GeneralWords(BaseModel):
    """The tables of `general_words.yaml`, which explains them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    things: dict[str, tuple[tuple[str, str], ...]]
    colours: dict[str, Words]
    backdrops: dict[str, Words]
    scenes: dict[str, SceneWords]
    overhead: Words
    looks: dict[str, Words]
    skies: dict[str, Words]
    clutter: dict[str, Words]
    patterns: dict[str, Words]


@cache
def general_words() -> GeneralWords:
    """All tables; WinnowError names the line of what does not fit."""
    return read_yaml(Path(__file__).with_suffix(".yaml"), TypeAdapter(GeneralWords))
