"""Verbs and their settings: how stages are called from the command line and from rules."""

import json
import re
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml
from pydantic import BaseModel, TypeAdapter, ValidationError

from winnow.data.errors import WinnowError


@dataclass(frozen=True)
class Verb:
    """How the command line calls one stage."""

    run: Callable[..., None]
    paths: tuple[str, ...]
    optional_paths: tuple[str, ...] = ()
    path_lists: tuple[str, ...] = ()
    values: dict[str, Any] = field(default_factory=dict)  # types, or a Literal's choices
    settings: Any = None
    flags: tuple[str, ...] = ()  # options without a value

    def describe(self) -> list[str]:
        """One line for each setting: its name and description."""
        properties = TypeAdapter(self.settings).json_schema()["properties"]
        return [
            f"  --{name.replace('_', '-')}: {entry.get('description', entry.get('title', ''))}"
            for name, entry in properties.items()
        ]


VERBS: dict[str, Verb] = {}


def verb(
    *paths: str,
    optional: tuple[str, ...] = (),
    lists: tuple[str, ...] = (),
    values: dict[str, Any] | None = None,
    settings: Any = None,
    flags: tuple[str, ...] = (),
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Register a function as a verb; its settings are parsed before it runs."""

    def register(function: Callable[..., None]) -> Callable[..., None]:
        name = function.__name__.replace("_", "-")

        def run(*, rest: list[str], **arguments: Any) -> None:
            if settings is not None:
                arguments["settings"] = parse(rest, settings, name)
            function(**arguments)

        run.__doc__ = function.__doc__
        VERBS[name] = Verb(run, paths, optional, lists, values or {}, settings, flags)
        return function

    return register


def options(section: BaseModel | dict[str, Any]) -> str:
    """The fields of a section as shell words, `--key=value`, values in JSON; nulls are left out."""
    content = section.model_dump(mode="json") if isinstance(section, BaseModel) else section
    words = [
        f"--{key.replace('_', '-')}={value if _plain(value) else json.dumps(value)}"
        for key, value in content.items()
        if value is not None
    ]
    return shlex.join(words)


def parse(words: Sequence[str], model: Any, verb: str) -> Any:
    """Build `model` (a section, or a union of them) from `--key=value` words.

    Raises WinnowError naming the option, its value and what is allowed.
    """
    content: dict[str, Any] = {}
    for word in words:
        key, equals, text = word.partition("=")
        if not key.startswith("--") or not equals:
            raise WinnowError(f"{word!r} is not an option; settings are --key=value")
        content[key[2:].replace("-", "_")] = _value(text)
    try:
        return TypeAdapter(model).validate_python(content)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "settings"
        raise WinnowError(
            f"--{place.replace('_', '-')}: {first['msg']} (is {first['input']!r})"
        ) from error


def _plain(value: Any) -> bool:
    """Whether a value is a word that reads back as itself."""
    return (
        isinstance(value, str) and bool(re.fullmatch(r"[\w./-]+", value)) and _value(value) == value
    )


def _value(text: str) -> Any:
    try:
        return json.loads(text)  # what `options` writes; YAML reads 1e-05 and emoji otherwise
    except ValueError:
        pass
    try:
        return yaml.safe_load(text) if text else ""
    except (yaml.YAMLError, ValueError):  # ValueError: 2024-13-45 looks like a date
        return text
