"""How images are drawn."""

from typing import Annotated, Literal

from pydantic import Field

from winnow.params.fields import Fraction, PositiveInt, Section, Seed


class Sampling(Section):
    """How a text-to-image model draws."""

    images: PositiveInt = Field(description="Images; each prompt is a caption of the test split")
    steps: PositiveInt = Field(25, description="Steps of the DDIM sampler")
    eta: Fraction = Field(0.0, description="Noise of the DDIM sampler; 0: deterministic")
    guidance: Annotated[float, Field(ge=1)] = Field(
        4.0, description="Scale of classifier-free guidance; 1: none"
    )
    batch_size: PositiveInt = Field(100, description="Images per batch")
    seed: Seed = Field(0, description="Random seed of the initial noise of each image")
    long_prompts: Literal["refuse", "truncate"] = Field(
        "refuse", description="What to do with prompts of more tokens than the text encoder takes"
    )
