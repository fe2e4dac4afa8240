"""How models are trained; the sections `score_model` and `foundry`."""

from typing import Annotated, Literal

from pydantic import Field, PositiveFloat, model_validator

from winnow.models.settings import GeneratorRole, MllmRole, Role
from winnow.params.fields import Fraction, Name, Named, PositiveInt, Ratio, Section, Seed

PairKind = Literal["text", "caption", "closed", "open", "remote_sensing"]
Part = Literal["vision", "language", "head"]  # of a score model
Normalisation = Literal["none", "softplus", "tanh", "sigmoid"]


class Optimiser(Section):
    """AdamW with warm-up and cosine decay."""

    batch_size: PositiveInt = Field(128, description="Pairs per step")
    learning_rate: PositiveFloat = Field(1e-3, description="Peak learning rate")
    weight_decay: Annotated[float, Field(ge=0)] = Field(0.1, description="On weight matrices")
    warmup: Fraction = Field(0.1, description="Share of the steps with increasing learning rate")
    precision: Literal["auto", "float32", "bfloat16"] = Field(
        "auto", description="`auto`: bfloat16 if the hardware supports it natively"
    )


class MllmTuning(Optimiser):
    """Fine-tuning of a multimodal model on captions."""

    samples_seen: PositiveInt = Field(description="Pairs seen")


class Diffusion(Optimiser):
    """How a text-to-image model is trained."""

    ema: Fraction = Field(0.99, description="Decay of the averaged weights that are saved; 0: off")
    min_snr: PositiveFloat | None = Field(
        5.0, description="Gamma of the min-SNR weights (Hang et al. 2023); null: equal weights"
    )
    drop_prompt: Fraction = Field(
        0.1, description="Share of empty prompts, for classifier-free guidance"
    )
    lora_rank: PositiveInt | None = Field(
        None, description="Rank of the LoRA matrices; null: train every weight of the UNet"
    )
    train_text: bool = Field(False, description="Train the text encoder, too")


class DiffusionTraining(Diffusion):
    """Fine-tuning of a text-to-image model."""

    samples_seen: PositiveInt = Field(description="Pairs seen, the same at every keep ratio")


class SegmentorTraining(Optimiser):
    """Training of a segmentor."""

    samples_seen: PositiveInt = Field(
        description="Images seen, the same with and without generated images and for every share"
    )
    crop: PositiveInt | None = Field(
        None, description="Side of random crops in pixels; null: no cropping"
    )


class ScoreStage(Optimiser):
    """One stage of the score model's training."""

    pairs: list[PairKind] = Field(min_length=1, description="Kinds of pairs to train on")
    share: dict[PairKind, Ratio] = Field(
        default_factory=dict,
        description="Per kind of pairs: the share of the images to use; default: all",
    )
    train: list[Part] = Field(min_length=1, description="Parts to train; others are frozen")
    epochs: PositiveFloat = Field(1.0, description="How often each pair is seen")

    @model_validator(mode="after")
    def _shares_of_own_kinds(self) -> "ScoreStage":
        for kind in self.share:
            if kind not in self.pairs:
                raise ValueError(f"share: {kind} is not among `pairs` ({', '.join(self.pairs)})")
        return self


class ScoreRecipe(Section):
    """A way to train a score model."""

    start: Name = Field(description="Role of the initial model, or a name under `tuned`")
    stages: list[Name] = Field(min_length=1, description="Names of the stages, in order")
    normalisation: Normalisation = Field("none", description="Applied to the output in the loss")


class Tuned(Section):
    """A multimodal model, fine-tuned on what a scorer keeps of the caption set `raw`."""

    model: MllmRole = Field("mllm", description="Role of the model to fine-tune")
    scorer: Name = Field(description="Scorer whose subset is used for training")
    ratio: Ratio = Field(description="Keep ratio of that subset")


class ScoreModel(Section):
    """ScoreRS's score model: stages, and the recipes that are made of them."""

    stages: dict[Name, ScoreStage] = Field(description="Training stages that recipes combine")
    recipes: Named[ScoreRecipe] = Field(
        default_factory=dict, description="`score_model` is the scorer; others are comparisons"
    )
    tuned: Named[Tuned] = Field(default_factory=dict, description="More initial models")
    tuning: MllmTuning
    seeds: list[Seed] = Field(min_length=1, description="Random seeds; one training each")


class MllmTraining(Optimiser):
    """Training of the multimodal stand-ins: each learns to see, then to speak."""

    images_seen: PositiveInt = Field(description="Images seen by the vision tower alone")
    answers_seen: PositiveInt = Field(description="Answers seen when the whole model is trained")
    answers_per_image: PositiveInt = Field(2, description="Answers per image of a batch")


class AutoencoderTraining(Optimiser):
    """Training of the autoencoder that all generator stand-ins share."""

    images_seen: PositiveInt = Field(description="Images seen")


class BackboneTraining(SegmentorTraining):
    """Training of the stand-in whose backbone segmentors start from."""

    images: PositiveInt = Field(description="Images of the foundry's reference split, with masks")


class GeneratorTraining(Section):
    """Training of the generator stand-ins."""

    autoencoder: AutoencoderTraining
    diffusion: Diffusion = Field(description="Training settings of every generator")
    samples_seen: dict[GeneratorRole, PositiveInt] = Field(description="Pairs seen by each model")


class Foundry(Section):
    """Training of the stand-ins."""

    images: PositiveInt = Field(description="Terrarium images of the foundry's own reference split")
    seed: Seed = Field(description="Random seed of the foundry's world; its images are in no pool")
    optimiser: Optimiser = Field(description="Training settings of the contrastive stand-ins")
    samples_seen: dict[Role, PositiveInt] = Field(description="Pairs seen by each model")
    mllm: MllmTraining = Field(description="The multimodal stand-ins, large and small")
    generators: GeneratorTraining = Field(description="The text-to-image stand-ins")
    segmentor: BackboneTraining = Field(description="Initial backbone of segmentors")
