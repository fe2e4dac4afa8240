"""WebDataset tars, a sample at a time: its members stand together and share a name."""

import glob
import itertools
import math
import re
import tarfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Literal

from pydantic import Field

from winnow.data.errors import WinnowError
from winnow.data.files import require_regular
from winnow.data.records import Record, Rejected
from winnow.data.shards import StrictInfo
from winnow.sources.local_images import (
    MAX_BYTES,
    UnreadableError,
    is_hidden,
    may_be_image,
    name_fault,
)
from winnow.sources.sample import IMAGES, MAX_TEXT, is_read, read_sample, sample_keys, told_captions
from winnow.sources.source import USUAL_SPLITS, Glob, SourceOfSamples, Split

RANGE = re.compile(r"(\d{1,18})\.\.(\d{1,18})")
# A range or a choice; other braces are part of a name, as a shell has it.
BRACES = re.compile(r"\{(\d{1,18}\.\.\d{1,18}|[^{}]*,[^{}]*)\}")
MAX_NAMES = 10**6  # that one pattern may stand for
MAX_MEMBERS = 10**6  # of one tar; their headers are in memory
MAX_UNPACKED = 200  # times the size of a compressed tar
SPARE = 2**20  # bytes, since the zeros at the end of a tar take nearly none
UNSAFE = "member's name leaves the tar"

Members = dict[str, bytes | UnreadableError | None]


class WebdatasetSource(SourceOfSamples):
    """Tars of images with .txt or .json captions, as img2dataset and webdataset write them."""

    kind: Literal["webdataset"] = "webdataset"
    shards: Glob = Field(description="the tars: a glob, or braces as in shard-{000..012}.tar")
    splits: dict[str, Split] = Field(
        default=USUAL_SPLITS, description="split names in .json members -> our splits"
    )
    limit: int | None = Field(
        default=None, ge=1, description="maximum number of images, the first ones (null: all)"
    )

    def records(self, workers: int) -> Iterator[Record | Rejected]:
        """Samples of all shards. A damaged tar is an error: what it lost is not known."""
        taken = 0
        for path in self.inputs():
            for item in _samples(path, self):
                if taken == self.limit and isinstance(item, Record):
                    return
                taken += isinstance(item, Record)
                yield item

    def inputs(self) -> list[Path]:
        """The tars. Raises WinnowError for a pattern that stands for none."""
        return shard_paths(self.shards)

    def folder(self) -> Path:
        """The folder whose name is the source's in tables."""
        return Path(self.shards).parent

    def remedy(self) -> str:
        """What to do where the source holds nothing at all."""
        return f"source.shards: {self.shards}: no file in any tar; put images and texts there"


SOURCE = WebdatasetSource


def shard_paths(pattern: str) -> list[Path]:
    """The tars that a glob, or a pattern with braces (`{000..012}`, `{a,b}`), stands for."""
    paths: list[Path] = []
    for name in expand_braces(pattern):
        # A file of that very name, whatever brackets are in it, is no pattern
        found = [name] if Path(name).is_file() else sorted(_matches(name))
        if not found:
            raise WinnowError(
                f"source.shards: nothing matches {name}; put the tars there or correct the pattern"
            )
        paths.extend(map(Path, found))
    return paths


def _matches(name: str) -> list[str]:
    return glob.glob(name, recursive=True)  # noqa: PTH207 (absolute too)


def expand_braces(pattern: str) -> Iterator[str]:
    """`a{0..2}` -> a0, a1, a2 (leading zeros kept); `a{b,c}` -> ab, ac; several braces combine.
    Other braces stay as they are.

    Raises WinnowError for no names and for more than MAX_NAMES, before it makes any.
    """
    pieces = BRACES.split(pattern)  # text and what braces hold, in turn
    numbers = {i: RANGE.fullmatch(pieces[i]) for i in range(1, len(pieces), 2)}
    counts = [
        int(m[2]) - int(m[1]) + 1 if m else len(pieces[i].split(",")) for i, m in numbers.items()
    ]
    if min(counts, default=1) < 1:
        raise WinnowError(f"source.shards: {pattern} names no tar; write a range's lower end first")
    if math.prod(counts) > MAX_NAMES:
        raise WinnowError(
            f"source.shards: {pattern[:200]} stands for {math.prod(counts)} names, more than "
            f"{MAX_NAMES}; correct the range, or use a glob (*)"
        )
    choices = (
        _choices(piece, numbers[i]) if i in numbers else [piece] for i, piece in enumerate(pieces)
    )
    return map("".join, itertools.product(*choices))


