"""Pairs about text alone, merges of an image's human captions or from a file; and all pairs as one
table, split by image."""

import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from winnow.assertions.assertion import Assertion
from winnow.assertions.realisation import write_caption
from winnow.captioning.perspectives import Perspective, merge_prompt
from winnow.captioning.vote import parse_description, plurals, vote
from winnow.data.errors import WinnowError
from winnow.data.files import open_file
from winnow.preferences.human_candidates import captions_of
from winnow.preferences.pairs import Pair, closed_pairs, preference_table, rated_pairs, split_of
from winnow.preferences.questions import question_rng
from winnow.terrarium.noise import normalised

VOTES = 2  # captions that must make an assertion
MERGE, OTHER, HALF, FILE = "merge", "other_merge", "half_merge", "file"
FIELDS = ("prompt", "chosen", "rejected")


class Merge(NamedTuple):
    """What an image's captions agree on."""

    uid: str
    scene: str | None
    prompt: str
    text: str
    half: str  # the same with about half of the assertions left out; "" where that says no less


def merges(
    samples: pd.DataFrame, human: pd.DataFrame, integration: Perspective, seed: int
) -> list[Merge]:
    """One of each image of `samples` whose human captions agree on anything."""
    captions = captions_of(human)
    found = []
    for uid, scene in zip(samples["uid"], samples["scene"], strict=True):
        said = [parse_description(str(n), text) for n, text in enumerate(captions.get(uid, ()), 1)]
        assertions, many = vote(said, VOTES), plurals(said)
        text = write_caption(assertions, many)
        if text:
            prompt = merge_prompt(integration, {one.perspective: one.text for one in said}, text)
            half = write_caption(_half(assertions, uid, seed), many)
            half = "" if normalised(half) == normalised(text) else half
            found.append(Merge(uid, scene if isinstance(scene, str) else None, prompt, text, half))
    return found


def merge_pairs(merged: Sequence[Merge], seed: int) -> list[Pair]:
    """Each merge before that of another image, of the same scene if there is one, and its half."""
    pairs = []
    scenes: dict[str | None, list[Merge]] = {}
    for merge in merged:
        scenes.setdefault(merge.scene, []).append(merge)
    for merge in merged:
        other = _other(merge, scenes[merge.scene], seed) or _other(merge, merged, seed)
        for text, by in ((other, OTHER), (merge.half, HALF)):
            if text:
                texts = merge.text, text, MERGE, by
                pairs.append(Pair(None, "text", MERGE, merge.prompt, *texts, None))
    return pairs


def _other(merge: Merge, merged: Sequence[Merge], seed: int) -> str:
    """A merge that says something else; "" if there is none. Whatever the order of `merged`."""
    texts = sorted({one.text for one in merged if normalised(one.text) != normalised(merge.text)})
    return texts[int(question_rng(seed, merge.uid, "other").integers(len(texts)))] if texts else ""


def _half(assertions: Sequence[Assertion], uid: str, seed: int) -> list[Assertion]:
    rng = question_rng(seed, uid, "half")
    left = sorted(rng.permutation(len(assertions))[: len(assertions) // 2].tolist())
    return [assertions[i] for i in left]


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
    return preference_table(sides)


def read_pairs(path: Path) -> list[Pair]:
    """The pairs of a file of JSON lines with `prompt`, `chosen`, `rejected`; empty lines are none.

    Raises WinnowError naming the file and the line.
    """
    try:
        with io.TextIOWrapper(open_file(path), encoding="utf-8") as lines:
            return [
                _parsed(line, f"{path}: line {number}")
                for number, line in enumerate(lines, 1)
                if line.strip()
            ]
    except FileNotFoundError as error:
        raise WinnowError(f"{path}: no such file") from error
    except OSError as error:
        raise WinnowError(f"{path}: cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise WinnowError(f"{path}: not UTF-8 ({error})") from error


def _parsed(line: str, line_name: str) -> Pair:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise WinnowError(f"{line_name}: not valid JSON ({error})") from error
    if not isinstance(row, dict):
        raise WinnowError(f"{line_name}: not a JSON object with {', '.join(FIELDS)}")
    for name in FIELDS:
        if not isinstance(row.get(name), str) or not row[name].strip():
            raise WinnowError(f"{line_name}: {name!r} is missing, empty or no text")
        if not _encodes(row[name]):
            raise WinnowError(f"{line_name}: {name!r} holds half a character")
    if normalised(row["chosen"]) == normalised(row["rejected"]):
        raise WinnowError(f"{line_name}: 'chosen' and 'rejected' are the same")
    return Pair(None, "text", "", row["prompt"], row["chosen"], row["rejected"], FILE, FILE, None)


def _encodes(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:  # a lone surrogate, "\ud800"
        return False
    return True
