"""Published transformers models: fetched into a folder, loaded from it. Nothing in it is run."""

import os
import re
import shutil
from pathlib import Path
from typing import Any

from winnow.data.digests import check_digests, write_digests
from winnow.data.errors import WinnowError
from winnow.data.files import DIGESTS, atomic_path
from winnow.data.secrets import without_login
from winnow.models.folder import check, offline, why

# Weights, configuration, tokenizer, chat template. Neither pickles nor Python code.
FILES = ("*.safetensors", "*.json", "*.txt", "*.jinja")


def fetch_transformers(id: str, revision: str | None, output: Path) -> None:
    """Write the folder `output` of a model: `org/name` of the hub at `revision`, or a local folder.

    Raises WinnowError where it cannot be fetched, or has no safetensors.
    """
    with atomic_path(output) as folder:
        if Path(id).is_dir():
            if revision is not None:
                raise WinnowError(f"--revision: {id} is a folder, which has none")
            check_digests(Path(id))
            folder.mkdir()
            for pattern in FILES:
                for file in sorted(Path(id).glob(pattern)):
                    shutil.copyfile(file, folder / file.name)
        else:
            _download(id, revision, folder)
        (folder / DIGESTS).unlink(missing_ok=True)  # of the source, which may have more files
        if not list(folder.glob("*.safetensors")):
            raise WinnowError(
                f"{id}: has no safetensors; choose a revision with them, or convert its weights"
            )
        try:
            check(folder)
        except WinnowError as error:
            raise WinnowError(str(error).replace(str(folder), id)) from error
        write_digests(folder)


def check_endpoint() -> None:
    """Raise WinnowError where HF_ENDPOINT, the hub's address, holds a name or a password."""
    try:
        without_login(os.environ.get("HF_ENDPOINT", ""))
    except ValueError:
        raise WinnowError(
            "HF_ENDPOINT: the address in this environment variable may hold no name or password; "
            "a token goes into HF_TOKEN"
        ) from None


def _download(id: str, revision: str | None, folder: Path) -> None:
    from huggingface_hub import snapshot_download

    try:
        snapshot_download(id, revision=revision, local_dir=folder, allow_patterns=list(FILES))
    except Exception as error:  # network, names, permissions: the hub raises many kinds
        raise WinnowError(
            f"{id}: cannot be fetched from the hub at revision {revision or 'main'} "
            f"({why(error)}); an id is org/name, or a folder"
        ) from error
    for inner in filter(Path.is_dir, folder.iterdir()):  # the hub's notes, and what is not loaded
        shutil.rmtree(inner)


@offline()
def load(folder: Path, dtype: Any) -> tuple[Any, Any]:
    """The image-text-to-text model (or plain language model) in a folder, and its processor.

    Raises WinnowError naming the folder and what it lacks: configuration, processor, chat template,
    weights in safetensors, or a part of them.
    """
    from transformers import AutoModelForCausalLM, AutoModelForImageTextToText
    from transformers.utils import logging

    check(folder)
    processor = load_processor(folder)
    sees = hasattr(processor, "image_processor")
    kind: Any = AutoModelForImageTextToText if sees else AutoModelForCausalLM
    logging.disable_progress_bar()
    try:
        model, report = kind.from_pretrained(
            folder,
            local_files_only=True,
            trust_remote_code=False,
            use_safetensors=True,
            dtype=dtype,
            output_loading_info=True,
        )
    except Exception as error:  # shapes, files, names: it raises many kinds
        raise WinnowError(
            f"{folder}: cannot be loaded by {kind.__name__} ({_told(error)})"
        ) from error
    lacking = sorted(report["missing_keys"])
    if lacking:  # they would be random
        raise WinnowError(f"{folder}: its weights lack {lacking[0]} ({len(lacking)} parts in all)")
    return model.eval(), processor


@offline()
def load_processor(folder: Path) -> Any:
    """The processor in a folder that was checked, or its tokenizer, with a chat template. Errors as
    in `load`."""
    from transformers import AutoProcessor

    if not (folder / "config.json").is_file():
        raise WinnowError(f"{folder}: no config.json; a model is a folder of transformers")
    remedy = "`winnow fetch-model --loader=transformers` fetches a model with all that it needs"
    try:
        processor = AutoProcessor.from_pretrained(
            folder, local_files_only=True, trust_remote_code=False
        )
    except Exception as error:  # files that lack or are damaged: it raises many kinds
        raise WinnowError(
            f"{folder}: no processor can be loaded ({_told(error)}); {remedy}"
        ) from error
    tokenizer = getattr(processor, "tokenizer", processor)
    processor.chat_template = processor.chat_template or tokenizer.chat_template
    if processor.chat_template is None:
        raise WinnowError(f"{folder}: no chat template, so it cannot be asked; {remedy}")
    return processor


def _told(error: Exception) -> str:
    """What a library says of a folder that it could not load while it was offline."""
    if re.search("offline mode|local cache|cached files", str(error)):
        return "it names a part that is not in the folder, and nothing is fetched"
    return why(error)
