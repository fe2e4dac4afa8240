"""The report on the score models as CSV and Markdown."""

from collections.abc import Container, Mapping, Sequence

from winnow.evaluation.statistics import VERSION
from winnow.reporting.methods import Method, Value
from winnow.reporting.notes import crossed, noted, notes_md
from winnow.reporting.results import Results
from winnow.reporting.score_models import (
    ACCURACY,
    JUDGE,
    TRACK,
    detectors,
    deviation,
    kinds_of,
    recipes,
    rows,
)
from winnow.reporting.text import EMPTY, csv_text, interval, markdown, markdown_table, percent

# Scorers: what was learned, and what it is to do better than
SCORE, GENERAL = "score_model", "clip"
OPEN = "not told apart"


def score_model_csv(results: Results, struck: Mapping[Method, int]) -> str:
    """One row a score model (or judge, or scorer that detects) and metric, as fractions.

    What was planned and not measured has one row, whose note says why. Notes say of what is among
    `struck` that it is struck out.
    """
    methods = _methods(results)
    header = ["track", "captions", "scorer", "metric", "value", "low", "high", "n", "seeds"]
    body = []
    for method in methods:
        keys, note = [method.track, method.captions, method.scorer], noted(results, method, struck)
        found = list(rows(results.sweep, results.values, [method]))
        for _, metric, value, spread in found:
            body.append([*keys, metric, *value, spread, results.scale, note])
        if not found:
            body.append([*keys, *[None] * 7, results.scale, note])
    return csv_text([*header, "deviation", "scale", "note"], body)


def _methods(results: Results) -> list[Method]:
    return [*results.expected(TRACK), *detectors(results.expected("detection"))]


def score_model_md(results: Results, struck: Mapping[Method, int]) -> str:
    """Three tables: pair accuracy, the judge, the noise found. Recipes among `struck`, the numbers
    of leaking pairs that methods learned from, have a line through them."""
    planned = recipes(results.expected(TRACK))
    seeds = {v.seeds for m in planned for v in results.values.get(m, {}).values()}
    several = max(seeds, default=1) > 1
    parts = [
        f"# Score models (scale `{markdown(results.scale)}`)\n",
        "## How often does the better text score higher?\n",
        _table(results, planned, ACCURACY, "recipe", struck),
        "Per cent of the held-out preference pairs, with 95 % bootstrap intervals over images; "
        "equal scores count half, so chance is 50. The mean is that of captions and instructions; "
        "instructions are closed, open and remote-sensing questions together. "
        + (
            f"Means over {_range(seeds)} seeds; after ± the standard deviation over the seeds. "
            if several
            else "One seed: the intervals leave out what another seed would change. "
        )
        + f"Recipes: `score_model` in params.yaml (statistics version {VERSION}).\n",
        "![loss and accuracy by normalisation](figures/score_normalisation.svg)\n",
        "## Does the judge know right from wrong?\n",
        _judge(results),
        "## Which noise does it find?\n",
        _detection(results),
    ]
    names = {method: method.scorer for method in _methods(results)}
    return "\n".join(parts) + notes_md(results, names, struck)


def _range(numbers: set[int]) -> str:
    low, high = min(numbers), max(numbers)
    return str(low) if low == high else f"{low} to {high}"


def _judge(results: Results) -> str:
    methods = [m for m in results.expected(TRACK) if m.scorer == JUDGE]
    metrics = {name for m in methods for name in results.values.get(m, {})}
    if not metrics:
        return "Not measured here.\n"
    labels = {name: name.partition("/")[2] for name in kinds_of(metrics)}
    return (
        _table(results, methods, labels, "judge")
        + "\nPer cent of pairs whose order is known by construction in which the judge rates the "
        "right text higher: a person's caption against the same one with a mistake of a known kind "
        "put in, or the right answer to a closed question against a wrong one; equal ratings count "
        "half.\n"
    )


def _detection(results: Results) -> str:
    methods = detectors(results.expected("detection"))
    known = {n for m in methods for n in results.values.get(m, {}) if "average_precision" in n}
    if not known:
        return "Not measured here.\n"
    labels = {name: name.partition("/")[0] if "/" in name else "all" for name in kinds_of(known)}
    return (
        _table(results, methods, labels, "scorer")
        + "\nAverage precision, per cent, of noisy pairs against clean ones among the pool's noisy "
        "captions; all scorers are in detection.md.\n" + _beside_clip(results, methods, labels)
    )


def _beside_clip(results: Results, methods: Sequence[Method], labels: Mapping[str, str]) -> str:
    """In words, which noise the learned score finds better than a general model's, and worse: where
    one interval lies above the other."""
    places = {method.scorer: method for method in methods}
    if not {SCORE, GENERAL} <= places.keys():
        return ""
    found: dict[str, list[str]] = {"better": [], "worse": [], OPEN: []}
    for metric, label in labels.items():
        ours, theirs = (_span(results.value(places[name], metric)) for name in (SCORE, GENERAL))
        if ours and theirs:
            how = "better" if ours[0] > theirs[1] else "worse" if ours[1] < theirs[0] else OPEN
            found[how].append(label)
    told = "; ".join(f"{how}: {', '.join(names)}" for how, names in found.items() if names)
    words = markdown(f"{SCORE} beside {GENERAL}, by their intervals: {told}.")
    return f"\n{words}\n"


def _span(value: Value | None) -> tuple[float, float] | None:
    """The interval of a value, if it has one."""
    if value is None or value.low is None or value.high is None:
        return None
    return value.low, value.high


def _table(
    results: Results,
    methods: Sequence[Method],
    metrics: Mapping[str, str],
    corner: str,
    struck: Container[Method] = (),
) -> str:
    body = []
    for method in methods:
        shown = [_shown(results, method, metric) for metric in metrics]
        body.append([crossed(markdown(method.scorer), method in struck), *shown])
    return markdown_table([corner, *map(markdown, metrics.values())], body)


def _shown(results: Results, method: Method, metric: str) -> str:
    value = results.value(method, metric)
    if value is None:
        return EMPTY
    spread = deviation(results.sweep, method, metric)
    shown = interval(value.value, value.low, value.high)
    return shown if spread is None else f"{shown} ± {percent(spread)}"
