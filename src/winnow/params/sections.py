"""The sections of `params.yaml`. A field's description becomes its help in the JSON Schema."""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self, TypeVar, get_args
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    PositiveFloat,
    field_validator,
    model_validator,
)

from winnow.data.secrets import is_secret, without_login

if TYPE_CHECKING:
    from winnow.params.model import Params


def _whole(value: Any) -> Any:
    """4e6 is a whole number, though YAML and JSON read it as another kind."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


PositiveInt = Annotated[int, BeforeValidator(_whole), Field(gt=0)]
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
ScoringRole = Literal["clip", "siglip", "domain_clip"]
EvaluatorRole = Literal["evaluator_clip", "evaluator_general"]  # they grade; no scorer uses them
Role = Literal[ScoringRole, EvaluatorRole]  # of contrastive models
MllmRole = Literal["mllm", "mllm_small"]  # of multimodal models
GeneratorRole = Literal["t2i", "geo_rssd", "diffusionsat", "crs_diff", "controlnet"]
ModelRole = Literal[Role, MllmRole, "llm", GeneratorRole]
# A server that judges, a published score model, what segmentors start from.
OptionalRole = Literal["judge", "score_model", "segmentor"]
PairKind = Literal["text", "caption", "closed", "open", "remote_sensing"]
Part = Literal["vision", "language", "head"]  # of a score model
Normalisation = Literal["none", "softplus", "tanh", "sigmoid"]


def _no_noise(rates: Any) -> Any:
    """`none` in words is no kind of noise at all, as is an empty mapping."""
    if rates is None or rates == "none":
        return {}
    if not isinstance(rates, dict):
        raise ValueError("expected `none`, or shares by kind, for instance {mismatch: 0.3}")
    return rates


def _at_most_all(rates: dict[str, float]) -> dict[str, float]:
    if sum(rates.values()) > 1 + 1e-9:
        raise ValueError(f"the rates sum to {sum(rates.values()):.3g}, more than 1")
    return rates


def _or_none(schema: dict[str, Any]) -> None:
    """Have a JSON Schema of rates allow what `_no_noise` reads."""
    rates = {key: schema.pop(key) for key in {*schema} - {"title", "description"}}
    schema["anyOf"] = [rates, {"enum": ["none", None]}]


Rates = Annotated[
    dict[Noise, Fraction],
    BeforeValidator(_no_noise),
    AfterValidator(_at_most_all),
    Field(json_schema_extra=_or_none),
]


def noise_told(rates: Mapping[Noise, float]) -> str:
    """A sentence on what was done to the human captions of `raw`, for logs, cards and pages."""
    shares = [f"{kind} {100 * rate:g} %" for kind, rate in rates.items() if rate > 0]
    if not shares:
        return "No noise was added to people's captions."
    return f"Noise was added to people's captions, of known kind: {', '.join(shares)}."


def _without_nulls(content: Any) -> Any:
    return (
        {k: v for k, v in content.items() if v is not None}
        if isinstance(content, dict)
        else content
    )


Entry = TypeVar("Entry")
# In an override `name: null` leaves an entry out.
DROPPABLE = (BeforeValidator(_without_nulls), Field(json_schema_extra={"x-droppable": True}))
Named = Annotated[dict[Name, Entry], *DROPPABLE]


class Section(BaseModel):
    """A group of parameters: unknown keys are refused, values do not change after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    _logins = field_validator("*")(without_login)


class TrackSection(Section):
    """The section of a track: it knows what it needs of the others, and which files it names."""

    def check(self, params: "Params") -> None:
        """Raise ValueError, which begins with the key, for what does not fit the other sections."""

    def rooted(self, placed: Callable[[str], str], root: Path) -> Self:
        """The section with the paths of a user's files as they are called where jobs run; `root` is
        what they start from."""
        return self

    def files(self) -> Iterable[tuple[str, str]]:
        """The key and the path of each file or folder that must be there before a run."""
        return ()


