"""Evaluate a CLIP on the contrastive track: retrieval on the test split, zero-shot sets."""

from collections.abc import Iterable, Sequence
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
from winnow.evaluation.statistics import estimates, headline_means
from winnow.evaluation.within_scene import PAIR, scene_only_outcomes, within_scene_outcomes
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
    """Table OUTCOMES of retrieval among the images `test` (uid, shard, scene) and all their
    captions, over all images and within each scene."""
    uids, features = _test_images(clip, pool, test)
    captions, owner, scenes = _captions(uids, test, human)
    texts = encode_texts(clip, captions["text"])
    tables = [
        retrieval_outcomes(features, texts, owner, images=uids),
        within_scene_outcomes(features, texts, owner, scenes, uids),
    ]
    return pd.concat(tables, ignore_index=True)


def pair_cosines(
    clip: Clip, pool: Path, test: pd.DataFrame, human: pd.DataFrame
) -> tuple[np.ndarray, np.ndarray]:
    """Cosines [captions] of the captions of the images `test` (uid, shard) with their own images,
    and with the next image by uid, a digest: mismatches as by chance."""
    uids, features = _test_images(clip, pool, test)
    captions, owner, _ = _captions(uids, test, human)
    order = np.argsort(uids)
    following = np.empty(len(uids), dtype=np.int64)
    following[order] = np.roll(order, -1)
    texts = encode_texts(clip, captions["text"])
    own, other = features[owner], features[following[owner]]
    return (own * texts).sum(axis=1), (other * texts).sum(axis=1)


def _test_images(clip: Clip, pool: Path, test: pd.DataFrame) -> tuple[list[str], np.ndarray]:
    """The uids and features [N, D] of the images `test`."""
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
    return uids, features


def scene_only(test: pd.DataFrame, human: pd.DataFrame) -> dict[str, float]:
    """The metrics of `retrieval` that knowing the scene alone gives, as far as scenes are known."""
    uids = test["uid"].tolist()
    _, owner, scenes = _captions(uids, test, human)
    expected = scene_only_outcomes(owner, scenes, uids)
    return {} if expected.empty else estimates(expected, headline_means(expected["metric"]))


def scene_counts(test: pd.DataFrame) -> dict[str, int]:
    """Of how many images retrieval within a scene is measured, and how many it leaves out: those
    that are alone in their scene, and those whose scene is not known."""
    sizes = test.groupby("scene")["uid"].size()
    shared, alone = sizes[sizes >= PAIR], sizes[sizes < PAIR]
    return {
        "scenes": len(shared),
        "images": int(shared.sum()),
        "alone": int(alone.sum()),
        "unknown": int(test["scene"].isna().sum()),
    }


def _captions(
    uids: Sequence[str], test: pd.DataFrame, human: pd.DataFrame
) -> tuple[pd.DataFrame, np.ndarray, list[str | None]]:
    """The captions [M] of the images `uids` [N], the image of each by its place, and the scenes of
    the images."""
    row = {uid: place for place, uid in enumerate(uids)}
    captions = human[human["uid"].isin(row)]
    scene = dict(zip(test["uid"], test["scene"], strict=True))
    named = [scene[uid] if isinstance(scene[uid], str) else None for uid in uids]
    return captions, captions["uid"].map(row).to_numpy(), named


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
