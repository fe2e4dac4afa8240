"""What generated images are measured by: FID, KID, and the cosine of image and prompt.

Real images are those whose captions are the prompts. The floor is real against real: as many
images of the reference split in the place of the generated ones.
"""

from __future__ import annotations

import zlib
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from winnow.data.tables import CAPTIONS, OUTCOMES, SAMPLES, read_table
from winnow.evaluation import frechet
from winnow.evaluation.cell_results import Measurement
from winnow.evaluation.features import (
    Extract,
    Images,
    clip_features,
    inception,
    inception_features,
)
from winnow.evaluation.retrieval import normalise
from winnow.evaluation.settings import GenerationMetrics, Statistics
from winnow.evaluation.statistics import bootstrap, cluster_weights, estimates
from winnow.evaluation.zeroshot import class_features, zeroshot_outcomes
from winnow.evaluation.zeroshot import prompts as templates

if TYPE_CHECKING:
    from winnow.models.clip import Clip

DISTANCES = ("fid", "kid")  # lower is better


class GenerationSettings(GenerationMetrics):
    """What is measured, and the resamples of the scores, which are means over prompts."""

    statistics: Statistics = Statistics.model_validate({})


def evaluate(
    images: Images, clip: Clip, remoteclip: Clip, settings: GenerationSettings
) -> tuple[Measurement, pd.DataFrame]:
    """All that is measured of a folder of images; and table OUTCOMES.

    `clip` gives `clip_score`; `remoteclip`, the evaluator, gives `remoteclip_score` and, unless
    Inception does, the features of the distances.
    """
    from winnow.evaluation.contrastive import encode_texts  # imports torch

    prompts, tables = images.prompts, []
    for name, model in (("clip_score", clip), ("remoteclip_score", remoteclip)):
        extract: Extract = partial(clip_features, model)
        generated, real = images.generated(extract), images.real(extract)
        texts = encode_texts(model, prompts["prompt"])
        tables.append(score_outcomes(name, prompts, generated, real, texts))
    tables.append(scene_outcomes(remoteclip, prompts, generated, real))
    if settings.features == "inception":
        extract = partial(inception_features, extractor=inception())
        generated, real = images.generated(extract), images.real(extract)
    reference = images.reference(extract)
    found = distances(generated, real, reference, prompts["scene"], settings)
    outcomes = pd.concat(tables, ignore_index=True)
    return summary(found, outcomes, settings), outcomes


def evaluate_folder(
    generated: Path,
    pool: Path,
    human: Path,
    clip: Path,
    remoteclip: Path,
    settings: GenerationSettings,
) -> tuple[Measurement, pd.DataFrame]:
    """`evaluate` of a folder of images, once its prompts are those of the pool.

    `clip` and `remoteclip` are the folders of the models.
    """
    from winnow.generation.images import read_prompts, require_prompts
    from winnow.generation.prompts import prompts_of
    from winnow.models import clip as models

    prompts = read_prompts(generated)
    samples = read_table(pool / "samples.parquet", SAMPLES)
    asked = prompts_of(pool, samples, read_table(human, CAPTIONS), len(prompts))
    require_prompts(generated, prompts, asked)
    images = Images(generated, pool, samples, prompts)
    return evaluate(images, models.load(clip), models.load(remoteclip), settings)


class Distances:
    """Distances from real images, features [N, D], collected with intervals and resamples."""

    def __init__(self, real: np.ndarray, settings: GenerationSettings):
        self.real = frechet.checked(real, "real images")
        self.moments = frechet.moments(self.real)
        self.settings = settings
        self.values: dict[str, float] = {}
        self.draws: dict[str, np.ndarray] = {}
        self.n: dict[str, int] = {}

    def add_fid(self, name: str, features: np.ndarray) -> None:
        """FID of features [N, D] from all real images."""
        value = frechet.frechet_distance(frechet.moments(features), self.moments)
        weights = self._weights("", len(features))
        self._add(name, value, frechet.frechet_draws(features, self.moments, weights))
        self.n[name] = len(features)

    def add_kid(self, name: str, features: np.ndarray, real: np.ndarray, scene: str = "") -> None:
        """KID of features [N, D] from real ones: all of them, or those of one scene."""
        settings = self.settings
        size, seed = settings.kid_subset_size, settings.statistics.seed
        value = frechet.kernel_distance(features, real, settings.kid_subsets, size, seed)
        weights = self._weights(scene, len(features))
        self._add(name, value, frechet.kernel_draws(features, real, weights))
        self.n[name] = len(features)

    def _weights(self, scene: str, count: int) -> np.ndarray:
        """The resamples of `count` images: alike for all cells, and for FID and KID."""
        rng = np.random.default_rng([self.settings.statistics.seed, zlib.crc32(scene.encode())])
        return cluster_weights(rng, self.settings.resamples, count)

    def _add(self, name: str, value: float, draws: np.ndarray) -> None:
        self.values[name] = value
        self.draws[name] = frechet.centred(draws, value)