class Pool(Section):
    """How any source becomes the pool."""

    shard_size: PositiveInt = Field(1000, description="Images in one WebDataset tar")
    quarantine_limit: Fraction = Field(
        0.05, description="The run fails if more than this share of the images is unusable"
    )


class Captions(Section):
    """The caption set `raw`: human captions as they are, but for what is asked for here.

    Terrarium's own noise and captions per image are in the section `terrarium`; what stands here
    takes their place.
    """

    per_image: PositiveInt | None = Field(
        None, description="Maximum number of captions per image, sampled at random (null: all)"
    )
    noise: Rates = Field(
        default_factory=dict,
        description="Share of the captions with each kind of noise (`none`: no noise)",
    )
    seed: Seed = Field(0, description="Random seed for sampling captions and noise")

    @property
    def known_noise(self) -> bool:
        """Whether any caption gets noise of known kind."""
        return any(rate > 0 for rate in self.noise.values())


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
        "auto", description="`auto`: bfloat16 if a measurement shows that it is faster"
    )
    seed: Seed = Field(0, description="Random seed of the control `random`")


class Curation(Section):
    """How scores become subsets."""

    within: Literal["pool", "scene"] = Field(
        "pool", description="Apply the keep ratio to the whole pool, or within each scene"
    )


class Leakage(Section):
    """When two images are one: docs/leakage.md has what these find and what they mistake."""

    distance: int = Field(
        8, ge=0, le=31, description="Maximum number of different bits in the hashes of two views"
    )
    correlation: Fraction = Field(
        0.95, description="Minimum correlation of the brightness of both views"
    )


class Sweep(Section):
    """The cells of the benchmark."""

    ratios: list[Ratio] = Field(description="Keep ratios of the swept scorers")
    scorers: list[Name] = Field(description="Run at all ratios; the others run at `ratio`")
    seeds: list[Seed] = Field(min_length=1, description="Random seeds; one training each")
    captions: list[Name] = Field(
        default_factory=list,
        description="Caption sets in addition to `raw`; each trains a model on all of its pairs",
    )
    curated: list[Name] = Field(
        default_factory=list,
        description="Sets of this list that the swept scorers also curate, at `ratio`",
    )

    @model_validator(mode="after")
    def _sets_are_known(self) -> "Sweep":
        if "raw" in self.captions:
            raise ValueError("`captions` are sets beside `raw`, which is always there")
        if unknown := [name for name in self.curated if name not in self.captions]:
            raise ValueError(f"`curated` names {unknown[0]!r}, which is not in `captions`")
        return self


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


class GenerationMetrics(Section):
    """What generated images are measured by."""

    features: Literal["evaluator", "inception"] = Field(
        "evaluator",
        description="Features for FID and KID: those of the role evaluator_clip, or Inception's",
    )
    resamples: PositiveInt = Field(200, description="Bootstrap resamples of FID and KID")
    kid_subsets: PositiveInt = Field(50, description="Number of subsets over which KID is averaged")
    kid_subset_size: PositiveInt = Field(200, description="Maximum number of images per subset")


class SegmentorTraining(Optimiser):
    """Training of a segmentor."""

    samples_seen: PositiveInt = Field(
        description="Images seen, the same with and without generated images and for every share"
    )
    crop: PositiveInt | None = Field(
        None, description="Side of random crops in pixels; null: no cropping"
    )


class SegmentationData(Section):
    """A real data set of images with label masks."""

    layout: Literal["folder", "loveda", "potsdam", "openearthmap"] = Field(
        "folder", description="Arrangement of the files and coding of the classes"
    )
    images: str = Field(description="Folder of the images")
    masks: str = Field(description="Folder of the masks, named like the images")
    classes: list[str] | None = Field(
        None, description="For a plain folder: class names of the label values 0, 1, ..."
    )
    threshold: int | None = Field(
        None, ge=1, description="Anti-aliased masks: pixels from this value on are 1, others 0"
    )
    test: Fraction = Field(0.2, description="Share of the images used only for evaluation")
    tile: PositiveInt = Field(
        256, description="Side in pixels of the tiles that larger images are cut into"
    )


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


