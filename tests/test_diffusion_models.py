"""Text-to-image models: what their networks compute, their published layouts, bad folders."""

import copy
import json
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from safetensors.torch import load_file, save_file
from torch.nn import functional

from winnow.command.line import main
from winnow.data.errors import WinnowError
from winnow.data.files import DIGESTS
from winnow.models import (
    clip_tokenizer,
    crs_diff,
    crs_network,
    diffusion,
    diffusion_hub,
    diffusion_standins,
    diffusionsat_unet,
)
from winnow.models.crs_config import Configuration
from winnow.models.ldm_weight_names import autoencoder_name, is_projection
from winnow.models.text_to_image import TextToImageModel

TEXTS = ["an airport with two planes", "green fields beside a river", "a harbour, ten boats!"]
LONG = "boats " * 90
CLASSES = 5
SATELLITE_UNET = f"checkpoint-{diffusion.STEPS}/unet"
UNET = "unet/diffusion_pytorch_model.safetensors"
UNSEALED = shutil.ignore_patterns(DIGESTS)

pytestmark = pytest.mark.usefixtures("same_environment")


@pytest.fixture(scope="module")
def small() -> Any:
    """Sizes below the stand-ins', for speed."""
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(diffusion_standins.AUTOENCODER, "block_out_channels", (8, 16, 16, 16))
        patch.setitem(diffusion_standins.UNET, "block_out_channels", (32, 64))
        patch.setitem(diffusion_standins.TEXT, "hidden_size", 32)
        patch.setitem(diffusion_standins.TEXT, "intermediate_size", 64)
        patch.setitem(diffusion_standins.TEXT, "num_hidden_layers", 1)
        yield


@pytest.fixture(scope="module")
def models(small: None) -> dict[str, TextToImageModel]:
    """One of each kind, whose conditions have an effect."""
    base = diffusion_standins.build_stable_diffusion(TEXTS, 0)
    satellite = diffusion_standins.build_diffusionsat(base, 1)
    adapted = diffusion_standins.build_crs_diff(base, 2)
    with torch.no_grad():
        for conditions in (satellite.conditions, adapted.conditions):
            for weight in conditions.parameters():
                weight.normal_(std=0.05)
    return {"stable_diffusion": base, "diffusionsat": satellite, "crs_diff": adapted}


@pytest.fixture(scope="module")
def saved(
    models: dict[str, TextToImageModel], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("saved")
    for kind, model in models.items():
        (folder / kind).mkdir()
        diffusion.save(model, folder / kind)
    return {kind: folder / kind for kind in models}


@pytest.fixture
def copied(saved: dict[str, Path], tmp_path: Path) -> Callable[[str], Path]:
    """A copy of a kind's folder, to break; without digests, which alone would tell of it."""

    def copy(kind: str) -> Path:
        return Path(shutil.copytree(saved[kind], tmp_path / "copy", ignore=UNSEALED))

    return copy


@torch.no_grad()
def predicted(model: TextToImageModel, **conditions: Any) -> torch.Tensor:
    draws = torch.Generator().manual_seed(3)
    latents = torch.randn(3, *model.latent_shape, generator=draws)
    context = model.encode_prompts(TEXTS)
    return model.denoise(latents, torch.tensor([1, 500, 999]), context, **conditions)


def edit_json(path: Path, **changes: Any) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def edit_weights(path: Path, change: Callable[[dict[str, torch.Tensor]], Any]) -> None:
    state = load_file(path)
    change(state)
    path.unlink()
    save_file(state, path, metadata={"format": "pt"})


def graft(folder: Path, part: str, **changes: Any) -> None:
    """Put a new part, whose configuration differs in `changes`, in the place of a pipeline's."""
    from diffusers import AutoencoderKL, UNet2DConditionModel
    from transformers import CLIPTextConfig, CLIPTextModel

    kinds = {"vae": AutoencoderKL, "unet": UNet2DConditionModel}
    config = {**json.loads((folder / part / "config.json").read_text()), **changes}
    shutil.rmtree(folder / part)
    if part == "text_encoder":
        CLIPTextModel(CLIPTextConfig(**config)).save_pretrained(folder / part)
    else:
        kinds[part].from_config(config).save_pretrained(folder / part)


# in use


def test_images_and_latents(models: dict[str, TextToImageModel]) -> None:
    model = models["stable_diffusion"]
    assert (model.size, model.latent_shape, model.context_length) == (64, (8, 8, 8), 48)
    pixels = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3), dtype=np.uint8)
    with torch.no_grad():
        latents = model.encode_images(pixels)
        posterior = model.vae.encode(torch.from_numpy(pixels).permute(0, 3, 1, 2) / 127.5 - 1)
        images = model.decode(latents)
    scale = model.vae.config.scaling_factor
    torch.testing.assert_close(latents, posterior.latent_dist.mean * scale)
    assert images.shape == pixels.shape and images.dtype == np.uint8
    latents[1, 0, 0, 0] = torch.nan
    told = r"row 8 is not finite, as are in all 1 of 2; use other weights, or train "
    with torch.no_grad(), pytest.raises(WinnowError, match=told):
        model.decode(latents, first=7)


