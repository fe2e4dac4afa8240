"""What the foundry's multimodal model learns to say: questions about images, with their answers."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from winnow.assertions.parser import assertions_of
from winnow.assertions.realisation import write_caption
from winnow.captioning.perspectives import Perspective, Perspectives, merge_prompt
from winnow.captioning.questions import Category, closed_questions
from winnow.terrarium.perspectives import answers
from winnow.terrarium.schema import Layout

WORDINGS = 2  # answers of each viewpoint, worded differently
CLOSED, OPEN = 4, 4  # questions of each kind about an image, at most


class QuestionAnswer(NamedTuple):
    """A question and its answer, about an image or about text alone."""

    question: str
    answer: str
    about_image: bool = True


def perspective_dialogues(
    uids: list[str],
    human: pd.DataFrame,
    layouts: pd.DataFrame,
    rules: Mapping[str, str],
    perspectives: Perspectives,
    seed: int,
) -> list[list[QuestionAnswer]]:
    """Questions and answers about each image of `uids`, two or more.

    An annotator answers from the layout, where there is one and the perspective is one of
    Terrarium's viewpoints; to any other question the image's human captions are the answer. `rules`
    are the rule captions that relayed questions quote. The answers from one layout are also to be
    merged, as text alone: to say again what two of them assert.
    """
    known = dict(zip(layouts["uid"], layouts["layout"], strict=True))
    captions = human.groupby("uid")["text"].agg(list).to_dict()
    prompts = {name: p.prompt for name, p in perspectives.perspectives.items()}
    relays = {name: p.prompt for name, p in perspectives.relay.items()}
    found = []
    for number, uid in enumerate(uids):
        rule = rules.get(uid, "")
        asked = {**prompts, **{name: text.replace("{rule}", rule) for name, text in relays.items()}}
        said: list[QuestionAnswer] = []
        if uid in known:
            layout = Layout.from_dict(json.loads(known[uid]))
            for wording in range(WORDINGS):
                told = answers(layout, seed + WORDINGS * number + wording)
                said += [
                    QuestionAnswer(asked[name], text)
                    for name, text in told.items()
                    if name in asked
                ]
            said.append(_merge(told, perspectives.integration))
        answered = {exchange.question for exchange in said}
        said += [
            QuestionAnswer(question, caption)
            for question in asked.values()
            if question not in answered
            for caption in captions[uid]
        ]
        found.append(said)
    return found


def question_dialogues(
    samples: pd.DataFrame,
    human: pd.DataFrame,
    layouts: pd.DataFrame,
    categories: Mapping[str, Category],
    seed: int,
) -> list[list[QuestionAnswer]]:
    """Closed questions about each image of `samples`, and open ones of some of the categories.

    An annotator answers the open ones from the layout; without one a human caption is the answer.
    """
    known = dict(zip(layouts["uid"], layouts["layout"], strict=True))
    captions = human.groupby("uid")["text"].agg(list).to_dict()
    scenes = sorted(samples["scene"].dropna().unique())
    found = []
    for number, (uid, scene) in enumerate(zip(samples["uid"], samples["scene"], strict=True)):
        rng = np.random.default_rng([seed, number])
        layout = Layout.from_dict(json.loads(known[uid])) if uid in known else None
        scene = scene if isinstance(scene, str) else None
        asked = closed_questions(layout, scene, scenes, int(rng.integers(2**32)))
        drawn = rng.permutation(len(asked))[:CLOSED].tolist()
        said = [QuestionAnswer(asked[i].question, asked[i].answer) for i in drawn]
        told = answers(layout, int(rng.integers(2**32))) if layout is not None else {}
        said += _open(list(categories.values()), told, captions[uid], rng)
        found.append(said)
    return found


def _open(
    categories: Sequence[Category],
    answered: Mapping[str, str],
    captions: Sequence[str],
    rng: np.random.Generator,
) -> Iterator[QuestionAnswer]:
    for i in rng.permutation(len(categories))[:OPEN].tolist():
        question = rng.choice(categories[i].questions)
        answer = answered.get(categories[i].viewpoint) or rng.choice(captions)
        yield QuestionAnswer(str(question), str(answer))


def _merge(answered: Mapping[str, str], integration: Perspective) -> QuestionAnswer:
    """The merge of one image's descriptions."""
    counts = Counter(one for text in answered.values() for one in assertions_of(text))
    agreed = write_caption([one for one, count in counts.items() if count > 1])
    return QuestionAnswer(merge_prompt(integration, answered, agreed), agreed, about_image=False)
