"""Intervals, paired differences and corrections: one formula, which has a version.

Bootstrap over groups (images): the queries of one image are kept or left together, because five
captions of one image are not five independent observations. A metric is the mean of its queries, so
a resample is a ratio of weighted sums, (W @ sums) / (W @ counts), with the counts W [B, G] of B
multinomial draws of the G groups. Percentile intervals (Efron & Tibshirani 1993, chapter 13).

Images of different zero-shot sets, and those of the retrieval set, are different groups; each such
stratum is resampled by itself, with random numbers that depend on its name alone, so that a further
set changes no other set's interval. All metrics of a stratum share the draws; a mean of metrics is
therefore resampled jointly.
"""

import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from winnow.data.errors import WinnowError

VERSION = 2  # of the formulas here and in significance_groups; raise it when a number could change
RESAMPLES = 1000  # for intervals
PAIRED_RESAMPLES = 10_000  # for p-values: the smallest, 2 / 10001, survives Holm over 250 rows
LEVEL = 95  # per cent
BLOCK = 1 << 22  # elements of a weight matrix held at once (32 MB)

Means = Mapping[str, Sequence[str]]


class Difference(NamedTuple):
    """`difference` = a - b with its 95 % interval and the two-sided bootstrap p."""

    difference: float
    low: float
    high: float
    p: float


def headline_means(metrics: Iterable[str]) -> dict[str, list[str]]:
    """The means of means that a contrastive cell reports, by name.

    `mean_recall` over the recalls; for each suffix of a zero-shot metric (`{set}/acc1`) the mean
    over the sets, under the suffix.
    """
    means: dict[str, list[str]] = {}
    for metric in sorted(set(metrics)):
        if "/" in metric:
            means.setdefault(metric.rsplit("/", 1)[1], []).append(metric)
        elif "_retrieval_recall@" in metric:
            means.setdefault("mean_recall", []).append(metric)
    return means


def stratum(metric: str) -> str:
    """Whose groups a metric resamples: its set (the part before "/"), or "retrieval"."""
    return metric.rsplit("/", 1)[0] if "/" in metric else "retrieval"


class _Part(NamedTuple):
    name: str
    metrics: np.ndarray  # [K], positions among all metrics
    rows: np.ndarray  # [R], rows of the outcomes
    slots: np.ndarray  # [R], group * K + metric
    counts: np.ndarray  # [G, K], queries


class Resampling:
    """The bootstrap of one layout of (metric, query, group) rows, for any number of value columns.

    `names` are the metrics in alphabetical order, then the means. Deterministic in `seed`; the
    order of the rows does not matter.
    """

    def __init__(
        self,
        outcomes: pd.DataFrame,
        means: Means | None = None,
        resamples: int = RESAMPLES,
        seed: int = 0,
    ):
        if outcomes.empty:
            raise WinnowError("no outcomes to resample")
        codes, names = pd.factorize(outcomes["metric"], sort=True)
        self.metrics = [str(name) for name in names]
        self.resamples, self.seed = resamples, seed
        self.means = {name: self._positions(name, parts) for name, parts in (means or {}).items()}
        self.names = self.metrics + list(self.means)
        strata = np.array([stratum(metric) for metric in self.metrics])
        groups = outcomes["group"].to_numpy()
        self.parts = [
            _part(name, np.flatnonzero(strata == name), codes, groups) for name in np.unique(strata)
        ]

    def _positions(self, name: str, metrics: Sequence[str]) -> list[int]:
        for metric in metrics:
            if metric not in self.metrics:
                raise WinnowError(f"the mean {name!r} needs {metric!r}, which was not measured")
        return [self.metrics.index(metric) for metric in metrics]

    def estimates(self, values: np.ndarray) -> np.ndarray:
        """Point estimates [names, C] of value columns [rows, C]."""
        result = np.empty((len(self.metrics), values.shape[1]))
        for part in self.parts:
            sums = _sums(part, values).sum(axis=0)
            result[part.metrics] = sums / part.counts.sum(axis=0)[:, None]
        return self._with_means(result, axis=0)

    def draws(self, values: np.ndarray) -> np.ndarray:
        """Resampled estimates [resamples, names, C] of value columns [rows, C].

        NaN where a resample left out every group of a metric.
        """
        result = np.empty((self.resamples, len(self.metrics), values.shape[1]))
        for part in self.parts:
            groups, metrics = part.counts.shape
            sums = _sums(part, values).reshape(groups, -1)
            rng = np.random.default_rng([self.seed, zlib.crc32(part.name.encode())])
            for start, weights in _weights(rng, self.resamples, groups):
                with np.errstate(invalid="ignore"):
                    drawn = (weights @ sums).reshape(len(weights), metrics, -1)
                    drawn /= (weights @ part.counts)[:, :, None]
                result[start : start + len(weights), part.metrics] = drawn
        return self._with_means(result, axis=1)

    def _with_means(self, values: np.ndarray, axis: int) -> np.ndarray:
        means = [values.take(columns, axis).mean(axis) for columns in self.means.values()]
        return np.concatenate([values, *(np.expand_dims(mean, axis) for mean in means)], axis)