def test_a_prompt_that_is_too_long(models: dict[str, TextToImageModel]) -> None:
    model = models["stable_diffusion"]
    with torch.no_grad():
        with pytest.raises(WinnowError, match=r"prompt of row 1 has \d\d+ tokens.*takes 48"):
            model.encode_prompts([TEXTS[0], LONG])
        cut = model.encode_prompts([TEXTS[0], LONG], "truncate")
        torch.testing.assert_close(cut[:1], model.encode_prompts(TEXTS[:1]))
    assert cut.shape == (2, 48, 32)


def test_the_published_tokenizer_is_clips() -> None:
    from open_clip import get_tokenizer

    tokenizer = clip_tokenizer.published()
    texts = [*TEXTS, "It's 3 STOREYS high; café."]
    found = tokenizer(texts, padding="max_length", max_length=77)["input_ids"]
    ids = [row[: row.index(49407) + 1] for row in found]
    expected = get_tokenizer("ViT-L-14")(texts).tolist()
    assert ids == [row[: row.index(49407) + 1] for row in expected]
    assert tokenizer.pad_token_id == 49407  # as Stable Diffusion 1 pads


@pytest.mark.parametrize("kind", ["diffusionsat", "crs_diff"])
def test_metadata_steer(models: dict[str, TextToImageModel], kind: str) -> None:
    model = models[kind]
    nothing = model.normalise_metadata(np.full((3, 7), np.nan))
    some = model.normalise_metadata(np.array([[30.0, 50, 0.5, 0.1, 2015, 6, 15]] * 3))
    torch.testing.assert_close(predicted(model), predicted(model, metadata=nothing))
    assert (predicted(model) - predicted(model, metadata=some)).abs().max() > 1e-3
    kept = model.unconditional_metadata(some)
    assert bool(kept.any()) == (kind == "crs_diff")


def test_maps_and_content_steer_crs_diff(models: dict[str, TextToImageModel]) -> None:
    model = replace(models["crs_diff"], conditions=copy.deepcopy(models["crs_diff"].conditions))
    draws = torch.Generator().manual_seed(5)
    with torch.no_grad():  # three layers of small weights would hide an embedding
        for weight in model.conditions.global_content_adapter.parameters():
            weight.normal_(std=0.5, generator=draws)
    maps = torch.rand(2, 3, 18, 64, 64, generator=draws)
    content = torch.randn(2, 3, 32, generator=draws)
    text_alone = predicted(model)
    for name, (some, others) in {"control": maps, "content": content}.items():
        found, other = predicted(model, **{name: some}), predicted(model, **{name: others})
        for one, two in ((found, text_alone), (other, text_alone), (found, other)):
            assert (one - two).abs().amax((1, 2, 3)).min() > 1e-3, name  # of every image
        mixed = predicted(model, **{name: torch.cat([some[:1], others[1:]])})
        torch.testing.assert_close(mixed, torch.cat([found[:1], other[1:]]))  # each has its own
    nothing = {"control": torch.zeros(3, 18, 64, 64), "content": torch.zeros(3, 32)}
    torch.testing.assert_close(predicted(model, **nothing), text_alone)


def test_conditions_that_do_not_fit(models: dict[str, TextToImageModel]) -> None:
    for kind, conditions, message in (
        ("stable_diffusion", {"metadata": torch.zeros(3, 7)}, "takes no metadata"),
        ("stable_diffusion", {"control": torch.zeros(3, 5, 64, 64)}, "takes no control"),
        ("diffusionsat", {"metadata": torch.zeros(3, 6)}, r"shape \(3, 6\), expected \(3, 7\)"),
        ("crs_diff", {"control": torch.zeros(3, 18, 32, 32)}, r"expected \(3, 18, 64, 64\)"),
        ("crs_diff", {"content": torch.zeros(2, 32)}, r"content of shape .* \(3, 32\)"),
    ):
        with pytest.raises(WinnowError, match=message):
            predicted(models[kind], **conditions)
    with pytest.raises(WinnowError, match="Stable Diffusion takes no metadata"):
        models["stable_diffusion"].normalise_metadata(np.zeros((1, 7)))


