"""Corrupts captions at known rates, and says what it did to each.

It works on text alone, so the same code serves Terrarium's captions and real people's. What a
corruption asserts is checked against every known true caption of the image: it is really false.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable
from typing import get_args

import numpy as np

from winnow.data.language import ENGLISH, language
from winnow.terrarium.noise_kinds import CORRUPTORS
from winnow.terrarium.settings import Noise

KINDS: tuple[str, ...] = get_args(Noise)
CLEAN = "clean"
ANY_LANGUAGE = ("mismatch", "truncated")  # the other kinds put English words into a caption

_RETRIES = 4
_DONOR_DRAWS = 40
_STOPS = " .\u3002\uff0e\uff61\u0964\u06d4\u1362"  # final stops of several scripts


def corrupt(
    captions: list[str],
    scenes: list[str | None],
    image_ids: list[str],
    rates: dict[str, float],
    seed: int,
    references: list[list[str]] | None = None,
) -> tuple[list[str], list[str]]:
    """New captions, and for each the kind of its noise or "clean".

    `rates` gives the share of each kind; what they leave below 1 stays clean. `references[i]` are
    all the sentences known to be true of image i (the caption itself when not given). Where a kind
    does not apply to an English caption, another that does takes its place, the asked-for kinds
    first, so the overall rate holds. A caption in another language has the kind that was drawn for
    it or stays clean: only ANY_LANGUAGE can be made in it. `account` tells both. An item's fate
    depends on the seed, its image id, its text and its references only; the other items matter as
    donors of mismatched captions and in nothing else.

    Raises ValueError for lists of unequal length, unknown kinds, and rates below 0 or above 1 in
    sum.
    """
    known = references if references is not None else [[caption] for caption in captions]
    if not len(captions) == len(scenes) == len(image_ids) == len(known):
        raise ValueError("captions, scenes, image_ids and references differ in length")
    _check_rates(rates)
    donors = _Donors(captions, scenes, image_ids)
    texts, kinds = [], []
    for i, caption in enumerate(captions):
        rng = _item_rng(seed, image_ids[i], caption)
        truths = [caption, *known[i]]
        text, kind = caption, CLEAN
        wanted = _draw_kind(rates, float(rng.random()))
        for candidate in _in_turn(wanted, rates, rng, caption):
            if candidate == "mismatch":
                changed = donors.mismatch(i, truths, rng)
            else:
                changed = corrupt_one(caption, candidate, rng, truths, scenes[i])
            if changed is not None:
                text, kind = changed, candidate
                break
        texts.append(text)
        kinds.append(kind)
    return texts, kinds


def account(
    captions: list[str], image_ids: list[str], rates: dict[str, float], seed: int, made: list[str]
) -> list[str]:
    """What noise was asked for and what was made, a line a kind, then why some could not be made.

    The arguments are those of `corrupt`, `made` the kinds that it returned.
    """
    asked, done, as_asked = Counter[str](), Counter(made), Counter[str]()
    foreign: dict[str, Counter[str]] = {}
    lacking: dict[str, Counter[str]] = {}
    for caption, image_id, kind in zip(captions, image_ids, made, strict=True):
        wanted = _draw_kind(rates, float(_item_rng(seed, image_id, caption).random()))
        asked[wanted] += 1
        if kind == wanted:
            as_asked[kind] += 1
        elif (spoken := language(caption)) != ENGLISH and wanted not in ANY_LANGUAGE:
            foreign.setdefault(wanted, Counter())[spoken] += 1
        else:
            lacking.setdefault(wanted, Counter())[kind] += 1
    lines = [f"{CLEAN}: {done[CLEAN]} of {len(made)} captions"]
    for kind in KINDS:
        if not (asked[kind] or done[kind]):
            continue
        taken = done[kind] - as_asked[kind]
        instead = f", of them {taken} in place of another kind" if taken else ""
        lines.append(f"{kind}: asked {asked[kind]}, made {done[kind]}{instead}")
        if kind in foreign:
            lines.append(
                f"  {foreign[kind].total()} not made, since the caption is not English; it stays "
                f"clean: {_listed(foreign[kind])}"
            )
        if kind in lacking:
            lines.append(
                f"  {lacking[kind].total()} not made, since {_LACKING[kind]}; made instead: "
                f"{_listed(lacking[kind])}"
            )
    return lines


_LACKING = dict.fromkeys(KINDS, "the caption has nothing of the kind to get wrong") | {
    "mismatch": "no other image has another caption",
    "truncated": "the caption is too short to be cut",
}


def _listed(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))


def corrupt_one(
    text: str,
    kind: str,
    rng: np.random.Generator,
    references: list[str],
    scene: str | None = None,
) -> str | None:
    """The text with one mistake of the given kind, or None where the kind does not apply, as most
    do not to a caption that is not English.

    The result differs from the text and from every reference. Raises ValueError for "mismatch",
    which needs other images, and for kinds that do not exist.
    """
    if kind not in CORRUPTORS:
        raise ValueError(f"unknown kind of noise for one caption: {kind!r}")
    if kind not in ANY_LANGUAGE and language(text) != ENGLISH:
        return None
    body, tail = _split_tail(text)
    taken = {normalised(reference) for reference in (text, *references)}
    for _ in range(_RETRIES):
        changed = CORRUPTORS[kind](body, rng, [text, *references], scene)
        if changed is None:
            return None
        if normalised(changed) and normalised(changed) not in taken:
            return changed if kind == "truncated" else changed + tail
    return None


def normalised(text: str) -> str:
    """A caption without the differences that do not matter: case, spaces, the final stop."""
    return " ".join(text.lower().split()).rstrip(_STOPS)


def _check_rates(rates: dict[str, float]) -> None:
    unknown = sorted(set(rates) - set(KINDS))
    if unknown:
        raise ValueError(f"unknown kinds of noise: {', '.join(unknown)}")
    if any(rate < 0 for rate in rates.values()) or sum(rates.values()) > 1 + 1e-9:
        raise ValueError("noise rates must not be negative, nor above 1 in sum")


def _item_rng(seed: int, image_id: str, text: str) -> np.random.Generator:
    """A generator that depends on the item, not on its place in the list."""
    key = f"{seed}\0{image_id}\0{text}".encode("utf-8", "surrogatepass")
    digest = hashlib.blake2b(key, digest_size=16).digest()
    return np.random.Generator(np.random.PCG64(int.from_bytes(digest, "little")))


def _draw_kind(rates: dict[str, float], draw: float) -> str:
    """The kind at this point of the cumulated rates; "clean" beyond them."""
    total = 0.0
    for kind in KINDS:
        total += rates.get(kind, 0.0)
        if draw < total:
            return kind
    return CLEAN


def _in_turn(
    wanted: str, rates: dict[str, float], rng: np.random.Generator, caption: str
) -> list[str]:
    """The wanted kind; for an English caption then the other asked-for kinds by weighted lot, and
    all the rest."""
    if wanted == CLEAN:
        return []
    if language(caption) != ENGLISH:
        return [wanted]
    lots = {kind: float(rng.random()) for kind in KINDS}
    asked = [kind for kind in KINDS if rates.get(kind, 0.0) > 0 and kind != wanted]
    asked.sort(key=lambda kind: -(lots[kind] ** (1 / rates[kind])))
    rest = [kind for kind in KINDS if kind != wanted and kind not in asked]
    rest.sort(key=lambda kind: lots[kind])
    return [wanted, *asked, *rest]


def _split_tail(text: str) -> tuple[str, str]:
    """The caption and its closing punctuation, which is put back behind a change."""
    match = re.search(r"[\s.!]*$", text)
    cut = match.start() if match else len(text)
    return text[:cut], text[cut:].rstrip()


class _Donors:
    """The captions of the other images, for mismatches."""

    def __init__(self, captions: list[str], scenes: list[str | None], image_ids: list[str]) -> None:
        self._captions, self._scenes, self._ids = captions, scenes, image_ids
        self._by_scene: dict[str | None, list[int]] = {}
        for i, scene in enumerate(scenes):
            self._by_scene.setdefault(scene, []).append(i)
        self._all = range(len(captions))

    def mismatch(self, i: int, truths: list[str], rng: np.random.Generator) -> str | None:
        """Another image's caption that is not true of image i; half are of the same scene."""
        taken = {normalised(truth) for truth in truths}
        same = self._by_scene[self._scenes[i]] if self._scenes[i] is not None else []
        hard = float(rng.random()) < 0.5
        for pool in (same, self._all) if hard else (self._all,):
            for j in self._order(pool, rng):
                if self._ids[j] != self._ids[i] and normalised(self._captions[j]) not in taken | {
                    ""
                }:
                    return self._captions[j]
        return None

    @staticmethod
    def _order(pool: Iterable[int], rng: np.random.Generator) -> Iterable[int]:
        """A few random draws, then everything from a random start: quick, and never in vain."""
        items = pool if isinstance(pool, range | list) else list(pool)
        if not items:
            return
        for draw in rng.integers(0, len(items), _DONOR_DRAWS):
            yield items[int(draw)]
        start = int(rng.integers(0, len(items)))
        for k in range(len(items)):
            yield items[(start + k) % len(items)]
