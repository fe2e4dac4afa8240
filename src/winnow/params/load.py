"""Loading and checking `params.yaml`: scale overrides, clear refusals, the JSON Schema."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import yaml
from pydantic import Field, TypeAdapter, ValidationError, model_validator

from winnow.data.errors import WinnowError
from winnow.data.metrics import Cell
from winnow.params import sections
from winnow.params.asked import Asked, asked
from winnow.params.sections import ModelRole, Name, OptionalRole, Ratio, Role, Section
from winnow.params.source import Source
from winnow.params.submissions import with_submissions
from winnow.params.world import World, with_world

Scale = Literal["smoke", "mini", "paper"]
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


class Experiments(sections.Sweep):
    """What spans the cells: the sweep, the headline ratio, scorers, recipes, and what is known."""

    ratio: Ratio
    methods: list[Name]
    shares: dict[Name, Ratio] = Field(
        default_factory=dict, description="Where methods stand that say themselves what they keep"
    )
    recipes: list[Name]
    recipe_seeds: list[sections.Seed]
    known_noise: bool
    known_truth: bool  # of captions that models wrote
    generation: "GenerationCells"
    segmentation: "SegmentationCells | None" = Field(None, description="None without masks")
    asked: Asked = Field(default_factory=dict, description="What the records of cells must say")


class GenerationCells(Section):
    """What spans the cells of the track `generation`."""

    scorers: list[Name]
    chosen: list[Name] = Field(description="Those of the scorers that choose a ratio by scene")
    ratios: list[Ratio]
    captions: list[Name]
    baselines: list[Name]
    seeds: list[sections.Seed]


class SegmentationCells(Section):
    """What spans the cells of the track `segmentation`."""

    drawn: list[tuple[Name, Ratio]] = Field(description="Scorers and ratios whose generators draw")
    seeds: list[sections.Seed]


class Params(Section):
    """Every parameter of one run, after the overrides of its scale."""

    scale: Scale = Field(description="smoke (plumbing), mini (default, CPU), paper (GPUs)")
    ratio: Ratio = Field(description="The headline keep ratio; every scorer has a cell at it")
    folder: str = Field(".", description="Where artifacts/ and results/ are written")
    source: Source = Field(description="What becomes the pool")
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
                    raise ValueError(f"{place}: unknown scorer {name!r} (scorers: {known})")
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
                    f"scorers.{name}: {use!r} is no built-in scorer "
                    f"({', '.join(sections.BUILT_IN)}); a class of your own goes under `use` as "
                    "`module:Class`, a parquet of scores under `scores`"
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
                        f"score_model.recipes.{name}: no stage {stage!r} "
                        f"(there are {', '.join(given.stages)})"
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


def read(path: str | Path) -> dict[str, Any]:
    """Parse a YAML file of parameters."""
    try:
        content = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise WinnowError(f"{path}: cannot be read as YAML ({error})") from error
    if not isinstance(content, dict):
        raise WinnowError(f"{path}: expected keys and values, found {type(content).__name__}")
    return content


def resolve(tree: dict[str, Any], root: str | Path = ".") -> Params:
    """Apply the overrides of `tree["scale"]`, add the submissions, then check everything.

    `root` is what relative paths in `source`, `scorers` and `zeroshot` start from, and where
    `submissions/` lies. Raises WinnowError with one line for each wrong key: its place, its value,
    what is allowed.
    """
    merged = with_submissions(scaled(tree), Path(root))
    world = merged.pop("terrarium", None)
    if world is not None:
        # A world that this source does not draw is checked all the same.
        content = {"kind": "terrarium", **world} if isinstance(world, dict) else world
        merged = with_world(merged, _checked(TypeAdapter(World), content, ["terrarium"]))
    return _rooted(_checked(TypeAdapter(Params), merged), Path(root))


def scaled(tree: dict[str, Any]) -> dict[str, Any]:
    """A tree of parameters after the overrides of its `scale`, unchecked."""
    tree = dict(tree)
    return merge(tree, _override(tree.pop("scales", {}), tree.get("scale")))


def _override(scales: Any, scale: Any) -> dict[str, Any]:
    """What `scales` has for `scale`, nothing if it is no scale: that is refused later."""
    allowed = get_args(Scale)
    if not isinstance(scales, dict):
        raise WinnowError(f"params.yaml: scales: {scales!r} is not a mapping of {allowed}")
    for name, override in scales.items():
        if name not in allowed:
            raise WinnowError(f"params.yaml: scales.{name}: unknown key ({_listed(allowed)})")
        if not isinstance(override, dict):
            raise WinnowError(
                f"params.yaml: scales.{name}: expected keys and values (is {override!r})"
            )
    return dict(scales[scale]) if scale in allowed and scale in scales else {}


def merge(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """`base` with the values of `over`, mapping by mapping; an empty mapping empties the old."""
    result = dict(base)
    for key, value in over.items():
        old = result.get(key)
        both = isinstance(value, dict) and value and isinstance(old, dict)
        result[key] = merge(old, value) if both else value  # type: ignore[arg-type]
    return result


def _checked(adapter: TypeAdapter[Any], content: Any, place: Sequence[str] = ()) -> Any:
    try:
        return adapter.validate_python(content)
    except ValidationError as error:
        raise WinnowError("params.yaml: " + "\n".join(_refusals(error, place))) from error


def _refusals(error: ValidationError, root: Sequence[str]) -> list[str]:
    lines = []
    for problem in error.errors():
        loc = [*root, *(part for part in problem["loc"] if part != "[key]")]
        place = "".join(f"{part}." for part in loc)[:-1]
        value = "" if isinstance(problem["input"], dict) else f" (is {problem['input']!r})"
        if problem["type"] == "extra_forbidden":
            message = f"unknown key{value}; {_listed(_siblings(loc))}"
        elif problem["type"] == "missing":
            message = "is missing"
        else:
            message = problem["msg"].removeprefix("Value error, ") + value
        lines.append(f"{place}: {message}" if place else message)
    return lines


def _listed(keys: Iterable[str]) -> str:
    return f"allowed are {', '.join(keys)}"


def _siblings(place: Sequence[str | int]) -> list[str]:
    """The keys that the JSON Schema allows where `place`, a path of keys, ends."""
    schema = json_schema()
    node = schema
    for part in place[:-1]:
        kinds = node.get("discriminator", {}).get("mapping", {})
        keys = node.get("properties", {})
        if part in kinds:
            node = {"$ref": kinds[part]}
        elif part in keys:
            node = keys[part]
        else:
            entries = node.get("patternProperties") or {"": node["additionalProperties"]}
            node = next(iter(entries.values()))
        node = next(iter(node.get("anyOf", [node])))  # of what may be null
        if "$ref" in node:
            node = schema["$defs"][node["$ref"].rpartition("/")[2]]
    return list(node["properties"])


def _rooted(params: Params, root: Path) -> Params:
    """Make the paths of user data absolute, so that they hold from any working folder."""

    def absolute(path: str | Path) -> str:
        return str((root / path).resolve())

    fields = type(params.source).model_fields
    paths = {
        name: absolute(getattr(params.source, name))
        for name, field in fields.items()
        if field.annotation is Path or name == "shards"
    }
    source = TypeAdapter(Source).validate_python({**params.source.model_dump(), **paths})
    scorers = {
        name: s.model_copy(
            update={
                key: absolute(path)
                for key in ("scores", "subset")
                if (path := getattr(s, key)) is not None
            }
        )
        for name, s in params.scorers.items()
    }
    folders = {name: absolute(folder) for name, folder in params.zeroshot.folders.items()}
    zeroshot = params.zeroshot.model_copy(update={"folders": folders})
    models = {
        role: model.model_copy(
            update={  # a tag or an architecture stays as it is
                key: absolute(name)
                for key, name in (("id", model.id), ("pretrained", model.pretrained))
                if name is not None and model.loader != "openai" and (root / name).exists()
            }
        )
        for role, model in params.models.items()
    }
    named = {
        key: absolute(path)
        for key in ("coco", "masks")
        if (path := getattr(params.annotations, key)) is not None
    }
    perspectives = absolute(params.captioning.perspectives)
    asked = {
        key: absolute(path)
        for key in ("rubric", "questions", "text_pairs")
        if (path := getattr(params.preferences, key)) is not None
    }
    baselines = {
        name: b.model_copy(update={"images": absolute(b.images)}) if b.images else b
        for name, b in params.generation.baselines.items()
    }
    segmentation = params.segmentation
    if (root / segmentation.network).is_file():
        network = absolute(segmentation.network)
        segmentation = segmentation.model_copy(update={"network": network})
    if (data := segmentation.data) is not None:
        places = {key: absolute(getattr(data, key)) for key in ("images", "masks")}
        segmentation = segmentation.model_copy(update={"data": data.model_copy(update=places)})
    return params.model_copy(
        update={
            "source": source,
            "scorers": scorers,
            "zeroshot": zeroshot,
            "models": models,
            "annotations": params.annotations.model_copy(update=named),
            "captioning": params.captioning.model_copy(update={"perspectives": perspectives}),
            "generation": params.generation.model_copy(update={"baselines": baselines}),
            "preferences": params.preferences.model_copy(update=asked),
            "segmentation": segmentation,
        }
    )


def sweep(params: Params) -> Experiments:
    """What spans the cells of a run."""
    return Experiments(
        **params.sweep.model_dump(),
        ratio=params.ratio,
        methods=list(params.scorers),
        shares={n: s.share for n, s in params.scorers.items() if s.share is not None},
        recipes=list(params.score_model.recipes),
        recipe_seeds=params.score_model.seeds,
        known_noise=params.captions.known_noise,
        known_truth=params.source.kind == "terrarium",
        generation=GenerationCells(
            scorers=params.generation.scorers,
            chosen=[s for s in params.generation.scorers if params.scorers[s].choose],
            ratios=params.generation.ratios,
            captions=params.generation.captions,
            baselines=list(params.generation.baselines),
            seeds=params.generation.seeds,
        ),
        segmentation=_segmentation(params),
        asked=asked(params.statistics, params.contrastive, params.generation, params.segmentation),
    )


def _segmentation(params: Params) -> SegmentationCells | None:
    """The cells of the track `segmentation`: images are drawn only from a pool with masks."""
    given = params.segmentation
    masked = params.source.kind == "terrarium"
    if not masked and given.data is None:
        return None
    drawn = [(PRETRAINED, 1.0)] if given.pretrained else []
    drawn += [("none", 1.0)]
    controls = selective_controls(params.captions.known_noise) if given.scorers else ()
    drawn += [(name, params.ratio) for name in controls]
    for name in given.scorers:
        ratios = [params.ratio] if params.scorers[name].choose else given.ratios
        drawn += [(name, ratio) for ratio in ratios]
    return SegmentationCells(drawn=[] if given.data else drawn, seeds=given.seeds)


def selective_controls(known_noise: bool) -> tuple[str, ...]:
    """The controls that leave pairs out; without known noise no oracle knows any."""
    return ("random", "oracle") if known_noise else ("random",)


def cells(experiments: Experiments) -> list[Cell]:
    """Every experiment of a run, controls included."""
    ratios = sorted({*experiments.ratios, experiments.ratio})
    left_out = {*CONTROLS} - {*selective_controls(experiments.known_noise)}
    scorers = [name for name in experiments.methods if name not in left_out]
    methods = [("none", 1.0)]
    for name in scorers:
        own = experiments.shares.get(name, experiments.ratio)
        kept = ratios if name in experiments.scorers else [own]
        methods += [(name, ratio) for ratio in kept]
    found = [Cell(track="contrastive", captions="raw", scorer=PRETRAINED, ratio=1.0, seed=0)]
    found += [
        Cell(track="contrastive", captions="raw", scorer=scorer, ratio=ratio, seed=seed)
        for scorer, ratio in methods
        for seed in dict.fromkeys(experiments.seeds)
    ]
    if experiments.known_noise:
        found += [
            Cell(track="detection", captions="raw", scorer=scorer, ratio=1.0, seed=0)
            for scorer in scorers
        ]
    for captions in experiments.captions:
        found += _caption_set_cells(captions, experiments)
    found += _preference_cells(experiments)
    found += _generation_cells(experiments)
    found += _segmentation_cells(experiments)
    return found


def _segmentation_cells(experiments: Experiments) -> Iterator[Cell]:
    """A segmentor of real images alone, and of those beside what each generator draws."""
    given = experiments.segmentation
    if given is None:
        return
    for scorer, ratio in dict.fromkeys([(REAL, 1.0), *given.drawn]):
        for seed in dict.fromkeys(given.seeds):
            yield Cell(track="segmentation", captions="raw", scorer=scorer, ratio=ratio, seed=seed)


def _generation_cells(experiments: Experiments) -> Iterator[Cell]:
    """Generators that draw as they are; and fine-tuned: on all pairs, on subsets, on other sets."""
    given = experiments.generation
    for name in (PRETRAINED, *given.baselines):
        yield Cell(track="generation", captions="raw", scorer=name, ratio=1.0, seed=0)
    tuned = [("raw", "none", 1.0)]
    controls = selective_controls(experiments.known_noise) if given.scorers else ()
    tuned += [("raw", scorer, experiments.ratio) for scorer in controls]
    for scorer in given.scorers:
        ratios = [experiments.ratio] if scorer in given.chosen else given.ratios
        tuned += [("raw", scorer, ratio) for ratio in ratios]
    tuned += [(captions, "none", 1.0) for captions in given.captions]
    for captions, scorer, ratio in dict.fromkeys(tuned):
        for seed in dict.fromkeys(given.seeds):
            yield Cell(track="generation", captions=captions, scorer=scorer, ratio=ratio, seed=seed)


def _preference_cells(experiments: Experiments) -> Iterator[Cell]:
    """Each way to train a score model, and the judge of the preferences that it learns from."""
    methods = [
        (recipe, seed) for recipe in experiments.recipes for seed in experiments.recipe_seeds
    ]
    judged = [(JUDGE, 0)] if methods else []
    for scorer, seed in dict.fromkeys([*methods, *judged]):
        yield Cell(track="preference", captions="reference", scorer=scorer, ratio=1.0, seed=seed)


def _caption_set_cells(captions: str, experiments: Experiments) -> Iterator[Cell]:
    """A set's own quality, all of its pairs, and if it is curated what the swept scorers keep."""
    yield Cell(track="captioning", captions=captions, scorer="none", ratio=1.0, seed=0)
    unknown = {*CONTROLS} - {*selective_controls(experiments.known_truth)}
    swept = set(experiments.scorers) - unknown if captions in experiments.curated else set()
    scorers = [name for name in experiments.methods if name in swept]
    for scorer, ratio in [("none", 1.0), *((name, experiments.ratio) for name in scorers)]:
        for seed in dict.fromkeys(experiments.seeds):
            yield Cell(
                track="contrastive", captions=captions, scorer=scorer, ratio=ratio, seed=seed
            )
    for scorer in scorers if experiments.known_truth else ():
        yield Cell(track="detection", captions=captions, scorer=scorer, ratio=1.0, seed=0)


