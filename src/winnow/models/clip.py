"""CLIP models by open_clip: published names, state dicts and folders, all in one layout here.

A model folder is open_clip's `local-dir:` layout: `open_clip_config.json`,
`open_clip_model.safetensors` and the tokenizer's files. Stand-ins, fine-tuned cells and published
checkpoints look alike in it.
"""

import json
import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import numpy as np
import open_clip
import torch
from open_clip.convert import convert_state_dict
from open_clip.model import (
    convert_to_custom_text_state_dict,
    resize_pos_embed,
    resize_text_pos_embed,
)
from open_clip.tokenizer import HFTokenizer
from open_clip.transform import PreprocessCfg
from open_clip.transformer import QuickGELU
from PIL import Image
from safetensors.torch import load_file, save_file
from torch.nn import functional

from winnow.data.digests import write_digests
from winnow.data.errors import WinnowError
from winnow.data.files import write_text
from winnow.models import checkpoint, clip_config, weights
from winnow.models.clip_config import CONFIG, HUB, LOCAL
from winnow.models.folder import check, why

WEIGHTS = "open_clip_model.safetensors"

logging.getLogger().setLevel(logging.ERROR)  # open_clip logs to the root logger


@dataclass(frozen=True)
class Clip:
    """An open_clip model with all it needs to see and read."""

    model: Any  # open_clip.CLIP or a relative: encode_image, encode_text, logit_scale
    tokenizer: Any
    preprocess: PreprocessCfg
    config: dict[str, Any]  # model_cfg, as open_clip_config.json holds it
    device: torch.device

    @property
    def size(self) -> int:
        """Side of the square input, in pixels."""
        size = self.preprocess.size
        return size if isinstance(size, int) else size[0]

    def prepare(self, image: Image.Image) -> np.ndarray:
        """Resize and crop as open_clip's evaluation transform does: uint8 [H, W, 3]."""
        cfg = self.preprocess
        return square(image, self.size, cfg.interpolation, squash=cfg.resize_mode == "squash")

    def encode_images(self, pixels: np.ndarray | torch.Tensor) -> torch.Tensor:
        """L2-normalised features [N, D] of uint8 pixels [N, H, W, 3]."""
        return functional.normalize(self.model.encode_image(self.normalise(pixels)).float(), dim=-1)

    def encode_texts(self, texts: Sequence[str]) -> torch.Tensor:
        """L2-normalised features [N, D] of texts."""
        tokens = self.tokenizer(list(texts)).to(self.device)
        return functional.normalize(self.model.encode_text(tokens).float(), dim=-1)

    def normalise(self, pixels: np.ndarray | torch.Tensor) -> torch.Tensor:
        """Model input, float [N, 3, H, W], of uint8 pixels [N, H, W, 3]."""
        batch = torch.as_tensor(pixels).to(self.device)
        count, height, width, channels = batch.shape
        # a row's pixels side by side: over three channels alone, arithmetic is not vectorised
        rows = batch.reshape(count, height, width * channels).float()
        mean = torch.tensor(self.preprocess.mean, device=self.device).repeat(width) * 255
        std = torch.tensor(self.preprocess.std, device=self.device).repeat(width) * 255
        return rows.sub_(mean).div_(std).view(batch.shape).permute(0, 3, 1, 2)


def square(
    image: Image.Image, size: int, interpolation: str = "bicubic", squash: bool = False
) -> np.ndarray:
    """Scale the shorter side to `size` and crop the centre (or squash): uint8 [size, size, 3]."""
    method = Image.Resampling.BILINEAR if interpolation == "bilinear" else Image.Resampling.BICUBIC
    width, height = image.size
    if squash:
        width = height = size
    elif width <= height:  # the longer side is truncated, as torchvision does
        width, height = size, int(size * height / width)
    else:
        width, height = int(size * width / height), size
    if image.size != (width, height):
        image = image.resize((width, height), method)
    left, top = round((width - size) / 2.0), round((height - size) / 2.0)
    if (width, height) != (size, size):
        image = image.crop((left, top, left + size, top + size))
    return np.asarray(image)


