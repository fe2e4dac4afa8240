"""Two hundred random bits of what a finished run reads, each turned by itself."""

import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from workflow_helpers import Clone

from winnow.data.digests import check_digests
from winnow.data.errors import WinnowError
from winnow.data.files import DIGESTS, read_signed
from winnow.data.metrics import check_files, read_metrics
from winnow.data.parquet_seal import check_table
from winnow.data.shards import iter_shard
from winnow.reporting.cells import read_sweep

FLIPS = 200
# For people, or of the run: no job reads them
RECORDS = ("training.json", "generated.json", "recipes.json", "raw.noise.json")
NOT_READ = ("README.md", "cost.json", ".snakemake_timestamp", "summary.txt")


def reader(path: Path, root: Path) -> Callable[[], Any]:
    """What a job that reads a file goes through first, and what of it may stay as it was."""
    if "cells" in path.parts:
        cell = next(f for f in path.parents if (f / "metrics.json").is_file())
        return lambda: check_files(cell, read_metrics(cell / "metrics.json"))
    if path.name in RECORDS or path.name.endswith(".cost.json"):
        return lambda: read_signed(path)
    folder = next((f for f in path.parents if f != root and (f / DIGESTS).is_file()), None)
    if folder is not None:
        return lambda: check_digests(folder)
    if path.suffix == ".parquet":
        return lambda: check_table(path)
    if path.suffix == ".tar":
        return lambda: list(iter_shard(path))
    assert path.name == "sweep.csv", path
    return lambda: read_sweep(path)


def outcome(read: Callable[[], Any]) -> Any:
    try:
        return read()
    except WinnowError as error:
        assert "\n" not in str(error)
        return "refused"


def test_no_flipped_bit_gives_another_value(smoke: Clone, tmp_path: Path) -> None:
    root = tmp_path / "artifacts"
    shutil.copytree(smoke.folder / "artifacts", root)  # files, where the run has links
    files = sorted(p for p in root.rglob("*") if p.is_file() and p.name not in NOT_READ)
    files = [p for p in files if p.stat().st_size]
    draw = random.Random(2026)
    refused = 0
    for path in draw.choices(files, k=FLIPS):
        path.chmod(0o644)
        read, content = reader(path, root), path.read_bytes()
        before = outcome(read)
        assert before != "refused", path
        bit = draw.randrange(8 * len(content))
        turned = bytearray(content)
        turned[bit // 8] ^= 1 << bit % 8
        path.write_bytes(turned)
        found = outcome(read)
        assert found == "refused" or (found is not None and found == before), (path, bit)
        refused += found == "refused"
        path.write_bytes(content)
    assert refused > 0.95 * FLIPS  # the others lie in the padding of a tar