def test_new_conditions_have_no_effect(models: dict[str, TextToImageModel]) -> None:
    base = models["stable_diffusion"]
    satellite = diffusion_standins.build_diffusionsat(base, 1)
    values = np.array([[30.0, 50, 0.5, 0.1, 2015, 6, 15]] * 3)
    found = predicted(satellite, metadata=satellite.normalise_metadata(values))
    torch.testing.assert_close(found, predicted(base))
    adapted = diffusion_standins.build_crs_diff(base, 1)
    maps = torch.rand(3, 18, 64, 64)
    known = adapted.normalise_metadata(values)
    torch.testing.assert_close(predicted(adapted, control=maps, metadata=known), predicted(adapted))


def test_a_controlnet(models: dict[str, TextToImageModel], tmp_path: Path) -> None:
    base = models["stable_diffusion"]
    network = diffusion_standins.build_controlnet(base, CLASSES, 0)
    masks = torch.rand(3, CLASSES, 64, 64)
    torch.testing.assert_close(
        predicted(replace(base, controlnet=network), control=masks), predicted(base)
    )
    with torch.no_grad():
        for weight in network.parameters():
            weight.add_(0.1 * torch.randn_like(weight))
    diffusion.save_controlnet(network, tmp_path / "net")
    again = diffusion.with_controlnet(base, tmp_path / "net")
    found = predicted(again, control=masks)
    torch.testing.assert_close(found, predicted(replace(base, controlnet=network), control=masks))
    assert (found - predicted(again)).abs().max() > 1e-4  # without a mask: zeros
    with pytest.raises(WinnowError, match=r"control of shape .*expected \(3, 5, 64, 64\)"):
        predicted(again, control=masks[:, :4])
    with pytest.raises(WinnowError, match="start from a Stable Diffusion"):
        diffusion_standins.build_controlnet(models["diffusionsat"], CLASSES, 0)


def test_a_controlnet_of_another_unet(models: dict[str, TextToImageModel], tmp_path: Path) -> None:
    from diffusers import ControlNetModel, UNet2DConditionModel

    base = models["stable_diffusion"]
    plain = diffusion_standins.build_controlnet(base, CLASSES, 0).config

    def joined(generator: TextToImageModel, **changes: Any) -> TextToImageModel:
        ControlNetModel.from_config({**plain, **changes}).save_pretrained(tmp_path)
        return diffusion.with_controlnet(generator, tmp_path)

    for changes in (
        {"cross_attention_dim": 64},
        {"block_out_channels": [32, 32]},
        {"layers_per_block": 2},
        {"in_channels": 4},
    ):
        (key,) = changes
        with pytest.raises(WinnowError) as caught:
            joined(base, **changes)
        told = str(caught.value)
        assert told.startswith(f"{tmp_path}/config.json: `{key}` is {changes[key]}, but that of ")
        assert f"{base.name} is {base.unet.config[key]}; take" in told
    by_block = {**base.unet.config, "cross_attention_dim": [32, 32], "layers_per_block": [1, 1]}
    other = replace(base, unet=UNet2DConditionModel.from_config(by_block))
    assert joined(other).unet is other.unet


# what the published networks compute


def test_metadata_of_diffusionsat_are_normalised_as_published() -> None:
    """The example of the published notebook, unknown values aside."""
    values = np.array([[153.31673, -27.862, 0.4114541, 0, 2017, 2, 11], [np.nan] * 7])
    found = diffusionsat_unet.normalise(values)
    expected = [925.8798, 345.2111, 411.4541, 0, 308.3333, 166.6667, 354.8387]
    np.testing.assert_allclose(found[0], expected, rtol=1e-5)
    assert not found[1].any()


def test_metadata_of_crs_diff_are_normalised_as_published() -> None:
    """Year, month, day, metres, cloud, latitude, longitude within their published ranges."""
    values = np.array([[90.0, -45, 2.5, 0.3, 2002, 6, 31]])
    expected = [0.5, 0.5, 1, 0.5, 0.3, 0.25, 0.75]
    np.testing.assert_allclose(crs_network.normalise(values)[0], expected, rtol=1e-6)


def test_the_sum_of_diffusionsats_embeddings(models: dict[str, TextToImageModel]) -> None:
    embedding = models["diffusionsat"].conditions
    values = torch.tensor([[925.9, 345.2, 411.5, 0.0, 308.3, 166.7, 354.8]])
    rates = torch.exp(-np.log(10000) * torch.arange(16) / 16)
    total = torch.zeros(1, 128)
    for value, part in zip(values[0], embedding.parts, strict=True):
        waves = torch.cat([(value * rates).cos(), (value * rates).sin()])[None]
        hidden = functional.silu(part.linear_1(waves))
        total = total + part.linear_2(hidden)
    torch.testing.assert_close(embedding(values), total, rtol=1e-3, atol=1e-3)


