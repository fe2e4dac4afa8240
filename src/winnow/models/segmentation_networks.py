"""Which network a segmentor is: two small ones, or an mmsegmentation configuration in YAML or JSON.

A configuration of a file is data. mmengine imports what a type or scope names, and loads what a
`checkpoint`, a `pretrained` or a file of weights of classes names, by its code that unpickles. So
types are of a list, and no text is a path, an address or a template.
"""

import copy
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel, TypeAdapter

from winnow.data.errors import WinnowError, did_you_mean
from winnow.data.yaml_file import own_tables, read_yaml
from winnow.models.folder import sections

Config = dict[str, Any]


class Tables(BaseModel):
    """The tables of `segmentation_networks.yaml`, which explains them."""

    types: str
    networks: dict[str, Config]
    preprocessor: Config


TABLES = own_tables(__file__, Tables)
TYPES = frozenset(TABLES.types.split())
BUILT_IN = TABLES.networks
HALVINGS = {"unet": 3}  # of a side in the network; five in the others
WEIGHTS = ("checkpoint", "pretrained")  # keys that name weights, whatever the type beside them
CLASS_WEIGHT = "class_weight"  # numbers, or a file's name: a pickle's where that is `pkl`
KEY = re.compile(r"[A-Za-z]\w*")
WORD = re.compile(r"[\w -]*")


def configuration(network: str, classes: int) -> Config:
    """The model configuration of a built-in network, or of a file, for a number of classes.

    A file holds the model, or the model under the key `model`; its heads get the number of classes
    and, with synchronised normalisation, the plain kind, as one process trains. Raises WinnowError
    naming the file and what in it is not taken.
    """
    if network in BUILT_IN:
        found = copy.deepcopy(BUILT_IN[network])
    else:
        content = read_yaml(network, TypeAdapter(Config))
        found = content.get("model", content)
        check(found, network)
    divisor = {"size_divisor": 2 ** HALVINGS.get(network, 5)}
    found.setdefault("data_preprocessor", {**TABLES.preprocessor, **divisor, "test_cfg": divisor})
    found |= {"train_cfg": {}, "test_cfg": found.get("test_cfg") or {"mode": "whole"}}
    for part in ("decode_head", "auxiliary_head"):
        heads = found.get(part) or []
        for head in heads if isinstance(heads, list) else [heads]:
            head["num_classes"] = classes
            head.pop("out_channels", None)
    for section in sections(found):
        if section.get("type") == "SyncBN":
            section["type"] = "BN"
    return found


def check(config: Any, where: str | Path) -> None:
    """Refuse a configuration that would import code, read a file or fetch weights, or is no model.

    Raises WinnowError naming `where`, the key and what stands there.
    """
    if not isinstance(config, dict) or not {"type", "backbone", "decode_head"} <= set(config):
        raise WinnowError(f"{where}: is no model: it needs type, backbone and decode_head")
    for section in sections(config):
        for key, value in section.items():
            if not isinstance(key, str) or not KEY.fullmatch(key):
                raise WinnowError(
                    f"{where}: key {key!r} is none of a network; a configuration is data, without "
                    "bases, scopes or imports"
                )
            if value == "Pretrained" or (key in WEIGHTS and value):
                raise WinnowError(
                    f"{where}: `{key}: {value}` names weights to load; take that out and give "
                    "models.segmentor"
                )
            if key == CLASS_WEIGHT and isinstance(value, str):
                raise WinnowError(
                    f"{where}: `{key}` names a file, {value!r}; give the numbers, a list"
                )
            if key == "type" and value is not None:
                _check_type(value, where)
            for text in _texts(value):
                if not WORD.fullmatch(text):
                    raise WinnowError(
                        f"{where}: `{key}` is {text!r}, expected a word; files and addresses are "
                        "not read from a configuration"
                    )


def _texts(value: Any) -> Iterator[str]:
    """The texts of a value, and of lists in it; sections have keys of their own."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for part in value:
            yield from _texts(part)


def _check_type(kind: Any, where: str | Path) -> None:
    if not isinstance(kind, str) or kind not in TYPES:
        near = did_you_mean(kind, TYPES) if isinstance(kind, str) else ""
        raise WinnowError(
            f"{where}: type {kind!r} is none of mmsegmentation's that are built here{near}: types "
            "that import code, fetch weights or need compiled operators are not"
        )