def load(folder: str | Path) -> Clip:
    """Load a model folder for evaluation. Weights are safetensors: nothing in it is executed."""
    folder = Path(folder)
    for name in (CONFIG, WEIGHTS):
        if not (folder / name).is_file():
            raise WinnowError(f"{folder}: no {name}; a model folder holds {CONFIG} and {WEIGHTS}")
    check(folder)
    config = clip_config.read(folder)
    name = f"{LOCAL}{folder}"
    try:
        model = open_clip.create_model(name, load_weights=False, pretrained_text=False)
        model.load_state_dict(load_file(folder / WEIGHTS))
        tokenizer = open_clip.get_tokenizer(name)
    except Exception as error:  # open_clip, torch and safetensors raise many kinds here
        told = f"{folder}: cannot be loaded as an open_clip model ({why(error)})"
        raise WinnowError(told) from error
    return _clip(model, tokenizer, config)


def load_published(name: str, pretrained: str | None) -> Clip:
    """Load a published checkpoint: `hf-hub:org/name`, an architecture and a tag or state dict, or
    a model folder.

    State dicts (RemoteCLIP, GeoRSCLIP, SkyCLIP) load with `weights_only`, strictly, in the forms
    that `checkpoint` reads. Without weights it is an error: open_clip by itself would hand out a
    random model. What was left aside, resized or looks wrong is printed.
    """
    own = Path(name).is_dir()
    if pretrained is not None and (own or name.startswith((HUB, LOCAL))):
        raise WinnowError(
            f"models: {name!r} brings its own weights, so pretrained={pretrained!r} would not be "
            "read; leave it out, or name its architecture as `id`"
        )
    if own:
        return load(name)
    config = clip_config.of(name)
    file = Path(pretrained) if pretrained is not None and Path(pretrained).is_file() else None
    read = file is not None and file.suffix not in (".npz", ".npy")  # big_vision's: open_clip's
    try:
        if read:
            model = open_clip.create_model(name, load_weights=False, pretrained_text=False)
        else:
            model = open_clip.create_model(
                name, pretrained=pretrained, require_pretrained=True, weights_only=True
            )
        tokenizer = open_clip.get_tokenizer(name, **clip_config.untrusting(name, config))
    except Exception as error:  # network, names, shapes: open_clip raises many kinds here
        raise WinnowError(
            f"models: {name!r} with pretrained={pretrained!r} cannot be loaded ({why(error)}); "
            f"{_known(name)}"
        ) from error
    if file is not None and read:
        _fill(model, name, file)
    return _clip(model, tokenizer, config)


def _fill(model: Any, name: str, file: Path) -> None:
    """Fill a new model with the weights of a file. WinnowError says why they do not fit."""
    content = checkpoint.read(file)
    state, told = checkpoint.fitting(content, model.state_dict(), file)
    shapes = {key: tensor.shape for key, tensor in state.items()}
    state = _in_its_layout(model, state)
    fault = checkpoint.misfit(model.state_dict(), state)
    if fault:
        alike = _architectures(state)
        remedy = "name the architecture of these weights as `id`"
        if name in alike:
            remedy = "the architecture is right, so give whole weights of it, and nothing else"
        elif alike:
            remedy += f": they look like those of {', '.join(alike)}"
        elif any(key.startswith(("vision_model.", "text_model.")) for key in state):
            remedy = "these are names of transformers' CLIPModel; give the authors' open_clip file"
        raise WinnowError(f"{file}: does not fit {name!r}: {fault}; {remedy}; {_known(name)}")
    model.load_state_dict(state)
    for key in ("visual.positional_embedding", "positional_embedding"):
        if key in shapes and shapes[key] != model.state_dict().get(key, state.get(key)).shape:
            told = "\n".join(filter(None, [told, f"{file}: {key} was resized to fit {name!r}"]))
    if told:
        print(told)
    hint = checkpoint.activation_hint(content, file)
    quick = any(isinstance(part, QuickGELU) for part in model.modules())
    if hint is not None and hint[0] != quick:
        other, its = ("QuickGELU", "GELU") if hint[0] else ("GELU", "QuickGELU")
        id = f"{name}-quickgelu" if hint[0] else name.removesuffix("-quickgelu")
        print(
            f"{file}: {hint[1]}, which hints at training with {other}, but {name!r} has {its}: "
            f"then every score is off. If so, give id: {id}"
        )