def test_the_sum_of_crs_diffs_embeddings() -> None:
    torch.manual_seed(0)
    embedding = crs_network.MetadataEmbedding(2, 8, 1000)
    values = torch.tensor([[0.25, 0.9]])
    total = torch.zeros(1, 32)
    for column, part in enumerate(embedding.mlp_models):
        waves = torch.zeros(1, 8)
        for pair in range(4):
            angle = values[0, column] * 1000 * 10000 ** (-2 * pair / 8)
            waves[0, 2 * pair], waves[0, 2 * pair + 1] = angle.sin(), angle.cos()
        total = total + part["fc1"](waves)
    torch.testing.assert_close(embedding(values), total, rtol=1e-3, atol=1e-3)


def test_attention_and_modulation_of_crs_diff() -> None:
    from winnow.models.crs_local import AttentiveModulation

    torch.manual_seed(0)
    layer = AttentiveModulation(16, 4, groups=8)
    x, condition = torch.randn(2, 16, 4, 4), torch.randn(2, 4, 4, 4)
    one = layer.attention
    query, key, value = (c(x).flatten(2) for c in (one.query_conv, one.key_conv, one.value_conv))
    shares = torch.einsum("nci,ncj->nij", query, key).softmax(-1)  # not divided by a root
    attended = x + torch.einsum("nij,ncj->nci", shares, value).view_as(x)
    plain = functional.group_norm(attended, 8)
    expected = plain * (1 + layer.fdn.conv_gamma(condition)) + layer.fdn.conv_beta(condition)
    torch.testing.assert_close(layer(x, condition), expected, rtol=1e-4, atol=1e-5)


def test_names_of_latent_diffusion_agree_with_diffusers(
    models: dict[str, TextToImageModel],
) -> None:
    """diffusers' own conversion of a Latent Diffusion checkpoint undoes ours."""
    from diffusers.loaders import single_file_utils

    model = models["crs_diff"]
    state = {
        f"model.diffusion_model.{key}": value
        for key, value in crs_diff.unet_state(model.conditions.config, model.unet).items()
    }
    config = {**model.unet.config, "class_embed_type": None}
    found = single_file_utils.convert_ldm_unet_checkpoint(dict(state), config)
    expected = model.unet.state_dict()
    assert set(found) == set(expected)
    assert all(torch.equal(found[key], expected[key]) for key in expected)
    state = {}
    for key, value in model.vae.state_dict().items():
        name = autoencoder_name(key, 4)
        value = value[:, :, None, None] if is_projection(name) else value
        state[f"first_stage_model.{name}"] = value
    found = single_file_utils.convert_ldm_vae_checkpoint(dict(state), model.vae.config)
    expected = model.vae.state_dict()
    assert set(found) == set(expected)
    assert all(torch.equal(found[key], expected[key]) for key in expected)


def test_crs_diff_at_its_published_size() -> None:
    """Names, shapes and counts; nothing is allotted."""
    config = Configuration()
    with torch.device("meta"):
        unet, adapters = crs_diff.build_unet(config), crs_network.Adapters(config)
    named = crs_diff.unet_state(config, unet)
    assert len(named) == 686  # as in Stable Diffusion 1
    state = {key: tuple(value.shape) for key, value in named.items()}
    for key, value in adapters.state_dict().items():
        state[crs_network.adapter_name(key)] = tuple(value.shape)
    shapes = {
        "input_blocks.1.1.transformer_blocks.0.attn2.to_k.weight": (320, 768),
        "output_blocks.5.2.conv.weight": (1280, 1280, 3, 3),
        "local_adapter.time_embed.2.weight": (1280, 1280),
        "local_adapter.feature_extractor.pre_extractor.0.weight": (32, 18, 3, 3),
        "local_adapter.feature_extractor.pre_extractor.8.weight": (128, 128, 3, 3),
        "local_adapter.feature_extractor.extractors.3.0.weight": (512, 384, 3, 3),
        "local_adapter.feature_extractor.zero_convs.3.bias": (512,),
        "local_adapter.input_blocks.0.0.weight": (320, 4, 3, 3),
        "local_adapter.input_blocks.1.0.norm_in.fdn.conv_gamma.weight": (320, 192, 3, 3),
        "local_adapter.input_blocks.4.0.norm_in.attention.query_conv.weight": (40, 320, 1, 1),
        "local_adapter.input_blocks.4.0.norm_out.fdn.conv_beta.weight": (640, 256, 3, 3),
        "local_adapter.input_blocks.4.0.in_layers.2.weight": (640, 320, 3, 3),
        "local_adapter.input_blocks.4.0.skip_connection.weight": (640, 320, 1, 1),
        "local_adapter.input_blocks.2.0.in_layers.0.weight": (320,),
        "local_adapter.input_blocks.2.0.emb_layers.1.weight": (320, 1280),
        "local_adapter.input_blocks.3.0.op.weight": (320, 320, 3, 3),
        "local_adapter.input_blocks.8.1.transformer_blocks.0.ff.net.0.proj.bias": (10240,),
        "local_adapter.middle_block.2.out_layers.3.weight": (1280, 1280, 3, 3),
        "local_adapter.zero_convs.11.0.weight": (1280, 1280, 1, 1),
        "local_adapter.middle_block_out.0.bias": (1280,),
        "global_content_adapter.ff1.net.0.proj.weight": (6144, 768),
        "global_content_adapter.ff2.net.2.weight": (3072, 6144),
        "global_content_adapter.norm2.weight": (1536,),
        "metadata_emb.mlp_models.6.fc1.weight": (1280, 320),
    }
    assert {key: state.get(key) for key in shapes} == shapes


