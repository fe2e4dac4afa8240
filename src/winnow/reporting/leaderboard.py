"""The leaderboard, and the flat tables of cells and costs."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from winnow.evaluation.statistics import VERSION
from winnow.reporting.caption_sets import in_order, main_set, meanings
from winnow.reporting.cells import COLUMNS, COST, KEYS, costs, digests, tidy
from winnow.reporting.methods import HEADLINE, Comparison, Method, Value, method_of
from winnow.reporting.ratios import kept
from winnow.reporting.results import CONTROLS, Results
from winnow.reporting.text import EMPTY, csv_text, interval, markdown, markdown_table, percent

HEADLINES = ((HEADLINE, "mR"), ("acc1", "zero-shot @1"))  # of the contrastive cells
DETECTIONS = (("average_precision", "noise AP"), ("auroc", "noise AUROC"))  # of the scorer
INDISTINCT = "≈"  # stands by a difference that is not distinguishable
NOT_IN_SWEEP = "not in this sweep"
UNSELECTIVE = ("none", "pretrained")  # controls that leave out no pair


class Entry(NamedTuple):
    """One row of the leaderboard; `ratio` is None for a control that was not planned."""

    captions: str
    scorer: str
    ratio: float | None
    metrics: dict[str, Value | None]
    comparison: Comparison | None
    samples: int | None
    seeds: int | None
    rank: int | None
    warning: str
    note: str


def entries(results: Results) -> list[Entry]:
    """One entry a method, best mean recall first; equal ones share a rank, unmeasured come last.

    The controls have an entry even if they were not planned.
    """
    methods = results.expected("contrastive")
    ranked = [round(v.value, 9) for m in methods if (v := results.value(m, HEADLINE))]
    order_of_controls = _warnings(results, methods)
    samples = _samples(results)
    found = []
    for method in methods:
        headline = results.value(method, HEADLINE)
        rank = 1 + sum(v > round(headline.value, 9) for v in ranked) if headline else None
        found.append(
            Entry(
                method.captions,
                method.scorer,
                method.ratio,
                _metrics(results, method),
                results.comparisons.get(method),
                samples.get(method),
                headline.seeds if headline else None,
                rank,
                order_of_controls.get(method, ""),
                _note(results, method),
            )
        )
    found += [
        Entry(captions, control, None, {}, None, None, None, None, "", NOT_IN_SWEEP)
        for captions, control in _absent_controls(methods)
    ]
    return sorted(
        found, key=lambda e: (e.rank is None, e.rank, e.captions, e.scorer, e.ratio or 0.0)
    )


def _absent_controls(methods: list[Method]) -> Iterator[tuple[str, str]]:
    """(captions, control) that no method is, of the main set and those whose pairs were selected.
    The model before fine-tuning read no captions, so only the main set has it."""
    present = {(method.captions, method.scorer) for method in methods}
    main = main_set(method.captions for method in methods)
    selected = (m.captions for m in methods if m.captions == main or m.scorer not in UNSELECTIVE)
    for captions in in_order(selected):
        for control in CONTROLS:
            elsewhere = control == "pretrained" and captions != main
            if (captions, control) not in present and not elsewhere:
                yield captions, control


def _metrics(results: Results, method: Method) -> dict[str, Value | None]:
    detector = _detector(method)
    found = {name: results.value(method, name) for name, _ in HEADLINES}
    return found | {name: results.value(detector, name) for name, _ in DETECTIONS}


def _detector(method: Method) -> Method:
    """The detection cell of a method's scorer."""
    return Method("detection", method.captions, method.scorer, 1.0)


def _note(results: Results, method: Method) -> str:
    detector = _detector(method)
    planned = detector in results.expected("detection")
    detection = results.caveat(detector) if planned else ""
    notes = [results.caveat(method), f"detection: {detection}" if detection else ""]
    return "; ".join(note for note in notes if note)


def _samples(results: Results) -> dict[Method, int]:
    """Pairs seen in training, the cost that does not differ from run to run."""
    found = {}
    for cell, record in results.sweep.records.items():
        parameters = record.provenance.get("parameters")
        samples = parameters.get("samples_seen") if isinstance(parameters, dict) else None
        if isinstance(samples, int):
            found[method_of(cell)] = samples
    return found


def _warnings(results: Results, methods: list[Method]) -> dict[Method, str]:
    """The controls that are out of order: `random` above `oracle` at the same ratio."""
    found: dict[Method, str] = {}
    for method in methods:
        oracle = method._replace(scorer="oracle")
        lower, upper = results.value(method, HEADLINE), results.value(oracle, HEADLINE)
        if method.scorer == "random" and lower and upper and lower.value > upper.value:
            text = (
                f"controls out of order on {method.captions} at keep ratio {method.ratio:g}: "
                f"random {percent(lower.value)} above oracle {percent(upper.value)}"
            )
            found |= {method: text, oracle: text}
    return found


