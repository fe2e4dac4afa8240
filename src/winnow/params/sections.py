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
# The built-in scorers, and whether each needs a model. The classes are in winnow.scoring.scorers.
BUILT_IN = {
    "none": False,
    "random": False,
    "oracle": False,
    "text": False,
    "length": False,
    "clip": True,
    "domain_clip": True,
    "siglip": True,
    "rotation": True,
    "score_model": True,
}


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
        0.05, description="The run fails when more than this share of the images is unusable"
    )


class Captions(Section):
    """The caption set `raw`: human captions as they are, but for what is asked for here.

    Terrarium's own noise and captions per image are in the section `terrarium`; what stands here
    takes their place.
    """

    per_image: PositiveInt | None = Field(
        None, description="Most captions that an image brings into the pool, drawn (null: all)"
    )
    noise: Rates = Field(
        default_factory=dict,
        description="Share of the captions that get each kind of noise (`none`: no noise)",
    )
    seed: Seed = Field(0, description="Draws the captions and their noise")

    @property
    def known_noise(self) -> bool:
        """Whether any caption gets noise of known kind."""
        return any(rate > 0 for rate in self.noise.values())


class Annotations(Section):
    """Boxes and masks of a real data set, for rule captions; Terrarium brings its own."""

    coco: str | None = Field(None, description="COCO JSON whose boxes belong to images of the pool")
    masks: str | None = Field(
        None, description="Folder of label masks, named as the images of the pool are"
    )
    mask_classes: dict[int, str] = Field(
        default_factory=dict,
        description="Label value in the masks -> what it is called, empty for what is nothing",
    )
    mask_threshold: int | None = Field(
        None, ge=1, description="Of anti-aliased masks: from this value on a pixel is 255, else 0"
    )
    min_area: Fraction = Field(
        0.002, description="Smallest share of the image that a region of a mask must cover"
    )

    @model_validator(mode="after")
    def _masks_have_classes(self) -> "Annotations":
        if (self.masks is None) != (not self.mask_classes):
            raise ValueError("`masks` and `mask_classes` need each other")
        return self


class Integration(Section):
    """The merge of an image's descriptions into one caption."""

    mode: Literal["vote", "llm"] = Field(
        "vote", description="Words for the claims that survive: by rule, or by a language model"
    )
    votes: PositiveInt = Field(2, description="Perspectives that must make a claim to keep it")


class LoopRound(Section):
    """How one round of the dual loop describes an image."""

    perspective: Name = Field(description="A perspective, direct or relayed")
    temperature: float = Field(0.0, ge=0, description="Of the sampling; 0 is greedy")
    seed: Seed = Field(0, description="Draws the description")


class Loop(Section):
    """DLDC's dual loop: describe, score, and describe again what scores low."""

    scorers: list[Name] = Field(
        ["clip", "domain_clip"], min_length=1, description="Their mean z-score judges a description"
    )
    bar: Fraction = Field(
        0.5, description="Quantile of the first round's scores below which an image has another try"
    )
    min_gain: float = Field(
        0.02, description="Mean gain, in standard deviations, under which no round follows"
    )
    rounds: list[LoopRound] = Field(min_length=1, description="The rounds, at most all are run")

    @model_validator(mode="after")
    def _scorers_differ(self) -> "Loop":
        if len(set(self.scorers)) < len(self.scorers):
            raise ValueError("`scorers` names one of them twice")
        return self


class ScorerCode(Section):
    """What scores: a built-in by its name, a class of yours, or a parquet of scores."""

    use: str | None = Field(
        None, description="A built-in scorer, or `module:Class`; by default the scorer's own name"
    )
    scores: str | None = Field(
        None, description="A parquet with uid, caption_id, score, in place of a class"
    )
    subset: str | None = Field(
        None, description="A parquet with uid, caption_id of the pairs to keep: they score 1"
    )
    options: dict[str, Any] = Field(default_factory=dict, description="Passed to the class")
    files: dict[Name, str] = Field(
        default_factory=dict,
        description="Files and folders that the class reads, passed to it as options: a change of "
        "one scores anew",
    )

    @model_validator(mode="after")
    def _named_once(self) -> "ScorerCode":
        if twice := sorted(self.options.keys() & self.files.keys()):
            raise ValueError(f"{twice[0]!r} is among `options` and among `files`")
        return self


