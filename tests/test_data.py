"""The contracts on disk: atomic writes, tables, JSON, shards, metrics, and how they fail."""

import json
import resource
import signal
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import fakes
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from winnow.data.errors import WinnowError
from winnow.data.files import (
    atomic_path,
    digest_bytes,
    digest_files,
    read_json,
    write_bytes,
    write_json,
    write_text,
)
from winnow.data.metrics import Cell, Metrics, flatten, read_metrics, write_metrics
from winnow.data.shards import ShardWriter, iter_shard
from winnow.data.tables import (
    CAPTIONS,
    SAMPLES,
    SCORES,
    empty,
    join_scores,
    read_table,
    require_unique,
    write_table,
)


@contextmanager
def full_disk() -> Iterator[None]:
    """No file may grow beyond 4 KiB: the error a full disk gives, as EFBIG.

    Around as little as possible: a test's report may go to a file that is longer already.
    """
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)


# atomic writes


@pytest.mark.parametrize("before", ["nothing", "file", "folder"])
@pytest.mark.parametrize("after", ["file", "folder"])
def test_atomic_path_replaces(tmp_path: Path, before: str, after: str) -> None:
    target = tmp_path / "replaced"
    if before == "file":
        target.write_text("old")
    elif before == "folder":
        target.mkdir()
        (target / "old").write_text("old")
    with atomic_path(target) as temporary:
        if after == "file":
            temporary.write_text("new")
        else:
            temporary.mkdir()
            (temporary / "new").write_text("new")
        assert before != "file" or target.read_text() == "old"
    found = [p.relative_to(tmp_path).as_posix() for p in sorted(tmp_path.rglob("*"))]
    assert found == (["replaced"] if after == "file" else ["replaced", "replaced/new"])


@pytest.mark.parametrize("folder", [False, True])
def test_atomic_path_after_an_exception(tmp_path: Path, folder: bool) -> None:
    target = tmp_path / "deep" / "target"
    with pytest.raises(RuntimeError), atomic_path(target) as temporary:
        if folder:
            temporary.mkdir()
        (temporary / "x" if folder else temporary).write_text("half")
        raise RuntimeError
    assert not list(target.parent.iterdir())


def test_atomic_path_keeps_the_old_file_after_an_exception(tmp_path: Path) -> None:
    write_text(tmp_path / "target", "old")
    with pytest.raises(RuntimeError), atomic_path(tmp_path / "target") as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert [p.read_text() for p in tmp_path.iterdir()] == ["old"]


def test_atomic_path_of_a_killed_job(tmp_path: Path) -> None:
    target = tmp_path / "target"
    script = (
        "import os, sys\n"
        "from winnow.data.files import atomic_path\n"
        "with atomic_path(sys.argv[1]) as temporary:\n"
        "    temporary.write_text('half')\n"
        "    os._exit(9)\n"
    )
    code = subprocess.run([sys.executable, "-c", script, str(target)], check=False).returncode
    assert code == 9 and not target.exists()
    assert all(path.name.startswith(".") for path in tmp_path.iterdir())
    write_text(target, "whole")
    assert target.read_text() == "whole"


def test_atomic_path_on_a_full_disk(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).random(5000)
    scores = pd.DataFrame({"uid": map(str, noise), "caption_id": 0, "score": noise})
    for name, write in (
        ("bytes", lambda path: write_bytes(path, b"x" * 10_000)),
        ("json", lambda path: write_json(path, ["x"] * 10_000)),
        ("table", lambda path: write_table(path, scores, SCORES)),
    ):
        with (
            pytest.raises(WinnowError, match=f"cannot write .*{name}.*free space"),
            full_disk(),
        ):
            write(tmp_path / name)
    with (
        pytest.raises(WinnowError, match=r"cannot write .*pool"),
        full_disk(),
        atomic_path(tmp_path / "pool") as folder,
        closing(ShardWriter(folder, 4)) as writer,
    ):
        writer.add("a" * 32, {"png": b"x" * 10_000})
    assert not list(tmp_path.iterdir())


