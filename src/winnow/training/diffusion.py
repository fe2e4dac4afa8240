"""Training of text-to-image diffusion models on the latents of images, and of their ControlNets."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from winnow.models.precision import is_bfloat16
from winnow.models.text_to_image import TextToImageModel
from winnow.training.settings import DiffusionTraining
from winnow.training.training_loop import attention, run_training_loop

DROPPED = 0.1  # share of the metadata values that training hides
LORA_LAYERS = ["to_q", "to_k", "to_v", "to_out.0"]  # of every attention, as diffusers' recipes do


@dataclass(frozen=True)
class Examples:
    """Captioned latents: `texts[i]` describes the image `images[i]`.

    `latents` [images, C, h, w] are scaled as the UNet takes them. `metadata` [images, values] is
    normalised as the generator's UNet takes it, `masks` are uint8 labels [images, S, S] for its
    ControlNet; both are optional. All tensors are on the CPU.
    """

    latents: torch.Tensor
    images: np.ndarray
    texts: list[str]
    metadata: torch.Tensor | None = None
    masks: torch.Tensor | None = None


def fit(
    generator: TextToImageModel, examples: Examples, settings: DiffusionTraining, seed: int
) -> list[float]:
    """Train `generator` in place for `settings.samples_seen` pairs; returns the losses.

    The UNet, by LoRA where `lora_rank` is set (merged into the weights afterwards); the text
    encoder where `train_text` is; what embeds metadata where `examples` have some; its ControlNet
    alone where they have masks. What is kept is the exponential moving average of the weights. The
    number of steps depends on `samples_seen` alone, so subsets of every size get equal training.
    Prompts that are too long for the text encoder are cut off.
    """
    torch.manual_seed(seed)
    steps = max(1, settings.samples_seen // settings.batch_size)
    batch = min(settings.batch_size, len(examples.texts))
    modules = _trained(generator, examples, settings)
    after, finish = _average(modules, settings.ema)
    losses = run_training_loop(
        modules,
        denoising_loss(generator, examples, settings, seed),
        len(examples.texts),
        batch,
        steps,
        settings,
        seed,
        attention(generator.device, is_bfloat16(settings.precision, generator.device)),
        after,
    )
    finish()
    first: Any = modules[0]
    if settings.lora_rank is not None and examples.masks is None:
        generator.unet = first.merge_and_unload()
    for module in (generator.unet, *modules):
        module.eval().requires_grad_(False)
    return losses


def denoising_loss(
    generator: TextToImageModel, examples: Examples, settings: DiffusionTraining, seed: int
) -> Callable[[np.ndarray], torch.Tensor]:
    """The loss of a batch of pairs: error of the predicted noise or velocity (Ho et al. 2020,
    Salimans and Ho 2022) at a random step, weighed by min-SNR, some prompts left empty.
    """
    from diffusers import DDPMScheduler

    device = generator.device
    noise_schedule = DDPMScheduler.from_config(generator.schedule)
    half = is_bfloat16(settings.precision, device)
    dice = torch.Generator().manual_seed(seed)
    weights = step_weights(noise_schedule, settings.min_snr).to(device)
    predicts_noise = noise_schedule.config.prediction_type == "epsilon"

    def loss(rows: np.ndarray) -> torch.Tensor:
        images = torch.from_numpy(examples.images[rows])
        clean = examples.latents[images].to(device)
        noise = torch.randn(clean.shape, generator=dice).to(device)
        steps = torch.randint(len(weights), (len(rows),), generator=dice).to(device)
        kept = (torch.rand(len(rows), generator=dice) >= settings.drop_prompt).tolist()
        texts = [examples.texts[row] if keep else "" for row, keep in zip(rows, kept, strict=True)]
        conditions = {}
        if examples.metadata is not None:
            known = _partly_unknown(examples.metadata[images], settings.drop_prompt, dice)
            conditions["metadata"] = known.to(device)
        if examples.masks is not None:
            classes = generator.controlnet.config.conditioning_channels
            conditions["control"] = one_hot(examples.masks[images], classes).to(device)
        with torch.autocast(device.type, torch.bfloat16, enabled=half):
            with torch.set_grad_enabled(settings.train_text):
                context = generator.encode_prompts(texts, "truncate")
            noisy = noise_schedule.add_noise(clean, noise, steps)
            output = generator.denoise(noisy, steps, context, **conditions)
        target = noise if predicts_noise else noise_schedule.get_velocity(clean, noise, steps)
        errors = functional.mse_loss(output.float(), target, reduction="none").mean((1, 2, 3))
        return (errors * weights[steps]).mean()

    return loss


def _partly_unknown(metadata: torch.Tensor, drop_all: float, dice: torch.Generator) -> torch.Tensor:
    """Metadata [N, M] with values set to 0, unknown: one in ten, as DiffusionSat's training does,
    and all of an image's in the share `drop_all`, so that text alone is known too."""
    kept = torch.rand(metadata.shape, generator=dice) >= DROPPED
    all_kept = torch.rand(len(metadata), 1, generator=dice) >= drop_all
    return metadata * kept * all_kept


