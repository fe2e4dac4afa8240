"""Preference data from what was said and how it was rated, split by image."""

import pandas as pd

from winnow.captioning.perspectives import Perspective
from winnow.preferences.pairs import Pair, closed_pairs, preferences, rated_pairs, split_of
from winnow.preferences.text_pairs import merge_pairs, merges


def preference_set(
    samples: pd.DataFrame,
    rated: pd.DataFrame,
    candidates: pd.DataFrame,
    text: list[Pair] | None,
    human: pd.DataFrame,
    integration: Perspective,
    held_out: float,
    seed: int,
) -> pd.DataFrame:
    """PREFERENCES about the images of `samples`; rows about others are passed over.

    All pairs of an image are on one side: those about its text, too. `text` pairs, which are of no
    image, take the place of the merges of human captions; then those of a prompt stay together.
    """
    uids = set(samples["uid"])
    pairs = rated_pairs(rated[rated["uid"].isin(uids)])
    pairs += closed_pairs(candidates[candidates["uid"].isin(uids)])
    sides: dict[str, list[Pair]] = {"train": [], "test": []}
    for pair in [*pairs, *(text or [])]:
        sides[split_of(pair.uid or pair.prompt, held_out, seed)].append(pair)
    if text is None:
        split = samples["uid"].map(lambda uid: split_of(uid, held_out, seed))
        for side, found in sides.items():
            own = merges(samples[split == side], human, integration, seed)
            found += merge_pairs(own, seed)
    return preferences(sides)
