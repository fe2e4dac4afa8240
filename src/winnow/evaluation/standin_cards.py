"""The model cards of the stand-ins."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from winnow.evaluation.statistics import bootstrap, estimates, headline_means
from winnow.models.clip import Clip

_GENERAL = "the scene's name in short sentences, never a caption: a general model"
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
    "t2i": "human captions: the start of every fine-tuning",
    "geo_rssd": f"{_MISMATCHED}, after what `t2i` read",
    "diffusionsat": f"{_MISMATCHED}, after what `geo_rssd` read, with resolution, cloud and month",
    "crs_diff": f"{_MISMATCHED}, after what `geo_rssd` read, with resolution, cloud and month",
    "controlnet": "land-cover masks beside human captions, over `t2i`",
    "segmentor": "land-cover masks: segmentors start from its backbone, and their heads are new",
}


def standin_card(role: str, clip: Clip, training: dict[str, Any], outcomes: pd.DataFrame) -> str:
    """Markdown with what the stand-in is, how it was trained, and its measured quality.

    `training` is the content of its `foundry.json`, `outcomes` those of the contrastive track.
    """
    means = headline_means(outcomes["metric"])
    values, intervals = estimates(outcomes, means), bootstrap(outcomes, means=means)
    rows = [
        f"| {name} | {100 * values[name]:.1f} | {100 * low:.1f} to {100 * high:.1f} |"
        for name, (low, high) in intervals.items()
        if name in means or name.endswith("/acc1")
    ]
    size = sum(p.numel() for p in clip.model.parameters()) / 1e6
    kind = f"A small open_clip model ({size:.1f} M parameters, {clip.size} px)"
    return _card(role, kind, training, ["metric", "value", "interval"], rows)


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