# folders


@pytest.mark.parametrize("kind", ["stable_diffusion", "diffusionsat", "crs_diff"])
def test_a_saved_generator_comes_back(
    models: dict[str, TextToImageModel], saved: dict[str, Path], kind: str, tmp_path: Path
) -> None:
    again = diffusion.load(saved[kind])
    assert again.kind == kind and not any(m.training for m in (again.unet, again.text_encoder))
    torch.testing.assert_close(predicted(again), predicted(models[kind]))
    assert again.schedule["clip_sample"] is False
    diffusion.save(again, tmp_path, half=True)
    path = {"stable_diffusion": UNET, "diffusionsat": UNET.replace("unet", SATELLITE_UNET, 1)}
    weights = load_file(tmp_path / path.get(kind, crs_diff.WEIGHTS))
    assert {value.dtype for value in weights.values()} == {torch.float16}
    notes = [path.read_text() for path in tmp_path.rglob("*") if path.suffix in (".json", ".yaml")]
    assert notes and not any(str(saved[kind]) in note for note in notes)
    halved = diffusion.load(tmp_path)
    near = predicted(halved)
    assert (near - predicted(again)).norm() < 0.05 * near.norm()
    parts = (halved.vae, halved.unet, halved.text_encoder, halved.conditions)
    assert {p.dtype for part in parts if part for p in part.parameters()} == {torch.float32}


def test_diffusers_reads_a_saved_stable_diffusion(saved: dict[str, Path]) -> None:
    from diffusers import DiffusionPipeline, StableDiffusionPipeline

    pipeline = DiffusionPipeline.from_pretrained(saved["stable_diffusion"])
    assert isinstance(pipeline, StableDiffusionPipeline)
    assert pipeline.scheduler.config.clip_sample is False


def test_the_newest_checkpoint_of_diffusionsat(copied: Callable[[str], Path]) -> None:
    folder = copied("diffusionsat")
    shutil.copytree(folder / SATELLITE_UNET, folder / "checkpoint-9000/unet")
    (folder / "checkpoint-100000/unet").mkdir(parents=True)  # without a UNet
    assert diffusion.unet_folder(folder) == folder / "checkpoint-9000/unet"
    shutil.move(folder / SATELLITE_UNET, folder / "unet")
    shutil.rmtree(folder / "checkpoint-9000")
    assert diffusion.load(folder).kind == "diffusionsat"


def test_the_pipeline_of_diffusionsat_has_its_published_name(copied: Callable[[str], Path]) -> None:
    folder = copied("diffusionsat")
    index = folder / "model_index.json"
    index.write_text(index.read_text().replace("StableDiffusionPipeline", "DiffusionSatPipeline"))
    assert diffusion.load(folder).kind == "diffusionsat"


