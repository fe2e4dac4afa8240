"""Perspectives as data: what a model is asked about an image, and what its answer may be."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, PositiveInt, TypeAdapter, model_validator

from winnow.data.errors import WinnowError
from winnow.data.yaml_file import read_yaml

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
TOKENS_PER_WORD = 2


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Perspective(_Part):
    """One question about an image. `empty` says what an answer without words means."""

    prompt: str = Field(min_length=1)
    words: PositiveInt
    empty: str = Field("retry", min_length=1)

    @property
    def max_tokens(self) -> int:
        """The number of new tokens after which an answer is cut."""
        return TOKENS_PER_WORD * self.words


class Perspectives(_Part):
    """Direct perspectives, those that relay the rule caption, and the prompt that merges them."""

    perspectives: dict[Name, Perspective] = Field(min_length=1)
    relay: dict[Name, Perspective] = {}
    integration: Perspective

    @model_validator(mode="after")
    def _slots(self) -> "Perspectives":
        for name, perspective in self.relay.items():
            if "{rule}" not in perspective.prompt:
                raise ValueError(f"relay.{name}: its prompt has no {{rule}}")
            if name in self.perspectives:
                raise ValueError(f"relay.{name}: is the name of a perspective too")
        for name, perspective in self.perspectives.items():
            if "{rule}" in perspective.prompt:
                raise ValueError(f"perspectives.{name}: a prompt with {{rule}} belongs to `relay`")
        if "{descriptions}" not in self.integration.prompt:
            raise ValueError("integration: its prompt has no {descriptions}")
        return self

    def find(self, name: str) -> Perspective:
        """The perspective of this name, direct or relayed."""
        found = {**self.perspectives, **self.relay}
        if name not in found:
            raise WinnowError(f"no perspective {name!r} (there are {', '.join(found)})")
        return found[name]


def load_perspectives(path: str | Path) -> Perspectives:
    """Read and check a file of perspectives; WinnowError names the file and the key."""
    return read_yaml(path, TypeAdapter(Perspectives))


def merge_prompt(integration: Perspective, descriptions: Mapping[str, str], agreed: str) -> str:
    """What a language model is asked in order to merge the descriptions of one image.

    `descriptions` are named by their perspective; `agreed` says what at least two of them assert.
    """
    listed = "\n".join(f"{name}: {text}" for name, text in descriptions.items())
    # One pass, so that a description that holds a slot's name stays as it is.
    parts = re.split(r"(\{descriptions\}|\{agreed\})", integration.prompt)
    return "".join({"{descriptions}": listed, "{agreed}": agreed}.get(p, p) for p in parts)
