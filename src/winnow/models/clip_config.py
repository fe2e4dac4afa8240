"""`open_clip_config.json`: which keys a model's may have. Whatever open_clip would fetch or run by
another is refused before it reads the file."""

import inspect
import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import open_clip
from open_clip.coca_model import MultimodalCfg
from open_clip.model import CustomTextCLIP
from open_clip.transform import PreprocessCfg

from winnow.data.errors import WinnowError
from winnow.data.files import read_json
from winnow.models import folder

CONFIG = "open_clip_config.json"
HUB, LOCAL = "hf-hub:", "local-dir:"  # what a model's name begins with

KINDS = (open_clip.CLIP, open_clip.CoCa, CustomTextCLIP)
MODEL = {name for kind in KINDS for name in inspect.signature(kind).parameters} - {"cast_dtype"}
# The keys of each section, by its name; all others take no sections.
KEYS: dict[str, set[str]] = {
    "": {"model_cfg", "preprocess_cfg"},
    "model_cfg": MODEL | {"custom_text"},
    "vision_cfg": {field.name for field in fields(open_clip.CLIPVisionCfg)},
    "text_cfg": {field.name for field in fields(open_clip.CLIPTextCfg)},
    "multimodal_cfg": {field.name for field in fields(MultimodalCfg)},
    "tokenizer_kwargs": {"clean", "strip_sep_token", "language", "reduction_mask"},
    "norm_kwargs": {"eps", "elementwise_affine", "bias"},
    "act_kwargs": {"approximate"},
    "preprocess_cfg": {field.name for field in fields(PreprocessCfg)},
}
NAMES = ("hf_model_name", "hf_tokenizer_name")  # of models of the hub
WORD = re.compile(r"[\w.-]*")
HUB_ID = re.compile(r"(?!\.\.)[\w.-]+(/(?!\.\.)[\w.-]+)?")


def of(name: str) -> dict[str, Any]:
    """The checked `model_cfg` by which open_clip builds what a name stands for: a repository of the
    hub, a folder, or an architecture of its own; empty where it knows none."""
    folder.never_ask()
    if name.startswith(HUB):
        return fetch(name)
    if name.startswith(LOCAL):
        place = Path(name.removeprefix(LOCAL))
        folder.check(place)
        return read(place)
    return open_clip.get_model_config(name.replace("/", "-")) or {}


def untrusting(name: str, config: dict[str, Any]) -> dict[str, bool]:
    """What to tell of a tokenizer of the hub, whose repository may change after it was checked."""
    reads = name.startswith(HUB) and config["text_cfg"].get("hf_tokenizer_name")
    return {"trust_remote_code": False} if reads else {}


def read(path: Path) -> dict[str, Any]:
    """The checked `model_cfg` of a folder. Raises WinnowError naming file and key."""
    return check(read_json(path / CONFIG), str(path / CONFIG))


def fetch(name: str) -> dict[str, Any]:
    """The checked `model_cfg` of a repository of the hub, `hf-hub:org/name`; nothing else of it is
    fetched yet. Raises WinnowError naming file and key."""
    id = name.removeprefix(HUB)
    try:
        path = open_clip.factory.download_pretrained_from_hf(id, filename=CONFIG)
    except Exception as error:  # network, names, permissions: the hub raises many kinds
        raise WinnowError(
            f"models: {name!r}: its {CONFIG} cannot be fetched ({folder.why(error)}); an id is "
            "org/name"
        ) from error
    return check(read_json(path), f"{name}/{CONFIG}", id)


def check(content: Any, where: str, repository: str | None = None) -> dict[str, Any]:
    """The `model_cfg` of a file's content. `repository` is the id of the hub's, where it is of one.

    Raises WinnowError naming `where` and the key.
    """
    if not isinstance(content, dict) or not isinstance(content.get("model_cfg"), dict):
        raise WinnowError(f"{where}: needs `model_cfg`, the model's configuration")
    _check_section(content, "", where, repository)
    model: dict[str, Any] = content["model_cfg"]
    for key in ("vision_cfg", "text_cfg"):
        if not isinstance(model.get(key), dict):
            raise WinnowError(f"{where}: `model_cfg` needs `{key}`, a section of keys")
    return model


def _check_section(section: dict[str, Any], name: str, where: str, repository: str | None) -> None:
    for key, value in section.items():
        if key not in KEYS[name]:
            raise WinnowError(f"{where}: `{key}` is no key of {name or 'the file'}; take it out")
        if isinstance(value, dict):
            if key not in KEYS:
                raise WinnowError(f"{where}: `{key}` is a section, expected a value")
            _check_section(value, key, where, repository)
        elif key in NAMES and value:
            _check_name(key, value, where, repository)
        else:
            for part in value if isinstance(value, list) else [value]:
                word = isinstance(part, str) and WORD.fullmatch(part)
                if not (part is None or isinstance(part, int | float) or word):
                    raise WinnowError(f"{where}: `{key}` is {part!r}, expected a number or a word")


def _check_name(key: str, value: Any, where: str, repository: str | None) -> None:
    """Refuse a name that open_clip's own models do not have. A folder's tokenizer is in the folder,
    whatever it is called; a repository's may be in the repository."""
    if isinstance(value, str) and HUB_ID.fullmatch(value):
        if key == "hf_tokenizer_name" and repository in (None, value):
            return
        known = (open_clip.get_model_config(model) for model in open_clip.list_models())
        if any(config["text_cfg"].get(key) == value for config in known):
            return
    raise WinnowError(
        f"{where}: `{key}` is {value!r}, which is none of open_clip's own; it is not fetched"
    )
