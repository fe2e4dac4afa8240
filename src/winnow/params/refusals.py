"""Checks of parameters, and what is said of each that is wrong: where it is, what is allowed."""

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any

from pydantic import TypeAdapter, ValidationError

from winnow.data import secrets
from winnow.data.errors import WinnowError, did_you_mean
from winnow.params.layers import Joined
from winnow.params.schema import json_schema

LONGEST = 100  # characters of a value that is told


def checked(
    adapter: TypeAdapter[Any], content: Any, joined: Joined, key_path: Sequence[str] = ()
) -> Any:
    """What `adapter` makes of the plain data at `key_path`, without turning one type into another.

    Raises WinnowError with one line for each wrong key: its file and line, place, value, and what
    is allowed.
    """
    try:
        return adapter.validate_json(json.dumps(content), strict=True)
    except ValidationError as error:
        told = [_told(problem, joined, key_path) for problem in error.errors(include_url=False)]
        raise WinnowError("\n".join(told)) from error


def _told(problem: Any, joined: Joined, root: Sequence[str]) -> str:
    loc = [*root, *(str(part) for part in problem["loc"] if part != "[key]")]
    message, value = problem["msg"].removeprefix("Value error, "), problem["input"]
    shown = "" if isinstance(value, dict) else f" (is {_shown(value, loc)})"
    if problem["type"] == "extra_forbidden":
        message = f"unknown key{shown}{_listed(loc[-1], siblings(loc))}"
    elif problem["type"] == "missing":
        message = "is missing"
    elif problem["type"] == "value_error":
        named = re.match(r"([a-z_][\w.]*): ", message)  # what holds between sections names its own
        if named and not loc:
            loc, message = named[1].split("."), message[named.end() :]
        message += shown if value is not None else ""
    else:
        message += shown + _hint(problem, value)
    place = ".".join(_word(part) for part in loc)
    return ": ".join(filter(None, (joined.where(_keys(loc, joined.tree)), place, message)))


def _hint(problem: Any, value: Any) -> str:
    """How to mend a value, where that can be guessed."""
    allowed = problem.get("ctx", {})
    value = allowed.get("tag", value)  # of a union: the kind
    if not isinstance(value, str):
        return ""
    if problem["type"] in ("int_type", "float_type", "bool_type") and _is_bare(value):
        return "; without quotes it is one"
    expected = allowed.get("expected_tags") or allowed.get("expected") or ""
    return did_you_mean(value, re.findall(r"'([^']*)'", str(expected)))


def _is_bare(text: str) -> bool:
    try:
        return isinstance(json.loads(text), bool | int | float)
    except (ValueError, RecursionError):
        return False


def _shown(value: Any, loc: Sequence[str]) -> str:
    text = secrets.shown(value, ".".join(loc))
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def _word(key: str) -> str:
    return key if key.isprintable() else repr(key)


def _keys(loc: Sequence[str], tree: Any) -> tuple[str, ...]:
    """The keys in a place, without the names of kinds that pydantic puts between them."""
    keys, node = [], tree
    for part in loc:
        if isinstance(node, dict) and part not in node and part == node.get("kind"):
            continue
        keys.append(part)
        if isinstance(node, dict):
            node = node.get(part)
        elif isinstance(node, list) and part.isdigit() and int(part) < len(node):
            node = node[int(part)]
        else:
            node = None
    return tuple(keys)


def _listed(key: str, allowed: Iterable[str]) -> str:
    allowed = list(allowed)
    return f"{did_you_mean(key, allowed)}; allowed are {', '.join(allowed)}"


def siblings(key_path: Sequence[str]) -> list[str]:
    """The keys that the JSON Schema allows where `key_path`, a path of keys, ends."""
    schema = json_schema()
    node = schema
    for part in key_path[:-1]:
        kinds = node.get("discriminator", {}).get("mapping", {})
        keys = node.get("properties", {})
        if part in kinds:
            node = {"$ref": kinds[part]}
        elif part in keys:
            node = keys[part]
        elif "items" in node:
            node = node["items"]
        else:
            entries = node.get("patternProperties") or {"": node["additionalProperties"]}
            node = next(iter(entries.values()))
        node = next(iter(node.get("anyOf", [node])))  # of what may be null
        if "$ref" in node:
            node = schema["$defs"][node["$ref"].rpartition("/")[2]]
    return list(node["properties"])
