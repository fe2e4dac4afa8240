"""What generated images add to real labels: methods, comparisons, tables and page."""

from collections.abc import Callable, Container, Mapping, Sequence
from typing import NamedTuple

from winnow.data.metrics import Metrics
from winnow.evaluation.statistics import VERSION
from winnow.params.names import PRETRAINED, REAL
from winnow.reporting.caption_sets import MAIN
from winnow.reporting.cells import mapping, trainings
from winnow.reporting.emit.markdown import markdown
from winnow.reporting.method_results import Method
from winnow.reporting.paired import change, difference
from winnow.reporting.results import Results
from winnow.reporting.row_notes import page_notes, row_note, struck_through
from winnow.reporting.standins import standins_named
from winnow.reporting.table import VALUE, Cell, Column, Image, Page, Row, Table, plain, spread
from winnow.reporting.values import GAINS, INDISTINCT, PERCENT, Show, Value, to
from winnow.tracks.segmentation.metrics import METRICS

TRACK = "segmentation"
HEADLINES = {metric.key: metric for metric in METRICS if metric.headline}
ALONE = Method(TRACK, MAIN, REAL, 1.0)
RAW = Method(TRACK, MAIN, "none", 1.0)
BASES = {"raw": RAW, "real": ALONE}
# What a generated image's labels are: those it was drawn from, or what a segmentor sees in it.
MODES = {"mask": "exact labels", "text": "pseudo labels"}
KEYS = (Column("generator", "generator"), Column("keep", "ratio"))


class Plan(NamedTuple):
    """Whose keep ratios are compared, and which scorer has its ratio chosen by scene."""

    scorer: str
    chosen: str


class Variant(NamedTuple):
    """A segmentor of a method: the mode of its generated images, and the share of the labels."""

    mode: str  # one of MODES; of ALONE `real`
    percent: str


def variants(results: Results, method: Method) -> list[Variant]:
    """The segmentors of a method that were measured, by mode and share."""
    known = results.values.get(method, {})
    found = {Variant(*name.split("/")[:2]) for name in known if name.endswith("/miou")}
    order = [REAL, *MODES]
    return sorted(found, key=lambda v: (order.index(v.mode), float(v.percent)))


def shares(results: Results, mode: str) -> list[str]:
    """The measured shares of the labels with images of a mode, in per cent, rising."""
    every = (v for m in results.expected(TRACK) for v in variants(results, m))
    return sorted({v.percent for v in every if v.mode == mode}, key=float)


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
    absolute, relative = (f(results, method, base, *names)[0] for f in (difference, change))
    return absolute, relative


def classes(results: Results) -> list[str]:
    """The classes of the data set, in alphabetical order."""
    names = {name for values in results.values.values() for name in values}
    return sorted({name.split("/", 3)[3] for name in names if name.split("/")[2:3] == ["iou"]})


def chosen_method(results: Results, plan: Plan) -> Method | None:
    """The method whose images are called cleaned-generated: the one with chosen ratios, or else the
    swept one with the highest mIoU at all labels."""
    percents = shares(results, "mask")
    measured = {
        m: (m.scorer == plan.chosen, found.estimate)
        for m in results.expected(TRACK)
        if m.scorer in plan
        and percents
        and (found := value(results, m, Variant("mask", percents[-1]), "miou"))
    }
    return max(measured, key=lambda m: measured[m]) if measured else None


def segmentation_table(results: Results, struck: Mapping[Method, int]) -> Table:
    """One row a method, variant and metric, with its difference and relative change to
    raw-generated images and to real images alone; what was not measured has one row, whose note
    says why. Notes say of what is among `struck` that it is struck out."""
    columns = [*plain("captions", "scorer", "ratio", "labels", "percent", "metric"), VALUE]
    for base in BASES:
        columns += [spread(f"{base}_difference"), spread(f"{base}_change")]
        columns += plain(f"{base}_verdict")
    metrics = [*HEADLINES, *(f"iou/{name}" for name in classes(results))]
    body: list[Row] = []
    for method in results.expected(TRACK):
        row = {
            **method._asdict(),
            "scale": results.scale,
            "note": row_note(results, method, struck),
        }
        if method not in results.values:
            body.append(row)
        for variant in variants(results, method):
            own = {"labels": variant.mode, "percent": variant.percent}
            body += [
                row
                | own
                | {"metric": metric, "value": known}
                | _gains_of(results, method, variant, metric)
                for metric in metrics
                if (known := value(results, method, variant, metric))
            ]
    return Table([*columns, *plain("scale", "note")], body)


def _gains_of(results: Results, method: Method, variant: Variant, metric: str) -> dict[str, object]:
    found: dict[str, object] = {}
    for name, base in BASES.items():
        absolute, relative = gain(results, method, base, variant, metric)
        found |= {f"{name}_difference": absolute, f"{name}_change": relative}
        found[f"{name}_verdict"] = absolute.verdict() if absolute else ""
    return found


