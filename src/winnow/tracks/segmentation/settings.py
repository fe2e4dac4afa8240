"""The section `segmentation`."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Self

from pydantic import Field, model_validator

from winnow.params.planning import known_truth
from winnow.params.sections import (
    Fraction,
    Name,
    PositiveInt,
    Ratio,
    Section,
    Seed,
    SegmentationData,
    SegmentorTraining,
    TrackSection,
)

if TYPE_CHECKING:
    from winnow.params.model import Params


class Segmentor(Section):
    """The network that learns land cover."""

    network: str = Field(
        "unet",
        pattern=r"^(unet|segformer|.+\.(yaml|yml|json))$",
        description="`unet` or `segformer`, small ones, or the file of an mmsegmentation "
        "configuration in YAML or JSON",
    )
    training: SegmentorTraining


class PseudoLabels(Section):
    """Generated images without masks, labelled by the segmentor of real images alone."""

    fractions: list[Ratio] = Field(
        min_length=1, description="Shares of the real labels, some of those under `fractions`"
    )
    confidence: Fraction = Field(0.5, description="A pixel whose best class has less is ignored")


class Segmentation(Segmentor, TrackSection):
    """The track `segmentation`: what generated images add to real labels."""

    labels: PositiveInt = Field(description="Real images of the split `pool` that are labelled")
    seed: Seed = Field(0, description="Draws which, and the order in which they are labelled")
    fractions: list[Ratio] = Field(
        min_length=1, description="Shares of the labels; a smaller one is part of a larger one"
    )
    text: PseudoLabels | None = Field(
        None, description="Generated images of captions alone, with pseudo labels; null: none"
    )
    steps: PositiveInt = Field(25, description="Of the DDIM sampler, otherwise as the track draws")
    guidance: Annotated[float, Field(ge=1)] = Field(
        1.0, description="To the caption where there is a mask: too much follows the mask less"
    )
    pretrained: bool = Field(True, description="Whether t2i draws as it is, too")
    scorers: list[Name] = Field(description="Whose generators of the track `generation` draw")
    ratios: list[Ratio] = Field(description="Keep ratios of those scorers")
    seeds: list[Seed] = Field(min_length=1, description="Training repeats of the segmentor")
    data: SegmentationData | None = Field(
        None, description="A real data set in place of the pool's masks; nothing is generated then"
    )

    @model_validator(mode="after")
    def _shares_are_nested(self) -> "Segmentation":
        if self.fractions != sorted(set(self.fractions)):
            raise ValueError("`fractions` rise, and none is there twice")
        for share in self.text.fractions if self.text else []:
            if share not in self.fractions:
                raise ValueError(f"`text.fractions`: {share:g} is not among `fractions`")
        if round(self.fractions[0] * self.labels) < 1:
            raise ValueError(f"`fractions`: {self.fractions[0]:g} of {self.labels} is no label")
        return self

    def check(self, params: "Params") -> None:
        """See `TrackSection`."""
        params.require_selecting("segmentation.scorers", self.scorers)
        start = params.models.get("segmentor")
        masks = known_truth(params) or self.data is not None
        standin = start is not None and start.loader == "standin"
        if masks and standin and self.network != "unet":
            raise ValueError(
                "models.segmentor: the stand-in is a `unet`; for another segmentation.network name "
                "a checkpoint of it, {loader: mmsegmentation, id: FILE}, or give null: its weights "
                "are then drawn"
            )

    def rooted(self, placed: Callable[[str], str], root: Path) -> Self:
        """See `TrackSection`."""
        update: dict[str, object] = {}
        if (root / self.network).is_file():
            update["network"] = placed(self.network)
        if self.data is not None:
            places = {key: placed(getattr(self.data, key)) for key in ("images", "masks")}
            update["data"] = self.data.model_copy(update=places)
        return self.model_copy(update=update)

    def files(self) -> Iterator[tuple[str, str]]:
        """See `TrackSection`."""
        if self.data is not None:
            yield "segmentation.data.images", self.data.images
            yield "segmentation.data.masks", self.data.masks
