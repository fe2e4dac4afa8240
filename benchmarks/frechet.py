"""Time of FID from features, ours against clean-fid's, in one run; both from the same arrays.

Mean and covariance count for both; taking the features does not.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable

import numpy as np
from cleanfid.fid import fid_from_feats

from winnow.evaluation.frechet import frechet_distance, moments


def features(seed: int, images: int, dimensions: int) -> np.ndarray:
    """Correlated features whose spectrum falls as Inception's does, by a power of the rank."""
    rng = np.random.default_rng(seed)
    mixing = rng.normal(size=(dimensions, dimensions)) / np.arange(1, dimensions + 1)
    return rng.normal(size=(images, dimensions)) @ mixing + 0.1 * seed


def timed(distance: Callable[[], float]) -> tuple[float, float]:
    """Seconds and value of one call."""
    start = time.perf_counter()
    value = distance()
    return time.perf_counter() - start, value


def main() -> None:
    """Measure in turns and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=5000)
    parser.add_argument("--dimensions", type=int, default=2048)
    parser.add_argument("--rounds", type=int, default=1)
    given = parser.parse_args()
    warnings.simplefilter("ignore", DeprecationWarning)  # of clean-fid's call of sqrtm
    a, b = (features(seed, given.images, given.dimensions) for seed in (1, 2))
    for _ in range(given.rounds):
        ours, value = timed(lambda: frechet_distance(moments(a), moments(b)))
        theirs, expected = timed(lambda: fid_from_feats(a, b))
        print(
            f"ours {ours:.1f} s, clean-fid {theirs:.1f} s: {ours / theirs:.2f} of its time; "
            f"values differ by {abs(value - expected) / expected:.1e}",
            flush=True,
        )


if __name__ == "__main__":
    main()
