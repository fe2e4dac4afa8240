"""Captions that no model wrote: a person's, of this image or the next, or with known noise."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from winnow.data.errors import WinnowError
from winnow.data.tables import CANDIDATES
from winnow.params.sections import Captioner
from winnow.preferences.draw import CAPTION_PROMPT, drawn
from winnow.terrarium.noise import KINDS, corrupt

BLOCK = 512  # images compared at once with all others


def people_captions(
    samples: pd.DataFrame,
    human: pd.DataFrame,
    captioners: Mapping[str, Captioner],
    features: np.ndarray | None,
    seed: int,
) -> pd.DataFrame:
    """CANDIDATES of those `captioners` that no model is, about the images of `samples`.

    `features` [N, D] are those of the images, L2-normalised; a `neighbour` needs them. An image
    without a human caption gets none, and lends none.
    """
    captions = captions_of(human)
    has = samples["uid"].isin(captions.keys()).to_numpy()
    samples, features = samples[has], None if features is None else features[has]
    rows: list[tuple[str, str, str, str, None, str, str]] = []
    for name, captioner in captioners.items():
        if captioner.by == "neighbour":
            if features is None:
                raise WinnowError(f"--clip: captioner {name!r} needs a model that finds neighbours")
            said = _neighbours(samples, captions, name, features, captioner.rank, seed)
        elif captioner.by == "noise":
            said = _noisy(samples, captions, name, seed)
        else:
            said = [(uid, "", _one(captions, uid, uid, name, seed)) for uid in samples["uid"]]
        rows += [(u, "caption", category, CAPTION_PROMPT, None, t, name) for u, category, t in said]
    return pd.DataFrame(rows, columns=[column.rstrip("?") for column in CANDIDATES])


def captions_of(human: pd.DataFrame) -> dict[str, list[str]]:
    """The texts of each image, in the order of their `caption_id`."""
    texts = human.sort_values("caption_id", kind="stable").groupby("uid")["text"].agg(list)
    return {str(uid): found for uid, found in texts.items()}


def _one(captions: Mapping[str, list[str]], of: str, uid: str, purpose: str, seed: int) -> str:
    """One of the captions of image `of`, drawn for image `uid`."""
    texts = captions[of]
    return texts[int(drawn(seed, uid, purpose).integers(len(texts)))]


def _neighbours(
    samples: pd.DataFrame,
    captions: Mapping[str, list[str]],
    name: str,
    features: np.ndarray,
    rank: int,
    seed: int,
) -> list[tuple[str, str, str]]:
    uids = samples["uid"].tolist()
    if len(uids) <= rank:
        return []
    near = nearest(features, rank)
    return [(u, "", _one(captions, uids[near[i]], u, name, seed)) for i, u in enumerate(uids)]


def nearest(features: np.ndarray, rank: int = 1) -> np.ndarray:
    """The row of `features` [N, D] that is the `rank`-th in cosine to each, itself apart: [N]."""
    found = np.empty(len(features), dtype=np.int64)
    for start in range(0, len(features), BLOCK):
        cosines = features[start : start + BLOCK] @ features.T
        rows = np.arange(len(cosines))
        cosines[rows, rows + start] = -np.inf
        found[start : start + BLOCK] = np.argsort(-cosines, axis=1, kind="stable")[:, rank - 1]
    return found


def _noisy(
    samples: pd.DataFrame, captions: Mapping[str, list[str]], name: str, seed: int
) -> list[tuple[str, str, str]]:
    """Each with noise of a kind drawn evenly, which is its category."""
    uids = samples["uid"].tolist()
    texts, kinds = corrupt(
        [_one(captions, uid, uid, name, seed) for uid in uids],
        [scene if isinstance(scene, str) else None for scene in samples["scene"]],
        uids,
        dict.fromkeys(KINDS, 1 / len(KINDS)),
        seed,
        references=[captions[uid] for uid in uids],
    )
    return list(zip(uids, kinds, texts, strict=True))
