"""The sections `pool`, `captions` and `zeroshot`, and real data with masks."""

from typing import Literal

from pydantic import Field, model_validator

from winnow.params.fields import Fraction, Name, PositiveInt, Section, Seed
from winnow.terrarium.settings import RawCaptions


class Pool(Section):
    """How any source becomes the pool."""

    shard_size: PositiveInt = Field(1000, description="Images in one WebDataset tar")
    quarantine_limit: Fraction = Field(
        0.05, description="The run fails if more than this share of the images is unusable"
    )


class Captions(RawCaptions):
    """The caption set `raw`: human captions as they are, but for what is asked for here.

    Terrarium's own noise and captions per image are in the section `terrarium`; what stands here
    takes their place.
    """

    seed: Seed = Field(0, description="Random seed for sampling captions and noise")

    @property
    def known_noise(self) -> bool:
        """Whether any caption gets noise of known kind."""
        return any(rate > 0 for rate in self.noise.values())


class SegmentationData(Section):
    """A real data set of images with label masks."""

    layout: Literal["folder", "loveda", "potsdam", "openearthmap"] = Field(
        "folder", description="Arrangement of the files and coding of the classes"
    )
    images: str = Field(description="Folder of the images")
    masks: str = Field(description="Folder of the masks, named like the images")
    classes: list[str] | None = Field(
        None, description="For a plain folder: class names of the label values 0, 1, ..."
    )
    threshold: int | None = Field(
        None, ge=1, description="Anti-aliased masks: pixels from this value on are 1, others 0"
    )
    test: Fraction = Field(0.2, description="Share of the images used only for evaluation")
    tile: PositiveInt = Field(
        256, description="Side in pixels of the tiles that larger images are cut into"
    )


class Zeroshot(Section):
    """Zero-shot classification sets."""

    images: PositiveInt = Field(description="Images in each of Terrarium's sets")
    seed: Seed = Field(description="Random seed of Terrarium's sets")
    folders: dict[Name, str] = Field(
        default_factory=dict, description="More sets: name -> folder with one subfolder per class"
    )
    sets: dict[Name, str] = Field(
        default_factory=dict,
        description="More sets: name -> YAML file with classes and templates of a folder, or a "
        "style for Terrarium",
    )

    @model_validator(mode="after")
    def _named_once(self) -> "Zeroshot":
        for name in ("scenes", *self.sets):
            if name in self.folders or (name == "scenes" and name in self.sets):
                raise ValueError(f"the name {name!r} is taken by another set")
        return self