class Zeroshot(Section):
    """Zero-shot classification sets."""

    images: PositiveInt = Field(description="Images in each of Terrarium's sets")
    seed: Seed = Field(description="Random seed of Terrarium's sets")
    folders: dict[Name, str] = Field(
        default_factory=dict, description="More sets: name -> folder with one subfolder per class"
    )
    sets: dict[Name, str] = Field(
        default_factory=dict,
        description="More sets: name -> YAML file with classes and templates of a folder, or a "
        "style for Terrarium",
    )

    @model_validator(mode="after")
    def _named_once(self) -> "Zeroshot":
        for name in ("scenes", *self.sets):
            if name in self.folders or (name == "scenes" and name in self.sets):
                raise ValueError(f"the name {name!r} is taken by another set")
        return self


class Statistics(Section):
    """Intervals."""

    resamples: Annotated[int, Field(ge=100)] = Field(1000, description="Bootstrap resamples")
    seed: Seed = Field(0, description="Random seed of the resamples")


class Site(Section):
    """The static site."""

    samples: PositiveInt = Field(10_000, description="Maximum pairs shown per caption set")


class Generation(Section):
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


SENT = ("max_tokens", "temperature", "seed", "top_p")  # to a server, beside model and messages
SERVER_KEY = "OPENAI_API_KEY"  # the environment variable; local servers need none


def _without_secrets(url: str) -> str:
    try:
        parts = urlsplit(url)
        named = bool(parts.hostname) and parts.port != 0
    except ValueError:
        named = False
    if named and ("@" in parts.netloc or "?" in url or "#" in url):
        raise ValueError(
            "stands in command lines and records, so it may hold no name, password or query; a key "
            f"goes into the environment variable {SERVER_KEY}"
        )
    if not named:
        raise ValueError("is no address such as http://localhost:8000/v1")
    return url


ServerUrl = Annotated[str, Field(pattern=r"^https?://[^/\s]\S*$"), AfterValidator(_without_secrets)]


ExtraBody = Annotated[
    dict[str, JsonValue] | None,
    Field(
        description="openai: additional fields of each request, as the server documents them; "
        "they are recorded, so do not put a key here"
    ),
]
Renamed = Annotated[
    dict[Literal["max_tokens", "temperature", "seed", "top_p"], str | None] | None,
    Field(
        description="openai: the name under which a parameter is sent, for instance "
        "`max_tokens: max_completion_tokens`; null: not sent"
    ),
]


def _sent_names(renamed: Renamed) -> dict[str, str]:
    names: dict[str, str | None] = {name: name for name in SENT}
    for name, sent in (renamed or {}).items():
        names[name] = sent
    return {name: sent for name, sent in names.items() if sent is not None}


def _check_sent(extra_body: ExtraBody, renamed: Renamed) -> None:
    sent = ["model", "messages", "stream", *_sent_names(renamed).values()]
    for name in extra_body or {}:
        if name in sent:
            raise ValueError(
                f"`extra_body` has {name!r}, which is sent anyway (`parameters` leaves out "
                f"{', '.join(SENT)})"
            )
    if twice := [name for name in sent if sent.count(name) > 1]:
        raise ValueError(f"`parameters` sends two things as {twice[0]!r}")
    if not all(re.fullmatch(r"[A-Za-z_][\w.-]*", name, re.ASCII) for name in sent):
        raise ValueError("`parameters` has what is no name of a field, such as max_tokens")
    try:
        json.dumps(extra_body, allow_nan=False)
    except ValueError as error:
        raise ValueError("`extra_body` has a number that JSON does not know") from error
    if secret := _secret_in(extra_body):
        raise ValueError(
            f"`extra_body` has {secret!r}, but it stands in command lines and records: a key "
            f"goes into the environment variable {SERVER_KEY}"
        )


def _secret_in(content: Any) -> str:
    """The name of a key or password in JSON, or ""."""
    if isinstance(content, dict):
        return next((k for k in content if is_secret(k)), "") or _secret_in([*content.values()])
    if isinstance(content, list):
        return next(filter(None, map(_secret_in, content)), "")
    return ""


