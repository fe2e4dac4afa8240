"""One stage of the score model's training: Bradley-Terry on preferences (ScoreRS, section 3.3).

The loss of a pair is -log sigmoid(s(chosen) - s(rejected)); both texts see the image.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch.nn import functional
from tqdm import tqdm
from transformers import (
    Trainer,
    TrainerCallback,
    TrainingArguments,
    get_cosine_with_min_lr_schedule_with_warmup,
)
from transformers.trainer_callback import PrinterCallback, ProgressCallback

from winnow.data.errors import WinnowError
from winnow.data.temporary_folders import scratch_folder
from winnow.models.score_network import ScoreModel
from winnow.training.images import decode
from winnow.training.preference_batches import PreferenceBatches, preference_items
from winnow.training.settings import Normalisation, ScoreStage
from winnow.training.training_loop import parameter_groups

NORMALISATIONS: dict[Normalisation, Callable[[torch.Tensor], torch.Tensor]] = {
    "none": lambda values: values,
    "softplus": functional.softplus,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
}


def stage(preferences: pd.DataFrame, settings: ScoreStage, seed: int, path: Path) -> pd.DataFrame:
    """The training rows of one stage, in their order. Raises WinnowError where there is none.

    Of a kind with a share, all pairs of an image (or of a prompt, for texts alone) are in or out.
    """
    training = preferences[preferences["split"] == "train"]
    chosen = training[training["kind"].isin(settings.pairs)]
    for kind, share in settings.share.items():
        keys = chosen["uid"].fillna(chosen["prompt"])[chosen["kind"] == kind]
        every = sorted(keys.unique())
        left_out = round((1 - share) * len(every))
        dropped = np.random.default_rng(seed).choice(every, left_out, replace=False)
        chosen = chosen.drop(keys.index[keys.isin(set(dropped))])
    if chosen.empty:
        raise WinnowError(
            f"{path}: no pair of kind {' or '.join(settings.pairs)} to train on (has "
            f"{', '.join(sorted(training['kind'].unique())) or 'none'}); drop the stage from the "
            "recipe, or have such pairs made under `preferences`"
        )
    return chosen


def caption_prompt(preferences: pd.DataFrame) -> str | None:
    """What most captions are asked with, none without captions."""
    training = preferences[preferences["split"] == "train"]
    prompts = training.loc[training["kind"] == "caption", "prompt"].mode()
    return None if prompts.empty else str(prompts.iloc[0])


def fit(
    model: ScoreModel,
    pool: Path,
    samples: pd.DataFrame,
    preferences: pd.DataFrame,
    settings: ScoreStage,
    normalisation: Normalisation,
    seed: int,
) -> list[float]:
    """Train `model` in place on `preferences`; returns the loss of each step.

    What is frozen is not made twice: with the whole backbone frozen the head is trained on what
    it made of each text once, with the vision tower alone on features made once. Given one seed,
    one machine and one number of threads, two runs give the same weights. Raises WinnowError where
    an image is not in the pool, or the loss is no longer finite.
    """
    needed = samples[samples["uid"].isin(set(preferences["uid"].dropna()))]
    with scratch_folder() as scratch:
        pixels = np.empty((0, model.side, model.side, 3), dtype=np.uint8)
        rows: dict[str, int] = {}
        if len(needed):
            file = scratch / "pixels.npy"
            pixels, rows = decode(model.prepare, model.side, pool, needed, file)
        lacking = set(preferences["uid"].dropna()) - set(rows)
        if lacking:
            raise WinnowError(f"{pool}: has no image {min(lacking)}, which the preferences name")
        asked, groups = preference_items(preferences, rows)
        feed = PreferenceBatches(model, asked, groups, pixels, settings)
        return _descend(feed, settings, normalisation, seed, scratch)


class PairTrainer(Trainer):
    """transformers' Trainer with the Bradley-Terry loss; `losses` has one of each step."""

    def __init__(self, feed: PreferenceBatches, normalisation: Normalisation, **arguments: Any):
        super().__init__(
            model=feed.module,
            train_dataset=range(len(feed.groups)),  # type: ignore[arg-type]
            data_collator=feed,
            **arguments,
        )
        self.feed, self.normalise = feed, NORMALISATIONS[normalisation]
        self.losses: list[float] = []

    def compute_loss(self, model: Any, inputs: Any, *_: Any, **__: Any) -> torch.Tensor:
        """Mean over the pairs of a batch."""
        chosen, rejected = inputs.pop("chosen"), inputs.pop("rejected")
        with self.feed.context():
            if self.feed.summaries is None:
                values = model(**self.feed.with_features(inputs))
            else:
                values = model(**inputs).squeeze(1)
        values = self.normalise(values.float())
        loss = -functional.logsigmoid(values[chosen] - values[rejected]).mean()
        self.losses.append(loss.item())
        if not np.isfinite(self.losses[-1]):
            step = len(self.losses) - 1
            raise WinnowError(f"training diverged at step {step}: lower learning_rate")
        return loss


class Progress(TrainerCallback):
    """Steps on the terminal or in the log, and nothing else."""

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Begin the bar."""
        self.bar = tqdm(total=state.max_steps, unit="step", mininterval=2, file=sys.stderr)

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """One step more."""
        self.bar.update()

    def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """End the bar."""
        self.bar.close()


def _descend(
    feed: PreferenceBatches,
    settings: ScoreStage,
    normalisation: Normalisation,
    seed: int,
    scratch: Path,
) -> list[float]:
    """AdamW (0.9, 0.95), linear warm-up, cosine decay to 1 %, gradients clipped at norm 1."""
    pairs = sum(len(item.rejected) for item in feed.groups)
    count = len(feed.groups)
    batch = min(count, max(1, round(settings.batch_size * count / pairs)))
    steps = max(1, round(settings.epochs * count / batch))
    optimiser = torch.optim.AdamW(
        parameter_groups(feed.module, settings.weight_decay),
        lr=settings.learning_rate,
        betas=(0.9, 0.95),
        fused=True,
    )
    schedule = get_cosine_with_min_lr_schedule_with_warmup(
        optimiser, round(settings.warmup * steps), steps, min_lr_rate=0.01
    )
    arguments = TrainingArguments(
        output_dir=str(scratch),
        per_device_train_batch_size=batch,
        max_steps=steps,
        max_grad_norm=1.0,
        dataloader_drop_last=True,
        dataloader_pin_memory=False,  # summaries are on the accelerator already
        remove_unused_columns=False,
        use_cpu=feed.model.device.type == "cpu",
        seed=seed,
        save_strategy="no",
        logging_strategy="no",
        report_to="none",
        disable_tqdm=True,
    )
    arguments._n_gpu = 1  # several would each get a part of the tokens, and of the images
    feed.model.train()
    trainer = PairTrainer(
        feed, normalisation, args=arguments, optimizers=(optimiser, schedule), callbacks=[Progress]
    )
    trainer.remove_callback(ProgressCallback)
    trainer.remove_callback(PrinterCallback)
    trainer.train()
    feed.model.requires_grad_(True).eval()
    return trainer.losses
