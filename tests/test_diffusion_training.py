"""Training of generators: repeatable, equal at every size of subset, and only what it should."""

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from conftest import World
from diffusers import DDPMScheduler
from hypothesis import given
from hypothesis import strategies as st

from winnow.command.line import main
from winnow.data.errors import WinnowError
from winnow.data.files import digest_files
from winnow.data.tables import LAYOUTS, PAIR, SUBSET, read_table, write_table
from winnow.models import clip, diffusion, diffusion_standins
from winnow.models.diffusionsat_unet import METADATA
from winnow.models.settings import GeneratorRole
from winnow.models.text_to_image import TextToImageModel
from winnow.terrarium.schema import CLASSES
from winnow.training import autoencoder, generator_standins
from winnow.training import diffusion as training
from winnow.training.diffusion import Examples
from winnow.training.images import land_cover
from winnow.training.perceptual import perceptual_loss
from winnow.training.settings import DiffusionTraining, Optimiser

SETTINGS = DiffusionTraining(
    batch_size=4, samples_seen=12, precision="float32", ema=0.9, learning_rate=1e-3
)
TEXTS = ["a lake", "a bridge", "two white planes", "a forest"]
WORDS = ["--batch-size=4", "--precision=float32", "--threads=1"]

pytestmark = pytest.mark.usefixtures("same_environment")


@pytest.fixture(scope="module", autouse=True)
def _tiny() -> Iterator[None]:
    """The foundry's architectures, but narrow: 64 px, latents 8x8."""
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        narrow = {"block_out_channels": (8, 8, 8, 8)}
        patch.setattr(
            diffusion_standins, "AUTOENCODER", {**diffusion_standins.AUTOENCODER, **narrow}
        )
        patch.setitem(diffusion_standins.UNET, "block_out_channels", (16, 32))
        text = {"hidden_size": 16, "intermediate_size": 32, "num_attention_heads": 2}
        patch.setattr(diffusion_standins, "TEXT", {**diffusion_standins.TEXT, **text})
        yield


def build(seed: int = 0) -> TextToImageModel:
    return diffusion_standins.build_stable_diffusion(TEXTS, seed)


def examples(count: int = 4, **more: Any) -> Examples:
    latents = torch.randn(count, 8, 8, 8, generator=torch.Generator().manual_seed(0))
    return Examples(latents, np.arange(count), [TEXTS[i % 4] for i in range(count)], **more)


def weights(module: Any) -> dict[str, torch.Tensor]:
    return {key: value.clone() for key, value in module.state_dict().items()}


def same(one: dict[str, torch.Tensor], two: dict[str, torch.Tensor]) -> bool:
    return one.keys() == two.keys() and all(torch.equal(v, two[k]) for k, v in one.items())


def changed(one: dict[str, torch.Tensor], two: dict[str, torch.Tensor]) -> set[str]:
    return {key for key, value in one.items() if not torch.equal(value, two[key])}


def fit(settings: DiffusionTraining = SETTINGS, seed: int = 0, **more: Any) -> tuple[Any, Any]:
    """Losses, and a generator that was trained on few pairs."""
    generator = build()
    return training.fit(generator, examples(**more), settings, seed), generator


# the loop


def test_one_seed_gives_one_model() -> None:
    (losses, one), (again, two), (other, three) = fit(), fit(), fit(seed=1)
    assert losses == again != other
    assert same(weights(one.unet), weights(two.unet))
    assert changed(weights(one.unet), weights(three.unet))
    assert not one.unet.training and not any(p.requires_grad for p in one.unet.parameters())


@pytest.mark.parametrize("count", [1, 3, 9])
def test_steps_do_not_depend_on_the_size_of_the_subset(count: int) -> None:
    losses, _ = fit(count=count)
    assert len(losses) == 3