def segmentation_page(results: Results, plan: Plan, struck: Mapping[Method, int]) -> Page:
    """Tables by share of the labels, by what was compared, and by class, then the figures. Methods
    among `struck`, the numbers of leaking pairs that they learned from, have a line through them.
    """
    methods = results.expected(TRACK)
    named = {method: _named(method, plan, struck) for method in methods}
    generated = [mode for mode in MODES if shares(results, mode)]
    every = generated or ([REAL] if shares(results, REAL) else [])

    def gains(base: Method) -> Page:
        others = {method: row for method, row in named.items() if method not in (base, ALONE)}
        cell = lambda *place: _gain(results, base, *place)  # noqa: E731
        return _by_mode(results, others, generated, cell, GAINS["percent"])

    return [
        f"# Segmentation (scale `{markdown(results.scale)}`)",
        "A segmentor learns from real labelled images and, beside them, from generated ones: of "
        "`none` from a generator fine-tuned on all pairs of raw (raw-generated), of a scorer from "
        "one fine-tuned on what it keeps (cleaned-generated). `real` learns from real images "
        "alone, `pretrained` beside what the generator draws before fine-tuning. Equal training "
        "steps in every row.",
        "## How good are the segmentors?",
        *_by_mode(results, named, every, lambda *place: value(results, *place), PERCENT),
        _how(results),
        "## Does cleaning help?",
        *gains(RAW),
        "Minus raw-generated at the same share of the labels: percentage points with 95 % "
        f"intervals, then the relative change in per cent; {INDISTINCT}: not significantly "
        "different. Published values: [the paper's table](tables/dldc/segmentation.md) (claims A5, "
        "A6).",
        "## Do generated images help at all?",
        *gains(ALONE),
        "Minus real images alone at the same share of the labels, as above.",
        "## By class",
        *_by_class(results, named),
        "## By keep ratio",
        Image(
            "mIoU by keep ratio of the generator's training pairs", "figures/segmentation_ratio.png"
        ),
        "## Predictions",
        Image("Test images, their masks, and predictions", "figures/segmentation.png"),
        *page_notes(
            results, {method: " ".join(map(str, method[1:])) for method in methods}, struck
        ),
    ]


def _named(method: Method, plan: Plan, struck: Container[Method]) -> dict[str, object]:
    ratio = "chosen" if method.scorer == plan.chosen else f"{method.ratio:g}"
    keep = "" if method.scorer in (REAL, PRETRAINED) else ratio
    return {"generator": struck_through(method, struck), "keep": keep}


def _by_mode(
    results: Results,
    named: Mapping[Method, Row],
    modes: Sequence[str],
    cell: Callable[[Method, Variant, str], object],
    show: Show,
) -> Page:
    """A table for each mode and headline metric: a column a share of the labels."""
    page: list[str | Table] = []
    for mode in modes:
        percents = shares(results, mode)
        columns = [*KEYS, *(Column(p, f"{p} % of the labels", show) for p in percents)]
        for name, metric in HEADLINES.items():
            body = [
                {**row, **{p: cell(method, Variant(mode, p), name) for p in percents}}
                for method, row in named.items()
            ]
            labels = f", {MODES[mode]}" if mode in MODES else ""
            page += [f"{metric.label}{labels}:", Table(columns, body)]
    return page or ["Not measured here."]


def _gain(results: Results, base: Method, method: Method, variant: Variant, name: str) -> Cell:
    """The difference to a base, then the relative change."""
    absolute, relative = gain(results, method, base, variant, name)
    if absolute is None:
        return Cell(None)
    change = f"; {GAINS['change'](relative.estimate)}" if relative else ""
    same = absolute.ends is not None and not absolute.significant
    return Cell(f"{GAINS['percent'](absolute)}{change}", mark=INDISTINCT if same else "")


def _by_class(results: Results, named: Mapping[Method, Row]) -> Page:
    """IoU of each class at the largest share with exact labels, of every method."""
    percents = shares(results, "mask") or shares(results, REAL)
    names = classes(results)
    if not percents or not names:
        return ["Not measured here."]
    variant = Variant("mask", percents[-1])
    body = [
        {**row, **{f"iou/{c}": value(results, method, variant, f"iou/{c}") for c in names}}
        for method, row in named.items()
        if value(results, method, variant, "miou")
    ]
    columns = [*KEYS, *(Column(f"iou/{name}", name, PERCENT) for name in names)]
    told = f"IoU at {variant.percent} % of the labels, per cent, with 95 % intervals."
    return [Table(columns, body), told]


def _how(results: Results) -> str:
    """What was measured, and with what."""
    records = [results.sweep.records[cell] for cell in results.sweep.cells(TRACK)]
    models = sorted({f"{record.model} on {record.dataset}" for record in records})
    counts = {n for record in records for name, n in record.n.items() if name.endswith("/miou")}
    seeds = {v.seeds for m in results.expected(TRACK) for v in results.values.get(m, {}).values()}
    return (
        "Per cent of the test split, with 95 % bootstrap intervals over images (and over seeds "
        f"where there are several; here {to(seeds) or '0'}). Images measured: "
        f"{' or '.join(map(str, sorted(counts))) or 'none'}. IoU and accuracy are of the areas of "
        "all test images together, as in mmsegmentation's metric; their means are over classes. "
        f"{_started(records)}"
        f"Measured with {markdown('; '.join(models) or 'nothing yet')} (statistics version "
        f"{VERSION}). {markdown(standins_named(results.standins))}".rstrip()
    )


def _started(records: Sequence[Metrics]) -> str:
    """A sentence about what the segmentors started from, if not from nothing."""
    inputs = [mapping(told.get("inputs")) for record in records for told in trainings(record)]
    if not any(name.startswith("start/") for names in inputs for name in names):
        return ""
    return (
        "Every segmentor starts from the backbone of the role `segmentor`, and its head is new "
        "(docs/segmentation.md). "
    )