class Scorer(ScorerCode):
    """One scorer and its model."""

    model: Name | None = Field(
        None, description="The role of the model it scores with, or a recipe of `score_model`"
    )
    threshold: float | None = Field(
        None, description="Keep what scores this or more, in place of the keep ratios"
    )
    mean_of: list[Name] = Field(
        default_factory=list, description="Other scorers, whose mean z-score it is"
    )
    choose: bool = Field(
        False, description="Keep of each scene the share that its scores say is good, as DLDC does"
    )
    within: Literal["pool", "scene"] | None = Field(
        None, description="Takes the place of `curation.within` for this scorer"
    )
    share: Ratio | None = Field(
        None, description="What a `subset` or `threshold` keeps: the ratio at which its cell stands"
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


class Leakage(Section):
    """When two images are one: docs/leakage.md has what these find and what they mistake."""

    distance: int = Field(
        8, ge=0, le=31, description="Bits in which the perceptual hashes of two views may differ"
    )
    correlation: Fraction = Field(
        0.95, description="Of the brightness of both views, coarse structure taken out, at least"
    )


class Sweep(Section):
    """The cells of the benchmark."""

    ratios: list[Ratio] = Field(description="Keep ratios of the swept scorers")
    scorers: list[Name] = Field(description="Swept over all ratios; the others run at `ratio`")
    seeds: list[Seed] = Field(min_length=1, description="Training repeats")
    captions: list[Name] = Field(
        default_factory=list,
        description="Caption sets beside `raw`; all pairs of each train a model",
    )
    curated: list[Name] = Field(
        default_factory=list, description="Those of them that the swept scorers curate, at `ratio`"
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

    batch_size: PositiveInt = Field(128, description="Pairs in one step")
    learning_rate: PositiveFloat = Field(1e-3, description="Peak learning rate")
    weight_decay: Annotated[float, Field(ge=0)] = Field(0.1, description="Of weight matrices")
    warmup: Fraction = Field(0.1, description="Share of the steps with rising learning rate")
    precision: Literal["auto", "float32", "bfloat16"] = Field(
        "auto", description="`auto` takes bfloat16 where the hardware multiplies in it"
    )


class MllmTuning(Optimiser):
    """Fine-tuning of a multimodal model on captions."""

    samples_seen: PositiveInt = Field(description="Pairs seen")


class Diffusion(Optimiser):
    """How a text-to-image model is trained."""

    ema: Fraction = Field(0.99, description="Decay of the averaged weights, which are kept; 0: off")
    min_snr: PositiveFloat | None = Field(
        5.0, description="Gamma of the min-SNR weights of Hang et al. 2023; null weighs all alike"
    )
    drop_prompt: Fraction = Field(
        0.1, description="Share of the prompts left empty, for classifier-free guidance"
    )
    lora_rank: PositiveInt | None = Field(
        None, description="Rank of LoRA's matrices; null trains every weight of the UNet"
    )
    train_text: bool = Field(False, description="Whether the text encoder is trained as well")


class DiffusionTraining(Diffusion):
    """Fine-tuning of a text-to-image model."""

    samples_seen: PositiveInt = Field(description="Pairs seen, equal at every keep ratio")


class Sampling(Section):
    """How a text-to-image model draws."""

    images: PositiveInt = Field(description="Images, each of a caption of the test split")
    steps: PositiveInt = Field(25, description="Of the DDIM sampler")
    eta: Fraction = Field(0.0, description="Noise of the DDIM sampler; 0 is deterministic")
    guidance: Annotated[float, Field(ge=1)] = Field(
        4.0, description="Scale of classifier-free guidance; 1 is none"
    )
    batch_size: PositiveInt = Field(100, description="Images drawn at once")
    seed: Seed = Field(0, description="Draws the first noise of each image")
    long_prompts: Literal["refuse", "truncate"] = Field(
        "refuse", description="Of more tokens than the text encoder takes"
    )


class GenerationMetrics(Section):
    """What generated images are measured by."""

    features: Literal["evaluator", "inception"] = Field(
        "evaluator",
        description="Where FID and KID are taken: the role evaluator_clip's, or Inception's",
    )
    resamples: PositiveInt = Field(200, description="Bootstrap resamples of FID and KID")
    kid_subsets: PositiveInt = Field(50, description="Subsets that KID is the mean of")
    kid_subset_size: PositiveInt = Field(200, description="Images in each of them, at most")


class SegmentorTraining(Optimiser):
    """Training of a segmentor."""

    samples_seen: PositiveInt = Field(
        description="Images seen, equal with and without generated ones and for every share"
    )
    crop: PositiveInt | None = Field(
        None, description="Side in pixels of what is cut out of them at random; null: all is seen"
    )


class SegmentationData(Section):
    """A real data set of images with label masks."""

    layout: Literal["folder", "loveda", "potsdam", "openearthmap"] = Field(
        "folder", description="How its files are arranged and its classes coded"
    )
    images: str = Field(description="Folder of the images")
    masks: str = Field(description="Folder of the masks, named as the images are")
    classes: list[str] | None = Field(
        None, description="Of a plain folder: what the label values 0, 1, ... are called"
    )
    threshold: int | None = Field(
        None, ge=1, description="Of anti-aliased masks: from this value on a pixel is 1, else 0"
    )
    test: Fraction = Field(0.2, description="Share of the images that only measure")
    tile: PositiveInt = Field(
        256, description="Side in pixels of the tiles that larger images are cut to"
    )


class Captioner(Section):
    """One who describes the images of the reference split."""

    by: Literal["human", "neighbour", "noise", "mllm", "mllm_small"] = Field(
        description="A person; the person who described a similar image; a person with known "
        "noise; or the model of a role"
    )
    ranks: list[PositiveInt] = Field(
        [1], min_length=1, description="Of neighbours: 1 is the most similar other image"
    )
    perspective: Name | None = Field(None, description="What a model is asked")
    temperature: float = Field(0.0, ge=0, description="Of a model's sampling; 0 is greedy")
    words: PositiveInt | None = Field(
        None, description="A model's answer may take twice as many tokens, then it is cut"
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
        description="What comes with a question, here an annotator's answer; or a role's model"
    )
    temperature: float = Field(0.0, ge=0, description="Of a model's sampling; 0 is greedy")

    @model_validator(mode="after")
    def _models_sample(self) -> "Answerer":
        if self.by == "source" and self.temperature:
            raise ValueError("`temperature` belongs to mllm and mllm_small")
        return self


class Deduplication(Section):
    """Which images are too much alike to be kept both."""

    model: ScoringRole = Field("clip", description="The role of the model whose features tell")
    threshold: float = Field(
        0.65, gt=-1, le=1, description="Cosine of whitened features above which two are alike"
    )


class Quiz(Section):
    """What is asked about the images of the reference split, and who rates the answers."""

    judge: Literal["truth", "openai"] = Field(
        "truth",
        description="Rates by the truth where it is known (open questions need a layout), or the "
        "model of role `judge`",
    )
    closed: int = Field(3, ge=0, description="Closed questions about an image, at most")
    open: int = Field(2, ge=0, description="Perspectives asked about as open questions, at most")
    remote_sensing: int = Field(2, ge=0, description="Categories asked about, at most")


class Pairing(Section):
    """How preference pairs are split."""

    held_out: Fraction = Field(0.2, description="Share of the images whose pairs only measure")
    seed: Seed = Field(0, description="Draws questions, answers, text pairs, and what is held out")


class Preferences(Pairing, Quiz):
    """ScoreRS's preference data, made from the reference split."""

    rubric: str = Field("workflow/rubric.yaml", description="What a judge rates, and its prompt")
    questions: str = Field("workflow/questions.yaml", description="The open questions")
    text_pairs: str | None = Field(
        None, description="JSON lines with prompt, chosen, rejected, in place of our own text pairs"
    )
    deduplication: Deduplication
    captioners: Named[Captioner] = Field(description="Who describes the images")
    answerers: Named[Answerer] = Field(description="Who answers questions about them")


class ScoreStage(Optimiser):
    """One stage of the score model's training."""

    pairs: list[PairKind] = Field(min_length=1, description="The kinds of pairs it learns from")
    share: dict[PairKind, Ratio] = Field(
        default_factory=dict,
        description="Of a kind, the share of the images whose pairs it learns from; by default all",
    )
    train: list[Part] = Field(min_length=1, description="The parts it trains; others are frozen")
    epochs: PositiveFloat = Field(1.0, description="Times each of these pairs is seen")

    @model_validator(mode="after")
    def _shares_of_own_kinds(self) -> "ScoreStage":
        for kind in self.share:
            if kind not in self.pairs:
                raise ValueError(f"share: {kind} is not among `pairs` ({', '.join(self.pairs)})")
        return self


class ScoreRecipe(Section):
    """A way to train a score model."""

    start: Name = Field(description="Role of the model it starts from, or a name under `tuned`")
    stages: list[Name] = Field(min_length=1, description="Names of stages, in their order")
    normalisation: Normalisation = Field("none", description="Of the output, in the loss")


class Tuned(Section):
    """A multimodal model, fine-tuned on what a scorer keeps of the caption set `raw`."""

    model: MllmRole = Field("mllm", description="Its role")
    scorer: Name = Field(description="Whose subset it learns from")
    ratio: Ratio = Field(description="Share of the pairs that this keeps")


class ScoreModel(Section):
    """ScoreRS's score model: stages, and the recipes that are made of them."""

    stages: dict[Name, ScoreStage] = Field(description="Trainings that recipes are made of")
    recipes: Named[ScoreRecipe] = Field(
        default_factory=dict, description="`score_model` is the one that scores; others compare"
    )
    tuned: Named[Tuned] = Field(default_factory=dict, description="Further models to start at")
    tuning: MllmTuning
    seeds: list[Seed] = Field(min_length=1, description="Repeats of every recipe")


class MllmTraining(Optimiser):
    """Training of the multimodal stand-ins: each learns to see, then to speak."""

    images_seen: PositiveInt = Field(description="Images whose labels the vision tower learns")
    answers_seen: PositiveInt = Field(description="Answers that the whole model learns")
    answers_per_image: PositiveInt = Field(2, description="Answers about each image of a batch")


class AutoencoderTraining(Optimiser):
    """Training of the autoencoder that all generator stand-ins share."""

    images_seen: PositiveInt = Field(description="Images seen")


class BackboneTraining(SegmentorTraining):
    """Training of the stand-in whose backbone segmentors start from."""

    images: PositiveInt = Field(description="Images of the foundry's reference split, with masks")


class GeneratorTraining(Section):
    """Training of the generator stand-ins."""

    autoencoder: AutoencoderTraining
    diffusion: Diffusion = Field(description="Of every generator")
    samples_seen: dict[GeneratorRole, PositiveInt] = Field(description="Pairs seen by each of them")


class Foundry(Section):
    """Training of the stand-ins."""

    images: PositiveInt = Field(description="Terrarium images of the foundry's own reference split")
    seed: Seed = Field(description="Draws the foundry's world; its images are in no pool")
    optimiser: Optimiser = Field(description="Shared by the contrastive stand-ins")
    samples_seen: dict[Role, PositiveInt] = Field(description="Pairs seen by each of them")
    mllm: MllmTraining = Field(description="The multimodal stand-ins, large and small")
    generators: GeneratorTraining = Field(description="The text-to-image stand-ins")
    segmentor: BackboneTraining = Field(description="What segmentors start from")


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


class Site(Section):
    """The static site."""

    samples: PositiveInt = Field(10_000, description="Pairs of a caption set it shows, at most")


class Generation(Section):
    """The engine that asks models for texts."""

    batch_size: PositiveInt = Field(256, description="Requests in one pass of an in-process model")
    attempts: PositiveInt = Field(
        3, description="Times a request is asked that gets no usable answer"
    )
    temperature: float = Field(0.0, ge=0, description="Of the sampling; 0 is greedy")
    seed: Seed = Field(0, description="Draws the answers")
    quarantine_limit: Fraction = Field(
        0.05, description="The run fails when more than this share of the requests has no answer"
    )
    concurrency: PositiveInt = Field(16, description="Requests in flight to a server")
    timeout: PositiveFloat = Field(60.0, description="Seconds to wait for a server's answer")
    retries: int = Field(
        5, ge=0, description="Times a request is sent again that a server did not take or answer"
    )
    max_wait: float = Field(
        300.0, ge=0, description="Longest `Retry-After` that is waited for, in seconds"
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
        description="openai: further fields of each request, as the server documents them; they "
        "are recorded, so a key has no place here"
    ),
]
Renamed = Annotated[
    dict[Literal["max_tokens", "temperature", "seed", "top_p"], str | None] | None,
    Field(
        description="openai: the name under which a parameter is sent, as `max_tokens: "
        "max_completion_tokens`; null leaves it out"
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

    url: ServerUrl = Field(description="Where its API is, mostly `.../v1`")
    model: str = Field(min_length=1, description="The model's name there")
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
        "workflow/perspectives.yaml", description="What models are asked about each image"
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
        description="`standin`: the released one for Terrarium, trained in the run for other pools",
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
        description="diffusers, diffusionsat: the folder of the repository, or of `id`, with the "
        "pipeline, as GeoRSSD's `checkpoint/20p/22000`",
    )
    side: PositiveInt | None = Field(
        None,
        description="diffusers, diffusionsat: side of the images in pixels, where the UNet's "
        "configuration has another than it was trained with (DiffusionSat: 512)",
    )
    url: ServerUrl | None = Field(
        None,
        description="openai: where the server's API is, mostly `.../v1`; its key is taken from the "
        f"environment variable {SERVER_KEY}",
    )
    extra_body: ExtraBody = None
    parameters: Renamed = None
    licence: str | None = Field(None, description="Of the published checkpoint, for the record")

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
