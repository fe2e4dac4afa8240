"""Evaluate a CLIP on the contrastive track: retrieval on the test split, zero-shot sets."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from winnow.data.batches import batches
from winnow.data.errors import WinnowError
from winnow.data.images import open_rgb
from winnow.data.shards import iter_shard, shard_path
from winnow.data.splits import split_rows
from winnow.evaluation.retrieval import retrieval_outcomes
from winnow.evaluation.zeroshot import class_features, prompts, zeroshot_outcomes
from winnow.models.clip import Clip
from winnow.sources.zeroshot import read_set

BATCH = 128


def contrastive_outcomes(
    clip: Clip, pool: Path, samples: pd.DataFrame, human: pd.DataFrame, sets: Path
) -> pd.DataFrame:
    """Table OUTCOMES of retrieval and of every zero-shot set under `sets`, in float32."""
    test = split_rows(samples, "test", pool)
    tables = [retrieval(clip, pool, test, human)]
    for folder in sorted(path for path in sets.iterdir() if path.is_dir()):
        tables.append(classification(clip, folder))
    return pd.concat(tables, ignore_index=True)


def retrieval(clip: Clip, pool: Path, test: pd.DataFrame, human: pd.DataFrame) -> pd.DataFrame:
    """Table OUTCOMES of retrieval among the images `test` (uid, shard) and all their captions."""
    wanted = set(test["uid"])
    stream = (
        item
        for shard in sorted(test["shard"].unique())
        for item in iter_shard(shard_path(pool, int(shard)))
        if item[0] in wanted
    )
    uids, features = encode_images(clip, stream)
    if len(uids) != len(wanted):
        raise WinnowError(f"{pool}: shards hold {len(uids)} of the {len(wanted)} test images")
    captions = human[human["uid"].isin(wanted)]
    row = {uid: index for index, uid in enumerate(uids)}
    owner = captions["uid"].map(row).to_numpy()
    return retrieval_outcomes(features, encode_texts(clip, captions["text"]), owner, images=uids)


def classification(clip: Clip, folder: Path) -> pd.DataFrame:
    """Table OUTCOMES of one zero-shot set."""
    classes, templates, stream = read_set(folder)
    labelled = list(stream)
    names = [f"{folder.name}/{index}" for index in range(len(labelled))]
    images = zip(names, (content for content, _ in labelled), strict=True)
    _, features = encode_images(clip, images)
    texts = class_features(encode_texts(clip, prompts(classes, templates)), len(templates))
    labels = np.array([label for _, label in labelled])
    return zeroshot_outcomes(folder.name, features, labels, texts, names)


def encode_images(clip: Clip, images: Iterable[tuple[str, bytes]]) -> tuple[list[str], np.ndarray]:
    """Names and features [N, D] of named encoded images."""
    names: list[str] = []
    features = []
    for chunk in batches(images, BATCH):
        names += [name for name, _ in chunk]
        pixels = np.stack([clip.prepare(open_rgb(content)) for _, content in chunk])
        with torch.inference_mode():
            features.append(clip.encode_images(pixels).cpu().numpy())
    return names, np.concatenate(features)


def encode_texts(clip: Clip, texts: Iterable[str]) -> np.ndarray:
    """Features [N, D] of texts."""
    features = []
    for chunk in batches(texts, BATCH):
        with torch.inference_mode():
            features.append(clip.encode_texts(chunk).cpu().numpy())
    return np.concatenate(features)
