"""CRS-Diff's adapter of image conditions, after Uni-ControlNet (Tang et al., TGRS 2024).

A copy of the UNet's way down whose first residual block at each level is normalised by features of
the conditions. Modules are named as in the published checkpoint, the residual blocks' parts as in
diffusers (`latent_diffusion.resnet_name`).
"""

from collections import OrderedDict
from typing import Any

import torch
from diffusers.models.embeddings import TimestepEmbedding, Timesteps
from diffusers.models.resnet import ResnetBlock2D
from diffusers.models.transformers.transformer_2d import Transformer2DModel
from torch import nn
from torch.nn import functional

from winnow.models.crs_config import Local

PRE_EXTRACTOR = (32, 64, 64, 128, 128)  # channels, the same whatever the model's size
PRE_STRIDES = (1, 2, 1, 2, 1)


class SelfAttention(nn.Module):
    """Attention between the places of a feature map, unscaled, added to it."""

    def __init__(self, channels: int):
        super().__init__()
        self.query_conv = nn.Conv2d(channels, channels // 8, 1)
        self.key_conv = nn.Conv2d(channels, channels // 8, 1)
        self.value_conv = nn.Conv2d(channels, channels, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Of the shape of `x`."""
        convolutions = (self.query_conv, self.key_conv, self.value_conv)
        query, key, value = (one(x).flatten(2).transpose(1, 2) for one in convolutions)
        attended = functional.scaled_dot_product_attention(query, key, value, scale=1.0)
        return x + attended.transpose(1, 2).reshape(x.shape)


class Modulation(nn.Module):
    """Group normalisation whose scale and shift are read from the conditions at each place."""

    def __init__(self, channels: int, condition: int, groups: int):
        super().__init__()
        self.param_free_norm = nn.GroupNorm(groups, channels, affine=False)
        self.conv_gamma = nn.Conv2d(condition, channels, 3, padding=1)
        self.conv_beta = nn.Conv2d(condition, channels, 3, padding=1)

    def forward(self, x: torch.Tensor, condition: torch.Tensor) -> torch.Tensor:
        """Of the shape of `x`."""
        scale, shift = self.conv_gamma(condition), self.conv_beta(condition)
        return self.param_free_norm(x) * (1 + scale) + shift


class AttentiveModulation(nn.Module):
    """Attention, then modulation."""

    def __init__(self, channels: int, condition: int, groups: int):
        super().__init__()
        self.fdn = Modulation(channels, condition, groups)
        self.attention = SelfAttention(channels)

    def forward(self, x: torch.Tensor, condition: torch.Tensor) -> torch.Tensor:
        """Of the shape of `x`."""
        return self.fdn(self.attention(x), condition)


class LocalResBlock(nn.Module):
    """A residual block whose normalisations follow the conditions."""

    def __init__(self, channels: int, out: int, time: int, condition: int, groups: int):
        super().__init__()
        self.norm_in = AttentiveModulation(channels, condition, groups)
        self.norm_out = AttentiveModulation(out, condition, groups)
        # the first of each list holds the place of a plain normalisation in the names
        self.in_layers = nn.Sequential(
            nn.Identity(), nn.SiLU(), nn.Conv2d(channels, out, 3, padding=1)
        )
        self.emb_layers = nn.Sequential(nn.SiLU(), nn.Linear(time, out))
        self.out_layers = nn.Sequential(
            nn.Identity(), nn.SiLU(), nn.Identity(), _zero(nn.Conv2d(out, out, 3, padding=1))
        )
        self.skip_connection = nn.Identity() if out == channels else nn.Conv2d(channels, out, 1)

    def forward(self, x: torch.Tensor, time: torch.Tensor, condition: torch.Tensor) -> torch.Tensor:
        """Features [N, out, h, w] of `x` [N, channels, h, w] and the time embedding."""
        hidden = self.in_layers(self.norm_in(x, condition))
        hidden = hidden + self.emb_layers(time)[:, :, None, None]
        return self.skip_connection(x) + self.out_layers(self.norm_out(hidden, condition))


class FeatureExtractor(nn.Module):
    """Features of the image conditions at the sides of the UNet's levels."""

    def __init__(self, maps: int, channels: list[int]):
        super().__init__()
        layers: list[nn.Module] = []
        for inside, out, stride in zip(
            (maps, *PRE_EXTRACTOR), PRE_EXTRACTOR, PRE_STRIDES, strict=False
        ):
            layers += [nn.Conv2d(inside, out, 3, padding=1, stride=stride), nn.SiLU()]
        self.pre_extractor = nn.Sequential(*layers)
        steps = zip((PRE_EXTRACTOR[-1], *channels), channels, strict=False)
        self.extractors = nn.ModuleList(
            nn.Sequential(nn.Conv2d(inside, out, 3, padding=1, stride=2), nn.SiLU())
            for inside, out in steps
        )
        self.zero_convs = nn.ModuleList(_zero(nn.Conv2d(c, c, 3, padding=1)) for c in channels)

    def forward(self, maps: torch.Tensor) -> list[torch.Tensor]:
        """One [N, C, S / 8, S / 8], and so on by halves, of `maps` [N, K, S, S]."""
        hidden, found = self.pre_extractor(maps), []
        for extract, out in zip(self.extractors, self.zero_convs, strict=True):
            hidden = extract(hidden)
            found.append(out(hidden))
        return found


class LocalAdapter(nn.Module):
    """A copy of the UNet's way down that reads the image conditions as well."""

    def __init__(self, config: Local):
        super().__init__()
        width, time = config.model_channels, config.model_channels * 4
        self.inject_layers = config.inject_layers
        self.time_proj = Timesteps(width, flip_sin_to_cos=True, downscale_freq_shift=0)
        self.time_embed = TimestepEmbedding(width, time)
        self.feature_extractor = FeatureExtractor(config.local_channels, config.inject_channels)
        blocks: list[list[nn.Module]] = [[nn.Conv2d(config.in_channels, width, 3, padding=1)]]
        widths = [width]
        channels = width
        for level, factor in enumerate(config.channel_mult):
            for _ in range(config.num_res_blocks):
                condition = config.inject_channels[level]
                local = len(blocks) in config.inject_layers
                block = _residual(config, channels, width * factor, condition if local else None)
                channels = width * factor
                attends = 2**level in config.attention_resolutions
                blocks.append([block, _transformer(config, channels)] if attends else [block])
                widths.append(channels)
            if level < len(config.channel_mult) - 1:
                shrink = nn.Conv2d(channels, channels, 3, stride=2, padding=1)
                blocks.append([nn.Sequential(OrderedDict(op=shrink))])
                widths.append(channels)
        middle = _residual(config, channels, channels), _residual(config, channels, channels)
        self.input_blocks = nn.ModuleList(nn.ModuleList(block) for block in blocks)
        self.middle_block = nn.ModuleList([middle[0], _transformer(config, channels), middle[1]])
        self.zero_convs = nn.ModuleList(nn.ModuleList([_zero(nn.Conv2d(c, c, 1))]) for c in widths)
        self.middle_block_out = nn.ModuleList([_zero(nn.Conv2d(channels, channels, 1))])

    def forward(
        self,
        latents: torch.Tensor,
        steps: torch.Tensor,
        context: torch.Tensor,
        features: list[torch.Tensor],
    ) -> list[torch.Tensor]:
        """What is added to the UNet's features: one per block on the way down, and the middle.

        `latents` [N, C, H, W], `steps` [N], `context` [N, L, D], `features` of the extractor.
        """
        time = self.time_embed(self.time_proj(steps).to(latents.dtype))
        hidden, found = latents, []
        ways: Any = zip(self.input_blocks, self.zero_convs, strict=True)
        for index, (block, out) in enumerate(ways):
            local = index in self.inject_layers
            feature = features[self.inject_layers.index(index)] if local else None
            hidden = _run(block, hidden, time, context, feature)
            found.append(out[0](hidden))
        hidden = _run(self.middle_block, hidden, time, context, None)
        return [*found, self.middle_block_out[0](hidden)]


def _run(
    block: Any,
    hidden: torch.Tensor,
    time: torch.Tensor,
    context: torch.Tensor,
    feature: torch.Tensor | None,
) -> torch.Tensor:
    for layer in block:
        if isinstance(layer, LocalResBlock):
            hidden = layer(hidden, time, feature)
        elif isinstance(layer, ResnetBlock2D):
            hidden = layer(hidden, time)
        elif isinstance(layer, Transformer2DModel):
            hidden = layer(hidden, encoder_hidden_states=context, return_dict=False)[0]
        else:
            hidden = layer(hidden)
    return hidden


def _residual(config: Local, inside: int, out: int, condition: int | None = None) -> nn.Module:
    time, groups = config.model_channels * 4, config.norm_num_groups
    if condition is not None:
        return LocalResBlock(inside, out, time, condition, groups)
    return ResnetBlock2D(
        in_channels=inside, out_channels=out, temb_channels=time, groups=groups, eps=1e-5
    )


def _transformer(config: Local, channels: int) -> nn.Module:
    return Transformer2DModel(
        num_attention_heads=config.num_heads,
        attention_head_dim=channels // config.num_heads,
        in_channels=channels,
        num_layers=config.transformer_depth,
        cross_attention_dim=config.context_dim,
        norm_num_groups=config.norm_num_groups,
    )


def _zero(layer: nn.Conv2d) -> nn.Conv2d:
    nn.init.zeros_(layer.weight)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer
