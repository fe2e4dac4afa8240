"""Published text-to-image models: fetched into a folder that `diffusion` loads. Nothing is run.

Weights that are not safetensors (those of DiffusionSat, of CRS-Diff, and of old pipelines) are read
as tensors alone and written as safetensors. What no generator needs is left behind: optimisers,
other precisions, safety checkers.
"""

import fnmatch
import shutil
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import Any

from winnow.data.digests import check_digests, write_digests
from winnow.data.errors import WinnowError
from winnow.data.files import DIGESTS, atomic_path, read_json, write_json
from winnow.data.temporary_folders import temporary_folder
from winnow.data.yaml_file import read_yaml
from winnow.models import crs_diff, diffusion, weights
from winnow.models.crs_config import ADAPTER, Configuration
from winnow.models.folder import check, why
from winnow.models.text_to_image import TextToImageModel

NETWORK, TEXT = "diffusion_pytorch_model", "model"
# Weights by the folder they are in: their name without suffix, and that of a pickle.
WEIGHTS = {"vae": (NETWORK, NETWORK), "text_encoder": (TEXT, "pytorch_model")}
PLAIN = ("*.json", "*.txt")  # configurations and tokenizers
PARTS = ("vae", "text_encoder", "tokenizer", "scheduler")
# Of a CRS-Diff checkpoint: the networks, not the noise schedule or what trained them.
NETWORKS = ("model.diffusion_model.", "first_stage_model.", "cond_stage_model.", "local_adapter.",
            "global_content_adapter.", "metadata_emb.")  # fmt: skip
NO_WEIGHTS = (".position_ids", "first_stage_model.loss.")


def fetch_pipeline(
    id: str,
    output: Path,
    revision: str | None = None,
    subfolder: str | None = None,
    side: int | None = None,
    satellite: bool = False,
) -> None:
    """Write a Stable Diffusion, a DiffusionSat (`satellite`) or a ControlNet.

    `id` is `org/name` of the hub, or a folder; `subfolder` of it holds the model. Images are to
    have `side` pixels, where the UNet's configuration says another number than it was trained with.
    It is loaded once as `diffusion` will, so that a wrong layout is found here. Raises WinnowError
    naming the file and the key.
    """
    inner = PurePosixPath(subfolder or ".")
    if inner.is_absolute() or ".." in inner.parts:
        raise WinnowError(f"--subfolder: {subfolder} is not inside {id}")
    if Path(id).is_dir():
        if revision is not None:
            raise WinnowError(f"--revision: {id} is a folder, which has none")
        for place in {Path(id), Path(id) / inner}:  # all of it, or this part alone
            check_digests(place)
        return _take(Path(id) / inner, str(PurePosixPath(id) / inner), output, side, satellite)
    output.parent.mkdir(parents=True, exist_ok=True)
    with temporary_folder(output) as scratch:
        _download(id, revision, inner, scratch)
        _take(scratch / inner, str(PurePosixPath(id) / inner), output, side, satellite)


def _take(source: Path, name: str, output: Path, side: int | None, satellite: bool) -> None:
    with atomic_path(output) as folder:
        pipeline = (source / diffusion.INDEX).is_file()
        for part, copied in _folders(source).items():
            _copy(part, folder / copied)
        if not pipeline and not (folder / diffusion.CONFIG).is_file():
            raise WinnowError(
                f"{name}: no {diffusion.INDEX} of a pipeline and no {diffusion.CONFIG} of a "
                "ControlNet; --id is org/name of the hub, or a folder in a layout of diffusers"
            )
        unet = diffusion.unet_folder(folder)
        if satellite and not diffusion.is_diffusionsat(unet):
            place = unet.relative_to(folder) / diffusion.CONFIG
            raise WinnowError(f"{name}/{place}: no `num_metadata`, so it is no DiffusionSat")
        try:
            if pipeline:
                if side is not None:  # one that says none cannot be loaded to learn the factor
                    _set_side(unet / diffusion.CONFIG, side, 1)
                factor = diffusion.load(folder).factor
                if side is not None:
                    _set_side(unet / diffusion.CONFIG, side, factor)
            elif side is not None:
                raise WinnowError(f"--side: {name} is a ControlNet, which draws nothing by itself")
            else:
                diffusion.load_controlnet(folder)
        except WinnowError as error:
            raise WinnowError(str(error).replace(str(folder), name)) from error
        write_digests(folder)


