"""All parameters of a run, and what must hold between the sections."""

from typing import Annotated, Literal, get_args

from pydantic import Field, model_validator

from winnow.data.errors import did_you_mean
from winnow.params import sections
from winnow.params.sections import ModelRole, OptionalRole, Ratio, Role, Section
from winnow.params.source import Source

Scale = Literal["smoke", "mini", "paper"]
COMPLETE = "complete"
NOT_SCALED = ("scale", COMPLETE)  # keys that a scale has not
CONTROLS = ("none", "random", "oracle")
JUDGE = "judge"  # the cell of what rates the preferences
PRETRAINED = "pretrained"  # the cell of the model before fine-tuning
REAL = "real"  # the cell of the segmentor that learns from real images alone


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
    """Every parameter of one run, after the overrides of its scale."""

    scale: Scale = Field(description="smoke (a quick test), mini (default, CPU), paper (GPUs)")
    ratio: Ratio = Field(description="The headline keep ratio; every scorer has a cell at it")
    folder: str = Field(".", description="Where artifacts/ and results/ are written")
    source: Source = Field(description="Source of the pool's images and captions")
    pool: sections.Pool
    captions: sections.Captions
    annotations: sections.Annotations
    captioning: sections.Captioning
    models: Annotated[dict[Literal[ModelRole, OptionalRole], sections.Model], *sections.DROPPABLE]
    preferences: sections.Preferences
    score_model: sections.ScoreModel
    scorers: sections.Named[sections.Scorer]
    scoring: sections.Scoring
    curation: sections.Curation
    leakage: sections.Leakage
    sweep: sections.Sweep
    foundry: sections.Foundry
    contrastive: sections.Contrastive
    zeroshot: sections.Zeroshot
    generation: sections.TextToImage
    segmentation: sections.Segmentation
    statistics: sections.Statistics
    site: sections.Site
    complete: Literal[True] = Field(
        True, description="The last line of params.yaml, which shows that the file is complete"
    )

    @model_validator(mode="after")
    def _names_exist(self) -> "Params":
        known = ", ".join(self.scorers)
        for name in CONTROLS:
            if name not in self.scorers and (name != "oracle" or self.captions.known_noise):
                raise ValueError(f"scorers: the control {name!r} is missing (scorers: {known})")
        places = {"sweep.scorers": self.sweep.scorers}
        swept = [s for s in self.generation.scorers if not self._chooses(s)]
        places["generation.scorers"] = swept
        places["segmentation.scorers"] = [
            s for s in self.segmentation.scorers if not self._chooses(s)
        ]
        if "loop" in self.sweep.captions:
            places["captioning.loop.scorers"] = self.captioning.loop.scorers
        for place, names in places.items():
            for name in names:
                if name not in self.scorers:
                    told = f"unknown scorer {name!r}{did_you_mean(name, self.scorers)}"
                    raise ValueError(f"{place}: {told} (scorers: {known})")
                if self.scorers[name].bar is not None or self.scorers[name].choose:
                    raise ValueError(
                        f"{place}: {name!r} says itself what it keeps, so no ratio changes it"
                    )
        for name, whose in ((PRETRAINED, "the untuned model"), (REAL, "real images alone")):
            if name in self.scorers:
                raise ValueError(f"scorers: {name!r} is the name of the cell of {whose}")
        return self

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
    def _baselines_have_own_names(self) -> "Params":
        for name, baseline in self.generation.baselines.items():
            if name in self.scorers or name == PRETRAINED:
                raise ValueError(f"generation.baselines.{name}: is the name of a scorer's cells")
            if baseline.model == "t2i":
                raise ValueError(f"generation.baselines.{name}: t2i draws the cell {PRETRAINED!r}")
        models = [b.model or b.images for b in self.generation.baselines.values()]
        twice = next((model for model in models if models.count(model) > 1), None)
        if twice is not None:
            raise ValueError(f"generation.baselines: {twice!r} is named twice")
        return self

    @model_validator(mode="after")
    def _generation_is_of_the_sweep(self) -> "Params":
        for name in self.generation.captions:
            if name not in self.sweep.captions:
                raise ValueError(f"generation.captions: {name!r} is not in sweep.captions")
        listed = {
            "generation": self.generation.scorers,
            "segmentation": self.segmentation.scorers,
        }
        for place, names in listed.items():
            for name in names:
                if name == "none":
                    raise ValueError(f"{place}.scorers: 'none' is there without being named")
                if self.scorers[name].bar is not None:
                    raise ValueError(f"{place}.scorers: {name!r} has a threshold or is a subset")
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
    def _start_fits_the_segmentor(self) -> "Params":
        start = self.models.get("segmentor")
        masks = self.source.kind == "terrarium" or self.segmentation.data is not None
        standin = start is not None and start.loader == "standin"
        if masks and standin and self.segmentation.network != "unet":
            raise ValueError(
                "models.segmentor: the stand-in is a `unet`; for another segmentation.network name "
                "a checkpoint of it, {loader: mmsegmentation, id: FILE}, or give null: its weights "
                "are then drawn"
            )
        return self

    @model_validator(mode="after")
    def _scorers_are_known(self) -> "Params":
        for name, scorer in self.scorers.items():
            use = scorer.use or name
            if scorer.scores or scorer.subset or scorer.mean_of or ":" in use:
                continue
            if use not in sections.BUILT_IN:
                raise ValueError(
                    f"scorers.{name}: {use!r} is no built-in scorer"
                    f"{did_you_mean(use, sections.BUILT_IN)} ({', '.join(sections.BUILT_IN)}); a "
                    "class of your own goes under `use` as `module:Class`, a parquet of scores "
                    "under `scores`"
                )
            roles = self._models_of(use)
            if sections.BUILT_IN[use] and scorer.model not in roles:
                given = f", not {scorer.model!r}" if scorer.model else ""
                raise ValueError(
                    f"scorers.{name}: {use!r} needs a `model`, one of {', '.join(roles)}{given}"
                )
        return self

    def _models_of(self, use: str) -> list[str]:
        """What a built-in scorer may score with."""
        if use != "score_model":
            return list(get_args(sections.ScoringRole))
        return list(dict.fromkeys([*self.score_model.recipes, "score_model"]))

    @model_validator(mode="after")
    def _scorers_have_models(self) -> "Params":
        evaluators = get_args(sections.EvaluatorRole)
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
        starts = {*get_args(sections.MllmRole), *given.tuned}
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
