"""Fréchet and kernel distances: parity with clean-fid, resamples, and features that are refused."""

import numpy as np
import pytest
from cleanfid.fid import fid_from_feats, kernel_distance
from hypothesis import given
from hypothesis import strategies as st

from winnow.data.errors import WinnowError
from winnow.evaluation import frechet
from winnow.evaluation.statistics import cluster_weights


def features(seed: int, images: int, dimensions: int, shift: float = 0.0) -> np.ndarray:
    """Correlated features, some directions a thousand times as wide as others."""
    rng = np.random.default_rng(seed)
    mixing = rng.normal(size=(dimensions, dimensions)) * np.logspace(0, -3, dimensions)
    return (rng.normal(size=(images, dimensions)) @ mixing + shift).astype(np.float32)


def fid(a: np.ndarray, b: np.ndarray) -> float:
    return frechet.frechet_distance(frechet.moments(a), frechet.moments(b))


# parity with clean-fid, and what must hold for any features


@pytest.mark.parametrize(("images", "dimensions"), [(300, 5), (600, 64), (700, 256)])
def test_frechet_distance_is_clean_fids(images: int, dimensions: int) -> None:
    a, b = features(1, images, dimensions), features(2, images + 50, dimensions, 0.3)
    expected = fid_from_feats(a.astype(np.float64), b.astype(np.float64))
    assert fid(a, b) == pytest.approx(expected, rel=1e-6)


def test_fewer_images_than_dimensions() -> None:
    a, b = features(1, 40, 96), features(2, 30, 96, 0.3)
    centred = [(x - x.mean(axis=0)) / np.sqrt(len(x) - 1) for x in (a.astype(float), b)]
    root = np.linalg.svd(centred[0] @ centred[1].T, compute_uv=False).sum()  # Tr (A B)^1/2
    squares = ((a.astype(float).mean(axis=0) - b.mean(axis=0)) ** 2).sum()
    expected = squares + sum((x**2).sum() for x in centred) - 2 * root
    assert fid(a, b) == pytest.approx(expected, rel=1e-6)
    assert fid(b, a) == pytest.approx(expected, rel=1e-6)


@given(st.integers(0, 50), st.integers(2, 40), st.integers(1, 12))
def test_frechet_distance_is_a_distance(seed: int, images: int, dimensions: int) -> None:
    a, b = features(seed, images, dimensions), features(seed + 1, images + 3, dimensions, 1.0)
    scale = float((a.astype(float) ** 2).sum() + 1)
    assert fid(a, a) == pytest.approx(0, abs=1e-6 * scale)
    assert fid(a, b) >= 0 and fid(a, b) == pytest.approx(fid(b, a), abs=1e-6 * scale)
    moved = fid(a, a + np.float32(2.0))
    assert moved == pytest.approx(4.0 * dimensions, rel=1e-3, abs=1e-6 * scale)


def test_kernel_distance_is_clean_fids_and_leaves_numpys_numbers_alone() -> None:
    a, b = (x.astype(np.float64) for x in (features(1, 60, 16), features(2, 70, 16, 0.5)))
    np.random.seed(7)
    expected = kernel_distance(a, b, num_subsets=5, max_subset_size=20)
    np.random.seed(3)
    before = np.random.random()
    np.random.seed(3)
    assert frechet.kernel_distance(a, b, 5, 20, seed=7) == pytest.approx(expected, rel=1e-12)
    assert np.random.random() == before


# resamples


def test_resamples_that_hold_each_image_once_are_the_estimate() -> None:
    a, b = (x.astype(np.float64) for x in (features(1, 60, 16), features(2, 60, 16, 0.5)))
    once = np.ones((1, 60))
    assert frechet.frechet_draws(a, frechet.moments(b), once)[0] == pytest.approx(fid(a, b))
    whole = frechet.kernel_distance(a, b, subsets=1, size=60, seed=0)
    assert frechet.kernel_draws(a, b, once)[0] == pytest.approx(whole)


def test_a_resample_is_the_distance_of_the_images_it_holds() -> None:
    a, b = (x.astype(np.float64) for x in (features(1, 30, 8), features(2, 30, 8, 0.5)))
    weights = cluster_weights(np.random.default_rng(0), 4, 30)
    expected = [fid(np.repeat(a, row.astype(int), axis=0), b) for row in weights]
    assert frechet.frechet_draws(a, frechet.moments(b), weights) == pytest.approx(expected)


def test_intervals_hold_the_estimate_and_narrow_with_more_images() -> None:
    real = features(0, 2000, 12).astype(np.float64)
    widths = []
    for images in (50, 800):
        ours = features(3, 2000, 12).astype(np.float64)[:images]
        weights = cluster_weights(np.random.default_rng(0), 200, images)
        value = fid(ours, real)
        draws = frechet.centred(frechet.frechet_draws(ours, frechet.moments(real), weights), value)
        low, high = frechet.interval(draws)
        assert low < value < high
        widths.append(high - low)
    assert widths[1] < widths[0] / 2


def test_resamples_of_kernel_distance_are_not_raised_by_repeated_images() -> None:
    a, b = (features(seed, 40, 8).astype(np.float64) for seed in (1, 2))
    weights = cluster_weights(np.random.default_rng(0), 3000, 40)
    draws = frechet.kernel_draws(a, b, weights)
    assert draws.mean() == pytest.approx(
        frechet.kernel_distance(a, b, 1, 40, seed=0), abs=3 * draws.std() / np.sqrt(3000)
    )


def test_a_resample_of_one_image_alone_has_no_kernel_distance() -> None:
    a, b = features(1, 2, 4).astype(float), features(2, 9, 4).astype(float)
    draws = frechet.kernel_draws(a, b, np.array([[1.0, 1.0], [2.0, 0.0]]))
    assert np.isfinite(draws[0]) and not np.isfinite(draws[1])


# what is refused


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.zeros((1, 4)), r"generated images: .*\(1, 4\).* 2 images or more"),
        (np.zeros((0, 4)), "2 images or more"),
        (np.full((3, 4), np.nan), "generated images: features of 3 of 3 images are not finite"),
        (np.array([[0.0], [np.inf], [1.0]]), "1 of 3 images are not finite, first of image 1"),
    ],
)
def test_features_that_have_no_distance(values: np.ndarray, message: str) -> None:
    with pytest.raises(WinnowError, match=message):
        frechet.moments(values, "generated images")


def test_features_of_different_extractors() -> None:
    a, b = features(1, 9, 4), features(1, 9, 5)
    with pytest.raises(WinnowError, match=r"4 and of 5 dimensions.*one extractor"):
        fid(a, b)
    with pytest.raises(WinnowError, match="4 and of 5 dimensions"):
        frechet.kernel_distance(a, b, 1, 9, seed=0)