@pytest.mark.parametrize("train_text", [False, True])
def test_the_text_encoder_is_trained_where_asked(train_text: bool) -> None:
    _, tuned = fit(SETTINGS.model_copy(update={"train_text": train_text}))
    before = build()
    assert bool(changed(weights(before.text_encoder), weights(tuned.text_encoder))) == train_text
    assert same(weights(before.vae), weights(tuned.vae))


def test_dropped_prompts_have_no_effect() -> None:
    losses = {}
    for drop in (0.0, 1.0):
        settings = SETTINGS.model_copy(update={"drop_prompt": drop})
        one = training.fit(build(), examples(), settings, 0)
        other = training.fit(
            build(), dataclasses.replace(examples(), texts=["a desert"] * 4), settings, 0
        )
        losses[drop] = one == other
    assert losses == {0.0: False, 1.0: True}


def test_training_learns() -> None:
    settings = SETTINGS.model_copy(
        update={"samples_seen": 320, "batch_size": 8, "learning_rate": 5e-3}
    )
    generator = build()
    one = torch.randn(1, 8, 8, 8, generator=torch.Generator().manual_seed(3))
    known = Examples(one, np.zeros(8, dtype=int), ["a lake"] * 8)
    losses = training.fit(generator, known, settings, 0)
    assert np.mean(losses[-5:]) < 0.8 * np.mean(losses[:3])


# averaged weights


def test_the_average_is_what_is_kept() -> None:
    layer = torch.nn.Linear(1, 1, bias=False)
    torch.nn.init.zeros_(layer.weight)
    after, finish = training._average([layer], 0.5)
    seen = []
    for value in (1.0, 2.0, 3.0):
        torch.nn.init.constant_(layer.weight, value)
        after()
        seen.append(value)
    finish()
    # decays by (1 + n) / (10 + n), at most 0.5, from the second step on
    expected = seen[0]
    for n, value in enumerate(seen[1:], start=1):
        expected += (1 - (1 + n) / (10 + n)) * (value - expected)
    assert layer.weight.item() == pytest.approx(expected, rel=1e-5)


def test_no_average_keeps_the_last_weights() -> None:
    _, averaged = fit()
    _, last = fit(SETTINGS.model_copy(update={"ema": 0.0}))
    assert changed(weights(averaged.unet), weights(last.unet))


# weights of steps


@given(gamma=st.floats(0.1, 50), kind=st.sampled_from(["epsilon", "v_prediction"]))
def test_min_snr_bounds_the_weight_of_the_clean_image(gamma: float, kind: str) -> None:
    schedule = DDPMScheduler(prediction_type=kind)
    found = training.step_weights(schedule, gamma)
    snr = schedule.alphas_cumprod / (1 - schedule.alphas_cumprod)
    of_image = found * (snr if kind == "epsilon" else snr + 1)
    assert torch.allclose(of_image, snr.clamp(max=gamma), rtol=1e-5)


def test_without_min_snr_all_steps_weigh_alike() -> None:
    assert training.step_weights(DDPMScheduler(), None).unique().tolist() == [1.0]


