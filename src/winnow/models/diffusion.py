"""Folders of text-to-image models, each in its published layout. Nothing in a folder is run.

- Stable Diffusion (GeoRSSD among them): a pipeline of diffusers.
- DiffusionSat: the same with its own UNet, in `checkpoint-{steps}/unet` or in `unet`.
- CRS-Diff: `crs_diff`.

Weights are safetensors. A safety checker, if there is one, is left out.
"""

import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from winnow.data.digests import write_digests
from winnow.data.errors import WinnowError
from winnow.data.files import optional_json, read_json, write_json
from winnow.models import crs_diff, diffusionsat_unet, weights
from winnow.models.folder import check, offline, why
from winnow.models.text_to_image import TextToImageModel

INDEX, CONFIG = "model_index.json", "config.json"
PIPELINE = "StableDiffusionPipeline"
PIPELINES = (PIPELINE, "DiffusionSatPipeline")
STEPS = 0  # in the name of the UNet's folder, where it was not trained by the published program
REMEDY = "`winnow fetch-model` with --loader=diffusers, diffusionsat or crs_diff writes one"
# What of a UNet must equal what of another part. A width may be one number, or one for each block.
FITS = {
    "in_channels": ("vae", "latent_channels"),
    "out_channels": ("vae", "latent_channels"),
    "cross_attention_dim": ("text_encoder", "hidden_size"),
}
# What a ControlNet has in common with the UNet whose features it adds to.
SHARED = ("in_channels", "block_out_channels", "layers_per_block", "cross_attention_dim")


@offline()
def load(folder: Path) -> TextToImageModel:
    """The generator in a folder, on the accelerator if there is one, in evaluation mode.

    Its weights are 32-bit floats, however they are stored. Raises WinnowError naming the file and
    the key that is missing, unexpected, of another shape or at odds with another part's.
    """
    check(folder)
    if (folder / crs_diff.CONFIG).is_file():
        parts = crs_diff.load_parts(folder)
        generator = TextToImageModel(kind="crs_diff", name=str(folder), **parts)
    elif (folder / INDEX).is_file():
        generator = _load_pipeline(folder)
    else:
        raise WinnowError(f"{folder}: no {INDEX} and no {crs_diff.CONFIG}; {REMEDY}")
    for module in (generator.vae, generator.unet, generator.text_encoder, generator.conditions):
        if module is not None:
            module.to(weights.device()).eval()
    return generator


def _load_pipeline(folder: Path) -> TextToImageModel:
    from diffusers import AutoencoderKL, UNet2DConditionModel
    from transformers import CLIPTextModel

    found = read_json(folder / INDEX).get("_class_name")
    if found not in PIPELINES:
        known = " or ".join(PIPELINES)
        raise WinnowError(f"{folder / INDEX}: `_class_name` is {found!r}, expected {known}")
    place = unet_folder(folder)
    satellite = is_diffusionsat(place)
    if satellite:
        unet, conditions = diffusionsat_unet.load_unet(place)
    else:
        unet, conditions = _part(UNet2DConditionModel, place), None
    generator = TextToImageModel(
        kind="diffusionsat" if satellite else "stable_diffusion",
        name=str(folder),
        vae=_part(AutoencoderKL, folder / "vae"),
        unet=unet,
        text_encoder=_part(CLIPTextModel, folder / "text_encoder"),
        tokenizer=_tokenizer(folder / "tokenizer"),
        schedule=_schedule(folder / "scheduler" / "scheduler_config.json"),
        conditions=conditions,
    )
    _check_fit(generator, folder, place / CONFIG)
    return generator


