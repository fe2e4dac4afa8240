"""The papers' claims, judged by the cells."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal, NamedTuple, get_args

import pandas as pd

from winnow.evaluation.statistics import RESAMPLES
from winnow.reporting.caption_sets import MAIN
from winnow.reporting.cells import load_cells
from winnow.reporting.method_results import Method, method_values, outcomes_by_track
from winnow.reporting.paired import Found, above, beyond, change, difference
from winnow.reporting.papers import CellSelector, Choice, Claim, Comparison, Direction, Paper, Size
from winnow.reporting.ratio_regret import Sweep, gains, mean_gain
from winnow.reporting.results import Results
from winnow.reporting.row_notes import struck_out
from winnow.reporting.tables import method_at
from winnow.reporting.values import GAINS, Show, Value

Verdict = Literal["held", "not held", "inconclusive", "not run"]
HELD: Verdict = "held"
NOT_HELD: Verdict = "not held"
INCONCLUSIVE: Verdict = "inconclusive"
NOT_RUN: Verdict = "not run"
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)


def _oriented(effect: Value, direction: Direction) -> tuple[float, float] | None:
    """The interval, positive in the claimed direction; None without one."""
    if effect.ends is None or direction == "up":
        return effect.ends
    low, high = effect.ends
    return -high, -low


def of_direction(effect: Value, direction: Direction) -> Verdict:
    """Held where the whole interval lies in the claimed direction, not held where it lies in the
    other; inconclusive where it holds zero, or there is none."""
    interval = _oriented(effect, direction)
    if interval is None:
        return INCONCLUSIVE
    low, high = interval
    return HELD if low > 0 else NOT_HELD if high < 0 else INCONCLUSIVE


def of_size(effect: Value, direction: Direction, size: Size, scale: float = 1.0) -> Verdict:
    """Of a bound: held where the whole interval lies beyond it, not held where all falls short. Of
    a value: held where the interval holds it. `scale` is what the effect is in one unit of `size`.
    """
    interval = _oriented(effect, direction)
    if interval is None:
        return INCONCLUSIVE
    low, high = interval
    if size.at_least is not None:
        bound = size.at_least * scale
        return HELD if low > bound else NOT_HELD if high < bound else INCONCLUSIVE
    value = (size.value or 0.0) * scale
    return HELD if low <= value <= high else NOT_HELD


def together(verdicts: Sequence[Verdict]) -> Verdict:
    """Of a claim that holds if all parts do: not held if one is not, not run if none was, held if
    all are; otherwise inconclusive."""
    if NOT_HELD in verdicts:
        return NOT_HELD
    known = set(verdicts)
    if known <= {NOT_RUN}:
        return NOT_RUN
    return HELD if known == {HELD} else INCONCLUSIVE


STAND_INS = "direction only: stand-ins"
# How an effect is shown: points of per cent, per cent of a change, a number.
Kind = Literal["points", "percent", "number"]
UNITS: dict[Kind, float] = {"points": 0.01, "percent": 0.01, "number": 1.0}
SHOWN: dict[Kind, Show] = {
    "points": GAINS["points"],
    "percent": GAINS["change"],
    "number": GAINS["number"],
}


class About(NamedTuple):
    """What a comparison compares; `claimed` is the direction."""

    label: str
    track: str
    metric: str
    a: str
    b: str
    kind: Kind
    claimed: Direction


class Judged(NamedTuple):
    """One comparison of a claim, and the methods that it is about. `size` is None where no size was
    published; `reason` says why something is missing, such as that a method was `struck` out."""

    about: About
    effect: Value | None
    direction: Verdict
    size: Verdict | None
    verdict: Verdict
    reason: str
    methods: Sequence[Method]
    struck: bool = False


class Judgement(NamedTuple):
    """A claim with its comparisons, and the verdict over them."""

    name: str
    paper: Paper
    claim: Claim
    parts: list[Judged]
    verdict: Verdict

    @property
    def deciding(self) -> Judged | None:
        """The first comparison with the claim's verdict, before others one with a method that was
        struck out; of a claim that the lack of others leaves open, the first that does not hold."""
        same = sorted(
            (part for part in self.parts if part.verdict == self.verdict),
            key=lambda part: not part.struck,
        )
        other = next((part for part in self.parts if part.verdict != HELD), None)
        return same[0] if same else other


def together_of(parts: Sequence[Judged]) -> Verdict:
    """The verdict over the comparisons of a claim: not run if one is about a method that was struck
    out, whatever the others say."""
    if any(part.struck for part in parts):
        return NOT_RUN
    return together([part.verdict for part in parts])


def without_size(part: Judged) -> Judged:
    """A comparison judged by its direction alone, as where models are stand-ins."""
    if part.effect is None:
        return part
    reason = "; ".join(filter(None, [STAND_INS, part.reason]))
    return part._replace(size=part.size and NOT_RUN, verdict=part.direction, reason=reason)


def without_struck(part: Judged, struck: Mapping[Method, int]) -> Judged:
    """A comparison as it is, or not run where one of its methods is among `struck`, the numbers of
    leaking pairs that methods learned from."""
    lost = next((method for method in part.methods if method in struck), None)
    if lost is None:
        return part
    return part._replace(
        effect=None,
        direction=NOT_RUN,
        size=part.size and NOT_RUN,
        verdict=NOT_RUN,
        reason=f"{lost.scorer}: {struck_out(struck[lost])}",
        struck=True,
    )


def load_claimed_results(
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
        yield from ((choice.track, MAIN, scorer) for scorer in (choice.scorer, "none"))


def judge_claims(
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


def _effect(results: Results, comparison: Comparison, b: CellSelector) -> Found:
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
    sweep = Sweep.of(results, declared.track, declared.scorer)
    about = About(
        declared.label, declared.track, sweep.metric, a, "one ratio for all", "number", "up"
    )
    methods = list(sweep.methods.values())
    found = gains(results, sweep, choice).get(gain) if choice is not None else None
    if found is None:
        reason = "no keep ratio was chosen by scene in this sweep" if choice is None else ""
        reason = reason or "no scene has both its chosen ratio and others measured"
        return _judged(results, about, (None, f"{NOT_RUN}: {reason}"), methods)
    known = [results.value(method, sweep.metric) for method in methods]
    seeds = min(value.seeds for value in known if value is not None)
    mean = mean_gain(results, found)
    effect = Value(mean.difference, mean.low, mean.high, len(found), seeds)
    return _judged(results, about, (effect, ""), methods)


def _judged(
    results: Results,
    about: About,
    measured: Found,
    methods: Sequence[Method],
    size: Size | None = None,
) -> Judged:
    effect, reason = measured
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
