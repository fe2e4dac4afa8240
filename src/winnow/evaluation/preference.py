"""How often the better of two texts has the higher score: pair accuracy, ScoreRS Table 6.

Each pair is one outcome: 1 where the chosen text scores higher, 1/2 where both score the same, else
0. Its group is the image; pairs about text alone are grouped by their prompt, and resampled apart
from the images.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from winnow.data.errors import WinnowError
from winnow.evaluation.cell_results import Measurement
from winnow.evaluation.settings import Statistics
from winnow.evaluation.statistics import Means, bootstrap, estimates

TEXT = "text"
INSTRUCTION = ("closed", "open", "remote_sensing")  # kinds of pairs that answer questions
# ScoreRS's mean over its two kinds of pairs counts both the same, however many there are of each.
MACRO = {"accuracy": ["accuracy/caption", "accuracy/instruction"]}


def preferred(chosen: np.ndarray, rejected: np.ndarray) -> np.ndarray:
    """1, 1/2 or 0 for each pair of scores, [N] each: higher for the chosen text, equal, lower.

    WinnowError for a score that is not finite.
    """
    for side, values in (("chosen", chosen), ("rejected", rejected)):
        if not np.isfinite(values).all():
            row = int(np.argmin(np.isfinite(values)))
            raise WinnowError(f"the {side} text of pair {row} has the score {values[row]}")
    return (np.sign(np.asarray(chosen, float) - np.asarray(rejected, float)) + 1) / 2


def pair_outcomes(pairs: pd.DataFrame, chosen: np.ndarray, rejected: np.ndarray) -> pd.DataFrame:
    """Table OUTCOMES of rows of PREFERENCES and the scores [N] of both their texts.

    A pair counts in `accuracy/{kind}`; those that answer a question in `accuracy/instruction` too.
    """
    value = preferred(chosen, rejected)
    number = pairs.groupby(["uid", "kind"], dropna=False, sort=False).cumcount().astype(str)
    prompt = pd.Series(pd.factorize(pairs["prompt"])[0].astype(str), pairs.index)
    group = pairs["uid"].where(pairs["uid"].notna(), TEXT + prompt)
    rows = pd.DataFrame(
        {
            "metric": "accuracy/" + pairs["kind"],
            "query": group + "#" + pairs["kind"] + "#" + number,
            "group": group,
            "value": value,
        }
    )
    answers = rows[pairs["kind"].isin(INSTRUCTION).to_numpy()]
    joined = pd.concat([rows, answers.assign(metric="accuracy/instruction")], ignore_index=True)
    return joined.sort_values(["metric", "query"], kind="stable", ignore_index=True)


def macro_means(outcomes: pd.DataFrame) -> Means:
    """The means of metrics that these outcomes allow."""
    known = set(outcomes["metric"])
    return {name: parts for name, parts in MACRO.items() if known.issuperset(parts)}


def summary(outcomes: pd.DataFrame, settings: Statistics) -> Measurement:
    """Every metric of OUTCOMES and their means, with intervals over images; nothing of nothing."""
    found = Measurement({}, {}, {}, {})
    text = (outcomes["metric"] == f"accuracy/{TEXT}").to_numpy()
    for rows in (outcomes[~text], outcomes[text]):
        if rows.empty:
            continue
        means = macro_means(rows)
        counts = rows["metric"].value_counts()
        found.metrics.update(estimates(rows, means))
        found.intervals.update(bootstrap(rows, settings.resamples, settings.seed, means))
        found.n.update({str(name): int(count) for name, count in counts.items()})
        found.n.update({name: sum(found.n[m] for m in parts) for name, parts in means.items()})
    return found
