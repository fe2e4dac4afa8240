"""Whether the keep ratio of each scene was chosen well: what a sweep would have gained.

A scene's ratio is judged by the generators that were fine-tuned at that ratio, on the prompts of
the scene. Its best ratio is chosen on one half of them and compared on the other, so that luck on
a few prompts is not counted as what a sweep could have gained.
"""

from collections.abc import Mapping
from functools import partial
from typing import NamedTuple

import numpy as np
import pandas as pd

from winnow.data.tables import CHOICE
from winnow.evaluation.intervals import ROUNDING, Found, Repeats, combined, p_value
from winnow.evaluation.statistics import Resampling
from winnow.reporting.decisions import corrected
from winnow.reporting.method_results import Method
from winnow.reporting.paired import Effect
from winnow.reporting.repeats import of_outcomes, with_interval
from winnow.reporting.results import Results
from winnow.reporting.values import LEVEL, SAME, Value
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

    def prompts(self, results: Results, scene: str) -> np.ndarray:
        """The rows of the outcomes that are the prompts of a scene, by the uid of their image."""
        queries = results.outcomes[self.track].queries
        rows = queries[queries["metric"] == f"{self.metric}/{scene}"]
        return rows.sort_values("query", kind="stable").index.to_numpy()

    def by_prompt(self, results: Results, rows: np.ndarray) -> np.ndarray:
        """The metric at some prompts, [methods, prompts], as the mean over seeds."""
        values = results.outcomes[self.track].values
        return np.stack([values[method][rows].mean(axis=1) for method in self.methods.values()])


class Gain(NamedTuple):
    """At each of some prompts, which are `rows` of the outcomes, the place of one method and of
    the other that it is compared with; each [prompts]."""

    rows: np.ndarray
    better: np.ndarray
    other: np.ndarray


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
    difference: Value | None = None
    p: float | None = None
    adjusted: float | None = None
    verdict: str = ""
    reason: str = ""


def best(values: np.ndarray) -> int:
    """The row of `values` [methods, prompts] with the largest mean; of equals the first."""
    return int(np.round(values.mean(axis=1), 12).argmax())


def held_out(values: np.ndarray) -> np.ndarray:
    """Which row of `values` [methods, prompts] is the best for each prompt, [prompts]: for the even
    prompts the one that is best over the odd ones, and the reverse."""
    found = np.empty(values.shape[1], dtype=int)
    for half in (0, 1):
        found[half::2] = best(values[:, 1 - half :: 2])
    return found


def regrets(results: Results, sweep: Sweep, choice: pd.DataFrame) -> list[Regret]:
    """One row a scene of CHOICE, p-values corrected by Holm over all of them, also those that were
    not measured."""
    rows = choice[list(CHOICE)].itertuples(index=False, name=None)
    found = [_regret(results, sweep, Regret(*row)) for row in rows]
    known = {row.scene: row.p for row in found if row.p is not None}
    adjusted = corrected(known, [row.scene for row in found])
    return [
        row._replace(adjusted=p, verdict=_verdict(row, p))
        if (p := adjusted.get(row.scene)) is not None
        else row
        for row in found
    ]


def _regret(results: Results, sweep: Sweep, row: Regret) -> Regret:
    """`row`, of which what was chosen is known, with what was measured."""
    if row.scene not in sweep.scenes(results) or not sweep.methods:
        return row._replace(reason="no prompt of this scene was measured")
    ratios = list(sweep.methods)
    prompts = sweep.prompts(results, row.scene)
    values = sweep.by_prompt(results, prompts)
    row = row._replace(best=ratios[best(values)], prompts=len(prompts))
    if row.chosen not in ratios:
        return row._replace(reason=f"keep ratio {row.chosen:g} was not measured")
    if len(prompts) < MIN_PROMPTS:
        return row._replace(reason=f"fewer than {MIN_PROMPTS} prompts")
    other = np.full(len(prompts), ratios.index(row.chosen))
    effect = mean_gain(results, sweep, Gain(prompts, held_out(values), other))
    return row._replace(difference=effect.value, p=_p(effect.found))


def _p(found: Found | None) -> float:
    return 1.0 if found is None or abs(found.estimate) <= ROUNDING else p_value(found)


def _verdict(row: Regret, adjusted: float) -> str:
    if row.difference is None or adjusted >= LEVEL:
        return SAME
    better = "another" if row.difference.estimate > 0 else "chosen"
    return ", ".join(filter(None, [f"{better} is better", row.difference.replication]))


def mean_gain(results: Results, sweep: Sweep, gain: Gain) -> Effect:
    """The mean of a gain over its prompts, with its interval over prompts and seeds: the sum of
    what each method adds to it or takes from it."""
    names = [str(i) for i in range(len(gain.rows))]
    frame = pd.DataFrame({"metric": "part", "query": names, "group": names})
    plan = Resampling(frame, None, results.resamples, results.seed)
    sides = []
    for place, method in enumerate(sweep.methods.values()):
        share = (gain.better == place).astype(float) - (gain.other == place)
        if share.any():
            sides.append(of_outcomes(results, method, partial(_part, plan, gain.rows, share)))
    if not sides:  # each method is compared with itself
        return Effect(Value(0.0, 0.0, 0.0, len(names)))
    found = combined([[side] for side in sides], lambda *parts: sum(parts))
    return Effect(with_interval(found, sides, len(names)), found)


def _part(plan: Resampling, rows: np.ndarray, share: np.ndarray, values: np.ndarray) -> Repeats:
    columns = share[:, None] * values[rows]
    return Repeats(plan.estimates(columns)[0], plan.draws(columns)[:, 0])


def gains(results: Results, sweep: Sweep, choice: pd.DataFrame) -> dict[str, Gain]:
    """What, over the prompts of all scenes, the best ratio of each scene gains over the chosen ones
    ("chosen"), and over the one ratio that is best for all scenes ("one"); and what the chosen ones
    gain over that one ("choice").

    Scenes whose chosen ratio was not measured, and those of fewer than MIN_PROMPTS prompts, are
    left out; nothing is told where none remains.
    """
    places = {ratio: place for place, ratio in enumerate(sweep.methods)}
    known = set(sweep.scenes(results)) if places else set()
    told = [
        (sweep.prompts(results, scene), places[ratio])
        for scene, ratio in zip(choice["scene"], choice["ratio"], strict=True)
        if scene in known and ratio in places
    ]
    told = [(prompts, place) for prompts, place in told if len(prompts) >= MIN_PROMPTS]
    if not told:
        return {}
    tables = [sweep.by_prompt(results, prompts) for prompts, _ in told]
    halves = [np.concatenate([v[:, h::2] for v in tables], axis=1) for h in (0, 1)]
    one = [best(halves[1]), best(halves[0])]  # of each half the best over the other
    rows = np.concatenate([prompts for prompts, _ in told])
    chosen = np.concatenate([np.full(len(prompts), place) for prompts, place in told])
    own = np.concatenate([held_out(values) for values in tables])
    alone = np.concatenate([np.resize(one, values.shape[1]) for values in tables])
    pairs = {"chosen": (own, chosen), "one": (own, alone), "choice": (chosen, alone)}
    return {name: Gain(rows, *pair) for name, pair in pairs.items()}


def overall(results: Results, sweep: Sweep, choice: pd.DataFrame) -> dict[str, Value]:
    """The means of `gains`, with intervals."""
    found = gains(results, sweep, choice)
    means = {name: mean_gain(results, sweep, gain).value for name, gain in found.items()}
    return {name: value for name, value in means.items() if value is not None}
