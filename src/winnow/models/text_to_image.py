"""Text-to-image models: Stable Diffusion, DiffusionSat and CRS-Diff, all alike in use.

`diffusion` reads and writes them; `diffusion_standins` builds small ones.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch

from winnow.data.errors import WinnowError
from winnow.models import crs_network, diffusionsat_unet

Kind = Literal["stable_diffusion", "diffusionsat", "crs_diff"]
LongPrompts = Literal["refuse", "truncate"]


@dataclass
class TextToImageModel:
    """A text-to-image model: its parts, and what a sampler and a trainer ask of it.

    Latents are float [N, C, H, W], scaled as the UNet sees them.
    """

    kind: Kind
    name: str  # for messages: the folder
    vae: Any  # diffusers.AutoencoderKL
    unet: Any  # diffusers.UNet2DConditionModel
    text_encoder: Any  # transformers.CLIPTextModel
    tokenizer: Any
    schedule: dict[str, Any]  # configuration of the noise schedule, for any scheduler of diffusers
    conditions: Any = None  # MetadataEmbedding of DiffusionSat, Adapters of CRS-Diff
    controlnet: Any = None  # diffusers.ControlNetModel; only with Stable Diffusion

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return torch.device(self.unet.device)

    @property
    def dtype(self) -> torch.dtype:
        """Of the weights."""
        return next(self.unet.parameters()).dtype

    @property
    def factor(self) -> int:
        """Pixels along the side of one place of the latents."""
        return 2 ** (len(self.vae.config.block_out_channels) - 1)

    @property
    def size(self) -> int:
        """Side of the square images, in pixels."""
        return int(self.unet.config.sample_size) * self.factor

    @property
    def latent_shape(self) -> tuple[int, int, int]:
        """Channels, height and width of one image's latents."""
        side = self.size // self.factor
        return self.unet.config.in_channels, side, side

    @property
    def metadata(self) -> int:
        """Number of metadata values of an image; 0 if the model takes none."""
        return 0 if self.kind == "stable_diffusion" else len(diffusionsat_unet.METADATA)

    @property
    def context_length(self) -> int:
        """Tokens of the longest prompt, with the marks of its start and end."""
        return int(self.text_encoder.config.max_position_embeddings)

    def check_lengths(self, texts: Sequence[str]) -> None:
        """Raise WinnowError naming the row (from 0) and the length of the longest, if too long."""
        lengths = [len(ids) for ids in self.tokenizer(list(texts))["input_ids"]]
        row = int(np.argmax(lengths))
        if lengths[row] > self.context_length:
            raise WinnowError(
                f"{self.name}: the prompt of row {row} has {lengths[row]} tokens, but the text "
                f"encoder takes {self.context_length}; shorten it, or set long_prompts: "
                f"truncate ({texts[row][:60]!r}...)"
            )

    def encode_prompts(
        self, texts: Sequence[str], long_prompts: LongPrompts = "refuse"
    ) -> torch.Tensor:
        """Context [N, L, D] of prompts. Gradients reach the text encoder unless they are off.

        Raises WinnowError as `check_lengths` does, unless long prompts are to be cut.
        """
        if long_prompts == "refuse":
            self.check_lengths(texts)
        tokens = self.tokenizer(
            list(texts),
            padding="max_length",
            max_length=self.context_length,
            truncation=True,
            return_tensors="pt",
        ).to(self.device)
        # a mask only where the encoder was trained with one, as in diffusers' pipeline
        masked = getattr(self.text_encoder.config, "use_attention_mask", False)
        mask = tokens["attention_mask"] if masked else None
        return self.text_encoder(tokens["input_ids"], attention_mask=mask)[0]

    def denoise(
        self,
        latents: torch.Tensor,
        steps: torch.Tensor,
        context: torch.Tensor,
        metadata: torch.Tensor | None = None,
        control: torch.Tensor | None = None,
        content: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """The network's prediction (noise or velocity, by the schedule) [N, C, H, W].

        `steps`: int64, one or [N]. `metadata` [N, M] of `normalise_metadata`; none is all unknown.
        `control` [N, K, S, S] in 0..1, at the images' size: the ControlNet's classes, one-hot, or
        CRS-Diff's maps; none is zeros there. `content` [N, D]: CRS-Diff's embedding of an image.
        Raises WinnowError for a condition that the model does not take, or of another shape.
        """
        self._check(len(latents), metadata, control, content)
        steps = steps.expand(len(latents))
        inputs: dict[str, Any] = {"encoder_hidden_states": context}
        if self.kind == "crs_diff":
            inputs = self.conditions(latents, steps, context, metadata, control, content)
        elif self.kind == "diffusionsat":
            known = latents.new_zeros(1, self.metadata) if metadata is None else metadata
            inputs["class_labels"] = self.conditions(known).expand(len(latents), -1)
        elif self.controlnet is not None:
            if control is None:
                channels = self.controlnet.config.conditioning_channels
                control = latents.new_zeros(len(latents), channels, self.size, self.size)
            down, middle = self.controlnet(
                latents, steps, context, controlnet_cond=control.to(self.dtype), return_dict=False
            )
            inputs["down_block_additional_residuals"] = down
            inputs["mid_block_additional_residual"] = middle
        return self.unet(latents, steps, **inputs, return_dict=False)[0]

    def _check(
        self,
        count: int,
        metadata: torch.Tensor | None,
        control: torch.Tensor | None,
        content: torch.Tensor | None,
    ) -> None:
        channels, width = 0, 0
        if self.kind == "crs_diff":
            channels, width = self.conditions.maps, self.conditions.content
        elif self.controlnet is not None:
            channels = self.controlnet.config.conditioning_channels
        for name, given, shape in (
            ("metadata", metadata, (count, self.metadata)),
            ("control", control, (count, channels, self.size, self.size)),
            ("content", content, (count, width)),
        ):
            if given is None:
                continue
            if 0 in shape[1:]:
                raise WinnowError(f"{self.name}: a {self.kind} takes no {name} as it is")
            if tuple(given.shape) != shape:
                found = tuple(given.shape)
                raise WinnowError(f"{self.name}: {name} of shape {found}, expected {shape}")

    def normalise_metadata(self, values: np.ndarray) -> torch.Tensor:
        """What the network takes [N, M] of `values` [N, 7], columns `diffusionsat_unet.METADATA`.

        NaN is unknown. Raises WinnowError where the model takes no metadata.
        """
        if self.kind == "stable_diffusion":
            raise WinnowError(f"{self.name}: Stable Diffusion takes no metadata")
        satellite = self.kind == "diffusionsat"
        normalise = diffusionsat_unet.normalise if satellite else crs_network.normalise
        return torch.from_numpy(normalise(values)).to(self.device)

    def unconditional_metadata(self, metadata: torch.Tensor) -> torch.Tensor:
        """Metadata of guidance's unconditional half, as published.

        Zeros for DiffusionSat; the same as in the other half for CRS-Diff.
        """
        return torch.zeros_like(metadata) if self.kind == "diffusionsat" else metadata

    def encode_images(self, pixels: np.ndarray) -> torch.Tensor:
        """Scaled latents (the posterior's mode) of uint8 pixels [N, S, S, 3]."""
        images = torch.from_numpy(np.ascontiguousarray(pixels)).to(self.device)
        images = images.permute(0, 3, 1, 2).to(self.dtype) / 127.5 - 1
        return self.vae.encode(images).latent_dist.mode() * self.vae.config.scaling_factor

    def decode(self, latents: torch.Tensor, first: int = 0) -> np.ndarray:
        """Pixels uint8 [N, S, S, 3] of the prompts from row `first` on. Raises WinnowError where
        latents or images are not finite."""
        images = self.vae.decode(latents / self.vae.config.scaling_factor, return_dict=False)[0]
        wrong = ~images.isfinite().flatten(1).all(1) | ~latents.isfinite().flatten(1).all(1)
        if wrong.any():
            raise WinnowError(
                f"{self.name}: the image of prompt row {first + int(wrong.int().argmax())} is not "
                f"finite, as are in all {int(wrong.sum())} of {len(images)}; use other "
                "weights, or train the model again with a lower learning rate"
            )
        levels = (images.float() / 2 + 0.5).clamp(0, 1) * 255
        return levels.round().to(torch.uint8).permute(0, 2, 3, 1).cpu().numpy()
