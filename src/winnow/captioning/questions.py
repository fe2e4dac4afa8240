"""Questions about images: open ones as data, closed ones whose answer is known."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from winnow.data.yaml_file import read_yaml
from winnow.terrarium import questions as drawn
from winnow.terrarium.schema import Layout

Text = Annotated[str, Field(min_length=1)]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
CHOICES = 4


class Category(BaseModel):
    """Questions of one category, and the viewpoint from which Terrarium's annotator answers."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    viewpoint: Name
    questions: list[Text] = Field(min_length=1)


class Closed(NamedTuple):
    """A question with one right answer."""

    kind: str  # presence, count, comparison, rural_urban, choice
    question: str
    answer: str


def load_questions(path: str | Path) -> dict[str, Category]:
    """Read and check a file of open questions; WinnowError names the file and the key."""
    return read_yaml(path, TypeAdapter(dict[Name, Category]))


def closed_questions(
    layout: Layout | None, scene: str | None, scenes: Sequence[str], seed: int
) -> list[Closed]:
    """What can be asked about an image: all that its layout answers, else its scene, else nothing.

    `scenes` are the names to choose among.
    """
    if layout is not None:
        return [
            Closed(item["type"], _worded(item["question"], item.get("options", ())), item["answer"])
            for item in drawn.questions(layout, seed)
        ]
    others = [name for name in scenes if name != scene]
    if scene is None or not others:
        return []
    rng = np.random.default_rng(seed)
    wrong = [others[i] for i in rng.permutation(len(others))[: CHOICES - 1].tolist()]
    options = [*wrong, scene]
    shown = [options[i] for i in rng.permutation(len(options)).tolist()]
    return [Closed("choice", _worded("what does the image show?", shown), scene)]


def _worded(question: str, options: Sequence[str]) -> str:
    return f"{question} ({', '.join(options)})" if options else question
