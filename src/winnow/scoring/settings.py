"""The sections `scorers` and `scoring`."""

from typing import Any, Literal

from pydantic import Field, model_validator

from winnow.params.fields import Name, PositiveInt, Ratio, Section, Seed


class ScorerCode(Section):
    """What scores: a built-in by its name, a class of yours, or a parquet of scores."""

    use: str | None = Field(
        None, description="A built-in scorer, or `module:Class`; default: the scorer's own name"
    )
    scores: str | None = Field(
        None, description="A Parquet file with uid, caption_id, score, in place of a class"
    )
    subset: str | None = Field(
        None, description="A Parquet file with uid, caption_id of the pairs to keep (score 1)"
    )
    options: dict[str, Any] = Field(default_factory=dict, description="Options of the class")
    files: dict[Name, str] = Field(
        default_factory=dict,
        description="Files and folders that the class reads, passed to it as options; if one "
        "changes, scores are recomputed",
    )

    @model_validator(mode="after")
    def _named_once(self) -> "ScorerCode":
        if twice := sorted(self.options.keys() & self.files.keys()):
            raise ValueError(f"{twice[0]!r} is among `options` and among `files`")
        return self


class Scorer(ScorerCode):
    """One scorer and its model."""

    model: Name | None = Field(
        None, description="Role of the scorer's model, or a recipe of `score_model`"
    )
    threshold: float | None = Field(
        None, description="Keep all pairs with at least this score, in place of the keep ratios"
    )
    mean_of: list[Name] = Field(
        default_factory=list, description="Other scorers; the score is their mean z-score"
    )
    choose: bool = Field(
        False, description="Choose the keep ratio of each scene from its scores, as DLDC does"
    )
    within: Literal["pool", "scene"] | None = Field(
        None, description="Replaces `curation.within` for this scorer"
    )
    share: Ratio | None = Field(
        None, description="For a `subset` or `threshold`: the keep ratio of its cell"
    )

    @property
    def bar(self) -> float | None:
        """Keep what scores this or more; None where a ratio says how much."""
        return 1.0 if self.subset is not None else self.threshold

    @model_validator(mode="after")
    def _one_way(self) -> "Scorer":
        finished = self.scores or self.subset
        own = self.use or self.model or self.options or self.files
        if finished and own:
            raise ValueError(
                "`scores` and `subset` name a finished parquet: drop `use`, `model`, `options` and "
                "`files`"
            )
        if self.scores and self.subset:
            raise ValueError("give either `scores` or `subset`")
        if self.mean_of and (finished or own):
            raise ValueError("`mean_of` joins other scorers: drop what says how it scores")
        if self.subset and (self.choose or self.within or self.threshold is not None):
            raise ValueError("`subset` says what is kept: drop `choose`, `within` and `threshold`")
        if self.share is not None and self.bar is None:
            raise ValueError("`share` belongs to a `subset` or a `threshold`")
        if self.choose and self.threshold is not None:
            raise ValueError("`choose` and `threshold` both say how much is kept")
        return self


class Scoring(Section):
    """The engine that runs scorers."""

    batch_size: PositiveInt = Field(256, description="Pairs per forward pass")
    precision: Literal["auto", "float32", "bfloat16"] = Field(
        "auto", description="`auto`: bfloat16 if the hardware supports it natively"
    )
    seed: Seed = Field(0, description="Random seed of the control `random`")
