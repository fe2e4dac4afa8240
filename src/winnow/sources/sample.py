"""A sample as webdataset and img2dataset write it: files of one name and several suffixes."""

import json
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath
from typing import Any

from winnow.data.records import Record, Rejected
from winnow.sources.caption_text import (
    clean,
    decode,
    given_captions,
    key_twice,
    seeming_captions,
    split_of,
    unique_keys,
)
from winnow.sources.local_images import (
    DOCUMENTS,
    IMAGE_SUFFIXES,
    UnreadableError,
    may_be_image,
    scene_of,
    shown_suffix,
)
from winnow.sources.source import SourceOfSamples

MAX_TEXT = 2**20  # bytes of one text
IMAGES = IMAGE_SUFFIXES | {".img_content"}  # RS5M's tars: KEY.img_content, .img_name, .caption
CAPTIONS = frozenset({".txt", ".caption"})
TEXTS = CAPTIONS | {".json", ".cls", ".img_name"}
OTHER_TEXTS = CAPTIONS | {".text", ".captions"}  # that hold captions, whether read or not
CAPTION_KEYS = ("captions", "caption", "text")  # of a .json

# Suffix -> content; None of a kind that is not read, an error of what cannot be read.
Members = Mapping[str, bytes | UnreadableError | None]


def sample_keys(names: Iterable[str]) -> dict[str, tuple[str, str]]:
    """The sample and the suffix, in lower case, of each file name.

    A name is split at its last dot, so `scene_0.5m.jpg` and `scene_0.5m.txt` are a sample. What
    would then be no pair of an image and a text belongs to the image whose name it continues, if
    there is one: `a.seg.png` to `a`, beside `a.jpg`, with the suffix `.seg.png`.
    """
    keys = {name: _split(name) for name in names}
    kinds: dict[str, set[str]] = {}
    for key, suffix in keys.values():
        kinds.setdefault(key, set()).add(suffix)
    return {name: _owner(key, suffix, kinds) for name, (key, suffix) in keys.items()}


def _split(name: str) -> tuple[str, str]:
    path = PurePosixPath(name)
    return path.with_suffix("").as_posix(), path.suffix.lower()


def _owner(key: str, suffix: str, kinds: Mapping[str, set[str]]) -> tuple[str, str]:
    if kinds[key] & IMAGES and kinds[key] & (CAPTIONS | {".json"}):
        return key, suffix
    shorter, further = _split(key)
    if suffix in TEXTS and further in kinds.get(shorter, ()) and further in IMAGES:
        return shorter, suffix  # a.jpg.txt tells of a.jpg
    while further:
        if kinds.get(shorter, set()) & IMAGES:
            return shorter, key[len(shorter) :].lower() + suffix
        shorter, further = _split(shorter)
    return key, suffix


def is_read(suffix: str) -> bool:
    """Whether a sample's file of this suffix is read."""
    return suffix in IMAGES or suffix in TEXTS


def read_sample(name: str, members: Members, source: SourceOfSamples) -> list[Record | Rejected]:
    """The record of a sample, or its rejection, and what of it is not taken."""
    ignored = tuple(suffix.lower() for suffix in source.ignore)
    members = {s: m for s, m in members.items() if not f"{name}{s}".lower().endswith(ignored)}
    if not members:
        return []
    left = [
        Rejected(
            f"{name}{s}",
            f"further file of a sample ({s[-32:]})",
            may_be_image(_last(s)),
            told_captions({_last(s): members[s]}),
        )
        for s in members
        if not is_read(s)
    ]
    images = [suffix for suffix in members if suffix in IMAGES]
    fault = next((m for m in members.values() if isinstance(m, UnreadableError)), None)
    if len(images) > 1:
        reason = f"one of several images of a sample ({', '.join(images)})"
        told = [told_captions(members), *[0] * len(images)]
        files = zip(images, told, strict=False)
        return [*(Rejected(f"{name}{s}", reason, captions=n) for s, n in files), *left]
    if fault is not None:
        return [Rejected(name, str(fault), captions=told_captions(members)), *left]
    image = members[images[0]] if images else None
    if not isinstance(image, bytes):
        return [_without_image(name, members)]
    return [_record(name, image, members, source), *left]


def _last(suffix: str) -> str:
    return shown_suffix(PurePosixPath(f"x{suffix}").suffix)


def _without_image(name: str, members: Members) -> Rejected:
    suffixes = ", ".join(dict.fromkeys(_last(s) for s in members))
    captions = told_captions({_last(s): m for s, m in members.items()})
    lost = captions > 0 or bool({_last(s) for s in members} - DOCUMENTS - {".json"})
    return Rejected(name, f"sample without image ({suffixes})", lost, captions)


def _record(
    name: str, image: bytes, members: Members, source: SourceOfSamples
) -> Record | Rejected:
    try:
        about = _about(members)
        captions = _captions(members, about)
        twice = key_twice(about, (*CAPTION_KEYS, "split", "scene"))
        if twice is not None:
            raise UnreadableError(f"{twice} in .json")
        split = split_of(about.get("split"), source.splits)
        file = _text(members, ".img_name").strip() or name + next(s for s in members if s in IMAGES)
        scene = _scene(members, about) or scene_of(file, source.scene_pattern)
    except UnicodeDecodeError:
        return Rejected(name, "text is not UTF-8", captions=told_captions(members))
    except ValueError as error:
        return Rejected(name, str(error), captions=told_captions(members))
    return Record(name, image, split, scene, captions)


def told_captions(members: Members) -> int:
    """How many captions the files of a sample that is not taken seem to bring, equal ones once.

    A text that cannot be read is one, and so is a .json without a text beside it.
    """
    values: list[Any] = []
    unread = 0
    for suffix in sorted(OTHER_TEXTS & members.keys()):
        try:
            values.append(_text(members, suffix))
            unread += not isinstance(members[suffix], bytes)
        except UnicodeDecodeError:
            unread += 1
    try:
        about = _about(members)
        broken = isinstance(members.get(".json"), UnreadableError)
    except (UnicodeDecodeError, UnreadableError):
        about, broken = {}, True
    captions = seeming_captions([*values, *(about.get(key) for key in CAPTION_KEYS)]) + unread
    return captions or int(broken)


def _text(members: Members, suffix: str) -> str:
    content = members.get(suffix)
    return decode(content) if isinstance(content, bytes) else ""


def _about(members: Members) -> dict[str, Any]:
    try:
        about = json.loads(_text(members, ".json") or "{}", object_pairs_hook=unique_keys)
    except UnicodeDecodeError:
        raise
    except (ValueError, RecursionError) as error:
        raise UnreadableError("not valid JSON") from error
    if not isinstance(about, dict):
        raise UnreadableError("JSON is not an object")
    return about


def _captions(members: Members, about: Mapping[str, Any]) -> list[str]:
    """One caption of each text, whatever its lines, and those of .json that are not the same."""
    texts = [text for suffix in sorted(CAPTIONS) if (text := _text(members, suffix)).strip()]
    try:
        return given_captions([*texts, *(about.get(key) for key in CAPTION_KEYS)])
    except ValueError as error:
        raise UnreadableError(str(error)) from error


def _scene(members: Members, about: Mapping[str, Any]) -> str | None:
    scene = about.get("scene")
    if isinstance(scene, str) and scene:
        return scene
    return clean(_text(members, ".cls")) or None
