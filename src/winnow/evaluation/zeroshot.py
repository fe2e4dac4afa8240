"""Zero-shot classification by ScoreRS's protocol (NeurIPS 2025, appendix D.3.1)."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from winnow.data.errors import WinnowError
from winnow.evaluation.retrieval import normalise
from winnow.sources.zeroshot import TEMPLATES

KS = (1, 5)


def prompts(classes: Sequence[str], templates: Sequence[str] = TEMPLATES) -> list[str]:
    """The texts to encode: for each class, all T templates in turn (T x classes)."""
    return [template.replace("{c}", name) for name in classes for template in templates]


def class_features(text_features: np.ndarray, templates: int = len(TEMPLATES)) -> np.ndarray:
    """Features [C, D] of the classes from those [T C, D] of `prompts` with T `templates`.

    Each is normalised, they are averaged over the templates, and normalised again.
    """
    unit = normalise(text_features)
    return normalise(unit.reshape(-1, templates, unit.shape[-1]).mean(axis=1))


def zeroshot_outcomes(
    name: str,
    image_features: np.ndarray,
    labels: np.ndarray,
    classes: np.ndarray,
    images: Sequence[str] | None = None,
    ks: Sequence[int] = KS,
) -> pd.DataFrame:
    """Table OUTCOMES of one set: `{name}/acc{k}` is 1 where the true class is among the k nearest.

    `image_features` [N, D], `labels` [N] in 0..C-1, `classes` [C, D] as of `class_features`;
    `images` names the images. Equal scores are ranked by the number of the class. With fewer than k
    classes acc{k} is left out, because it would always be 1.
    """
    labels = np.asarray(labels)
    if len(labels) and (labels.min() < 0 or labels.max() >= len(classes)):
        raise WinnowError(f"zero-shot set {name}: a label lies outside 0..{len(classes) - 1}")
    names = np.array([str(i) for i in range(len(labels))] if images is None else images)
    scores = normalise(image_features) @ classes.T
    own = np.take_along_axis(scores, labels[:, None], 1)
    earlier = (scores == own) & (np.arange(len(classes)) < labels[:, None])
    rank = ((scores > own) | earlier).sum(axis=1)
    tables = [
        pd.DataFrame(
            {"metric": f"{name}/acc{k}", "query": names, "group": names,
             "value": (rank < k).astype(float)}
        ) for k in ks if k <= len(classes)
    ]  # fmt: skip
    return pd.concat(tables, ignore_index=True)
