"""Sections of parameters as options of a command: written for a shell, and read back."""

import json
import re
import shlex
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from winnow.data.errors import WinnowError
from winnow.data.secrets import shown
from winnow.data.yaml_file import parse_yaml


def option(name: str) -> str:
    """The option by which a value of this name is given."""
    return f"--{name.replace('_', '-')}"


def options(section: BaseModel | Mapping[str, Any]) -> str:
    """The fields of a section as shell words, `--key=value`, values in JSON; nulls are left out."""
    content = section.model_dump(mode="json") if isinstance(section, BaseModel) else section
    words = [
        f"{option(key)}={value if _plain(value) else json.dumps(value)}"
        for key, value in content.items()
        if value is not None
    ]
    return shlex.join(words)


def read_settings(texts: Mapping[str, str], model: type[BaseModel]) -> Any:
    """Build a section from the values of its fields, each in JSON, YAML, or a plain text.

    Raises WinnowError naming the option, its value and what is allowed.
    """
    content = {name: _value(text) for name, text in texts.items()}
    try:
        return model.model_validate_json(json.dumps(content, default=str), strict=True)
    except ValidationError as error:
        first = error.errors()[0]
        name, *inner = (str(part) for part in first["loc"] or ["settings"])
        place = ".".join([option(name), *inner])
        told = first["msg"].removeprefix("Value error, ")
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
