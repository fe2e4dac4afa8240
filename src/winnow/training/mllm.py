"""The foundry's multimodal model: a small Qwen2-VL that learns to see, then to speak.

Large models come with a vision tower that was trained on much else; ours first learns to tell what
a layout holds (`train_vision`, where layouts are known), then the whole model answers questions
(`train_language`).
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F  # noqa: N812
from PIL import Image

from winnow.data.temporary_folders import scratch_folder
from winnow.models.mllm import END, IMAGE, PATCH, SIDE, SPECIAL, build, train_processor
from winnow.models.precision import is_bfloat16
from winnow.models.qwen2_vl import length_groups, positions, vision_features
from winnow.models.settings import MllmRole
from winnow.terrarium.phrases import labels
from winnow.terrarium.schema import Layout
from winnow.training.images import decode
from winnow.training.instruction_data import QuestionAnswer
from winnow.training.settings import MllmTraining
from winnow.training.training_loop import attention, run_training_loop

TOKENS = (SIDE // PATCH // 2) ** 2  # of one image in the decoder
VOCABULARY = 1500
SIZES: dict[MllmRole, dict[str, int]] = {
    "mllm": {"width": 192, "layers": 3, "depth": 4},
    "mllm_small": {"width": 128, "layers": 2, "depth": 3},
}
SEED: dict[MllmRole, int] = {"mllm": 4, "mllm_small": 5}
RARE = 20  # a label of fewer images teaches nothing
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


def tokenise(processor: Any, exchanges: Sequence[QuestionAnswer]) -> list[Conversation]:
    """Questions and their answers in the chat format that `generate` will meet."""
    asked = [_question(processor, exchange) for exchange in exchanges]
    told = [exchange.answer for exchange in exchanges]
    tokens = [processor.tokenizer(texts)["input_ids"] for texts in (asked, told)]
    return [
        Conversation(np.array(prompt), np.array([*answer, END]))
        for prompt, answer in zip(*tokens, strict=True)
    ]


def _question(processor: Any, exchange: QuestionAnswer) -> str:
    content = [{"type": "image"}] * exchange.about_image
    content.append({"type": "text", "text": exchange.question})
    text = processor.apply_chat_template(
        [{"role": "user", "content": content}], add_generation_prompt=True
    )
    return str(text).replace(SPECIAL[IMAGE], SPECIAL[IMAGE] * TOKENS, 1)


def train_vision(
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
    half = is_bfloat16(settings.precision, CPU)

    def loss(rows: np.ndarray) -> torch.Tensor:
        turns, step = rng.integers(0, 4), rng.choice((-1, 1))
        images = np.rot90(pixels[rows], int(turns), axes=(1, 2))[:, :, ::step]
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            logits = probe(vision_features(tower, processor.image_processor, images).flatten(1))
        losses = F.binary_cross_entropy_with_logits(logits.float(), targets[rows], reduction="none")
        return losses.sum(dim=1).mean()

    batch = min(settings.batch_size, len(pixels))
    steps = max(1, settings.images_seen // settings.batch_size)
    kernel = attention(CPU, half)
    return run_training_loop(
        [tower, probe], loss, len(pixels), batch, steps, settings, seed, kernel
    )


def train_language(
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
    half = is_bfloat16(settings.precision, CPU)

    def loss(rows: np.ndarray) -> torch.Tensor:
        drawn = [rng.choice(len(conversations[row]), each) for row in rows]
        chosen = [conversations[row][i] for row, own in zip(rows, drawn, strict=True) for i in own]
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            features = vision_features(model.model.visual, processor.image_processor, pixels[rows])
            return answer_loss(model, features.repeat_interleave(each, dim=0), chosen)

    batch = min(settings.batch_size, len(pixels))
    steps = max(1, settings.answers_seen // (settings.batch_size * each))
    kernel = attention(CPU, half)
    losses = run_training_loop([model], loss, len(pixels), batch, steps, settings, seed, kernel)
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
        for part in length_groups([len(c.prompt) + len(c.answer) for c in conversations])
    ]
    return torch.cat(losses).mean()


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
        position_ids=positions(inner, ids),
        use_cache=False,
    ).last_hidden_state
    logits = model.lm_head(hidden[:, :-1][told[:, 1:]])
    return F.cross_entropy(logits.float(), ids[:, 1:][told[:, 1:]], reduction="none")


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
    role: MllmRole,
    pool: Path,
    samples: pd.DataFrame,
    exchanges: Sequence[Sequence[QuestionAnswer]],
    layouts: pd.DataFrame,
    settings: MllmTraining,
) -> tuple[Any, Any, dict[str, float]]:
    """Train the stand-in of `role` on the images of `samples`; `said[i]` is said about image i.

    Returns model, processor and the last loss of each stage; without layouts there is no
    `train_vision`.
    """
    words = [t for exchanges in exchanges for e in exchanges for t in (e.question, e.answer)]
    processor = train_processor(words, VOCABULARY)
    seed = SEED[role]
    model = build(len(processor.tokenizer), seed, **SIZES[role])
    with scratch_folder() as scratch:
        pixels, _ = decode(prepare, SIDE, pool, samples, scratch / "pixels.npy")
        known = dict(zip(layouts["uid"], layouts["layout"], strict=True))
        losses = {}
        if all(uid in known for uid in samples["uid"]):
            names = [labels(Layout.from_dict(json.loads(known[uid]))) for uid in samples["uid"]]
            losses["see"] = train_vision(model, processor, pixels, names, settings, seed)[-1]
        talk = [tokenise(processor, exchanges) for exchanges in exchanges]
        losses["speak"] = train_language(model, processor, pixels, talk, settings, seed)[-1]
    return model, processor, losses


def prepare(image: Image.Image) -> np.ndarray:
    """The stand-in's size, uint8 [S, S, 3]; the processor keeps proportions, training does not."""
    return np.asarray(image.resize((SIDE, SIDE), Image.Resampling.BICUBIC))
