"""How well minus the score finds the noisy pairs: average precision and AUROC, by kind of noise.

Equal scores share one threshold, as in scikit-learn's `average_precision_score` and
`roc_auc_score`: a constant score has AUROC 1/2 and the share of noise as average precision.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from winnow.data.errors import WinnowError
from winnow.evaluation.cell_results import Measurement
from winnow.evaluation.statistics import cluster_weights, percentile_interval

CLEAN = "clean"
RESAMPLES = 1000
BLOCK = 1 << 21  # weights held at once (16 MB)


def ranking_metrics(
    positive: np.ndarray, ranking: np.ndarray, weights: np.ndarray | None = None
) -> np.ndarray:
    """Average precision and AUROC, [2, B], of `ranking` [n] (high is more likely positive).

    `weights` [B, n] counts each pair in B resamples (all ones, B = 1, otherwise). NaN where a
    resample lacks positives or, for AUROC, negatives.
    """
    order = np.argsort(-ranking, kind="stable")
    last = np.flatnonzero(np.append(np.diff(ranking[order]) != 0, True))  # of each run of equals
    drawn = np.ones((1, len(order))) if weights is None else weights[:, order]
    truth = positive[order].astype(float)
    true = np.cumsum(drawn * truth, axis=1)[:, last]
    false = np.cumsum(drawn * (1 - truth), axis=1)[:, last]
    before = np.zeros((len(drawn), 1))
    gained = np.diff(true, axis=1, prepend=before)
    with np.errstate(invalid="ignore", divide="ignore"):
        precision = np.nan_to_num(true / (true + false))
        average = (gained * precision).sum(axis=1) / true[:, -1]
        middle = true - gained / 2
        area = (np.diff(false, axis=1, prepend=before) * middle).sum(axis=1)
        area /= true[:, -1] * false[:, -1]
    return np.stack([average, area])


def detection_metrics(
    pairs: pd.DataFrame, resamples: int = RESAMPLES, seed: int = 0
) -> Measurement:
    """What one scorer detects in `pairs` (columns uid, kind, score).

    `average_precision` and `auroc` set all noise against the clean pairs, `{kind}/...` one kind.
    Intervals by bootstrap over images (uid); deterministic in `seed`. The resamples, which are the
    same for all scorers of a set, are kept of all noise. WinnowError without clean or without noisy
    pairs.
    """
    kinds = pairs["kind"].to_numpy()
    clean = kinds == CLEAN
    if clean.all() or not clean.any():
        raise WinnowError(
            f"detection needs clean and noisy pairs, but there are {int(clean.sum())} clean ones "
            f"among {len(clean)}"
        )
    ranking = -pairs["score"].to_numpy(dtype=float)
    if not np.isfinite(ranking).all():
        raise WinnowError(f"score in row {int(np.argmin(np.isfinite(ranking)))} is not finite")
    clusters, labels = pd.factorize(pairs["uid"], sort=True)
    result = Measurement({}, {}, {}, {})
    for kind in ["", *sorted(set(kinds[~clean]))]:
        chosen = np.flatnonzero(clean | (kinds == kind) | (kind == ""))
        positive, ranks = ~clean[chosen], ranking[chosen]
        rng = np.random.default_rng(seed)
        draws = np.concatenate(
            [
                ranking_metrics(positive, ranks, weights[:, clusters[chosen]])
                for weights in _weight_blocks(rng, resamples, len(labels), len(chosen))
            ],
            axis=1,
        )
        point = ranking_metrics(positive, ranks)[:, 0]
        low, high = percentile_interval(draws.T)
        for i, metric in enumerate(("average_precision", "auroc")):
            name = f"{kind}/{metric}" if kind else metric
            result.metrics[name] = float(point[i])
            result.intervals[name] = (float(low[i]), float(high[i]))
            result.n[name] = len(chosen)
            if not kind:
                result.draws[name] = draws[i]
    return result


def _weight_blocks(
    rng: np.random.Generator, resamples: int, clusters: int, pairs: int
) -> Iterator[np.ndarray]:
    size = max(1, BLOCK // max(clusters, pairs))
    for start in range(0, resamples, size):
        yield cluster_weights(rng, min(size, resamples - start), clusters)


def detection_outcomes(pairs: pd.DataFrame) -> pd.DataFrame:
    """Table OUTCOMES of `pairs` (uid, caption_id, kind, score): a row a pair, whose metric is its
    kind and whose value is minus the score, so that every metric can be computed again."""
    query = pairs["uid"] + "#" + pairs["caption_id"].astype(str)
    return pd.DataFrame(
        {"metric": pairs["kind"], "query": query, "group": pairs["uid"], "value": -pairs["score"]}
    )
