"""Draw images: DDIM (Song et al. 2021) with classifier-free guidance (Ho & Salimans 2022).

Equal to diffusers' `StableDiffusionPipeline` with a `DDIMScheduler` and one seed an image. The
first noise, and that of the steps where `eta` is above 0, come from each image's own seed on the
CPU: an image depends neither on its batch nor on the device.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from tqdm import tqdm

from winnow.data.errors import WinnowError
from winnow.generation.images import blank
from winnow.generation.settings import Sampling

if TYPE_CHECKING:
    import torch

    from winnow.models.text_to_image import TextToImageModel


DECODED = 16  # images decoded at once: their activations fit into a cache


def sample(
    generator: TextToImageModel,
    prompts: Sequence[str],
    settings: Sampling,
    seeds: Sequence[int],
    metadata: torch.Tensor | None = None,
    control: torch.Tensor | None = None,
) -> Iterator[np.ndarray]:
    """Yield batches of images, uint8 [B, S, S, 3], one for each prompt and seed, in their order.

    `metadata` [N, K] and `control` [N, C, S, S] have a row for each prompt. Raises WinnowError
    where latents are not finite, or images are black or all of one colour.
    """
    import torch

    with torch.inference_mode():
        empty = generator.encode_prompts([""], settings.long_prompts)
        if settings.long_prompts == "refuse":
            generator.check_lengths(prompts)  # of all, before the first is drawn
        batches = range(0, len(prompts), settings.batch_size)
        for start in tqdm(batches, unit="batch", mininterval=2, file=sys.stderr):
            rows = slice(start, start + settings.batch_size)
            latents = _denoised(
                generator,
                generator.encode_prompts(prompts[rows], settings.long_prompts),
                empty,
                settings,
                seeds[rows],
                None if metadata is None else metadata[rows].to(generator.device),
                None if control is None else control[rows].to(generator.device),
            )
            yield _decoded(generator, latents, start)


def _denoised(
    generator: TextToImageModel,
    context: torch.Tensor,
    empty: torch.Tensor,
    settings: Sampling,
    seeds: Sequence[int],
    metadata: torch.Tensor | None,
    control: torch.Tensor | None,
) -> torch.Tensor:
    """Latents of one batch; the unconditional half has the empty prompt."""
    import torch

    scheduler = _scheduler(generator, settings.steps)
    draws = [torch.Generator().manual_seed(seed) for seed in seeds]
    shape = (1, *generator.latent_shape)
    noise = torch.cat([torch.randn(shape, generator=draw) for draw in draws])
    latents = noise.to(context) * scheduler.init_noise_sigma
    guided = settings.guidance > 1
    if guided:
        context = torch.cat([empty.expand_as(context), context])
        metadata = (
            None
            if metadata is None
            else torch.cat([generator.unconditional_metadata(metadata), metadata])
        )
        control = None if control is None else torch.cat([control, control])
    for step in scheduler.timesteps:
        both = torch.cat([latents, latents]) if guided else latents
        prediction = generator.denoise(both, step, context, metadata, control)
        if guided:
            without, with_prompt = prediction.chunk(2)
            prediction = without + settings.guidance * (with_prompt - without)
        latents = scheduler.step(
            prediction, step, latents, eta=settings.eta, generator=draws, return_dict=False
        )[0]
    return latents


def _scheduler(generator: TextToImageModel, steps: int) -> Any:
    """DDIM over a model's noise schedule, whatever scheduler it came with."""
    from diffusers import DDIMScheduler

    scheduler = DDIMScheduler.from_config(generator.schedule)
    known = scheduler.config.num_train_timesteps
    if steps > known:
        raise WinnowError(f"--steps: {steps} is more than the {known} steps of {generator.name}")
    scheduler.set_timesteps(steps, device=generator.device)
    return scheduler


def _decoded(generator: TextToImageModel, latents: torch.Tensor, start: int) -> np.ndarray:
    """Images of latents, uint8 [B, S, S, 3], of the prompts from row `start` on. Raises WinnowError
    where there is nothing to see."""
    parts = enumerate(latents.split(DECODED))
    images = np.concatenate([generator.decode(p, start + DECODED * n) for n, p in parts])
    found = [(row, what) for row, image in enumerate(images, start) if (what := blank(image))]
    if found:
        row, what = found[0]
        raise WinnowError(
            f"{generator.name}: the image of prompt row {row} is {what}, as are in all "
            f"{len(found)} of {len(images)}; a training that diverged does that: use "
            "other weights, or train the model again with a lower learning rate"
        )
    return images