BROKEN: dict[str, tuple[str, Callable[[Path], Any], str]] = {
    "nothing": (
        "stable_diffusion",
        lambda f: (f / "model_index.json").unlink(),
        r"no model_index\.json and no crs\.yaml; `winnow fetch-model`",
    ),
    "another pipeline": (
        "stable_diffusion",
        lambda f: edit_json(f / "model_index.json", _class_name="StableDiffusionXLPipeline"),
        r"model_index\.json: `_class_name` is 'StableDiffusionXLPipeline'",
    ),
    "no part": (
        "stable_diffusion",
        lambda f: shutil.rmtree(f / "vae"),
        r"vae: no config\.json, so the model lacks its vae",
    ),
    "no weights": (
        "stable_diffusion",
        lambda f: (f / UNET).unlink(),
        r"unet: cannot be loaded as UNet2DConditionModel",
    ),
    "missing key": (
        "stable_diffusion",
        lambda f: edit_weights(f / UNET, lambda s: s.pop("conv_out.bias")),
        r"unet: missing keys: conv_out\.bias \(1 in all\)",
    ),
    "unexpected key": (
        "stable_diffusion",
        lambda f: edit_weights(f / UNET, lambda s: s.update(other=torch.zeros(1))),
        r"unet: unexpected keys: other",
    ),
    "shape": (
        "stable_diffusion",
        lambda f: edit_weights(f / UNET, lambda s: s.update({"conv_in.bias": torch.zeros(3)})),
        r"unet: .*conv_in\.bias",
    ),
    "shape of the text encoder": (
        "stable_diffusion",
        lambda f: edit_json(f / "text_encoder/config.json", intermediate_size=48),
        r"text_encoder: .*mlp\.fc1",
    ),
    "prediction": (
        "stable_diffusion",
        lambda f: edit_json(f / "scheduler/scheduler_config.json", prediction_type="sample"),
        r"scheduler_config\.json: `prediction_type` is 'sample'",
    ),
    "no tokenizer": (
        "stable_diffusion",
        lambda f: shutil.rmtree(f / "tokenizer"),
        r"tokenizer: no tokenizer can be loaded",
    ),
    "latents of another autoencoder": (
        "stable_diffusion",
        lambda f: graft(f, "vae", latent_channels=4),
        r"unet/config\.json: `in_channels` is 8, but `latent_channels` in .*vae/config\.json is 4;",
    ),
    "latents that are more than noise": (
        "stable_diffusion",
        lambda f: graft(f, "unet", out_channels=16),
        r"unet/config\.json: `out_channels` is 16, but `latent_channels` in .* is 8;",
    ),
    "width of another text encoder": (
        "stable_diffusion",
        lambda f: graft(f, "text_encoder", hidden_size=64),
        r"`cross_attention_dim` is 32, but `hidden_size` in .*text_encoder/config\.json is 64;",
    ),
    "width of another text encoder for DiffusionSat": (
        "diffusionsat",
        lambda f: graft(f, "text_encoder", hidden_size=64),
        rf"{SATELLITE_UNET}/config\.json: `cross_attention_dim` is 32, but `hidden_size` ",
    ),
    "one block of another width": (
        "stable_diffusion",
        lambda f: graft(f, "unet", cross_attention_dim=[32, 64]),
        r"unet/config\.json: `cross_attention_dim` is [\[(]32, 64[\])], but `hidden_size` in ",
    ),
    "another tokenizer": (
        "stable_diffusion",
        lambda f: graft(f, "text_encoder", vocab_size=300),
        r"text_encoder/config\.json: `vocab_size` is 300, but the tokenizer in .* has \d+ tokens;",
    ),
    "no side": (
        "stable_diffusion",
        lambda f: edit_json(f / "unet/config.json", sample_size=None),
        r"unet/config\.json: `sample_size` is None, expected .*--side=PIXELS writes it",
    ),
    "two sides": (
        "diffusionsat",
        lambda f: edit_json(f / SATELLITE_UNET / "config.json", sample_size=[8, 8]),
        r"config\.json: `sample_size` is [\[(]8, 8[\])], expected a whole number",
    ),
    "truncated": (
        "diffusionsat",
        lambda f: (f / SATELLITE_UNET / diffusionsat_unet.WEIGHTS).write_bytes(b"\x10\0\0\0"),
        rf"{SATELLITE_UNET}/.*\.safetensors: not readable as safetensors",
    ),
    "metadata": (
        "diffusionsat",
        lambda f: edit_json(f / SATELLITE_UNET / "config.json", num_metadata=5),
        r"config\.json: `num_metadata` is 5, expected 7 \(longitude,",
    ),
    "no embedding": (
        "diffusionsat",
        lambda f: edit_weights(
            f / SATELLITE_UNET / diffusionsat_unet.WEIGHTS,
            lambda s: s.pop("metadata_embedding.6.linear_2.bias"),
        ),
        r"safetensors: lacks metadata_embedding\.6\.linear_2\.bias \(1 missing",
    ),
    "configuration": (
        "crs_diff",
        lambda f: (f / crs_diff.CONFIG).write_text("model: {target: a, params: {timesteps: 0}}"),
        r"crs\.yaml: model\.params\.timesteps: ",
    ),
    "no text encoder": (
        "crs_diff",
        lambda f: shutil.rmtree(f / crs_diff.CLIP),
        r"clip: no CLIP text encoder and tokenizer",
    ),
    "no adapter": (
        "crs_diff",
        lambda f: edit_weights(
            f / crs_diff.WEIGHTS, lambda s: s.pop("metadata_emb.mlp_models.0.fc1.weight")
        ),
        r"last\.safetensors: lacks metadata_emb\.mlp_models\.0\.fc1\.weight",
    ),
    "other adapter": (
        "crs_diff",
        lambda f: edit_weights(
            f / crs_diff.WEIGHTS,
            lambda s: s.update({"local_adapter.middle_block_out.0.bias": torch.zeros(2)}),
        ),
        r"middle_block_out\.0\.bias has shape \(2,\), but by the configuration \(64,\)",
    ),
    "another's key": (
        "crs_diff",
        lambda f: edit_weights(
            f / crs_diff.WEIGHTS, lambda s: s.update({"control_model.a": torch.zeros(1)})
        ),
        r"last\.safetensors: control_model\.a is no part of the model",
    ),
}


