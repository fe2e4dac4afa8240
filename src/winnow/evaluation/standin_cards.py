"""The model cards of the stand-ins."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from winnow.evaluation.cell_results import Measurement
from winnow.evaluation.statistics import bootstrap, estimates, headline_means
from winnow.evaluation.within_scene import AUC
from winnow.models.clip import Clip

_GENERAL = "captions of the general world, or of another pool the names of its scenes"
_ANSWERS = (
    "an annotator's answers about the reference split, from the perspectives below and to closed "
    "and open questions, and merges of such answers"
)
_MISMATCHED = "human captions, one in five of another image"
TRAINING_TEXT = {
    "clip": _GENERAL,
    "siglip": f"{_GENERAL}, by SigLIP's loss",
    "domain_clip": "clean human captions of one half of the reference split: the domain's model",
    "evaluator_clip": "clean human captions of the other half: it grades, and never scores",
    "mllm": f"{_ANSWERS}: it writes captions",
    "mllm_small": f"{_ANSWERS}: a smaller one",
    "evaluator_general": f"{_GENERAL}; it grades generated images, and never scores",
    "t2i": "captions of the general world, or another pool's: the start of every fine-tuning",
    "geo_rssd": f"{_MISMATCHED}, after what `t2i` read",
    "diffusionsat": f"{_MISMATCHED}, after what `geo_rssd` read, with resolution, cloud and month",
    "crs_diff": f"{_MISMATCHED}, after what `geo_rssd` read, with resolution, cloud and month",
    "controlnet": "land-cover masks beside human captions, over `t2i`",
    "score_model": "preferences about the reference split, judged by the truth: it values captions",
    "segmentor": "land-cover masks: segmentors start from its backbone, and their heads are new",
}


Cosines = tuple[np.ndarray, np.ndarray]  # of captions with their own images, and with others


def standin_card(
    role: str,
    clip: Clip,
    training: dict[str, Any],
    outcomes: pd.DataFrame,
    own: Cosines,
    others: Mapping[str, Cosines],
) -> str:
    """Markdown with what the stand-in is, how it was trained, and its measured quality.

    `training` is the content of its `foundry.json`, `outcomes` those of the contrastive track;
    `own` are its cosines of the test pairs, `others` those of the models that it is compared with.
    """
    means = headline_means(outcomes["metric"])
    values, intervals = estimates(outcomes, means), bootstrap(outcomes, means=means)
    rows = [
        f"| {name} | {100 * values[name]:.1f} | {100 * low:.1f} to {100 * high:.1f} |"
        for name, (low, high) in intervals.items()
        if name in means or name == AUC or name.endswith("/acc1")
    ]
    size = sum(p.numel() for p in clip.model.parameters()) / 1e6
    kind = f"A small open_clip model ({size:.1f} M parameters, {clip.size} px)"
    return _card(
        role, kind, training, ["metric", "value", "interval"], [*rows, *_twins(own, others)]
    )


def _twins(own: Cosines, others: Mapping[str, Cosines]) -> list[str]:
    """A table of how far a model agrees with others; nothing without others."""
    if not others:
        return []
    rows = []
    for name, theirs in others.items():
        alone, mixed = (
            correlation(own[0], theirs[0]),
            correlation(*map(np.concatenate, (own, theirs))),
        )
        rows.append(f"| {name} | {mixed:.2f} | {alone:.2f} |")
    return [
        "",
        f"Spearman correlation of its cosines with those of scorers' models, over {len(own[0])} "
        "captions, each with its own image and with another:",
        "",
        "| scorer's model | all pairs | matching pairs alone |",
        "|---|---|---|",
        *rows,
    ]


def correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Spearman's rank correlation of two series [n], -1 to 1."""
    return float(pd.Series(a).corr(pd.Series(b), method="spearman"))


CAPTION_METRICS = {
    "scene": "scene_accuracy",
    "object precision": "object_precision",
    "object recall": "object_recall",
    "counts right": "count_accuracy",
    "attributes right": "attribute_accuracy",
    "relations right": "relation_accuracy",
    "captions that invent a thing": "hallucination_rate",
    "captions without a mistake": "clean_rate",
}


