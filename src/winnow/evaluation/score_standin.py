"""How good the stand-in `score_model` is: the noise that it finds, and how far it agrees with
other scorers, on captions of images that it did not see."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from winnow.data.batches import batches
from winnow.data.images import open_rgb
from winnow.data.shards import pool_images
from winnow.data.splits import split_rows
from winnow.scoring.scorer import Batch, Scorer
from winnow.terrarium.noise import KINDS, corrupt

IMAGES = 64  # scored at once
NOISY = 0.5  # of the captions; each kind of noise has the same share
SEED = 0


def noisy_captions(samples: pd.DataFrame, human: pd.DataFrame) -> pd.DataFrame:
    """The human captions of the images of the split `test` (uid, caption_id, text, kind), of which
    half have noise of a known kind."""
    chosen = split_rows(samples, "test", "the foundry")
    scene = dict(zip(chosen["uid"], chosen["scene"], strict=True))
    table = human[human["uid"].isin(scene)].sort_values(["uid", "caption_id"], ignore_index=True)
    own = table.groupby("uid")["text"].agg(list).to_dict()
    texts, kinds = corrupt(
        table["text"].tolist(),
        [scene[uid] for uid in table["uid"]],
        table["uid"].tolist(),
        dict.fromkeys(KINDS, NOISY / len(KINDS)),
        SEED,
        references=[own[uid] for uid in table["uid"]],
    )
    return table[["uid", "caption_id"]].assign(text=texts, kind=kinds)


def scored(
    captions: pd.DataFrame, pool: Path, samples: pd.DataFrame, scorers: Mapping[str, Scorer]
) -> dict[str, np.ndarray]:
    """The scores [N] of `captions` by each scorer; all texts of an image go together."""
    rows = captions.groupby("uid").indices
    values = {name: np.empty(len(captions)) for name in scorers}
    for chunk in batches(pool_images(pool, samples[samples["uid"].isin(rows.keys())]), IMAGES):
        taken = np.concatenate([rows[uid] for uid, _ in chunk])
        image = np.repeat(np.arange(len(chunk)), [len(rows[uid]) for uid, _ in chunk])
        uids, ids, texts = (captions[name].iloc[taken].tolist() for name in captions.columns[:3])
        for name, scorer in scorers.items():
            pixels = np.stack([scorer.prepare(open_rgb(content)) for _, content in chunk])
            values[name][taken] = scorer.score(Batch(uids, ids, texts, image, pixels))
    return values


def rank_correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Spearman's correlation of two columns of scores [N]."""
    return float(pd.Series(a).corr(pd.Series(b), method="spearman"))
