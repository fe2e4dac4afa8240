"""MpGI's second stage: the descriptions of an image become one caption of what they agree on.

By vote, an assertion stays when enough perspectives make it, and the caption says what stayed. A
language model may write the caption instead: it reads the descriptions, and what they agree on.
"""

from collections.abc import Iterator

import pandas as pd

from winnow.assertions.realisation import write_caption
from winnow.captioning.engine import Backend, Request, collect
from winnow.captioning.perspectives import Perspective, merge_prompt
from winnow.captioning.responses import Responses
from winnow.captioning.settings import TextGeneration
from winnow.captioning.vote import Description, closest, parse_description, plurals, vote
from winnow.data.tables import CAPTIONS, QUARANTINE

STAGE, NAME = "integrate", "integrated"


def integrate_by_vote(captions: pd.DataFrame, votes: int) -> pd.DataFrame:
    """CAPTIONS, one an image, from all captions of it, in the order of the images.

    Where the descriptions agree on nothing, the one that is closest to the others stands.
    """
    rows = [
        (uid, 0, _agreed(found, votes) or closest(found).text, NAME, NAME)
        for uid, found in _by_image(captions)
    ]
    return pd.DataFrame(rows, columns=list(CAPTIONS))


def integrate_by_model(
    captions: pd.DataFrame,
    votes: int,
    perspective: Perspective,
    backend: Backend,
    responses: Responses,
    settings: TextGeneration,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """CAPTIONS, one an image, written by a language model, and QUARANTINE of the others.

    `perspective` holds the prompt that merges descriptions.
    """
    uids = captions["uid"].unique().tolist()
    texts, faults = collect(
        backend,
        _requests(captions, votes, perspective, settings),
        responses,
        attempts=settings.attempts,
        total=len(uids),
        describe=NAME,
        empty=perspective.empty,
    )
    rows = [(uid, 0, texts[uid], NAME, NAME) for uid in uids if uid in texts]
    quarantine = [(uid, STAGE, faults[uid]) for uid in uids if uid in faults]
    return (
        pd.DataFrame(rows, columns=list(CAPTIONS)),
        pd.DataFrame(quarantine, columns=list(QUARANTINE)),
    )


def _requests(
    captions: pd.DataFrame, votes: int, perspective: Perspective, settings: TextGeneration
) -> Iterator[Request]:
    for uid, found in _by_image(captions):
        texts: dict[str, str] = {}
        for one in found:
            texts[one.perspective] = f"{texts.get(one.perspective, '')} {one.text}".strip()
        agreed = _agreed(found, votes) or "nothing."
        prompt = merge_prompt(perspective, texts, agreed)
        limit = perspective.max_tokens
        yield Request(uid, prompt, None, limit, settings.temperature, settings.seed)


def _by_image(captions: pd.DataFrame) -> Iterator[tuple[str, list[Description]]]:
    for uid, group in captions.groupby("uid", sort=False):
        texts = zip(group["perspective"], group["text"], strict=True)
        yield str(uid), [parse_description(perspective, text) for perspective, text in texts]


def _agreed(descriptions: list[Description], votes: int) -> str:
    return write_caption(vote(descriptions, votes), plurals(descriptions))
