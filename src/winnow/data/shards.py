"""WebDataset shards: `{shard:05d}.tar` with members `uid.{png,jpg,webp}`, written and streamed."""

import io
import re
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Self

from winnow.data.digests import check_digests
from winnow.data.errors import WinnowError
from winnow.data.files import digest_bytes, remedy, require_regular
from winnow.data.images import FORMATS

if TYPE_CHECKING:  # parameters are read without it
    import pandas as pd

DESCRIBING = (
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
)
MAX_HEADER = 2**20  # bytes of what describes the next member of a tar
REMEDY = "delete the pool and run again"
MEMBER = re.compile(r"([0-9a-f]{32})\.(" + "|".join(FORMATS.values()) + ")")


class StrictInfo(tarfile.TarInfo):
    """Headers read with the end of the archive insisted on, and none that makes reading endless.

    By itself `tarfile` takes a damaged header, or a file cut between members, for the end. Sizes
    below zero and maps of holes keep it busy for ever, and it reads a name of any length.
    """

    @classmethod
    def fromtarfile(cls, archive: tarfile.TarFile) -> Self:
        """The next header. Raises ReadError unless there is one, or the archive's proper end."""
        start = archive.offset
        try:
            info = super().fromtarfile(archive)
        except tarfile.EOFHeaderError:  # type: ignore[attr-defined]
            raise
        except tarfile.HeaderError as error:
            raise tarfile.ReadError(f"{error} at byte {archive.offset}") from error
        if info.size < 0 or archive.offset <= start:  # of a header of the kind pax, too
            raise tarfile.ReadError(f"a member of {info.size} bytes at byte {start}")
        return info

    def _proc_member(self, archive: tarfile.TarFile) -> Self:
        """Where `tarfile` begins with a raw header: one that describes the next member is read."""
        if self.type == tarfile.GNUTYPE_SPARSE:
            self._sparse()
        if self.size < 0 or (self.type in DESCRIBING and self.size > MAX_HEADER):
            raise tarfile.HeaderError(f"a header of {self.size} bytes")
        return super()._proc_member(archive)  # type: ignore[misc, no-any-return]

    def _sparse(self, *_: object) -> None:
        raise tarfile.HeaderError("a sparse file: store it whole (tar without --sparse)")

    # Holes as headers of the kind pax tell of them
    _proc_gnusparse_00 = _proc_gnusparse_01 = _proc_gnusparse_10 = _sparse


class ShardWriter:
    """Write samples into numbered tars of at most `size` samples inside an existing folder."""

    def __init__(self, folder: Path, size: int):
        self.folder, self.size, self.count = folder, size, 0
        self.tar: tarfile.TarFile | None = None
        folder.mkdir(parents=True, exist_ok=True)

    def add(self, uid: str, members: dict[str, bytes]) -> int:
        """Add one sample's members (extension -> content); returns the shard's number."""
        if self.count % self.size == 0:
            self.close()
            path = self.folder / f"{self.count // self.size:05d}.tar"
            self.tar = tarfile.open(path, "w")  # noqa: SIM115 (stays open)
        assert self.tar is not None
        for extension, content in members.items():
            info = tarfile.TarInfo(f"{uid}.{extension}")  # no mtime, no owner: equal bytes each run
            info.size = len(content)
            self.tar.addfile(info, io.BytesIO(content))
        self.count += 1
        return (self.count - 1) // self.size

    def close(self) -> None:
        """Finish the open tar."""
        if self.tar is not None:
            self.tar.close()


def shard_path(pool: str | Path, shard: int) -> Path:
    """Where a pool keeps shard number `shard`."""
    return Path(pool) / "shards" / f"{shard:05d}.tar"


def iter_shard(path: str | Path) -> Iterator[tuple[str, bytes]]:
    """Stream (uid, encoded image) from one shard, in order. Errors as in `iter_images`."""
    return ((uid, content) for uid, _, content in iter_images(path))


def iter_images(path: str | Path) -> Iterator[tuple[str, str, bytes]]:
    """Stream (uid, extension, encoded image) from one shard. An image that is not the one that its
    uid names is an error; others as in `iter_members`."""
    for uid, extension, content in iter_members(path):
        if digest_bytes(content) != uid:
            raise WinnowError(
                f"{path}: member {uid}.{extension} is damaged: its name is the digest of other "
                f"bytes; {REMEDY}"
            )
        yield uid, extension, content


def iter_masks(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Stream (uid, encoded mask) from the tars of a folder, whose digests lie beside them. Errors
    as in `iter_members` and `check_digests`."""
    check_digests(folder)
    for path in sorted(folder.glob("*.tar")):
        for uid, _, content in iter_members(path):
            yield uid, content


def iter_members(path: str | Path) -> Iterator[tuple[str, str, bytes]]:
    """Stream (uid, extension, encoded image) from one shard, without loading it whole.

    A damaged tar, or a member that no pool would have written, is an error that names it.
    """
    for name, content in iter_files(path, REMEDY):
        match = MEMBER.fullmatch(name)
        if match is None:
            raise WinnowError(
                f"{path}: member {name!r} is not uid.png, uid.jpg or uid.webp; {REMEDY}"
            )
        yield match[1], match[2], content


def iter_files(path: str | Path, damaged: str) -> Iterator[tuple[str, bytes]]:
    """Stream (name, content) from a tar of ours. `damaged` is what to do when it is damaged."""
    try:
        require_regular(path)
        with tarfile.open(path, "r|", tarinfo=StrictInfo) as tar:
            for member in tar:
                handle = tar.extractfile(member) if member.isfile() else None
                if handle is None:
                    raise WinnowError(f"{path}: member {member.name!r} is no file; {damaged}")
                yield member.name, handle.read()
    except FileNotFoundError as error:
        raise WinnowError(f"{path}: no such shard") from error
    except WinnowError:
        raise
    except Exception as error:  # of many kinds for damaged files
        detail = " ".join(str(error).split())
        raise WinnowError(f"{path}: damaged shard ({detail}); {remedy(error, damaged)}") from error


def pool_images(pool: Path, samples: "pd.DataFrame") -> Iterator[tuple[str, bytes]]:
    """Stream (uid, encoded image), shard by shard."""
    for shard in samples["shard"].unique().tolist():
        wanted = set(samples.loc[samples["shard"] == shard, "uid"])
        path, found = shard_path(pool, shard), 0
        for uid, content in iter_shard(path):
            if uid in wanted:
                found += 1
                yield uid, content
        if found != len(wanted):
            raise WinnowError(
                f"{path}: holds {found} of the {len(wanted)} images that samples.parquet names"
            )
