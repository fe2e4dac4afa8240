"""A command, described by the signature of its function.

    @command
    def train_contrastive(pool: Path, subset: Path, output: Output, seed: int, threads: int,
                          settings: Contrastive) -> None:

is `winnow train-contrastive --pool=.. --subset=.. --output=.. --seed=.. --samples-seen=..`, and its
docstring is what `--help` says. An argument of the kind `K | None` may be absent, one of `list[K]`
takes several words, `bool` is a flag, and what is positional-only has no name. The fields of the
section `settings` are options. Every command takes `--threads`; its function asks for the number
if it needs it.
"""

import importlib
import inspect
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import takewhile
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from winnow.command.code import command_files, module_name
from winnow.command.options import option, read_settings
from winnow.data.errors import WinnowError, did_you_mean
from winnow.data.secrets import shown

Output = Annotated[Path, "output"]  # which the command writes
# A file or folder that a person names: a rule has it in its params, as an input may hold no braces.
Given = Annotated[Path, "given"]


def command(function: Callable[..., None]) -> Callable[..., None]:
    """Mark a function as a command: it is found by this decorator, in `*verbs.py` or in a track."""
    return function


@dataclass(frozen=True)
class Argument:
    """What a command takes beside its settings."""

    name: str
    kind: Any  # of each word
    many: bool = False
    required: bool = True
    default: Any = None
    bare: bool = False  # given without a name

    def value(self, texts: list[str]) -> Any:
        """What the words given for it mean; WinnowError names it and what is allowed."""
        if self.kind is bool:
            return bool(texts)
        if self.many:
            return [self._checked(text) for text in texts]
        return self._checked(texts[0]) if texts else self.default

    def _checked(self, text: str) -> Any:
        try:
            return Path(text) if self.kind is Path else TypeAdapter(self.kind).validate_python(text)
        except ValidationError as error:
            name = self.name if self.bare else option(self.name)
            told = error.errors()[0]["msg"]
            raise WinnowError(f"{name}: {told} (is {shown(text, name)})") from error


@dataclass(frozen=True)
class Command:
    """A function of winnow that the command line and the rules call."""

    name: str
    function: Callable[..., None]
    arguments: tuple[Argument, ...]
    settings: type[BaseModel] | None
    threaded: bool  # whether the function asks for the number of threads

    def options(self) -> list[str]:
        """All that it takes by name."""
        names = [one.name for one in self.arguments if not one.bare]
        return [option(name) for name in (*names, *self._fields(), "help")]

    def parse(self, words: Sequence[str]) -> dict[str, Any]:
        """The values of all arguments and the settings by name, from the words after the command's.

        Raises WinnowError naming the option, its value and what is allowed.
        """
        texts = self._texts(words)
        missing = [one for one in self.arguments if one.required and not texts.get(one.name)]
        if missing:
            names = ", ".join(one.name if one.bare else option(one.name) for one in missing)
            raise WinnowError(
                f"{names}: missing; `winnow {self.name} --help` describes all options"
            )
        values = {one.name: one.value(texts.pop(one.name, [])) for one in self.arguments}
        if self.settings is not None:
            given = {name: parts[0] for name, parts in texts.items()}
            values["settings"] = read_settings(given, self.settings)
        return values

    def _fields(self) -> list[str]:
        return list(self.settings.model_fields) if self.settings is not None else []

    def _texts(self, words: Sequence[str]) -> dict[str, list[str]]:
        """The words that are given for each name."""
        known = {name: Argument(name, str) for name in self._fields()}
        known |= {one.name: one for one in self.arguments if not one.bare}
        found: dict[str, list[str]] = {}
        waiting = list(words)
        while waiting:
            word = waiting.pop(0)
            if not word.startswith("--"):
                self._add_bare(word, found)
                continue
            key, equals, text = word.partition("=")
            one = known.get(key[2:].replace("-", "_"))
            if one is None:
                guess = did_you_mean(key.replace("_", "-"), self.options())
                told = f"unknown option {word!r}{guess}"
                raise WinnowError(f"{told}; `winnow {self.name} --help` lists them")
            if one.name in found and one.name in self._fields():  # of arguments the last counts
                raise WinnowError(f"{key} is given twice")
            if one.kind is bool:
                if equals:
                    raise WinnowError(f"{word!r}: {key} takes no value")
                found[one.name] = [key]
                continue
            values = [text]
            if not equals:
                most = None if one.many else 1
                values = list(takewhile(lambda w: not w.startswith("--"), waiting[:most]))
                del waiting[: len(values)]
            if one.kind is Path and values == [""]:
                values = []  # what a rule gives whose input is absent
            elif not values and one.kind is not Path:
                raise WinnowError(f"{key!r} has no value; options are --key value or --key=value")
            found[one.name] = values
        return found

    def _add_bare(self, word: str, found: dict[str, list[str]]) -> None:
        for one in self.arguments:
            if one.bare and (one.many or one.name not in found):
                found.setdefault(one.name, []).append(word)
                return
        raise WinnowError(f"{word!r} is not an option; options are --key value or --key=value")


@cache
def find(name: str) -> Command:
    """The command of a name, of which the module is imported; WinnowError where there is none."""
    files = command_files()
    if name not in files:
        told = f"there is no command {name!r}{did_you_mean(name, files)}"
        raise WinnowError(f"{told}; `winnow --help` lists them")
    module = importlib.import_module(module_name(files[name]))
    return describe(getattr(module, name.replace("-", "_")))


def describe(function: Callable[..., None]) -> Command:
    """The command that a function is, by its signature."""
    parameters = dict(inspect.signature(function, eval_str=True).parameters)
    settings = parameters.pop("settings", None)
    threaded = parameters.pop("threads", None) is not None
    arguments = (*map(_argument, parameters.values()), THREADS)
    name = function.__name__.replace("_", "-")
    section = settings.annotation if settings is not None else None
    return Command(name, function, arguments, section, threaded)


THREADS = Argument(
    "threads", Annotated[int, Field(ge=1, le=9999)], required=False, default=os.cpu_count() or 1
)


def _argument(parameter: inspect.Parameter) -> Argument:
    kind: Any = parameter.annotation
    many, optional = get_origin(kind) is list, get_origin(kind) in (Union, UnionType)
    if many or optional:
        (kind,) = (part for part in get_args(kind) if part is not NoneType)
    if kind in (Output, Given):
        kind = Path
    required = not (many or optional or kind is bool)
    bare = parameter.kind is parameter.POSITIONAL_ONLY
    return Argument(parameter.name, kind, many, required, None, bare)
