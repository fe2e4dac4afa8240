"""The caption set `raw`: human captions of the pool, with noise of known kind if asked for."""

import numpy as np
import pandas as pd

from winnow.data.errors import WinnowError
from winnow.sources.settings import Captions
from winnow.terrarium.noise import CLEAN, account, corrupt
from winnow.terrarium.settings import noise_told


def raw_captions(
    samples: pd.DataFrame, human: pd.DataFrame, layouts: pd.DataFrame, settings: Captions
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Caption set `raw` and its sealed truth (CAPTIONS, TRUTH), of the pool split alone.

    Each image brings all of its human captions in their order, or `per_image` of them, drawn by
    seed and uid, so an image's draw does not depend on the others. What a noisy caption asserts is
    false of all the image's human captions and, where `layouts` knows one, of its rule caption,
    which names every countable thing.
    """
    pool = samples[samples["split"] == "pool"]
    scenes = {
        uid: scene if isinstance(scene, str) else None
        for uid, scene in zip(pool["uid"], pool["scene"], strict=True)
    }
    own = {uid: rows for uid, rows in human.groupby("uid", sort=False) if uid in scenes}
    rule = dict(zip(layouts["uid"], layouts["rule_caption"], strict=True))
    true = {u: [*g["text"], *([rule[u]] if u in rule else [])] for u, g in own.items()}
    rows = []
    for uid in pool["uid"]:
        rng = np.random.default_rng([settings.seed, int(uid[:13], 16)])
        group = own[uid]
        order = np.arange(len(group))
        if settings.per_image is not None:
            order = rng.permutation(order)[: settings.per_image]
        rows += [(uid, int(group["caption_id"].iloc[i]), group["text"].iloc[i]) for i in order]
    frame = pd.DataFrame(rows, columns=["uid", "caption_id", "text"])
    texts, kinds = corrupt(
        frame["text"].tolist(),
        [scenes[uid] for uid in frame["uid"]],
        frame["uid"].tolist(),
        {str(kind): rate for kind, rate in settings.noise.items()},
        settings.seed,
        references=[true[uid] for uid in frame["uid"]],
    )
    generator = "human+noise" if settings.known_noise else "human"
    captions = frame.assign(text=texts, perspective="human", generator=generator)
    return captions, frame.assign(kind=kinds)


def _account(truth: pd.DataFrame, settings: Captions) -> list[str]:
    """What noise was asked for and made, by kind, of the second table of `raw_captions`.

    WinnowError where noise is asked for and none could be made: nothing could be detected.
    """
    made = truth["kind"].tolist()
    rates = {str(kind): rate for kind, rate in settings.noise.items()}
    lines = account(truth["text"].tolist(), truth["uid"].tolist(), rates, settings.seed, made)
    if settings.known_noise and made and set(made) == {CLEAN}:
        told = "; ".join(line.strip() for line in lines[1:]) or "it is too rare for so few captions"
        raise WinnowError(
            f"captions.noise: none could be made in {len(made)} captions ({told}); ask for "
            "`mismatch` or `truncated`, which any language takes, or for no noise"
        )
    return lines


def describe(captions: pd.DataFrame, kinds: pd.DataFrame, settings: Captions) -> str:
    """What `raw_captions` made, in a few lines: how many captions, and what was done to them.

    WinnowError where noise is asked for and none could be made.
    """
    cut = "all" if settings.per_image is None else f"at most {settings.per_image}"
    lines = [
        f"{len(captions)} captions of {captions['uid'].nunique()} images, {cut} of an image",
        noise_told(settings.noise),
    ]
    if settings.known_noise:
        lines += _account(kinds, settings)
    return "\n".join(lines)
