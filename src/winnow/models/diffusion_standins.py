"""Untrained generators of small size, for the foundry's stand-ins and for tests.

The sizes are these constants. All of them can be said in the published layouts: widths are whole
multiples of the first, and the autoencoder has attention in the middle only.
"""

import copy
from collections.abc import Iterable
from typing import Any

import torch
from torch import nn

from winnow.data.errors import WinnowError
from winnow.models.text_to_image import TextToImageModel
from winnow.models.weights import device

SIDE = 64  # of the images, in pixels
VOCABULARY = 1200
CONTEXT = 48  # tokens; captions of Terrarium have 43 at most, and the published 77 cost time
# AutoencoderKL: 8x, 8 latent channels.
AUTOENCODER: dict[str, Any] = {
    "block_out_channels": (16, 32, 64, 64),
    "layers_per_block": 1,
    "latent_channels": 8,
    "norm_num_groups": 8,
}
TEXT: dict[str, Any] = {
    "hidden_size": 128,
    "intermediate_size": 512,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
}
# UNet2DConditionModel on 8x8 latents: about 1.1 M parameters, so that a release stays small.
UNET: dict[str, Any] = {
    "block_out_channels": (32, 64),
    "layers_per_block": 1,
    "attention_head_dim": 4,  # the number of heads, by a slip in diffusers' naming
    "norm_num_groups": 8,
}
SCHEDULE: dict[str, Any] = {
    "num_train_timesteps": 1000,
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "prediction_type": "v_prediction",  # of Stable Diffusion 2.1; noise is learned slower
    "clip_sample": False,  # latents are not within -1..1
    "set_alpha_to_one": False,
    "steps_offset": 1,
}
MAPS = 18  # of CRS-Diff: six image conditions of three channels
INJECTED = (32, 48, 64, 64)  # channels of their features, by level
CONTENT = (1, 2)  # widths of the adapter of an image's embedding, which makes two tokens of it
MASKS = (8, 16, 16, 32)  # channels of a ControlNet's reading of masks, the last at 1/8 of the side


def build_stable_diffusion(texts: Iterable[str], seed: int) -> TextToImageModel:
    """A Stable Diffusion of the sizes above, whose tokenizer learned its merges on `texts`."""
    from diffusers import AutoencoderKL, UNet2DConditionModel
    from transformers import CLIPTextConfig, CLIPTextModel

    from winnow.models import clip_tokenizer

    torch.manual_seed(seed)
    tokenizer = clip_tokenizer.train(texts, VOCABULARY, CONTEXT)
    levels, depth = len(AUTOENCODER["block_out_channels"]), len(UNET["block_out_channels"])
    vae = AutoencoderKL(
        **AUTOENCODER,
        down_block_types=("DownEncoderBlock2D",) * levels,
        up_block_types=("UpDecoderBlock2D",) * levels,
        sample_size=SIDE,
    )
    unet = UNet2DConditionModel(
        **UNET,
        sample_size=SIDE // 2 ** (levels - 1),
        in_channels=AUTOENCODER["latent_channels"],
        out_channels=AUTOENCODER["latent_channels"],
        down_block_types=("CrossAttnDownBlock2D",) * depth,
        up_block_types=("CrossAttnUpBlock2D",) * depth,
        cross_attention_dim=TEXT["hidden_size"],
    )
    text = CLIPTextModel(
        CLIPTextConfig(
            **TEXT,
            vocab_size=len(tokenizer),
            max_position_embeddings=CONTEXT,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
    )
    modules: dict[str, Any] = {"vae": vae, "unet": unet, "text_encoder": text}
    return TextToImageModel(
        kind="stable_diffusion",
        name="a new Stable Diffusion",
        **{key: module.to(device()).eval() for key, module in modules.items()},
        tokenizer=tokenizer,
        schedule=dict(SCHEDULE),
    )


def build_diffusionsat(base: TextToImageModel, seed: int) -> TextToImageModel:
    """DiffusionSat over a copy of `base`: its metadata have no effect until it is trained."""
    from winnow.models.diffusionsat_unet import METADATA, MetadataEmbedding, labelled_unet

    _check_plain(base)
    torch.manual_seed(seed)
    unet = labelled_unet(base.unet.config)
    unet.load_state_dict(base.unet.state_dict())
    conditions = MetadataEmbedding(len(METADATA), unet)
    for part in conditions.parts:
        _zero(part.linear_2)
    return _over(base, "diffusionsat", unet, conditions)


def build_crs_diff(base: TextToImageModel, seed: int) -> TextToImageModel:
    """CRS-Diff over a copy of `base`, whose weights its adapter of image conditions starts from.

    Maps and metadata have no effect until it is trained; the further context tokens do.
    """
    from winnow.models import crs_diff
    from winnow.models.crs_network import Adapters, adapter_name

    _check_plain(base)
    torch.manual_seed(seed)
    config = crs_diff.configure(base.unet, base.vae, base.schedule, MAPS, INJECTED, CONTENT)
    unet = crs_diff.build_unet(config)
    unet.load_state_dict(base.unet.state_dict())
    adapters = Adapters(config)
    linear: Any = adapters.metadata_emb.mlp_models
    for part in linear:
        _zero(part["fc1"])
    published = crs_diff.unet_state(config, unet)
    with torch.no_grad():
        for name, tensor in adapters.local_adapter.state_dict().items():
            same = adapter_name(f"local_adapter.{name}").removeprefix("local_adapter.")
            if same in published and published[same].shape == tensor.shape:
                tensor.copy_(published[same])
    return _over(base, "crs_diff", unet, adapters)


def build_controlnet(base: TextToImageModel, classes: int, seed: int) -> Any:
    """A ControlNet on masks of `classes` classes over the UNet of `base`, without effect yet."""
    from diffusers import ControlNetModel

    _check_plain(base)
    torch.manual_seed(seed)
    controlnet = ControlNetModel.from_unet(
        base.unet, conditioning_channels=classes, conditioning_embedding_out_channels=MASKS
    )
    # By diffusers' start masks fade from layer to layer and end in zeros: thousands of steps ignore
    # them. The zero convolutions behind this are enough to begin without effect.
    for layer in controlnet.controlnet_cond_embedding.modules():
        if isinstance(layer, nn.Conv2d) and layer.bias is not None:
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            nn.init.zeros_(layer.bias)
    return controlnet.to(base.device).eval()


def _check_plain(base: TextToImageModel) -> None:
    if base.kind != "stable_diffusion":
        raise WinnowError(f"{base.name}: is a {base.kind}; start from a Stable Diffusion")


def _over(base: TextToImageModel, kind: Any, unet: Any, conditions: nn.Module) -> TextToImageModel:
    return TextToImageModel(
        kind=kind,
        name=f"a new {kind}",
        vae=copy.deepcopy(base.vae),
        unet=unet.to(base.device).eval(),
        text_encoder=copy.deepcopy(base.text_encoder),
        tokenizer=base.tokenizer,
        schedule=dict(base.schedule),
        conditions=conditions.to(base.device).eval(),
    )


def _zero(layer: Any) -> None:
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