def mllm_card(
    role: str,
    parameters: int,
    training: dict[str, Any],
    outcomes: Mapping[str, pd.DataFrame],
    quiz: pd.DataFrame,
) -> str:
    """Markdown of a multimodal stand-in: how good its descriptions are, and its answers.

    `outcomes` are those of the captioning track by the truth, for each perspective; `quiz` those of
    closed questions.
    """
    rows = []
    for perspective, table in outcomes.items():
        values, intervals = estimates(table), bootstrap(table)
        shown = {
            name: f"{100 * values[name]:.1f} ({100 * low:.1f} to {100 * high:.1f})"
            for name, (low, high) in intervals.items()
        }
        cells = [shown.get(name, "none") for name in CAPTION_METRICS.values()]
        rows.append(f"| {perspective} | {' | '.join(cells)} |")
    rows += [
        "",
        "Closed questions answered right:",
        "",
        "| kind | value | interval |",
        "|---|---|---|",
    ]
    if len(quiz):
        right = estimates(quiz)
        rows += [
            f"| {name.removeprefix('right/')} | {100 * right[name]:.1f} "
            f"| {100 * low:.1f} to {100 * high:.1f} |"
            for name, (low, high) in bootstrap(quiz).items()
        ]
    kind = f"A small Qwen2-VL ({parameters / 1e6:.1f} M parameters, about 64 x 64 pixels)"
    return _card(role, kind, training, ["perspective", *CAPTION_METRICS], rows)


# Metric of the track `generation` -> what the card calls it, and the metric of real images.
GENERATOR_METRICS = {
    "fid": ("FID", "fid_floor"),
    "kid": ("KID", "kid_floor"),
    "clip_score": ("CLIP score", "clip_score_real"),
    "remoteclip_score": ("RemoteCLIP score", "remoteclip_score_real"),
    "scene_accuracy": ("scene told by the evaluator", "scene_accuracy_real"),
}


def generator_card(
    role: str,
    parameters: int,
    training: dict[str, Any],
    psnr: float,
    metrics: Mapping[str, float],
    intervals: Mapping[str, tuple[float, float]],
) -> str:
    """Markdown of a text-to-image stand-in: what it draws from human captions, beside real images.

    `metrics` and `intervals` are those of the track `generation`; `psnr` in decibels is that of the
    autoencoder, which limits every image.
    """
    rows = []
    for metric, (name, real) in GENERATOR_METRICS.items():
        if metric not in metrics:  # one scene
            continue
        low, high = intervals[metric]
        reference = f"{metrics[real]:.3f}" if real in metrics else "none"
        rows.append(f"| {name} | {metrics[metric]:.3f} | {low:.3f} to {high:.3f} | {reference} |")
    kind = (
        f"A small text-to-image model ({parameters / 1e6:.1f} M parameters, 64 px; reconstructions "
        f"of its autoencoder have a PSNR of {psnr:.1f} dB)"
    )
    return _card(role, kind, training, ["metric", "value", "interval", "real images"], rows, "")


def score_card(
    parameters: int, training: dict[str, Any], found: Measurement, correlations: Mapping[str, float]
) -> str:
    """Markdown of the stand-in that values captions.

    `found` has the accuracy on held-out preferences by kind, and the average precision of noise;
    `correlations` are Spearman's with other scorers.
    """
    rows = [
        f"| {name} | {100 * value:.1f} | {100 * found.intervals[name][0]:.1f} to "
        f"{100 * found.intervals[name][1]:.1f} |"
        for name, value in found.metrics.items()
        if "auroc" not in name
    ]
    rows += [
        f"| correlation with {name} | {100 * r:.1f} | none |" for name, r in correlations.items()
    ]
    kind = f"A small Qwen2-VL with one output ({parameters / 1e6:.1f} M parameters, 64 x 64 pixels)"
    return _card("score_model", kind, training, ["metric", "value", "interval"], rows)


def segmentor_card(
    parameters: int,
    training: dict[str, Any],
    metrics: Mapping[str, float],
    intervals: Mapping[str, tuple[float, float]],
) -> str:
    """Markdown of the stand-in that segmentors start from: its mIoU, mAcc, and IoU by class."""
    rows = [
        f"| {name.removeprefix('/')} | {100 * metrics[name]:.1f} | {100 * low:.1f} to "
        f"{100 * high:.1f} |"
        for name, (low, high) in intervals.items()
    ]
    kind = f"A small U-Net of mmsegmentation ({parameters / 1e6:.1f} M parameters, 64 px)"
    return _card("segmentor", kind, training, ["metric", "value", "interval"], rows)


def _card(
    role: str,
    kind: str,
    training: dict[str, Any],
    header: list[str],
    rows: list[str],
    unit: str = " in percent,",
) -> str:
    settings = ", ".join(f"{key} {value}" for key, value in sorted(training["parameters"].items()))
    return "\n".join(
        [
            f"# Stand-in `{role}`",
            "",
            f"{kind} that takes a large",
            f"checkpoint's place. In training it read {TRAINING_TEXT[role]}.",
            "",
            f"Training: {settings}; final loss {training['loss']:.3f}.",
            f"Code {training['code']}, reference split {training['inputs']['samples']}.",
            "",
            f"Quality on images that it did not see,{unit} with 95 % intervals over images:",
            "",
            f"| {' | '.join(header)} |",
            "|---" * len(header) + "|",
            *rows,
            "",
            "Its numbers are comparable with those of other stand-ins only. Licence: Apache-2.0.",
            "",
        ]
    )
