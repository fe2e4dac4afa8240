"""Qwen2-VL on whole batches of images of one size, several times as fast as image by image.

The library's vision tower attends image by image, since images may differ in size; ours are made
square of one side, so that one batch does. The results are the same.
"""

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from transformers.models.qwen2_vl.modeling_qwen2_vl import (
    apply_rotary_pos_emb_vision,
    get_vision_position_ids,
)

MAX_SIDE = 448  # pixels; a published processor would take images of millions of pixels
PADDING = 1.4


def image_side(image_processor: Any) -> int:
    """The side of the square, in pixels, that images are made: the largest, at most `MAX_SIDE`."""
    factor = image_processor.patch_size * image_processor.merge_size
    side = min(MAX_SIDE, math.isqrt(image_processor.size["longest_edge"]))
    return int(max(1, side // factor) * factor)


def image_tokens(image_processor: Any, side: int) -> int:
    """How many tokens a square image of `side` pixels is in the decoder."""
    return int((side // image_processor.patch_size // image_processor.merge_size) ** 2)


def vision_features(tower: Any, image_processor: Any, images: np.ndarray) -> torch.Tensor:
    """Features [B, T, D] of images uint8 [B, S, S, 3], equal to those of the tower itself."""
    pixels = patches(image_processor, images).to(tower.patch_embed.proj.weight.device)
    batch, count = pixels.shape[:2]
    weight = tower.patch_embed.proj.weight.sum(dim=2)  # all frames show the same picture
    hidden = F.linear(pixels.flatten(2).to(weight.dtype), weight.flatten(1))
    merge = tower.spatial_merge_size
    places = get_vision_position_ids(_grid(math.isqrt(count)), merge, kwargs={})
    cosine, sine = tower.rotary_pos_emb(hidden, places.to(hidden.device))
    for block in tower.blocks:
        mixed = block.attn.qkv(block.norm1(hidden))
        query, key, value = mixed.reshape(batch, count, 3, block.attn.num_heads, -1).unbind(2)
        query, key = apply_rotary_pos_emb_vision(query, key, cosine, sine)
        seen = F.scaled_dot_product_attention(
            query.transpose(1, 2), key.transpose(1, 2), value.transpose(1, 2)
        )
        hidden = hidden + block.attn.proj(seen.transpose(1, 2).reshape(batch, count, -1))
        hidden = hidden + block.mlp(block.norm2(hidden))
    return tower.merger(hidden).reshape(batch, count // merge**2, -1)


def positions(inner: Any, ids: torch.Tensor) -> torch.Tensor:
    """Positions [3, N, L] in time, height and width: counted through text, a grid in an image.

    `ids` [N, L] are those of a Qwen2VLModel `inner`. All rows with an image must have it, of the
    same size, at the same place; the others have none.
    """
    found = torch.arange(ids.shape[1], device=ids.device).expand(3, len(ids), -1).clone()
    images = ids == inner.config.image_token_id
    seen = images.any(dim=1)
    if seen.any():
        first = seen.int().argmax()
        row, kinds = ids[first : first + 1], images[first : first + 1].int()
        merge = inner.config.vision_config.spatial_merge_size
        grid = _grid(math.isqrt(int(kinds.sum())) * merge)
        found[:, seen], _ = inner.get_rope_index(row, mm_token_type_ids=kinds, image_grid_thw=grid)
    return found


def patches(image_processor: Any, images: np.ndarray) -> torch.Tensor:
    """Normalised patches [B, N, 3, P, P], in Qwen2-VL's order: those of one token together."""
    mean = torch.tensor(image_processor.image_mean)[:, None, None]
    std = torch.tensor(image_processor.image_std)[:, None, None]
    pixels = torch.from_numpy(np.ascontiguousarray(images)).permute(0, 3, 1, 2)
    pixels = (pixels.float() / 255 - mean) / std
    size, merge = image_processor.patch_size, image_processor.merge_size
    side = images.shape[1] // size // merge
    parts = pixels.reshape(len(images), 3, side, merge, size, side, merge, size)
    return parts.permute(0, 2, 5, 3, 6, 1, 4, 7).reshape(len(images), -1, 3, size, size)


def length_groups(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Positions in groups whose longest is at most `PADDING` times as long as their shortest.

    What is run group by group is not padded to the longest of all.
    """
    part: list[int] = []
    for i in np.argsort(lengths, kind="stable").tolist():
        if part and lengths[i] > PADDING * lengths[part[0]]:
            yield part
            part = []
        part.append(i)
    yield part


def _grid(side: int) -> torch.Tensor:
    return torch.tensor([[1, side, side]])
