"""Rating by a model that sees the image and has the rubric: ScoreRS's GPT-4o, or any other."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from winnow.captioning.answers import tidy
from winnow.captioning.cleaning import declines, final_text
from winnow.captioning.engine import Backend, ask
from winnow.captioning.request_queue import Request
from winnow.captioning.responses import Responses
from winnow.captioning.settings import TextGeneration
from winnow.data.shards import pool_images
from winnow.data.tables import QUARANTINE, RATED
from winnow.preferences.rubric import LEVELS, Rating, Rubric

STAGE = "rate"
_QUESTION = ["uid", "prompt", "text"]  # what a judge is told: whoever proposed it
_FENCE = re.compile(r"```(?:json)?[ \t]*\n(.*?)\n?```", re.S)
_BEGINNING = 60  # characters of a refused reply that its reason quotes


def rate_by_model(
    candidates: pd.DataFrame,
    pool: Path,
    samples: pd.DataFrame,
    rubric: Rubric,
    backend: Backend,
    responses: Responses,
    settings: TextGeneration,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """RATED, in the order of `candidates` (CANDIDATES), and QUARANTINE, one row a candidate.

    `samples` are rows of the pool's that hold every image. Who said a text is not told, so the
    same text in reply to the same question is rated once.
    """
    keys = pd.MultiIndex.from_frame(candidates[_QUESTION])
    unique = keys.unique()
    numbers = pd.Series(unique.get_indexer(keys), candidates.index)
    ratings: dict[int, Rating] = {}
    faults: dict[int, str] = {}
    answers = ask(
        backend,
        _requests(unique.to_frame(index=False), pool, samples, rubric, settings),
        responses,
        attempts=settings.attempts,
        total=len(unique),
        describe="rating",
        read=read_reply,
    )
    for answer in answers:
        if answer.fault:
            faults[int(answer.key)] = answer.fault
        else:
            ratings[int(answer.key)] = parse_rating(answer.text)
    done = numbers.isin(ratings.keys())
    rated = candidates[done].reset_index(drop=True)
    values = [ratings[number] for number in numbers[done]]
    scored = pd.DataFrame(values, columns=list(Rating._fields), dtype="int32")
    refused = zip(candidates.loc[~done, "uid"], numbers[~done], strict=True)
    quarantine = [(uid, STAGE, faults[number]) for uid, number in refused]
    return (
        pd.concat([rated, scored], axis=1)[[name.rstrip("?") for name in RATED]],
        pd.DataFrame(quarantine, columns=list(QUARANTINE)),
    )


def _requests(
    asked: pd.DataFrame, pool: Path, samples: pd.DataFrame, rubric: Rubric, settings: TextGeneration
) -> Iterator[Request]:
    """One request a row of `asked`, keyed by its number, image by image."""
    by_image: dict[str, list[tuple[int, str, str]]] = {}
    for row, (uid, question, text) in enumerate(asked.itertuples(index=False)):
        by_image.setdefault(uid, []).append((row, question, text))
    for uid, image in pool_images(pool, samples[samples["uid"].isin(by_image.keys())]):
        for row, question, text in by_image[uid]:
            prompt = rubric.ask(question, text)
            yield Request(
                str(row), prompt, image, rubric.max_tokens, settings.temperature, settings.seed
            )


def read_reply(reply: str, cut: bool) -> tuple[str, str]:
    """A reply as `ask` wants it read: a rating in JSON, or why it is none and how it begins."""
    text, fault = final_text(reply)
    try:
        if fault or (fault := declines(tidy(text))):
            raise ValueError(fault)
        return json.dumps(parse_rating(text)._asdict()), ""
    except ValueError as error:
        reason = f"cut before its end, {error}" if cut else str(error)
        return "", f"no rating ({reason}): {tidy(reply)[:_BEGINNING]!r}"


def parse_rating(reply: str) -> Rating:
    """The rating in a model's reply: one JSON object of the five dimensions, whole numbers 1 to 5.

    A code fence may be around it and nothing else; no key may be missing, added or given twice.
    Raises ValueError with the reason.
    """
    text = reply.strip()
    if fenced := _FENCE.fullmatch(text):
        text = fenced[1]
    try:
        content = json.loads(text, object_pairs_hook=_distinct)
    except json.JSONDecodeError as error:
        raise ValueError("not one JSON object") from error
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    if not isinstance(content, dict):
        raise ValueError("not one JSON object")
    for name in Rating._fields:
        if name not in content:
            raise ValueError(f"{name} is missing")
        if type(content[name]) is not int or content[name] not in LEVELS:  # a bool is an int, too
            raise ValueError(f"{name} is not a whole number from 1 to 5")
    if unknown := [name for name in content if name not in Rating._fields]:
        raise ValueError(f"unknown key {unknown[0][:_BEGINNING]!r}")
    return Rating(**content)


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) != len(pairs):
        raise ValueError("a key occurs twice")
    return content
