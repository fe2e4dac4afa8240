"""The page of the score models."""

from collections.abc import Container, Iterator, Mapping, Sequence

from winnow.evaluation.statistics import VERSION
from winnow.reporting.emit.markdown import markdown
from winnow.reporting.methods import Method
from winnow.reporting.notes import noted, notes
from winnow.reporting.results import Results
from winnow.reporting.score_models import (
    ACCURACY,
    JUDGE,
    TRACK,
    detectors,
    deviation,
    kinds_of,
    measured,
    recipes,
)
from winnow.reporting.table import Cell, Column, Image, Page, Row, Table, plain
from winnow.reporting.values import PERCENT

# Scorers: what was learned, and what it is to do better than
SCORE, GENERAL = "score_model", "clip"
OPEN = "not told apart"


def score_model_table(results: Results, struck: Mapping[Method, int]) -> Table:
    """One row a score model (or judge, or scorer that detects) and metric, as fractions.

    What was planned and not measured has one row, whose note says why. Notes say of what is among
    `struck` that it is struck out.
    """
    body: list[Row] = []
    for method in _methods(results):
        row = {**method._asdict(), "scale": results.scale, "note": noted(results, method, struck)}
        known = measured(results.values, method)
        body += [
            row
            | {"metric": metric, "value": results.value(method, metric)}
            | {"deviation": deviation(results.sweep, method, metric)}
            for metric in known
        ] or [row]
    value = Column("value", parts=("value", "low", "high", "n", "seeds"))
    keys = plain("track", "captions", "scorer", "metric")
    return Table([*keys, value, *plain("deviation", "scale", "note")], body)


def _methods(results: Results) -> list[Method]:
    return [*results.expected(TRACK), *detectors(results.expected("detection"))]


def score_model_page(results: Results, struck: Mapping[Method, int]) -> Page:
    """Three tables: pair accuracy, the judge, the noise found. Recipes among `struck`, the numbers
    of leaking pairs that methods learned from, have a line through them."""
    planned = recipes(results.expected(TRACK))
    seeds = {v.seeds for m in planned for v in results.values.get(m, {}).values()} or {1}
    few, many = min(seeds), max(seeds)
    repeats = (
        f"Means over {few if few == many else f'{few} to {many}'} seeds; after ± the standard "
        "deviation over the seeds."
        if many > 1
        else "One seed: the intervals leave out what another seed would change."
    )
    return [
        f"# Score models (scale `{markdown(results.scale)}`)",
        "## How often does the better text score higher?",
        _table(results, planned, ACCURACY, "recipe", struck),
        "Per cent of the held-out preference pairs, with 95 % bootstrap intervals over images; "
        "equal scores count half, so chance is 50. The mean is that of captions and instructions; "
        "instructions are closed, open and remote-sensing questions together. "
        f"{repeats} Recipes: `score_model` in params.yaml (statistics version {VERSION}).",
        Image("loss and accuracy by normalisation", "figures/score_normalisation.svg"),
        "## Does the judge know right from wrong?",
        *(_judge(results) or ["Not measured here."]),
        "## Which noise does it find?",
        *(_detection(results) or ["Not measured here."]),
        *notes(results, {method: method.scorer for method in _methods(results)}, struck),
    ]


def _judge(results: Results) -> Page:
    methods = [m for m in results.expected(TRACK) if m.scorer == JUDGE]
    metrics = {name for m in methods for name in results.values.get(m, {})}
    if not metrics:
        return []
    labels = {name: name.partition("/")[2] for name in kinds_of(metrics)}
    return [
        _table(results, methods, labels, "judge"),
        "Per cent of pairs whose order is known by construction in which the judge rates the "
        "right text higher: a person's caption against the same one with a mistake of a known kind "
        "put in, or the right answer to a closed question against a wrong one; equal ratings count "
        "half.",
    ]


def _detection(results: Results) -> Page:
    methods = detectors(results.expected("detection"))
    known = {n for m in methods for n in results.values.get(m, {}) if "average_precision" in n}
    if not known:
        return []
    labels = {name: name.partition("/")[0] if "/" in name else "all" for name in kinds_of(known)}
    return [
        _table(results, methods, labels, "scorer"),
        "Average precision, per cent, of noisy pairs against clean ones among the pool's noisy "
        "captions; all scorers are in detection.md.",
        *_beside_clip(results, methods, labels),
    ]


def _beside_clip(
    results: Results, methods: Sequence[Method], labels: Mapping[str, str]
) -> Iterator[str]:
    """In words, which noise the learned score finds better than a general model's, and worse: where
    one interval lies above the other."""
    places = {method.scorer: method for method in methods}
    if not {SCORE, GENERAL} <= places.keys():
        return
    found: dict[str, list[str]] = {"better": [], "worse": [], OPEN: []}
    for metric, label in labels.items():
        ours, theirs = (results.value(places[name], metric) for name in (SCORE, GENERAL))
        if ours and theirs and ours.ends and theirs.ends:
            better, worse = ours.ends[0] > theirs.ends[1], ours.ends[1] < theirs.ends[0]
            found["better" if better else "worse" if worse else OPEN].append(label)
    told = "; ".join(f"{how}: {', '.join(names)}" for how, names in found.items() if names)
    yield markdown(f"{SCORE} beside {GENERAL}, by their intervals: {told}.")


def _table(
    results: Results,
    methods: Sequence[Method],
    metrics: Mapping[str, str],
    corner: str,
    struck: Container[Method] = (),
) -> Table:
    """Rows are scorers; after ± stands the deviation over the seeds."""
    rows = [
        {"scorer": Cell(method.scorer, "struck" if method in struck else "")}
        | {metric: _cell(results, method, metric) for metric in metrics}
        for method in methods
    ]
    columns = [Column(metric, label, PERCENT) for metric, label in metrics.items()]
    return Table([Column("scorer", corner), *columns], rows)


def _cell(results: Results, method: Method, metric: str) -> Cell:
    spread = deviation(results.sweep, method, metric)
    mark = "" if spread is None else f"± {PERCENT(spread)}"
    return Cell(results.value(method, metric), mark=mark)
