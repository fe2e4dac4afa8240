"""Reasons of a quarantine, put together so that their counts can be read."""

import re
from collections import Counter, defaultdict
from collections.abc import Sequence

NUMBERS = re.compile(r"(\d+)")
SHOWN = 3  # forms of a reason that are told
WIDTH = 80  # characters of what varies in a reason


def grouped(reasons: Counter[str]) -> Counter[str]:
    """Counts of reasons by their cause.

    Reasons that differ in numbers alone are one, with N for each number that varies. Of reasons
    that begin alike, up to a colon, and go on in more than SHOWN ways, the most frequent ways are
    told as examples.
    """
    forms: dict[str, list[str]] = defaultdict(list)
    for reason in reasons:
        forms[NUMBERS.sub("N", reason)].append(reason)
    counts = Counter({_alike(same): sum(reasons[r] for r in same) for same in forms.values()})
    heads: dict[str, list[str]] = defaultdict(list)
    for reason, _ in counts.most_common():
        heads[reason.partition(":")[0]].append(reason)
    told: Counter[str] = Counter()
    for head, ways in heads.items():
        tails = [_cut(way.removeprefix(f"{head}:").strip()) for way in ways]
        if len(ways) > SHOWN:
            examples = "; ".join(tails[:SHOWN])
            told[f"{head}: {examples}; and others"] += sum(counts[way] for way in ways)
        else:
            for way, tail in zip(ways, tails, strict=True):
                told[f"{head}: {tail}" if way != head else head] += counts[way]
    return told


def _alike(same: Sequence[str]) -> str:
    """One reason for several that differ in their numbers alone."""
    pieces = zip(*(NUMBERS.split(reason) for reason in same), strict=True)
    reason = "".join(p[0] if len(set(p)) == 1 else "N" for p in pieces)
    return reason.removesuffix(": N")


def _cut(text: str) -> str:
    return text if len(text) <= WIDTH else f"{text[:WIDTH]}..."