def _check_fit(generator: TextToImageModel, folder: Path, path: Path) -> None:
    """Raise WinnowError where a pipeline's parts were not made for each other.

    `path`: the UNet's configuration.
    """
    own, blocks = generator.unet.config, len(generator.unet.config.block_out_channels)
    if not isinstance(own.sample_size, int) or own.sample_size < 1:
        raise WinnowError(
            f"{path}: `sample_size` is {own.sample_size!r}, expected a whole number, the side of "
            "the latents; `winnow fetch-model` with --side=PIXELS writes it"
        )
    for key, (part, other) in FITS.items():
        expected = getattr(getattr(generator, part).config, other)
        if _by_block(own[key], blocks) != _by_block(expected, blocks):
            raise WinnowError(
                f"{path}: `{key}` is {own[key]!r}, but `{other}` in {folder / part / CONFIG} is "
                f"{expected!r}; take both of one model"
            )
    tokens, known = len(generator.tokenizer), generator.text_encoder.config.vocab_size
    if tokens > known:
        raise WinnowError(
            f"{folder / 'text_encoder' / CONFIG}: `vocab_size` is {known}, but the tokenizer in "
            f"{folder / 'tokenizer'} has {tokens} tokens; take both of one model"
        )


def _by_block(value: Any, blocks: int) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value] * blocks


def unet_folder(folder: Path) -> Path:
    """Where a pipeline's UNet is: DiffusionSat's of the last checkpoint, else `unet`."""
    steps = {
        int(name): path / "unet"
        for path in folder.glob("checkpoint-*")
        if (name := path.name.removeprefix("checkpoint-")).isdigit()
        and is_diffusionsat(path / "unet")
    }
    return steps[max(steps)] if steps else folder / "unet"


def is_diffusionsat(folder: Path) -> bool:
    """Whether the UNet in a folder takes metadata as DiffusionSat's does."""
    config = optional_json(folder / CONFIG)
    return bool(config.get("num_metadata") and config.get("use_metadata", True))


def _part(kind: Any, folder: Path) -> Any:
    """A model of diffusers or transformers, complete."""
    if not (folder / CONFIG).is_file():
        raise WinnowError(f"{folder}: no {CONFIG}, so the model lacks its {folder.name}; {REMEDY}")
    _quiet()
    own: dict[str, Any] = {"torch_dtype": torch.float32}
    if not kind.__module__.startswith("diffusers."):  # else its error would not name the key
        own = {"dtype": torch.float32, "ignore_mismatched_sizes": True}
    try:
        model, report = kind.from_pretrained(
            folder, local_files_only=True, use_safetensors=True, output_loading_info=True, **own
        )
    except Exception as error:  # shapes, files, names: it raises many kinds
        raise WinnowError(
            f"{folder}: cannot be loaded as {kind.__name__} ({why(error)})"
        ) from error
    for fault in ("missing_keys", "mismatched_keys", "unexpected_keys"):
        if report[fault]:  # what is missing would be random
            first = sorted(map(str, report[fault]))[0]
            what = fault.replace("_", " ")
            raise WinnowError(f"{folder}: {what}: {first} ({len(report[fault])} in all)")
    return model


def _tokenizer(folder: Path) -> Any:
    from transformers import CLIPTokenizer

    try:
        return CLIPTokenizer.from_pretrained(folder, local_files_only=True)
    except Exception as error:  # files that lack or are damaged: it raises many kinds
        raise WinnowError(
            f"{folder}: no tokenizer can be loaded ({why(error)}); {REMEDY}"
        ) from error


def _schedule(path: Path) -> dict[str, Any]:
    """The noise schedule; as diffusers' pipeline, with these two for what old files say of them."""
    config = read_json(path)
    known = ("epsilon", "v_prediction")
    if config.get("prediction_type", known[0]) not in known:
        raise WinnowError(
            f"{path}: `prediction_type` is {config['prediction_type']!r}, expected one of {known}"
        )
    return {**config, "clip_sample": False, "steps_offset": 1}