def leaderboard_csv(results: Results) -> str:
    """The leaderboard for programs; no measured time, so equal runs give equal bytes."""
    names = [name for name, _ in HEADLINES + DETECTIONS]
    spread = [f"{name}{end}" for name in [*names, "difference"] for end in ("", "_low", "_high")]
    header = [
        "captions",
        "scorer",
        "ratio",
        "control",
        *spread,
        "p",
        "p_holm",
        "distinguishable",
        "samples_seen",
        "seeds",
        "scale",
        "rank",
        "warning",
        "note",
    ]
    rows = []
    for entry in entries(results):
        row: list[Any] = [entry.captions, entry.scorer, entry.ratio, _yes(entry.scorer in CONTROLS)]
        for name in names:
            value = entry.metrics.get(name)
            row += [value.value, value.low, value.high] if value else [None] * 3
        if entry.comparison:
            row += [*entry.comparison.difference, entry.comparison.adjusted]
            row += [_yes(entry.comparison.distinguishable)]
        else:
            row += [None] * 6
        row += [entry.samples, entry.seeds, results.scale, entry.rank, entry.warning, entry.note]
        rows.append(row)
    return csv_text(header, rows)


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def leaderboard_md(results: Results) -> str:
    """The leaderboard for people."""
    board = entries(results)
    header = [
        "rank",
        "captions",
        "scorer",
        "keep",
        "clean",
        "mR",
        "mR minus none",
        *(label for _, label in HEADLINES[1:] + DETECTIONS),
        "pairs seen",
    ]
    body = []
    for entry in board:
        scorer = markdown(entry.scorer)
        ratios = [] if entry.ratio is None else [entry.ratio, 1 - entry.ratio]
        values = [entry.metrics.get(name) for name, _ in HEADLINES + DETECTIONS]
        shown = [interval(v.value, v.low, v.high) if v else EMPTY for v in values]
        body.append(
            [
                str(entry.rank or EMPTY),
                markdown(entry.captions),
                f"_{scorer}_ (control)" if entry.scorer in CONTROLS else scorer,
                *(map(kept, ratios) if ratios else ("", "")),
                shown[0],
                _difference(entry),
                *shown[1:],
                str(EMPTY if entry.samples is None else entry.samples),
            ]
        )
    warnings = dict.fromkeys(entry.warning for entry in board if entry.warning)
    notes = [
        f"{e.captions} / {e.scorer}"
        + (f" / {e.ratio:g}" if e.ratio is not None else "")
        + f": {e.note}"
        for e in board
        if e.note
    ]
    explained = [
        meanings(entry.captions for entry in board),
        "All sets are ranked together: they are measured on the same test images and captions.",
    ]
    return (
        f"# Leaderboard (scale `{markdown(results.scale)}`)\n\n"
        + "".join(f"> **Warning:** {markdown(text)}\n\n" for text in warnings)
        + markdown_table(header, body, left=3)
        + "\nPer cent, with 95 % bootstrap intervals over images. mR: mean of the six retrieval "
        "recalls. Keep and clean: the ratio of the pairs kept, and of those cleaned away. "
        "Minus none: minus `none`, all pairs, of the same caption set. "
        f"{INDISTINCT}: not distinguishable from it at 5 % (paired bootstrap, Holm's "
        "correction over the table). Noise AP and AUROC: how well the scorer finds noisy pairs. "
        f"Controls bracket the others. Statistics version {VERSION}.\n"
        + f"\n{' '.join(filter(None, explained))}\n"
        + ("\nNotes:\n\n" if notes else "")
        + "".join(f"- {markdown(note)}\n" for note in notes)
    )


def _difference(entry: Entry) -> str:
    if entry.comparison is None:
        return EMPTY
    value, low, high, _ = entry.comparison.difference
    mark = "" if entry.comparison.distinguishable else f" {INDISTINCT}"
    return f"{100 * value:+.2f} ({100 * low:+.2f} to {100 * high:+.2f}){mark}"


def cells_csv(results: Results) -> str:
    """Every cell and metric, with interval, queries, and the digests the cell came from."""
    records = results.sweep.records
    sources = {cell: digests(record) for cell, record in records.items()}
    usable = [cell for cell in results.sweep.expected if cell in records]
    repeated = [sources[cell] for cell in usable for _ in records[cell].metrics]
    rows = tidy(results.sweep).astype(object).assign(digests=repeated)
    return csv_text([*COLUMNS, "digests"], rows.to_numpy().tolist())


def cost_csv(results: Results) -> str:
    """What each cell cost in this run: measured, so it differs from run to run."""
    return csv_text([*KEYS, *COST], costs(results.sweep))
