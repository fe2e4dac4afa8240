"""What a machine runs out of is named, with what to do; what was killed leaves nothing behind."""

import errno
import os
import resource
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from conftest import World
from filelock import FileLock
from test_forkserver import OWNER, SECONDS, command, owning, wait_for
from workflow_helpers import ROOT, Clone, clone

from winnow import forkserver
from winnow.command.line import main
from winnow.data import resource_errors, temporary_folders
from winnow.data.errors import BadImageError, WinnowError
from winnow.data.files import atomic_path, cache_folder, write_text
from winnow.data.images import normalise
from winnow.sources.formats.terrarium import TerrariumSource
from winnow.training.images import decode

GIB = 2**30


# one line, and the right blame


def limited(words: list[str], folder: Path, **limits: int) -> subprocess.CompletedProcess[str]:
    """A command under limits, as of `ulimit`."""

    def limit() -> None:
        for name, value in limits.items():
            resource.setrlimit(getattr(resource, name), (value, value))

    return subprocess.run(
        words, cwd=folder, preexec_fn=limit, capture_output=True, text=True, timeout=SECONDS
    )


def training(world: World) -> list[str]:
    words = ["winnow", "train-standin", "--pool", str(world.pool), "--human", str(world.human_path)]
    words += ["--role", "clip", "--output", "out", "--threads=1"]
    return [*words, "--batch-size=12", "--samples-seen=36"]


def test_too_little_address_space_is_named(world: World, tmp_path: Path) -> None:
    """Too little for torch: its library says so by an ImportError."""
    ended = limited(training(world), tmp_path, RLIMIT_AS=GIB)
    assert ended.returncode == 2 and "Traceback" not in ended.stderr
    (line,) = ended.stderr.splitlines()
    assert line.startswith("winnow train-standin: out of memory") and "ulimit -v" in line
    assert list(tmp_path.iterdir()) == []


def test_too_few_files_are_named(world: World, tmp_path: Path) -> None:
    ended = limited(training(world), tmp_path, RLIMIT_NOFILE=5)
    assert ended.returncode == 2, ended.stderr
    (line,) = ended.stderr.splitlines()
    assert "Too many open files: 5 are allowed" in line and "ulimit -n" in line


def shortage_of(raised: BaseException, cause: BaseException | None = None) -> str | None:
    try:
        raise raised from cause
    except BaseException as error:
        return resource_errors.shortage(error)


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (MemoryError(), "out of memory; take less"),
        (MemoryError("Unable to allocate 3.00 GiB"), "out of memory (Unable to allocate"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried"), "out of memory"),
        (RuntimeError("CUDA out of memory. Tried to allocate 2 GiB"), "out of memory (CUDA"),
        (ImportError("x.so: failed to map segment from shared object"), "out of memory"),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), "out of memory"),
        (RuntimeError("can't start new thread"), "no thread or process can be started"),
        (BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable"), "no thread or process"),
        (OSError(errno.EMFILE, "Too many open files", "a.tar"), "Too many open files"),
        (OSError(errno.ENOSPC, "No space left on device"), "No space left on device: "),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), "MB free"),
        (RuntimeError("unable to write to file </torch_1>: No space left on device (28)"), "/dev/"),
        (ValueError("I/O error: No space left on device (os error 28)"), "MB free"),
        (BrokenProcessPool("terminated abruptly"), "a process of this command was killed"),
        (FileNotFoundError(2, "No usable temporary directory found in ['/a']"), "TMPDIR"),
    ],
)
def test_what_ran_out_is_told_whatever_wraps_it(error: Exception, told: str) -> None:
    blaming = WinnowError("a.tar: damaged shard; delete it and run again")
    for found in (shortage_of(error), shortage_of(blaming, error)):
        assert found is not None and told in found and "a.tar" not in found


@pytest.mark.parametrize(
    "error",
    [
        WinnowError("the server says: out of memory"),
        ValueError("caption 'out of memory'"),
        FileNotFoundError(2, "No such file or directory"),
        RuntimeError("shapes do not fit"),
    ],
)
def test_other_errors_are_not_taken_for_it(error: Exception) -> None:
    assert shortage_of(error) is None