@pytest.mark.parametrize("kind", ["epsilon", "v_prediction"])
def test_the_right_target_has_no_loss(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    generator = build()
    generator.schedule["prediction_type"] = kind
    known = examples()
    schedule = DDPMScheduler.from_config(generator.schedule)

    def perfect(_: Any, noisy: torch.Tensor, steps: torch.Tensor, *__: Any) -> torch.Tensor:
        kept = schedule.alphas_cumprod[steps].view(-1, 1, 1, 1)
        clean = known.latents[torch.arange(4)]
        noise = (noisy - kept.sqrt() * clean) / (1 - kept).sqrt()
        return noise if kind == "epsilon" else kept.sqrt() * noise - (1 - kept).sqrt() * clean

    monkeypatch.setattr(TextToImageModel, "denoise", perfect)
    loss = training.denoising_loss(generator, known, SETTINGS, 0)(np.arange(4))
    assert loss.item() == pytest.approx(0, abs=1e-6)


# what is trained


def test_lora_changes_attention_alone_and_leaves_no_trace(tmp_path: Path) -> None:
    settings = SETTINGS.model_copy(update={"lora_rank": 2})
    _, tuned = fit(settings)
    before, after = weights(build().unet), weights(tuned.unet)
    assert before.keys() == after.keys()
    moved = changed(before, after)
    assert moved and all(any(f".{name}." in key for name in training.LORA_LAYERS) for key in moved)
    diffusion.save(tuned, tmp_path)
    assert same(weights(diffusion.load(tmp_path).unet), after)


def test_a_controlnet_is_trained_alone() -> None:
    generator = build()
    generator.controlnet = diffusion_standins.build_controlnet(generator, len(CLASSES), 0)
    before = weights(generator.controlnet), weights(generator.unet)
    masks = torch.randint(len(CLASSES), (4, 64, 64), dtype=torch.uint8)
    training.fit(generator, examples(masks=masks), SETTINGS, 0)
    assert changed(before[0], weights(generator.controlnet))
    assert same(before[1], weights(generator.unet))


def test_labels_become_classes() -> None:
    found = training.one_hot(torch.tensor([[[0, 2], [1, 1]]], dtype=torch.uint8), 3)
    assert found.shape == (1, 3, 2, 2) and found.sum(1).eq(1).all()
    assert found[0, 2].tolist() == [[0, 1], [0, 0]]


@pytest.mark.parametrize("kind", ["diffusionsat", "crs_diff"])
def test_metadata_are_learned(kind: str) -> None:
    generator = getattr(diffusion_standins, f"build_{kind}")(build(), 0)
    before = weights(generator.conditions)
    values = np.full((4, len(METADATA)), np.nan)
    values[:, METADATA.index("cloud")] = [0.0, 0.1, 0.2, 0.3]
    metadata = generator.normalise_metadata(values)
    training.fit(generator, examples(metadata=metadata), SETTINGS, 0)
    assert changed(before, weights(generator.conditions))
    assert not any(parameter.requires_grad for parameter in generator.conditions.parameters())


# the autoencoder


def test_the_autoencoder_learns_colours(standin: Path) -> None:
    dice = np.random.default_rng(0)
    pixels = np.repeat(dice.integers(0, 256, (12, 1, 1, 3), dtype=np.uint8), 64, axis=1)
    pixels = np.repeat(pixels, 64, axis=2)
    vae = build().vae
    before = autoencoder.psnr(vae, pixels)
    settings = Optimiser(
        batch_size=4, learning_rate=5e-3, weight_decay=0, precision="float32", warmup=0
    )
    losses = autoencoder.fit(vae, pixels, clip.load(standin), settings, 80, 0)
    assert len(losses) == 20 and losses[-1] < losses[0]
    assert autoencoder.psnr(vae, pixels) > before + 1
    with torch.no_grad():
        inside = autoencoder.to_tensor(pixels, torch.device("cpu"))
        latents = vae.encode(inside).latent_dist.mode() * vae.config.scaling_factor
    assert latents.std().item() == pytest.approx(1, rel=1e-3)


def test_the_autoencoder_wants_images(world: World, standin: Path) -> None:
    with pytest.raises(WinnowError, match="reference split has 1 images"):
        generator_standins.train_autoencoder(
            world.pool, world.samples.iloc[:1], world.human, standin, Optimiser(), 8
        )


def test_the_perceptual_loss_is_lpips_without_weights(standin: Path) -> None:
    seen = clip.load(standin)
    one, two = torch.rand(2, 3, 3, 32, 32, generator=torch.Generator().manual_seed(0)) * 2 - 1
    one.requires_grad_(True)
    two.requires_grad_(True)
    distance = perceptual_loss(seen)
    assert distance(one, one).item() == pytest.approx(0, abs=1e-6)
    found = distance(one, two)
    found.backward()
    assert one.grad is not None and one.grad.abs().sum() > 0 and two.grad is None

    levels: list[list[torch.Tensor]] = []
    tower = seen.model.visual
    for images in (one, two):
        kept: list[torch.Tensor] = []
        hooks = [
            level.register_forward_hook(
                lambda _module, _inputs, output, kept=kept: kept.append(output)
            )
            for level in (tower.layer1, tower.layer2, tower.layer3)
        ]
        with torch.no_grad():
            seen.encode_images(((images + 1) * 127.5).permute(0, 2, 3, 1))
        levels.append(kept)
        for hook in hooks:
            hook.remove()
    cosines = [torch.cosine_similarity(*pair, dim=1).mean() for pair in zip(*levels, strict=True)]
    # of vectors of length one the squared distance is twice what their cosine lacks
    assert found.item() == pytest.approx(sum(2 - 2 * c.item() for c in cosines), rel=1e-3)


def test_the_perceptual_loss_reads_a_resnet(standin: Path) -> None:
    other = clip.load(standin)
    other.model.visual = torch.nn.Identity()
    with pytest.raises(WinnowError, match="reads a CLIP's ResNet, and this has a Identity"):
        perceptual_loss(other)


def test_pixels_survive_the_round_trip() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (2, 4, 4, 3), dtype=np.uint8)
    there = autoencoder.to_tensor(pixels, torch.device("cpu"))
    assert there.abs().max() <= 1
    assert np.array_equal(autoencoder.to_pixels(there), pixels)


