"""Things declared as data: a YAML file, read and checked."""

from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import TypeAdapter, ValidationError

from winnow.data.errors import WinnowError

Declared = TypeVar("Declared")
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the one in C takes a seventh of the time


def read_yaml(path: str | Path, adapter: TypeAdapter[Declared]) -> Declared:
    """The content of a file as what `adapter` checks; WinnowError names the file and the key."""
    try:
        content: Any = yaml.load(Path(path).read_text(encoding="utf-8"), LOADER)
    except FileNotFoundError as error:
        raise WinnowError(f"{path}: no such file") from error
    except (OSError, yaml.YAMLError, ValueError, AttributeError, RecursionError) as error:
        # what looks like a date or a number and is none raises any of these
        raise WinnowError(f"{path}: not valid YAML ({error})") from error
    try:
        return adapter.validate_python(content)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"] if part != "[key]")
        raise WinnowError(f"{path}: {key or 'top level'}: {first['msg']}") from error