def test_the_width_of_the_context_may_be_told_of_each_block(
    copied: Callable[[str], Path], models: dict[str, TextToImageModel]
) -> None:
    folder = copied("stable_diffusion")
    edit_json(folder / "unet/config.json", cross_attention_dim=[32, 32])
    found = diffusion.load(folder)
    torch.testing.assert_close(predicted(found), predicted(models["stable_diffusion"]))


@pytest.mark.parametrize("fault", BROKEN)
def test_a_broken_folder_is_named(copied: Callable[[str], Path], fault: str) -> None:
    kind, damage, message = BROKEN[fault]
    folder = copied(kind)
    damage(folder)
    with pytest.raises(WinnowError, match=message) as caught:
        diffusion.load(folder)
    assert str(folder) in str(caught.value)


# fetching


def fetch(loader: str, id: Path, output: Path, *more: str) -> int:
    words = [f"--loader={loader}", f"--id={id}", f"--output={output}", "--threads=1"]
    return main(["fetch-model", *words, *more])


def pickled(folder: Path) -> None:
    """Weights as the published DiffusionSat has them, and what else lies about there."""
    for path in folder.rglob("*.safetensors"):
        text = path.parent.name == "text_encoder"
        name = "pytorch_model.bin" if text else "diffusion_pytorch_model.bin"
        state = load_file(path)
        if text:
            state["text_model.embeddings.position_ids"] = torch.arange(77)[None]
        torch.save(state, path.with_name(name))
        path.unlink()
    for place in folder.glob("checkpoint-*"):
        (place / "optimizer.bin").write_bytes(b"not for us")


@pytest.mark.parametrize(
    ("loader", "kind"), [("diffusers", "stable_diffusion"), ("diffusionsat", "diffusionsat")]
)
def test_fetching_a_pipeline(
    copied: Callable[[str], Path],
    models: dict[str, TextToImageModel],
    loader: str,
    kind: str,
    tmp_path: Path,
) -> None:
    folder = copied(kind)
    edit_json(folder / "model_index.json", safety_checker=["stable_diffusion", "Checker"])
    pickled(folder)
    with pytest.raises(WinnowError, match=r"cannot be loaded|not readable"):
        diffusion.load(folder)
    assert fetch(loader, folder, tmp_path / "model") == 0
    found = diffusion.load(tmp_path / "model")
    assert found.kind == kind
    torch.testing.assert_close(predicted(found), predicted(models[kind]))
    assert not list((tmp_path / "model").rglob("*.bin"))
    inner = ("--subfolder=" + folder.name, "--side=32")
    assert fetch(loader, folder.parent, tmp_path / "small", *inner) == 0
    assert diffusion.load(tmp_path / "small").latent_shape == (8, 4, 4)
    edit_json(diffusion.unet_folder(folder) / "config.json", sample_size=None)
    assert fetch(loader, folder, tmp_path / "sided", "--side=32") == 0
    assert diffusion.load(tmp_path / "sided").latent_shape == (8, 4, 4)
    assert fetch(loader, folder, tmp_path / "out") == 2
    assert fetch(loader, folder, tmp_path / "out", "--subfolder=../other") == 2
    assert fetch(loader, folder, tmp_path / "out", "--side=36") == 2
    assert not (tmp_path / "out").exists()


def test_fetching_a_controlnet(models: dict[str, TextToImageModel], tmp_path: Path) -> None:
    network = diffusion_standins.build_controlnet(models["stable_diffusion"], CLASSES, 0)
    diffusion.save_controlnet(network, tmp_path / "net")
    assert fetch("diffusers", tmp_path / "net", tmp_path / "model", "--side=64") == 2
    assert fetch("diffusers", tmp_path / "net", tmp_path / "model") == 0
    assert diffusion.load_controlnet(tmp_path / "model").config.conditioning_channels == CLASSES


@pytest.fixture
def checkpoint(saved: dict[str, Path], tmp_path: Path) -> Path:
    """A Lightning checkpoint as CRS-Diff's, with its configuration and text encoder beside it."""
    place = tmp_path / "published"
    shutil.copytree(saved["crs_diff"], place)
    state: dict[str, Any] = load_file(place / crs_diff.WEIGHTS)
    (place / crs_diff.WEIGHTS).unlink()
    state |= {"betas": torch.zeros(1000), "logvar": torch.zeros(1000)}
    state[f"{crs_diff.TEXT}embeddings.position_ids"] = torch.arange(77)[None]
    content = yaml.safe_load((place / crs_diff.CONFIG).read_text())
    content["model"]["params"]["use_ema"] = False  # and other keys that say nothing of networks
    (place / crs_diff.CONFIG).write_text(yaml.safe_dump(content))
    progress = {"epoch": 3, "global_step": 9, "optimizer_states": [{"state": {}}]}
    torch.save({"state_dict": state, **progress}, place / "last.ckpt")
    return place / "last.ckpt"


