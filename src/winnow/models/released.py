"""The released stand-ins, which DVC pulls out of `released/store` into `released/standins`.

DVC trusts its cache, and names no file when it finds a damaged one in the remote. So each file is
compared with the digest in the release, in the store before DVC pulls and where DVC puts it.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from winnow.data.digests import hex_digest
from winnow.data.errors import WinnowError
from winnow.data.files import read_json
from winnow.data.yaml_file import read_yaml

MD5 = r"[0-9a-f]{32}"
RESTORE = "`git checkout -- released` or a new download of the repository brings it back"


class Folder(BaseModel):
    """The folder of a `.dvc` file: the digest of its list of files."""

    md5: str = Field(pattern=rf"^{MD5}\.dir$")


class Pointer(BaseModel):
    """A `.dvc` file of one folder."""

    outs: list[Folder] = Field(min_length=1, max_length=1)


class Listed(BaseModel):
    """A file of a release: its digest, and its place in the folder."""

    md5: str = Field(pattern=f"^{MD5}$")
    relpath: str


def pull(repository: Path) -> None:
    """Have DVC pull the released stand-ins of a repository; whole, or not at all.

    Raises WinnowError naming the file that is damaged, and what brings it back.
    """
    released = repository / "released"
    files = _listed(released)
    for file in files:
        _check(_stored(released, file.md5), file.md5, RESTORE)
    environment = dict(os.environ)
    if not (repository / ".git").exists():  # as in a downloaded archive: DVC has settings for that
        environment["DVC_SYSTEM_CONFIG_DIR"] = str((repository / ".dvc/without-git").resolve())
    words = ["pull", "--remote", "released", "--force", "released/standins.dvc"]
    command = [sys.executable, "-m", "dvc", "--cd", str(repository), *words]
    if subprocess.run(command, env=environment, check=False).returncode:
        raise WinnowError(f"{released / 'standins.dvc'}: DVC could not pull it, and says why above")
    try:
        for file in files:
            remedy = f"delete {_object(file.md5)} in the folder that `dvc cache dir` names"
            _check(
                released / "standins" / file.relpath,
                file.md5,
                f"DVC's cache is damaged: {remedy}, and run again",
            )
    except WinnowError:
        shutil.rmtree(released / "standins", ignore_errors=True)
        raise


def _listed(released: Path) -> list[Listed]:
    """The files of a release, by the list in its store."""
    digest = read_yaml(released / "standins.dvc", TypeAdapter(Pointer)).outs[0].md5
    path = _stored(released, digest)
    _check(path, digest.removesuffix(".dir"), RESTORE)
    try:
        return TypeAdapter(list[Listed]).validate_python(read_json(path))
    except ValidationError as error:
        raise WinnowError(f"{path}: is no list of files by DVC; {RESTORE}") from error


def _stored(released: Path, digest: str) -> Path:
    return released / "store" / _object(digest)


def _object(digest: str) -> str:
    """Where DVC keeps a file in a store or cache."""
    return f"files/md5/{digest[:2]}/{digest[2:]}"


def _check(path: Path, digest: str, remedy: str) -> None:
    if not path.is_file():
        raise WinnowError(f"{path}: is missing; {remedy}")
    if hex_digest(path, "md5") != digest:
        raise WinnowError(f"{path}: is damaged, it has not the digest of the release; {remedy}")
