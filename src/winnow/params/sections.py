"""The sections of `params.yaml`. A field's description becomes its help in the JSON Schema."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt, model_validator

Fraction = Annotated[float, Field(ge=0, le=1)]
Ratio = Annotated[float, Field(gt=0, le=1)]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
Seed = Annotated[int, Field(ge=0, lt=2**32)]
Noise = Literal[
    "mismatch",
    "hallucination",
    "count",
    "attribute",
    "relation",
    "generic",
    "truncated",
    "infeasible",
]
Role = Literal["clip", "domain_clip", "evaluator_clip"]
# The built-in scorers, and whether each needs a model. The classes are in winnow.scoring.scorers.
BUILT_IN = {
    "none": False,
    "random": False,
    "oracle": False,
    "text": False,
    "clip": True,
    "domain_clip": True,
    "rotation": True,
}


class Section(BaseModel):
    """A group of parameters: unknown keys are refused, values do not change after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Pool(Section):
    """How any source becomes the pool."""

    shard_size: PositiveInt = Field(1000, description="Images in one WebDataset tar")
    quarantine_limit: Fraction = Field(
        0.05, description="The run fails when more than this share of the images is unusable"
    )


class Captions(Section):
    """The caption set `raw`: human captions with noise of known kind."""

    per_image: PositiveInt = Field(1, description="Captions an image brings into the pool")
    noise: dict[Noise, Fraction] = Field(
        default_factory=dict, description="Share of the captions that get each kind of noise"
    )
    seed: Seed = Field(0, description="Draws the captions and their noise")

    @model_validator(mode="after")
    def _at_most_all(self) -> "Captions":
        if sum(self.noise.values()) > 1 + 1e-9:
            raise ValueError(f"the rates sum to {sum(self.noise.values()):.3g}, more than 1")
        return self

    @property
    def known_noise(self) -> bool:
        """Whether any caption gets noise of known kind."""
        return any(rate > 0 for rate in self.noise.values())


class ScorerCode(Section):
    """What scores: a built-in by its name, a class of yours, or a parquet of scores."""

    use: str | None = Field(
        None, description="A built-in scorer, or `module:Class`; by default the scorer's own name"
    )
    scores: str | None = Field(
        None, description="A parquet with uid, caption_id, score, in place of a class"
    )
    options: dict[str, Any] = Field(default_factory=dict, description="Passed to the class")


class Scorer(ScorerCode):
    """One scorer and its model."""

    model: Role | None = Field(None, description="The role of the model it scores with")

    @model_validator(mode="after")
    def _one_way(self) -> "Scorer":
        if self.scores is not None and (self.use or self.model or self.options):
            raise ValueError("`scores` names a finished parquet: drop `use`, `model` and `options`")
        return self


class Scoring(Section):
    """The engine that runs scorers."""

    batch_size: PositiveInt = Field(256, description="Pairs in one forward pass")
    precision: Literal["auto", "float32", "bfloat16"] = Field(
        "auto", description="`auto` takes bfloat16 where it measures faster"
    )
    seed: Seed = Field(0, description="Draws the `random` control")


class Curation(Section):
    """How scores become subsets."""

    within: Literal["pool", "scene"] = Field(
        "pool", description="Keep the best share of the whole pool, or of each scene"
    )


class Sweep(Section):
    """The cells of the benchmark."""

    ratios: list[Ratio] = Field(description="Keep ratios of the swept scorers")
    scorers: list[Name] = Field(description="Swept over all ratios; the others run at `ratio`")
    seeds: list[Seed] = Field(min_length=1, description="Training repeats")


class Optimiser(Section):
    """AdamW with warm-up and cosine decay."""

    batch_size: PositiveInt = Field(128, description="Pairs in one step")
    learning_rate: PositiveFloat = Field(1e-3, description="Peak learning rate")
    weight_decay: Annotated[float, Field(ge=0)] = Field(0.1, description="Of weight matrices")
    warmup: Fraction = Field(0.1, description="Share of the steps with rising learning rate")
    precision: Literal["auto", "float32", "bfloat16"] = Field(
        "auto", description="`auto` takes bfloat16 where the hardware has matrix units for it"
    )


class Contrastive(Optimiser):
    """Fine-tuning of the general model on each subset."""

    samples_seen: PositiveInt = Field(
        description="Pairs seen in training, equal at every keep ratio"
    )


class Foundry(Section):
    """Training of the stand-ins."""

    images: PositiveInt = Field(description="Terrarium images of the foundry's own reference split")
    seed: Seed = Field(description="Draws the foundry's world; its images are in no pool")
    optimiser: Optimiser = Field(description="Shared by the three stand-ins")
    samples_seen: dict[Role, PositiveInt] = Field(description="Pairs seen by each stand-in")


class Zeroshot(Section):
    """Zero-shot classification sets."""

    images: PositiveInt = Field(description="Images in each of Terrarium's sets")
    seed: Seed = Field(description="Draws Terrarium's sets")
    folders: dict[Name, str] = Field(
        default_factory=dict, description="Further sets: name -> folder with one folder per class"
    )


class Statistics(Section):
    """Intervals."""

    resamples: Annotated[int, Field(ge=100)] = Field(1000, description="Bootstrap resamples")
    seed: Seed = Field(0, description="Draws the resamples")


class Model(Section):
    """A role's model: one of our stand-ins, or a published checkpoint by name."""

    loader: Literal["standin", "open_clip"] = Field(
        "standin",
        description="`standin`: the released one for Terrarium, trained in the run for other pools",
    )
    id: str | None = Field(
        None, description="open_clip: `ViT-B-32`, `hf-hub:org/name`, or a folder in its layout"
    )
    pretrained: str | None = Field(
        None, description="open_clip: a pretrained tag, or a state dict such as RemoteCLIP's .pt"
    )
    licence: str | None = Field(None, description="Of the published checkpoint, for the record")

    @model_validator(mode="after")
    def _id_when_needed(self) -> "Model":
        if (self.loader == "open_clip") != (self.id is not None):
            raise ValueError("`id` belongs to the loader open_clip, and it needs one")
        return self
