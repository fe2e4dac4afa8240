"""Prompts, sampling, folders of images, and what is measured of them."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import World

from winnow.data.errors import WinnowError
from winnow.generation.prompts import noise_seeds, prompts_of
from winnow.generation.sample import sample
from winnow.generation.settings import Sampling
from winnow.models import diffusion, diffusion_standins
from winnow.models.text_to_image import TextToImageModel

PROMPTS = ["an airport", "two grey roads beside a river", "a beach"]
SEEDS = noise_seeds(0, len(PROMPTS))


def settings(**changes: object) -> Sampling:
    return Sampling.model_validate({"images": 3, "steps": 4, "batch_size": 2, **changes})


def drawn(generator: TextToImageModel, **changes: object) -> np.ndarray:
    return np.concatenate(list(sample(generator, PROMPTS, settings(**changes), SEEDS)))


@pytest.fixture
def generator(tiny_generator: Path) -> TextToImageModel:
    return diffusion.load(tiny_generator)


# sampling


@pytest.mark.parametrize(
    "changes", [{}, {"guidance": 1.0}, {"eta": 0.7, "guidance": 7.5}, {"steps": 7}]
)
def test_images_are_those_of_diffusers(tiny_generator: Path, changes: dict) -> None:
    from diffusers import DDIMScheduler, StableDiffusionPipeline

    asked = settings(**changes)
    pipeline = StableDiffusionPipeline.from_pretrained(tiny_generator, safety_checker=None)
    pipeline.scheduler = DDIMScheduler.from_config(pipeline.scheduler.config)
    pipeline.set_progress_bar_config(disable=True)
    expected = pipeline(
        PROMPTS,
        num_inference_steps=asked.steps,
        guidance_scale=asked.guidance,
        eta=asked.eta,
        generator=[torch.Generator().manual_seed(seed) for seed in SEEDS],
        output_type="np",
    ).images
    found = drawn(diffusion.load(tiny_generator), **changes)
    assert found.std() > 5 and (found[0] != found[1]).any()  # there is something to compare
    assert found.shape == (3, 64, 64, 3) and found.dtype == np.uint8
    assert np.abs(found / 255 - expected).max() <= 1 / 255


def test_an_image_depends_neither_on_its_batch_nor_on_how_many_follow(
    generator: TextToImageModel,
) -> None:
    together = drawn(generator, batch_size=3).astype(int)
    alone = drawn(generator, batch_size=1).astype(int)
    assert np.abs(together - alone).max() <= 1  # sums in another order
    assert noise_seeds(0, 50)[:3] == SEEDS and len(set(noise_seeds(0, 50))) == 50
    assert noise_seeds(1, 3) != SEEDS


@pytest.mark.parametrize("build", ["build_diffusionsat", "build_crs_diff"])
def test_the_published_relatives_draw_from_text_alone(
    generator: TextToImageModel, build: str
) -> None:
    other = getattr(diffusion_standins, build)(generator, seed=1)
    assert drawn(other).shape == (3, 64, 64, 3)


def test_metadata_change_what_diffusionsat_draws(generator: TextToImageModel) -> None:
    torch.manual_seed(0)
    other = diffusion_standins.build_diffusionsat(generator, seed=1)
    for parameter in other.conditions.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    values = np.full((3, other.metadata), np.nan)
    values[1:, 2] = 4.0
    metadata = other.normalise_metadata(values)
    images = [
        np.concatenate(list(sample(other, PROMPTS, settings(), SEEDS, metadata=rows)))
        for rows in (None, metadata)
    ]
    one, other_way = (batch.astype(int) for batch in images)
    changed = np.abs(one - other_way).max(axis=(1, 2, 3)) > 1  # sums in another order change by 1
    assert changed.tolist() == [False, True, True]


def test_masks_change_what_a_controlnet_draws(generator: TextToImageModel) -> None:
    controlnet = diffusion_standins.build_controlnet(generator, 7, seed=1)
    other = replace(generator, controlnet=controlnet)
    masks = torch.zeros(3, 7, 64, 64)
    masks[:, 2] = 1
    before = drawn(generator)
    untrained = np.concatenate(list(sample(other, PROMPTS, settings(), SEEDS, control=masks)))
    assert np.abs(before.astype(int) - untrained).max() <= 1  # it starts without effect
    torch.manual_seed(0)
    for parameter in controlnet.parameters():
        torch.nn.init.normal_(parameter, std=0.05)
    trained = np.concatenate(list(sample(other, PROMPTS, settings(), SEEDS, control=masks)))
    assert (before != trained).any(axis=(1, 2, 3)).all()


# generators that draw nothing


def test_weights_that_are_not_finite(generator: TextToImageModel) -> None:
    generator.unet.conv_out.bias.data[0] = float("nan")
    with pytest.raises(WinnowError, match=r"prompt row 0 is not finite, as are in all 2 of 2"):
        drawn(generator)


@pytest.mark.parametrize(
    ("bias", "message"),
    [
        (-9.0, "t2i: the image of prompt row 0 is black, as are in all 2 of 2"),
        (0.1, "t2i: the image of prompt row 0 is of one colour"),
    ],
)
def test_black_images(generator: TextToImageModel, bias: float, message: str) -> None:
    generator.vae.decoder.conv_out.weight.data.zero_()
    generator.vae.decoder.conv_out.bias.data.fill_(bias)
    with pytest.raises(WinnowError, match=message) as caught:
        drawn(generator)
    assert "a training that diverged does that: use other weights, or train" in str(caught.value)


def test_a_prompt_longer_than_the_tokenizer(generator: TextToImageModel) -> None:
    prompts = [*PROMPTS[:2], "many small grey houses " * 30]
    with pytest.raises(WinnowError, match=r"t2i: the prompt of row 2 has \d+ tokens.* takes 48"):
        next(sample(generator, prompts, settings(), SEEDS))
    cut = settings(long_prompts="truncate")
    assert len(np.concatenate(list(sample(generator, prompts, cut, SEEDS)))) == 3


def test_more_steps_than_the_noise_schedule_has(generator: TextToImageModel) -> None:
    with pytest.raises(WinnowError, match=r"--steps: 1001 is more than the 1000 steps of .*t2i"):
        drawn(generator, steps=1001)


def test_a_prompt_too_long_is_found_before_anything_is_drawn(generator: TextToImageModel) -> None:
    generator.unet.conv_out.bias.data[0] = float("nan")  # the first batch would fail otherwise
    prompts = [*PROMPTS[:2], "many small grey houses " * 30]
    with pytest.raises(WinnowError, match="t2i: the prompt of row 2 has"):
        next(sample(generator, prompts, settings(batch_size=1), SEEDS))


# prompts


def test_prompts_are_the_first_captions_of_the_first_test_images_by_digest(world: World) -> None:
    shuffled = world.human.sample(frac=1, random_state=0)
    prompts = prompts_of(world.pool, world.samples, shuffled, 5)
    test = world.of("test").sort_values("uid")
    assert prompts["uid"].tolist() == test["uid"].tolist()[:5]
    assert prompts["scene"].tolist() == test["scene"].tolist()[:5]
    assert prompts["row"].tolist() == list(range(5))
    first = world.human[world.human["caption_id"] == 0].set_index("uid")["text"]
    assert prompts["prompt"].tolist() == [first[uid] for uid in prompts["uid"]]
    more = prompts_of(world.pool, world.samples, world.human, 16)
    assert more.head(5).equals(prompts)


def test_prompts_that_cannot_be_had(world: World) -> None:
    with pytest.raises(WinnowError, match=r"--images: 17 .* has 16 images; lower generation\."):
        prompts_of(world.pool, world.samples, world.human, 17)
    uid = world.of("test")["uid"].sort_values().iloc[1]
    fewer = world.human[world.human["uid"] != uid]
    assert len(prompts_of(world.pool, world.samples, fewer, 1)) == 1
    with pytest.raises(WinnowError, match=f"image {uid} has no caption"):
        prompts_of(world.pool, world.samples, fewer, 2)
