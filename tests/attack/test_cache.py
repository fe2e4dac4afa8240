"""The cache of outputs under attack: stores at once, kills, damage, evictions, other users."""

import errno
import json
import os
import random
import shlex
import shutil
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from workflow_helpers import contents

from winnow.caching import entries, exchange
from winnow.command.line import main
from winnow.data.errors import WinnowError
from winnow.data.tables import SCORES, write_table

KEY = entries.entry_key("what a job is made of", ["output_model", "output_table.csv"])
pytestmark = pytest.mark.usefixtures("same_environment")
STORE = """
import os, signal, sys
from pathlib import Path
from winnow.caching import exchange
cache, workspace, at = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
def die(*arguments):
    os.kill(os.getpid(), signal.SIGKILL)
if at:
    setattr(exchange, at, die)
print("ready", flush=True)
sys.stdin.readline()
exchange.store(cache, sys.argv[4], {"output_model": workspace / "model", "output_table.csv": workspace / "t.csv"})
"""  # noqa: E501


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty place for a cache, which the command looks after."""
    monkeypatch.setenv("SNAKEMAKE_OUTPUT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def outputs(workspace: Path) -> dict[str, Path]:
    """Where a job has its outputs."""
    return {"output_model": workspace / "model", "output_table.csv": workspace / "t.csv"}


def make(workspace: Path, word: str = "a", files: int = 5) -> dict[str, Path]:
    """What a job makes: a folder of folders, one of them empty, and a table."""
    (workspace / "model/deep/er").mkdir(parents=True)
    (workspace / "model/empty").mkdir()
    (workspace / "model/.snakemake_timestamp").touch()
    for number in range(files):
        (workspace / f"model/deep/er/{number}.bin").write_bytes(word.encode() * 1000)
    (workspace / "model" / os.fsdecode(b"no utf-8 \xff")).write_text(word)
    (workspace / "model/cost.json").write_text(word)
    (workspace / "t.csv").write_text(word)
    return outputs(workspace)


def stored(cache: Path, workspace: Path, word: str = "a") -> Path:
    """An entry, whose links lie in `workspace`."""
    exchange.store(cache, KEY, make(workspace, word))
    return cache / KEY


def replace(path: Path, content: bytes) -> None:
    """Damage a file, whoever may write to it."""
    path.unlink()
    path.write_bytes(content)


def told(capsys: pytest.CaptureFixture[str], *words: str, status: int = 0) -> str:
    """What `winnow cache` prints, which ends with this status."""
    try:
        found = main(["cache", *words])
    except SystemExit as end:
        found = end.code
    text = "".join(capsys.readouterr())
    assert found == status, text
    return text


# stores at once


def one_whole_entry(cache: Path, workspaces: list[Path]) -> None:
    """One entry, all the workspaces are links into it, and nothing else is left."""
    assert [path.name for path in cache.iterdir()] == [KEY] and entries.damage(cache / KEY) == ""
    seen = [contents(workspace) for workspace in workspaces]
    assert len(seen[0]) == 7 and all(found == seen[0] for found in seen)
    for path in (p for w in workspaces for p in w.rglob("*") if not p.is_dir()):
        assert path.is_symlink() and path.resolve().is_relative_to(cache / KEY)


def test_threads_that_store_one_entry_at_once(cache: Path, tmp_path: Path) -> None:
    for attempt in range(10):
        spaces = [tmp_path / f"{attempt}/{number}" for number in range(8)]
        made = [make(space, str(number)) for number, space in enumerate(spaces)]
        start = threading.Barrier(8)

        def run(job: dict[str, Path], start: threading.Barrier = start) -> None:
            start.wait()
            exchange.store(cache, KEY, job)

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(run, made))
        one_whole_entry(cache, spaces)
        shutil.rmtree(cache)


def process(cache: Path, workspace: Path, at: str = "") -> subprocess.Popen[str]:
    """A process that is about to store `workspace`, and that may kill itself `at` a function."""
    started = subprocess.Popen(
        [sys.executable, "-c", STORE, str(cache), str(workspace), at, KEY],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert started.stdout is not None and started.stdout.readline() == "ready\n"
    return started


def go(started: subprocess.Popen[str]) -> None:
    assert started.stdin is not None
    started.stdin.write("\n")
    started.stdin.flush()


def test_processes_that_store_one_entry_at_once(cache: Path, tmp_path: Path) -> None:
    spaces = [tmp_path / str(number) for number in range(4)]
    for number, space in enumerate(spaces):
        make(space, str(number), files=50)
    started = [process(cache, space) for space in spaces]
    for one in started:
        go(one)
    assert [one.communicate()[1] for one in started] == [""] * 4
    assert [path.name for path in cache.iterdir()] == [KEY] and entries.damage(cache / KEY) == ""
    assert len({json.dumps(sorted(map(repr, contents(space).items()))) for space in spaces}) == 1


# kills


@pytest.mark.parametrize("at", ["_take", "manifest", "_put"])
def test_a_killed_store_leaves_nothing_that_is_fetched(
    cache: Path, tmp_path: Path, at: str, capsys: pytest.CaptureFixture[str]
) -> None:
    make(tmp_path / "one")
    killed = process(cache, tmp_path / "one", at)
    go(killed)
    assert killed.wait() == -signal.SIGKILL
    assert not exchange.fetch(cache, KEY, outputs(tmp_path / "two"))
    (left,) = cache.iterdir()
    assert "0 entries" in told(capsys, "check")
    told(capsys, "evict", "--all")
    assert left.exists(), "another run may be about to store it"
    stored(cache, tmp_path / "three")
    old = time.time() - entries.STALE_S - 1
    for path in (left, left / entries.MANIFEST):
        if path.exists():
            os.utime(path, (old, old))
    entries.sweep(cache)
    one_whole_entry(cache, [tmp_path / "three"])


def test_kills_at_random_moments(cache: Path, tmp_path: Path) -> None:
    moments = random.Random(0)
    for number in range(12):
        space = tmp_path / str(number)
        make(space, files=200)
        started = process(cache, space)
        go(started)
        time.sleep(moments.uniform(0, 0.04))
        started.kill()
        started.communicate()
        for entry in entries.entries(cache):
            assert entries.damage(entry) == ""
            entries.remove(entry)


# damage


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    replace(path, bytes(content))


def of(name: str, how: Callable[[Path], None]) -> Callable[[Path], None]:
    return lambda entry: how(entry / name)


def other_link(path: Path) -> None:
    path.rename(path.with_name("elsewhere"))
    path.symlink_to("elsewhere")


def emptied(entry: Path) -> None:
    shutil.rmtree(entry)
    entry.mkdir()


def to_fifo(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


FILE, LIST = "outputs/output_model/deep/er/3.bin", "manifest.json"
DAMAGE = {
    "a flipped bit": of(FILE, flip),
    "a cut file": of(FILE, lambda p: replace(p, p.read_bytes()[:-1])),
    "a longer file": of(FILE, lambda p: replace(p, p.read_bytes() + b"a")),
    "an empty file": of(FILE, lambda p: replace(p, b"")),
    "a lost file": of(FILE, Path.unlink),
    "one file more": of("outputs/output_model/new", Path.touch),
    "a lost folder": of("outputs/output_model/empty", Path.rmdir),
    "one folder more": of("outputs/output_model/new", Path.mkdir),
    "one output more": of("outputs/output_new", Path.touch),
    "a link for a file": of(FILE, other_link),
    "a queue for a file": of(FILE, to_fifo),
    "lost outputs": of("outputs", shutil.rmtree),
    "a lost manifest": of(LIST, Path.unlink),
    "a cut manifest": of(LIST, lambda p: replace(p, p.read_bytes()[:-2])),
    "a flipped manifest": of(LIST, flip),
    "an empty manifest": of(LIST, lambda p: replace(p, b"")),
    "a queue for a manifest": of(LIST, to_fifo),
    "a deep manifest": of(LIST, lambda p: replace(p, b"[" * 100_000)),
    "a manifest that is a list": of(LIST, lambda p: replace(p, b"[]")),
    "a manifest without files": of(LIST, lambda p: replace(p, b'{"files": null}')),
    "nothing left": emptied,
}


@pytest.mark.parametrize("how", DAMAGE)
def test_a_damaged_entry_is_named_and_never_fetched(
    cache: Path, tmp_path: Path, how: str, capsys: pytest.CaptureFixture[str]
) -> None:
    entry = stored(cache, tmp_path / "one")
    DAMAGE[how](entry)
    text = told(capsys, "check", status=1)
    assert text.startswith(f"{entry}: ") and "1 damaged; `winnow cache evict`" in text
    (tmp_path / "two").mkdir()
    assert not exchange.fetch(cache, KEY, outputs(tmp_path / "two"))
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and said.startswith(f"{entry}: ") and "runs again" in said
    assert not list((tmp_path / "two").iterdir()) and not list(cache.iterdir())
    stored(cache, tmp_path / "two")
    one_whole_entry(cache, [tmp_path / "two"])
    assert "none is damaged" in told(capsys, "check")


@pytest.mark.parametrize("how", DAMAGE)
def test_a_store_does_not_keep_what_is_damaged(cache: Path, tmp_path: Path, how: str) -> None:
    entry = stored(cache, tmp_path / "one")
    DAMAGE[how](entry)
    stored(cache, tmp_path / "two", "b")
    one_whole_entry(cache, [tmp_path / "two"])
    assert (tmp_path / "two/t.csv").read_text() == "b"


@pytest.mark.parametrize("number", [errno.EMFILE, errno.EACCES])
def test_what_cannot_be_read_now_is_no_damage(
    cache: Path, tmp_path: Path, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = stored(cache, tmp_path / "one")

    def refuse(*arguments: object, **options: object) -> None:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", refuse)
        for act in (entries.damage, entries.remove_damaged):
            with pytest.raises(OSError, match=os.strerror(number)):
                act(entry)
    one_whole_entry(cache, [tmp_path / "one"])


def test_a_file_in_the_place_of_an_entry(cache: Path, tmp_path: Path) -> None:
    cache.mkdir()
    (cache / KEY).write_text("no entry")
    stored(cache, tmp_path / "two")
    one_whole_entry(cache, [tmp_path / "two"])


def test_an_entry_under_another_key(
    cache: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    entry = stored(cache, tmp_path / "one")
    entry.rename(cache / ("0" * 32))
    assert "key" in told(capsys, "check", status=1)
    assert not exchange.fetch(cache, "0" * 32, outputs(tmp_path))


@given(data=st.data())
@settings(max_examples=100)
def test_any_flipped_bit_is_seen(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    base = tmp_path_factory.getbasetemp() / "flips"
    if not base.exists():
        stored(base / "cache", base / "one")
    entry = base / "cache" / KEY
    files = sorted(p for p in entry.rglob("*") if p.is_file() and p.stat().st_size)
    file = data.draw(st.sampled_from(files), label="file")
    before = file.read_bytes()
    at = data.draw(st.integers(0, 8 * len(before) - 1), label="bit")
    content = bytearray(before)
    content[at // 8] ^= 1 << at % 8
    replace(file, bytes(content))
    assert entries.damage(entry)
    replace(file, before)
    assert entries.damage(entry) == ""


def test_a_reader_of_a_damaged_link_is_told_what_helps(
    cache: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scores = tmp_path / "it's $(touch hacked)/scores.parquet"
    rows = {"uid": ["a" * 32], "caption_id": [0], "score": [0.5]}
    write_table(scores, pd.DataFrame(rows), SCORES)
    exchange.store(cache, KEY, {"output.parquet": scores})
    words = ["select", f"--scores={scores}", f"--pool={tmp_path}", f"--output={tmp_path / 'o'}"]

    def refused() -> str:
        assert main([*words, "--ratio=0.5"]) == 2
        text = capsys.readouterr().err
        assert text.count("\n") == 1
        return text

    assert "samples.parquet: no such table" in refused()
    entry = cache / KEY / "outputs/output.parquet"
    whole = entry.read_bytes()
    replace(entry, whole[:-1])
    text = refused()
    assert f"{scores}: " in text and "its entry in the cache is damaged" in text
    command = shlex.split(text.split("`")[1])
    assert command[:3] == ["winnow", "cache", "evict"]
    assert "1 removed" in told(capsys, *command[2:])
    assert scores.is_symlink() and not scores.exists() and not list(cache.iterdir())
    scores.unlink()
    write_table(scores, pd.DataFrame(rows).assign(score=float("inf")), SCORES)
    exchange.store(cache, KEY, {"output.parquet": scores})
    assert "cache" not in refused(), "nothing is wrong with the entry"


# modes, and files that others hold


def test_modes(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = os.umask(0)
    try:
        entry = stored(cache, tmp_path / "one")
    finally:
        os.umask(before)
    assert stat.S_IMODE(cache.stat().st_mode) == 0o700
    for path in (entry, *entry.rglob("*")):
        expected = 0o755 if path.is_dir() else 0o444
        assert stat.S_IMODE(path.stat().st_mode) == expected, path
    cache.chmod(0o770)
    entries.remove(entry)
    stored(cache, tmp_path / "two")
    assert stat.S_IMODE(cache.stat().st_mode) == 0o770


def test_an_artifact_cannot_be_edited_through_its_link(cache: Path, tmp_path: Path) -> None:
    (tmp_path / "probe").touch(mode=0o444)
    if os.access(tmp_path / "probe", os.W_OK):
        pytest.skip("root may write to every file")
    stored(cache, tmp_path / "one")
    with pytest.raises(PermissionError):
        (tmp_path / "one/t.csv").write_text("edited")


def test_cells_are_copies_that_may_be_edited(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    cell = Path("artifacts/cells/contrastive/raw/none/1.0/0")
    for attempt in range(2):
        if attempt:
            assert exchange.fetch(cache, KEY, {"output": cell})
        else:
            cell.mkdir(parents=True)
            (cell / "metrics.json").write_text("{}")
            exchange.store(cache, KEY, {"output": cell})
        record = cell / "metrics.json"
        assert not record.is_symlink() and record.read_text() == "{}"
        assert record.stat().st_mode & stat.S_IWUSR
        record.write_text("edited")
        assert entries.damage(cache / KEY) == ""


def test_a_users_files_behind_outputs_are_copied(cache: Path, tmp_path: Path) -> None:
    mine, space = tmp_path / "mine.bin", tmp_path / "one"
    mine.write_bytes(b"mine")
    mine.chmod(0o640)
    space.mkdir()
    (space / "a").symlink_to(mine)
    (space / "b").hardlink_to(mine)
    exchange.store(cache, KEY, {"output_a": space / "a", "output_b": space / "b"})
    assert stat.S_IMODE(mine.stat().st_mode) == 0o640
    mine.write_bytes(b"edited")
    assert (space / "a").read_bytes() == (space / "b").read_bytes() == b"mine"
    assert entries.damage(cache / KEY) == ""


@pytest.mark.parametrize("kind", ["fifo", "dead link", "link to a folder", "nothing"])
def test_what_no_job_makes_is_refused(cache: Path, tmp_path: Path, kind: str) -> None:
    made = make(tmp_path / "one")
    odd = tmp_path / "one/model/odd"
    if kind == "fifo":
        os.mkfifo(odd)
    elif kind == "nothing":
        made["output_table.csv"].unlink()
        odd = made["output_table.csv"]
    else:
        odd.symlink_to(tmp_path if kind == "link to a folder" else tmp_path / "no such")
    with pytest.raises(WinnowError, match="no file and no folder") as caught:
        exchange.store(cache, KEY, made)
    assert str(caught.value).startswith(f"{odd}: ") and not list(cache.iterdir())


def test_outputs_that_differ_in_a_suffix_alone_share_no_entry() -> None:
    keys = {entries.entry_key("hash", names) for names in (["output.csv"], ["output.md"])}
    assert len(keys) == 2
    assert entries.entry_key("h", ["a", "b"]) == entries.entry_key("h", ["b", "a"])


# disks


@pytest.mark.parametrize("what", ["3.bin", "t.csv", "entry"])
def test_on_a_full_disk_outputs_stay_in_the_workspace(
    cache: Path,
    tmp_path: Path,
    what: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Whichever output no longer fits, or if there is no room for the name of the entry."""
    made, move = make(tmp_path / "one"), shutil.move
    before = contents(tmp_path / "one")

    def full(source: Path, target: Path) -> None:
        if what in ("entry", *source.parts):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        move(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(*((Path, "rename") if what == "entry" else (shutil, "move")), full)
        exchange.store(cache, KEY, made)
    text = capsys.readouterr().err
    assert text.startswith(f"warning: {cache}: ") and text.count("\n") == 1
    assert "No space left" in text and "winnow cache evict" in text
    assert contents(tmp_path / "one") == before and not list(cache.iterdir())
    assert not any(path.is_symlink() for path in (tmp_path / "one").rglob("*"))
    exchange.store(cache, KEY, made)
    one_whole_entry(cache, [tmp_path / "one"])


def test_a_cache_on_another_disk(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.rename

    def rename(source: str | Path, target: str | Path) -> None:
        if Path(source).is_relative_to(tmp_path / "one"):
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))
        real(source, target)

    monkeypatch.setattr(os, "rename", rename)
    stored(cache, tmp_path / "one")
    one_whole_entry(cache, [tmp_path / "one"])


