"""The cells of a run: every experiment that its parameters ask for."""

from collections.abc import Iterator

from pydantic import Field

from winnow.data.metrics import Cell
from winnow.params import sections
from winnow.params.asked import Asked, asked
from winnow.params.model import CONTROLS, JUDGE, PRETRAINED, REAL, Params
from winnow.params.sections import Name, Ratio, Section


class Experiments(sections.Sweep):
    """What spans the cells: the sweep, the headline ratio, scorers, recipes, and what is known."""

    ratio: Ratio = Field(description="The headline keep ratio")
    methods: list[Name] = Field(description="All scorers, controls among them")
    shares: dict[Name, Ratio] = Field(
        default_factory=dict, description="Cell ratio of methods that ignore the keep ratio"
    )
    recipes: list[Name] = Field(description="Ways to train a score model")
    recipe_seeds: list[sections.Seed] = Field(description="Training seeds of each recipe")
    known_noise: bool = Field(description="Whether noise of known kind was added to captions")
    known_truth: bool = Field(description="Whether the noise in captions by models is known")
    generation: "GenerationCells"
    segmentation: "SegmentationCells | None" = Field(None, description="None without masks")
    asked: Asked = Field(default_factory=dict, description="Parameters that records must have")


class GenerationCells(Section):
    """What spans the cells of the track `generation`."""

    scorers: list[Name] = Field(description="Scorers whose subsets fine-tune a generator")
    chosen: list[Name] = Field(description="Scorers of this list that choose a ratio per scene")
    ratios: list[Ratio] = Field(description="Keep ratios of the other scorers")
    captions: list[Name] = Field(description="Sets in addition to `raw` for fine-tuning")
    baselines: list[Name] = Field(description="Published generators")
    seeds: list[sections.Seed] = Field(description="Training seeds")


class SegmentationCells(Section):
    """What spans the cells of the track `segmentation`."""

    drawn: list[tuple[Name, Ratio]] = Field(description="Scorers and ratios of the generators")
    seeds: list[sections.Seed] = Field(description="Training seeds")


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
