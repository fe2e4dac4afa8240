"""Digests of a folder's files beside them: weights, pictures and text have no checksums."""

from pathlib import Path

from winnow.data.errors import WinnowError
from winnow.data.files import DIGESTS, contents, digest_file, read_json, write_json

REMEDY = f"delete the folder and run again, or delete {DIGESTS} alone where the change is yours"


def write_digests(folder: Path) -> None:
    """Write SHA-256 of all files of a folder, by their names in it; they are complete by now."""
    found = {path.relative_to(folder).as_posix(): hex_digest(path) for path in contents(folder)}
    write_json(folder / DIGESTS, found)


def check_digests(folder: Path) -> None:
    """Compare a folder's files with their digests, if it has any. Other files may lie beside them.

    Raises WinnowError naming the file that is missing or differs.
    """
    path = folder / DIGESTS
    if not path.is_file():
        return
    listed = read_json(path)
    if not isinstance(listed, dict) or not all(isinstance(found, str) for found in listed.values()):
        raise WinnowError(f"{path}: holds no digests of files; {REMEDY}")
    for name, expected in sorted(listed.items()):
        file = folder / name
        if not file.is_file():
            raise WinnowError(f"{file}: is missing, but {DIGESTS} beside it lists it; {REMEDY}")
        if hex_digest(file) != expected:
            raise WinnowError(
                f"{file}: does not have the digest that {DIGESTS} beside it lists, so one of the "
                f"two is damaged; {REMEDY}"
            )


def hex_digest(path: Path, method: str = "sha256") -> str:
    """A file's digest in hex. Raises WinnowError where it cannot be read."""
    try:
        return digest_file(path, method).hex()
    except OSError as error:
        raise WinnowError(f"{path}: cannot be read ({error.strerror})") from error
