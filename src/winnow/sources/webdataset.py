"""WebDataset tars, streamed: members of one sample stand together and share the name's stem."""

import glob
import itertools
import json
import re
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from winnow.data.errors import WinnowError
from winnow.data.records import Record, Rejected
from winnow.data.shards import StrictInfo
from winnow.params.source import WebdatasetSource
from winnow.sources.local import IMAGE_SUFFIXES, MAX_BYTES, UnreadableError, name_fault, scene_of

MAX_TEXT = 2**20  # bytes of one .txt, .json or .cls member
BRACES = re.compile(r"\{([^{}]*)\}")
RANGE = re.compile(r"(\d+)\.\.(\d+)")
CAPTION_KEYS = ("caption", "text")
UNSAFE = "member's name leaves the tar"

Members = dict[str, bytes]


def read_webdataset(source: WebdatasetSource) -> Iterator[Record | Rejected]:
    """Stream the samples of all shards. A damaged tar is an error: what it lost is not known."""
    taken = 0
    for path in shard_paths(source.shards):
        for item in _samples(path, source):
            if taken == source.limit and isinstance(item, Record):
                return
            taken += isinstance(item, Record)
            yield item


def shard_paths(pattern: str) -> list[Path]:
    """The tars that a glob, or a pattern with braces (`{000..012}`, `{a,b}`), stands for."""
    paths: list[Path] = []
    for name in expand_braces(pattern):
        found = sorted(glob.glob(name, recursive=True))  # noqa: PTH207 (absolute too)
        if not found:
            raise WinnowError(
                f"source.shards: nothing matches {name}; put the tars there or correct the pattern"
            )
        paths.extend(map(Path, found))
    return paths


def expand_braces(pattern: str) -> list[str]:
    """`a{0..2}` -> a0, a1, a2 (leading zeros kept); `a{b,c}` -> ab, ac; several braces combine."""
    match = BRACES.search(pattern)
    if match is None:
        return [pattern]
    numbers = RANGE.fullmatch(match[1])
    if numbers:
        low, high = numbers[1], numbers[2]
        width = len(low) if low.startswith("0") else 0
        choices = [f"{n:0{width}d}" for n in range(int(low), int(high) + 1)]
    else:
        choices = match[1].split(",")
    tails = expand_braces(pattern[match.end() :])
    return [pattern[: match.start()] + c + tail for c, tail in itertools.product(choices, tails)]


def _samples(path: Path, source: WebdatasetSource) -> Iterator[Record | Rejected]:
    key, members = "", Members()
    for item in _members(path):
        if isinstance(item, Rejected):
            yield item
            continue
        stem, suffix, content = item
        if stem != key:
            if members:
                yield _record(f"{path.name}/{key}", members, source)
            key, members = stem, Members()
        if suffix in members:
            yield Rejected(f"{path.name}/{stem}{suffix}", "member occurs twice", image=False)
        else:
            members[suffix] = content
    if members:
        yield _record(f"{path.name}/{key}", members, source)


def _members(path: Path) -> Iterator[tuple[str, str, bytes] | Rejected]:
    try:
        with tarfile.open(path, "r|*", tarinfo=StrictInfo) as tar:
            for member in tar:
                if member.isdir():
                    continue
                fault = _member_fault(member)
                if fault is not None:
                    # what has a good name is counted with the sample that lacks it
                    whole = fault == UNSAFE and _stem(member.name)[1] in IMAGE_SUFFIXES
                    yield Rejected(f"{path.name}/{member.name}", fault, image=whole)
                    continue
                handle = tar.extractfile(member)
                assert handle is not None
                stem, suffix = _stem(member.name)
                yield stem, suffix, handle.read()
    except (tarfile.TarError, EOFError, OSError) as error:
        raise WinnowError(
            f"{path}: damaged or unreadable tar ({error}); fetch it again or leave it out"
        ) from error


def _member_fault(member: tarfile.TarInfo) -> str | None:
    if name_fault(member.name) is not None:
        return UNSAFE
    if not member.isreg():
        return "member is not a plain file"
    suffix = _stem(member.name)[1]
    if suffix not in IMAGE_SUFFIXES and suffix not in (".txt", ".json", ".cls"):
        return "not a known kind of member"
    if member.size > (MAX_BYTES if suffix in IMAGE_SUFFIXES else MAX_TEXT):
        return "member too large"
    return None


def _stem(name: str) -> tuple[str, str]:
    """Sample and kind of a member: split at the first dot of the name, as webdataset does."""
    path = PurePosixPath(name)
    stem, dot, suffix = path.name.partition(".")
    return str(path.with_name(stem)) if stem else name, (dot + suffix).lower()


def _record(name: str, members: Members, source: WebdatasetSource) -> Record | Rejected:
    suffixes = [suffix for suffix in members if suffix in IMAGE_SUFFIXES]
    if len(suffixes) != 1:
        return Rejected(name, "sample with several images" if suffixes else "sample without image")
    try:
        about = _about(members)
        captions = _captions(members, about)
        split = _split(about, source.splits)
        scene = _scene(members, about) or scene_of(f"{name}{suffixes[0]}", source.scene_pattern)
    except UnicodeDecodeError:
        return Rejected(name, "text is not UTF-8")
    except UnreadableError as error:
        return Rejected(name, str(error))
    return Record(name, members[suffixes[0]], split, scene, captions)


def _about(members: Members) -> dict[str, Any]:
    text = members.get(".json", b"{}").decode("utf-8")
    try:
        about = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UnreadableError("not valid JSON") from error
    if not isinstance(about, dict):
        raise UnreadableError("JSON is not an object")
    return about


def _captions(members: Members, about: dict[str, Any]) -> list[str]:
    """One caption a line of .txt, then those of .json that .txt has not."""
    captions = members.get(".txt", b"").decode("utf-8").splitlines()
    value: Any = next((about[key] for key in CAPTION_KEYS if about.get(key) is not None), [])
    further = [value] if isinstance(value, str) else value
    if not isinstance(further, list) or not all(isinstance(c, str) for c in further):
        raise UnreadableError("captions are not text")
    known = {caption.strip() for caption in captions}
    return captions + [caption for caption in further if caption.strip() not in known]


def _split(about: dict[str, Any], splits: Mapping[str, str]) -> str:
    split = about.get("split")
    if split is None:
        return "pool"
    if not isinstance(split, str) or split not in splits:
        raise UnreadableError(f"split not in source.splits: {split}")
    return splits[split]


def _scene(members: Members, about: dict[str, Any]) -> str | None:
    scene = about.get("scene")
    if isinstance(scene, str) and scene:
        return scene
    return members.get(".cls", b"").decode("utf-8").strip() or None
