"""The papers' claims, judged by the cells."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pandas as pd

from winnow.evaluation.statistics import RESAMPLES
from winnow.reporting.caption_sets import MAIN
from winnow.reporting.cells import load_cells
from winnow.reporting.claim import Choice, Claim, Comparison, Size
from winnow.reporting.generation import JUDGED, TRACK, Plan, ratios
from winnow.reporting.judgement import (
    UNITS,
    About,
    Judged,
    Judgement,
    Kind,
    together_of,
    without_size,
    without_struck,
)
from winnow.reporting.methods import Method, method_values, outcomes_by_track
from winnow.reporting.papers import Paper
from winnow.reporting.place import Place
from winnow.reporting.regret import gains, mean_gain
from winnow.reporting.relative import Found, above, beyond, change, difference
from winnow.reporting.results import Results
from winnow.reporting.tables import method_at
from winnow.reporting.values import Value
from winnow.reporting.verdicts import NOT_RUN, of_direction, of_size, together


def gather_claimed(
    papers: Sequence[Paper],
    cells_dir: str | Path,
    sweep_path: str | Path,
    scale: str,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Results:
    """Of the cells of a sweep those that claims are about, without intervals of their own."""
    places = {place for paper in papers for claim in paper.claims.values() for place in _of(claim)}
    sweep = load_cells(
        sweep_path,
        cells_dir,
        wanted=lambda cell: (cell.track, cell.captions, cell.scorer) in places,
    )
    outcomes = outcomes_by_track(sweep)
    return Results(sweep, method_values(sweep, {}, {}), scale, outcomes, resamples, seed)


def _of(claim: Claim) -> Iterator[tuple[str, str, str]]:
    """Track, captions and scorer of every cell that a claim is about."""
    for comparison in claim.comparisons:
        for place in (comparison.a, *comparison.b):
            yield comparison.track, place.captions, place.scorer
    for choice in claim.choices:
        yield from ((TRACK, MAIN, scorer) for scorer in (choice.scorer, "none"))


def judge(
    results: Results,
    papers: Sequence[Paper],
    choice: pd.DataFrame | None,
    struck: Mapping[Method, int],
    standins: Sequence[str],
) -> list[Judgement]:
    """Every claim in the order of the papers; `choice` (table CHOICE) are the keep ratios that were
    chosen by scene, if any were. A claim about a method among `struck` is not run. No size is
    judged where the run has `standins` among its models."""
    found = []
    for paper in papers:
        for name, claim in paper.claims.items():
            parts = [part for c in claim.comparisons for part in _compared(results, c)]
            parts += [_chosen(results, c, choice) for c in claim.choices]
            if standins:
                parts = [without_size(part) for part in parts]
            parts = [without_struck(part, struck) for part in parts]
            found.append(Judgement(name, paper, claim, parts, together_of(parts)))
    return found


def _compared(results: Results, comparison: Comparison) -> Iterator[Judged]:
    """A comparison with each of its `b`, or with its number."""
    kind: Kind = "number" if comparison.unit == "number" else "points"
    about = About(
        comparison.label,
        comparison.track,
        comparison.a.metric(comparison.name),
        str(comparison.a),
        f"{comparison.number:g}" if comparison.number is not None else "",
        "percent" if comparison.relative else kind,
        comparison.direction,
    )
    circular = _circular(results, comparison)
    for b in comparison.b:
        found = circular or _effect(results, comparison, b)
        methods = [method_at(results, about.track, place) for place in (comparison.a, b)]
        yield _judged(results, about._replace(b=str(b)), found, methods, comparison.size)
    if comparison.number is not None:
        method = method_at(results, about.track, comparison.a)
        number = comparison.number * UNITS[about.kind]
        found = circular or above(results, method, about.metric, number)
        yield _judged(results, about, found, [method], comparison.size)


def _circular(results: Results, comparison: Comparison) -> Found | None:
    """Why a comparison is not run though its cells are there, if it is not."""
    if comparison.unless is None:
        return None
    cells = results.cells(method_at(results, comparison.track, comparison.a))
    records = (results.sweep.records.get(cell) for cell in cells)
    if any(record and record.model == comparison.unless.model for record in records):
        return None, f"{NOT_RUN}: {comparison.unless.reason}"
    return None


def _effect(results: Results, comparison: Comparison, b: Place) -> Found:
    a = comparison.a
    method, base = (method_at(results, comparison.track, place) for place in (a, b))
    other = b if b.prefix else b.model_copy(update={"prefix": a.prefix})
    name = comparison.name
    if comparison.beyond is not None:
        metrics = (a.metric(name), a.metric(comparison.beyond))
        return beyond(results, method, base, metrics, comparison.relative)
    compare = change if comparison.relative else difference
    return compare(results, method, base, a.metric(name), other.metric(name))


def _chosen(results: Results, declared: Choice, choice: pd.DataFrame | None) -> Judged:
    """What choosing the keep ratio of each scene gains."""
    names = {
        "best": ("one", "the best ratio of each scene"),
        "chosen": ("choice", "the ratio chosen for each scene"),
    }
    gain, a = names[declared.gain]
    about = About(declared.label, TRACK, JUDGED, a, "one ratio for all", "number", "up")
    plan = Plan(declared.scorer, "", {})
    methods = list(ratios(results, plan).values())
    found = gains(results, plan, choice).get(gain) if choice is not None else None
    if found is None:
        reason = "no keep ratio was chosen by scene in this sweep" if choice is None else ""
        reason = reason or "no scene has both its chosen ratio and others measured"
        return _judged(results, about, (None, f"{NOT_RUN}: {reason}"), methods)
    known = [results.value(method, JUDGED) for method in methods]
    seeds = min(value.seeds for value in known if value is not None)
    mean = mean_gain(results, found)
    effect = Value(mean.difference, mean.low, mean.high, len(found), seeds)
    return _judged(results, about, (effect, ""), methods)


def _judged(
    results: Results,
    about: About,
    found: Found,
    methods: Sequence[Method],
    size: Size | None = None,
) -> Judged:
    effect, reason = found
    if effect is None:
        return Judged(about, None, NOT_RUN, NOT_RUN if size else None, NOT_RUN, reason, methods)
    caveats = [results.caveat(method) for method in methods]
    if effect.low is None:
        caveats.append("no interval: the cells were not resampled alike")
    direction = of_direction(effect, about.claimed)
    sized = of_size(effect, about.claimed, size, UNITS[about.kind]) if size else None
    verdict = together([direction, sized]) if sized else direction
    reason = "; ".join(filter(None, caveats))
    return Judged(about, effect, direction, sized, verdict, reason, methods)
