"""What `--help` says: commands, their arguments, and of settings type, limits, default and unit."""

import inspect
import json
import textwrap
from collections.abc import Iterable, Iterator
from typing import Any

from pydantic import TypeAdapter

from winnow.command.description import Argument, Command
from winnow.command.options import option

KINDS = {
    "integer": "whole number",
    "number": "number",
    "string": "text",
    "boolean": "true or false",
    "null": "null",
}
WIDTH, STEP = 96, 4
HEAD = "settings, as --key value or --key=value; lists and mappings in YAML or JSON:"


def overview(commands: Iterable[Command]) -> str:
    """All commands, each with the first line of what it says of itself."""
    lines = ["usage: winnow COMMAND [OPTIONS], winnow COMMAND --help", ""]
    for command in commands:
        lines += [f"  {command.name}", *_wrapped(_about(command).partition("\n")[0], 6)]
    return "\n".join(lines)


def command_help(command: Command) -> str:
    """What a command does, its arguments and its settings."""
    bare = [
        f" {one.name.upper()}{' ...' if one.many else ''}" for one in command.arguments if one.bare
    ]
    lines = [f"usage: winnow {command.name}{''.join(bare)} [OPTIONS]", "", _about(command), ""]
    for argument in command.arguments:
        lines += _wrapped(_argument(argument), 2)
    if command.settings is not None:
        lines += ["", *describe_settings(command.settings)]
    return "\n".join(lines)


def _about(command: Command) -> str:
    return inspect.cleandoc(command.function.__doc__ or "")


def _argument(argument: Argument) -> str:
    name = argument.name.upper() if argument.bare else option(argument.name)
    if argument.kind is bool:
        return f"{name} (flag)"
    kind = _type(TypeAdapter(argument.kind).json_schema(), {})
    if argument.many:
        return f"{name}: {kind}, any number"
    default = f"default {argument.default}" if argument.default is not None else "may be left out"
    return f"{name}: {kind} ({'required' if argument.required else default})"


def describe_settings(settings: Any) -> list[str]:
    """The lines on all settings, those in mappings under the setting that holds them."""
    schema = TypeAdapter(settings).json_schema()
    return [HEAD, *_fields(schema, schema.get("$defs", {}), 2, "--")]


def _fields(
    node: dict[str, Any], definitions: dict[str, Any], indent: int, sign: str
) -> Iterator[str]:
    for name, entry in node["properties"].items():
        if "const" in entry:
            continue  # the kind, which its heading says
        default = f"default {_value(entry['default'])}" if "default" in entry else "may be left out"
        default = "required" if name in node.get("required", ()) else default
        shown = name.replace("_", "-") if sign else name
        head = f"{sign}{shown}: {_type(entry, definitions)}"
        yield from _wrapped(f"{head} ({default})", indent)
        yield from _wrapped(entry.get("description", ""), indent + STEP)
        for inner in _mappings(entry, definitions):
            yield from _mapping(inner, definitions, indent + STEP)


def _mapping(node: dict[str, Any], definitions: dict[str, Any], indent: int) -> Iterator[str]:
    kind = node["properties"].get("kind", {}).get("const")
    if kind is not None:
        about = node.get("description", "").partition("\n")[0]
        yield from _wrapped(f"with kind: {kind} -- {about}", indent)
        indent += 2
    yield from _fields(node, definitions, indent, "")


def _mappings(entry: dict[str, Any], definitions: dict[str, Any]) -> list[dict[str, Any]]:
    """The sections that a value is, or is made of."""
    if "$ref" in entry:
        found = definitions[entry["$ref"].rpartition("/")[2]]
        return [found] if "properties" in found else []
    parts = [*entry.get("anyOf", ()), *entry.get("oneOf", ()), *_inner(entry)]
    return [mapping for part in parts for mapping in _mappings(part, definitions)]


def _inner(entry: dict[str, Any]) -> list[dict[str, Any]]:
    """What the values of a list or a mapping are."""
    more = entry.get("additionalProperties")
    inner = [*entry.get("patternProperties", {}).values(), entry.get("items"), more]
    return [part for part in inner if isinstance(part, dict)]


def _type(entry: dict[str, Any], definitions: dict[str, Any]) -> str:
    if "$ref" in entry:
        found = definitions[entry["$ref"].rpartition("/")[2]]
        return "mapping of what follows" if "properties" in found else _type(found, definitions)
    if "anyOf" in entry:
        return " or ".join(dict.fromkeys(_type(part, definitions) for part in entry["anyOf"]))
    if "oneOf" in entry:
        return f"mapping with kind: {', '.join(entry['discriminator']['mapping'])}"
    if "enum" in entry or "const" in entry:
        return "one of " + ", ".join(map(_value, entry.get("enum", [entry.get("const")])))
    if entry.get("type") in ("array", "object"):
        inner = _inner(entry)
        of = f" of {_type(inner[0], definitions)}" if inner else ""
        if entry["type"] == "array":
            return f"list{of}"
        names = entry.get("propertyNames", {}).get("enum")
        return f"mapping from {', '.join(names) if names else 'name'} to {of[4:] or 'anything'}"
    kind = "path" if entry.get("format") == "path" else KINDS.get(entry.get("type", ""), "anything")
    return kind + _limits(entry)


def _limits(entry: dict[str, Any]) -> str:
    low, over = entry.get("minimum"), entry.get("exclusiveMinimum")
    high, under = entry.get("maximum"), entry.get("exclusiveMaximum")
    told = [
        f"{word} {bound}"
        for word, bound in (("at least", low), ("over", over), ("at most", high), ("under", under))
        if bound is not None
    ]
    return f" {', '.join(told)}" if told else ""


def _value(value: Any) -> str:
    return value if isinstance(value, str) and value else json.dumps(value)


def _wrapped(text: str, indent: int) -> list[str]:
    first, later = " " * indent, " " * (indent + STEP)
    return textwrap.wrap(text, WIDTH, initial_indent=first, subsequent_indent=later)
