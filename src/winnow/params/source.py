"""Where the images and human captions come from: one model a kind of source."""

import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, field_validator

from winnow.data.secrets import without_login

Split = Literal["pool", "reference", "test"]
Links = Literal["refuse", "follow"]
Band = Annotated[int, Field(ge=1)]
Stretch = Literal["percentile"] | tuple[FiniteFloat, FiniteFloat]  # black and white


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    _logins = field_validator("*")(without_login)


class TerrariumSource(_Strict):
    """The embedded miniature Earth: nothing to download, and the truth is known."""

    kind: Literal["terrarium"] = "terrarium"
    pool: int = Field(ge=1, le=10**8, description="images in the split that is curated")
    reference: int = Field(ge=0, le=10**8, description="images in the reference split")
    test: int = Field(ge=0, le=10**8, description="images in the test split")
    size: int = Field(default=64, ge=16, le=2048, description="width and height in pixels")
    seed: int = Field(default=0, ge=0, description="seed of the world")


class RealSource(_Strict):
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


class FolderOfImages(RealSource):
    """What the sources have in common whose images are files of their own."""

    links: Links = Field(
        default="refuse",
        description="links that lead out of the image folder: refuse (except links of a Hugging "
        "Face cache into its own repository), or follow (needed for DVC's caches)",
    )


class KarpathySource(FolderOfImages):
    """Captions in Karpathy's JSON layout (RSICD, UCM-captions, Sydney-captions, ...)."""

    kind: Literal["karpathy"] = "karpathy"
    annotations: Path = Field(description="the JSON file")
    images: Path = Field(description="folder for the file names in the JSON")
    splits: dict[str, Split] = Field(
        default={"train": "pool", "restval": "pool", "val": "reference", "test": "test"},
        description="split names of the JSON -> our splits",
    )
    scene_pattern: str | None = Field(
        default="^([a-z]+)_[0-9]+",
        description="regular expression with one group that matches the scene in a file name",
    )


_USUAL_SPLITS: dict[str, Split] = {
    "pool": "pool",
    "train": "pool",
    "reference": "reference",
    "val": "reference",
    "validation": "reference",
    "test": "test",
}


class FolderSource(FolderOfImages):
    """A folder of images with a table of captions, as Hugging Face's ImageFolder has it."""

    kind: Literal["folder"] = "folder"
    images: Path = Field(description="folder for the file names in the table")
    metadata: Path = Field(
        description="metadata.jsonl, a JSON list, or a CSV or TSV: a column file_name, filename "
        "or filepath; one or more of text, caption, captions and title; optionally "
        "split, and scene or label"
    )
    splits: dict[str, Split] = Field(
        default=_USUAL_SPLITS, description="split names of the table -> our splits"
    )


class ClassesSource(FolderOfImages):
    """Images in one folder a class; the folder's name is the scene and gives the caption."""

    kind: Literal["classes"] = "classes"
    images: Path = Field(description="folder with one subfolder per class, at any depth")
    level: int | None = Field(
        default=None,
        ge=1,
        description="which folder of an image's path is its class, counted from `images`; null: "
        "the only one in which the paths differ",
    )


_IGNORED = Field(
    default=(),
    description="suffixes of additional files of a sample to ignore, as .seg.png and .npy",
)


class FilesSource(FolderOfImages):
    """Images with .txt or .json captions beside them, as img2dataset writes its files."""

    kind: Literal["files"] = "files"
    images: Path = Field(description="folder with images and captions, at any depth")
    splits: dict[str, Split] = Field(
        default=_USUAL_SPLITS, description="split names in .json files -> our splits"
    )
    ignore: tuple[str, ...] = _IGNORED


class WebdatasetSource(RealSource):
    """Tars of images with .txt or .json captions, as img2dataset and webdataset write them."""

    kind: Literal["webdataset"] = "webdataset"
    shards: str = Field(description="the tars: a glob, or braces as in shard-{000..012}.tar")
    splits: dict[str, Split] = Field(
        default=_USUAL_SPLITS, description="split names in .json members -> our splits"
    )
    limit: int | None = Field(
        default=None, ge=1, description="maximum number of images, the first ones (null: all)"
    )
    ignore: tuple[str, ...] = _IGNORED


Source = Annotated[
    TerrariumSource
    | KarpathySource
    | FolderSource
    | ClassesSource
    | WebdatasetSource
    | FilesSource,
    Field(discriminator="kind"),
]
