"""All kinds of sources, found by their files."""

from collections.abc import Iterable
from functools import reduce
from importlib import import_module
from operator import or_
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from winnow.sources.source import AnySource

DECLARED = "winnow.sources.formats.*"  # the digest of a command's code follows such a pattern


def _declared() -> Iterable[type[AnySource]]:
    for path in sorted(Path(__file__).parent.glob("formats/[a-z]*.py")):
        yield import_module(DECLARED.replace("*", path.stem)).SOURCE


if TYPE_CHECKING:
    Source = AnySource
else:
    Source = Annotated[reduce(or_, _declared()), Field(discriminator="kind")]