def distances(
    generated: np.ndarray,
    real: np.ndarray,
    reference: np.ndarray | None,
    scenes: pd.Series,
    settings: GenerationSettings,
) -> Distances:
    """FID and KID of generated images [N, D] from the real ones of the same rows, and the floor.

    `scenes` [N] may hold nulls; a scene of one image has no KID. Without `reference` images there
    is no floor.
    """
    found = Distances(real, settings)
    checked = frechet.checked(generated, "generated images")
    found.add_fid("fid", checked)
    found.add_kid("kid", checked, found.real)
    for scene, rows in scenes_rows(scenes).items():
        if len(rows) > 1:
            found.add_kid(f"kid/{scene}", checked[rows], found.real[rows], scene)
    if reference is not None:
        floor = frechet.checked(reference, "images of the reference split")
        found.add_fid("fid_floor", floor)
        found.add_kid("kid_floor", floor, found.real)
    return found


def scenes_rows(scenes: pd.Series) -> dict[str, np.ndarray]:
    """The rows of each scene, by its name, in alphabetical order."""
    places = pd.Series(np.arange(len(scenes)), dtype=np.int64)
    groups = places.groupby(scenes.reset_index(drop=True), sort=True)
    return {str(scene): rows.to_numpy() for scene, rows in groups}


def score_outcomes(
    name: str, prompts: pd.DataFrame, generated: np.ndarray, real: np.ndarray, texts: np.ndarray
) -> pd.DataFrame:
    """OUTCOMES of the cosines of image and prompt, features [N, D] in the order of PROMPTS.

    `name` over all prompts and `name/scene` for each scene; `name_real` of the real images.
    """
    words = normalise(texts)
    rows = pd.DataFrame({"query": prompts["uid"], "group": prompts["uid"]})
    ours = rows.assign(metric=name, value=(normalise(generated) * words).sum(axis=1))
    theirs = rows.assign(metric=f"{name}_real", value=(normalise(real) * words).sum(axis=1))
    by_scene = [
        ours.iloc[places].assign(metric=f"{name}/{scene}")
        for scene, places in scenes_rows(prompts["scene"]).items()
    ]
    return pd.concat([ours, *by_scene, theirs], ignore_index=True)


def scene_outcomes(
    remoteclip: Clip, prompts: pd.DataFrame, generated: np.ndarray, real: np.ndarray
) -> pd.DataFrame:
    """OUTCOMES `scene_accuracy`: 1 where an image's features [N, D] are nearest to its own scene's
    name; `scene_accuracy_real` of the real images. Empty where there are fewer than two scenes.
    """
    from winnow.evaluation.contrastive import encode_texts

    labelled = prompts["scene"].notna().to_numpy()
    scenes = sorted(prompts.loc[labelled, "scene"].unique())
    if len(scenes) < 2:
        return pd.DataFrame(columns=list(OUTCOMES))
    classes = class_features(encode_texts(remoteclip, templates(scenes)))
    labels = prompts.loc[labelled, "scene"].map(scenes.index).to_numpy()
    uids = prompts.loc[labelled, "uid"].tolist()
    tables = [
        zeroshot_outcomes("", features[labelled], labels, classes, uids, ks=(1,)).assign(
            metric=name
        )
        for name, features in (("scene_accuracy", generated), ("scene_accuracy_real", real))
    ]
    return pd.concat(tables, ignore_index=True)


def summary(
    measured: Distances, outcomes: pd.DataFrame, settings: GenerationSettings
) -> Measurement:
    """Both kinds of metrics together."""
    counts = {str(name): int(count) for name, count in outcomes["metric"].value_counts().items()}
    statistics = settings.statistics
    intervals = bootstrap(outcomes, statistics.resamples, statistics.seed)
    intervals |= {name: frechet.interval(draws) for name, draws in measured.draws.items()}
    return Measurement(
        estimates(outcomes) | measured.values, intervals, counts | measured.n, measured.draws
    )
