"""CRS-Diff's adapters: what makes a Stable Diffusion of version 1 follow conditions.

Tang et al., TGRS 2024. Three networks, named as in the published checkpoint: `local_adapter` reads
image conditions and adds to the features that the UNet hands across; `global_content_adapter` makes
further context tokens of an image's embedding; `metadata_emb` adds seven values to the time
embedding. (A fourth, `global_text_adapter`, has neither weights nor an effect.)
"""

import math
import re
from typing import Any

import numpy as np
import torch
from diffusers.models.attention import FeedForward
from torch import nn

from winnow.models.crs_config import Configuration
from winnow.models.crs_local import LocalAdapter
from winnow.models.diffusionsat_unet import METADATA
from winnow.models.ldm_weight_names import RESNET, resnet_name

# Its order of the metadata, and of each what stands for 0 and for 1.
ORDER = ("year", "month", "day", "ground_sample_distance", "cloud", "latitude", "longitude")
LOW = np.array([1980, 0, 0, 0, 0, -90, -180], dtype=np.float64)
HIGH = np.array([2024, 12, 31, 5, 1, 90, 180], dtype=np.float64)
PERIOD = 10000
BLOCK = re.compile(r"local_adapter\.(input_blocks\.\d+\.0|middle_block\.[02])\.")


class ContentAdapter(nn.Module):
    """Context tokens of an image's embedding (CLIP's, of the published model)."""

    def __init__(self, width: int, factors: tuple[int, int]):
        super().__init__()
        first, second = factors
        self.tokens = second
        self.ff1 = FeedForward(width, width * first, mult=first * 2, dropout=0.1)
        self.ff2 = FeedForward(width * first, width * second, mult=second * 2 // first, dropout=0.3)
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width * first)

    def forward(self, content: torch.Tensor) -> torch.Tensor:
        """Tokens [N, T, D] of embeddings [N, D]."""
        hidden = self.ff2(self.norm2(self.ff1(self.norm1(content))))
        return hidden.unflatten(1, (self.tokens, -1))


class MetadataEmbedding(nn.Module):
    """The sum [N, T] of linear maps of each value's sinusoids; sines and cosines take turns."""

    def __init__(self, count: int, width: int, scale: int):
        super().__init__()
        self.scale, self.width = scale, width
        self.mlp_models = nn.ModuleList(
            nn.ModuleDict({"fc1": nn.Linear(width, width * 4)}) for _ in range(count)
        )

    def forward(self, metadata: torch.Tensor) -> torch.Tensor:
        """Of metadata [N, M], normalised to 0..1."""
        parts: Any = self.mlp_models
        dtype = parts[0]["fc1"].weight.dtype
        exponents = torch.arange(0, self.width, 2, device=metadata.device) / self.width
        angles = (
            metadata.float()[:, :, None] * self.scale * torch.exp(-math.log(PERIOD) * exponents)
        )
        waves = torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(2).to(dtype)
        embedded = [part["fc1"](waves[:, i]) for i, part in enumerate(parts)]
        return torch.stack(embedded).sum(0)


class Adapters(nn.Module):
    """The three adapters of a configuration."""

    def __init__(self, config: Configuration):
        super().__init__()
        self.config = config
        content = config.global_content_control_config.params
        metadata = config.metadata_config.params
        self.local_adapter = LocalAdapter(config.local_control_config.params)
        self.global_content_adapter = ContentAdapter(content.in_dim, content.channel_mult)
        self.metadata_emb = MetadataEmbedding(
            metadata.metadata_dim, metadata.embedding_dim, metadata.max_value
        )

    @property
    def maps(self) -> int:
        """Channels of the image conditions."""
        return self.config.local_control_config.params.local_channels

    @property
    def content(self) -> int:
        """Width of an image's embedding."""
        return self.config.global_content_control_config.params.in_dim

    def forward(
        self,
        latents: torch.Tensor,
        steps: torch.Tensor,
        context: torch.Tensor,
        metadata: torch.Tensor | None,
        maps: torch.Tensor | None,
        content: torch.Tensor | None,
    ) -> dict[str, Any]:
        """What the UNet is called with beside latents and steps; conditions left out are zeros.

        `metadata` [N, 7], `maps` [N, K, S, S] in 0..1, `content` [N, D].
        """
        count, side = len(latents), latents.shape[-1] * 8
        blank = latents.new_zeros
        if content is None:
            content = blank(1, self.content)
        if maps is None:  # one row does for all
            maps = blank(1, self.maps, side, side)
        tokens = self.global_content_adapter(content).expand(count, -1, -1)
        context = torch.cat([context, tokens], dim=1)
        features = self.local_adapter.feature_extractor(maps)
        features = [feature.expand(count, -1, -1, -1) for feature in features]
        local = self.local_adapter(latents, steps, context, features)
        if metadata is None:
            metadata = blank(1, len(ORDER))
        return {
            "encoder_hidden_states": context,
            "class_labels": self.metadata_emb(metadata).expand(count, -1),
            "down_block_additional_residuals": local[:-1],
            "mid_block_additional_residual": local[-1],
        }


def normalise(values: np.ndarray) -> np.ndarray:
    """Metadata [N, 7] in the columns and units of METADATA, in CRS-Diff's order, as it takes it.

    NaN, unknown, becomes 0.
    """
    ordered = values[:, [METADATA.index(name) for name in ORDER]]
    return np.nan_to_num((ordered - LOW) / (HIGH - LOW), nan=0.0).astype(np.float32)


def adapter_name(name: str) -> str:
    """The published name of a parameter of `Adapters`."""
    name = name.replace(".time_embed.linear_1.", ".time_embed.0.")
    name = name.replace(".time_embed.linear_2.", ".time_embed.2.")
    block = BLOCK.match(name)
    rest = name[block.end() :] if block else ""
    return block[0] + resnet_name(rest) if block and rest.split(".")[0] in RESNET else name