def json_schema() -> dict[str, Any]:
    """JSON Schema of `params.yaml` and of a file with only what differs: sections in part."""
    schema = Params.model_json_schema()
    world = World.model_json_schema()
    world["properties"].pop("kind")
    schema["$defs"]["Terrarium"] = {**world, "title": "Terrarium"}
    schema["properties"]["terrarium"] = {"$ref": "#/$defs/Terrarium"}
    for part in (schema, *schema["$defs"].values()):
        part.pop("required", None)  # the rest may stand in the other file
        for node in part.get("properties", {}).values():
            if "patternProperties" in node:
                node["additionalProperties"] = False
            if node.pop("x-droppable", False):
                entries = node.get("patternProperties", node)
                key = "additionalProperties" if entries is node else next(iter(entries))
                entries[key] = {"anyOf": [entries[key], {"type": "null"}]}
    for kind in schema["properties"]["source"]["discriminator"]["mapping"].values():
        schema["$defs"][kind.rpartition("/")[2]]["required"] = ["kind"]  # tells the kinds apart
    schema["$defs"]["Override"] = {
        "type": "object",
        "description": "Any of the other keys, in part",
        "properties": {k: v for k, v in schema["properties"].items() if k != "scale"},
        "additionalProperties": False,
    }
    schema["properties"]["scales"] = {
        "type": "object",
        "description": "Overrides by scale",
        "properties": {name: {"$ref": "#/$defs/Override"} for name in get_args(Scale)},
        "additionalProperties": False,
    }
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "Winnow parameters"
    return schema
