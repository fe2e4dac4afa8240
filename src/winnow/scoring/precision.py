"""bfloat16 or float32: whichever measures faster here, remembered so that runs repeat."""

import platform
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import torch
from open_clip.transformer import ResidualAttentionBlock, Transformer

from winnow.data.errors import WinnowError
from winnow.data.files import cache_folder, digest_bytes, read_json, write_json
from winnow.models.clip import Clip

PRECISIONS = ("float32", "bfloat16")
GAIN = 1.1  # bfloat16 must be this much faster: near a tie the exact one wins
BATCH, REPEATS = 32, 3  # what is measured
TEXT = "a satellite photo of a river"
Autocast = Callable[[], AbstractContextManager[Any]]


def choose(clip: Clip, precision: str, folder: Path) -> Autocast:
    """An autocast context for `precision` of a CLIP; `auto` measures, once for an architecture."""
    if precision == "auto":
        config = folder / "open_clip_config.json"
        precision = faster(config, clip.device, lambda way: _seconds(clip, autocast(way, clip)))
    return autocast(precision, clip)


def faster(config: Path, device: torch.device, seconds: Callable[[str], float]) -> str:
    """The faster precision by `seconds`, measured once for each machine and architecture.

    The measurement is kept in the user's cache folder: a second run must not decide otherwise,
    since scores in bfloat16 and float32 differ in the third digit.
    """
    setting = f"{platform.processor()}{_cpu()}{torch.__version__}{torch.get_num_threads()}"
    key = digest_bytes(config.read_bytes() + setting.encode() + str(device).encode())
    record = cache_folder() / "precision" / f"{key}.json"
    if record.is_file():
        return str(read_json(record)["precision"])
    taken = {name: seconds(name) for name in PRECISIONS}
    precision = "bfloat16" if taken["float32"] > GAIN * taken["bfloat16"] else "float32"
    try:
        write_json(record, {"precision": precision, "seconds": taken})
    except WinnowError as error:
        print(f"precision is not remembered: {error}")
    return precision


def autocast(precision: str, clip: Clip) -> Autocast:
    """The context in which a model runs in `precision`; its transformers are laid out for it."""
    half = precision == "bfloat16"
    _lay_out(clip.model, batch_first=not (half and clip.device.type == "cpu"))
    if half:
        return lambda: torch.autocast(clip.device.type, dtype=torch.bfloat16)
    return nullcontext


def _lay_out(model: Any, batch_first: bool) -> None:
    """Let open_clip's transformers work on [batch, sequence, width], or on [sequence, batch, ...].

    In autocast on a CPU the first makes each attention layer copy its weights once for every
    position (torch 2.15), which takes three times as long as all the rest; the second does not.
    In float32 the first is the faster one. The features are the same.
    """
    for module in model.modules():
        if type(module) is Transformer:
            blocks = [b for b in module.resblocks if type(b) is ResidualAttentionBlock]
            if len(blocks) == len(module.resblocks):
                module.batch_first = batch_first
                for block in blocks:
                    block.attn.batch_first = batch_first


def _cpu() -> str:
    return torch.backends.cpu.get_cpu_capability()


def _seconds(clip: Clip, context: Autocast) -> float:
    """Best time of a forward pass of `BATCH` pairs, in seconds."""
    pixels = np.zeros((BATCH, clip.size, clip.size, 3), dtype=np.uint8)

    def run() -> None:
        clip.encode_images(pixels)
        clip.encode_texts([TEXT] * BATCH)

    return best_seconds(context, clip.device, run)


def best_seconds(context: Autocast, device: torch.device, run: Callable[[], Any]) -> float:
    """Best time of `run` of several, in seconds; the first warms up, and cannot be the best."""
    best = float("inf")
    for _ in range(REPEATS + 1):
        start = time.perf_counter()
        with torch.inference_mode(), context():
            run()
        if device.type == "cuda":
            torch.cuda.synchronize()
        best = min(best, time.perf_counter() - start)
    return best
