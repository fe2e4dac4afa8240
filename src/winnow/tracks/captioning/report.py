"""How good the caption sets are: by the truth, as texts, and compared with each other."""

from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import NamedTuple

import pandas as pd
import pyarrow.compute as pc

from winnow.data.errors import WinnowError
from winnow.data.tables import OUTCOMES, read_arrow
from winnow.evaluation.statistics import VERSION, Difference, group_difference, holm
from winnow.reporting.caption_sets import in_order, meanings
from winnow.reporting.cells import cell_folder
from winnow.reporting.emit.markdown import bullets, markdown
from winnow.reporting.method_results import Method
from winnow.reporting.results import Results
from winnow.reporting.table import Cell, Column, Footnotes, Image, Page, Row, Table, plain, spread
from winnow.reporting.values import GAINS, LEVEL, LEVELS, SAME, Value
from winnow.tracks.captioning.metrics import METRICS
from winnow.tracks.track import Metric

TRACK = "captioning"
LEAST = 4000  # resamples: the smallest p, 2 / 4001, survives Holm over 100 rows
TRUTH = [metric for metric in METRICS if metric.unit == "percent"]
TEXT = sorted((m for m in METRICS if m.unit == "number"), key=lambda metric: metric.headline)
BY_KEY = {metric.key: metric for metric in METRICS}
# Caption sets minus other sets (patterns over the planned ones), in some metrics
CONTRASTS = (
    ("loop", "mllm", ("evaluator_score", "hallucination_rate")),
    ("loop", "mllm_layout", ("evaluator_score", "hallucination_rate")),
    ("integrated", "mllm_*", ("object_recall", "hallucination_rate")),
    ("integrated", "mllm", ("object_recall", "hallucination_rate")),
    ("*", "human", ("evaluator_score",)),
)


class Compared(NamedTuple):
    """One metric of set `a` minus that of `b`, over the images that both have; `reason` says why
    there is no difference."""

    a: str
    b: str
    metric: str
    images: int | None = None
    difference: Difference | None = None
    adjusted: float | None = None
    verdict: str = ""
    reason: str = ""


def sets(results: Results) -> list[Method]:
    """The planned caption sets (all pairs of each) in the order of the tables."""
    planned = {m.captions: m for m in results.expected(TRACK) if m[2:] == ("none", 1.0)}
    return [planned[captions] for captions in in_order(planned)]


def best(results: Results, metric: Metric) -> set[Method]:
    """The sets that no other exceeds in a metric; none if fewer than two were measured."""
    known = {m: v for m in sets(results) if (v := results.value(m, metric.key))}
    found = {m: round(value.estimate, 9) for m, value in known.items()}
    if len(found) < 2:
        return set()
    top = (max if metric.higher_is_better else min)(found.values())
    return {method for method, value in found.items() if value == top}


def compare(results: Results) -> list[Compared]:
    """Every contrast whose sets are planned, with p-values corrected by Holm over all of them."""
    rows = list(_differences(results))
    adjusted = iter(holm([row.difference.p for row in rows if row.difference]))
    return [_judged(row, next(adjusted)) if row.difference else row for row in rows]


def _judged(row: Compared, adjusted: float) -> Compared:
    gained = bool(row.difference and row.difference.difference > 0)
    better = gained == BY_KEY[row.metric].higher_is_better
    verdict = SAME if adjusted >= LEVEL else "better" if better else "worse"
    return row._replace(adjusted=adjusted, verdict=verdict)


def _differences(results: Results) -> Iterator[Compared]:
    resamples = max(results.resamples, LEAST)

    @lru_cache(maxsize=8)
    def rows(method: Method, metric: str) -> pd.DataFrame:
        cells = [cell for cell in results.cells(method) if cell in results.sweep.records]
        paths = [cell_folder(results.sweep.folder, cell) / "outcomes.parquet" for cell in cells]
        tables = [read_arrow(path, OUTCOMES) for path in paths]
        chosen = [table.filter(pc.equal(table["metric"], metric)) for table in tables]
        return pd.concat([table.to_pandas() for table in chosen], ignore_index=True)

    for a, b, metric in _planned(results):
        row = Compared(a.captions, b.captions, metric)
        if reason := _missing(results, a, metric) or _missing(results, b, metric):
            yield row._replace(reason=reason)
            continue
        first, second = rows(a, metric), rows(b, metric)
        try:
            found = group_difference(first, second, metric, resamples, results.seed)
        except WinnowError as error:
            yield row._replace(reason=str(error))
            continue
        images = len(set(first["group"]) & set(second["group"]))
        yield row._replace(images=images, difference=found)


def _planned(results: Results) -> dict[tuple[Method, Method, str], None]:
    known = sets(results)
    return {
        (a, b, metric): None
        for one, other, metrics in CONTRASTS
        for a in known
        for b in known
        for metric in metrics
        if a != b and fnmatchcase(a.captions, one) and fnmatchcase(b.captions, other)
    }


