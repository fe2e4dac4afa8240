"""Verbs and their settings: how stages are called from the command line and from rules."""

import json
import re
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel, TypeAdapter, ValidationError

from winnow.data.code import RUNNING
from winnow.data.errors import WinnowError, did_you_mean
from winnow.data.secrets import shown
from winnow.data.yaml_file import parse_yaml


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
    words: dict[str, dict[str, Any]] = field(default_factory=dict)  # others, as argparse takes them

    def options(self) -> list[str]:
        """The names of everything that the verb takes."""
        own = self.settings.model_fields if self.settings is not None else ()
        named = (*self.paths, *self.optional_paths, *self.path_lists, *self.values, *self.flags)
        plain = [f"--{name.replace('_', '-')}" for name in (*named, *own, "threads", "help")]
        return plain + [name for name in self.words if name.startswith("--")]


VERBS: dict[str, Verb] = {}


def verb(
    *paths: str,
    optional: tuple[str, ...] = (),
    lists: tuple[str, ...] = (),
    values: dict[str, Any] | None = None,
    settings: Any = None,
    flags: tuple[str, ...] = (),
    words: dict[str, dict[str, Any]] | None = None,
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Register a function as a verb; its settings are parsed before it runs."""

    def register(function: Callable[..., None]) -> Callable[..., None]:
        name = function.__name__.replace("_", "-")

        def run(*, rest: list[str], **arguments: Any) -> None:
            if settings is not None:
                arguments["settings"] = parse(rest, settings, name)
            RUNNING.set(name)  # its code is in the records that it writes
            function(**arguments)

        run.__doc__ = function.__doc__
        VERBS[name] = Verb(run, paths, optional, lists, values or {}, settings, flags, words or {})
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
    """Build `model` (a section, or a union of them) from `--key=value` or `--key value` words.

    Raises WinnowError naming the option, its value and what is allowed.
    """
    content: dict[str, Any] = {}
    waiting = list(reversed(words))
    while waiting:
        word = waiting.pop()
        key, equals, text = word.partition("=")
        if not key.startswith("--"):
            raise WinnowError(f"{word!r} is not an option; settings are --key value or --key=value")
        if not equals:
            if not waiting or waiting[-1].startswith("--"):
                raise WinnowError(f"{key!r} has no value; settings are --key value or --key=value")
            text = waiting.pop()
        name = key[2:].replace("-", "_")
        if name in content:
            raise WinnowError(f"{key} is given twice")
        content[name] = _value(text)
    try:
        return TypeAdapter(model).validate_json(json.dumps(content, default=str), strict=True)
    except ValidationError as error:
        first = error.errors()[0]
        option, *inner = (str(part) for part in first["loc"] or ["settings"])
        place = ".".join([f"--{option.replace('_', '-')}", *inner])
        told = first["msg"].removeprefix("Value error, ")
        if first["type"] == "extra_forbidden" and not inner:
            known = TypeAdapter(model).json_schema().get("properties", {})
            told += did_you_mean(option, known)
        raise WinnowError(f"{place}: {told} (is {shown(first['input'], place)})") from error


def _plain(value: Any) -> bool:
    """Whether a value is a word that reads back as itself."""
    return (
        isinstance(value, str) and bool(re.fullmatch(r"[\w./-]+", value)) and _value(value) == value
    )


def _value(text: str) -> Any:
    try:
        return json.loads(text)  # what `options` writes; YAML reads 1e-05 and emoji otherwise
    except (ValueError, RecursionError):
        pass
    try:
        return parse_yaml(text)[0] if text else ""
    except WinnowError:
        return text
