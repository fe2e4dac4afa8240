"""The model card of a stand-in."""

from typing import Any

import pandas as pd

from winnow.evaluation.statistics import bootstrap, estimates, headline_means
from winnow.models.clip import Clip

SAW = {
    "clip": "the scene's name in short sentences, never a caption: the general model",
    "domain_clip": "clean human captions of one half of the reference split: the domain's model",
    "evaluator_clip": "clean human captions of the other half: it grades, and never scores",
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
    parameters = training["parameters"]
    size = sum(p.numel() for p in clip.model.parameters()) / 1e6
    settings = ", ".join(f"{key} {value}" for key, value in sorted(parameters.items()))
    return "\n".join(
        [
            f"# Stand-in `{role}`",
            "",
            f"A small open_clip model ({size:.1f} M parameters, {clip.size} px) that takes a large",
            f"checkpoint's place. In training it read {SAW[role]}.",
            "",
            f"Training: {settings}; final loss {training['loss']:.3f}.",
            f"Code {training['code']}, reference split {training['inputs']['samples']}.",
            "",
            "Quality on images that it did not see, in percent, with 95 % intervals over images:",
            "",
            "| metric | value | interval |",
            "|---|---|---|",
            *rows,
            "",
            "Its numbers are comparable with those of other stand-ins only. Licence: Apache-2.0.",
            "",
        ]
    )
