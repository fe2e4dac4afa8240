"""Where parameters are given: files and the command line, laid over each other in their order.

`params.yaml`, then its `scales` for the run's scale, then each further file, and its own `scales`,
then the command line: what comes later wins, key by key. So what a user says is never overruled by
a scale of `params.yaml`.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

from winnow.data.errors import WinnowError, did_you_mean
from winnow.data.yaml_file import Lines, line_of, parse_yaml, read_text
from winnow.params.model import COMPLETE, NOT_SCALED
from winnow.params.names import Scale

COMMAND_LINE = "the command line"
KeyPath = tuple[str, ...]
# An entry that says what it is, by one of these keys, takes the place of an earlier one as a whole:
# nobody's checkpoint gets the tag of another. Without them it changes the keys that it names.
WHOLE = {
    "source": {"kind"},
    "models.*": {"loader", "id", "url"},
    "scorers.*": {"use", "scores", "subset", "model", "mean_of"},
    "preferences.captioners.*": {"by"},
    "preferences.answerers.*": {"by"},
    "score_model.stages.*": {"pairs"},
    "score_model.recipes.*": {"start", "stages"},
    "score_model.tuned.*": {"model", "scorer"},
    "generation.baselines.*": {"model", "images"},
    "segmentation.data": {"images", "masks", "layout"},
}
ALWAYS_WHOLE = ("captions.noise", "terrarium.noise", "annotations.mask_classes")


@dataclass(frozen=True)
class Layer:
    """Parameters from one place, whose `name` errors tell, with the lines where that has any."""

    name: str
    tree: dict[str, Any]
    lines: Lines = field(default_factory=dict)

    def where(self, key_path: KeyPath) -> str:
        """The place of a path of keys, for an error."""
        line = line_of(key_path, self.lines)
        return f"{self.name}:{line}" if line else self.name


@dataclass(frozen=True)
class Joined:
    """Parameters from all layers, and which of them each value came from."""

    tree: dict[str, Any]
    first: str  # the name of the first layer
    origin: dict[KeyPath, tuple[Layer, KeyPath]]  # path -> layer, path there

    def where(self, key_path: KeyPath) -> str:
        """The place where a value, or what it would stand in, was given."""
        for end in range(len(key_path), 0, -1):
            if key_path[:end] in self.origin:
                layer, there = self.origin[key_path[:end]]
                return layer.where((*there, *key_path[end:]))
        return self.first


def layer(name: str, content: Any, lines: Lines | None = None) -> Layer:
    """A layer of plain data. Raises WinnowError for what no parameters can hold."""
    lines = lines or {}
    if not isinstance(content, dict):
        raise WinnowError(f"{name}: expected keys and values, found {type(content).__name__}")
    return Layer(name, _plain(content, (), Layer(name, {}, lines)), lines)


def read_layer(path: str | Path) -> Layer:
    """The parameters in a YAML file. Raises WinnowError naming the file and the line."""
    path = Path(path)
    name = str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)
    return layer(name, *parse_yaml(read_text(path), name))


def base_layer(path: str | Path) -> Layer:
    """The parameters in a params.yaml. Raises WinnowError unless its closing line is there, since
    part of the file is YAML too, with other parameters."""
    found = read_layer(path)
    if [*found.tree.items()][-1:] != [(COMPLETE, True)]:
        raise WinnowError(
            f"{found.name}: its last line is not `{COMPLETE}: true`: it may be half of the file; "
            "take the whole one again, or put the line there if nothing is missing"
        )
    return found


def given_layers(files: Iterable[Path], words: Iterable[str] = ()) -> list[Layer]:
    """What stands in files, of which the first is whole and the others hold what differs, then what
    Snakemake was given by `--config`, as `key=value`."""
    paths = list(files)
    layers = [*map(base_layer, paths[:1]), *map(read_layer, paths[1:])]
    for word in words:
        key, _, text = word.partition("=")
        layers.append(layer(COMMAND_LINE, {key: _value(key, text)}))
    return layers


def _value(key: str, text: str) -> Any:
    try:
        return parse_yaml(text, f"{COMMAND_LINE}: {key}")[0]
    except WinnowError:
        if text.lstrip()[:1] in ("{", "["):
            raise
        return text  # `@mine` is no YAML, but may be a folder


def _plain(value: Any, key_path: KeyPath, source: Layer) -> Any:
    """A copy of a value as JSON has them; numbers that are keys become words."""
    if isinstance(value, dict):
        odd = [key for key in value if not isinstance(key, str | int) or isinstance(key, bool)]
        if odd:
            where = source.where((*key_path, str(odd[0]).lower()))
            raise WinnowError(f"{where}: the key {odd[0]!r} is no word; put it in quotes")
        return {str(k): _plain(v, (*key_path, str(k)), source) for k, v in value.items()}
    if isinstance(value, list):
        return [_plain(v, (*key_path, str(i)), source) for i, v in enumerate(value)]
    if isinstance(value, str) and "\0" in value:
        raise WinnowError(f"{_at(source, key_path)}: {value!r} holds a character that no text has")
    return value if value is None or isinstance(value, str | int | float) else str(value)


def _at(source: Layer, key_path: KeyPath) -> str:
    return ": ".join(filter(None, (source.where(key_path), ".".join(key_path))))


def join(layers: Sequence[Layer]) -> Joined:
    """Parameters from all layers: later ones win, and each one's `scales` over the rest of it."""
    scale = next((one.tree["scale"] for one in reversed(layers) if "scale" in one.tree), None)
    tree: dict[str, Any] = {}
    origin: dict[KeyPath, tuple[Layer, KeyPath]] = {}
    for one in layers:
        own = {key: value for key, value in one.tree.items() if key != "scales"}
        for prefix, part in (((), own), (("scales", str(scale)), _override(one, scale))):

            def note(
                key_path: KeyPath, new: bool, one: Layer = one, prefix: KeyPath = prefix
            ) -> None:
                for below in [p for p in origin if new and p[: len(key_path)] == key_path]:
                    del origin[below]
                origin[key_path] = one, (*prefix, *key_path)

            tree = merge(tree, part, note)
    return Joined(tree, layers[0].name if layers else COMMAND_LINE, origin)


def _override(source: Layer, scale: Any) -> dict[str, Any]:
    """What a layer has for `scale`, nothing if it is no scale: that is refused later."""
    allowed = get_args(Scale)
    scales = source.tree.get("scales", {})
    if not isinstance(scales, dict):
        told = f"{scales!r} is not a mapping of {', '.join(allowed)}"
        raise WinnowError(f"{_at(source, ('scales',))}: {told}")
    for name, override in scales.items():
        at = _at(source, ("scales", name))
        if name not in allowed:
            told = f"unknown key{did_you_mean(name, allowed)}"
            raise WinnowError(f"{at}: {told}; allowed are {', '.join(allowed)}")
        if not isinstance(override, dict):
            raise WinnowError(f"{at}: expected keys and values (is {override!r})")
        for key in NOT_SCALED:
            if key in override:
                raise WinnowError(f"{at}: {key}: unknown key; what a scale changes is the rest")
    return scales.get(scale, {}) if isinstance(scale, str) else {}


def merge(
    base: dict[str, Any],
    over: dict[str, Any],
    note: Callable[[KeyPath, bool], None] = lambda place, new: None,
    key_path: KeyPath = (),
) -> dict[str, Any]:
    """`base` with the values of `over`, mapping by mapping; an empty mapping empties the old.

    So does an entry that says what it is (WHOLE). `note` is told each path of `over`, and whether
    what was there is gone.
    """
    result = dict(base)
    for key, value in over.items():
        here, old = (*key_path, key), result.get(key)
        both = isinstance(value, dict) and value and isinstance(old, dict)
        if both and not _whole(here, value):
            note(here, False)
            result[key] = merge(old, value, note, here)  # type: ignore[arg-type]
        else:
            note(here, True)
            result[key] = value
    return result


def _whole(key_path: KeyPath, entry: dict[str, Any]) -> bool:
    """Whether an entry stands for itself, whatever an earlier layer has there."""
    names = ".".join(key_path), ".".join((*key_path[:-1], "*"))
    own = next((WHOLE[name] for name in names if name in WHOLE), set())
    return names[0] in ALWAYS_WHOLE or bool(own & entry.keys())
