"""What sources have in common. A source is a model: its fields are the section `source` of the
parameters, and it reads itself. One of real images is of a file in `formats/`."""

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, ClassVar, Literal, NewType

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, field_validator

from winnow.data.records import Record, Rejected
from winnow.data.rendering import Rendering
from winnow.data.secrets import without_login

Split = Literal["pool", "reference", "test"]
Links = Literal["refuse", "follow"]
Band = Annotated[int, Field(ge=1)]
Stretch = Literal["percentile"] | tuple[FiniteFloat, FiniteFloat]  # black and white
Glob = NewType("Glob", str)  # a pattern of paths
USUAL_SPLITS: dict[str, Split] = {
    "pool": "pool",
    "train": "pool",
    "reference": "reference",
    "val": "reference",
    "validation": "reference",
    "test": "test",
}


class AnySource(BaseModel, ABC):
    """Base of every kind of source; a field of the kind Path or Glob is read."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    knows_truth: ClassVar[bool] = False  # whether noise of captions by models is known, and masks

    _logins = field_validator("*")(without_login)

    @abstractmethod
    def records(self, workers: int) -> Iterator[Record | Rejected]:
        """Stream what the source holds, in an order that does not change, one image in memory at a
        time. Raises WinnowError, naming the key of params.yaml or the file and line, where the
        source as a whole cannot be read. `workers` processes may share the work."""

    def remedy(self) -> str:
        """What to do where the source holds nothing at all."""
        return "source: holds no image; add some"

    def inputs(self) -> list[Path]:
        """The files and folders that are read. Raises WinnowError, which begins with the key, for a
        pattern that stands for none."""
        return [value for _, value in self if isinstance(value, Path)]

    def shares(self) -> tuple[float, float]:
        """Fractions (reference, test) that `build_pool` sets apart."""
        return 0.0, 0.0

    def rendering(self) -> Rendering:
        """How rasters become pictures."""
        return Rendering()


class RealSource(AnySource):
    """What all sources of real images have in common."""

    reference: float = Field(
        default=0.0,
        ge=0,
        lt=1,
        description="fraction of the pool split that is moved to the reference split, by uid "
        "(0: only images that the source names)",
    )
    test: float = Field(
        default=0.0,
        ge=0,
        lt=1,
        description="fraction that is moved to the test split, by uid, if the source names no "
        "test image (0: only images that it names)",
    )
    scene_pattern: str | None = Field(
        default=None,
        description="regular expression with one group that matches the scene in a file name",
    )
    limit: int | None = Field(
        default=None, ge=1, description="maximum number of images, evenly spaced (null: all)"
    )

    bands: tuple[Band, Band, Band] | None = Field(
        default=None,
        description="bands for red, green and blue, counted from 1 (null: the first three, or "
        "the first of one or two)",
    )
    stretch: Stretch = Field(
        default="percentile",
        description="for more than 8 bits: the values of black and white, as [low, high]; "
        "percentile: the percentiles 2 and 98 of each image",
    )

    @field_validator("stretch")
    @classmethod
    def _rising(cls, value: Stretch) -> Stretch:
        if isinstance(value, tuple) and not value[0] < value[1]:
            raise ValueError(f"black ({value[0]:g}) must be lower than white ({value[1]:g})")
        return value

    @field_validator("scene_pattern")
    @classmethod
    def _one_group(cls, value: str | None) -> str | None:
        if value is None:
            return value
        try:
            groups = re.compile(value).groups
        except (re.error, OverflowError, RecursionError) as error:
            raise ValueError(f"not a regular expression: {error}") from error
        if groups != 1:
            raise ValueError(f"needs exactly one group, has {groups}")
        return value

    @abstractmethod
    def folder(self) -> Path:
        """The folder whose name is the source's in tables."""

    def shares(self) -> tuple[float, float]:
        """Fractions (reference, test) that `build_pool` sets apart."""
        return self.reference, self.test

    def rendering(self) -> Rendering:
        """How rasters become pictures."""
        return Rendering(self.bands, self.stretch)


class FolderOfImages(RealSource):
    """What the sources have in common whose images are files of their own."""

    images: Path
    links: Links = Field(
        default="refuse",
        description="links that lead out of the image folder: refuse (except links of a Hugging "
        "Face cache into its own repository), or follow (needed for DVC's caches)",
    )

    def folder(self) -> Path:
        """The folder whose name is the source's in tables."""
        return self.images

    def remedy(self) -> str:
        """What to do where the source holds nothing at all."""
        return f"source.images: {self.images}: holds no file; put the images there"


class SourceOfSamples(RealSource):
    """What the sources have in common in which several files of one name are a sample."""

    splits: dict[str, Split] = USUAL_SPLITS
    ignore: tuple[str, ...] = Field(
        default=(),
        description="suffixes of additional files of a sample to ignore, as .seg.png and .npy",
    )
