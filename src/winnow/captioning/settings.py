"""The sections `annotations` and `captioning`."""

from typing import Literal

from pydantic import Field, PositiveFloat, model_validator

from winnow.params.fields import Fraction, Name, PositiveInt, Section, Seed


class Annotations(Section):
    """Boxes and masks of a real data set, for rule captions; Terrarium brings its own."""

    coco: str | None = Field(None, description="COCO JSON file with boxes of the pool's images")
    masks: str | None = Field(
        None, description="Folder of label masks, named like the images of the pool"
    )
    mask_classes: dict[int, str] = Field(
        default_factory=dict,
        description="Label value in the masks -> class name, empty for background",
    )
    mask_threshold: int | None = Field(
        None, ge=1, description="Anti-aliased masks: pixels from this value on are 255, others 0"
    )
    min_area: Fraction = Field(
        0.002, description="Minimum share of the image that a mask region must cover"
    )

    @model_validator(mode="after")
    def _masks_have_classes(self) -> "Annotations":
        if (self.masks is None) != (not self.mask_classes):
            raise ValueError("`masks` and `mask_classes` need each other")
        return self


class Integration(Section):
    """The merge of an image's descriptions into one caption."""

    mode: Literal["vote", "llm"] = Field(
        "vote",
        description="A rule or a language model writes the caption from the agreed assertions",
    )
    votes: PositiveInt = Field(2, description="Perspectives that must agree on an assertion")


class LoopRound(Section):
    """How one round of the dual loop describes an image."""

    perspective: Name = Field(description="A perspective, or a relay perspective")
    temperature: float = Field(0.0, ge=0, description="Sampling temperature; 0: greedy decoding")
    seed: Seed = Field(0, description="Random seed of the description")


class Loop(Section):
    """DLDC's dual loop: describe, score, and describe again what scores low."""

    scorers: list[Name] = Field(
        ["clip", "domain_clip"], min_length=1, description="Their mean z-score rates a description"
    )
    bar: Fraction = Field(
        0.5, description="Images below this quantile of the first round are described again"
    )
    min_gain: float = Field(
        0.02, description="The loop stops if the mean gain is below this (in standard deviations)"
    )
    rounds: list[LoopRound] = Field(min_length=1, description="At most these rounds are run")

    @model_validator(mode="after")
    def _scorers_differ(self) -> "Loop":
        if len(set(self.scorers)) < len(self.scorers):
            raise ValueError("`scorers` names one of them twice")
        return self


class TextGeneration(Section):
    """The engine that asks models for texts."""

    batch_size: PositiveInt = Field(256, description="Requests per forward pass of a local model")
    attempts: PositiveInt = Field(
        3, description="Number of tries before a request without a usable answer is quarantined"
    )
    temperature: float = Field(0.0, ge=0, description="Sampling temperature; 0: greedy decoding")
    seed: Seed = Field(0, description="Random seed of the answers")
    quarantine_limit: Fraction = Field(
        0.05, description="The run fails if more than this share of requests has no usable answer"
    )
    concurrency: PositiveInt = Field(16, description="Simultaneous requests to a server")
    timeout: PositiveFloat = Field(60.0, description="Seconds to wait for a server's answer")
    retries: int = Field(
        5, ge=0, description="Retries of a request that a server rejects for now or does not answer"
    )
    max_wait: float = Field(
        300.0, ge=0, description="Maximum `Retry-After` in seconds; a longer one ends the run"
    )


class Captioning(Section):
    """The caption sets that models write, and what becomes of them."""

    perspectives: str = Field(
        "workflow/perspectives.yaml", description="File with the prompts about each image"
    )
    generation: TextGeneration
    integration: Integration
    loop: Loop
