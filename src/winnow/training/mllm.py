"""The foundry's multimodal model: a small Qwen2-VL that learns to see, then to speak.

Large models come with a vision tower that was trained on much else; ours first learns to tell what
a layout holds (`see`, where layouts are known), then the whole model answers questions (`speak`).
"""

import json
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F  # noqa: N812
from PIL import Image
from transformers.models.qwen2_vl.modeling_qwen2_vl import (
    apply_rotary_pos_emb_vision,
    get_vision_position_ids,
)

from winnow.models.mllm import END, IMAGE, PATCH, SIDE, SPECIAL, build, train_processor
from winnow.params.sections import MllmTraining
from winnow.terrarium.facts import labels
from winnow.terrarium.schema import Layout
from winnow.training.conversations import Exchange
from winnow.training.descent import bfloat16, descend
from winnow.training.images import decode

TOKENS = (SIDE // PATCH // 2) ** 2  # of one image in the decoder
VOCABULARY = 1500
SEED = 4
RARE = 20  # a label of fewer images teaches nothing
PADDING = 1.4
CPU = torch.device("cpu")  # the foundry's models are small


@dataclass(frozen=True)
class Conversation:
    """A question with its answer, in tokens; `prompt` holds the place of an image, if about one."""

    prompt: np.ndarray
    answer: np.ndarray

    @property
    def about_image(self) -> bool:
        """Whether the question is about an image, and not about text alone."""
        return IMAGE in self.prompt


def tokenise(processor: Any, exchanges: Sequence[Exchange]) -> list[Conversation]:
    """Questions and their answers in the chat format that `generate` will meet."""
    asked = [_question(processor, exchange) for exchange in exchanges]
    told = [exchange.answer for exchange in exchanges]
    tokens = [processor.tokenizer(texts)["input_ids"] for texts in (asked, told)]
    return [
        Conversation(np.array(prompt), np.array([*answer, END]))
        for prompt, answer in zip(*tokens, strict=True)
    ]


def _question(processor: Any, exchange: Exchange) -> str:
    content = [{"type": "image"}] * exchange.about_image
    content.append({"type": "text", "text": exchange.question})
    text = processor.apply_chat_template(
        [{"role": "user", "content": content}], add_generation_prompt=True
    )
    return str(text).replace(SPECIAL[IMAGE], SPECIAL[IMAGE] * TOKENS, 1)


def see(
    model: Any,
    processor: Any,
    pixels: np.ndarray,
    labels: Sequence[set[str]],
    settings: MllmTraining,
    seed: int,
) -> list[float]:
    """Train the vision tower in place to name the labels of `pixels` uint8 [N, S, S, 3].

    Binary cross-entropy of a linear probe, which is thrown away; images are turned and mirrored.
    """
    targets = _multi_hot(labels)
    tower = model.model.visual.train()
    torch.manual_seed(seed)
    probe = torch.nn.Linear(TOKENS * model.config.text_config.hidden_size, targets.shape[1])
    rng = np.random.default_rng(seed)
    half = bfloat16(settings, CPU)

    def loss(rows: np.ndarray) -> torch.Tensor:
        turns, step = rng.integers(0, 4), rng.choice((-1, 1))
        images = np.rot90(pixels[rows], int(turns), axes=(1, 2))[:, :, ::step]
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            logits = probe(vision_features(tower, processor, images).flatten(1))
        losses = F.binary_cross_entropy_with_logits(logits.float(), targets[rows], reduction="none")
        return losses.sum(dim=1).mean()

    batch = min(settings.batch_size, len(pixels))
    steps = max(1, settings.images_seen // settings.batch_size)
    return descend([tower, probe], loss, len(pixels), batch, steps, settings, seed)


def speak(
    model: Any,
    processor: Any,
    pixels: np.ndarray,
    conversations: Sequence[Sequence[Conversation]],
    settings: MllmTraining,
    seed: int,
) -> list[float]:
    """Train the whole model in place on `conversations[i]` about image i of `pixels`.

    Each step draws several conversations about each image of a batch, whose features are then made
    once. Cross-entropy of the answers' tokens alone.
    """
    model.train()
    each = settings.answers_per_image
    rng = np.random.default_rng(seed)
    half = bfloat16(settings, CPU)

    def loss(rows: np.ndarray) -> torch.Tensor:
        drawn = [rng.choice(len(conversations[row]), each) for row in rows]
        chosen = [conversations[row][i] for row, own in zip(rows, drawn, strict=True) for i in own]
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            features = vision_features(model.model.visual, processor, pixels[rows])
            return answer_loss(model, features.repeat_interleave(each, dim=0), chosen)

    batch = min(settings.batch_size, len(pixels))
    steps = max(1, settings.answers_seen // (settings.batch_size * each))
    losses = descend([model], loss, len(pixels), batch, steps, settings, seed)
    model.eval()
    return losses


def answer_loss(
    model: Any, features: torch.Tensor, conversations: Sequence[Conversation]
) -> torch.Tensor:
    """Mean cross-entropy of the answers' tokens, given each conversation's image [N, TOKENS, D].

    Conversations of like length go together, so that a long one does not pad all the others.
    """
    losses = [
        _token_losses(model, features[part], [conversations[i] for i in part])
        for part in _alike([len(c.prompt) + len(c.answer) for c in conversations])
    ]
    return torch.cat(losses).mean()


def _alike(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Positions in groups whose longest is at most `PADDING` times as long as their shortest."""
    part: list[int] = []
    for i in np.argsort(lengths, kind="stable").tolist():
        if part and lengths[i] > PADDING * lengths[part[0]]:
            yield part
            part = []
        part.append(i)
    yield part


def _token_losses(
    model: Any, features: torch.Tensor, conversations: Sequence[Conversation]
) -> torch.Tensor:
    """Cross-entropy of each token of the answers. Sequences are padded on the right, where a causal
    decoder never looks back from an answer."""
    whole = [np.concatenate([c.prompt, c.answer]) for c in conversations]
    length = max(map(len, whole))
    ids = torch.zeros(len(whole), length, dtype=torch.long)
    told = torch.zeros(len(whole), length, dtype=torch.bool)
    for row, (tokens, c) in enumerate(zip(whole, conversations, strict=True)):
        ids[row, : len(tokens)] = torch.from_numpy(tokens)
        told[row, len(c.prompt) : len(tokens)] = True
    inner = model.model
    embeddings = inner.get_input_embeddings()(ids)
    shown = features[[c.about_image for c in conversations]].to(embeddings.dtype)
    hidden = inner.language_model(
        inputs_embeds=embeddings.masked_scatter((ids == IMAGE)[:, :, None], shown),
        position_ids=_positions(inner, ids),
        use_cache=False,
    ).last_hidden_state
    logits = model.lm_head(hidden[:, :-1][told[:, 1:]])
    return F.cross_entropy(logits.float(), ids[:, 1:][told[:, 1:]], reduction="none")


def vision_features(tower: Any, processor: Any, images: np.ndarray) -> torch.Tensor:
    """Features [B, TOKENS, D] of images uint8 [B, S, S, 3], equal to those of the tower itself.

    The tower attends image by image, since they may differ in size; ours do not, so that one batch
    does, several times as fast.
    """
    patches = _patches(processor.image_processor, images)
    batch, count = patches.shape[:2]
    weight = tower.patch_embed.proj.weight.sum(dim=2)  # both frames show the same picture
    hidden = F.linear(patches.flatten(2), weight.flatten(1))
    places = get_vision_position_ids(_grid(), 2, kwargs={})
    cosine, sine = tower.rotary_pos_emb(hidden, places)
    for block in tower.blocks:
        mixed = block.attn.qkv(block.norm1(hidden))
        query, key, value = mixed.reshape(batch, count, 3, block.attn.num_heads, -1).unbind(2)
        query, key = apply_rotary_pos_emb_vision(query, key, cosine, sine)
        seen = F.scaled_dot_product_attention(
            query.transpose(1, 2), key.transpose(1, 2), value.transpose(1, 2)
        )
        hidden = hidden + block.attn.proj(seen.transpose(1, 2).reshape(batch, count, -1))
        hidden = hidden + block.mlp(block.norm2(hidden))
    return tower.merger(hidden).reshape(batch, TOKENS, -1)


def _positions(inner: Any, ids: torch.Tensor) -> torch.Tensor:
    """Positions [3, N, L] in time, height and width: counted through text, a grid in an image."""
    positions = torch.arange(ids.shape[1]).expand(3, len(ids), -1).clone()
    seen = (ids == IMAGE).any(dim=1)
    if seen.any():  # the image is at one place in all of them: one row's positions are everyone's
        row = ids[seen][:1]
        kinds = (row == IMAGE).int()
        found, _ = inner.get_rope_index(row, mm_token_type_ids=kinds, image_grid_thw=_grid())
        positions[:, seen] = found
    return positions


def _patches(processor: Any, images: np.ndarray) -> torch.Tensor:
    """Normalised patches [B, N, 3, P, P], in Qwen2-VL's order: those of one token together."""
    mean = torch.tensor(processor.image_mean)[:, None, None]
    std = torch.tensor(processor.image_std)[:, None, None]
    pixels = torch.from_numpy(np.ascontiguousarray(images)).permute(0, 3, 1, 2)
    pixels = (pixels.float() / 255 - mean) / std
    side = SIDE // PATCH // 2
    parts = pixels.reshape(len(images), 3, side, 2, PATCH, side, 2, PATCH)
    return parts.permute(0, 2, 5, 3, 6, 1, 4, 7).reshape(len(images), -1, 3, PATCH, PATCH)


def _grid() -> torch.Tensor:
    return torch.tensor([[1, SIDE // PATCH, SIDE // PATCH]])


def _multi_hot(labels: Sequence[set[str]]) -> torch.Tensor:
    """Float [N, L] of the labels that occur often enough, in alphabetical order."""
    names = sorted({name for found in labels for name in found})
    position = {name: i for i, name in enumerate(names)}
    targets = torch.zeros(len(labels), len(names))
    for row, found in enumerate(labels):
        targets[row, [position[name] for name in found]] = 1
    often = targets.sum(dim=0) >= min(RARE, len(labels) / 4)
    return targets[:, often]


def train_mllm(
    pool: Path,
    samples: pd.DataFrame,
    said: Sequence[Sequence[Exchange]],
    layouts: pd.DataFrame,
    settings: MllmTraining,
    seed: int,
) -> tuple[Any, Any, dict[str, float]]:
    """Train the stand-in on the images of `samples`, `said[i]` being what is said about image i.

    Returns model, processor and the last loss of each stage; without layouts there is no `see`.
    """
    words = [t for exchanges in said for e in exchanges for t in (e.question, e.answer)]
    processor = train_processor(words, VOCABULARY)
    model = build(len(processor.tokenizer), seed)
    with tempfile.TemporaryDirectory(prefix="winnow-") as scratch:
        pixels, _ = decode(prepare, SIDE, pool, samples, Path(scratch) / "pixels.npy")
        known = dict(zip(layouts["uid"], layouts["layout"], strict=True))
        losses = {}
        if all(uid in known for uid in samples["uid"]):
            names = [labels(Layout.from_dict(json.loads(known[uid]))) for uid in samples["uid"]]
            losses["see"] = see(model, processor, pixels, names, settings, seed)[-1]
        talk = [tokenise(processor, exchanges) for exchanges in said]
        losses["speak"] = speak(model, processor, pixels, talk, settings, seed)[-1]
    return model, processor, losses


def prepare(image: Image.Image) -> np.ndarray:
    """The stand-in's size, uint8 [S, S, 3]; the processor keeps proportions, training does not."""
    return np.asarray(image.resize((SIDE, SIDE), Image.Resampling.BICUBIC))