# the foundry's feed


def test_metadata_come_from_layouts(world: World) -> None:
    layouts = read_table(world.layouts_path, LAYOUTS)
    uids = layouts["uid"].tolist()[:3]
    values = generator_standins.metadata_values(layouts, uids)
    first = json.loads(layouts["layout"].iloc[0])
    assert values[0, METADATA.index("ground_sample_distance")] == first["gsd"]
    assert values[0, METADATA.index("month")] == generator_standins.MONTHS[first["season"]]
    assert np.isnan(values[:, METADATA.index("longitude")]).all()
    without = generator_standins.metadata_values(layouts.iloc[1:], uids)
    assert np.isnan(without[0]).all() and np.array_equal(without[1:], values[1:], equal_nan=True)


def test_masks_come_in_the_order_asked_for(world: World) -> None:
    uids = world.samples["uid"].tolist()[:5]
    masks = land_cover(world.pool / "masks", uids, 64)
    assert masks.shape == (5, 64, 64) and masks.max() < len(CLASSES)
    assert np.array_equal(land_cover(world.pool / "masks", uids[::-1], 64), masks[::-1])
    with pytest.raises(WinnowError, match="1 of 6 images have no mask"):
        land_cover(world.pool / "masks", [*uids, "0" * 32], 64)


def test_some_captions_mislead(world: World) -> None:
    pairs = world.human[["uid", "text"]]
    told = generator_standins.mismatched_pairs(pairs, world.samples, 0)
    assert told["uid"].tolist() == pairs["uid"].tolist()
    share = (told["text"].to_numpy() != pairs["text"].to_numpy()).mean()
    assert share == pytest.approx(generator_standins.MISMATCHED, abs=0.1)


# the verbs


