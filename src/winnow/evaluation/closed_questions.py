"""How often a multimodal model answers closed questions right."""

import json
from pathlib import Path

import pandas as pd

from winnow.captioning.engine import Backend, ask
from winnow.captioning.questions import closed_questions
from winnow.captioning.request_queue import Request
from winnow.captioning.responses import Responses
from winnow.data.shards import pool_images
from winnow.data.tables import OUTCOMES
from winnow.terrarium.noise import normalised
from winnow.terrarium.schema import Layout

TOKENS = 16  # of an answer
SEED = 0


def closed_question_outcomes(
    pool: Path, samples: pd.DataFrame, layouts: pd.DataFrame, backend: Backend, responses: Responses
) -> pd.DataFrame:
    """Table OUTCOMES: `right/{kind}` is 1 where a question of that kind was answered right."""
    known = dict(zip(layouts["uid"], layouts["layout"], strict=True))
    asked = {
        f"{uid}/{number}": (uid, closed)
        for uid in samples["uid"]
        for number, closed in enumerate(
            closed_questions(Layout.from_dict(json.loads(known[uid])), None, [], SEED)
        )
    }
    own: dict[str, list[str]] = {}
    for key, (uid, _) in asked.items():
        own.setdefault(uid, []).append(key)
    requests = (
        Request(key, asked[key][1].question, image, TOKENS)
        for uid, image in pool_images(pool, samples)
        for key in own.get(uid, ())
    )
    rows = []
    for answer in ask(backend, requests, responses, total=len(asked), describe="quiz"):
        uid, closed = asked[answer.key]
        right = float(normalised(answer.text) == normalised(closed.answer))
        rows.append((f"right/{closed.kind}", answer.key, uid, right))
    return pd.DataFrame(sorted(rows), columns=list(OUTCOMES))
