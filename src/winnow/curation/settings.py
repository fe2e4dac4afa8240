"""The sections `curation` and `leakage`."""

from typing import Literal

from pydantic import Field

from winnow.params.fields import Fraction, Section


class Curation(Section):
    """How scores become subsets."""

    within: Literal["pool", "scene"] = Field(
        "pool", description="Apply the keep ratio to the whole pool, or within each scene"
    )


class Leakage(Section):
    """When two images are one: docs/leakage.md has what these find and what they mistake."""

    distance: int = Field(
        8, ge=0, le=31, description="Maximum number of different bits in the hashes of two views"
    )
    correlation: Fraction = Field(
        0.95, description="Minimum correlation of the brightness of both views"
    )
