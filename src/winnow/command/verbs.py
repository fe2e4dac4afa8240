"""Command `cache`."""

import math
import sys
import time
from pathlib import Path
from typing import Literal

from winnow.caching import entries as cached
from winnow.command.description import command
from winnow.data.errors import WinnowError, printable

DAY_S = 24 * 3600.0


@command
def cache(
    action: Literal["check", "evict", "size"],
    paths: list[Path],
    /,
    older_than: float | None,
    all: bool,
) -> None:
    """Verify, clear or measure the cache of outputs, in which runs find what was made before.

    check: read every entry and name those that are damaged; exit status 1 if any is.
    size:  tell how many entries there are, their bytes, and the oldest.
    evict: remove the damaged entries; or those into which PATHS (files or folders) are links; or
           those not used for --older-than DAYS; or --all. What a later run asks for is made again.

    The cache is $SNAKEMAKE_OUTPUT_CACHE, by default ~/.cache/winnow/snakemake.
    """
    ways = [paths, older_than is not None, all]
    if action != "evict" and any(ways):
        raise WinnowError("PATHS, --older-than and --all are for `winnow cache evict`")
    if sum(map(bool, ways)) > 1:
        raise WinnowError("of PATHS, --older-than and --all only one can be given")
    if older_than is not None and not (math.isfinite(older_than) and older_than >= 0):
        raise WinnowError(f"--older-than: must be a number of days from 0 on (is {older_than})")
    place = cached.default_cache()
    if place.exists() and not place.is_dir():
        raise WinnowError(f"{place}: is no folder; name the cache in SNAKEMAKE_OUTPUT_CACHE")
    if action == "check":
        _check(place)
    elif action == "size":
        _size(place)
    else:
        _evict(place, paths, older_than, all)


def _check(folder: Path) -> None:
    damaged = 0
    for entry in cached.entries(folder):
        told = cached.damage(entry)
        if told and entry.exists():  # else it was evicted as we looked
            damaged += 1
            print(printable(f"{entry}: {told}"))
    print(_summary(folder))
    if damaged:
        print(f"{damaged} damaged; `winnow cache evict` removes them, a run makes them again")
        sys.exit(1)
    print("none is damaged")


def _size(folder: Path) -> None:
    print(_summary(folder))
    used = [cached.last_use(entry) for entry in cached.entries(folder)]
    if used:
        print(f"the oldest was last used {(time.time() - min(used)) / DAY_S:.1f} days ago")


def _evict(folder: Path, paths: list[Path], older_than: float | None, everything: bool) -> None:
    cached.sweep(folder)
    removed: list[int] = []
    if paths or everything or older_than is not None:
        for path in _chosen(folder, paths, older_than):
            removed.append(cached.size(path))
            cached.remove(path)
    else:
        for entry in cached.entries(folder):
            size = cached.size(entry)
            if told := cached.remove_damaged(entry):
                removed.append(size)
                print(printable(f"{entry}: {told}"))
    print(f"{folder}: {len(removed)} removed, {_bytes(sum(removed))}")


def _chosen(folder: Path, paths: list[Path], older_than: float | None) -> list[Path]:
    """The entries behind `paths`, or all that are old enough, with those of an earlier version."""
    behind = {path: cached.entries_behind(folder, path) for path in paths}
    for path, found in behind.items():
        if not found:
            raise WinnowError(f"{path}: leads to no entry of {folder}; delete it and run again")
    if paths:
        return sorted({entry for found in behind.values() for entry in found})
    before = math.inf if older_than is None else time.time() - older_than * DAY_S
    known = [*cached.entries(folder), *cached.earlier(folder)]
    return [path for path in known if cached.last_use(path) <= before]


def _summary(folder: Path) -> str:
    entries, earlier = cached.entries(folder), cached.earlier(folder)
    told = f"{folder}: {len(entries)} entries, {_bytes(sum(map(cached.size, entries)))}"
    if earlier:
        told += (
            f"; and {len(earlier)} of an earlier version of Winnow, "
            f"{_bytes(sum(map(cached.size, earlier)))}, which nothing reads: --all or --older-than "
            "of `winnow cache evict` removes them, too"
        )
    return told


def _bytes(count: int) -> str:
    return f"{count / 1e6:,.1f} MB"
