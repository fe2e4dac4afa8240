"""Zero-shot sets as data: a YAML file each, Terrarium's in this folder and a user's own.

A set is a folder with one subfolder per class, or is drawn by Terrarium in a style.
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Annotated

import pandas as pd
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, field_validator

from winnow.data.errors import WinnowError, did_you_mean
from winnow.data.files import digest_bytes, read_bytes
from winnow.data.images import BadImageError, encode_png, normalise
from winnow.data.shards import iter_shard, shard_path
from winnow.data.yaml_file import read_yaml
from winnow.sources.caption_text import class_words, storable
from winnow.sources.local_images import MAX_BYTES, is_hidden, is_image_name, may_be_image
from winnow.sources.zeroshot import TEMPLATES, Made
from winnow.terrarium.schema import SCENES, SEASONS, Style


def _one_line(text: str) -> str:
    if text.splitlines() != [text] or not text.strip():
        raise ValueError("expected one line of text")
    return text


def _with_slot(text: str) -> str:
    if "{c}" not in text or {*"{}"} & {*text.replace("{c}", "")}:
        raise ValueError("expected {c} where the class stands, and no other braces")
    return text


Line = Annotated[str, AfterValidator(_one_line)]
Template = Annotated[Line, AfterValidator(_with_slot)]


class ZeroshotSet(BaseModel):
    """What a file says of a set. Without `style` it is the images of `folder`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    folder: Path = Path()  # from the folder that the file is in
    style: Style | None = None
    number: int | None = Field(default=None, ge=0)
    classes: dict[str, Line] = {}  # the names of folders or scenes in prompts, where they differ
    templates: tuple[Template, ...] = Field(default=TEMPLATES, min_length=1)

    @field_validator("style")
    @classmethod
    def _drawable(cls, style: Style) -> Style:
        for key, known in (("scenes", SCENES), ("seasons", SEASONS)):
            words = getattr(style, key)
            unknown = [word for word in words if word not in known]
            told = [f"unknown {word!r}{did_you_mean(word, known)}" for word in unknown]
            if told or not words:
                raise ValueError(f"{key}: {(told or ['none'])[0]} (there are {', '.join(known)})")
        for key in ("scale", "cloud", "light"):
            low, high = getattr(style, key)
            if not 0 <= low <= high or (low == 0 and key == "scale"):
                raise ValueError(f"{key}: expected [low, high], not [{low:g}, {high:g}]")
        return style

    def named(self, classes: Iterable[str], where: str) -> list[str]:
        """The names of the set's classes, folders or scenes, in prompts."""
        known = list(classes)
        unknown = next((name for name in self.classes if name not in known), None)
        if unknown is not None:
            told = f"no class {unknown!r}{did_you_mean(unknown, known)}"
            raise WinnowError(f"{where}: classes: {told} (there are {', '.join(known)})")
        return [self.classes.get(name) or class_words(name) for name in known]


def load_set(path: str | Path) -> ZeroshotSet:
    """Read and check the file of a set; WinnowError names the file and the key."""
    found = read_yaml(path, TypeAdapter(ZeroshotSet))
    if found.style is not None:
        if "folder" in found.model_fields_set:
            raise WinnowError(f"{path}: folder: a set with a `style` is drawn; drop one of them")
        found.named(found.style.scenes, str(path))
        return found
    folder = Path(path).parent / found.folder
    found.named(class_folders(folder, f"{path}: folder"), str(path))
    return found.model_copy(update={"folder": folder})


@cache
def terrarium() -> dict[str, ZeroshotSet]:
    """Terrarium's sets by name, in the order of their numbers."""
    found = {path.stem: load_set(path) for path in Path(__file__).parent.glob("*.yaml")}
    return dict(sorted(found.items(), key=lambda item: (item[1].number or 0, item[0])))


def set_inputs(folders: Mapping[str, str], sets: Mapping[str, str]) -> list[Path]:
    """The files and folders that a user's own sets are read from. Errors as in `load_set`."""
    found = [load_set(path) for path in sets.values()]
    drawn_from = [one.folder for one in found if one.style is None]
    return [*map(Path, folders.values()), *map(Path, sets.values()), *drawn_from]


