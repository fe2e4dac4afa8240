"""The built-in scorers, one file each: its name is the scorer's, and its SCORER the class.

The digest of the command `score` does not follow them. The digest of the one module that a job runs
(`place`) stands beside it, so that an edit of one scorer does not score again with the others.
"""

import importlib
from pathlib import Path
from typing import Any

from winnow.data.errors import WinnowError
from winnow.scoring.scorer import Batch, Context, Scorer

__all__ = ["NAMES", "Batch", "Context", "Scorer", "find", "make", "place"]

NAMES = tuple(sorted(path.stem for path in Path(__file__).parent.glob("[a-z]*.py")))


def place(use: str) -> str:
    """The class that `use` names, as `module:Class`: a built-in scorer's, or a user's own."""
    return f"{__name__}.{use}:SCORER" if use in NAMES else use


def find(use: str) -> type[Scorer]:
    """The class that `use` names. Raises WinnowError where there is none."""
    module, _, name = place(use).partition(":")
    if not name:
        raise WinnowError(
            f"scorers: {use!r} is no built-in scorer ({', '.join(NAMES)}); a class of your own "
            "is named `module:Class`, a parquet of scores goes under `scores:`"
        )
    try:
        return getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise WinnowError(
            f"scorers: {use!r} cannot be imported ({error}); is its folder on PYTHONPATH?"
        ) from error


def make(use: str, context: Context, options: dict[str, Any]) -> Scorer:
    """The scorer that `use` names, ready to score."""
    return find(use)(context, **options)
