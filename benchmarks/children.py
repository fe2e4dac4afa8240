"""A command in a process of its own, with its time and its peak memory."""

from __future__ import annotations

import os
import subprocess
import sys
import time


def run(*words: object) -> tuple[float, float]:
    """Run `winnow WORDS`; returns its wall time in seconds and its peak memory (RSS) in MB."""
    start = time.perf_counter()
    child = subprocess.Popen([sys.executable, "-m", "winnow.command.line", *map(str, words)])
    _, status, usage = os.wait4(child.pid, 0)
    if status:
        raise SystemExit(f"winnow {words[0]} failed")
    return time.perf_counter() - start, usage.ru_maxrss / 1024
