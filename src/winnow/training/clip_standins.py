"""The foundry: small CLIP models, trained from their seed, that take a large checkpoint's place.

`clip` and `siglip` are general: they read only the scene's name, or single words of captions where
no image has a scene; `siglip` learns by SigLIP's loss (Zhai et al. 2023). `domain_clip` read clean
human captions of one half of the reference split, `evaluator_clip`, another architecture, those of
the other half: it grades and never scores, as does `evaluator_general`, which is general and saw
the same half.
"""

import copy
import math
from collections import Counter
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pandas as pd

from winnow.data.errors import WinnowError
from winnow.data.language import words
from winnow.models.clip import Clip, build
from winnow.models.settings import EvaluatorRole, GeneratorRole, Role
from winnow.models.tokenizer import train_tokenizer
from winnow.training.contrastive import fit
from winnow.training.settings import Optimiser

VOCABULARY = 1200
CONTEXT = 32  # tokens: 98 of 100 human captions fit
COARSE = (
    "a satellite photo of a {}",
    "a satellite image of a {}.",
    "an aerial view of a {}",
    "{} seen from above",
    "an overhead picture of the {}",
    "remote sensing image, {}",
)
BASE: dict[str, Any] = {
    "embed_dim": 128,
    "vision_cfg": {"image_size": 64, "layers": [1, 1, 2, 1], "width": 16, "head_width": 64},
    "text_cfg": {
        "context_length": CONTEXT,
        "width": 96,
        "heads": 4,
        "layers": 1,
        "hf_tokenizer_name": "local",  # open_clip then reads the tokenizer of the model's folder
        "tokenizer_kwargs": {"clean": "whitespace"},
        "pool_type": "eos",
        "pad_id": 0,
        "eos_id": 2,
    },
}
SEED: dict[Role, int] = {
    "clip": 1,
    "domain_clip": 2,
    "evaluator_clip": 3,
    "siglip": 6,
    "evaluator_general": 7,
}
GENERAL = ("clip", "siglip", "evaluator_general")
EVALUATORS = get_args(EvaluatorRole)


def architecture(role: Role, vocabulary: int) -> dict[str, Any]:
    """open_clip's `model_cfg` of a stand-in; the evaluator's towers differ from the scorers'."""
    config = copy.deepcopy(BASE)
    config["text_cfg"]["vocab_size"] = vocabulary
    if role in EVALUATORS:
        config["vision_cfg"].update(layers=[1, 2, 1, 1], width=20, head_width=80)
        config["text_cfg"].update(width=64, layers=2)
    if role == "siglip":
        config.update(init_logit_scale=math.log(10), init_logit_bias=-10.0)
    return config


def train_standin(
    role: Role,
    pool: Path,
    samples: pd.DataFrame,
    captions: pd.DataFrame,
    scratch: Path,
    settings: Optimiser,
    samples_seen: int,
) -> tuple[Clip, list[float]]:
    """Train the stand-in of `role` on the reference split; returns it with its losses."""
    pairs = training_pairs(role, samples, captions)
    if pairs.empty:
        raise WinnowError(
            f"the stand-in {role} learns from one half of the reference split, which has "
            f"no caption ({len(samples)} images in the split); raise source.reference"
        )
    vocabulary = train_tokenizer(
        [*captions["text"], *(t.format(s) for t in COARSE for s in scenes(samples))],
        VOCABULARY,
        scratch,
    )
    model = build(architecture(role, vocabulary), scratch, SEED[role])
    return model, fit(model, pool, samples, pairs, settings, samples_seen, SEED[role])


def training_pairs(
    role: Role | GeneratorRole, samples: pd.DataFrame, captions: pd.DataFrame
) -> pd.DataFrame:
    """The pairs (uid, text) a role may see: the evaluators' half of the images is no scorer's."""
    second = np.array([int(uid[:8], 16) % 2 == 1 for uid in samples["uid"]], dtype=bool)
    own = samples[second if role in EVALUATORS else ~second]
    if role not in GENERAL:
        return captions[captions["uid"].isin(set(own["uid"]))][["uid", "text"]]
    labelled = own[own["scene"].notna()]
    if labelled.empty:
        return distinctive_words(captions[captions["uid"].isin(set(own["uid"]))])
    return pd.DataFrame(
        {
            "uid": np.repeat(labelled["uid"].to_numpy(), len(COARSE)),
            "text": [t.format(s) for s in labelled["scene"] for t in COARSE],
        }
    )


def distinctive_words(captions: pd.DataFrame) -> pd.DataFrame:
    """Pairs (uid, text) with one word of each caption in the place of a scene's name.

    It is the word that the fewest images share, of those that two images and one in a hundred
    share at least, and of equals the longest: words of everyday use are in too many captions, slips
    of the pen in too few. Of a caption without such a word the whole is taken. Words are those of
    `winnow.data.language` that begin with a letter.
    """
    said = [{word for word in words(text) if word[0].isalpha()} for text in captions["text"]]
    found = pd.DataFrame({"uid": captions["uid"].to_numpy(), "word": [sorted(s) for s in said]})
    found = found.explode("word").dropna().drop_duplicates()
    images = Counter(found["word"])
    least = max(2, captions["uid"].nunique() / 100)
    rank = {word: (count, -len(word), word) for word, count in images.items() if count >= least}
    texts = [
        min(own & rank.keys(), key=rank.__getitem__, default=text)
        for own, text in zip(said, captions["text"], strict=True)
    ]
    return captions[["uid"]].assign(text=texts)


def scenes(samples: pd.DataFrame) -> list[str]:
    """The scene names of a pool, sorted."""
    return sorted(samples["scene"].dropna().unique())
