"""Between a run and the cache of outputs: storing by one rename, fetching what is verified.

An entry is built in a temporary folder of the cache and renamed, so that it is there whole or not
at all, however many runs store it at once.
"""

import errno
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from winnow.caching.entries import (
    MANIFEST,
    MARK,
    OUTPUTS,
    TEMPORARY,
    manifest,
    remove_damaged,
    state_of,
)
from winnow.data.errors import WinnowError, printable

# People look into cells and edit them: as copies, one that is damaged comes back as it was written.
COPIED = "artifacts/cells"
IN_THE_WAY = (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR)


def create(cache: Path) -> None:
    """Make the cache, for its owner alone; the mode of one that is there is left as it is."""
    cache.mkdir(mode=0o700, parents=True, exist_ok=True)


def store(cache: Path, key: str, outputs: Mapping[str, Path]) -> None:
    """Move the outputs of a job (by name, each a file or a folder) into the cache, and link them.

    Where a whole entry is there already, it is kept and ours is thrown away. Where there is no room
    for it, or no permission, the outputs stay where they are, and a warning says so.
    """
    first = next(iter(outputs.values()))
    try:
        create(cache)
        _keep(cache, key, outputs)
    except OSError as error:
        told = (
            f"warning: {cache}: cannot keep {first} ({_reason(error)}): it stays in the workspace "
            "alone; free space, as `winnow cache evict --older-than 30` does, or mend permissions"
        )
        print(printable(told), file=sys.stderr)
        return
    try:
        linked = _link_all(cache / key, outputs)
    except OSError as error:
        raise WinnowError(
            f"{cache / key}: cannot be linked as {first} ({_reason(error)}); mend permissions or "
            "free space, then run again"
        ) from error
    if not linked:
        raise WinnowError(f"{cache / key}: was evicted while {first} was stored; run again")


def fetch(cache: Path, key: str, outputs: Mapping[str, Path]) -> bool:
    """Link the outputs of a job from the cache; whether it has them, whole.

    All of the entry is read and verified. A damaged one is removed and named on stderr, so that the
    job makes it again. WinnowError names what cannot be read.
    """
    entry = cache / key
    try:
        if damaged := remove_damaged(entry):
            told = f"{entry}: {damaged}; removed from the cache, the job runs again"
            print(printable(told), file=sys.stderr)
        return _link_all(entry, outputs)
    except OSError as error:
        raise WinnowError(
            f"{entry}: cannot be fetched ({_reason(error)}); mend permissions or free space, then "
            "run again"
        ) from error


def _reason(error: OSError) -> str:
    return f"{error.filename}: {error.strerror}" if error.filename else str(error)


def _keep(cache: Path, key: str, outputs: Mapping[str, Path]) -> None:
    """Move outputs into the cache; after an error they are where they were."""
    folder = Path(tempfile.mkdtemp(prefix=TEMPORARY, dir=cache))
    try:
        _fill(folder, key, outputs)
        _put(folder, cache / key)
    except BaseException:
        _give_back(folder / OUTPUTS, outputs)
        raise
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _fill(folder: Path, key: str, outputs: Mapping[str, Path]) -> None:
    inside = folder / OUTPUTS
    inside.mkdir()
    for name, path in outputs.items():
        _take(path, inside / name)
    listed = folder / MANIFEST
    listed.write_text(json.dumps(manifest(folder, key), indent=1, sort_keys=True))
    listed.chmod(0o444)
    for place in (inside, folder):
        place.chmod(0o755)


def _take(path: Path, target: Path) -> None:
    """Move a file, or all that is in a folder; a file that has another name, too, is copied."""
    if path.is_dir() and not path.is_symlink():
        target.mkdir()
        for inner in sorted(path.iterdir()):
            if inner.name != MARK:
                _take(inner, target / inner.name)
        target.chmod(0o755)
    elif path.is_file():
        if path.is_symlink() or path.stat().st_nlink > 1:
            shutil.copyfile(path, target)
        else:
            shutil.move(path, target)
        target.chmod(0o444)
    else:
        raise WinnowError(f"{path}: is no file and no folder, as a job's outputs are; run it again")


def _give_back(inside: Path, outputs: Mapping[str, Path]) -> None:
    """Move back what was taken: what is still at its place was not taken whole."""
    for name, path in outputs.items():
        taken = inside / name
        for file in [taken] if taken.is_file() else sorted(taken.rglob("*")):
            place = path / file.relative_to(taken) if file != taken else path
            if file.is_file() and not place.exists():
                shutil.move(file, place)
                place.chmod(0o644)


def _put(folder: Path, entry: Path) -> None:
    """Rename a finished folder to an entry, unless a whole one is there already."""
    while True:
        try:
            folder.rename(entry)
            return
        except OSError as error:
            if error.errno not in IN_THE_WAY:
                raise
        if not remove_damaged(entry) and entry.exists():
            return


def _link_all(entry: Path, outputs: Mapping[str, Path]) -> bool:
    """Link the outputs of an entry, and note that it is used; where it is not there, or is evicted
    meanwhile, False and no link."""
    if not entry.exists():
        return False
    while (state := state_of(entry)) is not None:
        try:
            for name, target in outputs.items():
                _clear(target)
                _link(entry / OUTPUTS / name, target)
            _use(entry)
            return True
        except FileNotFoundError:
            if state_of(entry) == state:  # else it was evicted, and maybe stored anew
                raise
    for target in outputs.values():
        _clear(target)
    return False


def _link(path: Path, target: Path) -> None:
    """Link files alone, never a folder: DVC does not look behind a link to a folder, so that it
    would take every version of it for the same, and its checkout would write into the cache."""
    if path.is_dir():
        target.mkdir()
        for inner in sorted(path.iterdir()):
            _link(inner, target / inner.name)
    elif target.is_relative_to(COPIED):
        shutil.copyfile(path, target)
    else:
        target.symlink_to(path)


def _clear(target: Path) -> None:
    if target.is_dir() and not target.is_symlink():
        shutil.rmtree(target)
    else:
        target.unlink(missing_ok=True)


def _use(entry: Path) -> None:
    """Set the time of the last use; of an entry that is not ours to change it stays."""
    try:
        os.utime(entry / MANIFEST)
    except FileNotFoundError:
        raise
    except OSError:
        pass
