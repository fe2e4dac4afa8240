"""Published weights as people store them: where the state dict lies, and how its keys are named."""

import argparse
import pickle
import re
import zipfile
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from winnow.data.errors import WinnowError

State = dict[str, torch.Tensor]

# Plain data that trainers store beside weights; with these `weights_only` still runs nothing.
_SCALAR = np.float64(0).__reduce__()[0]
_PLAIN: list[Any] = [
    argparse.Namespace,
    np.dtype,
    *[(_SCALAR, f"numpy.{package}.multiarray.scalar") for package in ("core", "_core")],
    *{type(np.dtype(code)) for code in np.typecodes["AllInteger"] + np.typecodes["Float"] + "?"},
]
# Buffers of other versions of a model: masks and numbers that its architecture tells.
_NO_WEIGHTS = {"attn_mask", "position_ids", "input_resolution", "context_length", "vocab_size"}
# What is known to be trained with QuickGELU, or GELU, by the name of a file or run: OpenAI's CLIP
# and what is fine-tuned from it (RemoteCLIP, HQRS-CLIP, GeoRSCLIP B/32); models of LAION-2B.
_OPENAI_KEYS = {"input_resolution", "context_length", "vocab_size"}
_QUICK = re.compile(r"quick_?gelu|openai|remote_?clip|hqrs|rs5m_vit-b-32", re.I)
_PLAIN_GELU = re.compile(r"laion2b|datacomp", re.I)
_WRAPPERS = re.compile(r"(?<![^.])(?:_orig_mod|_fsdp_wrapped_module|_checkpoint_wrapped_module)\.")
_DEPTH = 3  # of mappings in one another
_FEW = 3  # keys that a message names


def read(path: Path) -> Any:
    """What a file of `torch.save` or safetensors holds; nothing in it is run.

    Raises WinnowError that says what else it is.
    """
    _refuse_others(path)
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        with torch.serialization.safe_globals(_PLAIN):
            return torch.load(path, map_location="cpu", weights_only=True)
    except (SafetensorError, OSError) as error:
        kind = "safetensors" if path.suffix == ".safetensors" else "tensors alone"
        raise WinnowError(
            f"{path}: not readable as {kind} ({error}); fetch the model again"
        ) from error
    except Exception as error:  # torch raises many kinds for what is damaged or holds objects
        found = re.search(r"GLOBAL ([\w.]+)", str(error))
        first = next(iter(str(error).splitlines()), type(error).__name__)
        why = f"it holds objects of {found[1]}" if found else first.rstrip(".")
        whole = isinstance(error, pickle.UnpicklingError)
        remedy = "save its state dict by itself where you trust the file, best as safetensors"
        raise WinnowError(
            f"{path}: not readable as tensors alone ({why}); "
            f"{remedy if whole else 'fetch the model again, or ' + remedy}"
        ) from error


def _refuse_others(path: Path) -> None:
    """Name files that are no weights, though they are stored in their place."""
    try:
        with path.open("rb") as file:
            head = file.read(64).lstrip().lower()
        names = zipfile.ZipFile(path).namelist() if zipfile.is_zipfile(path) else []
    except (OSError, zipfile.BadZipFile, NotImplementedError, UnicodeDecodeError, ValueError) as e:
        raise WinnowError(f"{path}: not readable as weights ({e})") from e
    if any(name.endswith("/constants.pkl") for name in names):
        raise WinnowError(
            f"{path}: is a TorchScript archive, which holds code beside weights; where you trust "
            "it, save the weights alone: torch.save(torch.jit.load(FILE).state_dict(), NEW)"
        )
    if head.startswith(b"version https://git-lfs"):
        raise WinnowError(f"{path}: is a pointer of Git LFS, not the weights; run `git lfs pull`")
    if head.startswith((b"<!doctype html", b"<html")):
        raise WinnowError(f"{path}: is a web page, not weights; download the file itself")


def states(content: Any) -> dict[str, State]:
    """Every state dict in a checkpoint by the path of its keys, "" for the checkpoint itself.

    Those of averaged weights (EMA) come last, then those of fewer tensors.
    """
    found = dict(_states(content, (), _DEPTH))
    order = sorted(found, key=lambda place: (_averaged(place), -len(found[place])))
    return {place: found[place] for place in order}


def _averaged(name: str) -> bool:
    return re.search(r"ema(?![a-z])|(?<![a-z])swa|averag", name.lower()) is not None


def _states(content: Any, key_path: tuple[str, ...], depth: int) -> Iterator[tuple[str, State]]:
    if not isinstance(content, Mapping):
        return
    named = {key: value for key, value in content.items() if isinstance(key, str)}
    state = {key: value for key, value in named.items() if isinstance(value, torch.Tensor)}
    if state:
        yield ".".join(key_path), state
    for key, value in named.items() if depth else ():
        yield from _states(value, (*key_path, key), depth - 1)


