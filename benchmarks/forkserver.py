"""How long a short command takes by the server that a run of Snakemake has, against alone."""

from __future__ import annotations

import argparse
import os
import subprocess
import tempfile
import time
from pathlib import Path
from statistics import median

from pools import make_pool

from winnow import forkserver


def seconds(words: list[str], environment: dict[str, str]) -> float:
    """The time that a command takes."""
    start = time.perf_counter()
    subprocess.run(words, env=environment, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def main() -> None:
    """Score a few pairs with a released model, alone and by the server in turns."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=100)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--model", type=Path, required=True, help="the folder of a CLIP stand-in")
    arguments = parser.parse_args()
    environment = dict(os.environ)
    start = time.perf_counter()
    served = environment | forkserver.start(environment)
    path = served[forkserver.SOCKET]
    while not Path(path).exists():
        forkserver.wake(Path(path))
        time.sleep(0.05)
    ready = time.perf_counter() - start
    with tempfile.TemporaryDirectory() as folder:
        pool = make_pool(Path(folder), arguments.images, 64)
        words = ["winnow", "score", "--scorer", "clip", "--threads", "1", "--batch-size=100"]
        words += ["--pool", str(pool), "--captions", f"{folder}/human.parquet"]
        words += ["--model", str(arguments.model), "--output", f"{folder}/scores.parquet"]
        turns = [
            (seconds(words, environment), seconds(words, served)) for _ in range(arguments.repeats)
        ]
    alone, server = (median(column) for column in zip(*turns, strict=True))
    print(f"alone {alone:.1f} s, by the server {server:.1f} s: {alone / server:.1f} times")
    print(f"the server is ready after {ready:.1f} s")


if __name__ == "__main__":
    main()
