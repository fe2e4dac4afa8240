"""All parameters of a run, and what must hold between the sections."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal, get_args

from pydantic import Field, create_model, model_validator

from winnow.captioning.settings import Annotations, Captioning
from winnow.curation.settings import Curation, Leakage
from winnow.data.errors import did_you_mean
from winnow.evaluation.settings import Statistics
from winnow.models.settings import (
    EvaluatorRole,
    MllmRole,
    Model,
    ModelRole,
    OptionalRole,
    Role,
    ScoringRole,
)
from winnow.params.fields import DROPPABLE, Named, Ratio, Section
from winnow.params.names import CONTROLS, PRETRAINED, REAL, Scale
from winnow.preferences.settings import Preferences
from winnow.reporting.settings import Site
from winnow.scoring import scorers as built_in
from winnow.scoring.settings import Scorer, Scoring
from winnow.sources.registry import Source
from winnow.sources.settings import Captions, Pool, Zeroshot
from winnow.tracks.registry import TRACKS, own_section
from winnow.tracks.settings import Sweep
from winnow.training.settings import Foundry, ScoreModel

COMPLETE = "complete"
NOT_SCALED = ("scale", COMPLETE)  # keys that a scale has not


# Of roles that neither write nor are contrastive.
_LOADERS = {
    "mllm_small": ["standin", "transformers"],
    "judge": ["openai"],
    "score_model": ["transformers"],
    "t2i": ["standin", "diffusers"],
    "geo_rssd": ["standin", "diffusers"],
    "controlnet": ["standin", "diffusers"],
    "diffusionsat": ["standin", "diffusionsat"],
    "crs_diff": ["standin", "crs_diff"],
    "segmentor": ["standin", "mmsegmentation"],
}


class Params(Section):
    """Every parameter of one run, after the overrides of its scale, but for the tracks' sections,
    which `WithTracks` adds under the names of the tracks."""

    scale: Scale = Field(description="smoke (a quick test), mini (default, CPU), paper (GPUs)")
    ratio: Ratio = Field(description="The headline keep ratio; every scorer has a cell at it")
    folder: str = Field(".", description="Where artifacts/ and results/ are written")
    source: Source = Field(description="Source of the pool's images and captions")
    pool: Pool
    captions: Captions
    annotations: Annotations
    captioning: Captioning
    models: Annotated[dict[Literal[ModelRole, OptionalRole], Model], *DROPPABLE]
    preferences: Preferences
    score_model: ScoreModel
    scorers: Named[Scorer]
    scoring: Scoring
    curation: Curation
    leakage: Leakage
    sweep: Sweep
    foundry: Foundry
    zeroshot: Zeroshot
    statistics: Statistics
    site: Site
    complete: Literal[True] = Field(
        True, description="The last line of params.yaml, which shows that the file is complete"
    )

    @model_validator(mode="after")
    def _names_exist(self) -> "Params":
        known = ", ".join(self.scorers)
        for name in CONTROLS:
            if name not in self.scorers and (name != "oracle" or self.captions.known_noise):
                raise ValueError(f"scorers: the control {name!r} is missing (scorers: {known})")
        self.require_swept("sweep.scorers", self.sweep.scorers)
        if "loop" in self.sweep.captions:
            self.require_swept("captioning.loop.scorers", self.captioning.loop.scorers)
        for name, whose in ((PRETRAINED, "the untuned model"), (REAL, "real images alone")):
            if name in self.scorers:
                raise ValueError(f"scorers: {name!r} is the name of the cell of {whose}")
        return self

    def require_swept(self, key: str, names: Sequence[str]) -> None:
        """Raise ValueError if one of `names`, listed at `key`, is no scorer, or one that says
        itself what it keeps."""
        for name in names:
            if name not in self.scorers:
                told = f"unknown scorer {name!r}{did_you_mean(name, self.scorers)}"
                raise ValueError(f"{key}: {told} (scorers: {', '.join(self.scorers)})")
            if self.scorers[name].bar is not None or self.scorers[name].choose:
                raise ValueError(
                    f"{key}: {name!r} says itself what it keeps, so no ratio changes it"
                )

    def require_selecting(self, key: str, names: Sequence[str]) -> None:
        """Raise ValueError if one of `names`, listed at `key`, is no scorer whose keep ratio is
        swept or chosen by scene."""
        self.require_swept(key, [name for name in names if not self._chooses(name)])
        for name in names:
            if name == "none":
                raise ValueError(f"{key}: 'none' is there without being named")
            if self.scorers[name].bar is not None:
                raise ValueError(f"{key}: {name!r} has a threshold or is a subset")

    def _knows(self, name: str) -> bool:
        return (self.scorers[name].use or name) == "oracle"

    def _chooses(self, name: str) -> bool:
        return name in self.scorers and self.scorers[name].choose

    @model_validator(mode="after")
    def _means_are_of_scorers(self) -> "Params":
        for name, scorer in self.scorers.items():
            for part in scorer.mean_of:
                if part not in self.scorers or self.scorers[part].mean_of or self._knows(part):
                    raise ValueError(
                        f"scorers.{name}: mean_of: {part!r} is no scorer that scores by itself, "
                        "without the truth"
                    )
        return self

    @model_validator(mode="after")
    def _every_role(self) -> "Params":
        contrastive = get_args(Role)
        for key, given, roles in (
            ("models", set(self.models), get_args(ModelRole)),
            ("foundry.samples_seen", set(self.foundry.samples_seen), contrastive),
        ):
            missing = [role for role in roles if role not in given]
            if missing:
                raise ValueError(f"{key}: the role {missing[0]!r} is missing")
        for role, model in self.models.items():
            loaders = _LOADERS.get(role, ["standin", "transformers", "openai"])
            if role in contrastive:
                loaders = ["standin", "open_clip"]
            if model.loader not in loaders:
                named = " or ".join(loaders)
                raise ValueError(f"models.{role}: its loader is {named}, not {model.loader!r}")
        return self

    @model_validator(mode="after")
    def _scorers_are_known(self) -> "Params":
        for name, scorer in self.scorers.items():
            use = scorer.use or name
            if scorer.scores or scorer.subset or scorer.mean_of or ":" in use:
                continue
            if use not in built_in.NAMES:
                raise ValueError(
                    f"scorers.{name}: {use!r} is no built-in scorer"
                    f"{did_you_mean(use, built_in.NAMES)} ({', '.join(built_in.NAMES)}); a "
                    "class of your own goes under `use` as `module:Class`, a parquet of scores "
                    "under `scores`"
                )
            needed = built_in.find(use).needs
            roles = self._models_of(needed)
            if needed and scorer.model not in roles:
                given = f", not {scorer.model!r}" if scorer.model else ""
                raise ValueError(
                    f"scorers.{name}: {use!r} needs a `model`, one of {', '.join(roles)}{given}"
                )
        return self

    def _models_of(self, needed: str | None) -> list[str]:
        """What a built-in scorer may score with that needs this kind of model."""
        if needed != "score_model":
            return list(get_args(ScoringRole))
        return list(dict.fromkeys([*self.score_model.recipes, "score_model"]))

    @model_validator(mode="after")
    def _scorers_have_models(self) -> "Params":
        evaluators = get_args(EvaluatorRole)
        known = {*self.models, *self.score_model.recipes}.difference(evaluators)
        for name, scorer in self.scorers.items():
            if scorer.model in evaluators:
                raise ValueError(
                    f"scorers.{name}: {scorer.model} grades what scorers keep, so none may score "
                    "with it"
                )
            if scorer.model is not None and scorer.model not in known:
                raise ValueError(
                    f"scorers.{name}: its model {scorer.model!r} is neither a role of `models` nor "
                    f"a recipe of `score_model` (there are {', '.join(sorted(known))})"
                )
        return self

    @model_validator(mode="after")
    def _recipes_are_known(self) -> "Params":
        given = self.score_model
        starts = {*get_args(MllmRole), *given.tuned}
        for name, recipe in given.recipes.items():
            if recipe.start not in starts:
                raise ValueError(
                    f"score_model.recipes.{name}: start {recipe.start!r} is neither a role nor "
                    f"under `tuned` ({', '.join(sorted(starts))})"
                )
            for stage in recipe.stages:
                if stage not in given.stages:
                    raise ValueError(
                        f"score_model.recipes.{name}: no stage {stage!r}"
                        f"{did_you_mean(stage, given.stages)} (there are {', '.join(given.stages)})"
                    )
        for name, tuned in given.tuned.items():
            if tuned.scorer not in self.scorers:
                raise ValueError(f"score_model.tuned.{name}: unknown scorer {tuned.scorer!r}")
        return self

    @model_validator(mode="after")
    def _judge_is_known(self) -> "Params":
        if self.preferences.judge == "openai" and "judge" not in self.models:
            raise ValueError("preferences.judge: openai needs `models.judge`, with its url")
        return self

    @model_validator(mode="after")
    def _tracks_fit(self) -> "Params":
        for track in TRACKS:
            if track.settings:
                own_section(self, track).check(self)
        return self


_OWN: dict[str, Any] = {track.name: (track.settings, ...) for track in TRACKS if track.settings}
# With the tracks' own sections
WithTracks: type[Params] = create_model(
    "Params",
    __base__=Params,
    __doc__="Every parameter of one run, after the overrides of its scale.",
    **_OWN,
)
