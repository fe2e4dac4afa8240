"""The `winnow` command, run by a process that has imported everything before.

Most jobs of the DAG are short, and importing torch, open_clip and transformers is half of their
time. A run of Snakemake starts one server (`start`), which at the first command imports winnow and
all it needs, and from then on forks a child for each (as `multiprocessing`'s forkserver does for
functions). Without a server, before it listens, and where there is a GPU, which no fork may share,
the command runs as usual: the same verbs with the same threads. A run that finds all in the cache
has no command, and imports nothing.
"""

import atexit
import contextlib
import gc
import importlib
import json
import os
import pkgutil
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import traceback
from collections.abc import Mapping
from pathlib import Path

SOCKET = "WINNOW_FORKSERVER"  # the environment variable that names the server's socket
# What winnow imports only inside functions, and what takes its time
LATER = ("sklearn.covariance", "matplotlib.pyplot")
KILLED = 137  # the exit status of a command whose process is gone


def main() -> int:
    """Run one verb: by the server, if one listens, or here."""
    path = os.environ.get(SOCKET)
    if path:
        status = _ask(path, sys.argv[1:])
        if status is not None:
            return status
    from winnow.cli import main as run

    return run()


def start(environment: Mapping[str, str]) -> dict[str, str]:
    """Start a server that ends with this process; returns the variable that names its socket."""
    folder = Path(tempfile.mkdtemp(prefix="winnow-"))  # only its owner may enter
    path = str(folder / "socket")
    threads = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
    server = subprocess.Popen(
        [sys.executable, "-m", "winnow.forkserver", path],
        stdin=subprocess.PIPE,  # closed when this process ends, however it does
        stdout=subprocess.DEVNULL,
        # One thread, as no others survive a fork; a command that takes more starts them
        env={**environment, **dict.fromkeys(threads, "1"), "TOKENIZERS_PARALLELISM": "false"},
        start_new_session=True,  # Ctrl-C is for the commands, which pass it on
    )
    atexit.register(_stop, server, folder)
    return {SOCKET: path}


def _stop(server: subprocess.Popen[bytes], folder: Path) -> None:
    server.terminate()
    shutil.rmtree(folder, ignore_errors=True)


def _ask(path: str, words: list[str]) -> int | None:
    """The exit status of a command that the server runs; None if no server listens."""
    with socket.socket(socket.AF_UNIX) as connection:
        try:
            connection.connect(path)
        except OSError:
            wake(path)
            return None
        request = {"words": words, "folder": str(Path.cwd()), "environment": dict(os.environ)}
        socket.send_fds(connection, [b"\n"], [0, 1, 2])
        connection.sendall(json.dumps(request).encode() + b"\n")
        status = connection.recv(1)
    if not status:
        print("winnow: the process of this command was killed", file=sys.stderr)
    return status[0] if status else KILLED


def _bell(path: str) -> str:
    """The socket of a server that has imported nothing yet, beside the one it will listen to."""
    return str(Path(path).with_name("bell"))


def wake(path: str) -> None:
    """Tell a server that there are commands, if it waits for that."""
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.sendto(b"\n", _bell(path))


def _serve(path: str) -> None:
    """Fork a child for each command until the process that started the server has ended."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as bell:
        bell.bind(_bell(path))
        if sys.stdin in select.select([bell, sys.stdin], [], [])[0]:
            return
    modules = pkgutil.walk_packages(importlib.import_module("winnow").__path__, "winnow.")
    for name in (*(module.name for module in modules), *LATER):
        with contextlib.suppress(Exception):  # the command that needs it says what is wrong
            importlib.import_module(name)
    with contextlib.suppress(Exception):
        importlib.import_module("winnow.models.mmsegmentation").load()
    if sys.modules["torch"].cuda.is_available():
        return  # what has looked for a GPU must not fork
    gc.freeze()  # what was imported is garbage to no child
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the children
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen(os.cpu_count() or 1)
        while sys.stdin not in select.select([listener, sys.stdin], [], [])[0]:
            connection, _ = listener.accept()
            if os.fork() == 0:
                listener.close()
                try:
                    _run(connection)
                finally:  # a child never goes on as a server
                    os._exit(KILLED)
            connection.close()


def _run(connection: socket.socket) -> None:
    """Run the command that a client asks for, in its folder, environment and streams."""
    from winnow.cli import main as run

    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's `&` has it ignored
    for stream, given in enumerate(socket.recv_fds(connection, 1, 3)[1]):
        os.dup2(given, stream)
        os.close(given)
    with connection.makefile() as lines:
        request = json.loads(lines.readline())
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    threading.Thread(target=_end_with, args=[connection], daemon=True).start()
    try:
        status = run(request["words"])
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 1
    except KeyboardInterrupt:  # nobody is there to read why
        status = KILLED
    except BaseException:
        traceback.print_exc()
        status = 1
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the client may go, now
    sys.stdout.flush()
    sys.stderr.flush()
    connection.send(bytes([status]))
    os._exit(status)


def _end_with(connection: socket.socket) -> None:
    """Interrupt this process when its client is gone: killed, or interrupted itself."""
    connection.recv(1)
    os.kill(os.getpid(), signal.SIGINT)


if __name__ == "__main__":
    try:
        _serve(sys.argv[1])
    finally:
        shutil.rmtree(Path(sys.argv[1]).parent, ignore_errors=True)
