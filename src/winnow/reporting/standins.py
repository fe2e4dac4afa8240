"""Which models behind the cells of a run are stand-ins, whose effects have no published size."""

from collections.abc import Iterator, Sequence

from winnow.params.cells import sweep
from winnow.params.model import Params

SEGMENTOR = "segmentation.network"
MODELLESS = {"human", "rule"}  # caption sets that no model writes


def standins(params: Params) -> list[str]:
    """The roles in use whose models are stand-ins, and SEGMENTOR if that is `unet`.

    Records name a cell's own model alone, not those that wrote, scored or graded what it read: this
    is about the whole run.
    """
    loaders: dict[str, str] = {role: model.loader for role, model in params.models.items()}
    if sweep(params).segmentation is not None and params.segmentation.network == "unet":
        loaders[SEGMENTOR] = "standin"
    used = {SEGMENTOR, *_used(params)}
    return [name for name, loader in loaders.items() if loader == "standin" and name in used]


def standins_named(names: Sequence[str]) -> str:
    """A sentence that names the stand-ins of a run; empty without any."""
    return f"Stand-ins: {', '.join(names)}." if names else ""


def _used(params: Params) -> Iterator[str | None]:
    """The models that the cells of a run need; some are no roles, but recipes trained here."""
    yield from ("clip", "t2i", "evaluator_clip", "evaluator_general")  # of every run
    yield from (scorer.model for scorer in params.scorers.values())
    yield from (baseline.model for baseline in params.generation.baselines.values())
    if not MODELLESS.issuperset(params.sweep.captions):
        yield "mllm"
    if "integrated" in params.sweep.captions and params.captioning.integration.mode == "llm":
        yield "llm"
    if params.score_model.recipes:
        asked = params.preferences
        yield asked.deduplication.model
        yield from (captioner.by for captioner in asked.captioners.values())
        yield from (answerer.by for answerer in asked.answerers.values())
        yield from (recipe.start for recipe in params.score_model.recipes.values())
    yield from (tuned.model for tuned in params.score_model.tuned.values())
    segmentation = sweep(params).segmentation
    if segmentation is not None:
        yield "segmentor"
        if segmentation.drawn:
            yield "controlnet"
