"""The section `segmentation`."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Self

from pydantic import Field, model_validator

from winnow.params.fields import Fraction, Name, PositiveInt, Ratio, Section, Seed
from winnow.params.planning import known_truth
from winnow.sources.settings import SegmentationData
from winnow.tracks.settings import TrackSection
from winnow.training.settings import SegmentorTraining

if TYPE_CHECKING:
    from winnow.params.model import Params


class Segmentor(Section):
    """The network that learns land cover."""

    network: str = Field(
        "unet",
        pattern=r"^(unet|segformer|.+\.(yaml|yml|json))$",
        description="`unet` or `segformer` (small ones), or an mmsegmentation configuration "
        "file in YAML or JSON",
    )
    training: SegmentorTraining


class PseudoLabels(Section):
    """Generated images without masks, labelled by the segmentor of real images alone."""

    fractions: list[Ratio] = Field(
        min_length=1, description="Shares of the real labels, selected from `fractions`"
    )
    confidence: Fraction = Field(0.5, description="Pixels below this probability are ignored")


class Segmentation(Segmentor, TrackSection):
    """The track `segmentation`: what generated images add to real labels."""

    labels: PositiveInt = Field(description="Number of labelled real images of the split `pool`")
    seed: Seed = Field(0, description="Random seed for their selection and order")
    fractions: list[Ratio] = Field(
        min_length=1, description="Shares of the labels; each is contained in the larger ones"
    )
    text: PseudoLabels | None = Field(
        None, description="Generated images from captions alone, with pseudo labels; null: none"
    )
    steps: PositiveInt = Field(25, description="Steps of the DDIM sampler")
    guidance: Annotated[float, Field(ge=1)] = Field(
        1.0, description="Guidance to the caption with a mask; a high value weakens the mask"
    )
    pretrained: bool = Field(True, description="Add a row for t2i without fine-tuning")
    scorers: list[Name] = Field(description="Scorers whose generators are used")
    ratios: list[Ratio] = Field(description="Keep ratios of those scorers")
    seeds: list[Seed] = Field(min_length=1, description="Random seeds; one training each")
    data: SegmentationData | None = Field(
        None, description="A real data set in place of the pool's masks, without generated images"
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
