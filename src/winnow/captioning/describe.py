"""Describe the images of a pool: one perspective, one caption an image."""

from pathlib import Path

import pandas as pd

from winnow.captioning.answers import tidy
from winnow.captioning.engine import Backend, Request, collect
from winnow.captioning.perspectives import Perspective
from winnow.captioning.responses import Responses
from winnow.captioning.settings import TextGeneration
from winnow.data.errors import WinnowError
from winnow.data.shards import pool_images
from winnow.data.tables import CAPTIONS, QUARANTINE, SAMPLES, read_table

STAGE = "describe"
RULE = "{rule}"  # where a relay perspective's prompt takes the rule caption


def describe_images(
    pool: Path,
    samples: pd.DataFrame,
    perspective: Perspective,
    backend: Backend,
    responses: Responses,
    settings: TextGeneration,
    *,
    name: str,
    rule: pd.DataFrame | None = None,
    temperature: float | None = None,
    seed: int | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Caption the images of `samples`, rows of the pool's, from one perspective.

    Returns CAPTIONS, in their order, with `name` as perspective, and QUARANTINE. `rule` holds
    the rule captions that a relay perspective needs; an image without one is quarantined.
    `temperature` and `seed` are those of `settings` unless given.
    """
    prompts = _prompts(samples["uid"].tolist(), perspective.prompt, rule)
    asked = samples[samples["uid"].isin(prompts.keys())]
    temperature = settings.temperature if temperature is None else temperature
    seed = settings.seed if seed is None else seed
    requests = (
        Request(uid, prompts[uid], image, perspective.max_tokens, temperature, seed)
        for uid, image in pool_images(pool, asked)
    )
    texts, faults = collect(
        backend,
        requests,
        responses,
        attempts=settings.attempts,
        total=len(asked),
        describe=name,
        empty=perspective.empty,
    )
    faults |= {uid: "no rule caption" for uid in samples["uid"] if uid not in prompts}
    generator = "relay" if RULE in perspective.prompt else "mllm"
    captions = [(uid, 0, texts[uid], name, generator) for uid in samples["uid"] if uid in texts]
    quarantine = [(uid, STAGE, faults[uid]) for uid in samples["uid"] if uid in faults]
    return (
        pd.DataFrame(captions, columns=list(CAPTIONS)),
        pd.DataFrame(quarantine, columns=list(QUARANTINE)),
    )


def pool_samples(pool: Path) -> pd.DataFrame:
    """The samples of the pool split: only they are described."""
    samples = read_table(pool / "samples.parquet", SAMPLES)
    return samples[samples["split"] == "pool"]


def check_quarantine(
    quarantine: pd.DataFrame, asked: int, limit: float, path: Path, things: str = "images"
) -> None:
    """Fail when more than the share `limit` of the `things` that were `asked` got no answer."""
    if len(quarantine) > limit * asked:
        worst = quarantine["reason"].value_counts()
        raise WinnowError(
            f"{path}: {len(quarantine)} of {asked} {things} got no answer, more than the limit of "
            f"{limit:.0%} (--quarantine-limit); {worst.iloc[0]} times: {worst.index[0]}"
        )


def _prompts(uids: list[str], prompt: str, rule: pd.DataFrame | None) -> dict[str, str]:
    """The prompt of each image that can have one."""
    if RULE not in prompt:
        return dict.fromkeys(uids, prompt)
    if rule is None:
        raise WinnowError("--rule: a relay perspective needs the rule captions")
    joined = rule[rule["uid"].isin(uids)].groupby("uid")["text"].agg(" ".join)
    return {str(uid): prompt.replace(RULE, tidy(text)) for uid, text in joined.items()}
