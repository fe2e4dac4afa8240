"""The questions about each image: drawn from the seed and its uid, the same for all who answer."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

from winnow.captioning.perspectives import TOKENS_PER_WORD, Perspectives
from winnow.captioning.questions import Category, closed_questions
from winnow.data.errors import WinnowError
from winnow.preferences.settings import Captioner
from winnow.terrarium.schema import Layout

# What captions answer. Under each wording another person describes an image, so that what is
# preferred is not one person's style; models, as in ScoreRS, describe it under the first alone.
CAPTION_PROMPTS = (
    "Describe this satellite image.",
    "What is in this satellite image?",
    "Write a caption for this satellite image.",
    "Tell me what this satellite image shows.",
    "What can be seen in this satellite image?",
)
CAPTION_PROMPT = CAPTION_PROMPTS[0]
CLOSED_WORDS = 10  # of an answer to a closed question, at most
OPEN_WORDS = 30  # of an answer to an open question whose viewpoint is no perspective


class Question(NamedTuple):
    """What is asked about an image, and what the table of candidates says of it."""

    uid: str
    kind: str  # caption, closed, open, remote_sensing
    category: str
    prompt: str  # what the text is a text for
    asked: str  # what a model is asked for it
    max_tokens: int
    reference: str | None = None  # the right answer
    empty: str = "retry"  # as of a Perspective


class Counts(NamedTuple):
    """Questions about an image, at most."""

    closed: int
    open: int
    remote_sensing: int


def question_rng(seed: int, uid: str, purpose: str) -> np.random.Generator:
    """A generator that depends on nothing but its arguments."""
    digest = hashlib.sha256(f"{seed} {uid} {purpose}".encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:16], "little"))


def caption_questions(
    uids: Iterable[str], name: str, captioner: Captioner, perspectives: Perspectives
) -> list[Question]:
    """A captioner's own question about each image. Raises WinnowError for a relay perspective."""
    assert captioner.perspective is not None
    asked = perspectives.find(captioner.perspective)
    if captioner.perspective in perspectives.relay:
        raise WinnowError(
            f"captioners.{name}: {captioner.perspective!r} relays rule captions; take one of "
            f"{', '.join(perspectives.perspectives)}"
        )
    words = TOKENS_PER_WORD * captioner.words if captioner.words else asked.max_tokens
    return [
        Question(uid, "caption", "", CAPTION_PROMPT, asked.prompt, words, empty=asked.empty)
        for uid in uids
    ]


def image_questions(
    samples: pd.DataFrame,
    layouts: pd.DataFrame,
    perspectives: Perspectives,
    categories: Mapping[str, Category],
    counts: Counts,
    seed: int,
    *,
    open_anyway: bool,
) -> list[Question]:
    """Closed and open questions about the images of `samples`.

    Without a layout nobody knows what is true beyond the scene: then open questions are asked only
    if `open_anyway`, for a judge who looks at the image.
    """
    known = dict(zip(layouts["uid"], layouts["layout"], strict=True))
    scenes = sorted(samples["scene"].dropna().unique())
    found: list[Question] = []
    for uid, scene in zip(samples["uid"], samples["scene"], strict=True):
        layout = Layout.from_json(known[uid], uid) if uid in known else None
        scene = scene if isinstance(scene, str) else None
        rng = question_rng(seed, uid, "closed")
        asked = closed_questions(layout, scene, scenes, int(rng.integers(2**32)))
        tokens = TOKENS_PER_WORD * CLOSED_WORDS
        for i in sorted(rng.permutation(len(asked))[: counts.closed].tolist()):
            kind, text, answer = asked[i]
            found.append(Question(uid, "closed", kind, text, text, tokens, answer))
        if layout is not None or open_anyway:
            found += _perspectives(uid, perspectives, counts.open, seed)
            found += _categories(uid, perspectives, categories, counts.remote_sensing, seed)
    return found


def _perspectives(
    uid: str, perspectives: Perspectives, count: int, seed: int
) -> Iterator[Question]:
    names = list(perspectives.perspectives)
    for i in question_rng(seed, uid, "open").permutation(len(names))[:count].tolist():
        asked = perspectives.perspectives[names[i]]
        prompt, tokens = asked.prompt, asked.max_tokens
        yield Question(uid, "open", names[i], prompt, prompt, tokens, empty=asked.empty)


def _categories(
    uid: str, perspectives: Perspectives, categories: Mapping[str, Category], count: int, seed: int
) -> Iterator[Question]:
    rng, names = question_rng(seed, uid, "remote sensing"), list(categories)
    for i in rng.permutation(len(names))[:count].tolist():
        category = categories[names[i]]
        prompt = category.questions[int(rng.integers(len(category.questions)))]
        like = perspectives.perspectives.get(category.viewpoint)
        tokens = like.max_tokens if like else TOKENS_PER_WORD * OPEN_WORDS
        yield Question(uid, "remote_sensing", names[i], prompt, prompt, tokens)
