"""The section `generation`."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Self

from pydantic import Field, model_validator

from winnow.evaluation.settings import GenerationMetrics
from winnow.generation.settings import Sampling
from winnow.models.settings import GeneratorRole
from winnow.params.fields import Name, Named, Ratio, Section, Seed
from winnow.params.names import PRETRAINED
from winnow.tracks.settings import TrackSection
from winnow.training.settings import DiffusionTraining

if TYPE_CHECKING:
    from winnow.params.model import Params


class Baseline(Section):
    """A published generator that fine-tuned ones are compared with."""

    model: GeneratorRole | None = Field(None, description="The role of a generator")
    images: str | None = Field(
        None, description="Or a folder with images of another generator and their prompts"
    )

    @model_validator(mode="after")
    def _one(self) -> "Baseline":
        if (self.model is None) == (self.images is None):
            raise ValueError("give either `model`, a role, or `images`, a folder")
        return self


class TextToImage(TrackSection):
    """The track `generation`: a text-to-image model, fine-tuned on subsets."""

    training: DiffusionTraining
    sampling: Sampling
    metrics: GenerationMetrics
    scorers: list[Name] = Field(description="Scorers whose subsets fine-tune a generator")
    ratios: list[Ratio] = Field(description="Keep ratios of those scorers")
    captions: list[Name] = Field(
        default_factory=list, description="Sets in addition to `raw`, used with all pairs"
    )
    baselines: Named[Baseline] = Field(
        default_factory=dict, description="Published generators, used without fine-tuning"
    )
    seeds: list[Seed] = Field(min_length=1, description="Random seeds; one training each")

    def check(self, params: "Params") -> None:
        """See `TrackSection`."""
        params.require_selecting("generation.scorers", self.scorers)
        for name, baseline in self.baselines.items():
            if name in params.scorers or name == PRETRAINED:
                raise ValueError(f"generation.baselines.{name}: is the name of a scorer's cells")
            if baseline.model == "t2i":
                raise ValueError(f"generation.baselines.{name}: t2i draws the cell {PRETRAINED!r}")
        models = [b.model or b.images for b in self.baselines.values()]
        twice = next((model for model in models if models.count(model) > 1), None)
        if twice is not None:
            raise ValueError(f"generation.baselines: {twice!r} is named twice")
        for name in self.captions:
            if name not in params.sweep.captions:
                raise ValueError(f"generation.captions: {name!r} is not in sweep.captions")

    def rooted(self, placed: Callable[[str], str], root: Path) -> Self:
        """See `TrackSection`."""
        baselines = {
            name: b.model_copy(update={"images": placed(b.images)}) if b.images else b
            for name, b in self.baselines.items()
        }
        return self.model_copy(update={"baselines": baselines})