def test_a_shard_is_not_blamed_for_what_ran_out(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*arguments: Any, **options: Any) -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr("tarfile.open", refuse)
    words = ["segmentation-set", f"--pool={world.pool}", "--output=o", "--labels=4", "--seed=0"]
    assert main([*words, "--threads=1"]) == 2
    said = capsys.readouterr().err
    assert "Too many open files" in said and "delete" not in said and said.count("\n") == 1


def test_memory_that_ran_out_makes_no_image_bad(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would be left out of the pool, and other results follow."""

    def refuse(*arguments: Any, **options: Any) -> None:
        raise MemoryError

    monkeypatch.setattr("PIL.Image.open", refuse)
    with pytest.raises(MemoryError):
        normalise(b"\x89PNG\r\n\x1a\n" + bytes(100))
    monkeypatch.undo()
    with pytest.raises(BadImageError):
        normalise(b"\x89PNG\r\n\x1a\n" + bytes(100))


# disks


def full(*arguments: Any, **options: Any) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_is_named_with_what_is_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "out.txt"
    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", full)
        with pytest.raises(WinnowError, match=r"cannot write .*out\.txt: No space left.*MB free"):
            write_text(target, "x")
    assert list(tmp_path.iterdir()) == []

    class Inodeless:
        f_bavail, f_frsize, f_files, f_favail = 10**9, 1000, 5, 0

    monkeypatch.setattr("tempfile.mkdtemp", full)
    monkeypatch.setattr("os.statvfs", lambda place: Inodeless)
    with pytest.raises(WinnowError, match=r"cannot write .*no file more \(inodes\)"):
        write_text(target, "x")


def test_a_full_folder_for_temporary_files_is_blamed_and_not_the_output(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.posix_fallocate", full)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    with (
        pytest.raises(WinnowError) as caught,
        atomic_path(tmp_path / "out") as temporary,
    ):
        temporary.mkdir()
        prepare: Callable[..., np.ndarray] = np.asarray
        decode(prepare, 48, world.pool, world.of("pool"), scratch / "pixels.npy")
    assert str(caught.value).startswith(f"{scratch}/pixels.npy: No space left on device")
    assert not str(caught.value).startswith("cannot write")


@pytest.mark.parametrize(
    ("out", "missing"),
    [("out", "nowhere/in"), ("out/a", "out/a.parquet"), ("out/a.parquet", "out/a"), ("a", "ab/c")],
)
def test_a_file_that_is_missing_is_not_called_unwritable(
    tmp_path: Path, out: str, missing: str
) -> None:
    with (
        pytest.raises(WinnowError) as caught,
        atomic_path(tmp_path / out) as temporary,
    ):
        temporary.write_bytes((tmp_path / missing).read_bytes())
    told = str(caught.value)
    assert told.startswith(f"{tmp_path / missing}: No such file") and "permissions" not in told
    assert told.endswith(f"run again: {tmp_path / out} was to be written")


@pytest.mark.parametrize("inside", ["", "folder/b.bin"])
def test_what_cannot_be_written_itself_is_named(tmp_path: Path, inside: str) -> None:
    with pytest.raises(WinnowError) as caught, atomic_path(tmp_path / "out/a") as temporary:
        raise PermissionError(errno.EACCES, "Permission denied", str(temporary / inside))
    told = str(caught.value)
    assert told.startswith(f"cannot write {tmp_path}/out/a: Permission denied (free space or perm")


def test_no_shared_memory_is_done_without(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("multiprocessing.synchronize.SemLock.__init__", full)
    source = TerrariumSource(pool=2, reference=1, test=1, size=32)
    found = [record.image for record in source.records(workers=2)]
    assert "no shared memory (/dev/shm" in capsys.readouterr().err
    assert found == [record.image for record in source.records(workers=1)]


# homes and temporary folders


def test_no_home_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def homeless(*arguments: Any) -> None:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(Path, "home", homeless)
    with pytest.raises(WinnowError, match="XDG_CACHE_HOME"):
        cache_folder()


@pytest.fixture(scope="module")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    folder = tmp_path_factory.mktemp("untouched")
    return clone(folder / "clone", folder / "state")


def test_a_home_that_cannot_be_written_is_one_line_or_no_matter(untouched: Clone) -> None:
    made = Clone(untouched.folder, {**untouched.environment, "HOME": "/dev/null"})
    cache = made.environment["SNAKEMAKE_OUTPUT_CACHE"]
    for name in ("XDG_CACHE_HOME", "SNAKEMAKE_OUTPUT_CACHE"):
        del made.environment[name]
    words = ["snakemake", "--cores", "1", "--", "artifacts/sweep.csv"]
    refused = made.run(*words)
    assert refused.code != 0 and "Traceback" not in refused.text
    assert "/dev/null/.cache/winnow/snakemake: the cache of outputs cannot be" in refused.text
    assert made.run(*words, SNAKEMAKE_OUTPUT_CACHE=cache).code == 0
    assert (made.folder / "artifacts/sweep.csv").is_file()


def test_what_killed_jobs_left_is_swept_by_the_next_run(untouched: Clone) -> None:
    """Also of an output that nobody asks for again, and no sooner than by a run that does jobs."""
    left = untouched.folder / "artifacts/cells/.0.abcd_123"
    left.mkdir(parents=True)
    (left / temporary_folders.OWNER).touch()
    (left / "big").write_text("x")
    untouched.snakemake("--dry-run", "--", "artifacts/sweep.csv")
    assert left.exists()
    with owned(untouched.folder / "artifacts/pool") as alive:
        untouched.snakemake("--", "artifacts/sweep.csv")
        assert alive.exists() and not left.exists()


@contextmanager
def owned(path: Path) -> Iterator[Path]:
    with ExitStack() as stack:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield stack.enter_context(temporary_folders.temporary_folder(path))


# what was killed


HOLD = (
    "import sys, time; from pathlib import Path; from winnow.data import temporary_folders as own;"
    "place = sys.argv[1:];"
    "how = own.temporary_folder(Path(place[0])) if place else own.scratch_folder();"
    "print(how.__enter__(), flush=True); time.sleep(600)"
)


@pytest.mark.parametrize("kind", ["output", "scratch"])
def test_what_a_killed_job_left_is_swept_and_a_live_ones_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    target = tmp_path / "a [x] b*"  # what `glob` reads otherwise
    words = [sys.executable, "-c", HOLD, *([str(target)] if kind == "output" else [])]
    mine = {**os.environ, "TMPDIR": str(tmp_path)}
    jobs = [subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=mine) for _ in range(2)]
    killed, alive = (Path(job.stdout.readline().strip()) for job in jobs if job.stdout)
    strange = tmp_path / "winnow-notes"  # of nobody's of ours
    strange.mkdir()
    jobs[0].kill()
    jobs[0].wait()
    assert killed.exists()
    how = (
        temporary_folders.temporary_folder(target)
        if kind == "output"
        else temporary_folders.scratch_folder()
    )
    with how as own:
        assert own.is_dir()
    assert not killed.exists() and not own.exists()
    assert alive.exists() and strange.exists()
    jobs[1].kill()
    jobs[1].wait()
    for job in jobs:
        if job.stdout:
            job.stdout.close()


def test_a_folder_that_is_swept_before_it_is_locked_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock, swept = temporary_folders.fcntl.flock, []

    def late(mark: Any, how: int) -> None:
        if not swept and not how & temporary_folders.fcntl.LOCK_NB:
            swept.extend(tmp_path.iterdir())
            temporary_folders.remove_abandoned(swept)
        lock(mark, how)

    monkeypatch.setattr(temporary_folders.fcntl, "flock", late)
    with temporary_folders.temporary_folder(tmp_path / "out") as own:
        assert own.is_dir() and swept and own not in swept and not swept[0].exists()


@pytest.fixture
def long_folder(tmp_path: Path) -> Path:
    """A folder of whose name alone a socket's path has no room."""
    folder = tmp_path / ("t" * 90)
    folder.mkdir()
    return folder


def test_a_killed_server_is_started_again_also_in_a_long_folder(
    long_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(long_folder))
    with owning() as owner:
        assert len(str(owner.socket)) > 107
        first, bell = owner.children()[0], owner.socket.with_name("bell")
        was = bell.stat().st_ctime_ns
        owner.socket.touch()  # as one that listened leaves it
        first.kill()
        wait_for(lambda: _changed(bell) not in (was, 0))
        (second,) = owner.children()
        alone = command(["--help"], tmp_path, owner.socket)
        assert "recipes" in alone.communicate(timeout=SECONDS)[0]
        wait_for(owner.socket.is_socket)
        words = ["pool", "--output=p", "--human=c", "--layouts=l", SOURCE]
        served = command(words, tmp_path, owner.socket)
        wait_for(second.children)
        served.kill()
        served.communicate()
        owner.communicate()


def _changed(path: Path) -> int:
    """When a file was changed, in nanoseconds; 0 where there is none."""
    return path.stat().st_ctime_ns if path.exists() else 0


SOURCE = '--source={"kind": "terrarium", "pool": 100000, "reference": 10, "test": 10}'


def test_a_server_that_is_killed_again_and_again_is_given_up(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def killed(path: Path, environment: Any) -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, "-c", "import os; os.kill(os.getpid(), 9)"])

    monkeypatch.setattr(forkserver, "_started", killed)
    running = [killed(tmp_path, {})]
    forkserver._keep(running, tmp_path / "socket", {}, threading.Event())
    told = capfd.readouterr().err.splitlines()
    again = "winnow: the fork server was killed (signal 9): it is started again"
    assert told[:-1] == [again] * forkserver.AGAIN and "jobs run by themselves" in told[-1]
    assert len(running) == forkserver.AGAIN + 1


