"""mmsegmentation 1.2.2 with mmcv-lite on current torch: all that it takes, in this one place.

mmcv-lite is a pure wheel, without mmcv's compiled operators; mmsegmentation imports the wrappers of
them all the same. mmcv also imports OpenCV, whose wheel wants libraries of the system that headless
servers lack. Neither is ever called by what runs here: Pillow decodes, NumPy flips, and networks
are made of torch's own operators. So where one of them cannot be imported, a module takes its place
that has every name and refuses to be called.

mmengine imports all of transformers for one optimiser that it would register; nothing here uses
that, and two seconds a job are saved by not letting it.
"""

import importlib
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from winnow.data.errors import WinnowError

REFUSED = {
    "mmcv._ext": "an operator that mmcv-lite lacks; choose a network that needs none",
    "cv2": "OpenCV, which cannot be imported here; on Debian, `apt install libgl1 libglib2.0-0`",
}


class UnavailableError(WinnowError, ImportError):
    """Something was called that was not imported. As an ImportError, it lets mmengine go on where
    it only tries."""


def load() -> None:
    """Import mmsegmentation, so that its registries know its networks, transforms and metrics."""
    if "mmseg.models" in sys.modules:
        return
    with _hidden("transformers"):
        importlib.import_module("mmengine.optim")
    for name, reason in REFUSED.items():
        try:
            importlib.import_module(name)
        except ImportError:
            sys.modules[name] = _refusing(name, reason)
    importlib.import_module("mmseg.utils").register_all_modules()
    logging = importlib.import_module("mmengine.logging")
    logging.MMLogger.get_instance("winnow", log_level="ERROR")  # else it lists every tensor
    warnings.filterwarnings("ignore", category=UserWarning, module="mmseg")  # its own old calls


def _refusing(name: str, reason: str) -> ModuleType:
    """A module that has every name: numbers in capitals, and functions that raise."""

    def refuse(*_: Any, **__: Any) -> None:
        raise UnavailableError(f"the segmentor needs {reason}")

    def attribute(wanted: str) -> int | str | Callable[..., None]:
        if wanted == "__version__":
            return "absent"  # for mmengine's record of the environment
        if wanted.startswith("__"):
            raise AttributeError(wanted)
        return 0 if wanted.isupper() else refuse

    module = ModuleType(name)
    module.__spec__ = ModuleSpec(name, None)  # no loader: mmengine takes it for absent
    module.__getattr__ = attribute  # type: ignore[method-assign]
    return module


@contextmanager
def _hidden(name: str) -> Iterator[None]:
    """While this lasts, a package that is not imported yet cannot be."""
    if name in sys.modules:
        yield
        return
    sys.modules[name] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules[name]
