"""The section `statistics`, and what generated images are measured by."""

from typing import Annotated, Literal

from pydantic import Field

from winnow.params.fields import PositiveInt, Section, Seed


class GenerationMetrics(Section):
    """What generated images are measured by."""

    features: Literal["evaluator", "inception"] = Field(
        "evaluator",
        description="Features for FID and KID: those of the role evaluator_clip, or Inception's",
    )
    resamples: PositiveInt = Field(200, description="Bootstrap resamples of FID and KID")
    kid_subsets: PositiveInt = Field(50, description="Number of subsets over which KID is averaged")
    kid_subset_size: PositiveInt = Field(200, description="Maximum number of images per subset")


class Statistics(Section):
    """Intervals."""

    resamples: Annotated[int, Field(ge=100)] = Field(1000, description="Bootstrap resamples")
    seed: Seed = Field(0, description="Random seed of the resamples")
