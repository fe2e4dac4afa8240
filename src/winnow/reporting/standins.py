"""Which models behind the cells of a run are stand-ins, whose effects have no published size."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from winnow.tracks.registry import models

if TYPE_CHECKING:
    from winnow.params.model import Params

MODELLESS = {"human", "rule"}  # caption sets that no model writes


def standins(params: "Params") -> list[str]:
    """The roles in use whose models are stand-ins, and the small networks of our own.

    Records name a cell's own model alone, not those that wrote, scored or graded what it read: this
    is about the whole run.
    """
    of_tracks = models(params)
    used = {*_used(params), *of_tracks}
    roles = [r for r, model in params.models.items() if model.loader == "standin" and r in used]
    return roles + sorted(name for name in of_tracks if "." in name)


def standins_named(names: Sequence[str]) -> str:
    """A sentence that names the stand-ins of a run; empty without any."""
    return f"Stand-ins: {', '.join(names)}." if names else ""


def _used(params: "Params") -> Iterator[str | None]:
    """The models behind what all tracks share; some are no roles, but recipes trained here."""
    yield from (scorer.model for scorer in params.scorers.values())
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
