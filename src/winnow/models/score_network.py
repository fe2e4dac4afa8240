"""ScoreRS's score model: a Qwen2-VL whose language head gives way to one value (NeurIPS 2025).

The value of a text is read at the last token of a conversation in which the user shows an image,
or none, and asks, and the assistant answers with the text. Any real number; higher is better. (The
authors' code puts softplus on it in one place and not in another; here there is none, which changes
no order.)
"""

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from PIL import Image
from torch import nn
from torch.nn import functional

from winnow.models.qwen2_vl import (
    image_side,
    image_tokens,
    length_groups,
    positions,
    vision_features,
)
from winnow.models.shared_prefix import Packs, lay_out, packed_length, share


class Asked(NamedTuple):
    """A text to value: the answer to `prompt` about row `image` of some images, or about none."""

    prompt: str
    text: str
    image: int | None = None


class ScoreModel(nn.Module):
    """Backbone (a transformers Qwen2VLModel), head [1, D], and how they are asked.

    `prompt` is what captions are asked with. Images are squares of `side` pixels.
    """

    def __init__(self, backbone: Any, head: nn.Linear, processor: Any, prompt: str):
        super().__init__()
        self.backbone, self.head = backbone, head
        self.processor, self.prompt = processor, prompt
        self.side = image_side(processor.image_processor)
        special = processor.tokenizer.added_tokens_decoder.values()
        markup = [re.escape(token.content) for token in special if token.special]
        self.markup = re.compile("|".join(markup) or "(?!)")
        self.sign: str = processor.tokenizer.convert_ids_to_tokens(backbone.config.image_token_id)

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.head.weight.device

    def prepare(self, image: Image.Image) -> np.ndarray:
        """The image as a square, uint8 [S, S, 3]."""
        return np.asarray(image.resize((self.side, self.side), Image.Resampling.BICUBIC))

    def tokenise(self, asked: Sequence[Asked]) -> list[list[int]]:
        """The tokens of each conversation, with a place for every feature of its image.

        A word that is one of the tokenizer's marks becomes a space: texts are no commands.
        """
        texts = [self._conversation(one) for one in asked]
        return list(self.processor.tokenizer(texts)["input_ids"]) if texts else []

    def _conversation(self, asked: Asked) -> str:
        content = [] if asked.image is None else [{"type": "image"}]
        content.append({"type": "text", "text": self.markup.sub(" ", asked.prompt)})
        answer = [{"type": "text", "text": self.markup.sub(" ", asked.text)}]
        text = self.processor.apply_chat_template(
            [{"role": "user", "content": content}, {"role": "assistant", "content": answer}]
        )
        count = image_tokens(self.processor.image_processor, self.side)
        return str(text).replace(self.sign, self.sign * count, 1)

    def features(self, pixels: np.ndarray) -> torch.Tensor:
        """Features [B, T, D] of images uint8 [B, S, S, 3]."""
        if not len(pixels):
            return self.head.weight.new_empty(0, 1, self.head.in_features)
        return vision_features(self.backbone.visual, self.processor.image_processor, pixels)

    def forward(
        self, ids: torch.Tensor, lengths: torch.Tensor, image: torch.Tensor, features: torch.Tensor
    ) -> torch.Tensor:
        """Values [N] of conversations, in float32.

        Conversations `ids` [N, L] are padded on the right from `lengths` [N] on; `image` [N] are
        rows of `features` [B, T, D], or -1. What begins alike is run once, like lengths together.
        """
        return self.value(self.summaries(ids, lengths, image, features))

    def value(self, summaries: torch.Tensor) -> torch.Tensor:
        """Values [N] of summaries [N, D]: exact whatever the precision around, against ties."""
        with torch.autocast(summaries.device.type, enabled=False):
            return functional.linear(summaries.float(), self.head.weight.float()).squeeze(1)

    def summaries(
        self, ids: torch.Tensor, lengths: torch.Tensor, image: torch.Tensor, features: torch.Tensor
    ) -> torch.Tensor:
        """What the decoder makes of each conversation at its last token [N, D]; as `forward`."""
        counted = zip(ids.tolist(), lengths.tolist(), strict=True)
        tokens = [row[:count] for row, count in counted]
        packs = share(tokens, image.tolist())
        places = positions(self.backbone, ids)
        found, order = [], []
        for part in length_groups([packed_length(tokens, pack) for pack in packs]):
            chosen = [packs[i] for i in part]
            order += [row for pack in chosen for row in pack]
            shown = image[[pack[0] for pack in chosen]]
            laid = lay_out(tokens, chosen)
            found.append(self._last(ids, places, laid, features[shown[shown >= 0]]))
        return torch.cat(found)[torch.tensor(order).argsort().to(ids.device)]

    def _last(
        self, ids: torch.Tensor, indices: torch.Tensor, packs: Packs, shown: torch.Tensor
    ) -> torch.Tensor:
        """Padding is on the right, where a causal decoder never looks back from."""
        row, column = packs.row.to(ids.device), packs.column.to(ids.device)
        mask = None if packs.mask is None else packs.mask.to(ids.device)
        own = ids[row, column]
        embeddings = self.backbone.get_input_embeddings()(own)
        images = (own == self.backbone.config.image_token_id)[:, :, None]
        hidden = self.backbone.language_model(
            inputs_embeds=embeddings.masked_scatter(images, shown.to(embeddings.dtype)),
            position_ids=indices[:, row, column],
            attention_mask=mask,
            use_cache=False,
        ).last_hidden_state
        return hidden.flatten(0, 1)[packs.last.to(ids.device)]


def pad(conversations: Sequence[Sequence[int]]) -> tuple[torch.Tensor, torch.Tensor]:
    """Tokens [N, L], padded on the right, and lengths [N]."""
    lengths = torch.tensor([len(tokens) for tokens in conversations])
    ids = torch.zeros(len(conversations), int(lengths.max()), dtype=torch.long)
    for row, tokens in enumerate(conversations):
        ids[row, : len(tokens)] = torch.tensor(tokens)
    return ids, lengths


def local_images(image: np.ndarray) -> tuple[np.ndarray, torch.Tensor]:
    """The images that `image` [N] names, -1 for none, and for each of the N its place there."""
    shown = np.unique(image[image >= 0])
    return shown, torch.from_numpy(np.where(image >= 0, np.searchsorted(shown, image), -1))
