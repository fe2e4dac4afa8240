"""Fine-tuning of the multimodal stand-in on image-caption pairs: further starts of score models."""

from pathlib import Path
from typing import Any

import pandas as pd

from winnow.data.errors import WinnowError
from winnow.data.temporary_folders import scratch_folder
from winnow.training.images import decode
from winnow.training.instruction_data import QuestionAnswer
from winnow.training.mllm import SIDE, prepare, tokenise, train_language
from winnow.training.settings import MllmTraining, MllmTuning


def tune(
    model: Any,
    processor: Any,
    pool: Path,
    samples: pd.DataFrame,
    pairs: pd.DataFrame,
    prompt: str,
    settings: MllmTuning,
    seed: int,
) -> list[float]:
    """Train `model` in place to answer `prompt` with the captions of `pairs` (uid, text).

    Every part is trained, as in ScoreRS's Table 9 (there by LoRA). Returns the losses.
    """
    if pairs.empty:
        raise WinnowError("no pair to fine-tune on: the subset is empty")
    captions = pairs.groupby("uid")["text"].agg(list)
    needed = samples[samples["uid"].isin(set(captions.index))]
    said = [[QuestionAnswer(prompt, text) for text in captions[uid]] for uid in needed["uid"]]
    training = MllmTraining(
        **settings.model_dump(exclude={"samples_seen"}),
        images_seen=1,
        answers_seen=settings.samples_seen,
        answers_per_image=1,
    )
    with scratch_folder() as scratch:
        pixels, _ = decode(prepare, SIDE, pool, needed, scratch / "pixels.npy")
        talk = [tokenise(processor, exchanges) for exchanges in said]
        return train_language(model, processor, pixels, talk, training, seed)
