"""How many samples of Terrarium a machine makes: layout, picture, mask, captions and PNG."""

from __future__ import annotations

import argparse
import multiprocessing
import os
import time

from winnow.data.images import encode_png
from winnow.terrarium.world import draw_sample


def make(job: tuple[int, int, int, int]) -> int:
    """Make samples start..stop and return the bytes of their PNGs."""
    seed, start, stop, size = job
    total = 0
    for index in range(start, stop):
        sample = draw_sample(seed, index, size)
        total += len(encode_png(sample.image)) + len(encode_png(sample.mask))
    return total


def main() -> None:
    """Warm the texture banks up in every process, then time."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=4000)
    parser.add_argument("--size", type=int, default=64, help="pixels along a side")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    n, seed, size = arguments.images, arguments.seed, arguments.size
    step = max(1, n // (arguments.processes * 8))
    jobs = [(seed, k, min(k + step, n), size) for k in range(0, n, step)]
    with multiprocessing.Pool(arguments.processes) as pool:
        pool.map(make, [(seed + 1, 0, 200, size)] * arguments.processes, chunksize=1)
        start = time.perf_counter()
        size_in_bytes = sum(pool.imap_unordered(make, jobs))
        seconds = time.perf_counter() - start
    print(
        f"{n / seconds:.0f} images/s on {arguments.processes} processes "
        f"({n} images of {size} px in {seconds:.1f} s, {size_in_bytes / n / 1000:.1f} kB each)"
    )


if __name__ == "__main__":
    main()
