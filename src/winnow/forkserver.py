"""The `winnow` command, run by a process that has imported everything before.

Most jobs of the DAG are short, and importing torch, open_clip and transformers is half of their
time. A run of Snakemake starts one server (`start`), which at the first command imports winnow and
all it needs, and from then on forks a child for each (as `multiprocessing`'s forkserver does for
functions). Without a server, before it listens, and where there is a GPU, which no fork may share,
it runs as usual: the same command with the same threads. A run that finds all in the cache
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
import threading
import traceback
from collections.abc import Mapping
from pathlib import Path

from winnow.data.temporary_folders import scratch_folder

SOCKET = "WINNOW_FORKSERVER"  # the environment variable that names the server's socket
# What winnow imports only inside functions, and what takes its time
LATER = ("sklearn.covariance", "matplotlib.pyplot")
KILLED = 137  # the exit status of a command whose process is gone
BELL = "bell"  # the socket, beside its own, of a server that has imported nothing yet
AGAIN = 3  # times that a killed server is started again
VMSTAT = Path("/proc/vmstat")


def main() -> int:
    """Run one command: by the server, if one listens, or here."""
    path = os.environ.get(SOCKET)
    if path:
        status = _ask(Path(path), sys.argv[1:])
        if status is not None:
            return status
    from winnow.command.line import main as run

    return run()


def start(environment: Mapping[str, str]) -> dict[str, str]:
    """Start a server that ends with this process, and is started again when it is killed; returns
    the variable that names its socket. Where none can be started, it says so, and returns none."""
    held = contextlib.ExitStack()
    try:
        path = held.enter_context(scratch_folder()) / "socket"  # only its owner may enter
        running = [_started(path, environment)]
        held.callback(lambda: running[-1].terminate())
        ending = threading.Event()
        watched = [running, path, environment, ending]
        threading.Thread(target=_keep, args=watched, daemon=True).start()
    except (OSError, RuntimeError) as error:  # no temporary folder, no more processes or threads
        held.close()
        why = getattr(error, "strerror", None) or error
        _say(f"no fork server ({why}): jobs run by themselves, which takes longer")
        return {}

    def stop() -> None:
        ending.set()
        held.close()

    atexit.register(stop)
    return {SOCKET: str(path)}


def _started(path: Path, environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    threads = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
    return subprocess.Popen(
        [sys.executable, "-m", "winnow.forkserver", str(path)],
        stdin=subprocess.PIPE,  # closed when this process ends, however it does
        stdout=subprocess.DEVNULL,
        # One thread, as no others survive a fork; a command that takes more starts them
        env={**environment, **dict.fromkeys(threads, "1"), "TOKENIZERS_PARALLELISM": "false"},
        start_new_session=True,  # Ctrl-C is for the commands, which pass it on
    )


def _keep(
    running: list[subprocess.Popen[bytes]],
    path: Path,
    environment: Mapping[str, str],
    ending: threading.Event,
) -> None:
    """Start a server again that ends before its time, some times: what kills it may not stop."""
    for left in reversed(range(AGAIN + 1)):
        status = running[-1].wait()
        if status == 0 or ending.is_set():
            return
        how = f"was killed (signal {-status})" if status < 0 else f"failed (status {status})"
        then = "it is started again" if left else "jobs run by themselves now, which takes longer"
        _say(f"the fork server {how}: {then}")
        if left:
            try:
                running.append(_started(path, environment))
            except OSError as error:
                _say(f"it cannot be ({error.strerror}): jobs run by themselves")
                return


def _say(text: str) -> None:
    print(f"winnow: {text}", file=sys.stderr, flush=True)


def _ask(path: Path, words: list[str]) -> int | None:
    """The exit status of a command that the server runs; None if no server listens."""
    request = {"words": words, "folder": str(Path.cwd()), "environment": dict(os.environ)}
    before = _killed_for_memory()
    with socket.socket(socket.AF_UNIX) as connection:
        try:
            with contextlib.chdir(path.parent):  # a socket's path has 107 bytes at most
                connection.connect(path.name)
            socket.send_fds(connection, [b"\n"], [0, 1, 2])
            connection.sendall(json.dumps(request).encode() + b"\n")
            begun = connection.recv(1)
        except OSError:
            begun = b""
        if not begun:  # nobody listens, or was killed before there was a child
            wake(path)
            return None
        with contextlib.suppress(OSError):
            if status := connection.recv(1):
                return status[0]
    memory = _killed_for_memory() > before
    why = "for want of memory; use fewer cores or a smaller batch_size" if memory else "by a signal"
    _say(f"the process of this command was killed {why}")
    return KILLED


def _killed_for_memory() -> int:
    """How many processes this machine has killed since it started because memory ran out."""
    try:
        counts = dict(line.split() for line in VMSTAT.read_text().splitlines())
        return int(counts["oom_kill"])
    except (OSError, ValueError, KeyError):  # not Linux, or an old one
        return 0


def wake(path: Path) -> None:
    """Tell a server that there are commands, if it waits for that."""
    with (
        contextlib.suppress(OSError),
        contextlib.chdir(path.parent),
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender,
    ):
        sender.sendto(b"\n", BELL)


def _bind(listener: socket.socket, path: Path) -> None:
    """Bind a socket where one that was killed may have left its own."""
    path.unlink(missing_ok=True)
    with contextlib.chdir(path.parent):
        listener.bind(path.name)


def _serve(path: Path) -> None:
    """Fork a child for each command until the process that started the server has ended."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as bell:
        _bind(bell, path.with_name(BELL))
        if sys.stdin in select.select([bell, sys.stdin], [], [])[0]:
            return
    modules = pkgutil.walk_packages(importlib.import_module("winnow").__path__, "winnow.")
    for name in (*(module.name for module in modules), *LATER):
        with contextlib.suppress(Exception):  # the command that needs it says what is wrong
            importlib.import_module(name)
    with contextlib.suppress(Exception):
        importlib.import_module("winnow.models.mmsegmentation").load()
    torch = sys.modules.get("torch")
    if torch is None or torch.cuda.is_available():
        return  # what has looked for a GPU must not fork
    gc.freeze()  # what was imported is garbage to no child
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the children
    with socket.socket(socket.AF_UNIX) as listener:
        _bind(listener, path)
        listener.listen(os.cpu_count() or 1)
        while sys.stdin not in select.select([listener, sys.stdin], [], [])[0]:
            connection, _ = listener.accept()
            with connection, contextlib.suppress(OSError):  # no more processes: it runs by itself
                if os.fork() == 0:
                    listener.close()
                    try:
                        _run(connection)
                    finally:  # a child never goes on as a server
                        os._exit(KILLED)


def _run(connection: socket.socket) -> None:
    """Run the command that a client asks for, in its folder, environment and streams."""
    from winnow.command.line import main as run

    connection.send(b"\n")
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
    _serve(Path(sys.argv[1]))
    shutil.rmtree(Path(sys.argv[1]).parent, ignore_errors=True)  # its owner may be killed
