"""CRS-Diff in a folder: `crs.yaml`, its state dict `last.safetensors`, and `clip/`.

The published checkpoint, `last.ckpt`, is a Lightning checkpoint in the names of Latent Diffusion:
`model.diffusion_model.*`, `first_stage_model.*`, `cond_stage_model.transformer.text_model.*`, those
of the adapters, and buffers of the noise schedule, which `diffusion_hub` drops: the configuration
tells them. The text encoder's configuration and tokenizer, which it lacks, are in `clip/`.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import torch
import yaml

from winnow.data.errors import WinnowError
from winnow.data.files import write_text
from winnow.data.yaml_file import read_yaml
from winnow.models import weights
from winnow.models.crs_config import (
    ADAPTER,
    CLIP,
    CONFIG,
    Coder,
    Configuration,
    Content,
    FirstStage,
    Local,
    Metadata,
    Part,
    Unet,
    file_content,
)
from winnow.models.crs_network import Adapters, adapter_name
from winnow.models.folder import offline, why
from winnow.models.ldm_weight_names import autoencoder_name, is_projection, unet_name

WEIGHTS = "last.safetensors"
UNET, VAE = "model.diffusion_model.", "first_stage_model."
TEXT = "cond_stage_model.transformer.text_model."
# Latent Diffusion's name of what the UNet predicts -> diffusers'.
PREDICTS: dict[Literal["eps", "v"], str] = {"eps": "epsilon", "v": "v_prediction"}


def load_parts(folder: Path) -> dict[str, Any]:
    """Fields of a Generator, but for its kind and name. Raises WinnowError naming file and key."""
    config = read_yaml(folder / CONFIG, ADAPTER).model.params
    path = folder / WEIGHTS
    return assemble(config, *load_text(folder / CLIP), weights.read(path), path)


@offline()
def load_text(folder: Path) -> tuple[Any, Any]:
    """The text encoder that a folder's configuration describes, without weights; the tokenizer."""
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

    try:
        text = CLIPTextModel(CLIPTextConfig.from_pretrained(folder, local_files_only=True))
        return text, CLIPTokenizer.from_pretrained(folder, local_files_only=True)
    except Exception as error:  # of many kinds
        raise WinnowError(
            f"{folder}: no CLIP text encoder and tokenizer ({why(error)}); "
            "`winnow fetch-model --loader=crs_diff` writes them"
        ) from error


def assemble(
    config: Configuration,
    text_encoder: Any,
    tokenizer: Any,
    state: Mapping[str, torch.Tensor],
    path: Path,
) -> dict[str, Any]:
    """What `load_parts` gives, of a state dict in the published names, which was read at `path`."""
    try:
        unet, vae, adapters = build_unet(config), build_autoencoder(config), Adapters(config)
    except Exception as error:  # of many kinds
        raise WinnowError(f"{path.parent / CONFIG}: describes no CRS-Diff ({error})") from error
    found = {k: value.flatten(1) if is_projection(k) else value for k, value in state.items()}
    weights.fill(_state(config, unet, vae, text_encoder, adapters), found, path)
    return {
        "unet": unet,
        "vae": vae,
        "text_encoder": text_encoder,
        "tokenizer": tokenizer,
        "schedule": schedule(config),
        "conditions": adapters,
    }


def save_parts(
    unet: Any, vae: Any, text_encoder: Any, tokenizer: Any, adapters: Adapters,
    folder: Path, half: bool,
) -> None:  # fmt: skip
    """Write a folder in the layout that the module tells."""
    state = _state(adapters.config, unet, vae, text_encoder, adapters)
    published = {
        key: value[:, :, None, None] if is_projection(key) else value
        for key, value in state.items()
    }
    weights.write(published, folder / WEIGHTS, weights.storage(half))
    write_text(folder / CONFIG, yaml.safe_dump(file_content(adapters.config), sort_keys=False))
    text_encoder.config.save_pretrained(folder / CLIP)
    tokenizer.save_pretrained(folder / CLIP)


def schedule(config: Configuration) -> dict[str, Any]:
    """The noise schedule, for a scheduler of diffusers; Latent Diffusion's `linear` is scaled."""
    return {
        "num_train_timesteps": config.timesteps,
        "beta_start": config.linear_start,
        "beta_end": config.linear_end,
        "beta_schedule": "scaled_linear",
        "prediction_type": PREDICTS[config.parameterization],
        "clip_sample": False,
        "set_alpha_to_one": False,
        "steps_offset": 1,
    }