def test_atomic_path_where_nothing_can_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(WinnowError, match=r"cannot write .*target"):
        write_text(tmp_path / "file" / "target", "x")
    assert (tmp_path / "file").read_text() == "x"


def test_atomic_path_without_anything_written(tmp_path: Path) -> None:
    with pytest.raises(WinnowError, match="cannot write"), atomic_path(tmp_path / "target"):
        pass
    assert not list(tmp_path.iterdir())


# JSON and digests


@settings(deadline=None)
@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(st.characters(exclude_categories=["Cs"])),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner, max_size=3)
        ),
        max_leaves=5,
    )
)
def test_json_round_trip(tmp_path_factory: pytest.TempPathFactory, content: Any) -> None:
    path = tmp_path_factory.getbasetemp() / "round_trip.json"
    write_json(path, content)
    assert read_json(path) == content


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{"a": 1,\n "b": }', "line 2"),
        (b'{"a": [1, 2', "not valid JSON"),
        (b"", "not valid JSON"),
        (b"\xff", "not valid JSON"),
        (b"[" * 200_000, "not valid JSON"),
        (b"1" * 5000, "not valid JSON"),
    ],
)
def test_broken_json_is_named(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(WinnowError, match=r"a\.json") as caught:
        read_json(tmp_path / "a.json")
    assert message in str(caught.value)


def test_absent_json_and_folders_are_named(tmp_path: Path) -> None:
    with pytest.raises(WinnowError, match=r"a\.json: no such file"):
        read_json(tmp_path / "a.json")
    with pytest.raises(WinnowError, match="cannot be read"):
        read_json(tmp_path)


def test_json_refuses_nan(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="JSON"):
        write_json(tmp_path / "a.json", {"x": float("nan")})
    assert not list(tmp_path.iterdir())


def test_digests_depend_on_names_and_contents_not_on_place(tmp_path: Path) -> None:
    for place in ("a", "b", "c"):
        write_text(tmp_path / place / "x", "one")
        write_text(tmp_path / place / "y" / "z", "two")
    write_text(tmp_path / "c" / "y" / "z", "three")
    assert digest_files([tmp_path / "a"]) == digest_files([tmp_path / "b"])
    assert digest_files([tmp_path / "a"]) != digest_files([tmp_path / "c"])
    assert digest_bytes(b"") == "e3b0c44298fc1c149afbf4c8996fb924"


# tables

GOOD = pd.DataFrame({"uid": ["a", "b", "c"], "caption_id": [0, 1, 2], "score": [0.1, 0.2, 0.3]})


def test_table_round_trip(tmp_path: Path) -> None:
    path = tmp_path / "scores.parquet"
    write_table(path, GOOD.assign(further=1)[["further", "score", "uid", "caption_id"]], SCORES)
    read = read_table(path, SCORES)
    assert list(read.columns) == list(SCORES) and read["caption_id"].dtype == np.int32
    assert read["uid"].tolist() == ["a", "b", "c"]
    write_table(path, empty(SCORES), SCORES)
    assert len(read_table(path, SCORES)) == 0


def test_nullable_columns_may_hold_nulls(tmp_path: Path) -> None:
    row = {"uid": "a", "split": "pool", "source": "x", "shard": 0, "width": 8, "height": 8}
    frame = pd.DataFrame([{**row, "scene": None}, {**row, "scene": "sea"}])
    write_table(tmp_path / "samples.parquet", frame, SAMPLES)
    scenes = read_table(tmp_path / "samples.parquet", SAMPLES)["scene"]
    assert scenes.isna().tolist() == [True, False] and scenes[1] == "sea"


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (GOOD.drop(columns="score"), "column 'score' is missing.*uid, caption_id"),
        (GOOD.assign(score=[0.1, 0.2, np.nan]), "column 'score'.*row 2"),
        (GOOD.assign(uid=pd.Series(["a", None, "c"])), "column 'uid'.*row 1"),
        (GOOD.assign(score=["high", "low", "low"]), "column 'score' is .*string, expected double"),
        (
            GOOD.assign(score=pd.Series([[1.0], [2.0], [3.0]])),
            "column 'score' is list.*expected double",
        ),
        (GOOD.assign(caption_id=[0.5, 1.0, 2.0]), "column 'caption_id' is double, expected int32"),
        (GOOD.assign(caption_id=[2**40, 1, 2]), "column 'caption_id' is int64, expected int32"),
    ],
)
def test_bad_tables_are_named_by_column_and_row(
    tmp_path: Path, frame: pd.DataFrame, message: str
) -> None:
    path = tmp_path / "scores.parquet"
    pq.write_table(pa.Table.from_pandas(frame), path)
    with pytest.raises(WinnowError, match=rf"scores\.parquet: {message}"):
        read_table(path, SCORES)


