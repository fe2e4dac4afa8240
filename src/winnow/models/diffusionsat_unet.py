"""DiffusionSat's UNet: Stable Diffusion's, with numeric metadata beside the time step.

Khanna et al., ICLR 2024. Each value of an image's metadata has an embedding of its own: the
sinusoids of the time step, then two linear layers; their sum is added to the time embedding. The
published folder `unet` is that of a diffusers UNet, whose configuration says `SatUNet` and
`num_metadata`, and whose weights have `metadata_embedding.{i}.linear_{1,2}.{weight,bias}` as well.

In diffusers an `identity` class embedding adds its labels [N, T] to the time embedding, so that its
own UNet serves: the embedded metadata are its class labels.
"""

import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from winnow.data.errors import WinnowError
from winnow.data.files import read_json, write_json
from winnow.models import weights

METADATA = ("longitude", "latitude", "ground_sample_distance", "cloud", "year", "month", "day")
# What 0 stands for, and the width of the range that is 0 to 1000. Degrees, metres, share, dates.
ORIGIN = np.array([-180, -90, 0, 0, 1980, 0, 0], dtype=np.float64)
RANGE = np.array([360, 180, 1, 1, 120, 12, 31], dtype=np.float64)
SCALE = 1000
CLASS = "SatUNet"
CONFIG, WEIGHTS = "config.json", "diffusion_pytorch_model.safetensors"
EMBEDDING = "metadata_embedding."


class MetadataEmbedding(nn.Module):
    """The sum [N, T] of the embeddings of normalised metadata [N, M], for a UNet of diffusers."""

    def __init__(self, count: int, unet: Any):
        from diffusers.models.embeddings import TimestepEmbedding

        super().__init__()
        time = unet.time_embedding
        sizes = time.linear_1.in_features, time.linear_2.out_features
        self.parts = nn.ModuleList(TimestepEmbedding(*sizes) for _ in range(count))
        self.sinusoids = unet.time_proj  # it has no weights

    def forward(self, metadata: torch.Tensor) -> torch.Tensor:
        """As the class says."""
        dtype = next(self.parts.parameters()).dtype
        waves = self.sinusoids(metadata.flatten()).view(*metadata.shape, -1).to(dtype)
        embedded = [part(waves[:, i]) for i, part in enumerate(self.parts)]
        return torch.stack(embedded).sum(0)


def normalise(values: np.ndarray) -> np.ndarray:
    """Metadata [N, 7] in the columns and units of METADATA, as the UNet takes it, 0 to 1000.

    NaN, unknown, becomes 0: in the published training each value is set to 0 with probability 0.1.
    Ground sample distances above 1 m exceed 1000, as published.
    """
    return np.nan_to_num((values - ORIGIN) / RANGE * SCALE, nan=0.0).astype(np.float32)


def labelled_unet(config: Mapping[str, Any]) -> Any:
    """A new UNet of diffusers by a configuration, with class labels as the module tells."""
    from diffusers import UNet2DConditionModel

    known = set(inspect.signature(UNet2DConditionModel.__init__).parameters)
    known -= {"self", "class_embed_type"}
    own = {key: value for key, value in config.items() if key in known}
    return UNet2DConditionModel(**own, class_embed_type="identity")


def load_unet(folder: Path) -> tuple[Any, MetadataEmbedding]:
    """The UNet and the metadata embedding in a folder `unet` of the published layout.

    Raises WinnowError naming the file and the key.
    """
    config = read_json(folder / CONFIG)
    count = config.get("num_metadata")
    if count != len(METADATA):
        known = ", ".join(METADATA)
        raise WinnowError(
            f"{folder / CONFIG}: `num_metadata` is {count!r}, expected {len(METADATA)} ({known})"
        )
    if config.get("class_embed_type") is not None:
        raise WinnowError(f"{folder / CONFIG}: `class_embed_type` is not null, as in {CLASS}")
    try:
        unet = labelled_unet(config)
    except Exception as error:  # of many kinds
        raise WinnowError(f"{folder / CONFIG}: describes no UNet ({error})") from error
    embedding = MetadataEmbedding(count, unet)
    path = folder / WEIGHTS
    weights.fill(_state(unet, embedding), weights.read(path), path)
    return unet, embedding


def save_unet(unet: Any, embedding: MetadataEmbedding, folder: Path, half: bool) -> None:
    """Write a folder `unet` in the published layout."""
    weights.write(_state(unet, embedding), folder / WEIGHTS, weights.storage(half))
    own = {key: value for key, value in unet.config.items() if not key.startswith("_")}
    config = {
        **own,
        "_class_name": CLASS,
        "class_embed_type": None,
        "use_metadata": True,
        "num_metadata": len(embedding.parts),
    }
    write_json(folder / CONFIG, config)


def _state(unet: Any, embedding: MetadataEmbedding) -> dict[str, torch.Tensor]:
    own = {f"{EMBEDDING}{key}": value for key, value in embedding.parts.state_dict().items()}
    return {**unet.state_dict(), **own}
