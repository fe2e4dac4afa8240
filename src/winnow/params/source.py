"""Where the images and human captions come from: one model a kind of source."""

import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

Split = Literal["pool", "reference", "test"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


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
        description="fraction of the images of the pool split set apart as reference, by uid "
        "(0: only those that the source names)",
    )
    test: float = Field(
        default=0.0,
        ge=0,
        lt=1,
        description="fraction set apart as test, by uid, if the source itself names no test image "
        "(0: only those that it names)",
    )
    scene_pattern: str | None = Field(
        default=None,
        description="regular expression with one group that finds the scene in a file name",
    )
    limit: int | None = Field(
        default=None, ge=1, description="most images to take, spread evenly (null: all)"
    )

    @field_validator("scene_pattern")
    @classmethod
    def _one_group(cls, value: str | None) -> str | None:
        if value is None:
            return value
        try:
            groups = re.compile(value).groups
        except re.error as error:
            raise ValueError(f"not a regular expression: {error}") from error
        if groups != 1:
            raise ValueError(f"needs exactly one group, has {groups}")
        return value


class KarpathySource(RealSource):
    """Captions in Karpathy's JSON layout (RSICD, UCM-captions, Sydney-captions, ...)."""

    kind: Literal["karpathy"] = "karpathy"
    annotations: Path = Field(description="the JSON file")
    images: Path = Field(description="folder that its file names are relative to")
    splits: dict[str, Split] = Field(
        default={"train": "pool", "restval": "pool", "val": "reference", "test": "test"},
        description="the JSON's names of splits, and ours",
    )
    scene_pattern: str | None = Field(
        default="^([a-z]+)_[0-9]+",
        description="regular expression with one group that finds the scene in a file name",
    )


_USUAL_SPLITS: dict[str, Split] = {
    "pool": "pool",
    "train": "pool",
    "reference": "reference",
    "val": "reference",
    "validation": "reference",
    "test": "test",
}


class FolderSource(RealSource):
    """A folder of images with a table of captions, as Hugging Face's ImageFolder has it."""

    kind: Literal["folder"] = "folder"
    images: Path = Field(description="folder that the table's file names are relative to")
    metadata: Path = Field(
        description="metadata.jsonl, or a .csv or .tsv: a column file_name, filename or filepath; "
        "one of text, caption or title; if wished split, and scene or label"
    )
    splits: dict[str, Split] = Field(
        default=_USUAL_SPLITS, description="the table's names of splits, and ours"
    )


class ClassesSource(RealSource):
    """Images in one folder a class; the folder's name is the scene and gives the caption."""

    kind: Literal["classes"] = "classes"
    images: Path = Field(description="folder that holds one folder a class")


class WebdatasetSource(RealSource):
    """Tars of images with .txt or .json captions, as img2dataset and webdataset write them."""

    kind: Literal["webdataset"] = "webdataset"
    shards: str = Field(description="the tars: a glob, or braces as in shard-{000..012}.tar")
    splits: dict[str, Split] = Field(
        default=_USUAL_SPLITS, description="the names of splits in .json members, and ours"
    )
    limit: int | None = Field(
        default=None, ge=1, description="most images to take, the first ones (null: all)"
    )


Source = Annotated[
    TerrariumSource | KarpathySource | FolderSource | ClassesSource | WebdatasetSource,
    Field(discriminator="kind"),
]
