"""Whether the keep ratio of each scene was chosen well: what a sweep would have gained.

A scene's ratio is judged by the generators that were fine-tuned at that ratio, on the prompts of
the scene. Its best ratio is chosen on one half of them and compared on the other, so that luck on
a few prompts is not counted as what a sweep could have gained.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

from winnow.data.tables import CHOICE
from winnow.evaluation.statistics import (
    PAIRED_RESAMPLES,
    Difference,
    Resampling,
    differences,
    holm,
)
from winnow.reporting.method_results import Method
from winnow.reporting.results import Results
from winnow.reporting.values import LEVEL, SAME
from winnow.tracks.registry import BY_NAME

MIN_PROMPTS = 4  # of a scene: two to choose on, two to compare on


class Sweep(NamedTuple):
    """The methods of a track by falling keep ratio, and the metric by which they are judged."""

    track: str
    metric: str
    methods: Mapping[float, Method]

    @classmethod
    def of(cls, results: Results, track: str, scorer: str) -> "Sweep":
        """The measured ratios of a scorer; 1 is all of the main caption set."""
        return cls(track, BY_NAME[track].judged, results.swept(track, scorer))

    def scenes(self, results: Results) -> list[str]:
        """The scenes that have the metric, by name."""
        outcomes = results.outcomes.get(self.track)
        names = set(outcomes.queries["metric"]) if outcomes else set()
        return sorted(n.partition("/")[2] for n in names if n.startswith(f"{self.metric}/"))

    def by_prompt(self, results: Results, scene: str) -> np.ndarray:
        """The metric at each prompt of a scene, [methods, prompts], by the uid of its image."""
        outcomes = results.outcomes[self.track]
        rows = outcomes.queries[outcomes.queries["metric"] == f"{self.metric}/{scene}"]
        places = rows.sort_values("query", kind="stable").index.to_numpy()
        return np.stack([outcomes.values[method][places] for method in self.methods.values()])


class Regret(NamedTuple):
    """A row of CHOICE, and what the best of the measured ratios gains over the chosen one there.
    `reason` says why there is no difference."""

    scene: str
    pairs: int
    share: float
    source: str
    chosen: float
    best: float | None = None
    prompts: int = 0
    difference: Difference | None = None
    adjusted: float | None = None
    verdict: str = ""
    reason: str = ""


def best(values: np.ndarray) -> int:
    """The row of `values` [methods, prompts] with the largest mean; of equals the first."""
    return int(np.round(values.mean(axis=1), 12).argmax())


def held_out(values: np.ndarray, other: tuple[int, int]) -> np.ndarray:
    """What the best row of `values` [methods, prompts] gains at each prompt, [prompts], over the
    row `other` [half].

    Of the even prompts (half 0) the best row is that of the odd ones, and the reverse.
    """
    gains = np.empty(values.shape[1])
    for half, theirs in enumerate(other):
        own = slice(half, None, 2)
        gains[own] = values[best(values[:, 1 - half :: 2]), own] - values[theirs, own]
    return gains


def regrets(results: Results, sweep: Sweep, choice: pd.DataFrame) -> list[Regret]:
    """One row a scene of CHOICE, p-values corrected by Holm over them."""
    rows = choice[list(CHOICE)].itertuples(index=False, name=None)
    found = [_regret(results, sweep, Regret(*row)) for row in rows]
    measured = [i for i, row in enumerate(found) if row.difference]
    adjusted = holm([row.difference.p for row in found if row.difference])
    for i, p in zip(measured, adjusted, strict=True):
        found[i] = found[i]._replace(adjusted=p, verdict=_verdict(found[i], p))
    return found


def _regret(results: Results, sweep: Sweep, row: Regret) -> Regret:
    """`row`, of which what was chosen is known, with what was measured."""
    if row.scene not in sweep.scenes(results) or not sweep.methods:
        return row._replace(reason="no prompt of this scene was measured")
    ratios = list(sweep.methods)
    values = sweep.by_prompt(results, row.scene)
    row = row._replace(best=ratios[best(values)], prompts=values.shape[1])
    if row.chosen not in ratios:
        return row._replace(reason=f"keep ratio {row.chosen:g} was not measured")
    if values.shape[1] < MIN_PROMPTS:
        return row._replace(reason=f"fewer than {MIN_PROMPTS} prompts")
    place = ratios.index(row.chosen)
    return row._replace(difference=mean_gain(results, held_out(values, (place, place))))


def _verdict(row: Regret, adjusted: float) -> str:
    if row.difference is None or adjusted >= LEVEL:
        return SAME
    return "another is better" if row.difference.difference > 0 else "chosen is better"


def mean_gain(results: Results, values: np.ndarray) -> Difference:
    """The mean of gains [prompts] with its interval and p, by bootstrap over the prompts, in no
    fewer resamples than p-values need."""
    resamples = max(results.resamples, PAIRED_RESAMPLES)
    names = [str(i) for i in range(len(values))]
    frame = pd.DataFrame({"metric": "difference", "query": names, "group": names})
    plan = Resampling(frame, None, resamples, results.seed)
    return differences(plan, values[:, None], "difference")[0]


def gains(results: Results, sweep: Sweep, choice: pd.DataFrame) -> dict[str, np.ndarray]:
    """At each prompt of all scenes: what the best ratio of each scene gains over the chosen ones
    ("chosen"), and over the one ratio that is best for all scenes ("one"); and what the chosen ones
    gain over that one ("choice").

    Scenes whose chosen ratio was not measured, and those of fewer than MIN_PROMPTS prompts, are
    left out; nothing is told where none remains.
    """
    places = {ratio: place for place, ratio in enumerate(sweep.methods)}
    known = set(sweep.scenes(results)) if places else set()
    chosen = {
        scene: places[ratio]
        for scene, ratio in zip(choice["scene"], choice["ratio"], strict=True)
        if scene in known and ratio in places
    }
    tables = {scene: sweep.by_prompt(results, scene) for scene in chosen}
    tables = {scene: v for scene, v in tables.items() if v.shape[1] >= MIN_PROMPTS}
    if not tables:
        return {}
    halves = [np.concatenate([v[:, 1 - h :: 2] for v in tables.values()], axis=1) for h in (0, 1)]
    one = (best(halves[0]), best(halves[1]))
    over_chosen = [held_out(v, (chosen[scene],) * 2) for scene, v in tables.items()]
    over_one = [held_out(v, one) for v in tables.values()]
    found = {"chosen": np.concatenate(over_chosen), "one": np.concatenate(over_one)}
    return found | {"choice": found["one"] - found["chosen"]}


def overall(results: Results, sweep: Sweep, choice: pd.DataFrame) -> dict[str, Difference]:
    """The means of `gains`, with intervals."""
    found = gains(results, sweep, choice)
    return {name: mean_gain(results, values) for name, values in found.items()}
