"""Retrieval where the scene does not help: the gallery holds the images of one scene.

Much of the recall over all images can be had by knowing the scene alone: `scene_only_outcomes` says
how much. Within a scene only the content tells images apart; ranking at random has an AUC of 0.5.
"""

from collections.abc import Iterator, Sequence
from math import comb

import numpy as np
import pandas as pd

from winnow.evaluation.retrieval import (
    KS,
    blocks,
    caption_names,
    hits,
    image_ranks,
    normalise,
    outcomes,
    recalls,
    text_ranks,
)

Scenes = Sequence[str | None]  # of each image [N]; None where it is not known
KIND, AUC = "within_scene", "within_scene_auc"
PAIR = 2  # images of a scene, at least, that can be confused


def within_scene_outcomes(
    image_features: np.ndarray,
    text_features: np.ndarray,
    owner: np.ndarray,
    scenes: Scenes,
    images: Sequence[str],
    ks: Sequence[int] = KS,
) -> pd.DataFrame:
    """Table OUTCOMES of retrieval within each scene of two images or more.

    `image_within_scene_recall@K` and `text_within_scene_recall@K` are the recalls of
    `retrieval_outcomes` with a gallery of one scene, `within_scene_auc` is `caption_auc`. Other
    images have no rows. Arguments, memory and errors are those of `retrieval_outcomes`.
    """
    owner, names = np.asarray(owner), np.asarray(images)
    visual, textual = normalise(image_features), normalise(text_features)
    to_image, to_text = np.full(len(owner), -1), np.full(len(names), -1)
    auc = np.full(len(owner), np.nan)
    for rows, captions, places in _galleries(owner, scenes, PAIR):
        gallery = visual[rows], textual[captions], places
        to_image[captions], to_text[rows] = image_ranks(*gallery), text_ranks(*gallery)
        auc[captions] = caption_auc(*gallery)
    return _within(owner, names, ks, (hits(to_image, ks), hits(to_text, ks)), auc, to_text >= 0)


def caption_auc(visual: np.ndarray, textual: np.ndarray, owner: np.ndarray) -> np.ndarray:
    """For each caption [M] the share of the captions of other images that its image scores lower
    than it, ties half. Normalised features of at least two images [N, D] and their captions [M, D];
    blockwise."""
    auc = np.empty(len(owner))
    for block in blocks(len(visual), len(textual)):
        for image, scores in enumerate(visual[block] @ textual.T, block.start):
            own = owner == image
            others = np.sort(scores[~own])
            below, upto = (others.searchsorted(scores[own], side) for side in ("left", "right"))
            auc[own] = (below + upto) / (2 * len(others))
    return auc


def scene_only_outcomes(
    owner: np.ndarray, scenes: Scenes, images: Sequence[str], ks: Sequence[int] = KS
) -> pd.DataFrame:
    """Table OUTCOMES of what can be expected of a model that knows the scene and nothing else: it
    ranks its scene's images or captions first, at random. Exact.

    It has the rows of `within_scene_outcomes` and, where the scene of every image is known, those
    of `retrieval_outcomes`.
    """
    owner, names = np.asarray(owner), np.asarray(images)
    to_image, to_text = np.zeros((len(ks), len(owner))), np.zeros((len(ks), len(names)))
    known, rivals = np.zeros(len(names), dtype=bool), np.zeros(len(names), dtype=bool)
    for rows, captions, places in _galleries(owner, scenes, 1):
        known[rows], rivals[rows] = True, len(rows) >= PAIR
        for place, k in enumerate(ks):
            to_image[place, captions] = min(1.0, k / len(rows))
            to_text[place, rows] = [_hit(len(captions), c, k) for c in np.bincount(places).tolist()]
    auc = np.full(len(owner), 0.5)
    tables = [_within(owner, names, ks, (to_image, to_text), auc, rivals)]
    if known.all():
        queries = caption_names(names, owner), names
        tables.append(recalls("retrieval", ks, (to_image, to_text), queries, names[owner]))
    return pd.concat(tables, ignore_index=True)


def _hit(captions: int, own: int, k: int) -> float:
    """The chance that the first k of some captions in random order hold one of `own`."""
    first = min(k, captions)
    return 1 - comb(captions - own, first) / comb(captions, first)


def _within(
    owner: np.ndarray,
    names: np.ndarray,
    ks: Sequence[int],
    found: tuple[np.ndarray, np.ndarray],
    auc: np.ndarray,
    rivals: np.ndarray,
) -> pd.DataFrame:
    """Table OUTCOMES of the images with `rivals` [N] in their scene, and their captions."""
    asked = rivals[owner]
    queries, groups = caption_names(names, owner)[asked], names[owner][asked]
    own = found[0][:, asked], found[1][:, rivals]
    tables = [
        recalls(KIND, ks, own, (queries, names[rivals]), groups),
        outcomes(AUC, queries, groups, auc[asked]),
    ]
    return pd.concat(tables, ignore_index=True)


def _galleries(
    owner: np.ndarray, scenes: Scenes, least: int
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Of each scene with so many images their rows [n], the rows of their captions [m], and for
    each of these the place of its image among the first [m]."""
    codes, named = pd.factorize(np.array(scenes, dtype=object))
    for code in range(len(named)):
        rows = np.flatnonzero(codes == code)
        captions = np.flatnonzero(codes[owner] == code)
        if len(rows) >= least:
            yield rows, captions, np.searchsorted(rows, owner[captions])
