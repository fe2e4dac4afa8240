"""What the plans of several tracks share: which scorers have cells."""

from typing import TYPE_CHECKING

from winnow.params.names import CONTROLS

if TYPE_CHECKING:
    from winnow.params.model import Params


def selective_controls(known_noise: bool) -> tuple[str, ...]:
    """The controls that leave pairs out; without known noise no oracle knows any."""
    return ("random", "oracle") if known_noise else ("random",)


def known_truth(params: "Params") -> bool:
    """Whether the noise of captions by models is known, and there are masks."""
    return params.source.knows_truth


def selecting(params: "Params", known_noise: bool) -> list[str]:
    """The scorers that leave pairs out, without the controls that need noise that is not known."""
    left_out = {*CONTROLS} - {*selective_controls(known_noise)}
    return [name for name in params.scorers if name not in left_out]


def curating(params: "Params", captions: str) -> list[str]:
    """The swept scorers that curate a caption set beside `raw`."""
    if captions not in params.sweep.curated:
        return []
    return [n for n in selecting(params, known_truth(params)) if n in params.sweep.scorers]


def ratios_of(params: "Params", scorer: str, ratios: list[float]) -> list[float]:
    """The keep ratios of a listed scorer: `ratios`, or if it chooses by scene the headline's."""
    return [params.ratio] if params.scorers[scorer].choose else ratios
