"""The report on the caption sets as CSV and Markdown."""

from collections.abc import Callable, Sequence
from typing import Any

from winnow.evaluation.statistics import VERSION, Difference
from winnow.reporting.caption_sets import meanings
from winnow.reporting.captions import (
    STATISTICS,
    TRACK,
    TRUTH,
    Compared,
    best,
    sets,
)
from winnow.reporting.results import Results
from winnow.reporting.text import (
    EMPTY,
    csv_text,
    interval,
    markdown,
    markdown_table,
    number,
    percent,
)


def captions_csv(results: Results) -> str:
    """One row a caption set, each metric with its interval; shares are fractions."""
    metrics = [*TRUTH, *STATISTICS]
    spread = [f"{metric}{end}" for metric in metrics for end in ("", "_low", "_high")]
    rows = []
    for method in sets(results):
        row: list[Any] = [method.captions]
        for metric in metrics:
            value = results.value(method, metric)
            row += [value.value, value.low, value.high] if value else [None] * 3
        rows.append([*map(_whole, row), results.scale, results.caveat(method)])
    return csv_text(["caption_set", *spread, "scale", "note"], rows)


def _whole(value: Any) -> Any:
    """A count without a decimal point, however large."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def differences_csv(rows: Sequence[Compared]) -> str:
    """One row a pair of sets and metric: difference, interval, p, verdict, or why there is none."""
    keys = ["a", "b", "metric", "images"]
    header = [*keys, "difference", "low", "high", "p", "p_holm", "verdict", "reason"]
    body = []
    for row in rows:
        spread = row.difference or [None] * 4
        body.append([*row[: len(keys)], *spread, row.adjusted, row.verdict, row.reason])
    return csv_text(header, body)


def captions_md(results: Results, rows: Sequence[Compared]) -> str:
    """Three tables: the truth, the text, the differences."""
    methods = sets(results)
    graders = sorted({record.pretrained for record in results.sweep.records.values()})
    reasons = list(dict.fromkeys(row.reason for row in rows if row.reason))
    notes = [f"[{i}] {reason}" for i, reason in enumerate(reasons, 1)]
    notes += [f"{m.captions}: {note}" for m in methods if (note := results.caveat(m))]
    parts = [
        f"# Caption sets (scale `{markdown(results.scale)}`)\n",
        f"{meanings(method.captions for method in methods)}\n",
        "## How good are the captions?\n",
        _truth(results),
        "## What are they made of?\n",
        _sets_table(results, STATISTICS, number),
        "Words: mean of a caption. Distinct-n: different n-grams as a share of all, which falls as "
        "a set grows. Self-BLEU: how much the captions repeat each other. Evaluator score: mean "
        "cosine of image and caption by a model that scores nothing else "
        f"({markdown('; '.join(graders) or 'not run')}). 95 % bootstrap intervals over images.\n",
        "## Differences\n",
        _differences_table(results, rows, reasons),
        "The first set minus the second, over the images that both describe; shares in percentage "
        "points. 95 % intervals and p by bootstrap over images, p after Holm's correction over the "
        f"table; at 5 %, else not told apart (statistics version {VERSION}).\n",
    ]
    return "\n".join(parts) + ("\n" + "".join(f"- {markdown(n)}\n" for n in notes) if notes else "")


def _truth(results: Results) -> str:
    if not any(results.value(m, metric) for m in sets(results) for metric in TRUTH):
        return "The truth about these images is not known, or no cell has run.\n"
    return (
        _sets_table(results, TRUTH, percent, bold=True)
        + "\nPer cent, with 95 % bootstrap intervals over images; the best in bold. Scene, count, "
        "attribute, relation: such assertions that are right. Object precision: objects named that "
        "are there; recall: things and named land there that a caption mentions. Hallucination: "
        "captions with an invented object. Clean: captions without a fault.\n"
    )


def _sets_table(
    results: Results,
    metrics: dict[str, str],
    show: Callable[[float | None], str],
    bold: bool = False,
) -> str:
    """Rows are caption sets, columns metrics."""
    header = ["captions"]
    winners = []
    for metric, label in metrics.items():
        arrow = f" {_arrow(results, metric)}" if bold else ""
        header.append(f"{label}{arrow}")
        winners.append(best(results, metric) if bold else set())
    body = []
    for method in sets(results):
        cells = [markdown(method.captions)]
        for metric, winning in zip(metrics, winners, strict=True):
            value = results.value(method, metric)
            shown = interval(value.value, value.low, value.high, show) if value else EMPTY
            cells.append(f"**{shown}**" if method in winning else shown)
        body.append(cells)
    return markdown_table(header, body)


def _arrow(results: Results, metric: str) -> str:
    return "↑" if results.higher_is_better(TRACK, metric) else "↓"


def _differences_table(results: Results, rows: Sequence[Compared], reasons: list[str]) -> str:
    labels = TRUTH | STATISTICS
    header = ["captions", "minus", "metric", "result", "difference", "p", "images"]
    body = []
    for row in rows:
        metric = f"{labels[row.metric]} {_arrow(results, row.metric)}"
        if row.difference is None or row.adjusted is None:
            shown = [markdown(f"{EMPTY} [{reasons.index(row.reason) + 1}]"), EMPTY, EMPTY, EMPTY]
        else:
            difference = _signed(row.difference, row.metric in TRUTH)
            shown = [row.verdict, difference, f"{row.adjusted:.4f}", str(row.images)]
        body.append([markdown(row.a), markdown(row.b), metric, *shown])
    return markdown_table(header, body, left=4)


def _signed(difference: Difference, share: bool) -> str:
    """A share in percentage points, another metric as it is."""
    value, low, high, _ = difference
    if share:
        return f"{100 * value:+.2f} ({100 * low:+.2f} to {100 * high:+.2f})"
    return f"{value:+.4f} ({low:+.4f} to {high:+.4f})"