@pytest.mark.parametrize(
    "frame",
    [
        GOOD.drop(columns="score"),
        GOOD.assign(score=[0.1, np.nan, 0.3]),
        GOOD.assign(uid=pd.Series(["a", None, "c"])),
        GOOD.assign(score=["high", "low", "low"]),
        GOOD.assign(uid=[1, 2, 3]),
        GOOD.assign(caption_id=[0.5, 1.0, 2.0]),
    ],
)
def test_bad_tables_are_not_written(tmp_path: Path, frame: pd.DataFrame) -> None:
    with pytest.raises(WinnowError, match=r"scores\.parquet: column '"):
        write_table(tmp_path / "scores.parquet", frame, SCORES)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("keep", [0, 3, 100, 0.5, 0.99])
def test_truncated_tables_are_named(tmp_path: Path, keep: float) -> None:
    path = tmp_path / "scores.parquet"
    write_table(path, GOOD, SCORES)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(keep if keep >= 1 else keep * len(whole))])
    with pytest.raises(WinnowError, match=r"scores\.parquet: not a readable Parquet file"):
        read_table(path, SCORES)


def test_tables_damaged_inside_are_named(tmp_path: Path) -> None:
    path = tmp_path / "scores.parquet"
    write_table(path, GOOD, SCORES)
    whole = bytearray(path.read_bytes())
    whole[4:60] = b"\xff" * 56
    path.write_bytes(whole)
    with pytest.raises(WinnowError, match=r"scores\.parquet: "):
        read_table(path, SCORES)


def test_absent_tables_are_named(tmp_path: Path) -> None:
    with pytest.raises(WinnowError, match=r"scores\.parquet: no such table"):
        read_table(tmp_path / "scores.parquet", SCORES)
    with pytest.raises(WinnowError, match="not a readable Parquet file"):
        read_table(tmp_path, SCORES)


def test_join_scores() -> None:
    captions = empty(CAPTIONS)
    captions["uid"], captions["caption_id"] = ["c", "a"], [2, 0]
    assert join_scores(captions, GOOD, "scores").tolist() == [0.3, 0.1]
    with pytest.raises(WinnowError, match=r"no score for uid c, caption_id 2 \(1 pairs"):
        join_scores(captions, GOOD.iloc[:2], "scores")
    with pytest.raises(WinnowError, match=r"scores: uid and caption_id \(a, 0\).*row 3"):
        join_scores(captions, pd.concat([GOOD, GOOD.iloc[:1]]), "scores")
    require_unique(GOOD, ["uid"], "scores")


# shards


def write_shards(folder: Path, count: int, size: int) -> list[str]:
    """Shards of `count` pictures; returns their uids."""
    writer = ShardWriter(folder, size)
    uids = [digest_bytes(fakes.picture(i)) for i in range(count)]
    assert [writer.add(uid, {"png": fakes.picture(i)}) for i, uid in enumerate(uids)] == [
        i // size for i in range(count)
    ]
    writer.close()
    return uids


def test_shards_round_trip_and_equal_bytes(tmp_path: Path) -> None:
    uids = write_shards(tmp_path / "a", 5, 2)
    write_shards(tmp_path / "b", 5, 2)
    assert sorted(p.name for p in (tmp_path / "a").iterdir()) == [
        "00000.tar",
        "00001.tar",
        "00002.tar",
    ]
    read = [item for p in sorted((tmp_path / "a").iterdir()) for item in iter_shard(p)]
    assert read == [(uid, fakes.picture(i)) for i, uid in enumerate(uids)]
    assert digest_files([tmp_path / "a"]) == digest_files([tmp_path / "b"])


