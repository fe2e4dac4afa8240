"""Conversations that begin alike, packed so that what they share is run once.

The texts that a score model compares answer one question about one image, and image and question
are most of their tokens. In a pack these stand once, the answers follow one another, and a mask
lets each answer see the beginning and itself. The values are the same.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch

MOST = 8  # conversations in a pack: attention costs the square of its length

Tokens = Sequence[list[int]]


class Packs(NamedTuple):
    """Packs [B, L] of conversations, padded on the right."""

    row: torch.Tensor  # [B, L] the conversation that a token comes from
    column: torch.Tensor  # [B, L] its place there
    mask: torch.Tensor | None  # bool [B, 1, L, L], what sees what; None is plain causal
    last: torch.Tensor  # each conversation's last token in the flattened packs, pack by pack


def share(conversations: Tokens, image: Sequence[int]) -> list[list[int]]:
    """The conversations, by number, that can be packed together, pack by pack.

    They are about the same of the images, and share at least half of their tokens.
    """
    packs: list[list[int]] = []
    order = sorted(range(len(conversations)), key=lambda i: (image[i], conversations[i]))
    for i in order:
        first = packs[-1][0] if packs else i
        begin = _begin([conversations[first], conversations[i]])
        alike = 2 * begin >= max(len(conversations[first]), len(conversations[i]))
        if packs and len(packs[-1]) < MOST and image[first] == image[i] and alike:
            packs[-1].append(i)
        else:
            packs.append([i])
    return packs


def packed_length(conversations: Tokens, pack: Sequence[int]) -> int:
    """How many tokens a pack has."""
    members = [conversations[i] for i in pack]
    return sum(map(len, members)) - (len(members) - 1) * _begin(members)


def lay_out(conversations: Tokens, packs: Sequence[Sequence[int]]) -> Packs:
    """Lay out the conversations of `packs`."""
    length = max(packed_length(conversations, pack) for pack in packs)
    row, column = (np.zeros((len(packs), length), dtype=np.int64) for _ in range(2))
    branch = np.full((len(packs), length), -1)  # 0 is shared; padding sees itself alone
    last = []
    for number, pack in enumerate(packs):
        begin = end = _begin([conversations[i] for i in pack])
        row[number, :begin], branch[number, :begin] = pack[0], 0
        column[number, :begin] = np.arange(begin)
        for own, i in enumerate(pack, start=1):
            start, end = end, end + len(conversations[i]) - begin
            row[number, start:end], branch[number, start:end] = i, own
            column[number, start:end] = np.arange(begin, len(conversations[i]))
            last.append(number * length + end - 1)
    mask = None
    if any(len(pack) > 1 for pack in packs):
        seen = (branch[:, None, :] == 0) | (branch[:, None, :] == branch[:, :, None])
        mask = torch.from_numpy(np.tril(seen)[:, None])
    return Packs(torch.from_numpy(row), torch.from_numpy(column), mask, torch.tensor(last))


def _begin(conversations: Tokens) -> int:
    """How many tokens all of them begin with, at most all but the last of the shortest."""
    most = min(map(len, conversations)) - 1
    first, last = min(conversations), max(conversations)  # of sorted ones these differ soonest
    differing = (i for i in range(most) if first[i] != last[i])
    return next(differing, most)