def one_hot(masks: torch.Tensor, classes: int) -> torch.Tensor:
    """Float [N, classes, S, S] of labels [N, S, S]."""
    return functional.one_hot(masks.long(), classes).permute(0, 3, 1, 2).float()


def step_weights(noise_schedule: Any, gamma: float | None) -> torch.Tensor:
    """Weight of each step's error, float [steps]: min-SNR (Hang et al. 2023), or ones.

    min(snr, gamma) is the weight of the clean image's error; it is divided by what turns that into
    the error of the noise (snr) or of the velocity (snr + 1).
    """
    kept = noise_schedule.alphas_cumprod
    if gamma is None:
        return torch.ones_like(kept)
    snr = kept / (1 - kept)
    of_noise = noise_schedule.config.prediction_type == "epsilon"
    return snr.clamp(max=gamma) / (snr if of_noise else snr + 1)


@torch.no_grad()
def encode(generator: TextToImageModel, pixels: np.ndarray, chunk: int = 64) -> torch.Tensor:
    """Scaled latents [N, C, h, w] of uint8 [N, S, S, 3], on the CPU."""
    parts = [pixels[start : start + chunk] for start in range(0, len(pixels), chunk)]
    return torch.cat([generator.encode_images(part).float().cpu() for part in parts])


def _trained(
    generator: TextToImageModel, examples: Examples, settings: DiffusionTraining
) -> list[torch.nn.Module]:
    """What is trained, first the UNet or its ControlNet; everything else is frozen."""
    parts = (generator.vae, generator.unet, generator.text_encoder, generator.conditions)
    for module in parts:
        if module is not None:
            module.eval().requires_grad_(False)
    if examples.masks is not None:
        return [generator.controlnet.train().requires_grad_(True)]
    if settings.lora_rank is None:
        modules = [generator.unet.train().requires_grad_(True)]
    else:
        from peft import LoraConfig, get_peft_model

        rank = settings.lora_rank
        config = LoraConfig(r=rank, lora_alpha=rank, target_modules=LORA_LAYERS)
        modules = [get_peft_model(generator.unet, config)]
    if settings.train_text:
        modules.append(generator.text_encoder.train().requires_grad_(True))
    if examples.metadata is not None:
        modules.append(generator.conditions.train().requires_grad_(True))
    return modules


def _average(
    modules: list[torch.nn.Module], decay: float
) -> tuple[Callable[[], None], Callable[[], None]]:
    """What follows each step, and what puts the averaged weights in place at the end."""
    if decay == 0:
        return lambda: None, lambda: None
    from diffusers.training_utils import EMAModel

    weights = [weight for module in modules for weight in module.parameters()]
    weights = [weight for weight in weights if weight.requires_grad]
    # It warms up: the decay of step n is at most (1 + n) / (10 + n).
    average = EMAModel(weights, decay=decay, foreach=True)
    return lambda: average.step(weights), lambda: average.copy_to(weights)
