"""Things declared as data: a YAML file, read and checked."""

import re
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import TypeAdapter, ValidationError
from yaml.constructor import ConstructorError

from winnow.data.errors import WinnowError
from winnow.data.files import read_bytes

Declared = TypeVar("Declared")
Lines = dict[tuple[str, ...], int]  # a path of keys and indices -> where it begins, from 1
_Parser: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # C takes a seventh of the time
MERGE = "tag:yaml.org,2002:merge"
LONGEST_INT = 1024  # bits, of what fits a float
DEPTH, NODES = 50, 200_000  # more of either is no declaration, but an attack or an accident


class _Loader(_Parser):
    """YAML 1.1 as PyYAML reads it, but for numbers such as 1e-5, which are numbers as in 1.2."""

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            found = super().construct_object(node, deep=deep)
            if isinstance(found, int) and found.bit_length() > LONGEST_INT:
                raise ValueError  # 0xff...: too long for Python to write in digits
            return found
        except yaml.YAMLError:
            raise
        except Exception as error:  # of many kinds: 2024-13-45 looks like a date
            told = f"{str(node.value)[:80]!r} is no {node.tag.rpartition(':')[2]}"
            raise ConstructorError(None, None, told, node.start_mark) from error


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)[eE][-+]?[0-9]+$"),
    list("-+.0123456789"),
)


def parse_yaml(text: str, name: str = "") -> tuple[Any, Lines]:
    """The content of a YAML text, and the line of each key and item.

    Raises WinnowError, naming `name` and the line, for what is no YAML, for a key that is there
    twice, and for what is too deep or too much once its aliases are written out.
    """
    try:
        _refuse_oddities(text)
        loader = _Loader(text)
        node = loader.get_single_node()
        lines: Lines = {}
        if node is not None:
            _walk(node, (), lines, [0])
        return (None if node is None else loader.construct_document(node)), lines
    except yaml.YAMLError as error:
        raise WinnowError(f"{name}: not valid YAML ({_told(error)})".lstrip(": ")) from error


def _refuse_oddities(text: str) -> None:
    """Characters that are no text, and depth: the parser in C calls itself for each level."""
    if odd := yaml.reader.Reader.NON_PRINTABLE.search(text):
        line = text[: odd.start()].count("\n") + 1
        raise yaml.YAMLError(f"line {line}: the character {odd[0]!r} cannot stand in a text")
    depth = 0
    for event in yaml.parse(text, _Loader):
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > DEPTH:
            told = f"nested more than {DEPTH} deep"
            raise ConstructorError(None, None, told, event.start_mark)  # type: ignore[arg-type]


def _walk(node: yaml.Node, key_path: tuple[str, ...], lines: Lines, seen: list[int]) -> None:
    """Note the lines of a node and what is in it, once for each alias."""
    seen[0] += 1
    if len(key_path) > DEPTH or seen[0] > NODES:
        much = f"nested more than {DEPTH} deep" if len(key_path) > DEPTH else "too many values"
        raise ConstructorError(None, None, much, node.start_mark)
    if isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            lines[(*key_path, str(index))] = item.start_mark.line + 1
            _walk(item, (*key_path, str(index)), lines, seen)
    elif isinstance(node, yaml.MappingNode):
        first: dict[tuple[str, str], int] = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            if key.tag == MERGE:
                for part in value.value if isinstance(value, yaml.SequenceNode) else [value]:
                    _walk(part, (*key_path, "<<"), {}, seen)
                continue
            if not isinstance(key, yaml.ScalarNode):
                raise ConstructorError(None, None, "a key is one word", key.start_mark)
            if (key.tag, key.value) in first:
                told = f"{key.value!r} is there already, in line {first[key.tag, key.value]}"
                raise ConstructorError(None, None, told, key.start_mark)
            first[key.tag, key.value] = line
            lines[(*key_path, key.value)] = line
            _walk(value, (*key_path, key.value), lines, seen)


def _told(error: Exception) -> str:
    """What is wrong, and in which line."""
    if isinstance(error, yaml.MarkedYAMLError):
        mark = error.problem_mark or error.context_mark
        said = " ".join(filter(None, (error.context, error.problem)))
        return f"line {mark.line + 1}: {said}" if mark else said
    return " ".join(str(error).split())


def read_text(path: str | Path) -> str:
    """A text file in UTF-8; WinnowError names what is no file, or no text, and the line."""
    try:
        content = read_bytes(path)
        return content.decode("utf-8")
    except FileNotFoundError as error:
        raise WinnowError(f"{path}: no such file") from error
    except OSError as error:
        raise WinnowError(f"{path}: cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise WinnowError(f"{path}: not valid YAML (line {line}: no text in UTF-8)") from error


def read_yaml(path: str | Path, adapter: TypeAdapter[Declared]) -> Declared:
    """The content of a file as what `adapter` checks; WinnowError names file, key and line."""
    content, lines = parse_yaml(read_text(path), str(path))
    try:
        return adapter.validate_python(content)
    except ValidationError as error:
        first = error.errors()[0]
        place = tuple(str(part) for part in first["loc"] if part != "[key]")
        line = line_of(place, lines)
        where = f" (line {line})" if line else ""
        raise WinnowError(
            f"{path}: {'.'.join(place) or 'top level'}: {first['msg']}{where}"
        ) from error


def own_tables(module: str, kind: type[Declared]) -> Declared:
    """The tables that a module of winnow keeps beside it: `module` is its `__file__`."""
    return read_yaml(Path(module).with_suffix(".yaml"), TypeAdapter(kind))


def line_of(key_path: tuple[str, ...], lines: Lines) -> int | None:
    """The line of a path of keys, or of the longest part of it that is there."""
    for end in range(len(key_path), 0, -1):
        if key_path[:end] in lines:
            return lines[key_path[:end]]
    return None
