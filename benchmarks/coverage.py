"""What intervals over queries and training seeds cover, by simulation.

The share of simulated runs whose 95 % interval holds the true value, for one method and for the
difference of two with seeds of their own. The standard deviation of the seeds is given as a
multiple of the queries' standard error. `width` is the median half-width over that of an interval
which knows every variance; `bootstrap` is what the percentile interval of the mean over seeds
covers, which ignores the seeds.

A seed shifts all queries by the same latent amount. A query is hard for every method and seed, for
the seeds of one method, or for one seed.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from scipy.special import ndtr, ndtri

from winnow.evaluation.intervals import Found, Repeats, difference, interval, value
from winnow.evaluation.statistics import cluster_weights, percentile_interval

SHARED, OWN, LUCK = 0.4, 0.2, 0.4  # of the latent variance: every method, one method, one seed
RECALLS = ndtri([0.05, 0.08, 0.2, 0.25, 0.35, 0.4])
SETS = ndtri([0.3, 0.5, 0.6, 0.7, 0.8, 0.9])  # accuracies
POSITIVE, SEPARATION = 0.4, 1.0  # of what is detected
RESAMPLES = 400
BLOCK = 100  # runs at once


class Kind(NamedTuple):
    """A metric: `measure` takes latent values [R, n] and what is hard of their queries [R, n], and
    gives the metric of all queries and in every resample [1 + RESAMPLES, R]; `truth` is its value
    for a seed's latent shift, which moves this share of the queries. Slow ones have fewer runs."""

    measure: Callable[[np.ndarray, np.ndarray], np.ndarray]
    truth: Callable[[np.ndarray], np.ndarray]
    moved: float = 1.0
    share: float = 1.0


@lru_cache(maxsize=32)
def weights(queries: int, key: int = 0) -> np.ndarray:
    """Weights [1 + RESAMPLES, n]: all queries once, then each resample."""
    drawn = cluster_weights(np.random.default_rng(key), RESAMPLES, queries)
    return np.concatenate([np.ones((1, queries)), drawn]).astype(np.float32)


def mean(values: np.ndarray, key: int = 0) -> np.ndarray:
    """The mean [1 + RESAMPLES, R] of values [R, n]."""
    count = values.shape[-1]
    return (weights(count, key) @ values.astype(np.float32).T / count).astype(float)


def recall(latent: np.ndarray, hard: np.ndarray) -> np.ndarray:
    """The mean of six recalls, all of the same queries."""
    hits = sum((latent > -level).astype(np.float32) for level in RECALLS)
    return mean(hits / len(RECALLS))


def macro(latent: np.ndarray, hard: np.ndarray) -> np.ndarray:
    """The mean of six accuracies, each of queries of its own."""
    parts = np.array_split(latent, len(SETS), axis=1)
    found = [mean(part > -SETS[i], i) for i, part in enumerate(parts)]
    return np.asarray(np.mean(found, axis=0))


def overlap(latent: np.ndarray, hard: np.ndarray) -> np.ndarray:
    """The ratio of two sums, as IoU is."""
    size = np.exp(hard)
    return mean(size * ndtr(latent)) / mean(size)


def precision(latent: np.ndarray, hard: np.ndarray) -> np.ndarray:
    """Average precision; the first queries are the positive ones."""
    noisy = int(POSITIVE * latent.shape[1])
    found = np.empty((1 + RESAMPLES, len(latent)))
    for run, scores in enumerate(latent):
        scores = scores.copy()
        scores[:noisy] += SEPARATION
        order = np.argsort(-scores)
        counts = weights(len(scores))[:, order]
        hits = counts * (order < noisy)
        shares = np.cumsum(hits, axis=1) / np.maximum(np.cumsum(counts, axis=1), 1)
        found[:, run] = (hits * shares).sum(axis=1) / hits.sum(axis=1)
    return found


def true_precision(shift: np.ndarray) -> np.ndarray:
    """Of normal scores of unit variance, by the trapezoid rule over thresholds."""
    grid = np.linspace(-8, 9, 2001)
    hits = POSITIVE * ndtr(SEPARATION + np.asarray(shift)[..., None] - grid)
    others = (1 - POSITIVE) * ndtr(-grid)
    return np.asarray(np.trapezoid(hits / (hits + others), -hits / POSITIVE, axis=-1))


KINDS = {
    "accuracy": Kind(
        lambda latent, hard: mean(latent > -ndtri(0.3)), lambda shift: ndtr(ndtri(0.3) + shift)
    ),
    "mean recall": Kind(recall, lambda shift: np.mean([ndtr(c + shift) for c in RECALLS], axis=0)),
    "mean of sets": Kind(macro, lambda shift: np.mean([ndtr(c + shift) for c in SETS], axis=0)),
    "overlap": Kind(overlap, lambda shift: ndtr((SHARED**0.5 + shift) / 2**0.5)),
    "average precision": Kind(precision, true_precision, moved=POSITIVE, share=0.1),
}


