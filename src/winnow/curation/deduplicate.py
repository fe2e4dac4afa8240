"""Near-duplicate images: found by a contrastive model's features, and all but one left out.

What a contrastive model says of an image in the end is what the image means: two airports are
alike. Half-way up its tower, over the quarters of the image, it still tells which airport it is.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch.nn import functional

from winnow.data.batches import batches
from winnow.data.errors import WinnowError
from winnow.data.images import BadImageError, open_rgb
from winnow.data.shards import pool_images
from winnow.data.tables import DEDUPLICATED
from winnow.models.clip import Clip

BATCH = 256  # images
GRID = 2  # parts of each side that are described apart
BLOCK = 4096  # rows of features compared at once with as many others
FITTED = 50_000  # images whose features the whitening is fitted to, at most
EDGES = 4_000_000  # pairs held before they are condensed
SAME = 1 - 1e-6  # cosine of features above which they differ by rounding alone


def deduplicate(samples: pd.DataFrame, features: np.ndarray, threshold: float) -> pd.DataFrame:
    """DEDUPLICATED of `samples`, in their order; `features` [N, D] are theirs, L2-normalised.

    Components are numbered, and the image that is kept of each is chosen, in the order of uids.
    """
    order = np.argsort(samples["uid"].to_numpy(dtype=str), kind="stable")
    found = components(features[order], threshold)
    numbers, kept = np.empty_like(found), np.zeros(len(found), dtype=bool)
    numbers[order] = found
    kept[order[np.unique(found, return_index=True)[1]]] = True
    rows = {"uid": samples["uid"].to_numpy(), "component": numbers, "kept": kept}
    return pd.DataFrame(rows, columns=list(DEDUPLICATED))


def components(features: np.ndarray, threshold: float, block: int = BLOCK) -> np.ndarray:
    """The component of each row of `features` [N, D] (L2-normalised), as int32 [N].

    Two rows are joined if the cosine of their whitened features exceeds `threshold`, or if they
    are the same; so are all that are linked by such joins. Components are numbered by their first
    row. Memory is that of the features, of `block` x `block` cosines, and of at most `EDGES` joins
    beside those of one block.
    """
    count = len(features)
    plain, white = features.astype(np.float32), whitened(features)
    labels = np.arange(count)
    first, second, held = [np.empty(0, np.int64)], [np.empty(0, np.int64)], 0
    for top in range(0, count, block):
        for left in range(top, count, block):
            rows, columns = slice(top, top + block), slice(left, left + block)
            alike = white[rows] @ white[columns].T > threshold
            alike |= plain[rows] @ plain[columns].T > SAME
            one, other = np.nonzero(alike)
            first.append(one + top)
            second.append(other + left)
            held += len(one)
            if held > EDGES:
                labels = _joined(labels, first, second)
                first, second, held = first[:1], second[:1], 0
    labels = _joined(labels, first, second)
    starts, numbers = np.unique(labels, return_index=True, return_inverse=True)[1:]
    return np.argsort(np.argsort(starts))[numbers].astype(np.int32)


def whitened(features: np.ndarray) -> np.ndarray:
    """Features [N, D], centred, whitened and L2-normalised, as float32.

    The covariance is shrunk (Ledoit and Wolf, 2004), for there may be fewer images than dimensions.
    Descriptors for copy detection are whitened, too (SSCD, Pizzi et al., CVPR 2022); otherwise the
    cosines of any two images are high. A row that does not differ from the mean becomes zeros.
    """
    from sklearn.covariance import ledoit_wolf

    fitted = features[:: max(1, -(-len(features) // FITTED))].astype(np.float64)
    if len(fitted) < 2:
        return np.zeros_like(features, dtype=np.float32)
    mean = fitted.mean(axis=0)
    values, vectors = np.linalg.eigh(ledoit_wolf(fitted)[0])
    scale = 1 / np.sqrt(np.maximum(values, np.finfo(np.float32).eps * max(values.max(), 1e-30)))
    white = ((features - mean) @ (vectors * scale)).astype(np.float32)
    norms = np.linalg.norm(white, axis=1, keepdims=True)
    return np.divide(white, norms, out=np.zeros_like(white), where=norms > 0)


def descriptors(clip: Clip) -> Callable[[np.ndarray], torch.Tensor]:
    """The function from uint8 pixels [N, H, W, 3] to L2-normalised descriptors [N, D].

    They are the features half-way up the image tower, averaged over each quarter of the image.
    """

    def maps(pixels: np.ndarray, places: list[int] | None) -> list[torch.Tensor]:
        found = clip.model.forward_intermediates(
            image=clip.normalise(pixels), image_indices=places, stop_early=True,
            intermediates_only=True,
        )  # fmt: skip
        return list(found["image_intermediates"])

    with torch.inference_mode():
        depth = len(maps(np.zeros((1, clip.size, clip.size, 3), dtype=np.uint8), None))

    def describe(pixels: np.ndarray) -> torch.Tensor:
        quarters = functional.adaptive_avg_pool2d(maps(pixels, [depth // 2])[0].float(), GRID)
        return functional.normalize(quarters.flatten(1), dim=-1)

    return describe


def image_features(
    pool: Path,
    samples: pd.DataFrame,
    clip: Clip,
    encode: Callable[[np.ndarray], torch.Tensor],
    workers: int = 1,
) -> np.ndarray:
    """What `encode` makes of the images of `samples` (uid, shard), in their order: [N, D]."""
    rows = {uid: row for row, uid in enumerate(samples["uid"])}
    features = np.zeros((0, 0), dtype=np.float32)

    def prepare(item: tuple[str, bytes]) -> np.ndarray:
        try:
            return clip.prepare(open_rgb(item[1]))
        except BadImageError as error:
            raise WinnowError(
                f"{pool}: image {item[0]} is {error}; delete the pool and run again"
            ) from error

    with ThreadPoolExecutor(workers) as threads, torch.inference_mode():
        for chunk in batches(pool_images(pool, samples), BATCH):
            found = encode(np.stack(list(threads.map(prepare, chunk)))).cpu().numpy()
            if not len(features):
                features = np.zeros((len(rows), found.shape[1]), dtype=np.float32)
            features[[rows[uid] for uid, _ in chunk]] = found
    return features


def _joined(labels: np.ndarray, first: list[np.ndarray], second: list[np.ndarray]) -> np.ndarray:
    """The components that joins between rows make of components."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    count = len(labels)
    ends = labels[np.concatenate(first)], labels[np.concatenate(second)]
    joins = coo_array((np.ones(len(ends[0]), dtype=bool), ends), shape=(count, count))
    return connected_components(joins, directed=False)[1][labels] if count else labels
