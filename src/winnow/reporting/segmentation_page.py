"""The page of the segmentation track."""

from collections.abc import Callable, Container, Mapping, Sequence

from winnow.data.metrics import Metrics
from winnow.evaluation.statistics import VERSION
from winnow.reporting.cells import mapping, trainings
from winnow.reporting.emit.markdown import markdown
from winnow.reporting.methods import Method
from winnow.reporting.notes import noted, notes
from winnow.reporting.results import Results
from winnow.reporting.segmentation import (
    ALONE,
    HEADLINE,
    MODES,
    RAW,
    TRACK,
    Plan,
    Variant,
    classes,
    gain,
    rows,
    shares,
    shown_name,
    value,
    variants,
)
from winnow.reporting.standins import standins_named
from winnow.reporting.table import Cell, Column, Image, Page, Row, Table, plain, spread
from winnow.reporting.values import GAINS, INDISTINCT, PERCENT, Show, Value

KEYS = (Column("generator", "generator"), Column("keep", "ratio"))
BASES = {"raw": RAW, "real": ALONE}


def segmentation_table(results: Results, struck: Mapping[Method, int]) -> Table:
    """One row a method, variant and metric, with its difference and relative change to
    raw-generated images and to real images alone; what was not measured has one row, whose note
    says why. Notes say of what is among `struck` that it is struck out."""
    columns = plain("captions", "scorer", "ratio", "labels", "percent", "metric")
    columns.append(Column("value", parts=("value", "low", "high", "n", "seeds")))
    for base in BASES:
        columns += [spread(f"{base}_difference"), spread(f"{base}_change")]
        columns += plain(f"{base}_verdict")
    metrics = [*HEADLINE, *(f"iou/{name}" for name in classes(results))]
    body: list[Row] = []
    for method in rows(results):
        row = {**method._asdict(), "scale": results.scale, "note": noted(results, method, struck)}
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
        found[f"{name}_verdict"] = _verdict(absolute)
    return found


def _verdict(found: Value | None) -> str:
    if found is None or found.ends is None:
        return ""
    return ("better" if found.estimate > 0 else "worse") if found.apart else "not told apart"


def segmentation_page(results: Results, plan: Plan, struck: Mapping[Method, int]) -> Page:
    """Tables by share of the labels, by what was compared, and by class, then the figures. Methods
    among `struck`, the numbers of leaking pairs that they learned from, have a line through them.
    """
    methods = rows(results)
    named = {method: _named(method, plan, struck) for method in methods}
    generated = [mode for mode in MODES if shares(results, mode)]
    every = generated or (["real"] if shares(results, "real") else [])

    def gains(base: Method) -> Page:
        others = {method: row for method, row in named.items() if method not in (base, ALONE)}
        return _by_mode(
            results,
            others,
            generated,
            lambda *place: _gain(results, base, *place),
            GAINS["percent"],
        )

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
        "Minus raw-generated at the same share of the labels: points of per cent with 95 % "
        f"intervals, then the relative change in per cent; {INDISTINCT}: not significantly "
        "different. What is published: "
        "[tables/dldc/segmentation.md](tables/dldc/segmentation.md) (claims A5, A6).",
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
        Image("Test images, their masks, and what segmentors see", "figures/segmentation.png"),
        *notes(results, {method: " ".join(map(str, method[1:])) for method in methods}, struck),
    ]


def _named(method: Method, plan: Plan, struck: Container[Method]) -> dict[str, object]:
    scorer, ratio = shown_name(method, plan)
    return {"generator": Cell(scorer, "struck" if method in struck else ""), "keep": ratio}


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
        for name, label in HEADLINE.items():
            body = [
                {**row, **{p: cell(method, Variant(mode, p), name) for p in percents}}
                for method, row in named.items()
            ]
            page += [f"{label}{', ' + MODES[mode] if mode in MODES else ''}:", Table(columns, body)]
    return page or ["Not measured here."]


def _gain(results: Results, base: Method, method: Method, variant: Variant, name: str) -> Cell:
    """The difference to a base, then the relative change."""
    absolute, relative = gain(results, method, base, variant, name)
    if absolute is None:
        return Cell(None)
    change = f"; {GAINS['change'](relative.estimate)}" if relative else ""
    same = absolute.ends is not None and not absolute.apart
    return Cell(f"{GAINS['percent'](absolute)}{change}", mark=INDISTINCT if same else "")


def _by_class(results: Results, named: Mapping[Method, Row]) -> Page:
    """IoU of each class at the largest share with exact labels, of every method."""
    percents = shares(results, "mask") or shares(results, "real")
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
    counts = sorted(
        {n for record in records for name, n in record.n.items() if name.endswith("/miou")}
    )
    seeds = sorted({v.seeds for m in rows(results) for v in results.values.get(m, {}).values()})
    repeats = " to ".join(map(str, dict.fromkeys([seeds[0], seeds[-1]]))) if seeds else "0"
    return (
        "Per cent of the test split, with 95 % bootstrap intervals over images (and over seeds "
        f"where there are several; here {repeats}). Images measured: "
        f"{' or '.join(map(str, counts)) or 'none'}. IoU and accuracy are of the areas of all test "
        "images together, as mmsegmentation's metric has them; their means are over classes. "
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
