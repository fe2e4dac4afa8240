"""What candidates are rated by: five dimensions, and the words in which a model is asked.

The dimensions are those of ScoreRS (NeurIPS 2025): relevance, specificity and detail,
completeness, clarity and fluency, semantic richness, each from 1 to 5.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, PositiveInt, TypeAdapter, field_validator

from winnow.data.yaml_file import read_yaml

LEVELS = (1, 2, 3, 4, 5)
_SLOT = re.compile(r"\{(question|answer|dimensions)\}")

Text = Annotated[str, Field(min_length=1)]


class Rating(NamedTuple):
    """What a candidate is worth, 1 to 5 in each dimension."""

    relevance: int
    specificity: int
    completeness: int
    clarity: int
    richness: int

    @property
    def mean(self) -> float:
        """Over the dimensions; of two candidates the one with the higher mean is preferred."""
        return sum(self) / len(self)


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Dimension(_Part):
    """One dimension: what it is about, and what each level of it means."""

    description: Text
    levels: dict[Literal[1, 2, 3, 4, 5], Text] = Field(min_length=5)


class Dimensions(_Part):
    """The dimensions, named as in `Rating`."""

    relevance: Dimension
    specificity: Dimension
    completeness: Dimension
    clarity: Dimension
    richness: Dimension


class Rubric(_Part):
    """The dimensions and the prompt, which has the slots {question}, {answer}, {dimensions}."""

    dimensions: Dimensions
    prompt: Text
    max_tokens: PositiveInt

    @field_validator("prompt")
    @classmethod
    def _each_slot_once(cls, prompt: str) -> str:
        for slot in ("{question}", "{answer}", "{dimensions}"):
            if prompt.count(slot) != 1:
                raise ValueError(f"must have {slot} once, has it {prompt.count(slot)} times")
        return prompt

    def ask(self, question: str, answer: str) -> str:
        """The prompt about one candidate. Question and answer stand in it as JSON strings."""
        slots = {
            "question": quoted(question),
            "answer": quoted(answer),
            "dimensions": _worded(self.dimensions),
        }
        return _SLOT.sub(lambda match: slots[match[1]], self.prompt)


def load_rubric(path: str | Path) -> Rubric:
    """Read and check a rubric; WinnowError names the file and the key."""
    return read_yaml(path, TypeAdapter(Rubric))


def quoted(text: str) -> str:
    """A text as one line of JSON that no text can break out of, nor write a chat's markup in."""
    line = json.dumps(text, ensure_ascii=False)
    for character in "<>\u2028\u2029\x85":  # markup, and what breaks lines though JSON allows it
        line = line.replace(character, f"\\u{ord(character):04x}")
    return line.encode("utf-8", "backslashreplace").decode()


def _worded(dimensions: Dimensions) -> str:
    return "\n".join(
        f"{name}: {getattr(dimensions, name).description}\n" + _levels(dimension.levels)
        for name, dimension in ((name, getattr(dimensions, name)) for name in Rating._fields)
    )


def _levels(levels: Mapping[Literal[1, 2, 3, 4, 5], str]) -> str:
    return "\n".join(f"  {level} = {levels[level]}" for level in LEVELS)  # type: ignore[index]
