"""The report on segmentation as CSV and Markdown."""

from collections.abc import Callable, Container, Mapping, Sequence

from winnow.data.metrics import Metrics
from winnow.evaluation.statistics import VERSION
from winnow.reporting.cells import mapping, trainings
from winnow.reporting.methods import Method, Value
from winnow.reporting.notes import crossed, noted, notes_md
from winnow.reporting.relative import told_apart
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
from winnow.reporting.text import EMPTY, csv_text, interval, markdown, markdown_table

KEYS = ["generator", "ratio"]
INDISTINCT = "≈"


def segmentation_csv(results: Results, struck: Mapping[Method, int]) -> str:
    """One row a method, variant and metric, with its difference and relative change to
    raw-generated images and to real images alone; what was not measured has one row, whose note
    says why. Notes say of what is among `struck` that it is struck out."""
    header = ["captions", "scorer", "ratio", "labels", "percent", "metric"]
    header += ["value", "low", "high", "n", "seeds"]
    ends = ["difference", "difference_low", "difference_high", "change", "change_low"]
    ends += ["change_high", "verdict"]
    header += [f"{base}_{end}" for base in ("raw", "real") for end in ends]
    body: list[list[object]] = []
    for method in rows(results):
        keys, note = list(method[1:]), noted(results, method, struck)
        if method not in results.values:
            body.append([*keys, *[None] * (len(header) - 3), results.scale, note])
        for variant in variants(results, method):
            for metric in [*HEADLINE, *(f"iou/{name}" for name in classes(results))]:
                known = value(results, method, variant, metric)
                if known is None:
                    continue
                spread = [
                    part
                    for base in (RAW, ALONE)
                    for part in _spread(*gain(results, method, base, variant, metric))
                ]
                body.append([*keys, *variant, metric, *known, *spread, results.scale, note])
    return csv_text([*header, "scale", "note"], body)


def _spread(absolute: Value | None, relative: Value | None) -> list[object]:
    parts = [part for v in (absolute, relative) for part in (v[:3] if v else [None] * 3)]
    return [*parts, _verdict(absolute)]


def _verdict(found: Value | None) -> str:
    if found is None or found.low is None:
        return ""
    if not told_apart(found):
        return "not told apart"
    return "better" if found.value > 0 else "worse"


def segmentation_md(results: Results, plan: Plan, struck: Mapping[Method, int]) -> str:
    """Tables by share of the labels, by what was compared, and by class, then the figures. Methods
    among `struck`, the numbers of leaking pairs that they learned from, have a line through them.
    """
    methods = rows(results)
    named = {method: _name(method, plan, struck) for method in methods}
    generated = [mode for mode in MODES if shares(results, mode)]
    every = generated or (["real"] if shares(results, "real") else [])
    parts = [
        f"# Segmentation (scale `{markdown(results.scale)}`)\n",
        "A segmentor learns from real labelled images and, beside them, from generated ones: of "
        "`none` from a generator fine-tuned on all pairs of raw (raw-generated), of a scorer from "
        "one fine-tuned on what it keeps (cleaned-generated). `real` learns from real images "
        "alone, `pretrained` beside what the generator draws before fine-tuning. Equal training "
        "steps in every row.\n",
        "## How good are the segmentors?\n",
        _by_mode(every, lambda mode, name: _values(results, named, mode, name)),
        _how(results),
        "## Does cleaning help?\n",
        _by_mode(
            generated,
            lambda mode, name: _gains(results, named, RAW, mode, name),
        ),
        "Minus raw-generated at the same share of the labels: points of per cent with 95 % "
        f"intervals, then the relative change in per cent; {INDISTINCT}: not told apart. What is "
        "published: [tables/dldc/segmentation.md](tables/dldc/segmentation.md) (claims A5, A6).\n",
        "## Do generated images help at all?\n",
        _by_mode(
            generated,
            lambda mode, name: _gains(results, named, ALONE, mode, name),
        ),
        "Minus real images alone at the same share of the labels, as above.\n",
        "## By class\n",
        _by_class(results, named),
        "## By keep ratio\n",
        "![mIoU by keep ratio of the generator's training pairs](figures/segmentation_ratio.png)\n",
        "## Predictions\n",
        "![Test images, their masks, and what segmentors see](figures/segmentation.png)\n",
    ]
    called = {method: " ".join(map(str, method[1:])) for method in methods}
    return "\n".join(parts) + notes_md(results, called, struck)


def _by_mode(modes: Sequence[str], table: Callable[[str, str], str]) -> str:
    """A table for each mode and headline metric."""
    parts = [
        f"{label}{', ' + MODES[mode] if mode in MODES else ''}:\n\n{table(mode, name)}"
        for mode in modes
        for name, label in HEADLINE.items()
    ]
    return "\n".join(parts) or "Not measured here.\n"


def _header(results: Results, mode: str) -> list[str]:
    return [*KEYS, *(f"{percent} % of the labels" for percent in shares(results, mode))]


def _name(method: Method, plan: Plan, struck: Container[Method]) -> list[str]:
    scorer, ratio = (markdown(part) or EMPTY for part in shown_name(method, plan))
    return [crossed(scorer, method in struck), ratio]


def _values(results: Results, named: Mapping[Method, list[str]], mode: str, name: str) -> str:
    percents = shares(results, mode)
    body = [
        [*shown, *(_shown(value(results, m, Variant(mode, p), name)) for p in percents)]
        for m, shown in named.items()
    ]
    return markdown_table(_header(results, mode), body, 2)


def _shown(found: Value | None) -> str:
    return interval(found.value, found.low, found.high) if found else EMPTY


def _gains(
    results: Results, named: Mapping[Method, list[str]], base: Method, mode: str, name: str
) -> str:
    percents = shares(results, mode)
    body = [
        [*shown, *(_gain(results, m, base, Variant(mode, p), name) for p in percents)]
        for m, shown in named.items()
        if m not in (base, ALONE)
    ]
    return markdown_table(_header(results, mode), body, 2)


def _gain(results: Results, method: Method, base: Method, variant: Variant, name: str) -> str:
    absolute, relative = gain(results, method, base, variant, name)
    if absolute is None:
        return EMPTY
    told = interval(absolute.value, absolute.low, absolute.high, _signed)
    if relative is not None:
        told += f"; {_signed(relative.value)} %"
    return told if absolute.low is None or told_apart(absolute) else f"{told} {INDISTINCT}"


def _signed(found: float | None) -> str:
    return EMPTY if found is None else f"{100 * found:+.2f}"


def _by_class(results: Results, named: Mapping[Method, list[str]]) -> str:
    """IoU of each class at the largest share with exact labels, of every method."""
    percents = shares(results, "mask") or shares(results, "real")
    names = classes(results)
    if not percents or not names:
        return "Not measured here.\n"
    variant = Variant("mask", percents[-1])
    body = [
        [*shown, *(_shown(value(results, m, variant, f"iou/{c}")) for c in names)]
        for m, shown in named.items()
        if value(results, m, variant, "miou")
    ]
    return (
        markdown_table([*KEYS, *map(markdown, names)], body, 2)
        + f"\nIoU at {variant.percent} % of the labels, per cent, with 95 % intervals.\n"
    )


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
        + "\n"
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
