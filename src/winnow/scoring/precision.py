"""The context in which a CLIP runs in float32 or in bfloat16."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from open_clip.transformer import ResidualAttentionBlock, Transformer

from winnow.models.clip import Clip

Autocast = Callable[[], AbstractContextManager[Any]]


def autocast(precision: str, clip: Clip) -> Autocast:
    """The context in which a model runs in `precision`; its transformers are laid out for it."""
    half = precision == "bfloat16"
    _lay_out(clip.model, batch_first=not (half and clip.device.type == "cpu"))
    if half:
        return lambda: torch.autocast(clip.device.type, dtype=torch.bfloat16)
    return nullcontext


def _lay_out(model: Any, batch_first: bool) -> None:
    """Let open_clip's transformers work on [batch, sequence, width], or on [sequence, batch, ...].

    In autocast on a CPU the first makes each attention layer copy its weights once for every
    position (torch 2.15), which takes three times as long as all the rest; the second does not.
    In float32 the first is the faster one. The features are the same.
    """
    for module in model.modules():
        if type(module) is Transformer:
            blocks = [b for b in module.resblocks if type(b) is ResidualAttentionBlock]
            if len(blocks) == len(module.resblocks):
                module.batch_first = batch_first
                for block in blocks:
                    block.attn.batch_first = batch_first