def _missing(results: Results, method: Method, metric: str) -> str:
    if (reason := results.reason(method)) is not None:
        return f"{method.captions}: {reason}"
    measured = results.value(method, metric) is not None
    return "" if measured else f"{method.captions}: this metric was not measured"


def captions_table(results: Results) -> Table:
    """One row a caption set, each metric with its interval; shares are fractions."""
    rows = [
        {key: _whole(cell) if isinstance(cell, Value) else cell for key, cell in row.items()}
        | {"scale": results.scale, "note": results.caveat(method)}
        for method, row in _rows(results).items()
    ]
    columns = [spread(metric.key) for metric in (*TRUTH, *TEXT)]
    return Table([*plain("caption_set"), *columns, *plain("scale", "note")], rows)


def _whole(value: Value) -> Value:
    """A count without a decimal point, however large."""
    counts = {k: v for k, v in value._asdict().items() if isinstance(v, float) and v.is_integer()}
    return value._replace(**{name: int(count) for name, count in counts.items()})


def _rows(results: Results) -> dict[Method, Row]:
    return {
        method: {"caption_set": method.captions}
        | {metric.key: results.value(method, metric.key) for metric in METRICS}
        for method in sets(results)
    }


def differences_table(compared: Sequence[Compared]) -> Table:
    """One row a pair of sets and metric: difference, interval, p, verdict, or why there is none."""
    rows = [
        row._asdict()
        | (row.difference._asdict() if row.difference else {"difference": None})
        | {"p_holm": row.adjusted}
        for row in compared
    ]
    keys = ["a", "b", "metric", "images"]
    keys += ["difference", "low", "high", "p", "p_holm", "verdict", "reason"]
    return Table(plain(*keys), rows)


def captions_page(results: Results, compared: Sequence[Compared]) -> Page:
    """Three tables, what they show, and what is missing."""
    methods, rows = sets(results), _rows(results)
    graders = sorted({record.pretrained for record in results.sweep.records.values()})
    reasons = Footnotes()
    differences = _differences_shown(compared, reasons)
    caveats = [f"{m.captions}: {note}" for m in methods if (note := results.caveat(m))]
    known = any(results.value(m, metric.key) for m in methods for metric in TRUTH)
    texts = [Column(metric.key, metric.label, LEVELS[metric.unit]) for metric in TEXT]
    return [
        f"# Caption sets (scale `{markdown(results.scale)}`)",
        meanings(method.captions for method in methods),
        "## How good are the captions?",
        _truth(results, rows) if known else "",
        "Per cent, with 95 % bootstrap intervals over images; the best in bold. Scene, count, "
        "attribute, relation: the share of such assertions that are right. Object precision: the "
        "share of named objects that are in the image. Object recall: the share of objects and "
        "named land cover that a caption mentions. Hallucination: captions with an invented "
        "object. Clean: captions without a fault."
        if known
        else "The truth about these images is not known, or no cell has run.",
        "## What are they made of?",
        Table([Column("caption_set", "captions"), *texts], list(rows.values())),
        "Words: mean of a caption. Distinct-n: distinct n-grams as a share of all; it falls as a "
        "set grows. Self-BLEU: how much the captions repeat each other. Evaluator score: mean "
        "cosine of image and caption by a model that scores nothing else "
        f"({markdown('; '.join(graders) or 'not run')}). 95 % bootstrap intervals over images.",
        "## Differences",
        differences,
        "The first set minus the second, over the images that both describe; shares in percentage "
        "points. 95 % intervals and p by bootstrap over images, p after Holm's correction over the "
        f"table, significant below {LEVEL} (statistics version {VERSION}).",
        Image("object recall against hallucination", "figures/captions.svg"),
        bullets([*reasons.lines(), *caveats]),
    ]


def _truth(results: Results, rows: dict[Method, Row]) -> Table:
    winners = {metric.key: best(results, metric) for metric in TRUTH}
    body = [
        {**row, **{m: Cell(row[m], "bold" if method in won else "") for m, won in winners.items()}}
        for method, row in rows.items()
    ]
    columns = [Column(metric.key, metric.titled, LEVELS[metric.unit]) for metric in TRUTH]
    return Table([Column("caption_set", "captions"), *columns], body)


def _differences_shown(compared: Sequence[Compared], reasons: Footnotes) -> Table:
    columns = [Column("a", "captions"), Column("b", "minus"), Column("label", "metric")]
    columns += [Column("verdict", "result"), Column("gain", "difference", GAINS["number"])]
    columns += [Column("adjusted", "p", "{:.4f}".format), Column("images", "images", "{:d}".format)]
    rows = []
    for row in compared:
        metric, gain = BY_KEY[row.metric], row.difference
        value = Value(*gain[:3]) if gain else None
        verdict = Cell(row.verdict, mark=reasons.mark(row.reason))
        shown = {"label": metric.titled, "verdict": verdict}
        rows.append(row._asdict() | shown | {"gain": Cell(value, show=GAINS[metric.unit])})
    return Table(columns, rows)
