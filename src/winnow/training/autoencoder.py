"""Training of the autoencoder that the stand-ins of text-to-image models share."""

from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from winnow.models.clip import Clip
from winnow.models.precision import is_bfloat16
from winnow.training.perceptual import perceptual_loss
from winnow.training.settings import Optimiser
from winnow.training.training_loop import attention, run_training_loop

EDGES = 0.5  # weight of the differences between neighbours: without it small objects blur
PERCEPTUAL = 0.05  # weight of what a CLIP sees: FID of reconstructions halves, and PSNR stays
KL = 1e-6  # keeps the latents near a normal distribution's range
LOG_VARIANCE = -6.0  # of the latents at the start
CHUNK = 64  # images encoded or decoded at once


def fit(
    autoencoder: Any,
    pixels: np.ndarray,
    clip: Clip,
    settings: Optimiser,
    images_seen: int,
    seed: int,
) -> list[float]:
    """Train a new diffusers `AutoencoderKL` in place on uint8 [N, S, S, 3]; returns the losses.

    Absolute and squared errors of pixels, absolute errors of their differences to neighbours,
    the distance that `clip` sees, and a small KL term (Rombach et al. 2022, without the adversary).
    Each batch is turned or mirrored as one. Afterwards `scaling_factor` is what gives latents of
    variance one. Raises WinnowError where the image tower of `clip` is no ResNet.
    """
    torch.manual_seed(seed)
    dice = np.random.default_rng(seed)
    batch = min(settings.batch_size, len(pixels))
    device = next(autoencoder.parameters()).device
    half = is_bfloat16(settings.precision, device)
    # Measured on two cores: channels last is the faster order in float32, not in bfloat16.
    autoencoder.train().to(memory_format=torch.preserve_format if half else torch.channels_last)
    _start_quiet(autoencoder)
    distance = perceptual_loss(clip)

    def loss(rows: np.ndarray) -> torch.Tensor:
        target = to_tensor(_turned(pixels[rows], int(dice.integers(8))), device)
        with torch.autocast(device.type, torch.bfloat16, enabled=half):
            posterior = autoencoder.encode(target).latent_dist
            output = autoencoder.decode(posterior.sample()).sample.float()
        error = functional.l1_loss(output, target) + functional.mse_loss(output, target)
        error = error + EDGES * _edges(output, target) + PERCEPTUAL * distance(output, target)
        return error + KL * posterior.kl().float().mean()

    steps = max(1, images_seen // settings.batch_size)
    kernel = attention(device, half)
    losses = run_training_loop(
        [autoencoder], loss, len(pixels), batch, steps, settings, seed, kernel
    )
    autoencoder.eval()
    spread = torch.cat([latents for latents, _ in _passes(autoencoder, pixels[:1000])]).std()
    autoencoder.register_to_config(scaling_factor=float(1 / spread))
    return losses


def psnr(autoencoder: Any, pixels: np.ndarray) -> float:
    """Mean peak signal-to-noise ratio of reconstructed uint8 [N, S, S, 3], in decibels."""
    images = [image for _, batch in _passes(autoencoder, pixels) for image in to_pixels(batch)]
    errors = np.square(np.stack(images).astype(float) - pixels).mean(axis=(1, 2, 3))
    return float(np.mean(10 * np.log10(255**2 / np.maximum(errors, 1e-9))))


def to_tensor(pixels: np.ndarray, device: torch.device) -> torch.Tensor:
    """Float [N, 3, S, S] in -1..1 of uint8 [N, S, S, 3]."""
    values = torch.from_numpy(np.ascontiguousarray(pixels)).to(device).permute(0, 3, 1, 2)
    return (values.float() / 127.5 - 1).contiguous()


def to_pixels(images: torch.Tensor) -> np.ndarray:
    """uint8 [N, S, S, 3] of float [N, 3, S, S] in -1..1."""
    values = ((images.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)
    return values.permute(0, 2, 3, 1).cpu().numpy()


@torch.no_grad()
def _passes(autoencoder: Any, pixels: np.ndarray) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Latents and reconstructions, by chunk."""
    device = next(autoencoder.parameters()).device
    result = []
    for start in range(0, len(pixels), CHUNK):
        images = to_tensor(pixels[start : start + CHUNK], device)
        latents = autoencoder.encode(images).latent_dist.mode()
        result.append((latents, autoencoder.decode(latents).sample))
    return result


def _turned(pixels: np.ndarray, way: int) -> np.ndarray:
    """Images turned by quarters, and mirrored: one of the square's eight symmetries."""
    pixels = np.rot90(pixels, way % 4, axes=(1, 2))
    return pixels[:, ::-1] if way >= 4 else pixels


def _edges(one: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    """Mean absolute error of the differences between neighbours, of rows plus of columns."""
    pairs = ((torch.diff(one, dim=dim), torch.diff(other, dim=dim)) for dim in (2, 3))
    return torch.stack([functional.l1_loss(*pair) for pair in pairs]).sum()


@torch.no_grad()
def _start_quiet(autoencoder: Any) -> None:
    """Residual branches of zeros, and posteriors of little noise.

    Both networks begin almost linear and learn sooner: a loss of 0.215 against 0.222 after 600
    steps. With posteriors of a standard deviation of one the first steps learn little.
    """
    from diffusers.models.resnet import ResnetBlock2D

    for block in autoencoder.modules():
        if isinstance(block, ResnetBlock2D):
            for weights in block.conv2.parameters():
                nn.init.zeros_(weights)
    channels = autoencoder.config.latent_channels  # behind the means come the log-variances
    autoencoder.quant_conv.weight[channels:] *= 0.1
    autoencoder.quant_conv.bias[channels:] = LOG_VARIANCE
