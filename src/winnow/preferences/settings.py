"""The section `preferences`."""

from typing import Literal, get_args

from pydantic import Field, model_validator

from winnow.models.settings import MllmRole, ScoringRole
from winnow.params.fields import Fraction, Name, Named, PositiveInt, Section, Seed


class Captioner(Section):
    """One who describes the images of the reference split."""

    by: Literal["human", "neighbour", "noise", "mllm", "mllm_small"] = Field(
        description="A human; the human who described a similar image; a human caption with "
        "known noise; or the model of a role"
    )
    ranks: list[PositiveInt] = Field(
        [1], min_length=1, description="For neighbours: ranks by similarity; 1 is the closest"
    )
    perspective: Name | None = Field(None, description="Perspective for a model")
    temperature: float = Field(0.0, ge=0, description="Sampling temperature; 0: greedy decoding")
    words: PositiveInt | None = Field(
        None, description="Length in words; a model's answer is cut at twice as many tokens"
    )

    @model_validator(mode="after")
    def _models_are_asked(self) -> "Captioner":
        if (self.by in get_args(MllmRole)) != (self.perspective is not None):
            raise ValueError("`perspective` belongs to mllm and mllm_small, which need one")
        if self.perspective is None and (self.temperature or self.words):
            raise ValueError("`temperature` and `words` belong to mllm and mllm_small")
        if self.ranks != [1] and self.by != "neighbour":
            raise ValueError("`ranks` belongs to neighbour")
        return self


class Answerer(Section):
    """One who answers questions about the images of the reference split."""

    by: Literal["source", MllmRole] = Field(
        description="The answer that comes with a question (an annotator's); or the model of a role"
    )
    temperature: float = Field(0.0, ge=0, description="Sampling temperature; 0: greedy decoding")

    @model_validator(mode="after")
    def _models_sample(self) -> "Answerer":
        if self.by == "source" and self.temperature:
            raise ValueError("`temperature` belongs to mllm and mllm_small")
        return self


class Deduplication(Section):
    """Which images are too much alike to be kept both."""

    model: ScoringRole = Field("clip", description="Role of the model for image features")
    threshold: float = Field(
        0.65, gt=-1, le=1, description="Minimum cosine of whitened features of near duplicates"
    )


class Quiz(Section):
    """What is asked about the images of the reference split, and who rates the answers."""

    judge: Literal["truth", "openai"] = Field(
        "truth",
        description="Who rates: the truth, where it is known (open questions need a layout), or "
        "the model of role `judge`",
    )
    closed: int = Field(3, ge=0, description="Maximum number of closed questions per image")
    open: int = Field(2, ge=0, description="Maximum number of open questions per image")
    remote_sensing: int = Field(2, ge=0, description="Maximum number of categories per image")


class Pairing(Section):
    """How preference pairs are split."""

    held_out: Fraction = Field(0.2, description="Share of the images used only for evaluation")
    seed: Seed = Field(0, description="Seed of questions, answers, text pairs and held-out images")


class Preferences(Pairing, Quiz):
    """ScoreRS's preference data, made from the reference split."""

    rubric: str = Field("workflow/rubric.yaml", description="The rubric and prompt of a judge")
    questions: str = Field("workflow/questions.yaml", description="The open questions")
    text_pairs: str | None = Field(
        None, description="JSON lines with prompt, chosen, rejected, in place of our text pairs"
    )
    deduplication: Deduplication
    captioners: Named[Captioner] = Field(description="Sources of image descriptions")
    answerers: Named[Answerer] = Field(description="Sources of answers to questions")
