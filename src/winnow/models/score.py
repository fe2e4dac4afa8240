"""Score models in folders, and the values they give.

The weights are in the layout of the published model (`PumpkinCat/ScoreRS`, class Qwen2Reward of
transformers 4.46): `visual.*`, `model.*` of the decoder, `reward_head.weight`. Its flat
configuration and the nested one of transformers 5, which we write, are both read; `score.json`,
which it lacks, says what captions are asked with.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from huggingface_hub import save_torch_state_dict
from torch import nn
from transformers import Qwen2VLConfig, Qwen2VLModel
from transformers.initialization import no_init_weights

from winnow.data.digests import write_digests
from winnow.data.errors import WinnowError
from winnow.data.files import read_json, write_json
from winnow.models import transformers_folder, weights
from winnow.models.folder import check, why
from winnow.models.score_network import Asked, ScoreModel, local_images, pad

ARCHITECTURE = "Qwen2Reward"
START = "Qwen2VLForConditionalGeneration"
HEAD = "reward_head.weight"
PROMPT = "Describe the image in detail."
SETTINGS, WEIGHTS = "score.json", "model.safetensors"
INDEX = f"{WEIGHTS}.index.json"


def load(folder: Path, dtype: torch.dtype = torch.float32) -> ScoreModel:
    """The score model in a folder, ours or the published one, on the accelerator if there is one.

    Weights are safetensors, in one file or several with their index; nothing in it is run. Raises
    WinnowError naming the file and the key that is missing, unexpected or of another shape.
    """
    check(folder)
    config = _config(folder, (ARCHITECTURE,))
    try:
        with no_init_weights():
            backbone = Qwen2VLModel._from_config(Qwen2VLConfig.from_dict(config), dtype=dtype)
    except Exception as error:  # of many kinds
        raise WinnowError(f"{folder}/config.json: describes no Qwen2-VL ({why(error)})") from error
    head = nn.Linear(backbone.config.text_config.hidden_size, 1, bias=False, dtype=dtype)
    model = ScoreModel(backbone, head, transformers_folder.load_processor(folder), _prompt(folder))
    expected = {_published(name): tensor for name, tensor in model.state_dict().items()}
    missing = set(expected)
    for file, key, tensor in _weights(folder):
        if key not in missing:
            raise WinnowError(f"{file}: {key} is no part of a score model, or occurs twice")
        if tensor.shape != expected[key].shape:
            raise WinnowError(
                f"{file}: {key} has shape {tuple(tensor.shape)}, but by config.json "
                f"{tuple(expected[key].shape)}"
            )
        expected[key].copy_(tensor)
        missing.remove(key)
    if missing:
        raise WinnowError(f"{folder}: its weights lack {min(missing)} ({len(missing)} in all)")
    return model.eval().to(weights.device())


def start_from(folder: Path, seed: int) -> ScoreModel:
    """What training starts from, in float32: a score model, or a Qwen2-VL with a new head.

    Raises WinnowError as `load` does, and for other architectures.
    """
    config = _config(folder, (ARCHITECTURE, START))
    if config["architectures"] == [ARCHITECTURE]:
        return load(folder)
    whole, processor = transformers_folder.load(folder, torch.float32)
    text = whole.config.text_config
    head = nn.Linear(text.hidden_size, 1, bias=False)
    generator = torch.Generator().manual_seed(seed)
    nn.init.normal_(head.weight, std=text.initializer_range, generator=generator)
    return ScoreModel(whole.model, head, processor, PROMPT).to(weights.device())


def save(model: ScoreModel, folder: Path, half: bool = False) -> None:
    """Write a score model into an empty folder (the caller makes it atomic).

    `half` stores 16-bit floats. Raises OSError where the disk is full.
    """
    kind = weights.storage(half)
    state = {_published(k): v.to(kind).cpu().contiguous() for k, v in model.state_dict().items()}
    with weights.writing():
        save_torch_state_dict(state, folder)
    model.processor.save_pretrained(folder)
    config = _without_places(model.backbone.config.to_dict())
    names = {"architectures": [ARCHITECTURE], "ranked_candidate_num": 2}
    write_json(folder / "config.json", {**config, **names, "dtype": str(kind).split(".")[1]})
    write_json(folder / SETTINGS, {"prompt": model.prompt})
    write_digests(folder)


def _without_places(config: Any) -> Any:
    """A configuration without the folders that it, and its parts, were loaded from."""
    if not isinstance(config, dict):
        return config
    return {k: _without_places(v) for k, v in config.items() if k != "_name_or_path"}


def _published(name: str) -> str:
    """The published name of a parameter of ours."""
    if name == "head.weight":
        return HEAD
    name = name.removeprefix("backbone.")
    decoder = "language_model."
    return f"model.{name.removeprefix(decoder)}" if name.startswith(decoder) else name


def _config(folder: Path, keys: tuple[str, ...]) -> dict[str, Any]:
    path = folder / "config.json"
    config = read_json(path)
    found = config.get("architectures") if isinstance(config, dict) else None
    if not (isinstance(found, list) and len(found) == 1 and found[0] in keys):
        raise WinnowError(f"{path}: `architectures` is {found}, expected {' or '.join(keys)}")
    return dict(config)


def _prompt(folder: Path) -> str:
    path = folder / SETTINGS
    if not path.is_file():
        return PROMPT
    content = read_json(path)
    prompt = content.get("prompt") if isinstance(content, dict) else None
    if not isinstance(prompt, str) or not prompt.strip():
        raise WinnowError(f"{path}: `prompt` is {prompt!r}, expected what captions are asked with")
    return prompt


def _weights(folder: Path) -> Iterator[tuple[Path, str, torch.Tensor]]:
    names = [WEIGHTS]
    if (folder / INDEX).is_file():
        index = read_json(folder / INDEX)
        try:
            names = sorted({Path(name).name for name in index["weight_map"].values()})
        except (AttributeError, KeyError, TypeError) as error:
            raise WinnowError(f"{folder / INDEX}: no `weight_map` of keys to files") from error
    for name in names:
        for key, tensor in weights.read(folder / name).items():
            yield folder / name, key, tensor


@torch.inference_mode()
def score_pairs(
    model: ScoreModel, asked: Sequence[Asked], pixels: np.ndarray, batch_size: int = 64
) -> np.ndarray:
    """Values float64 [N] of `asked`, whose images are rows of `pixels` uint8 [B, S, S, 3].

    Texts go `batch_size` at a time, those about one image together: its features are made once,
    or twice where its texts fall into two batches.
    """
    tokens = model.tokenise(asked)
    image = np.array([-1 if one.image is None else one.image for one in asked], dtype=int)
    values = np.empty(len(asked))
    order = np.argsort(image, kind="stable")
    for start in range(0, len(order), batch_size):
        rows = order[start : start + batch_size]
        ids, lengths = pad([tokens[row] for row in rows])
        shown, local = local_images(image[rows])
        inputs = (tensor.to(model.device) for tensor in (ids, lengths, local))
        values[rows] = model(*inputs, model.features(pixels[shown])).double().cpu().numpy()
    return values
