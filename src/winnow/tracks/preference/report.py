"""How good the score models are: pair accuracy, the judge, and the noise that they find."""

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence

import numpy as np

from winnow.evaluation.statistics import VERSION
from winnow.params.names import JUDGE
from winnow.reporting.caption_sets import MAIN
from winnow.reporting.emit.markdown import markdown
from winnow.reporting.method_results import Method
from winnow.reporting.results import Results
from winnow.reporting.row_notes import page_notes, row_note, struck_through
from winnow.reporting.table import VALUE, Cell, Column, Image, Page, Row, Table, plain
from winnow.reporting.values import PERCENT, SAME, to
from winnow.tracks.preference.metrics import METRICS

TRACK, DETECTION = "preference", "detection"
ACCURACY = {m.key: m.label for m in METRICS if m.key.startswith("accuracy")}
DETECTORS = ("score_model", "clip", "domain_clip", "text")  # whose detection is compared
SCORE, GENERAL = "score_model", "clip"  # what was learned, and what it should do better than
FIRST = ["agreement/caption", "agreement/instruction", "average_precision"]  # totals


def detectors(results: Results) -> list[Method]:
    """The scorers of the main caption set whose detection is compared, in DETECTORS' order."""
    known = {m.scorer: m for m in results.expected(DETECTION) if m.captions == MAIN}
    return [known[scorer] for scorer in DETECTORS if scorer in known]


def totals_first(metrics: Iterable[str]) -> list[str]:
    """The metrics of agreement or of average precision: the total, then each kind of noise."""
    found = set(metrics)
    return [name for name in FIRST if name in found] + sorted(found.difference(FIRST))


def deviation(results: Results, method: Method, metric: str) -> float | None:
    """Sample standard deviation of a metric over a method's seeds; None of fewer than two."""
    known = results.sweep.records
    records = [known[cell] for cell in results.cells(method) if cell in known]
    values = [record.metrics[metric] for record in records if metric in record.metrics]
    return float(np.std(values, ddof=1)) if len(values) > 1 else None


def measured(results: Results, method: Method) -> list[str]:
    """The metrics of a method that were measured, but of detection only the average precision."""
    known = results.values.get(method, {})
    chosen = {name for name in known if method.track == TRACK or "average_precision" in name}
    names = [name for name in ACCURACY if name in chosen]
    return [*names, *totals_first(chosen.difference(names))]


def score_model_table(results: Results, struck: Mapping[Method, int]) -> Table:
    """One row a score model (or judge, or scorer that detects) and metric, as fractions.

    What was planned and not measured has one row, whose note says why. Notes say of what is among
    `struck` that it is struck out.
    """
    body: list[Row] = []
    for method in _methods(results):
        row = {
            **method._asdict(),
            "scale": results.scale,
            "note": row_note(results, method, struck),
        }
        body += [
            row
            | {"metric": metric, "value": results.value(method, metric)}
            | {"deviation": deviation(results, method, metric)}
            for metric in measured(results, method)
        ] or [row]
    keys = plain("track", "captions", "scorer", "metric")
    return Table([*keys, VALUE, *plain("deviation", "scale", "note")], body)


def _methods(results: Results) -> list[Method]:
    return [*results.expected(TRACK), *detectors(results)]


def score_model_page(results: Results, struck: Mapping[Method, int]) -> Page:
    """Three tables: pair accuracy, the judge, the noise found. Recipes among `struck`, the numbers
    of leaking pairs that methods learned from, have a line through them."""
    recipes = [method for method in results.expected(TRACK) if method.scorer != JUDGE]
    seeds = {v.seeds for m in recipes for v in results.values.get(m, {}).values()} or {1}
    repeats = (
        f"Means over {to(seeds)} seeds; after ± the standard deviation over the seeds."
        if max(seeds) > 1
        else "One seed: the intervals do not cover the variance between seeds."
    )
    return [
        f"# Score models (scale `{markdown(results.scale)}`)",
        "## How often does the better text score higher?",
        _table(results, recipes, ACCURACY, "recipe", struck),
        "Per cent of the held-out preference pairs, with 95 % bootstrap intervals over images; "
        "equal scores count half, so chance is 50. The mean is that of captions and instructions; "
        "instructions are closed, open and remote-sensing questions together. "
        f"{repeats} Recipes: `score_model` in params.yaml (statistics version {VERSION}).",
        Image("loss and accuracy by normalisation", "figures/score_normalisation.svg"),
        "## Does the judge know right from wrong?",
        *(_judge(results) or ["Not measured here."]),
        "## Which noise does it find?",
        *(_detection(results) or ["Not measured here."]),
        *page_notes(results, {method: method.scorer for method in _methods(results)}, struck),
    ]


def _judge(results: Results) -> Page:
    methods = [m for m in results.expected(TRACK) if m.scorer == JUDGE]
    metrics = {name for m in methods for name in results.values.get(m, {})}
    if not metrics:
        return []
    labels = {name: name.partition("/")[2] for name in totals_first(metrics)}
    return [
        _table(results, methods, labels, "judge"),
        "Per cent of pairs with a known order in which the judge rates the right text higher: a "
        "human caption against the same one with a mistake of a known kind, or the right answer to "
        "a closed question against a wrong one; equal ratings count half.",
    ]


def _detection(results: Results) -> Page:
    methods = detectors(results)
    known = {n for m in methods for n in results.values.get(m, {}) if "average_precision" in n}
    if not known:
        return []
    names = totals_first(known)
    labels = {name: name.partition("/")[0] if "/" in name else "all" for name in names}
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
    found: dict[str, list[str]] = {"better": [], "worse": [], SAME: []}
    for metric, label in labels.items():
        ours, theirs = (results.value(places[name], metric) for name in (SCORE, GENERAL))
        if ours and theirs and ours.ends and theirs.ends:
            better, worse = ours.ends[0] > theirs.ends[1], ours.ends[1] < theirs.ends[0]
            found["better" if better else "worse" if worse else SAME].append(label)
    told = "; ".join(f"{how}: {', '.join(names)}" for how, names in found.items() if names)
    yield markdown(f"{SCORE} compared with {GENERAL}, by their intervals: {told}.")


def _table(
    results: Results,
    methods: Sequence[Method],
    metrics: Mapping[str, str],
    corner: str,
    struck: Container[Method] = (),
) -> Table:
    """Rows are scorers; after ± stands the deviation over the seeds."""
    rows = [
        {"scorer": struck_through(method, struck)}
        | {metric: _cell(results, method, metric) for metric in metrics}
        for method in methods
    ]
    columns = [Column(metric, label, PERCENT) for metric, label in metrics.items()]
    return Table([Column("scorer", corner), *columns], rows)


def _cell(results: Results, method: Method, metric: str) -> Cell:
    spread = deviation(results, method, metric)
    mark = "" if spread is None else f"± {PERCENT(spread)}"
    return Cell(results.value(method, metric), mark=mark)