class Case(NamedTuple):
    """What is simulated: a metric, the seeds of each method, queries, and the standard deviation of
    the seeds over the queries' standard error."""

    kind: str
    seeds: int
    queries: int
    ratio: float


def simulate(case: Case, runs: int, deviation: float, rng: np.random.Generator) -> np.ndarray:
    """The metric [1 + RESAMPLES, 2, S, runs] of two methods; a seed's latent shift has the standard
    `deviation`."""
    kind = KINDS[case.kind]
    shape = (2, case.seeds, runs, case.queries)
    hard = SHARED**0.5 * rng.standard_normal(shape[2:], dtype=np.float32)
    own = OWN**0.5 * rng.standard_normal((2, 1, *shape[2:]), dtype=np.float32)
    latent = hard + own + LUCK**0.5 * rng.standard_normal(shape, dtype=np.float32)
    shift = deviation * rng.standard_normal((*shape[:3], 1), dtype=np.float32)
    latent[..., : int(kind.moved * case.queries)] += shift
    scaled = hard / np.float32(SHARED**0.5)
    found = [kind.measure(latent[m, s], scaled) for m in range(2) for s in range(case.seeds)]
    return np.stack(found, axis=1).reshape(1 + RESAMPLES, *shape[:3])


def latent_deviation(case: Case) -> float:
    """The standard deviation of the latent shift that makes the metric's what the case says."""
    if not case.ratio:
        return 0.0
    trial = simulate(case._replace(seeds=1), 20, 0.0, np.random.default_rng(1))
    error = trial[1:].std(axis=0).mean()
    slope = np.diff(KINDS[case.kind].truth(np.array([-0.01, 0.01])))[0] / 0.02
    return float(case.ratio * error / slope)


def expected(kind: Kind, deviation: float) -> float:
    """The true value: the mean over seeds, by Gauss-Hermite quadrature."""
    nodes, shares = np.polynomial.hermite_e.hermegauss(41)
    return float(kind.truth(deviation * nodes) @ shares / shares.sum())


def judged(case: Case, runs: int) -> Iterator[tuple[float, Found, Found]]:
    """The true value of a method, and of each run what was found of it and of the difference, which
    is 0."""
    rng = np.random.default_rng([case.seeds, case.queries, int(10 * case.ratio)])
    deviation = latent_deviation(case)
    truth = expected(KINDS[case.kind], deviation)
    for start in range(0, runs, BLOCK):
        drawn = simulate(case, min(BLOCK, runs - start), deviation, rng)
        for run in range(drawn.shape[-1]):
            a, b = (Repeats(drawn[0, m, :, run], drawn[1:, m, :, run]) for m in range(2))
            yield truth, value(a), difference(a, b)


def line(name: str, found: list[Found], truth: float) -> str:
    """Coverage of the interval and of the plain bootstrap in per cent, and the width."""
    ends = np.array([interval(one) for one in found])
    plain = np.array([percentile_interval(one.draws) for one in found])
    held, naive = (100 * np.mean((e[:, 0] <= truth) & (truth <= e[:, 1])) for e in (ends, plain))
    ideal = 1.96 * np.std([one.estimate for one in found])
    width = np.median(np.diff(ends, axis=1)) / (2 * ideal)
    return f"{name} {held:5.1f} %, width {width:4.2f}, bootstrap {naive:5.1f} %"


def main() -> None:
    """Simulate every case and print a line for each."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=300)
    parser.add_argument("--seeds", type=int, nargs="+", default=[2, 3, 5])
    parser.add_argument("--queries", type=int, nargs="+", default=[500, 2000])
    parser.add_argument("--ratios", type=float, nargs="+", default=[0, 0.5, 1, 2, 3])
    parser.add_argument("--metrics", nargs="+", default=list(KINDS), choices=list(KINDS))
    given = parser.parse_args()
    start = time.process_time()
    cases = [
        Case(kind, seeds, queries, ratio)
        for kind in given.metrics
        for queries in given.queries
        for seeds in given.seeds
        for ratio in given.ratios
    ]
    for case in cases:
        rows = list(judged(case, max(1, int(given.runs * KINDS[case.kind].share))))
        one, two = [row[1] for row in rows], [row[2] for row in rows]
        place = f"{case.kind:17} {case.queries:5} queries {case.seeds} seeds SD {case.ratio:3.1f}"
        print(place, line("value", one, rows[0][0]), line("difference", two, 0.0), sep=" | ")
    print(f"{len(cases)} cases in {time.process_time() - start:.0f} s of one core")


if __name__ == "__main__":
    main()
