"""What the plans of several tracks share: which scorers have cells."""

from typing import TYPE_CHECKING

from winnow.params.names import CONTROLS

if TYPE_CHECKING:
    from winnow.params.model import Params

RAW = "raw"  # the caption set whose noise was added by us


def known_truth(params: "Params") -> bool:
    """Whether there are layouts, by which captions are checked, and masks."""
    return params.source.knows_truth


def known_noise(params: "Params", captions: str) -> bool:
    """Whether it is known which captions of a set are clean: those of `raw` by the noise that was
    added, those of others by their check."""
    return params.captions.known_noise if captions == RAW else known_truth(params)


def selective_controls(params: "Params", captions: str = RAW) -> tuple[str, ...]:
    """The controls that leave pairs out. `clean` needs known noise, and `oracle` also the layouts
    that tell how much a caption says."""
    if not known_noise(params, captions):
        return ("random",)
    return ("random", "clean", "oracle") if known_truth(params) else ("random", "clean")


def bounds(params: "Params") -> tuple[str, ...]:
    """The controls between which the scorers of `raw` lie: `random`, and the best that is known."""
    return tuple(dict.fromkeys((selective_controls(params)[0], selective_controls(params)[-1])))


def selecting(params: "Params", captions: str = RAW) -> list[str]:
    """The scorers that leave pairs out, without the controls that need more than is known."""
    left_out = {*CONTROLS} - {*selective_controls(params, captions)}
    return [name for name in params.scorers if name not in left_out]


def curating(params: "Params", captions: str) -> list[str]:
    """The swept scorers that curate a caption set beside `raw`."""
    if captions not in params.sweep.curated:
        return []
    return [name for name in selecting(params, captions) if name in params.sweep.scorers]


def ratios_of(params: "Params", scorer: str, ratios: list[float]) -> list[float]:
    """The keep ratios of a listed scorer: `ratios`, or the main one if it chooses by scene."""
    return [params.ratio] if params.scorers[scorer].choose else ratios
