"""How far long jobs are, told in the terminal: their bars go into logs, where nobody looks."""

import re
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

EVERY_S = 10.0
TAIL = 4096  # bytes at the end of a log, in which the last bar is
LONGEST = 160  # characters of a line
BAR = re.compile(r"\d+%\|.*\[.*\]|\d+ ?\w*it \[.*\]|\d+\w+ \[\d+:.*\]")


def start(logs: Path) -> None:
    """Tell from now on, until this process ends; where nobody sees a terminal, tell nothing."""
    if sys.stderr.isatty():
        arguments = (logs, lambda line: print(line, file=sys.stderr, flush=True))
        threading.Thread(target=_watch, args=arguments, daemon=True).start()


def _watch(logs: Path, tell: Callable[[str], None]) -> None:
    since = time.time()
    while True:
        time.sleep(EVERY_S)
        for line in bars(logs, max(since, time.time() - EVERY_S)):
            tell(line)


def bars(logs: Path, since: float) -> list[str]:
    """The last bar of each log that was written to after `since` (seconds since the epoch), behind
    its name; of jobs that end quickly, none."""
    found = []
    for path in sorted(logs.rglob("*.log")):
        try:
            state = path.stat()
            if state.st_mtime < since:
                continue
            with path.open("rb") as handle:
                handle.seek(max(0, state.st_size - TAIL))
                text = handle.read().decode("utf-8", "replace")
        except OSError:  # it went, or came, as we looked
            continue
        lines = [line for line in re.split(r"[\r\n]", text) if line.strip()]
        if lines and BAR.search(lines[-1]):
            name = path.relative_to(logs).with_suffix("").as_posix()
            line = "".join(c for c in f"{name}: {lines[-1].strip()}" if c.isprintable())
            found.append(line[:LONGEST])
    return found
