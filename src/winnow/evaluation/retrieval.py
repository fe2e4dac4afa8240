"""Image-text retrieval by RemoteCLIP's protocol: every caption of the test images is a query.

A query's recall at K is 1 if at least one of its positives is among the K nearest by cosine, else
0 (RemoteCLIP `retrieval.py`; CLIP_benchmark counts the same). Equal scores are ranked by position,
the earlier first, as a stable sort ranks them: identical captions of two images are frequent, and
having one is no fault of an image.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from winnow.data.errors import WinnowError

KS = (1, 5, 10)
BLOCK = 1 << 24  # scores held at once (64 MB in single precision)


def retrieval_outcomes(
    image_features: np.ndarray,
    text_features: np.ndarray,
    owner: np.ndarray,
    ks: Sequence[int] = KS,
    images: Sequence[str] | None = None,
) -> pd.DataFrame:
    """Table OUTCOMES of both directions: `image_retrieval_recall@K` for text to image (query: a
    caption, named `image#number`), `text_retrieval_recall@K` for image to text (query: an image).

    `image_features` [N, D] and `text_features` [M, D] need no normalisation; `owner` [M] is the
    image of each caption; `images` names them (their positions otherwise). Blockwise: the N x M
    scores are never held. WinnowError for features that are not finite or an image without caption.
    """
    owner = np.asarray(owner)
    names = np.array([str(i) for i in range(len(image_features))] if images is None else images)
    without = np.setdiff1d(np.arange(len(names)), owner)
    if len(without):
        raise WinnowError(f"image {names[without[0]]} has no caption to be retrieved by")
    visual, textual = normalise(image_features), normalise(text_features)
    number = pd.Series(owner).groupby(owner).cumcount().to_numpy()
    captions = np.array([f"{name}#{n}" for name, n in zip(names[owner], number, strict=True)])
    to_image, to_text = image_ranks(visual, textual, owner), text_ranks(visual, textual, owner)
    tables = [
        pd.DataFrame(
            {"metric": f"image_retrieval_recall@{k}", "query": captions, "group": names[owner],
             "value": (to_image < k).astype(float)}
        ) for k in ks
    ] + [
        pd.DataFrame(
            {"metric": f"text_retrieval_recall@{k}", "query": names, "group": names,
             "value": (to_text < k).astype(float)}
        ) for k in ks
    ]  # fmt: skip
    return pd.concat(tables, ignore_index=True)


def normalise(features: np.ndarray) -> np.ndarray:
    """Rows of unit length, [..., D]; WinnowError where a row is not finite or zero."""
    length = np.linalg.norm(features, axis=-1, keepdims=True)
    if not np.isfinite(length).all() or (length == 0).any():
        raise WinnowError("features are zero or not finite: the model diverged (lower its lr)")
    return np.asarray(features / length)


def image_ranks(visual: np.ndarray, textual: np.ndarray, owner: np.ndarray) -> np.ndarray:
    """For each caption [M], how many images are ranked before its own."""
    ranks = np.empty(len(textual), dtype=np.int64)
    position = np.arange(len(visual))
    for block in _blocks(len(textual), len(visual)):
        scores = textual[block] @ visual.T
        own = owner[block][:, None]
        ranks[block] = _before(scores, np.take_along_axis(scores, own, 1), own, position)
    return ranks


def text_ranks(visual: np.ndarray, textual: np.ndarray, owner: np.ndarray) -> np.ndarray:
    """For each image [N], how many captions are ranked before the first of its own."""
    ranks = np.empty(len(visual), dtype=np.int64)
    position = np.arange(len(textual))
    for block in _blocks(len(visual), len(textual)):
        scores = visual[block] @ textual.T
        column = position[(owner >= block.start) & (owner < block.stop)]
        row = owner[column] - block.start
        best = np.full(len(scores), -np.inf, dtype=scores.dtype)
        np.maximum.at(best, row, scores[row, column])
        tied = scores[row, column] == best[row]
        first = np.full(len(scores), len(textual))
        np.minimum.at(first, row[tied], column[tied])
        ranks[block] = _before(scores, best[:, None], first[:, None], position)
    return ranks


def _before(
    scores: np.ndarray, best: np.ndarray, index: np.ndarray, position: np.ndarray
) -> np.ndarray:
    earlier = (scores == best) & (position < index)
    return np.asarray(((scores > best) | earlier).sum(axis=1))


def _blocks(rows: int, columns: int) -> Iterator[slice]:
    size = max(1, BLOCK // columns)
    for start in range(0, rows, size):
        yield slice(start, min(start + size, rows))