@pytest.fixture(scope="module")
def foundry(world: World, standin: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folders `autoencoder` and `t2i`, hardly trained."""
    root = tmp_path_factory.mktemp("foundry")
    feed = [f"--pool={world.pool}", f"--human={world.human_path}", *WORDS]
    made = [*feed, f"--clip={standin}", "--images-seen=8", f"--output={root / 'autoencoder'}"]
    assert main(["train-autoencoder", *made]) == 0
    assert train_standin(world, root, "t2i", "autoencoder") == 0
    return root


def train_standin(world: World, root: Path, role: GeneratorRole, start: str, *more: str) -> int:
    return main(
        ["train-generator-standin", f"--pool={world.pool}", f"--human={world.human_path}",
         f"--layouts={world.layouts_path}", f"--start={root / start}", f"--role={role}",
         f"--output={root / role}", "--samples-seen=8", *WORDS, *more]
    )  # fmt: skip


def test_the_foundry_writes_whole_models(foundry: Path) -> None:
    record = json.loads((foundry / "autoencoder" / "foundry.json").read_text())
    assert np.isfinite(record["psnr_db"])
    one, two = (diffusion.load(foundry / name) for name in ("autoencoder", "t2i"))
    assert same(weights(one.vae), weights(two.vae))
    assert changed(weights(one.unet), weights(two.unet))


@pytest.mark.parametrize(
    ("role", "kind"),
    [("geo_rssd", "stable_diffusion"), ("diffusionsat", "diffusionsat"), ("crs_diff", "crs_diff")],
)
def test_baselines_load(foundry: Path, world: World, role: GeneratorRole, kind: str) -> None:
    assert train_standin(world, foundry, role, "t2i") == 0
    assert diffusion.load(foundry / role).kind == kind
    record = json.loads((foundry / role / "foundry.json").read_text())
    assert record["parameters"]["role"] == role and np.isfinite(record["loss"])


def test_stand_ins_share_files(foundry: Path, world: World, tmp_path: Path) -> None:
    t2i = foundry / "t2i"
    assert train_standin(world, tmp_path, "geo_rssd", str(t2i), "--train-text=true") == 0
    assert train_standin(world, tmp_path, "diffusionsat", "geo_rssd", "--train-text=true") == 0
    folders = (t2i, tmp_path / "geo_rssd", tmp_path / "diffusionsat")
    encoders = [digest_files(sorted((f / "text_encoder").glob("*.safetensors"))) for f in folders]
    assert encoders[0] != encoders[1] == encoders[2]
    assert len({digest_files(sorted((f / "vae").glob("*.safetensors"))) for f in folders}) == 1
    records = [json.loads((folder / "foundry.json").read_text()) for folder in folders[1:]]
    assert [record["parameters"]["train_text"] for record in records] == [True, False]


def test_the_controlnet_loads(foundry: Path, world: World) -> None:
    assert train_standin(world, foundry, "controlnet", "t2i") == 0
    found = diffusion.load_controlnet(foundry / "controlnet")
    assert found.config.conditioning_channels == len(CLASSES)


def tune(world: World, model: Path, output: Path, subset: pd.DataFrame, *more: str) -> int:
    path = output.parent / f"{output.name}.subset.parquet"
    write_table(path, subset, SUBSET)
    return main(
        ["train-generator", f"--pool={world.pool}", f"--captions={world.raw_path}",
         f"--subset={path}", f"--model={model}", f"--output={output}", "--samples-seen=8",
         "--seed=0", *WORDS, *more]
    )  # fmt: skip


def test_fine_tuning_repeats_itself(world: World, foundry: Path, tmp_path: Path) -> None:
    for name, more in (("a", []), ("b", []), ("c", ["--seed=1"])):
        assert tune(world, foundry / "t2i", tmp_path / name, world.raw.iloc[:10], *more) == 0
    a, b, c = (digest_files(sorted((tmp_path / n / "unet").glob("*.safetensors"))) for n in "abc")
    assert a == b != c
    diffusion.load(tmp_path / "a")
    record = json.loads((tmp_path / "a" / "training.json").read_text())
    assert record["parameters"]["pairs"] == 10 and np.isfinite(record["loss"])
    assert {"subset", "captions", "model/unet/diffusion_pytorch_model.safetensors"} <= set(
        record["inputs"]
    )
    assert json.loads((tmp_path / "a" / "cost.json").read_text())["samples"] == 8


def test_a_subset_that_does_not_fit(
    world: World, foundry: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "model"
    strange = world.raw[PAIR].iloc[:2].assign(caption_id=[98, 99])
    assert tune(world, foundry / "t2i", output, strange) == 2
    assert "is no pair of the captions (2 such rows" in capsys.readouterr().err
    assert tune(world, foundry / "t2i", output, world.raw.iloc[:0]) == 2
    assert "the subset is empty" in capsys.readouterr().err
    assert not output.exists()