def test_without_room_for_a_server_jobs_run_by_themselves(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("tempfile.mkdtemp", full)
    assert forkserver.start({}) == {}
    assert "no fork server (No space left on device)" in capfd.readouterr().err


def test_a_server_that_no_thread_can_watch_is_ended(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    begin, servers = forkserver._started, list[subprocess.Popen[bytes]]()

    def started(path: Path, environment: Any) -> subprocess.Popen[bytes]:
        servers.append(begin(path, environment))
        return servers[0]

    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(forkserver, "_started", started)
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        assert forkserver.start(os.environ) == {}
    assert "no fork server (can't start new thread): jobs run by" in capfd.readouterr().err
    with servers[0] as server:
        assert server.wait(SECONDS) == -signal.SIGTERM
        assert not Path(str(server.args[-1])).parent.exists()


def test_a_temporary_folder_that_is_not_there_is_no_matter(tmp_path: Path) -> None:
    mine = {**os.environ, "TMPDIR": str(tmp_path / "none")}
    words = [sys.executable, "-c", OWNER]
    with psutil.Popen(
        words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=mine
    ) as process:
        socket = Path(process.stdout.readline().strip())
        wait_for(socket.with_name("bell").exists)
        process.communicate()


@pytest.mark.parametrize(("later", "told"), [(7, "by a signal"), (8, "for want of memory")])
def test_why_a_child_was_killed_is_told(
    later: int,
    told: str,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    counts = iter([7, later])
    monkeypatch.setattr(forkserver, "_killed_for_memory", lambda: next(counts))
    with forkserver.socket.socket(forkserver.socket.AF_UNIX) as listener:
        monkeypatch.chdir(tmp_path)
        listener.bind("s")
        listener.listen()

        def serve() -> None:
            connection = listener.accept()[0]
            with connection.makefile() as lines:
                _ = [lines.readline() for _ in range(2)]  # a mark for the streams, the request
            connection.send(b"\n")  # it has begun
            connection.close()

        thread = threading.Thread(target=serve)
        thread.start()
        assert forkserver._ask(tmp_path / "s", ["recipes"]) == forkserver.KILLED
        thread.join()
    assert f"was killed {told}" in capfd.readouterr().err


def test_kills_for_want_of_memory_are_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts = tmp_path / "vmstat"
    monkeypatch.setattr(forkserver, "VMSTAT", counts)
    assert forkserver._killed_for_memory() == 0
    counts.write_text("nr_free_pages 12\noom_kill 3\n")
    assert forkserver._killed_for_memory() == 3


# two at once


def test_a_second_submission_at_once_is_refused_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("Snakefile", "params.yaml"):
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    (tmp_path / ".snakemake").mkdir()
    with FileLock(tmp_path / ".snakemake/submit.lock"):
        assert main(["submit", "--folder=theirs", "--threads=1"]) == 2
    said = capsys.readouterr().err
    assert "another `winnow submit` is at work here; nothing was copied" in said
    assert said.count("\n") == 1 and not (tmp_path / "submissions").exists()
    assert main(["submit", "--folder=theirs", "--threads=1"]) == 2
    assert "theirs: no such folder" in capsys.readouterr().err