class Server(Section):
    """A model behind an OpenAI-compatible server."""

    url: ServerUrl = Field(description="Address of the API, usually `.../v1`")
    model: str = Field(min_length=1, description="Name of the model at the server")
    extra_body: ExtraBody = None
    parameters: Renamed = None

    def names(self) -> dict[str, str]:
        """The parameters that are sent, and under which names."""
        return _sent_names(self.parameters)

    @model_validator(mode="after")
    def _fields_fit(self) -> "Server":
        _check_sent(self.extra_body, self.parameters)
        return self


class Captioning(Section):
    """The caption sets that models write, and what becomes of them."""

    perspectives: str = Field(
        "workflow/perspectives.yaml", description="File with the prompts about each image"
    )
    generation: Generation
    integration: Integration
    loop: Loop


class Model(Section):
    """A role's model: one of our stand-ins, or a published checkpoint by name."""

    loader: Literal[
        "standin",
        "open_clip",
        "transformers",
        "openai",
        "diffusers",
        "diffusionsat",
        "crs_diff",
        "mmsegmentation",
    ] = Field(
        "standin",
        description="How the model is loaded; `standin`: the released stand-in for Terrarium, "
        "or one trained in the run for other pools",
    )
    id: str | None = Field(
        None,
        description="open_clip: `ViT-B-32`, `hf-hub:org/name`, or a folder in its layout; "
        "transformers, diffusers, diffusionsat: `org/name` of the hub, or a folder; crs_diff, "
        "mmsegmentation: the checkpoint's file; openai: the model's name at the server",
    )
    pretrained: str | None = Field(
        None, description="open_clip: a pretrained tag, or a state dict such as RemoteCLIP's .pt"
    )
    revision: str | None = Field(
        None,
        description="transformers, diffusers, diffusionsat: a commit, tag or branch of the hub's "
        "repository",
    )
    subfolder: str | None = Field(
        None,
        description="diffusers, diffusionsat: subfolder of `id` with the pipeline, for instance "
        "GeoRSSD's `checkpoint/20p/22000`",
    )
    side: PositiveInt | None = Field(
        None,
        description="diffusers, diffusionsat: side of the images in pixels, if the UNet's "
        "configuration differs from its training (DiffusionSat: 512)",
    )
    url: ServerUrl | None = Field(
        None,
        description="openai: address of the server's API, usually `.../v1`; the key is read "
        f"from the environment variable {SERVER_KEY}",
    )
    extra_body: ExtraBody = None
    parameters: Renamed = None
    licence: str | None = Field(None, description="Licence of the published checkpoint")

    @model_validator(mode="after")
    def _id_when_needed(self) -> "Model":
        if (self.loader == "standin") != (self.id is None):
            own = "has no" if self.loader == "standin" else "needs an"
            raise ValueError(f"the loader {self.loader} {own} `id`")
        if (self.loader == "openai") != (self.url is not None):
            raise ValueError("`url` belongs to the loader openai, which needs one")
        if self.loader != "openai" and (self.extra_body or self.parameters):
            raise ValueError("`extra_body` and `parameters` belong to the loader openai")
        _check_sent(self.extra_body, self.parameters)
        if self.pretrained is not None and self.loader != "open_clip":
            raise ValueError("`pretrained` belongs to the loader open_clip")
        hub = ("transformers", "diffusers", "diffusionsat")
        if self.revision is not None and self.loader not in hub:
            raise ValueError(f"`revision` belongs to the loaders {', '.join(hub)}")
        if (self.subfolder or self.side) and self.loader not in hub[1:]:
            raise ValueError("`subfolder` and `side` belong to the loaders diffusers, diffusionsat")
        return self

    @property
    def server(self) -> Server | None:
        """Where the loader openai finds it."""
        if self.url is None or self.id is None:
            return None
        return Server(
            url=self.url, model=self.id, extra_body=self.extra_body, parameters=self.parameters
        )
