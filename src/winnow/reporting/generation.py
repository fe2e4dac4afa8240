"""Text-to-image by keep ratio: the methods, in the order of the tables, and their scenes."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from winnow.reporting.caption_sets import MAIN, in_order
from winnow.reporting.methods import Method
from winnow.reporting.results import Results

# Metric -> what the tables call it.
HEADLINE = {
    "fid": "FID ↓",
    "kid": "KID ↓",
    "clip_score": "CLIP score ↑",
    "remoteclip_score": "RemoteCLIP score ↑",
    "scene_accuracy": "scene told ↑",
}
# The same of real images: as many of the reference split, and the test split's own.
REAL = {
    "fid": "fid_floor",
    "kid": "kid_floor",
    "clip_score": "clip_score_real",
    "remoteclip_score": "remoteclip_score_real",
    "scene_accuracy": "scene_accuracy_real",
}
DISTANCES = ("fid", "kid")  # lower is better
JUDGED = "remoteclip_score"  # what a ratio is good for
TRACK = "generation"
PRETRAINED = Method(TRACK, MAIN, "pretrained", 1.0)
ALL = Method(TRACK, MAIN, "none", 1.0)


class Plan(NamedTuple):
    """Which scorers the report is about: whose ratios are compared by scene, the one that has its
    ratio chosen, and the baselines: of each the role that draws, None where somebody generated its
    images."""

    scorer: str
    chosen: str
    baselines: Mapping[str, str | None]


def rows(results: Results, plan: Plan) -> list[Method]:
    """The planned methods in the order of the tables: before fine-tuning, the baselines, all of
    `raw`, what is kept of it, then the other caption sets."""
    planned = results.expected(TRACK)
    sets = in_order(method.captions for method in planned)

    def place(method: Method) -> tuple[int, int, int]:
        kinds = ["pretrained", *plan.baselines, "none"]
        kind = kinds.index(method.scorer) if method.scorer in kinds else len(kinds)
        return (method.captions != MAIN, sets.index(method.captions), kind)

    return sorted(planned, key=place)


def names(method: Method, plan: Plan) -> tuple[str, str, str]:
    """Captions, scorer and ratio as they are shown: nothing fine-tunes a baseline, and the ratio of
    what is chosen by scene is no number."""
    if method.scorer in (PRETRAINED.scorer, *plan.baselines):
        return "", method.scorer, ""
    ratio = "chosen" if method.scorer == plan.chosen else f"{method.ratio:g}"
    return method.captions, method.scorer, ratio


def chosen_method(results: Results, plan: Plan) -> Method | None:
    """The planned method whose ratio was chosen by scene."""
    return next((m for m in results.expected(TRACK) if m.scorer == plan.chosen), None)


def ratios(results: Results, plan: Plan) -> dict[float, Method]:
    """The measured methods that keep a share of `raw` by the plan's scorer, by falling ratio; all
    of it is what `none` keeps."""
    found = {m.ratio: m for m in results.expected(TRACK) if m[1:3] == (MAIN, plan.scorer)}
    every = {1.0: ALL} | found
    return {r: every[r] for r in sorted(every, reverse=True) if every[r] in results.values}


def scenes(results: Results) -> list[str]:
    """The scenes that prompts belong to, by name."""
    outcomes = results.outcomes.get(TRACK)
    names = set(outcomes.queries["metric"]) if outcomes else set()
    return sorted(n.partition("/")[2] for n in names if n.startswith(f"{JUDGED}/"))


def by_prompt(results: Results, methods: Sequence[Method], scene: str) -> np.ndarray:
    """JUDGED of each prompt of a scene, [methods, prompts], by the uid of its image."""
    outcomes = results.outcomes[TRACK]
    rows = outcomes.queries[outcomes.queries["metric"] == f"{JUDGED}/{scene}"]
    places = rows.sort_values("query", kind="stable").index.to_numpy()
    return np.stack([outcomes.values[method][places] for method in methods])
