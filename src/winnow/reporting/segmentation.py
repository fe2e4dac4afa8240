"""What generated images add to real labels: the methods, and what each is compared with."""

from typing import NamedTuple

from winnow.params.names import REAL
from winnow.reporting.caption_sets import MAIN
from winnow.reporting.methods import Method
from winnow.reporting.relative import change, difference
from winnow.reporting.results import Results
from winnow.reporting.values import Value

TRACK = "segmentation"
HEADLINE = {"miou": "mIoU", "macc": "mAcc"}
ALONE = Method(TRACK, MAIN, REAL, 1.0)
RAW = Method(TRACK, MAIN, "none", 1.0)
# What a generated image's labels are: those it was drawn from, or what a segmentor sees in it.
MODES = {"mask": "exact labels", "text": "pseudo labels"}


class Plan(NamedTuple):
    """Whose keep ratios are compared, and which scorer has its ratio chosen by scene."""

    scorer: str
    chosen: str


class Variant(NamedTuple):
    """A segmentor of a method: the mode of its generated images, and the share of the labels."""

    mode: str  # one of MODES; of ALONE `real`
    percent: str


def rows(results: Results) -> list[Method]:
    """The planned methods in the order of the sweep: real images alone, then each generator."""
    return results.expected(TRACK)


def variants(results: Results, method: Method) -> list[Variant]:
    """The segmentors of a method that were measured, by mode and share."""
    found = {
        Variant(*name.split("/")[:2])
        for name in results.values.get(method, {})
        if name.endswith("/miou")
    }
    order = ["real", *MODES]
    return sorted(found, key=lambda v: (order.index(v.mode), float(v.percent)))


def shares(results: Results, mode: str) -> list[str]:
    """The measured shares of the labels with images of a mode, in per cent, rising."""
    found = {v.percent for m in rows(results) for v in variants(results, m) if v.mode == mode}
    return sorted(found, key=float)


def called(method: Method, variant: Variant, name: str) -> str:
    """A metric of a variant; that of ALONE is the same for every mode."""
    return f"{REAL if method == ALONE else variant.mode}/{variant.percent}/{name}"


def value(results: Results, method: Method, variant: Variant, name: str) -> Value | None:
    """A metric of a variant, if it was measured."""
    return results.value(method, called(method, variant, name))


def gain(
    results: Results, method: Method, base: Method, variant: Variant, name: str
) -> tuple[Value | None, Value | None]:
    """How much a method exceeds `base` at the same share: the difference and the relative change,
    each from the same resamples for both."""
    names = called(method, variant, name), called(base, variant, name)
    found = (compare(results, method, base, *names)[0] for compare in (difference, change))
    absolute, relative = found
    return absolute, relative


def classes(results: Results) -> list[str]:
    """The classes of the data set, in alphabetical order."""
    names = {name for values in results.values.values() for name in values}
    return sorted({name.split("/", 3)[3] for name in names if name.split("/")[2:3] == ["iou"]})


def shown_name(method: Method, plan: Plan) -> tuple[str, str]:
    """Scorer and ratio as they are shown."""
    if method.scorer in (REAL, "pretrained"):
        return method.scorer, ""
    return method.scorer, "chosen" if method.scorer == plan.chosen else f"{method.ratio:g}"


def chosen_method(results: Results, plan: Plan) -> Method | None:
    """The method whose images are called cleaned-generated: the one with chosen ratios, or else the
    swept one with the highest mIoU at all labels."""
    planned = [m for m in rows(results) if m.scorer in (plan.chosen, plan.scorer)]
    measured = {
        m: (m.scorer == plan.chosen, found.estimate)
        for m in planned
        if (percents := shares(results, "mask"))
        and (found := value(results, m, Variant("mask", percents[-1]), "miou"))
    }
    return max(measured, key=lambda m: measured[m]) if measured else None


def ratios(results: Results, plan: Plan) -> dict[float, Method]:
    """The measured methods that keep a share of `raw` by the plan's scorer, by rising ratio; all
    of it is what `none` keeps."""
    found = {m.ratio: m for m in rows(results) if m[1:3] == (MAIN, plan.scorer)}
    every = found | {1.0: RAW}
    return {r: every[r] for r in sorted(every) if every[r] in results.values}
