"""Names of weights in the code of Latent Diffusion (Rombach et al. 2022), for diffusers' models.

CRS-Diff's checkpoint has them. Each function takes a name in diffusers and gives the other one.
"""

import re

RESNET = {
    "norm1": "in_layers.0",
    "conv1": "in_layers.2",
    "time_emb_proj": "emb_layers.1",
    "norm2": "out_layers.0",
    "conv2": "out_layers.3",
    "conv_shortcut": "skip_connection",
}
UNET = {
    "conv_in": "input_blocks.0.0",
    "time_embedding.linear_1": "time_embed.0",
    "time_embedding.linear_2": "time_embed.2",
    "conv_norm_out": "out.0",
    "conv_out": "out.2",
}
ATTENTION = {"group_norm": "norm", "to_q": "q", "to_k": "k", "to_v": "v", "to_out.0": "proj_out"}
BLOCK = re.compile(r"(down|up)_blocks\.(\d+)\.(resnets|attentions|downsamplers|upsamplers)\.(\d+)")


def resnet_name(name: str) -> str:
    """Of a part of a residual block: `norm1.weight`."""
    part, kind = name.rsplit(".", 1)
    return f"{RESNET[part]}.{kind}"


def unet_name(name: str, layers: int, attentive: list[bool]) -> str:
    """Of a part of a UNet with `layers` residual blocks per level.

    `attentive` says of each block on the way up whether it has attention.
    """
    part, kind = name.rsplit(".", 1)
    if part in UNET:
        return f"{UNET[part]}.{kind}"
    if name.startswith("mid_block.resnets."):
        _, _, index, rest = name.split(".", 3)
        return f"middle_block.{2 * int(index)}.{resnet_name(rest)}"
    if name.startswith("mid_block.attentions.0."):
        return name.replace("mid_block.attentions.0.", "middle_block.1.", 1)
    match = BLOCK.match(name)
    if match is None:
        raise ValueError(f"{name} has no name in Latent Diffusion")
    way, block, module, layer = match[1], int(match[2]), match[3], int(match[4])
    rest = name[match.end() + 1 :]
    first = block * (layers + 1)  # blocks of a level: `layers`, and one down or one more up
    if module == "downsamplers":
        return f"input_blocks.{first + layers + 1}.0.op.{kind}"
    if module == "upsamplers":
        return f"output_blocks.{first + layers}.{2 if attentive[block] else 1}.conv.{kind}"
    place = (
        f"input_blocks.{first + layer + 1}" if way == "down" else f"output_blocks.{first + layer}"
    )
    return f"{place}.0.{resnet_name(rest)}" if module == "resnets" else f"{place}.1.{rest}"


def autoencoder_name(name: str, levels: int) -> str:
    """Of a part of an AutoencoderKL with `levels` levels; on the way up the other counts backward.

    The attention's projections are 1x1 convolutions there, [C, C, 1, 1] instead of [C, C].
    """
    name = name.replace("conv_norm_out.", "norm_out.").replace("conv_shortcut.", "nin_shortcut.")
    name = re.sub(r"mid_block\.resnets\.(\d)", lambda m: f"mid.block_{int(m[1]) + 1}", name)
    if "mid_block.attentions.0." in name:
        coder, part = name.split(".mid_block.attentions.0.")
        part, kind = part.rsplit(".", 1)
        return f"{coder}.mid.attn_1.{ATTENTION[part]}.{kind}"
    match = BLOCK.search(name)
    if match is None:
        return name
    way, block, module = match[1], int(match[2]), match[3]
    level = block if way == "down" else levels - 1 - block
    inner = f"block.{match[4]}" if module == "resnets" else module.replace("samplers", "sample")
    return f"{name[: match.start()]}{way}.{level}.{inner}{name[match.end() :]}"


def is_projection(name: str) -> bool:
    """Whether a name there is that of an attention's 1x1 convolution in an autoencoder."""
    return ".mid.attn_1." in name and name.endswith(".weight") and ".norm." not in name
