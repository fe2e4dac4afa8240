"""Images that lie in a folder: listed by an annotation, read one at a time, never from outside."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TypeVar

from winnow.data.errors import WinnowError
from winnow.data.records import Record, Rejected
from winnow.params.source import RealSource

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff"})
MAX_BYTES = 256 * 2**20  # of one encoded image

Item = TypeVar("Item")


@dataclass(frozen=True)
class Entry:
    """An image as an annotation lists it; `name` is relative to the image folder."""

    name: str
    captions: list[str]
    split: str
    scene: str | None = None


class UnreadableError(ValueError):
    """A file or sample that is not taken; the message is the quarantine reason."""


def read_entries(
    folder: Path, entries: Sequence[Entry | Rejected], source: RealSource
) -> Iterator[Record | Rejected]:
    """Read the images of a listing, `source.limit` of them spread evenly over it."""
    root = folder.resolve()
    for entry in thinned(entries, source.limit):
        if isinstance(entry, Rejected):
            yield entry
            continue
        try:
            image = read_inside(root, entry.name)
        except UnreadableError as error:
            yield Rejected(entry.name, str(error))
            continue
        scene = entry.scene or scene_of(entry.name, source.scene_pattern)
        yield Record(entry.name, image, entry.split, scene, entry.captions)


def read_inside(root: Path, name: str) -> bytes:
    """Read a file below `root` (resolved); what lies elsewhere is an UnreadableError."""
    fault = name_fault(name)
    if fault is not None:
        raise UnreadableError(fault)
    try:
        path = (root / name).resolve()
        if not path.is_relative_to(root):
            raise UnreadableError("leaves the image folder through a link")
        if not path.exists():
            raise UnreadableError("no such file")
        if not path.is_file():
            raise UnreadableError("not a file")
        if path.stat().st_size > MAX_BYTES:
            raise UnreadableError(f"larger than {MAX_BYTES} bytes")
        return path.read_bytes()
    except (OSError, UnicodeError, RuntimeError) as error:  # RuntimeError: circles of links
        detail = error.strerror if isinstance(error, OSError) else None
        raise UnreadableError(f"cannot be read: {detail or error}") from error


def name_fault(name: str) -> str | None:
    """Why a relative file name is not to be trusted, or None."""
    if not name or "\0" in name:
        return "no file name"
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts:
        return "leaves the image folder"
    return None


def scene_of(name: str, pattern: str | None) -> str | None:
    """The scene that `pattern` (one group) finds in a file's name without its folders."""
    match = re.search(pattern, PurePosixPath(name).name) if pattern else None
    return match[1] if match else None


def thinned(items: Sequence[Item], limit: int | None) -> Sequence[Item]:
    """At most `limit` items, spread evenly, in their order."""
    if limit is None or len(items) <= limit:
        return items
    return [items[i * len(items) // limit] for i in range(limit)]


def require_folder(path: Path, key: str) -> Path:
    """The path, if it is a folder; otherwise an error that names the key of params.yaml."""
    if not path.is_dir():
        raise WinnowError(
            f"source.{key}: no folder at {path}; put the images there or correct the path"
        )
    return path


def require_file(path: Path, key: str) -> Path:
    """The path, if it is a file; otherwise an error that names the key of params.yaml."""
    if not path.is_file():
        raise WinnowError(f"source.{key}: no file at {path}; put it there or correct the path")
    return path


def is_image_name(name: str) -> bool:
    """Whether a name ends as the images do that a source may hold."""
    return PurePosixPath(name).suffix.lower() in IMAGE_SUFFIXES