def _part(name: str, metrics: np.ndarray, codes: np.ndarray, groups: np.ndarray) -> _Part:
    rows = np.flatnonzero(np.isin(codes, metrics))
    group, labels = pd.factorize(groups[rows], sort=True)
    slots = group * len(metrics) + np.searchsorted(metrics, codes[rows])
    counts = np.bincount(slots, minlength=len(labels) * len(metrics))
    return _Part(name, metrics, rows, slots, counts.reshape(len(labels), -1).astype(float))


def _sums(part: _Part, values: np.ndarray) -> np.ndarray:
    """Sums [G, K, C] of value columns [rows, C]."""
    columns = [
        np.bincount(part.slots, weights=values[part.rows, c], minlength=part.counts.size)
        for c in range(values.shape[1])
    ]
    return np.stack(columns, axis=1).reshape(*part.counts.shape, values.shape[1])


def _weights(
    rng: np.random.Generator, resamples: int, groups: int
) -> Iterator[tuple[int, np.ndarray]]:
    """Yield (first resample, weights [b, G]): how often each group was drawn, in blocks."""
    size = max(1, BLOCK // groups)
    for start in range(0, resamples, size):
        yield start, cluster_weights(rng, min(size, resamples - start), groups)


def cluster_weights(rng: np.random.Generator, resamples: int, groups: int) -> np.ndarray:
    """Multinomial weights [resamples, groups]; each row sums to `groups`."""
    drawn = rng.integers(0, groups, size=(resamples, groups))
    drawn += np.arange(resamples)[:, None] * groups
    counts = np.bincount(drawn.ravel(), minlength=resamples * groups)
    return counts.reshape(resamples, groups).astype(float)


def percentile_interval(draws: np.ndarray) -> np.ndarray:
    """The 95 % percentile interval [2, ...] over the first axis; NaN draws are left out."""
    tail = (100 - LEVEL) / 2
    percentile = np.nanpercentile if np.isnan(draws).any() else np.percentile
    return np.asarray(percentile(draws, [tail, 100 - tail], axis=0))


def estimates(outcomes: pd.DataFrame, means: Means | None = None) -> dict[str, float]:
    """The value of each metric (the mean of its queries), and of each mean of metrics."""
    plan = Resampling(outcomes, means)
    values = plan.estimates(_column(outcomes))[:, 0]
    return dict(zip(plan.names, values.tolist(), strict=True))


def bootstrap(
    outcomes: pd.DataFrame,
    resamples: int = RESAMPLES,
    seed: int = 0,
    means: Means | None = None,
) -> dict[str, tuple[float, float]]:
    """95 % intervals of each metric, and of each mean of metrics, by name.

    `outcomes` has the columns metric, query, group, value (table OUTCOMES).
    """
    plan = Resampling(outcomes, means, resamples, seed)
    low, high = percentile_interval(plan.draws(_column(outcomes))[:, :, 0])
    return dict(zip(plan.names, zip(low.tolist(), high.tolist(), strict=True), strict=True))


def _column(outcomes: pd.DataFrame) -> np.ndarray:
    return outcomes["value"].to_numpy(dtype=float)[:, None]


def average_seeds(repeats: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """One table of outcomes from the seeds of one method: the mean of each (metric, query)."""
    first = _sorted(repeats[0])
    others = [_matching(first, _sorted(other)) for other in repeats[1:]]
    values = [table["value"].to_numpy(dtype=float) for table in (first, *others)]
    return first.assign(value=np.mean(values, axis=0))


def _sorted(outcomes: pd.DataFrame) -> pd.DataFrame:
    return outcomes.sort_values(["metric", "query"], kind="stable", ignore_index=True)


def _matching(a: pd.DataFrame, b: pd.DataFrame) -> pd.DataFrame:
    """`b`, if both hold the same (metric, query, group) rows; otherwise the first is named."""
    keys = ["metric", "query", "group"]
    rows = min(len(a), len(b))
    different = (a.loc[: rows - 1, keys] != b.loc[: rows - 1, keys]).any(axis=1).to_numpy()
    row = int(different.argmax()) if different.any() else rows
    if row == len(a) == len(b):
        return b
    mine, other = (
        "no row" if row == len(t) else f"metric {t['metric'][row]!r}, query {t['query'][row]!r}"
        for t in (a, b)
    )
    raise WinnowError(
        f"the outcomes cannot be paired: one has {mine} where the other has {other} "
        "(evaluate both on the same set)"
    )


def paired_difference(
    a: pd.DataFrame | Sequence[pd.DataFrame],
    b: pd.DataFrame | Sequence[pd.DataFrame],
    metric: str,
    means: Means | None = None,
    resamples: int = PAIRED_RESAMPLES,
    seed: int = 0,
) -> Difference:
    """How much method `a` exceeds `b` in `metric`, from the same resampled groups for both.

    Several tables are the seeds of one method: they are averaged per query first. The p counts the
    resamples on the other side of zero, twice the smaller side, with one added to numerator and
    denominator (Davison & Hinkley 1997, chapter 4). WinnowError if the (metric, query) rows differ.
    """
    first, second = (average_seeds([t] if isinstance(t, pd.DataFrame) else list(t)) for t in (a, b))
    _matching(first, second)
    needed = (means or {}).get(metric, [metric])
    chosen = first["metric"].isin(list(needed)).to_numpy()
    if not chosen.any():
        raise WinnowError(f"the outcomes hold no metric {metric!r}")
    plan = Resampling(
        first[chosen], {metric: needed} if means and metric in means else {}, resamples, seed
    )
    values = (first["value"].to_numpy(dtype=float) - second["value"].to_numpy(dtype=float))[chosen]
    return differences(plan, values[:, None], metric)[0]


def differences(plan: Resampling, values: np.ndarray, metric: str) -> list[Difference]:
    """One Difference for each column of paired differences `values` [rows, C], as above."""
    position = plan.names.index(metric)
    return _tested(plan.estimates(values)[position], plan.draws(values)[:, position])


def _tested(estimate: np.ndarray, draws: np.ndarray) -> list[Difference]:
    """Interval and p of each of C differences, `estimate` [C], from `draws` [resamples, C]."""
    low, high = percentile_interval(draws)
    total = np.isfinite(draws).sum(axis=0) + 1
    sides = np.minimum((draws <= 0).sum(axis=0), (draws >= 0).sum(axis=0)) + 1
    p = np.minimum(1.0, 2 * sides / total)
    return [Difference(*row) for row in np.stack([estimate, low, high, p], axis=1).tolist()]


def group_difference(
    a: pd.DataFrame,
    b: pd.DataFrame,
    metric: str,
    resamples: int = PAIRED_RESAMPLES,
    seed: int = 0,
) -> Difference:
    """How much `a` exceeds `b` in `metric` where they share images (groups) but not queries.

    Two caption sets assert different things of one image, so rows cannot be matched. Each resample
    of the groups that have rows in both tables gives a mean of each, and their difference. Equals
    `paired_difference` where the rows coincide. WinnowError without a common group.
    """
    sides = []
    for place, table in enumerate((a, b)):
        rows = table[table["metric"] == metric]
        sides.append(rows.assign(metric=f"{metric}#{place}"))  # of the same stratum
    common = set(sides[0]["group"]) & set(sides[1]["group"])
    if not common:
        raise WinnowError(f"the outcomes share no image that has {metric!r}")
    both = pd.concat([rows[rows["group"].isin(common)] for rows in sides], ignore_index=True)
    plan = Resampling(both, None, resamples, seed)
    values = both["value"].to_numpy(dtype=float)[:, None]
    estimate, draws = plan.estimates(values), plan.draws(values)
    return _tested(estimate[0] - estimate[1], draws[:, 0] - draws[:, 1])[0]


def holm(pvalues: Sequence[float]) -> list[float]:
    """Holm's step-down adjusted p-values (Scand. J. Statist. 6, 1979), in the order given."""
    p = np.asarray(pvalues, dtype=float)
    order = np.argsort(p, kind="stable")
    steps = p[order] * np.arange(len(p), 0, -1)
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(steps))
    return [float(value) for value in adjusted]
