"""Images that lie in a folder: listed by an annotation, read one at a time, never from outside."""

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import TypeVar

from PIL import Image

from winnow.data.errors import WinnowError
from winnow.data.records import Record, Rejected
from winnow.sources.source import FolderOfImages, Links

# Of the formats that `data.images` reads.
IMAGE_SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".jfif", ".png", ".webp", ".tif", ".tiff", ".bmp", ".gif", ".jp2"}
)
# What holds neither pixels nor the caption of one image.
DOCUMENTS = frozenset(
    {".parquet", ".csv", ".tsv", ".jsonl", ".md", ".xml", ".html", ".pdf", ".log"}
)
# Suffixes of images that Pillow does not name; RS5M's tars have the first.
RASTERS = frozenset(
    {".img_content", ".npy", ".npz", ".heic", ".img", ".hdf", ".h5", ".nc", ".mat", ".ecw", ".vrt"}
)
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
    folder: Path, entries: Sequence[Entry | Rejected], source: FolderOfImages
) -> Iterator[Record | Rejected]:
    """Read the images of a listing, `source.limit` of them spread evenly over it."""
    places = trusted_folders(folder, source.links)
    alike: dict[str, list[str]] | None = None  # files by their plain name, once one is missed
    for entry in thinned(entries, source.limit):
        if isinstance(entry, Rejected):
            yield entry
            continue
        try:
            if name_fault(entry.name) is None and not _exists(folder / entry.name):
                alike = _by_plain_name(folder, source.links) if alike is None else alike
                found = alike.get(_plain_name(entry.name), [])
                entry = replace(entry, name=found[0]) if len(found) == 1 else entry
                if len(found) > 1:
                    raise UnreadableError(f"no such file; it may be {' or '.join(found[:3])}")
            image = read_inside(folder, entry.name, places)
        except UnreadableError as error:
            yield Rejected(entry.name, str(error), captions=len(entry.captions))
            continue
        scene = entry.scene or scene_of(entry.name, source.scene_pattern)
        yield Record(entry.name, image, entry.split, scene, entry.captions)


def _exists(path: Path) -> bool:
    try:
        return path.exists() or path.is_symlink()
    except (OSError, ValueError, RuntimeError):
        return True  # reading it says what is wrong


def _plain_name(name: str) -> str:
    """A relative name as it is compared where no file has it: Windows' slashes, any capitals."""
    return PurePosixPath(name.replace("\\", "/")).as_posix().lower()


def _by_plain_name(folder: Path, links: Links) -> dict[str, list[str]]:
    names: dict[str, list[str]] = {}
    for item in walk_files(folder, links):
        if isinstance(item, str):
            names.setdefault(_plain_name(item), []).append(item)
    return names


def trusted_folders(folder: Path, links: Links) -> list[Path]:
    """The resolved folders that a link below `folder` may lead to.

    These are the folder itself and, where it is a snapshot in the cache of huggingface_hub
    (`REPOSITORY/snapshots/REVISION`), the blobs of the same repository, which its links name.
    """
    root = folder.resolve()
    if links == "follow":
        return [Path(root.anchor)]
    snapshots = [p for p in root.parents if p.name == "snapshots" and (p.parent / "blobs").is_dir()]
    return [root, *(p.parent / "blobs" for p in snapshots[:1])]


def read_inside(
    folder: Path, name: str, folders: Sequence[Path] = (), most: int | None = None
) -> bytes:
    """Read a file below `folder` that lies, links followed, in one of a source's `folders`.

    By default these are `trusted_folders`. What lies elsewhere, or has more than `most` bytes (by
    default MAX_BYTES), is an UnreadableError.
    """
    fault = name_fault(name)
    if fault is not None:
        raise UnreadableError(fault)
    most = MAX_BYTES if most is None else most
    try:
        path = (folder / name).resolve()
        trusted = folders or trusted_folders(folder, "refuse")
        if not any(path.is_relative_to(place) for place in trusted):
            remedy = " (source.links=follow allows it)" if folders else ""
            raise UnreadableError(f"leaves the image folder through a link{remedy}")
        if not path.exists():
            raise UnreadableError("no such file")
        if not path.is_file():
            raise UnreadableError("not a file")
        if path.stat().st_size > most:
            raise UnreadableError(f"larger than {most} bytes")
        return path.read_bytes()
    except (OSError, UnicodeError, RuntimeError) as error:  # RuntimeError: circles of links
        detail = error.strerror if isinstance(error, OSError) else None
        raise UnreadableError(f"cannot be read: {detail or error}") from error


def walk_files(folder: Path, links: Links) -> Iterator[str | Rejected]:
    """Names, relative to `folder`, of all files below it, sorted folder by folder.

    A link to a folder is followed where `links` allows it, and Rejected otherwise. So is a folder
    that cannot be listed.
    """
    faults: list[OSError] = []
    seen: set[Path] = set()
    for place, folders, files in os.walk(
        folder, onerror=faults.append, followlinks=links == "follow"
    ):
        here = Path(place).relative_to(folder)
        seen.add(Path(place).resolve())
        folders.sort()
        for name in list(folders):
            path, shown = folder / here / name, (here / name).as_posix()
            if is_hidden(name):
                folders.remove(name)
                yield Rejected(shown, "hidden folder", image=False)
            elif path.is_symlink() and links != "follow":
                yield Rejected(shown, "a link to a folder (source.links=follow allows it)")
            elif path.is_symlink() and path.resolve() in seen:
                folders.remove(name)
                yield Rejected(shown, "a link to a folder that was read already", image=False)
        yield from ((here / file).as_posix() for file in sorted(files))
    for error in faults:
        yield Rejected(str(error.filename), f"folder cannot be read: {error.strerror}")


def name_fault(name: str) -> str | None:
    """Why a relative file name is not to be trusted, or None."""
    path = PurePosixPath(name)
    if not path.name or "\0" in name:
        return "no file name"
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


def is_hidden(name: str) -> bool:
    """Whether a path is one that systems leave behind: `.git`, `._a.png`, `__MACOSX`."""
    return any(part.startswith(".") or part == "__MACOSX" for part in PurePosixPath(name).parts)


def may_be_image(suffix: str) -> bool:
    """Whether a suffix with its dot, in lower case, is one that some program gives to images."""
    named = suffix in IMAGE_SUFFIXES | RASTERS or suffix in Image.registered_extensions()
    return named and suffix not in DOCUMENTS


def unreadable_kind(name: str) -> Rejected:
    """A file of a kind that no source takes; it counts as an image if it may be one."""
    suffix = shown_suffix(PurePosixPath(name).suffix)
    if is_hidden(name):
        return Rejected(name, "hidden file", image=False)
    return Rejected(name, f"not a known kind of file ({suffix})", may_be_image(suffix))


def shown_suffix(suffix: str) -> str:
    """A suffix in lower case as a reason may name it: short, since reasons are counted."""
    return suffix.lower()[:16] or "no suffix"
