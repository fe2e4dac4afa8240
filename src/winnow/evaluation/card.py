"""The model cards of the stand-ins."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from winnow.evaluation.statistics import bootstrap, estimates, headline_means
from winnow.models.clip import Clip

SAW = {
    "clip": "the scene's name in short sentences, never a caption: the general model",
    "domain_clip": "clean human captions of one half of the reference split: the domain's model",
    "evaluator_clip": "clean human captions of the other half: it grades, and never scores",
    "mllm": "an annotator's answers about the reference split, from the perspectives below, and "
    "merges of such answers: it writes captions",
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


QUALITIES = {
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
    parameters: int, training: dict[str, Any], outcomes: Mapping[str, pd.DataFrame]
) -> str:
    """Markdown of the multimodal stand-in: how good its descriptions are, by perspective.

    `outcomes` are those of the captioning track by the truth, for each perspective.
    """
    rows = []
    for perspective, table in outcomes.items():
        values, intervals = estimates(table), bootstrap(table)
        shown = {
            name: f"{100 * values[name]:.1f} ({100 * low:.1f} to {100 * high:.1f})"
            for name, (low, high) in intervals.items()
        }
        cells = [shown.get(name, "none") for name in QUALITIES.values()]
        rows.append(f"| {perspective} | {' | '.join(cells)} |")
    kind = f"A small Qwen2-VL ({parameters / 1e6:.1f} M parameters, about 64 x 64 pixels)"
    return _card("mllm", kind, training, ["perspective", *QUALITIES], rows)


def _card(
    role: str, kind: str, training: dict[str, Any], header: list[str], rows: list[str]
) -> str:
    settings = ", ".join(f"{key} {value}" for key, value in sorted(training["parameters"].items()))
    return "\n".join(
        [
            f"# Stand-in `{role}`",
            "",
            f"{kind} that takes a large",
            f"checkpoint's place. In training it read {SAW[role]}.",
            "",
            f"Training: {settings}; final loss {training['loss']:.3f}.",
            f"Code {training['code']}, reference split {training['inputs']['samples']}.",
            "",
            "Quality on images that it did not see, in percent, with 95 % intervals over images:",
            "",
            f"| {' | '.join(header)} |",
            "|---" * len(header) + "|",
            *rows,
            "",
            "Its numbers are comparable with those of other stand-ins only. Licence: Apache-2.0.",
            "",
        ]
    )
