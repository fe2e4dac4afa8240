"""CRS-Diff's configuration, `crs.yaml`: the part of it that says what the networks are.

The defaults are the published model's. `norm_num_groups` is ours: 32 in the published code, which
says so nowhere; a small model has fewer.
"""

from typing import Any, Generic, Literal, TypeVar

from pydantic import BaseModel, Field, PositiveInt, TypeAdapter, model_validator

CONFIG, CLIP = "crs.yaml", "clip"  # what lies beside the weights

Params = TypeVar("Params")


class Part(BaseModel, Generic[Params]):
    """A class of the published code, by name, and its parameters."""

    target: str
    params: Params


def _part(target: str, params: Params) -> Part[Params]:
    return Part(target=target, params=params)


class Unet(BaseModel):
    """The UNet of Latent Diffusion."""

    in_channels: PositiveInt = 4
    out_channels: PositiveInt = 4
    model_channels: PositiveInt = 320
    num_res_blocks: PositiveInt = 2
    attention_resolutions: list[PositiveInt] = [4, 2, 1]  # factors of shrinking, not sides
    channel_mult: list[PositiveInt] = [1, 2, 4, 4]
    num_heads: PositiveInt = 8
    use_spatial_transformer: Literal[True] = True
    transformer_depth: PositiveInt = 1
    context_dim: PositiveInt = 768
    norm_num_groups: PositiveInt = 32


class Local(BaseModel):
    """The adapter of image conditions: the UNet's way down, and where conditions enter it."""

    in_channels: PositiveInt = 4
    model_channels: PositiveInt = 320
    local_channels: PositiveInt = 18  # six maps of three channels
    inject_channels: list[PositiveInt] = [192, 256, 384, 512]  # one per level
    inject_layers: list[PositiveInt] = [1, 4, 7, 10]  # one per level: indices of input blocks
    num_res_blocks: PositiveInt = 2
    attention_resolutions: list[PositiveInt] = [4, 2, 1]
    channel_mult: list[PositiveInt] = [1, 2, 4, 4]
    num_heads: PositiveInt = 8
    transformer_depth: PositiveInt = 1
    context_dim: PositiveInt = 768
    norm_num_groups: PositiveInt = 32

    @model_validator(mode="after")
    def _one_per_level(self) -> "Local":
        levels = {len(self.channel_mult), len(self.inject_channels), len(self.inject_layers)}
        if len(levels) > 1:
            raise ValueError("channel_mult, inject_channels, inject_layers differ in length")
        return self


class Content(BaseModel):
    """The adapter of an image's embedding: `channel_mult[1]` tokens."""

    in_dim: PositiveInt = 768
    channel_mult: tuple[PositiveInt, PositiveInt] = (2, 4)


class Metadata(BaseModel):
    """The embedding of metadata."""

    max_value: PositiveInt = 1000
    embedding_dim: PositiveInt = 320
    metadata_dim: Literal[7] = 7


class Coder(BaseModel):
    """The autoencoder's `ddconfig`."""

    z_channels: PositiveInt = 4
    in_channels: Literal[3] = 3
    out_ch: Literal[3] = 3
    ch: PositiveInt = 128
    ch_mult: list[PositiveInt] = [1, 2, 4, 4]
    num_res_blocks: PositiveInt = 2
    attn_resolutions: list[PositiveInt] = Field(default=[], max_length=0)
    norm_num_groups: PositiveInt = 32


class FirstStage(BaseModel):
    """The autoencoder."""

    embed_dim: PositiveInt = 4
    ddconfig: Coder = Coder()


class Configuration(BaseModel):
    """`model.params` of `crs.yaml`."""

    linear_start: float = 0.00085
    linear_end: float = 0.0120
    timesteps: PositiveInt = 1000
    parameterization: Literal["eps", "v"] = "eps"  # what the UNet predicts
    image_size: PositiveInt = 64  # side of the latents
    channels: PositiveInt = 4
    scale_factor: float = 0.18215
    mode: Literal["CRS"] = "CRS"
    local_control_config: Part[Local] = _part("models.local_adapter.LocalAdapter", Local())
    global_content_control_config: Part[Content] = _part(
        "models.global_adapter.GlobalContentAdapter", Content()
    )
    metadata_config: Part[Metadata] = _part(
        "models.metadata_embedding.metadata_embeddings", Metadata()
    )
    unet_config: Part[Unet] = _part("models.local_adapter.LocalControlUNetModel", Unet())
    first_stage_config: Part[FirstStage] = _part(
        "ldm.models.autoencoder.AutoencoderKL", FirstStage()
    )


class File(BaseModel):
    """The whole file."""

    model: Part[Configuration]


ADAPTER = TypeAdapter(File)


def file_content(config: Configuration) -> dict[str, Any]:
    """What `crs.yaml` holds."""
    part = Part(target="models.CRS_Diff.CRSControlNet", params=config)
    return File(model=part).model_dump(mode="json")
