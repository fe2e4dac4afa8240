"""Candidates: what the captioners and answerers of one model say about the images."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from winnow.captioning.engine import Backend, Request, collect
from winnow.captioning.responses import Responses
from winnow.data.errors import WinnowError
from winnow.data.shards import pool_images
from winnow.data.tables import CANDIDATES, DEDUPLICATED, QUARANTINE, SAMPLES, read_table
from winnow.preferences.questions import Question

STAGE = "propose"


class Proposer(NamedTuple):
    """A captioner or answerer, and what it is asked."""

    name: str
    temperature: float
    questions: Sequence[Question]


def kept_samples(pool: Path, images: Path) -> pd.DataFrame:
    """The samples of the reference split that `images` (DEDUPLICATED) keeps.

    Raises WinnowError for an image that is not of that split.
    """
    samples = read_table(pool / "samples.parquet", SAMPLES)
    samples = samples[samples["split"] == "reference"]
    table = read_table(images, DEDUPLICATED)
    kept = set(table.loc[table["kept"], "uid"])
    if foreign := sorted(kept - set(samples["uid"])):
        raise WinnowError(
            f"{images}: uid {foreign[0]} is not of the split `reference` of {pool} "
            f"({len(foreign)} such images); deduplicate again"
        )
    return samples[samples["uid"].isin(kept)].reset_index(drop=True)


def generate_candidates(
    pool: Path,
    samples: pd.DataFrame,
    proposers: Sequence[Proposer],
    backend: Backend,
    responses: Responses,
    attempts: int,
    seed: int,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """CANDIDATES, in the order of proposers and questions, and QUARANTINE of what got no answer.

    Images pass through once for each proposer and length of the answers, so that the requests of
    one pass of the model are alike.
    """
    texts: dict[str, str] = {}
    quarantine = []
    for proposer in proposers:
        keys = {_key(proposer, question): question for question in proposer.questions}
        for (_, empty), alike in _alike(proposer.questions).items():
            answered, faults = collect(
                backend,
                _requests(pool, samples, proposer, alike, seed),
                responses,
                attempts=attempts,
                total=sum(map(len, alike.values())),
                describe=proposer.name,
                empty=empty,
            )
            texts |= answered
            quarantine += [
                (keys[key].uid, STAGE, f"{proposer.name}: {fault}") for key, fault in faults.items()
            ]
    rows = [
        (q.uid, q.kind, q.category, q.prompt, q.reference, texts[_key(p, q)], p.name)
        for p in proposers
        for q in p.questions
        if _key(p, q) in texts
    ]
    return (
        pd.DataFrame(rows, columns=[name.rstrip("?") for name in CANDIDATES]),
        pd.DataFrame(sorted(quarantine), columns=list(QUARANTINE)),
    )


Alike = dict[str, list[Question]]  # by uid


def _alike(questions: Sequence[Question]) -> Mapping[tuple[int, str], Alike]:
    """Questions by the length of the answer and by what an empty one means."""
    groups: dict[tuple[int, str], Alike] = {}
    for question in questions:
        group = groups.setdefault((question.max_tokens, question.empty), {})
        group.setdefault(question.uid, []).append(question)
    return groups


def _requests(
    pool: Path, samples: pd.DataFrame, proposer: Proposer, alike: Alike, seed: int
) -> Iterator[Request]:
    own = hashlib.sha256(f"{seed} {proposer.name}".encode()).digest()  # two of one model differ
    seed = int.from_bytes(own[:4]) >> 1
    for uid, image in pool_images(pool, samples[samples["uid"].isin(alike.keys())]):
        for question in alike[uid]:
            key, tokens = _key(proposer, question), question.max_tokens
            yield Request(key, question.asked, image, tokens, proposer.temperature, seed)


def _key(proposer: Proposer, question: Question) -> str:
    return f"{question.uid} {proposer.name} {question.kind} {question.category} {question.prompt}"
