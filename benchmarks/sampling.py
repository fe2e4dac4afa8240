"""Sampling against the bare UNet, in images a second.

Three loops take turns on each batch, so that a machine which slows down slows all of them:

- unet: the network's passes alone, on latents and context made ready before, both halves of
  classifier-free guidance;
- pipeline: diffusers' `StableDiffusionPipeline` with the same sampler and seeds;
- sample: `winnow.generation`, from prompts to uint8 images.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from turns import ratio

from winnow.generation.prompts import noise_seeds
from winnow.generation.sample import sample
from winnow.generation.settings import Sampling
from winnow.models import diffusion, diffusion_standins
from winnow.models.text_to_image import TextToImageModel

WORDS = ["an airport beside a river", "a parking lot with grey cars", "two storage tanks"]


class Bench:
    """The loops of one generator, all on the same prompts and seeds."""

    def __init__(self, model: Path, settings: Sampling):
        from diffusers import DDIMScheduler, StableDiffusionPipeline

        self.settings = settings
        self.generator: TextToImageModel = diffusion.load(model)
        self.prompts = [WORDS[row % len(WORDS)] for row in range(settings.batch_size)]
        self.pipeline: Any = StableDiffusionPipeline.from_pretrained(model, safety_checker=None)
        self.pipeline.scheduler = DDIMScheduler.from_config(self.generator.schedule)
        self.pipeline.set_progress_bar_config(disable=True)
        self.pipeline.to(self.generator.device, self.generator.dtype)
        with torch.inference_mode():
            context = self.generator.encode_prompts(self.prompts)
        halves = 2 if settings.guidance > 1 else 1
        self.context = context.repeat(halves, 1, 1)
        self.latents = torch.randn(len(self.context), *self.generator.latent_shape).to(context)
        self.steps = torch.linspace(999, 0, settings.steps).long().to(context.device)

    def unet(self, seeds: list[int]) -> None:
        """The network's passes alone."""
        with torch.inference_mode():
            for step in self.steps:
                self.generator.unet(self.latents, step, self.context, return_dict=False)

    def diffusers(self, seeds: list[int]) -> np.ndarray:
        """Images as diffusers draws them, uint8 [B, S, S, 3]."""
        images = self.pipeline(
            self.prompts,
            num_inference_steps=self.settings.steps,
            guidance_scale=self.settings.guidance,
            generator=[torch.Generator().manual_seed(seed) for seed in seeds],
            output_type="np",
        ).images
        return np.asarray((images * 255).round(), dtype=np.uint8)

    def sample(self, seeds: list[int]) -> np.ndarray:
        """Images as `winnow generate` draws them, uint8 [B, S, S, 3]."""
        return next(sample(self.generator, self.prompts, self.settings, seeds))


def timed(loop: Callable[[list[int]], Any], seeds: list[int]) -> tuple[float, Any]:
    """Seconds and result of one call, which ends when the device has finished."""
    start = time.perf_counter()
    result = loop(seeds)
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - start, result


def run(bench: Bench, batches: int) -> None:
    """Take turns, print rates and ratios."""
    loops = {"unet": bench.unet, "pipeline": bench.diffusers, "sample": bench.sample}
    size = bench.settings.batch_size
    seconds: dict[str, list[float]] = {name: [] for name in loops}
    difference = 0
    for turn in range(batches + 1):  # the first only warms up
        seeds = noise_seeds(turn, size)
        found = {name: timed(loop, seeds) for name, loop in loops.items()}
        if turn:
            for name, (spent, _) in found.items():
                seconds[name].append(spent)
        ours, theirs = (found[name][1].astype(int) for name in ("sample", "pipeline"))
        difference = max(difference, int(np.abs(ours - theirs).max()))
    for name, values in seconds.items():
        print(f"{name:9}{batches * size / sum(values):8.2f} images/s")
    times = {name: np.array(values) for name, values in seconds.items()}
    for name in ("unet", "pipeline"):
        found_ratio = ratio(name, times[name], times["sample"], "batches")
        print(found_ratio.replace("engine", "sample"))
    print(f"pixels differ from the pipeline's by {difference} of 255 at most")


def main() -> None:
    """Read the command line, make a generator if none is given, run the loops."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", type=Path, help="default: an untrained stand-in")
    parser.add_argument("--steps", type=int, default=25)
    parser.add_argument("--guidance", type=float, default=3.0)
    parser.add_argument("--batch-size", type=int, default=50)
    parser.add_argument("--batches", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    asked = {"images": given.batch_size, "batch_size": given.batch_size}
    settings = Sampling.model_validate({**asked, "steps": given.steps, "guidance": given.guidance})
    with tempfile.TemporaryDirectory() as scratch:
        model = given.model or Path(scratch) / "t2i"
        if given.model is None:
            model.mkdir()
            diffusion.save(diffusion_standins.build_stable_diffusion(WORDS, seed=0), model)
        run(Bench(model, settings), given.batches)


if __name__ == "__main__":
    main()