def build_unet(config: Configuration) -> Any:
    """The UNet; metadata come in as class labels that are added to the time embedding."""
    from diffusers import UNet2DConditionModel

    unet = config.unet_config.params
    attends = [2**level in unet.attention_resolutions for level in range(len(unet.channel_mult))]
    return UNet2DConditionModel(
        sample_size=config.image_size,
        in_channels=unet.in_channels,
        out_channels=unet.out_channels,
        down_block_types=["CrossAttnDownBlock2D" if a else "DownBlock2D" for a in attends],
        up_block_types=["CrossAttnUpBlock2D" if a else "UpBlock2D" for a in attends[::-1]],
        block_out_channels=[unet.model_channels * factor for factor in unet.channel_mult],
        layers_per_block=unet.num_res_blocks,
        attention_head_dim=unet.num_heads,  # the number of heads: diffusers misnames it
        transformer_layers_per_block=unet.transformer_depth,
        cross_attention_dim=unet.context_dim,
        norm_num_groups=unet.norm_num_groups,
        class_embed_type="identity",
    )


def build_autoencoder(config: Configuration) -> Any:
    """The autoencoder."""
    from diffusers import AutoencoderKL

    coder = config.first_stage_config.params.ddconfig
    levels = len(coder.ch_mult)
    return AutoencoderKL(
        down_block_types=["DownEncoderBlock2D"] * levels,
        up_block_types=["UpDecoderBlock2D"] * levels,
        block_out_channels=[coder.ch * factor for factor in coder.ch_mult],
        layers_per_block=coder.num_res_blocks,
        latent_channels=coder.z_channels,
        norm_num_groups=coder.norm_num_groups,
        sample_size=config.image_size * 2 ** (levels - 1),
        scaling_factor=config.scale_factor,
    )


def configure(
    unet: Any,
    vae: Any,
    schedule: dict[str, Any],
    maps: int,
    injected: Sequence[int],
    content: tuple[int, int],
) -> Configuration:
    """The configuration of CRS-Diff over a Stable Diffusion of version 1, of any size.

    `maps`: channels of the image conditions; `injected`: channels of their features, by level,
    which enter each level's first residual block; `content`: widths of the content's adapter, the
    second of which is its number of tokens.
    """
    own, coder = unet.config, vae.config
    width, levels = own.block_out_channels[0], len(own.block_out_channels)
    attends = ["CrossAttn" in kind for kind in own.down_block_types]
    ways = {
        "in_channels": own.in_channels,
        "model_channels": width,
        "num_res_blocks": own.layers_per_block,
        "attention_resolutions": [2**level for level in range(levels) if attends[level]],
        "channel_mult": [channels // width for channels in own.block_out_channels],
        "num_heads": own.attention_head_dim,
        "transformer_depth": own.transformer_layers_per_block,
        "context_dim": own.cross_attention_dim,
        "norm_num_groups": own.norm_num_groups,
    }
    local = Local(
        **ways,
        local_channels=maps,
        inject_channels=list(injected[:levels]),
        inject_layers=[1 + level * (own.layers_per_block + 1) for level in range(levels)],
    )
    channels = coder.block_out_channels
    ddconfig = Coder(
        z_channels=coder.latent_channels,
        ch=channels[0],
        ch_mult=[width // channels[0] for width in channels],
        num_res_blocks=coder.layers_per_block,
        norm_num_groups=coder.norm_num_groups,
    )
    parts = {
        "local_control_config": local,
        "global_content_control_config": Content(
            in_dim=own.cross_attention_dim, channel_mult=content
        ),
        "metadata_config": Metadata(embedding_dim=width),
        "unet_config": Unet(**ways, out_channels=own.out_channels),
        "first_stage_config": FirstStage(embed_dim=coder.latent_channels, ddconfig=ddconfig),
    }
    plain = Configuration()
    named: Any = {
        name: Part(target=getattr(plain, name).target, params=part) for name, part in parts.items()
    }
    return Configuration(
        linear_start=schedule["beta_start"],
        linear_end=schedule["beta_end"],
        timesteps=schedule["num_train_timesteps"],
        parameterization={name: short for short, name in PREDICTS.items()}[
            schedule["prediction_type"]
        ],
        image_size=own.sample_size,
        channels=own.in_channels,
        scale_factor=coder.scaling_factor,
        **named,
    )


def unet_state(config: Configuration, unet: Any) -> dict[str, torch.Tensor]:
    """The UNet's tensors by the names of Latent Diffusion, without prefix."""
    own = config.unet_config.params
    attends = [2**level in own.attention_resolutions for level in range(len(own.channel_mult))]
    return {
        unet_name(name, own.num_res_blocks, attends[::-1]): tensor
        for name, tensor in unet.state_dict().items()
    }


def _state(
    config: Configuration, unet: Any, vae: Any, text_encoder: Any, adapters: Adapters
) -> dict[str, torch.Tensor]:
    """The tensors by their published names."""
    levels = len(config.first_stage_config.params.ddconfig.ch_mult)
    text = {k.removeprefix("text_model."): v for k, v in text_encoder.state_dict().items()}
    return {
        **{UNET + key: value for key, value in unet_state(config, unet).items()},
        **{VAE + autoencoder_name(k, levels): v for k, v in vae.state_dict().items()},
        **{TEXT + key: value for key, value in text.items()},
        **{adapter_name(key): value for key, value in adapters.state_dict().items()},
    }