def terrarium_sets(images: int, seed: int, size: int) -> dict[str, Made]:
    """Terrarium's sets of `images` each."""
    return {name: _drawn(name, one, images, seed, size) for name, one in terrarium().items()}


def own_sets(
    folders: Mapping[str, str], sets: Mapping[str, str], images: int, seed: int, size: int
) -> dict[str, Made]:
    """A user's own sets: `folders` of classes and files of `sets`, by name."""
    made = {
        name: _of_folder(ZeroshotSet(folder=Path(path)), f"zeroshot.folders.{name}")
        for name, path in folders.items()
    }
    for name, path in sets.items():
        one = load_set(path)
        made[name] = (
            _drawn(name, one, images, seed, size) if one.style else _of_folder(one, str(path))
        )
    return dict(sorted(made.items()))


def scene_set(pool: Path, samples: pd.DataFrame) -> dict[str, Made]:
    """The set `scenes` of a pool, by the labels of its test split; none without two scenes."""
    labelled = samples[(samples["split"] == "test") & samples["scene"].notna()]
    classes = sorted(labelled["scene"].unique())
    if len(classes) < 2:
        return {}
    label = {u: classes.index(s) for u, s in zip(labelled["uid"], labelled["scene"], strict=True)}
    images = (
        (content, label[uid])
        for shard in sorted(labelled["shard"].unique())
        for uid, content in iter_shard(shard_path(pool, int(shard)))
        if uid in label
    )
    return {"scenes": Made(classes, TEMPLATES, images)}


def _drawn(name: str, one: ZeroshotSet, images: int, seed: int, size: int) -> Made:
    from winnow.terrarium.zeroshot import zeroshot_sample

    style = one.style
    assert style is not None
    number = int(digest_bytes(name.encode()), 16) if one.number is None else one.number
    drawn = (zeroshot_sample(style, number, index, seed, size) for index in range(images))
    encoded = ((encode_png(pixels), label) for pixels, label in drawn)
    return Made(one.named(style.scenes, name), one.templates, encoded)


def _of_folder(one: ZeroshotSet, where: str) -> Made:
    classes = class_folders(one.folder, where)
    return Made(one.named(classes, where), one.templates, _class_images(one.folder, classes))


def class_folders(tree: Path, where: str) -> list[str]:
    """The class folders of a tree, sorted; two or more, else a WinnowError that begins with
    `where`, the place that names the tree."""
    found = tree.iterdir() if tree.is_dir() else ()
    classes = sorted(p.name for p in found if p.is_dir() and not is_hidden(p.name))
    if len(classes) < 2:
        raise WinnowError(f"{where}: {tree} holds {len(classes)} class folders, not 2+")
    unnamed = next((c for c in classes if storable(c) != c), None)
    if unnamed is not None:
        raise WinnowError(
            f"{where}: {tree / storable(unnamed)}: the name of a class folder is not UTF-8 text; "
            "rename the folder"
        )
    return classes


def _class_images(tree: Path, classes: list[str]) -> Iterator[tuple[bytes, int]]:
    for label, name in enumerate(classes):
        files = sorted(p for p in (tree / name).iterdir() if not is_hidden(p.name))
        images = [file for file in files if is_image_name(file.name)]
        others = [f for f in files if f not in images and may_be_image(f.suffix.lower())]
        if others or not images:
            raise WinnowError(
                f"{others[0]}: a kind of image that is not read; an evaluation set must be whole"
                if others
                else f"{tree / name}: a class without images; remove the folder"
            )
        for file in images:
            yield _whole(file), label


def _whole(file: Path) -> bytes:
    try:
        if file.stat().st_size > MAX_BYTES:
            raise BadImageError(f"larger than {MAX_BYTES} bytes")
        content = read_bytes(file)
        normalise(content)
    except OSError as error:
        raise WinnowError(
            f"{file}: cannot be read ({error.strerror}); an evaluation set must be whole"
        ) from error
    except BadImageError as error:
        raise WinnowError(f"{file}: {error}; an evaluation set must be whole") from error
    return content
