"""DLDC's dual loop in rounds: describe, score, describe again what scored low, keep the best.

The external loop writes descriptions, one caption set a round; the internal loop scores each set
by the ordinary scorers. What is here decides which images have another try and which description
stays. An attempt is one description of one image: a row with `uid`, `round` (1, 2, ...),
`perspective`, `text`, `scores` (by scorer) and `combined`.
"""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from winnow.captioning.settings import Loop, LoopRound
from winnow.data.errors import WinnowError
from winnow.data.tables import CAPTIONS, SCORES, TRACE, join_scores, read_table, require_unique


def read_attempts(captions: Sequence[Path], scores: Sequence[Path], loop: Loop) -> pd.DataFrame:
    """All attempts of the rounds so far, with their combined scores.

    `scores` holds for each round one table a scorer, in the order of `loop.scorers`. Raises
    WinnowError for a wrong number of tables, two descriptions of one image in a round, and a
    description without a finite score.
    """
    scorers = loop.scorers
    if not 0 < len(captions) <= len(loop.rounds):
        raise WinnowError(
            f"--captions: {len(captions)} rounds, the settings have {len(loop.rounds)}"
        )
    if len(scores) != len(captions) * len(scorers):
        raise WinnowError(
            f"--scores: {len(scores)} tables for {len(captions)} rounds of {len(scorers)} scorers "
            f"({', '.join(scorers)}); give those of the first round, then those of the second"
        )
    rounds, values = [], []
    for number, path in enumerate(captions):
        table = read_table(path, CAPTIONS)
        require_unique(table, ["uid"], path)
        here = scores[number * len(scorers) : (number + 1) * len(scorers)]
        rounds.append(table.assign(round=number + 1))
        columns = [join_scores(table, read_table(each, SCORES), each) for each in here]
        values.append(np.stack(columns, axis=1))
    attempts = pd.concat(rounds, ignore_index=True)
    found = np.concatenate(values)
    by_scorer = [dict(zip(scorers, row, strict=True)) for row in found.tolist()]
    return attempts.assign(
        scores=pd.Series(by_scorer, dtype=object),
        combined=combine(found, (attempts["round"] == 1).to_numpy()),
    )


def combine(scores: np.ndarray, first: np.ndarray) -> np.ndarray:
    """Mean over scorers of z-scores: [attempts, scorers] -> [attempts].

    Mean and standard deviation of each scorer are those of the first round, the rows where `first`
    is true; a deviation of 0 counts as 1.
    """
    known = np.sort(scores[first], axis=0)  # sorted: sums do not depend on the order of rows
    if not len(known):
        known = np.zeros((1, scores.shape[1]))
    deviation = known.std(axis=0)
    return ((scores - known.mean(axis=0)) / np.where(deviation > 0, deviation, 1.0)).mean(axis=1)


def kept(attempts: pd.DataFrame) -> np.ndarray:
    """Which attempts are the best of their image, as booleans; of equals the earlier one."""
    order = attempts.sort_values(["combined", "round"], ascending=[False, True], kind="stable")
    best = order.index[~order.duplicated("uid")]
    return attempts.index.isin(best)


def bar(attempts: pd.DataFrame, quantile: float) -> float:
    """The combined score that a description must reach: a quantile of the first round's."""
    first = attempts.loc[attempts["round"] == 1, "combined"]
    return float(np.quantile(first, quantile)) if len(first) else -np.inf


def below_bar(uids: Sequence[str], attempts: pd.DataFrame, quantile: float) -> list[str]:
    """Those of `uids`, in order, whose best description is below the bar, or who have none."""
    best = attempts.groupby("uid")["combined"].max()
    high = set(best.index[best >= bar(attempts, quantile)])
    return [uid for uid in uids if uid not in high]


def gains(attempts: pd.DataFrame, number: int) -> np.ndarray:
    """What round `number` added to the kept score of each image that it describes, 0 or more.

    An image without an earlier description had the lowest score of the first round.
    """
    combined, rounds = attempts["combined"], attempts["round"]
    before = attempts[rounds < number].groupby("uid")["combined"].max()
    floor = combined[rounds == 1].min() if (rounds == 1).any() else 0.0
    tried = attempts[rounds == number]
    known = before.reindex(tried["uid"]).fillna(floor).to_numpy()
    return np.maximum(tried["combined"].to_numpy() - known, 0)


def helped(attempts: pd.DataFrame, number: int, min_gain: float) -> bool:
    """Whether another round may follow round `number`: the first always helped."""
    if number == 1:
        return True
    gained = np.sort(gains(attempts, number))
    return len(gained) > 0 and bool(gained.mean() >= min_gain)


def round_after(done: int, number: int, loop: Loop) -> LoopRound:
    """The entry of round `number`. Raises WinnowError unless it is there and follows `done`."""
    if number != done + 1:
        raise WinnowError(f"--round: {number} does not follow the {done} rounds of --captions")
    if number > len(loop.rounds):
        raise WinnowError(f"--round: {number} is not among the {len(loop.rounds)} of --rounds")
    return loop.rounds[number - 1]


def next_images(uids: Sequence[str], attempts: pd.DataFrame, done: int, loop: Loop) -> list[str]:
    """The images that the round after `done` rounds describes; none once a round did not help."""
    if stopped(attempts, done, loop):
        return []
    return below_bar(uids, attempts, loop.bar)


def stopped(attempts: pd.DataFrame, done: int, loop: Loop) -> int:
    """The first of `done` rounds that did not help, after which none follows; 0 for none."""
    numbers = range(1, done + 1)
    return next((n for n in numbers if not helped(attempts, n, loop.min_gain)), 0)


def conclude(attempts: pd.DataFrame, loop: Loop) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The caption set `loop` (CAPTIONS) of the best descriptions, and TRACE of all attempts."""
    best = kept(attempts)
    rounds = [loop.rounds[number - 1] for number in attempts["round"]]
    captions = attempts[best].assign(caption_id=0, generator="loop")
    trace = attempts.assign(
        temperature=[entry.temperature for entry in rounds],
        seed=[entry.seed for entry in rounds],
        scores=[json.dumps(scores) for scores in attempts["scores"]],
        kept=best,
    )
    return captions[list(CAPTIONS)], trace[list(TRACE)]


def describe(attempts: pd.DataFrame, loop: Loop, done: int) -> str:
    """One line a round: how many images it tried, how many improved, and by how much."""
    lines = []
    for number in range(1, done + 1):
        gained = gains(attempts, number)
        line = f"round {number}: {len(gained)} {'tried' if number > 1 else 'described'}"
        if number > 1 and len(gained):
            improved = int((gained > 0).sum())
            line += f", {improved} improved, mean gain {gained.mean():.3f}"
        lines.append(line)
    if end := stopped(attempts, done, loop):
        lines.append(f"round {end} did not help: the loop stops")
    return "\n".join(lines)
