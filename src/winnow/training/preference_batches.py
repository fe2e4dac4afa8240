"""Batches of preferences: an item is a chosen text with all that were rejected for it."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch

from winnow.models.precision import is_bfloat16
from winnow.models.qwen2_vl import image_tokens
from winnow.models.score_network import Asked, ScoreModel, local_images, pad
from winnow.training.settings import ScoreStage
from winnow.training.training_loop import attention

KEPT = 2**30  # bytes of image features that are kept in memory where they do not change
CHUNK = 64  # conversations or images in one pass without gradients


@dataclass(frozen=True)
class PreferenceItem:
    """Rows of the texts that were asked alike: the chosen one, and those rejected for it."""

    chosen: int
    rejected: list[int]


def preference_items(
    preferences: pd.DataFrame, rows: dict[str, int]
) -> tuple[list[Asked], list[PreferenceItem]]:
    """The distinct texts of PREFERENCES, and the items; `rows` is each uid's image."""
    place: dict[Asked, int] = {}
    found: dict[int, dict[int, None]] = {}
    columns = ("uid", "prompt", "chosen", "rejected")
    for uid, prompt, *texts in zip(*(preferences[name] for name in columns), strict=True):
        image = None if pd.isna(uid) else rows[uid]
        asked = (Asked(prompt, text, image) for text in texts)
        chosen, rejected = (place.setdefault(one, len(place)) for one in asked)
        found.setdefault(chosen, {})[rejected] = None
    return list(place), [
        PreferenceItem(chosen, list(rejected)) for chosen, rejected in found.items()
    ]


class PreferenceBatches:
    """Makes batches: what the trained module needs for the texts of some items, and their pairs."""

    def __init__(
        self,
        model: ScoreModel,
        asked: Sequence[Asked],
        groups: Sequence[PreferenceItem],
        pixels: np.ndarray,
        settings: ScoreStage,
    ):
        self.model, self.groups, self.pixels = model, groups, pixels
        self.tokens = model.tokenise(asked)
        self.image = np.array([-1 if one.image is None else one.image for one in asked], dtype=int)
        parts = {"vision": model.backbone.visual, "language": model.backbone.language_model,
                 "head": model.head}  # fmt: skip
        for part, module in parts.items():
            module.requires_grad_(part in settings.train)
        self.half = is_bfloat16(settings.precision, model.device)
        self.module = model.head if settings.train == ["head"] else model
        self.features = self.summaries = None
        if "vision" not in settings.train and self._features_bytes() <= KEPT:
            self.features = self._made(lambda rows: model.features(pixels[rows]), len(pixels))
        if self.module is model.head:
            self.summaries = self._made(self._summaries, len(asked))

    def _features_bytes(self) -> int:
        tokens = image_tokens(self.model.processor.image_processor, self.model.side)
        return len(self.pixels) * tokens * self.model.head.in_features * 4

    def _made(self, make: Callable[[np.ndarray], torch.Tensor], count: int) -> torch.Tensor:
        with torch.no_grad(), self.context():
            parts = np.array_split(np.arange(count), max(1, -(-count // CHUNK)))
            return torch.cat([make(part).float() for part in parts])

    def context(self) -> AbstractContextManager[Any]:
        """The precision and the attention kernel of every forward pass."""
        kind, stack = self.model.device.type, ExitStack()
        stack.enter_context(torch.autocast(kind, torch.bfloat16, enabled=self.half))
        stack.enter_context(attention(self.model.device, self.half))
        return stack

    def _summaries(self, rows: np.ndarray) -> torch.Tensor:
        inputs = {k: v.to(self.model.device) for k, v in self.conversations(rows).items()}
        return self.model.summaries(**self.with_features(inputs))

    def conversations(self, rows: np.ndarray) -> dict[str, torch.Tensor]:
        """Tokens of the texts `rows`, lengths, and which of the images `shown` each is about."""
        ids, lengths = pad([self.tokens[row] for row in rows])
        shown, image = local_images(self.image[rows])
        return {"ids": ids, "lengths": lengths, "image": image, "shown": torch.from_numpy(shown)}

    def with_features(self, inputs: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """The same with the features of the images that are shown, made once for all texts."""
        shown = inputs["shown"]
        kept = {name: value for name, value in inputs.items() if name != "shown"}
        if self.features is not None:
            return {**kept, "features": self.features[shown.to(self.features.device)]}
        return {**kept, "features": self.model.features(self.pixels[shown.cpu().numpy()])}

    def __call__(self, numbers: list[int]) -> dict[str, torch.Tensor]:
        """A batch of items: `chosen` and `rejected` [P] name the texts of each pair."""
        drawn = [self.groups[number] for number in numbers]
        rows, places = np.unique(
            [row for item in drawn for row in (item.chosen, *item.rejected)], return_inverse=True
        )
        local = iter(places.tolist())
        pairs = []
        for item in drawn:
            chosen = next(local)
            pairs += [(chosen, next(local)) for _ in item.rejected]
        chosen, rejected = torch.tensor(pairs).unbind(1)
        inputs = (
            self.conversations(rows)
            if self.summaries is None
            else {"input": self.summaries[torch.from_numpy(rows)]}
        )
        return {"chosen": chosen, "rejected": rejected, **inputs}
