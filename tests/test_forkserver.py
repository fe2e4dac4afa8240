"""The server that runs commands in forked children: as a command alone would run, and no longer."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest
from conftest import World

from winnow.forkserver import KILLED, SOCKET

SECONDS = 120  # for what takes a few, on a busy machine
# Starts a server, says where it listens, and lives until its own input ends.
OWNER = (
    "import os, sys; from winnow import forkserver;"
    "print(*forkserver.start(os.environ).values(), flush=True); sys.stdin.read()"
)
SLOW = ["pool", "--output", "pool", "--human", "c.parquet", "--layouts", "l.parquet"]
SLOW += ['--source={"kind": "terrarium", "pool": 100000, "reference": 10, "test": 10}']


def wait_for(true: Callable[[], object]) -> None:
    end = time.monotonic() + SECONDS
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)


@contextmanager
def owning() -> Iterator[psutil.Popen]:
    """A process with a server that waits for a command; `socket` is where it will listen."""
    with psutil.Popen(
        [sys.executable, "-c", OWNER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        process.socket = Path(process.stdout.readline().strip())
        wait_for(process.socket.with_name("bell").exists)
        yield process


@pytest.fixture(scope="module")
def owner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[psutil.Popen]:
    """A process with a server that listens; `socket` is where."""
    with owning() as process:
        first = command(["--help"], tmp_path_factory.mktemp("first"), process.socket)
        assert "recipes" in first.communicate(timeout=SECONDS)[0]
        wait_for(process.socket.exists)
        yield process


def command(
    words: list[str], folder: Path, socket: Path | None = None, threads: int = 1
) -> subprocess.Popen[str]:
    return subprocess.Popen(
        ["winnow", *words, "--threads", str(threads)],
        cwd=folder,
        env={**os.environ, SOCKET: str(socket)} if socket else dict(os.environ),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def child(owner: psutil.Popen, folder: Path) -> psutil.Process:
    """The server's child that is at work in a folder, as soon as it is."""
    found: list[psutil.Process] = []

    def there() -> bool:
        for process in owner.children()[0].children():
            with suppress(psutil.Error):  # one that is just ending
                found.extend([process] * (process.cwd() == str(folder)))
        return bool(found)

    wait_for(there)
    return found[0]


@pytest.mark.parametrize(
    "words",
    [
        ["recipes", "--output", "out.json", "--seeds=[0, 1]", "--recipes={}", "--tuned={}"],
        ["recipes", "--output", "out.json", "--colour=red"],
        ["recipes"],
        ["select", "--scores", "none.parquet", "--pool", "none", "--output", "o", "--ratio=0.3"],
    ],
)
def test_a_command_does_what_it_does_alone(
    owner: psutil.Popen, tmp_path: Path, words: list[str]
) -> None:
    ends = []
    for name, socket in (("server", owner.socket), ("alone", None)):
        folder = tmp_path / name
        folder.mkdir()
        process = command(words, folder, socket)
        said = process.communicate(timeout=SECONDS)
        made = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
        ends.append((process.returncode, *said, made))
    assert ends[0] == ends[1]
    assert ends[0][1] or ends[0][2] or ends[0][3]


@pytest.mark.parametrize("threads", [1, 2])
def test_weights_are_those_that_it_trains_alone(
    owner: psutil.Popen, world: World, tmp_path: Path, threads: int
) -> None:
    words = ["train-standin", "--pool", str(world.pool), "--human", str(world.human_path)]
    words += ["--role", "clip", "--output", "model", "--batch-size=12", "--samples-seen=36"]
    weights = []
    for name, socket in (("server", owner.socket), ("alone", None)):
        folder = tmp_path / name
        folder.mkdir()
        process = command(words, folder, socket, threads)
        said = process.communicate(timeout=SECONDS)
        assert process.returncode == 0, said
        weights.append((folder / "model/open_clip_model.safetensors").read_bytes())
    assert weights[0] == weights[1]


def test_a_command_ends_with_its_client(owner: psutil.Popen, tmp_path: Path) -> None:
    client = command(SLOW, tmp_path, owner.socket)
    at_work = child(owner, tmp_path)
    wait_for(lambda: any(tmp_path.iterdir()))
    client.send_signal(signal.SIGKILL)
    at_work.wait(SECONDS)
    assert list(tmp_path.iterdir()) == []
    client.communicate()


def test_a_killed_command_is_told(owner: psutil.Popen, tmp_path: Path) -> None:
    client = command(SLOW, tmp_path, owner.socket)
    child(owner, tmp_path).kill()
    assert "killed" in client.communicate(timeout=SECONDS)[1]
    assert client.returncode == KILLED


def test_a_server_without_commands_imports_nothing() -> None:
    with owning() as process:
        server = process.children()[0]
        assert not [m for m in server.memory_maps() if "torch" in m.path]
        process.communicate()  # closes its input
        server.wait(SECONDS)
        assert not process.socket.exists()


def test_a_server_ends_with_its_owner(owner: psutil.Popen, tmp_path: Path) -> None:
    """The last test: a killed owner cannot say goodbye."""
    server = owner.children()[0]
    owner.kill()
    server.wait(SECONDS)
    wait_for(lambda: not owner.socket.parent.exists())
    alone = command(["--help"], tmp_path, owner.socket)
    assert "recipes" in alone.communicate(timeout=SECONDS)[0]
    assert alone.returncode == 0
