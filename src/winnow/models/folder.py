"""What is asked of a model's folder before open_clip, transformers or diffusers reads it.

They run Python code of a model only where they are told to trust it; nothing here ever tells them.
A folder that says so itself, or that names another model or kernel to be fetched, is refused.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from winnow.data.digests import check_digests
from winnow.data.errors import WinnowError
from winnow.data.files import below, read_json
from winnow.data.secrets import redacted

# Files of tokens and of weights by name, whose keys are data
DATA = ("tokenizer.json", "vocab.json", "added_tokens.json", "*.index.json")
REFUSED = ("trust_remote_code", "custom_pipeline", "custom_pipelines", "custom_generate")
KERNELS = ("attn_implementation", "experts_implementation")  # maybe `org/name` of the hub
ADAPTER = "adapter_config.json"


def check(folder: Path) -> None:
    """Refuse a folder with damaged files, or whose configurations would run or fetch something.

    Raises WinnowError naming the file and the key.
    """
    never_ask()
    check_digests(folder)
    for path in below(folder):
        if path.name == ADAPTER:
            raise WinnowError(
                f"{path}: describes an adapter, whose base is another model; merge the two (peft: "
                "`merge_and_unload()`) and give the whole model"
            )
        data = any(path.match(pattern) for pattern in DATA)
        if path.suffix == ".json" and path.is_file() and not data:
            _check_file(path)


def never_ask() -> None:
    """Have transformers refuse a model's own code where no argument tells it what to do.

    By default it asks on the terminal, and runs the code when the answer is y.
    """
    from transformers import dynamic_module_utils

    dynamic_module_utils.TIME_OUT_REMOTE_CODE = 0


@contextmanager
def offline() -> Iterator[None]:
    """While this lasts, nothing is fetched from the hub, which a part of a model may name."""
    from huggingface_hub import constants

    before = constants.HF_HUB_OFFLINE
    constants.HF_HUB_OFFLINE = True
    try:
        yield
    finally:
        constants.HF_HUB_OFFLINE = before


def why(error: Exception) -> str:
    """What a library's error says in one line, but for advice that Winnow does not take, and
    without a token of the hub's that it may repeat."""
    from huggingface_hub import get_token

    if "trust_remote_code" in str(error) or "custom code" in str(error):
        return "it asks for code of its own, which is never run; choose a model of the library's"
    return redacted(" ".join(str(error).split()), get_token() or "")


def _check_file(path: Path) -> None:
    try:
        content = read_json(path)
    except WinnowError:
        return  # whoever reads it tells what is wrong
    if path.name.endswith(("config.json", "model_index.json")) and not isinstance(content, dict):
        raise WinnowError(f"{path}: is no JSON object; fetch the model again")
    for section in sections(content):
        for key, value in section.items():
            if key in REFUSED:
                raise WinnowError(f"{path}: `{key}`: code of a model is never run; take it out")
            if key.removesuffix("_internal").lstrip("_") in KERNELS and "/" in str(value):
                raise WinnowError(f"{path}: `{key}` names code to fetch, {value!r}; take it out")


def sections(content: Any) -> Iterator[dict[str, Any]]:
    """All dictionaries of nested ones and lists."""
    left = [content]
    while left:
        value = left.pop()
        if isinstance(value, dict):
            yield value
            left += value.values()
        elif isinstance(value, list):
            left += value
