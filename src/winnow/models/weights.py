"""Weights read strictly: what is missing, unexpected or of another shape is named with its file."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from winnow.data.errors import WinnowError
from winnow.models import checkpoint


def read(path: Path) -> dict[str, torch.Tensor]:
    """The tensors of a safetensors file."""
    try:
        return load_file(path)
    except (OSError, SafetensorError) as error:
        raise WinnowError(
            f"{path}: not readable as safetensors ({error}); fetch the model again"
        ) from error


def read_state(path: Path) -> dict[str, torch.Tensor]:
    """The tensors of a file of `torch.save` (or safetensors); nothing in it is run.

    They may lie beside others, under `state_dict`, `model` or any name: the largest group counts,
    averaged weights last. Raises WinnowError for any other file.
    """
    found = checkpoint.states(checkpoint.read(path))
    if not found:
        raise WinnowError(f"{path}: holds no state dict; give the file of a model's weights")
    state = next(iter(found.values()))
    parallel = all(key.startswith("module.") for key in state)
    return {key.removeprefix("module.") if parallel else key: v for key, v in state.items()}


def device() -> torch.device:
    """The accelerator if there is one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


@contextmanager
def writing() -> Iterator[None]:
    """While weights are written, OSError where the disk is full."""
    try:
        yield
    except SafetensorError as error:
        raise OSError(str(error)) from error


def storage(half: bool) -> torch.dtype:
    """The kind of floats in which weights are stored."""
    return torch.float16 if half else torch.float32


def write(state: Mapping[str, torch.Tensor], path: Path, kind: torch.dtype | None = None) -> None:
    """Write tensors, floats as `kind` (each as it is by default).

    Raises OSError where the disk is full.
    """
    ready = {
        key: value.to("cpu", kind if value.is_floating_point() else None).clone().contiguous()
        for key, value in state.items()
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    with writing():
        save_file(ready, path, metadata={"format": "pt"})


@torch.no_grad()
def fill(
    expected: Mapping[str, torch.Tensor], actual: Mapping[str, torch.Tensor], path: Path
) -> None:
    """Copy `actual`, read from `path`, into the tensors of `expected`, which has the same keys.

    Raises WinnowError naming the key that is missing, unexpected or of another shape.
    """
    for key, tensor in actual.items():
        if key not in expected:
            raise WinnowError(f"{path}: {key} is no part of the model that its configuration tells")
        if tensor.shape != expected[key].shape:
            raise WinnowError(
                f"{path}: {key} has shape {tuple(tensor.shape)}, but by the configuration "
                f"{tuple(expected[key].shape)}"
            )
    missing = sorted(set(expected) - set(actual))
    if missing:
        raise WinnowError(f"{path}: lacks {missing[0]} ({len(missing)} missing in all)")
    for key, tensor in expected.items():
        tensor.copy_(actual[key])
