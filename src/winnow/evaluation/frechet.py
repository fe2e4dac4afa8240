"""Distances between two sets of image features: Fréchet (FID) and kernel (KID), with resamples.

FID: Heusel et al. 2017, as clean-fid computes it (mean and covariance in double precision), but
for the trace of (A B)^1/2, which is taken from the eigenvalues of a symmetric matrix with the same
spectrum: F' B F, where A = F F'. KID: Binkowski et al. 2018, by clean-fid's own function.

Resampling repeats images, which raises both distances for reasons that have nothing to do with the
generator. So KID's resamples leave out the pairs of an image with itself, and every interval is
that of the resamples moved by what their mean differs from the estimate.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np

from winnow.data.errors import WinnowError
from winnow.evaluation.statistics import percentile_interval


class Moments(NamedTuple):
    """Mean [D] and covariance [D, D] of features."""

    mean: np.ndarray
    covariance: np.ndarray


def checked(features: np.ndarray, name: str) -> np.ndarray:
    """Features [N, D] in double precision.

    WinnowError that names the set of images where it has fewer than two, or a feature is not
    finite.
    """
    if features.ndim != 2 or len(features) < 2:
        raise WinnowError(
            f"{name}: features of shape {features.shape}; a distance needs 2 images or more"
        )
    bad = ~np.isfinite(features).all(axis=1)
    if bad.any():
        raise WinnowError(
            f"{name}: features of {int(bad.sum())} of {len(features)} images are not finite, "
            f"first of image {int(bad.argmax())}: the images or the extractor's weights are damaged"
        )
    return features.astype(np.float64)


def moments(features: np.ndarray, name: str = "features") -> Moments:
    """Mean and covariance of features [N, D]. Errors as in `checked`."""
    values = checked(features, name)
    return Moments(values.mean(axis=0), np.atleast_2d(np.cov(values, rowvar=False)))


def frechet_distance(a: Moments, b: Moments) -> float:
    """|mean_a - mean_b|^2 + Tr(A + B - 2 (A B)^1/2), as clean-fid's `frechet_distance`.

    WinnowError for different dimensions.
    """
    _require_same_dimensions(len(a.mean), len(b.mean))
    factor = _factor(a.covariance)
    root = _root_trace(factor.T @ b.covariance @ factor)
    traces = np.trace(a.covariance) + np.trace(b.covariance)
    return max(0.0, float(((a.mean - b.mean) ** 2).sum() + traces - 2 * root))


def _factor(covariance: np.ndarray) -> np.ndarray:
    """F with F F' = covariance: Cholesky's, or from eigenvectors where that is singular."""
    try:
        return np.linalg.cholesky(covariance)
    except np.linalg.LinAlgError:
        values, vectors = np.linalg.eigh(covariance)
        kept = values > values[-1] * len(values) * np.finfo(float).eps  # the rest is rounding
        return np.asarray(vectors[:, kept] * np.sqrt(values[kept]))


def _root_trace(product: np.ndarray) -> float:
    """Sum of the square roots of the eigenvalues of a symmetric matrix without negative ones."""
    return float(np.sqrt(np.maximum(np.linalg.eigvalsh(product), 0)).sum())


def kernel_distance(
    features: np.ndarray, reference: np.ndarray, subsets: int, size: int, seed: int
) -> float:
    """KID: the mean over `subsets` of at most `size` images, by clean-fid; it may be below 0."""
    from cleanfid.fid import kernel_distance as distance

    _require_same_dimensions(features.shape[1], reference.shape[1])
    with _drawing(seed):
        return float(distance(features, reference, num_subsets=subsets, max_subset_size=size))


@contextmanager
def _drawing(seed: int) -> Iterator[None]:
    """Seed NumPy's global numbers, which clean-fid draws from, and put them back afterwards."""
    state = np.random.get_state()
    np.random.seed(seed)
    try:
        yield
    finally:
        np.random.set_state(state)


def frechet_draws(features: np.ndarray, reference: Moments, weights: np.ndarray) -> np.ndarray:
    """Fréchet distances [B] of resampled images from fixed reference moments.

    `weights` [B, N] say how often each resample holds each of the images `features` [N, D].
    """
    factor = _factor(reference.covariance)
    projected = features @ factor  # its covariance is F' B F
    squares = (features**2).sum(axis=1)
    constant = np.trace(reference.covariance)
    count, draws = len(features), np.empty(len(weights))
    for place, weight in enumerate(weights):
        mean = weight @ features / count
        centre = weight @ projected / count
        scaled = (projected - centre) * np.sqrt(weight)[:, None]
        root = _root_trace(scaled.T @ scaled / (count - 1))
        trace = (weight @ squares - count * (mean @ mean)) / (count - 1)
        draws[place] = ((mean - reference.mean) ** 2).sum() + constant + trace - 2 * root
    return draws


def kernel_draws(features: np.ndarray, reference: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """KIDs [B] of resampled images, all at once, from fixed reference images [M, D].

    `weights` as in `frechet_draws`; pairs of an image with its own copies are left out. NaN where
    a resample holds one image alone.
    """
    _require_same_dimensions(features.shape[1], reference.shape[1])
    count, others = len(features), len(reference)
    inner, outer = _kernel(features, features), _kernel(reference, reference)
    same = (outer.sum() - np.trace(outer)) / (others * (others - 1))
    across = weights @ _kernel(features, reference).sum(axis=1) / (count * others)
    pairs = ((weights @ inner) * weights).sum(axis=1) - weights**2 @ np.diag(inner)
    distinct = count**2 - (weights**2).sum(axis=1)
    distinct[distinct == 0] = np.nan  # one image alone
    return np.asarray(pairs / distinct + same - 2 * across)


def _kernel(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The polynomial kernel of degree 3, [N, M], of features [N, D] and [M, D]."""
    return np.asarray((a @ b.T / a.shape[1] + 1) ** 3)


def _require_same_dimensions(a: int, b: int) -> None:
    if a != b:
        raise WinnowError(
            f"features of {a} and of {b} dimensions cannot be compared: "
            "take both with one extractor"
        )


def centred(draws: np.ndarray, estimate: float) -> np.ndarray:
    """Resampled distances [B], moved so that their mean is the estimate.

    NaN, of resamples that hold one image alone, stays.
    """
    return np.asarray(draws + (estimate - np.nanmean(draws)))


def interval(draws: np.ndarray) -> tuple[float, float]:
    """The 95 % percentile interval of centred draws."""
    low, high = percentile_interval(draws).tolist()
    return low, high