def link(name: str) -> tarfile.TarInfo:
    """The header of a symbolic link."""
    info = tarfile.TarInfo(name)
    info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
    return info


@pytest.mark.parametrize(
    "member",
    [
        "../" + "a" * 32 + ".png",
        "a.png",
        "a" * 32 + ".gif",
        "A" * 32 + ".png",
        link("a" * 32 + ".png"),
    ],
)
def test_shards_refuse_foreign_members(tmp_path: Path, member: str | tarfile.TarInfo) -> None:
    path = fakes.write_tar(tmp_path / "0.tar", [(member, b"")])
    with pytest.raises(WinnowError, match=r"0\.tar: member '.*' is (not uid\.png|no file)"):
        list(iter_shard(path))


@settings(deadline=None)
@given(st.integers(0, 7000))
def test_truncated_shards_are_always_noticed(
    tmp_path_factory: pytest.TempPathFactory, keep: int
) -> None:
    folder = tmp_path_factory.mktemp("shards")
    write_shards(folder, 4, 4)
    path = folder / "00000.tar"
    content = path.read_bytes()
    if any(content[keep:]):  # the padding alone may go
        path.write_bytes(content[:keep])
        with pytest.raises(WinnowError, match=r"00000\.tar: damaged shard"):
            list(iter_shard(path))


def test_damaged_headers_are_not_taken_for_the_end(tmp_path: Path) -> None:
    write_shards(tmp_path, 4, 4)
    path = tmp_path / "00000.tar"
    content = bytearray(path.read_bytes())
    second = content.index(digest_bytes(fakes.picture(1)).encode())
    content[second + 148] ^= 0xFF  # its checksum
    path.write_bytes(content)
    with pytest.raises(WinnowError, match="damaged shard"):
        list(iter_shard(path))


def test_absent_shards_are_named(tmp_path: Path) -> None:
    with pytest.raises(WinnowError, match=r"0\.tar: no such shard"):
        list(iter_shard(tmp_path / "0.tar"))


# metrics

CELL = Cell(track="contrastive", captions="raw", scorer="clip", ratio=0.3, seed=1)


def metrics(**changes: Any) -> Metrics:
    """A small valid record."""
    fields: dict[str, Any] = {
        "cell": CELL,
        "dataset": "terrarium",
        "model": "stand-in",
        "pretrained": "released",
        "task": "retrieval",
        "metrics": {"acc1": 0.5, "mean_recall": 0.25},
        "intervals": {"acc1": (0.4, 0.6)},
        "n": {"acc1": 100},
        "higher_is_better": {"acc1": True, "mean_recall": True},
        "provenance": {"seed": 1},
    }
    return Metrics(**{**fields, **changes})


def test_metrics_round_trip(tmp_path: Path) -> None:
    write_metrics(tmp_path / "metrics.json", metrics())
    assert read_metrics(tmp_path / "metrics.json", CELL) == metrics()
    first, second = flatten(metrics())
    assert (first["metric"], first["value"], first["low"], first["high"], first["n"]) == (
        "acc1",
        0.5,
        0.4,
        0.6,
        100,
    )
    assert first["scorer"] == "clip" and second["low"] is second["n"] is None


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"version": 3}, "version 3"),
        ({"metrics": {"acc1": "high"}}, "metrics.acc1"),
        ({"metrics": {"acc1": float("nan")}}, "metrics.acc1"),
        ({"cell": {**CELL.model_dump(), "ratio": 0}}, "cell.ratio"),
        ({"further": 1}, "further"),
        ({"cell": {**CELL.model_dump(), "seed": 2}}, "but its place is that of"),
    ],
)
def test_metrics_that_do_not_belong_are_refused(
    tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    path = tmp_path / "metrics.json"
    path.write_text(json.dumps({**metrics().model_dump(), **changes}))
    with pytest.raises(WinnowError, match=rf"metrics\.json: .*{message}"):
        read_metrics(path, CELL)


def test_metrics_without_a_value_are_refused() -> None:
    with pytest.raises(ValidationError, match="acc1"):
        metrics(metrics={"acc1": float("nan")})