def save(generator: TextToImageModel, folder: Path, half: bool = False) -> None:
    """Write a generator into an empty folder (the caller makes it atomic), in its own layout.

    `half` stores 16-bit floats. Its ControlNet has a folder of its own: `save_controlnet`. Raises
    OSError where the disk is full.
    """
    g = generator
    if g.kind == "crs_diff":
        modules = g.unet, g.vae, g.text_encoder, g.tokenizer, g.conditions
        crs_diff.save_parts(*modules, folder, half)
    else:
        _save_pipeline(g, folder, half)
    write_digests(folder)


def _save_pipeline(g: TextToImageModel, folder: Path, half: bool) -> None:
    from diffusers import DDIMScheduler, __version__

    _quiet()
    _write(g.vae, folder / "vae", half)
    _write(g.text_encoder, folder / "text_encoder", half)
    if g.kind == "stable_diffusion":
        _write(g.unet, folder / "unet", half)
    else:
        place = folder / f"checkpoint-{STEPS}" / "unet"
        diffusionsat_unet.save_unet(g.unet, g.conditions, place, half)
    g.tokenizer.save_pretrained(folder / "tokenizer")
    DDIMScheduler.from_config(g.schedule).save_pretrained(folder / "scheduler")
    own = ["diffusionsat", diffusionsat_unet.CLASS]
    index = {
        "_class_name": PIPELINE,
        "_diffusers_version": __version__,
        "vae": ["diffusers", "AutoencoderKL"],
        "unet": ["diffusers", "UNet2DConditionModel"] if g.kind == "stable_diffusion" else own,
        "text_encoder": ["transformers", "CLIPTextModel"],
        "tokenizer": ["transformers", "CLIPTokenizer"],
        "scheduler": ["diffusers", "DDIMScheduler"],
        "safety_checker": [None, None],
        "feature_extractor": [None, None],
        "requires_safety_checker": False,
    }
    write_json(folder / INDEX, index)


@offline()
def load_controlnet(folder: Path) -> Any:
    """The ControlNet in a folder of diffusers, in 32-bit floats, for any generator."""
    from diffusers import ControlNetModel

    check(folder)
    return _part(ControlNetModel, folder).to(weights.device()).eval()


def with_controlnet(generator: TextToImageModel, folder: Path) -> TextToImageModel:
    """The generator with the ControlNet in a folder.

    Raises WinnowError where the generator is no Stable Diffusion, which alone heeds it, or where it
    was made for a UNet of another shape.
    """
    if generator.kind != "stable_diffusion":
        raise WinnowError(
            f"{folder}: {generator.name} is a {generator.kind}, which draws with no ControlNet; "
            "take a Stable Diffusion (the role t2i or geo_rssd), or leave out --controlnet and "
            "--masks"
        )
    network = load_controlnet(folder)
    own, blocks = generator.unet.config, len(generator.unet.config.block_out_channels)
    for key in SHARED:
        found = network.config[key]
        if _by_block(found, blocks) != _by_block(own[key], blocks):
            raise WinnowError(
                f"{folder / CONFIG}: `{key}` is {found!r}, but that of the UNet of "
                f"{generator.name} is {own[key]!r}; take a ControlNet that was made for it"
            )
    return replace(generator, controlnet=network)


def save_controlnet(controlnet: Any, folder: Path, half: bool = False) -> None:
    """Write a ControlNet's folder (the caller makes it atomic). Raises OSError as `save`."""
    _write(controlnet, folder, half)
    write_digests(folder)


def _write(module: Any, folder: Path, half: bool) -> None:
    """Write one model of diffusers or transformers, in 16-bit or 32-bit floats."""
    stored = copy.deepcopy(module).to("cpu", weights.storage(half))
    with weights.writing():
        stored.save_pretrained(folder)
    config = read_json(folder / CONFIG)
    config.pop("_name_or_path", None)  # where it was loaded from: no part of the model
    write_json(folder / CONFIG, config)


def _quiet() -> None:
    from diffusers.utils import logging as diffusers_logging
    from transformers.utils import logging as transformers_logging

    diffusers_logging.disable_progress_bar()
    diffusers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