def test_fetching_crs_diff(
    checkpoint: Path, models: dict[str, TextToImageModel], tmp_path: Path
) -> None:
    assert fetch("crs_diff", checkpoint, tmp_path / "model") == 0
    found = diffusion.load(tmp_path / "model")
    assert found.kind == "crs_diff"
    torch.testing.assert_close(predicted(found), predicted(models["crs_diff"]))


def test_a_crs_diff_without_its_configuration_is_the_published_one(
    checkpoint: Path,
    models: dict[str, TextToImageModel],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    beside = checkpoint.parent / crs_diff.CONFIG
    beside.unlink()
    with torch.device("meta"):  # nothing is allotted for a model of the published size
        assert fetch("crs_diff", checkpoint, tmp_path / "model") == 2
    assert not (tmp_path / "model").exists()
    said = capsys.readouterr().err.splitlines()[-1]
    assert re.search(rf"{checkpoint}: \S+ has shape .*, but by the configuration ", said)
    assert f"there is no {beside}" in said and "put it there" in said
    published = models["crs_diff"].conditions.config
    monkeypatch.setattr(diffusion_hub, "Configuration", lambda: published)
    assert fetch("crs_diff", checkpoint, tmp_path / "model") == 0
    found = diffusion.load(tmp_path / "model")
    torch.testing.assert_close(predicted(found), predicted(models["crs_diff"]))


class Trap:
    """Unpickled, it would make a file."""

    def __init__(self, path: Path):
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


def test_what_cannot_be_fetched(
    checkpoint: Path,
    saved: dict[str, Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def refused(loader: str, id: Path) -> str:
        assert fetch(loader, id, tmp_path / "model") == 2
        assert not (tmp_path / "model").exists()
        return capsys.readouterr().err.splitlines()[-1]

    assert "no `num_metadata`" in refused("diffusionsat", saved["stable_diffusion"])
    assert "no model_index.json of a pipeline" in refused("diffusers", tmp_path)
    assert "no such file; give CRS-Diff's checkpoint" in refused("crs_diff", tmp_path)
    torch.save({"state_dict": {"a.b": torch.zeros(1)}}, checkpoint)
    assert f"{checkpoint}: lacks " in refused("crs_diff", checkpoint)
    torch.save({"epoch": 1}, checkpoint)
    assert "holds no state dict" in refused("crs_diff", checkpoint)
    torch.save({"state_dict": {}, "trap": Trap(tmp_path / "sprung")}, checkpoint)
    assert "not readable as tensors alone" in refused("crs_diff", checkpoint)
    assert not (tmp_path / "sprung").exists()
    broken = shutil.copytree(saved["stable_diffusion"], tmp_path / "broken", ignore=UNSEALED)
    edit_weights(broken / UNET, lambda s: s.pop("conv_out.bias"))
    message = refused("diffusers", broken)
    assert re.search(rf"{broken}/unet: missing keys: conv_out\.bias", message)
    other = shutil.copytree(saved["stable_diffusion"], tmp_path / "other", ignore=UNSEALED)
    graft(other, "text_encoder", hidden_size=64)
    assert f"{other}/unet/config.json: `cross_attention_dim` is 32" in refused("diffusers", other)


def test_what_is_taken_of_a_repository() -> None:
    """That of Stable Diffusion 1.5 has every precision, and checkpoints for other programs."""
    wanted = [
        "model_index.json",
        "scheduler/scheduler_config.json",
        "text_encoder/config.json",
        "text_encoder/model.safetensors",
        "tokenizer/merges.txt",
        "tokenizer/vocab.json",
        "unet/config.json",
        "unet/diffusion_pytorch_model.safetensors",
        "vae/config.json",
        "vae/diffusion_pytorch_model.bin",
    ]
    others = [
        "v1-5-pruned.safetensors",
        "README.md",
        "safety_checker/model.safetensors",
        "text_encoder/pytorch_model.bin",
        "unet/diffusion_pytorch_model.bin",
        "unet/diffusion_pytorch_model.fp16.safetensors",
        "unet/diffusion_pytorch_model.non_ema.safetensors",
    ]
    here = PurePosixPath()
    assert diffusion_hub.wanted_files([*others, *wanted], here) == wanted
    satellite = ["checkpoint-150000/optimizer.bin", "checkpoint-150000/unet/config.json",
                 "checkpoint-150000/unet/diffusion_pytorch_model.bin"]  # fmt: skip
    assert diffusion_hub.wanted_files(satellite, here) == satellite[1:]
    deep = [f"checkpoint/20p/22000/{name}" for name in wanted]
    inner = PurePosixPath("checkpoint/20p/22000")
    assert diffusion_hub.wanted_files([*wanted, *deep], inner) == deep