def _set_side(path: Path, side: int, factor: int) -> None:
    """Have a UNet's configuration say what side its images have."""
    if side % factor:
        raise WinnowError(f"--side: {side} pixels are no multiple of the autoencoder's {factor}")
    write_json(path, {**read_json(path), "sample_size": side // factor})


def _folders(source: Path) -> dict[Path, str]:
    """What is copied of a folder, and where to: a pipeline's parts, or a ControlNet itself."""
    if not (source / diffusion.INDEX).is_file():
        return {source: "."}
    unet = diffusion.unet_folder(source)
    names = [*PARTS, unet.relative_to(source).as_posix()]
    return {source: ".", **{source / name: name for name in names if (source / name).is_dir()}}


def _copy(source: Path, target: Path) -> None:
    """Copy a part's configuration and weights; pickled weights become safetensors."""
    target.mkdir(parents=True, exist_ok=True)
    for file in _matching(source, PLAIN):
        shutil.copyfile(file, target / file.name)
    safe, pickled = _weight_names(source.name)
    if (source / safe).is_file():
        shutil.copyfile(source / safe, target / safe)
    elif (source / pickled).is_file():
        weights.write(weights.read_state(source / pickled), target / safe)


def _weight_names(part: str) -> tuple[str, str]:
    safe, pickled = WEIGHTS.get(part, (NETWORK, NETWORK))
    return f"{safe}.safetensors", f"{pickled}.bin"


def _matching(folder: Path, patterns: Iterable[str]) -> list[Path]:
    found = (path for pattern in patterns for path in folder.glob(pattern) if path.is_file())
    return sorted(path for path in found if path.name != DIGESTS)


def _download(id: str, revision: str | None, inner: PurePosixPath, folder: Path) -> None:
    """A repository's files that `_take` looks at, safetensors where it has them."""
    from huggingface_hub import HfApi, snapshot_download

    try:
        names = HfApi().list_repo_files(id, revision=revision)
        wanted = wanted_files(names, inner)
        snapshot_download(id, revision=revision, local_dir=folder, allow_patterns=wanted)
    except Exception as error:  # network, names, permissions: the hub raises many kinds
        raise WinnowError(
            f"{id}: cannot be fetched from the hub at revision {revision or 'main'} "
            f"({why(error)}); an id is org/name, or a folder"
        ) from error


def wanted_files(names: Iterable[str], inner: PurePosixPath) -> list[str]:
    """Those of a repository's files that the generator in its folder `inner` is made of."""
    known = set(names)
    wanted = []
    for name in sorted(known):
        if not PurePosixPath(name).is_relative_to(inner):
            continue
        place = PurePosixPath(name).relative_to(inner)
        part = place.parent.name
        safe, pickled = _weight_names(part)
        unet = part == "unet" and len(place.parts) <= 3
        if part not in ("", *PARTS) and not unet:
            continue
        plain = any(fnmatch.fnmatch(place.name, pattern) for pattern in PLAIN)
        instead = place.name == pickled and (inner / place.with_name(safe)).as_posix() not in known
        if plain or place.name == safe or instead:
            wanted.append(name)
    return wanted


def fetch_crs_diff(id: str, output: Path) -> None:
    """Write the folder of a CRS-Diff checkpoint, `last.ckpt`.

    Of `crs.yaml` and `clip/` (a text encoder's configuration and tokenizer), those that lie beside
    it are taken; else those of the published model. Raises WinnowError naming the file and the key.
    """
    path = Path(id)
    if not path.is_file():
        raise WinnowError(f"--id: {id}: no such file; give CRS-Diff's checkpoint, last.ckpt")
    beside = path.parent / crs_diff.CONFIG
    config = read_yaml(beside, ADAPTER).model.params if beside.is_file() else Configuration()
    clip = path.parent / crs_diff.CLIP
    if clip.is_dir():
        check(clip)
    text, tokenizer = crs_diff.load_text(clip) if clip.is_dir() else _published_text()
    state = {key: value for key, value in weights.read_state(path).items() if _is_network(key)}
    try:
        parts = crs_diff.assemble(config, text, tokenizer, state, path)
    except WinnowError as error:
        if beside.is_file():
            raise
        raise WinnowError(
            f"{error}; there is no {beside}, so the published model's was taken: if the checkpoint "
            "has another, put it there"
        ) from error
    generator = TextToImageModel(kind="crs_diff", name=id, **parts)
    with atomic_path(output) as folder:
        folder.mkdir()
        diffusion.save(generator, folder)


def _is_network(key: str) -> bool:
    return key.startswith(NETWORKS) and not any(part in key for part in NO_WEIGHTS)


def _published_text() -> tuple[Any, Any]:
    """The text encoder of OpenAI's ViT-L/14, without weights, and its tokenizer."""
    from transformers import CLIPTextConfig, CLIPTextModel

    from winnow.models import clip_tokenizer

    tokenizer = clip_tokenizer.published()
    config = CLIPTextConfig(
        hidden_size=768,
        intermediate_size=3072,
        num_attention_heads=12,
        num_hidden_layers=12,
        vocab_size=len(tokenizer),
        max_position_embeddings=clip_tokenizer.CONTEXT,
        hidden_act="quick_gelu",
    )
    return CLIPTextModel(config), tokenizer
