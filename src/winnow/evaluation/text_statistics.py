"""What can be said of captions without any truth: their size, wealth of words, and sameness.

Words are runs of letters and digits in lower case, and single characters of scripts that put no
blanks between words. `distinct_n` is the number of different n-grams
over the number of all n-grams of the set (Li et al. 2016). `self_bleu` is the mean BLEU-4 of a
caption against other captions of the set as references (Zhu et al. 2018, Texygen), of a seeded
sample of at most `SAMPLE` captions, with the smoothing of Chen & Cherry 2014 (method 1): high where
captions say the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from winnow.data.language import words

SAMPLE = 200  # every caption of the sample is compared with all others
ORDER = 4  # of BLEU: the longest n-grams
EPSILON = 0.1  # matches where there is none, from the second order on
LOWER_IS_BETTER = frozenset({"self_bleu"})

Words = list[str]


def caption_outcomes(captions: pd.DataFrame, scores: np.ndarray) -> pd.DataFrame:
    """Table OUTCOMES of `length` (words), `evaluator_score`, and, per image, its captions.

    `scores` [rows] has one number for each row of `captions` (uid, caption_id, text).
    """
    uids = captions["uid"].astype(str)
    query = uids + "#" + captions["caption_id"].astype(str)
    lengths = [float(len(words(text))) for text in captions["text"]]
    counts = uids.value_counts(sort=False)
    tables = [
        pd.DataFrame({"metric": metric, "query": query, "group": uids, "value": values})
        for metric, values in (("length", lengths), ("evaluator_score", scores))
    ]
    tables.append(
        pd.DataFrame(
            {
                "metric": "captions_per_image",
                "query": counts.index,
                "group": counts.index,
                "value": counts.to_numpy(dtype=float),
            }
        )
    )
    return pd.concat(tables, ignore_index=True)


def set_statistics(
    captions: pd.DataFrame, seed: int = 0
) -> tuple[dict[str, float], dict[str, int]]:
    """Metrics of the set as a whole, and the number of units behind each, by name.

    `images`, `captions`, `vocabulary` (different words), `distinct_1`, `distinct_2`, `self_bleu`;
    what the set is too small for is left out.
    """
    texts = [words(text) for text in captions["text"]]
    images, total = captions["uid"].nunique(), sum(map(len, texts))
    found: dict[str, tuple[float, int]] = {
        "images": (images, images),
        "captions": (len(captions), len(captions)),
        "vocabulary": (len({word for text in texts for word in text}), total),
    }
    for n in (1, 2):
        share, grams = distinct(texts, n)
        if grams:
            found[f"distinct_{n}"] = share, grams
    sample = _sample(captions, texts, seed)
    if len(sample) > 1:
        found["self_bleu"] = self_bleu(sample), len(sample)
    metrics = {name: float(value) for name, (value, _) in found.items()}
    return metrics, {name: int(n) for name, (_, n) in found.items()}


def distinct(texts: Iterable[Words], n: int) -> tuple[float, int]:
    """The share of different n-grams among all, and the number of all; (0, 0) without any."""
    seen: set[tuple[str, ...]] = set()
    total = 0
    for text in texts:
        grams = _grams(text, n)
        seen.update(grams)
        total += len(grams)
    return (len(seen) / total if total else 0.0), total


def _sample(captions: pd.DataFrame, texts: list[Words], seed: int) -> list[Words]:
    """At most `SAMPLE` captions that have words, the same whatever the order of the rows."""
    order = captions.reset_index(drop=True).sort_values(["uid", "caption_id"]).index
    filled = [texts[i] for i in order if texts[i]]
    if len(filled) <= SAMPLE:
        return filled
    chosen = np.random.default_rng(seed).choice(len(filled), SAMPLE, replace=False)
    return [filled[i] for i in sorted(chosen)]


def self_bleu(texts: Sequence[Words]) -> float:
    """The mean BLEU-4 of each of two or more captions, none empty, against all the others.

    As nltk's `sentence_bleu` gives it, but each caption's n-grams are counted once.
    """
    scores = np.zeros(len(texts))
    for n in range(1, ORDER + 1):
        matched, total = _matches(texts, n)
        smoothed = np.where(matched > 0, matched, EPSILON) / np.maximum(total, 1)
        scores += np.log(smoothed) / ORDER
        if n == 1:
            scores[matched == 0] = -np.inf  # not a word in common
    lengths = np.array([len(text) for text in texts])
    for row, length in enumerate(lengths):
        others = np.delete(lengths, row)
        closest = min(others, key=lambda other: (abs(other - length), other))
        scores[row] += min(0.0, 1 - closest / length)  # the brevity penalty
    return float(np.exp(scores).mean())


def _matches(texts: Sequence[Words], n: int) -> tuple[np.ndarray, np.ndarray]:
    """How many of each text's n-grams another text has, each at most as often as there; and how
    many it has."""
    counts = [Counter(_grams(text, n)) for text in texts]
    most: dict[tuple[str, ...], list[int]] = {}  # the two highest counts of each n-gram
    for count in counts:
        for gram, times in count.items():
            most[gram] = sorted([*most.get(gram, [0, 0]), times])[1:]
    matched = [
        sum(
            # where a text has the highest count itself, the others have the second at most
            min(times, most[gram][0 if times == most[gram][1] else 1])
            for gram, times in count.items()
        )
        for count in counts
    ]
    return np.array(matched), np.array([count.total() for count in counts])


def _grams(text: Words, n: int) -> list[tuple[str, ...]]:
    return [tuple(text[i : i + n]) for i in range(len(text) - n + 1)]