def _in_its_layout(model: Any, state: checkpoint.State) -> checkpoint.State:
    """A state dict as this version of open_clip names and shapes it, as its own loading does."""
    state = convert_state_dict(model, state)
    if "positional_embedding" in state and not hasattr(model, "positional_embedding"):
        state = convert_to_custom_text_state_dict(state)
    for key in ("logit_scale", "logit_bias"):
        own = getattr(model, key, None)
        if own is not None and key in state and state[key].numel() == own.numel():
            state[key] = state[key].reshape(own.shape)
    try:
        resize_pos_embed(state, model)
        resize_text_pos_embed(state, model)
    except (RuntimeError, ValueError, IndexError, AssertionError, NotImplementedError):
        pass  # of no such model: its shape is named as a fault
    return state


def _known(name: str) -> str:
    """What could have been named in place of an architecture and a tag."""
    names = open_clip.list_models()
    near = get_close_matches(name, names, 3, 0.5) or names[:3]
    tags = open_clip.list_pretrained_tags_by_model(name)
    of = f"its tags are {', '.join(tags)}" if tags else "tags are those of open_clip"
    return f"architectures are {', '.join(near)}, ..., {of}, or a file"


def _architectures(state: checkpoint.State) -> list[str]:
    """Vision transformers of open_clip that have the widths and depth of a state dict."""
    conv, projection = state.get("visual.conv1.weight"), state.get("text_projection")
    if conv is None or projection is None or conv.ndim != 4 or projection.ndim != 2:
        return []
    blocks = [key.split(".")[3] for key in state if key.startswith("visual.transformer.resblocks.")]
    looks = (conv.shape[0], conv.shape[3], len(set(blocks)), *projection.shape)
    found = []
    for name in open_clip.list_models():
        config = open_clip.get_model_config(name)
        vision = asdict(open_clip.CLIPVisionCfg(**config["vision_cfg"]))
        text = asdict(open_clip.CLIPTextCfg(**config["text_cfg"]))
        own = (vision["width"], vision["patch_size"], vision["layers"], text["width"])
        if (*own, config["embed_dim"]) == looks:
            found.append(name)
    return found


def build(config: dict[str, Any], tokenizer_folder: Path, seed: int) -> Clip:
    """A new model of the given `model_cfg` with seeded weights and the tokenizer of a folder."""
    torch.manual_seed(seed)
    vision = open_clip.CLIPVisionCfg(**config["vision_cfg"])
    text = open_clip.CLIPTextCfg(**config["text_cfg"])
    logits = {key: value for key, value in config.items() if key.startswith("init_logit_")}
    model = open_clip.CLIP(config["embed_dim"], vision, text, **logits)
    tokenizer = HFTokenizer(
        str(tokenizer_folder), context_length=config["text_cfg"]["context_length"]
    )
    return _clip(model, tokenizer, config)


def _clip(model: Any, tokenizer: Any, config: dict[str, Any]) -> Clip:
    place = weights.device()
    cfg = PreprocessCfg(**open_clip.get_model_preprocess_cfg(model))
    if cfg.resize_mode not in ("shortest", "squash"):
        raise WinnowError(f"models: resize mode {cfg.resize_mode!r} is not shortest or squash")
    return Clip(model.to(place).eval(), tokenizer, cfg, config, place)


def save(clip: Clip, folder: Path, half: bool = False) -> None:
    """Write a model folder (the caller makes it atomic). `half` stores 16-bit floats.

    Raises OSError where the disk is full.
    """
    folder.mkdir(parents=True, exist_ok=True)
    dtype = weights.storage(half)
    state = {
        key: (value.to(dtype) if value.is_floating_point() else value).cpu().contiguous()
        for key, value in clip.model.state_dict().items()
    }
    with weights.writing():
        save_file(state, folder / WEIGHTS)
    preprocess = open_clip.get_model_preprocess_cfg(clip.model)
    config = {"model_cfg": clip.config, "preprocess_cfg": preprocess}
    write_text(folder / CONFIG, json.dumps(config, indent=1, sort_keys=True) + "\n")
    inner = getattr(clip.tokenizer, "tokenizer", None)
    if inner is not None:
        inner.save_pretrained(folder)
    write_digests(folder)