# evictions


def test_runs_that_fetch_and_store_while_others_evict(cache: Path, tmp_path: Path) -> None:
    stop, faults, counts = threading.Event(), list[BaseException](), SimpleNamespace(hit=0, miss=0)

    def evict() -> None:
        while not stop.is_set():
            for entry in entries.entries(cache):
                entries.remove(entry)

    def run(number: int) -> None:
        space = tmp_path / str(number)
        try:
            for attempt in range(40):
                space.mkdir(exist_ok=True)
                if exchange.fetch(cache, KEY, outputs(space)):
                    counts.hit += 1
                else:
                    counts.miss += 1
                    assert not list(space.iterdir())
                    try:
                        exchange.store(cache, KEY, make(space, f"{number} {attempt}"))
                    except WinnowError as error:
                        assert "evicted while" in str(error)
                shutil.rmtree(space)
        except BaseException as error:
            faults.append(error)

    evictor = threading.Thread(target=evict)
    evictor.start()
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(run, range(3)))
    stop.set()
    evictor.join()
    assert not faults and counts.miss, faults
    assert [entries.damage(entry) for entry in entries.entries(cache)] in ([], [""])
    assert not [p for p in cache.iterdir() if p.name.startswith(entries.TEMPORARY)]


def test_eviction_by_age_counts_from_the_last_use(
    cache: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    entry = stored(cache, tmp_path / "one")
    old = time.time() - 10 * 24 * 3600
    os.utime(entry / "manifest.json", (old, old))
    assert "1 entries" in told(capsys, "size") and "10.0 days ago" in told(capsys, "size")
    told(capsys, "evict", "--older-than", "11")
    assert exchange.fetch(cache, KEY, outputs(tmp_path / "one"))
    told(capsys, "evict", "--older-than", "9")
    assert entry.exists(), "it was used just now"
    os.utime(entry / "manifest.json", (old, old))
    assert "1 removed" in told(capsys, "evict", "--older-than", "9")
    assert not list(cache.iterdir())


def test_what_is_not_the_caches_own_stays(
    cache: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stored(cache, tmp_path / "one")
    kept = [
        cache / "notes.txt",
        cache / ("a" * 32) / "mine",
        cache / ("b" * 31),
        cache / "tmpabcdefgh",
        cache / ".tmp-mine",
    ]
    earlier = [cache / f"{'c' * 64}{end}" for end in (".parquet", "_model", "_t.csv")]
    for path in (*kept, *earlier):
        path.parent.mkdir(exist_ok=True)
        path.write_text("x")
    text = told(capsys, "size")
    assert "1 entries" in text and "3 of an earlier version" in text
    assert "none is damaged" in told(capsys, "check")
    for path in kept:
        os.utime(path, (0, 0))
    assert "0 removed" in told(capsys, "evict")
    assert "4 removed" in told(capsys, "evict", "--all")
    assert all(path.exists() for path in kept) and not any(path.exists() for path in earlier)
    assert "0 entries" in told(capsys, "size")


def test_eviction_of_what_a_link_or_a_folder_leads_to(
    cache: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number, name in enumerate(("t.csv", "model", ".")):
        space = tmp_path / str(number)
        entry = stored(cache, space)
        assert "1 removed" in told(capsys, "evict", str(space / name))
        assert not entry.exists() and not (space / "t.csv").exists()
    stored(cache, tmp_path / "again")
    assert "1 removed" in told(capsys, "evict", str(cache / KEY))
    (tmp_path / "plain").write_text("no link")
    assert "leads to no entry" in told(capsys, "evict", str(tmp_path / "plain"), status=2)


def test_a_folder_that_is_named_like_an_entry_stays(
    cache: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stored(cache, tmp_path / "one")
    mine = tmp_path / "workspace" / ("a" * 32)
    (mine / "outputs").mkdir(parents=True)
    (mine / "outputs/best.bin").write_bytes(b"mine")
    (tmp_path / "link").symlink_to(mine / "outputs/best.bin")
    for path in (mine, mine / "outputs/best.bin", mine.parent, tmp_path / "link"):
        assert "leads to no entry" in told(capsys, "evict", str(path), status=2)
    (mine.parent / "t.csv").symlink_to(cache / KEY / "outputs/output_table.csv")
    assert "1 removed" in told(capsys, "evict", str(mine.parent))
    assert (mine / "outputs/best.bin").read_bytes() == b"mine" and not list(cache.iterdir())


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["check", "--all"], "for `winnow cache evict`"),
        (["size", "here"], "for `winnow cache evict`"),
        (["evict", "--all", "--older-than=3"], "only one"),
        (["evict", "--older-than", "nan"], "from 0 on"),
        (["evict", "--older-than=-1"], "from 0 on"),
        (["evict", "--older-than", "soon"], "--older-than"),
        (["prune"], "'check', 'evict' or 'size' (is 'prune')"),
        ([], "action: missing"),
    ],
)
def test_wrong_words_are_one_line_and_remove_nothing(
    cache: Path,
    tmp_path: Path,
    words: list[str],
    expected: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    entry = stored(cache, tmp_path / "one")
    text = told(capsys, *words, status=2)
    assert expected in text and text.count("\n") == 1 and entry.exists()


def test_a_cache_that_is_no_folder(cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "0 entries" in told(capsys, "check") and not cache.exists()
    cache.write_text("a file")
    for action in ("check", "size", "evict"):
        assert "SNAKEMAKE_OUTPUT_CACHE" in told(capsys, action, status=2)