def fitting(content: Any, expected: Mapping[str, torch.Tensor], path: Path) -> tuple[State, str]:
    """The state dict in a checkpoint that fits a model's best, with the model's names, and a line
    about what was left aside (empty if nothing was).

    Prefixes that trainers put before names are taken off: `module.`, `model.`, `_orig_mod.` and
    any other. Raises WinnowError where there is none, or it is an adapter.
    """
    found = {place: _renamed(state, expected) for place, state in states(content).items()}
    if not found:
        raise WinnowError(f"{path}: holds no state dict; give the file of a model's weights")
    matches = {place: len(expected.keys() & state.keys()) for place, (state, _) in found.items()}
    place = max(matches, key=lambda name: matches[name])  # the first of equals: no average
    state, others = found[place]
    adapter = next((k for k in (*state, *others) if ".lora_" in k or ".base_layer." in k), None)
    if adapter:
        raise WinnowError(
            f"{path}: holds a LoRA adapter ({adapter}), not a model's whole weights; merge it into "
            "its base (peft: `merge_and_unload()`) and save that state dict"
        )
    left = []
    if others:
        left.append(f"{len(others)} tensors beside the model ({listed(others)})")
    left += [f"`{name}`, which fits too" for name in found if name != place and matches[name]]
    told = f"{path}: weights are read from {f'`{place}`' if place else 'the file'}, without "
    return state, told + " and ".join(left) if left else ""


def _renamed(state: State, expected: Mapping[str, torch.Tensor]) -> tuple[State, list[str]]:
    """A state dict without wrappers and prefix, and the names of what lies outside that prefix."""
    state = {_WRAPPERS.sub("", key): value for key, value in state.items()}
    prefixes: Counter[str] = Counter()
    for key in state:
        parts = key.split(".")
        for start in range(len(parts)):
            if ".".join(parts[start:]) in expected:
                prefixes[".".join(parts[:start])] += 1
    best = min(prefixes, key=lambda name: (-prefixes[name], _averaged(name), len(name)), default="")
    own = f"{best}." if best else ""
    inside = {key.removeprefix(own): value for key, value in state.items() if key.startswith(own)}
    weights = {
        key: value
        for key, value in inside.items()
        if key in expected or key.rpartition(".")[2] not in _NO_WEIGHTS
    }
    return weights, [key for key in state if not key.startswith(own)]


def misfit(expected: Mapping[str, torch.Tensor], actual: Mapping[str, torch.Tensor]) -> str:
    """Why a state dict is not one of a model: the first keys of each fault and how many there are;
    empty if it fits."""
    missing = [
        key
        for key in expected
        if key not in actual and not key.endswith("num_batches_tracked")  # torch fills these in
    ]
    extra = [key for key in actual if key not in expected]
    both = [key for key in expected if key in actual]
    shapes = [key for key in both if actual[key].shape != expected[key].shape]
    kinds = [key for key in both if key not in shapes and not _plain(actual[key], expected[key])]
    nan = [key for key in both if key not in kinds and not _finite(actual[key])]
    told = [f"{k} {tuple(actual[k].shape)}, not {tuple(expected[k].shape)}" for k in shapes]
    return "; ".join(
        f"{len(keys)} {what} ({shown})"
        for keys, what, shown in (
            (missing, "missing", listed(missing)),
            (extra, "unexpected", listed(extra)),
            (shapes, "of another shape", listed(told)),
            (kinds, "not of plain floats, as if quantised", listed(kinds)),
            (nan, "with values that are not finite", listed(nan)),
        )
        if keys
    )


def activation_hint(content: Any, path: Path) -> tuple[bool, str] | None:
    """Whether a checkpoint was trained with QuickGELU (else GELU), and what hints at it; None where
    nothing does: weights are of the same names and shapes with both."""
    keys = {key.rpartition(".")[2] for state in states(content).values() for key in state}
    if keys & _OPENAI_KEYS:
        return True, f"its key {sorted(keys & _OPENAI_KEYS)[0]} is one of OpenAI's files"
    run = content.get("name") if isinstance(content, Mapping) else None
    for name in (path.name, run):
        for quick, pattern in ((True, _QUICK), (False, _PLAIN_GELU)):
            if isinstance(name, str) and (match := pattern.search(name)):
                return quick, f"its name has {match[0]!r}"
    return None


def listed(keys: list[str]) -> str:
    """The first few names."""
    return ", ".join([*keys[:_FEW], *(["..."] if len(keys) > _FEW else [])])


def _plain(actual: torch.Tensor, expected: torch.Tensor) -> bool:
    dense = actual.layout == torch.strided and not actual.is_quantized and not actual.is_meta
    return dense and (actual.is_floating_point() or not expected.is_floating_point())


def _finite(tensor: torch.Tensor) -> bool:
    return not tensor.is_floating_point() or bool(torch.isfinite(tensor.float()).all())
