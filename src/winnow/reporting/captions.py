"""How good the caption sets are: by the truth, by their text, and compared with each other."""

from collections.abc import Iterator
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import NamedTuple

import pandas as pd
import pyarrow.compute as pc

from winnow.data.errors import WinnowError
from winnow.data.metrics import Cell
from winnow.data.tables import OUTCOMES, read_arrow
from winnow.evaluation.statistics import Difference, group_difference, holm
from winnow.reporting.caption_sets import in_order
from winnow.reporting.cells import cell_folder
from winnow.reporting.methods import LEVEL, Method, method_of
from winnow.reporting.results import Results

TRACK = "captioning"
LEAST = 4000  # resamples: the smallest p, 2 / 4001, survives Holm over 100 rows
# Metric -> what the tables call it. The first are shares, shown in per cent.
TRUTH = {
    "scene_accuracy": "scene",
    "object_precision": "object precision",
    "object_recall": "object recall",
    "count_accuracy": "count",
    "attribute_accuracy": "attribute",
    "relation_accuracy": "relation",
    "hallucination_rate": "hallucination",
    "clean_rate": "clean",
}
STATISTICS = {
    "images": "images",
    "captions": "captions",
    "captions_per_image": "per image",
    "length": "words",
    "vocabulary": "vocabulary",
    "distinct_1": "distinct-1",
    "distinct_2": "distinct-2",
    "self_bleu": "self-BLEU",
    "evaluator_score": "evaluator score",
}


class Contrast(NamedTuple):
    """Caption sets `a` minus sets `b` (patterns over the planned ones), in some metrics."""

    a: str
    b: str
    metrics: tuple[str, ...]


CONTRASTS = (
    Contrast("loop", "mllm", ("evaluator_score", "hallucination_rate")),
    Contrast("loop", "mllm_layout", ("evaluator_score", "hallucination_rate")),
    Contrast("integrated", "mllm_*", ("object_recall", "hallucination_rate")),
    Contrast("integrated", "mllm", ("object_recall", "hallucination_rate")),
    Contrast("*", "human", ("evaluator_score",)),
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
    planned = {
        method.captions: method
        for method in results.expected(TRACK)
        if (method.scorer, method.ratio) == ("none", 1.0)
    }
    return [planned[captions] for captions in in_order(planned)]


def best(results: Results, metric: str) -> set[Method]:
    """The sets that no other exceeds in a metric; none if fewer than two were measured."""
    found = {m: round(v.estimate, 9) for m in sets(results) if (v := results.value(m, metric))}
    if len(found) < 2:
        return set()
    top = (max if results.higher_is_better(TRACK, metric) else min)(found.values())
    return {method for method, value in found.items() if value == top}


def compare(results: Results) -> list[Compared]:
    """Every contrast whose sets are planned, with p-values corrected by Holm over all of them."""
    rows = list(_differences(results))
    measured = [i for i, row in enumerate(rows) if row.difference]
    adjusted = holm([row.difference.p for row in rows if row.difference])
    for i, p in zip(measured, adjusted, strict=True):
        rows[i] = rows[i]._replace(adjusted=p, verdict=_verdict(results, rows[i], p))
    return rows


def _verdict(results: Results, row: Compared, adjusted: float) -> str:
    if row.difference is None or adjusted >= LEVEL:
        return "not told apart"
    gained = (row.difference.difference > 0) == results.higher_is_better(TRACK, row.metric)
    return "better" if gained else "worse"


def _differences(results: Results) -> Iterator[Compared]:
    resamples = max(results.resamples, LEAST)

    @lru_cache(maxsize=8)
    def rows(method: Method, metric: str) -> pd.DataFrame:
        cells = [cell for cell in results.sweep.cells(TRACK) if method_of(cell) == method]
        return pd.concat([_outcomes(results, cell, metric) for cell in cells], ignore_index=True)

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


def _planned(results: Results) -> Iterator[tuple[Method, Method, str]]:
    known = sets(results)
    pairs = {
        (a, b, metric): None
        for contrast in CONTRASTS
        for a in known
        for b in known
        for metric in contrast.metrics
        if a != b and fnmatchcase(a.captions, contrast.a) and fnmatchcase(b.captions, contrast.b)
    }
    yield from pairs


def _missing(results: Results, method: Method, metric: str) -> str:
    if (reason := results.reason(method)) is not None:
        return f"{method.captions}: {reason}"
    measured = results.value(method, metric) is not None
    return "" if measured else f"{method.captions}: this metric was not measured"


def _outcomes(results: Results, cell: Cell, metric: str) -> pd.DataFrame:
    table = read_arrow(cell_folder(results.sweep.folder, cell) / "outcomes.parquet", OUTCOMES)
    return table.filter(pc.equal(table["metric"], metric)).to_pandas()
