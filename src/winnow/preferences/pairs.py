"""Of two texts about an image the better one: by their ratings, or by the known answer."""

from collections.abc import Iterator, Mapping
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

import pandas as pd

from winnow.data.tables import PREFERENCES, RATINGS
from winnow.preferences.questions import question_rng
from winnow.terrarium.noise import normalised

REFERENCE = "reference"  # who gave the known answer to a closed question
EXACT = 1e-9  # means that differ by less are equal
COLUMNS = [name.rstrip("?") for name in PREFERENCES]


class Pair(NamedTuple):
    """A row of PREFERENCES without its split."""

    uid: str | None
    kind: str
    category: str
    prompt: str
    chosen: str
    rejected: str
    chosen_by: str
    rejected_by: str
    margin: float | None


def rated_pairs(rated: pd.DataFrame) -> list[Pair]:
    """Of each image and prompt of RATED the best text, before every other with a lower mean.

    Texts that differ in case, spaces or a final stop are one text, with the best of its ratings.
    The category is that of the rejected one: for a caption the kind of its noise, if known.
    """
    means = rated[list(RATINGS)].mean(axis=1)
    table = rated.assign(mean=means, normal=rated["text"].map(normalised))
    table = table.sort_values(
        ["uid", "kind", "prompt", "mean", "proposer", "text"],
        ascending=[True, True, True, False, True, True],
    ).drop_duplicates(["uid", "kind", "prompt", "normal"])
    pairs = []
    for _, group in groupby(table.to_dict("records"), itemgetter("uid", "kind", "prompt")):
        best, *others = group
        for other in others:
            margin = float(best["mean"] - other["mean"])
            if margin > EXACT:
                pairs.append(
                    Pair(
                        best["uid"], best["kind"], other["category"], best["prompt"],
                        best["text"], other["text"], best["proposer"], other["proposer"], margin,
                    )
                )  # fmt: skip
    return pairs


def closed_pairs(candidates: pd.DataFrame) -> list[Pair]:
    """The right answer to each closed question of CANDIDATES, before each distinct wrong one.

    An answer is right only if it is the reference but for case, spaces and a final stop; in ScoreRS
    a part of it passes, too.
    """
    closed = candidates[(candidates["kind"] == "closed") & candidates["reference"].notna()]
    table = closed.assign(normal=closed["text"].map(normalised))
    table = table[table["normal"] != table["reference"].map(normalised)]
    keys = ["uid", "category", "prompt", "reference"]
    table = table.sort_values([*keys, "proposer", "text"]).drop_duplicates([*keys, "normal"])
    return [
        Pair(
            row["uid"], "closed", row["category"], row["prompt"],
            row["reference"], row["text"], REFERENCE, row["proposer"], None,
        )
        for row in table.to_dict("records")
    ]  # fmt: skip


def split_of(key: str, held_out: float, seed: int) -> str:
    """On which side the pairs of an image (or a text, of which `key` is the prompt) are."""
    return "test" if question_rng(seed, key, "split").random() < held_out else "train"


def preference_table(pairs: Mapping[str, list[Pair]]) -> pd.DataFrame:
    """PREFERENCES of the pairs of each split, in an order that depends on the pairs alone."""
    rows = [(*pair, split) for split, found in pairs.items() for pair in found]
    table = pd.DataFrame(rows, columns=COLUMNS)
    order = ["split", "kind", "uid", "category", "prompt", "chosen", "rejected"]
    return table.sort_values(order, kind="stable", ignore_index=True)


def summary(table: pd.DataFrame, kept: pd.Series) -> Iterator[str]:
    """Counts by kind and split, and the share of the `kept` images without any pair."""
    for kind, group in table.groupby("kind"):
        counts = group["split"].value_counts()
        yield f"{kind}: {counts.get('train', 0)} pairs to train, {counts.get('test', 0)} to test"
    without = (~kept.isin(set(table["uid"].dropna()))).sum()
    yield f"{without} of {len(kept)} images ({without / max(1, len(kept)):.0%}) are in no pair"