def _choices(inside: str, numbers: re.Match[str] | None) -> list[str]:
    if numbers is None:
        return inside.split(",")
    low, high = numbers[1], numbers[2]
    width = len(low) if low.startswith("0") else 0
    return [f"{n:0{width}d}" for n in range(int(low), int(high) + 1)]


def _samples(path: Path, source: WebdatasetSource) -> Iterator[Record | Rejected]:
    """The samples of one tar. Its names are read before its contents, since they make the keys."""
    key, members = "", Members()
    seen: set[str] = set()
    for item in _members(path):
        if isinstance(item, Rejected):
            yield item
            continue
        stem, suffix, content = item
        if stem != key:
            yield from _finished(path, key, members, source, seen)
            key, members = stem, Members()
        if suffix in members:
            lost, captions = may_be_image(suffix), told_captions({suffix: content})
            yield Rejected(f"{path.name}/{stem}{suffix}", "member occurs twice", lost, captions)
        else:
            members[suffix] = content
    yield from _finished(path, key, members, source, seen)


def _finished(
    path: Path, key: str, members: Members, source: WebdatasetSource, seen: set[str]
) -> list[Record | Rejected]:
    if not members:
        return []
    if key in seen:
        lost = any(suffix in IMAGES for suffix in members)
        reason = "members of a sample lie apart (sort the tar by name)"
        return [Rejected(f"{path.name}/{key}", reason, lost, told_captions(members))]
    seen.add(key)
    return read_sample(f"{path.name}/{key}", members, source)


def _members(path: Path) -> Iterator[tuple[str, str, bytes | UnreadableError | None] | Rejected]:
    """(sample, suffix, content) of each member, as `read_sample` takes them."""
    try:
        require_regular(path)
        with tarfile.open(path, "r:*", tarinfo=StrictInfo) as tar:
            infos = _infos(path, tar)
            safe = [i.name for i in infos if name_fault(i.name) is None and not is_hidden(i.name)]
            keys = sample_keys(safe)
            for info in infos:
                shown = f"{path.name}/{info.name}"
                if info.name not in keys:
                    yield _unnamed(tar, info, shown)
                    continue
                key, suffix = keys[info.name]
                yield key, suffix, _content(tar, info, suffix)
    except WinnowError:
        raise
    except Exception as error:  # of many kinds for damaged files
        detail = " ".join(str(error).split())
        raise WinnowError(
            f"{path}: damaged or unreadable tar ({detail}); fetch it again or leave it out"
        ) from error


def _infos(path: Path, tar: tarfile.TarFile) -> list[tarfile.TarInfo]:
    """The members of a tar but folders, known to lie in it. Raises WinnowError where more than
    zeros follows its end, and for what is too much."""
    infos: list[tarfile.TarInfo] = []
    most = MAX_UNPACKED * path.stat().st_size + SPARE
    for number, info in enumerate(tar):
        if number == MAX_MEMBERS:
            raise WinnowError(f"{path}: more than {MAX_MEMBERS} members; cut it into several tars")
        if tar.offset > most:  # not yet unpacked
            raise _bomb(path)
        if not info.isdir():
            infos.append(info)
    assert tar.fileobj is not None
    tar.fileobj.seek(tar.offset)
    while block := tar.fileobj.read(2**20):
        if block.strip(b"\0"):
            raise WinnowError(
                f"{path}: damaged tar: data follow its end (byte {tar.offset}), as where tars were "
                "joined with cat; name them one by one, or join them with tar --concatenate"
            )
        if tar.fileobj.tell() > most:
            raise _bomb(path)
    return infos


def _bomb(path: Path) -> WinnowError:
    return WinnowError(
        f"{path}: a member is larger than the tar, or the tar unpacks to more than {MAX_UNPACKED} "
        "times its size; leave it out, or unpack it if it is known to be right"
    )


def _unnamed(tar: tarfile.TarFile, info: tarfile.TarInfo, shown: str) -> Rejected:
    if name_fault(info.name) is None:
        return Rejected(shown, "hidden file", image=False)
    suffix = PurePosixPath(info.name).suffix.lower()
    captions = told_captions({suffix: _content(tar, info, suffix)})
    return Rejected(shown, UNSAFE, may_be_image(suffix), captions)


def _content(
    tar: tarfile.TarFile, info: tarfile.TarInfo, suffix: str
) -> bytes | UnreadableError | None:
    if not is_read(suffix):
        return None
    if not info.isreg():
        return UnreadableError("member is not a plain file")
    if info.size > (MAX_BYTES if suffix in IMAGES else MAX_TEXT):
        return UnreadableError("member too large")
    handle = tar.extractfile(info)
    assert handle is not None
    return handle.read()
