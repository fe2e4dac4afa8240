"""The papers' claims, judged by the cells."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Literal, NamedTuple

import pandas as pd

from winnow.evaluation.intervals import p_value
from winnow.evaluation.statistics import RESAMPLES
from winnow.params.names import CONTROLS, LENDING
from winnow.reporting.caption_sets import MAIN
from winnow.reporting.cells import load_cells
from winnow.reporting.decisions import (
    HELD,
    NO_EFFECT,
    NO_POWER,
    NOT_RUN,
    VERDICTS,
    Verdict,
    corrected,
    decide,
    of_size,
    together,
)
from winnow.reporting.method_results import Method, method_values, outcomes_by_track
from winnow.reporting.paired import Effect, above, beyond, change, difference
from winnow.reporting.papers import CellSelector, Choice, Claim, Comparison, Direction, Paper, Size
from winnow.reporting.power import Power, power_of
from winnow.reporting.ratio_regret import Sweep, gains, mean_gain
from winnow.reporting.results import Results
from winnow.reporting.row_notes import struck_out
from winnow.reporting.tables import method_at
from winnow.reporting.values import GAINS, NOT_REPLICATED, Show, Value

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
    published; `reason` says why something is missing, such as that a method was `struck` out.

    `power` is whether the metric decides, None where no controls say so; what is within `margin` of
    zero is no effect; `p` is corrected for the claim's comparisons, where it asks for that.
    """

    about: About
    effect: Value | None
    direction: Verdict
    size: Verdict | None
    verdict: Verdict
    reason: str
    methods: Sequence[Method]
    struck: bool = False
    power: bool | None = None
    margin: float | None = None
    p: float | None = None

    @property
    def replicated(self) -> bool | None:
        """Whether no side has a single training seed; None without an effect."""
        return None if self.effect is None else not self.effect.replication

    def not_run(self, reason: str) -> "Judged":
        """The comparison without its effect."""
        size = self.size and NOT_RUN
        return Judged(self.about, None, NOT_RUN, size, NOT_RUN, reason, self.methods)


class _Measured(NamedTuple):
    """A comparison before it is judged. `powers` are those of its metrics; `unit` is what the
    effect is in one unit of its metric, None where that is not told; `controls` are what the upper
    controls show in place of its first method."""

    about: About
    effect: Effect
    methods: Sequence[Method]
    powers: Sequence[Power]
    size: Size | None = None
    unit: float | None = None
    controls: Sequence[float] = ()


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

    @property
    def replicated(self) -> bool | None:
        """Whether no comparison with the claim's verdict has a side with a single training seed;
        None where nothing was measured."""
        found = [part.replicated for part in self.parts if part.verdict == self.verdict]
        known = [replicated for replicated in found if replicated is not None]
        return all(known) if known else None


def tally(judgements: Sequence[Judgement]) -> dict[Verdict, str]:
    """How many claims have each verdict, in words."""
    found: dict[Verdict, str] = {}
    for verdict in VERDICTS:
        own = [judgement for judgement in judgements if judgement.verdict == verdict]
        alone = sum(judgement.replicated is False for judgement in own)
        told = f" ({alone} {NOT_REPLICATED})" if alone else ""
        found[verdict] = f"{len(own)} {verdict}{told}"
    return found


def together_of(parts: Sequence[Judged]) -> Verdict:
    """The verdict over the comparisons of a claim: not run if one is about a method that was struck
    out, whatever the others say."""
    if any(part.struck for part in parts):
        return NOT_RUN
    return together([part.verdict for part in parts])


def without_size(part: Judged) -> Judged:
    """A comparison judged by its direction alone, as where models are stand-ins. That a size has no
    power stays."""
    if part.effect is None:
        return part
    reason = "; ".join(filter(None, [STAND_INS, part.reason]))
    size = part.size if part.size == NO_POWER else part.size and NOT_RUN
    return part._replace(size=size, verdict=part.direction, reason=reason)


def without_struck(part: Judged, struck: Mapping[Method, int]) -> Judged:
    """A comparison as it is, or not run where one of its methods is among `struck`, the numbers of
    leaking pairs that methods learned from."""
    lost = next((method for method in part.methods if method in struck), None)
    if lost is None:
        return part
    reason = f"{lost.scorer}: {struck_out(struck[lost])}"
    return part.not_run(reason)._replace(struck=True)


def without_built_in(part: Judged, claim: Claim, standins: Sequence[str]) -> Judged:
    """A comparison as it is, or not run where stand-ins would decide the claim by construction."""
    if claim.built_in is None or set(claim.built_in.roles).isdisjoint(standins):
        return part
    return part.not_run(f"{NOT_RUN}: {claim.built_in.reason}")


def load_claimed_results(
    papers: Sequence[Paper],
    cells_dir: str | Path,
    sweep_path: str | Path,
    scale: str,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Results:
    """Of the cells of a sweep those that claims are about, without intervals of their own, and the
    controls that lend them their seeds' variance."""
    places = {place for paper in papers for claim in paper.claims.values() for place in _of(claim)}
    sweep = load_cells(
        sweep_path,
        cells_dir,
        wanted=lambda cell: (
            (cell.track, cell.captions, cell.scorer) in places
            or (cell.captions in LENDING and cell.scorer in CONTROLS)
        ),
    )
    outcomes = outcomes_by_track(sweep)
    return Results(sweep, method_values(sweep), scale, outcomes, resamples, seed)


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
            measured = [one for c in claim.comparisons for one in _compared(results, c)]
            measured += [_chosen(results, c, choice) for c in claim.choices]
            ps = _corrected(claim, measured)
            parts = [
                _judged(results, one, claim.margin, p) for one, p in zip(measured, ps, strict=True)
            ]
            if standins:
                parts = [without_size(part) for part in parts]
            parts = [without_built_in(part, claim, standins) for part in parts]
            parts = [without_struck(part, struck) for part in parts]
            found.append(Judgement(name, paper, claim, parts, together_of(parts)))
    return found


def _corrected(claim: Claim, measured: Sequence[_Measured]) -> list[float | None]:
    """The p of each comparison, corrected for all that the claim declares; None where it asks for
    no correction, or there is no interval."""
    if claim.correction is None:
        return [None] * len(measured)
    found = {str(i): one.effect.found for i, one in enumerate(measured)}
    p = {name: p_value(effect) for name, effect in found.items() if effect}
    adjusted = corrected(p, list(found))
    return [adjusted.get(name) for name in found]


def _compared(results: Results, comparison: Comparison) -> Iterator[_Measured]:
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
    names = [comparison.a.metric(name) for name in (comparison.name, comparison.beyond) if name]
    powers = [power_of(results, about.track, name) for name in names]
    method = method_at(results, about.track, comparison.a)

    sides: list[tuple[str, list[Method], Callable[[Method], Effect], float | None]]
    if comparison.number is not None:
        number = comparison.number * UNITS[about.kind]
        sides = [(about.b, [method], partial(_above, results, about.metric, number), 1.0)]
    else:
        sides = [
            (
                str(b),
                [method, method_at(results, about.track, b)],
                partial(_effect, results, comparison, b),
                _unit(results, comparison, b),
            )
            for b in comparison.b
        ]
    for b, methods, effect, unit in sides:
        upper = [contrast.upper for contrast in powers[0].contrasts] if comparison.size else []
        controls = [value.estimate for control in upper if (value := effect(control).value)]
        found = circular or effect(method)
        yield _Measured(
            about._replace(b=b), found, methods, powers, comparison.size, unit, controls
        )


def _circular(results: Results, comparison: Comparison) -> Effect | None:
    """Why a comparison is not run though its cells are there, if it is not."""
    if comparison.unless is None:
        return None
    cells = results.cells(method_at(results, comparison.track, comparison.a))
    records = (results.sweep.records.get(cell) for cell in cells)
    if any(record and record.model == comparison.unless.model for record in records):
        return Effect(None, reason=f"{NOT_RUN}: {comparison.unless.reason}")
    return None


def _above(results: Results, metric: str, number: float, method: Method) -> Effect:
    return above(results, method, metric, number)


def _effect(results: Results, comparison: Comparison, b: CellSelector, method: Method) -> Effect:
    """What a method shows in the place of `a` against `b`."""
    prefixed = comparison.a.metric
    base, other = method_at(results, comparison.track, b), _same_prefix(comparison, b)
    name = comparison.name
    if comparison.beyond is not None:
        metrics = (prefixed(name), prefixed(comparison.beyond))
        return beyond(results, method, base, metrics, comparison.relative)
    compare = change if comparison.relative else difference
    return compare(results, method, base, prefixed(name), other.metric(name))


def _same_prefix(comparison: Comparison, b: CellSelector) -> CellSelector:
    return b if b.prefix else b.model_copy(update={"prefix": comparison.a.prefix})


def _unit(results: Results, comparison: Comparison, b: CellSelector) -> float | None:
    """What an effect against `b` is in one unit of its metric; None where it is of two metrics."""
    if comparison.beyond is not None:
        return None
    if not comparison.relative:
        return 1.0
    base = method_at(results, comparison.track, b)
    against = results.value(base, _same_prefix(comparison, b).metric(comparison.name))
    return 1 / against.estimate if against and against.estimate > 0 else None


def _chosen(results: Results, declared: Choice, choice: pd.DataFrame | None) -> _Measured:
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
    powers = [power_of(results, declared.track, sweep.metric)]
    found = gains(results, sweep, choice).get(gain) if choice is not None else None
    if found is None:
        reason = "no keep ratio was chosen by scene in this sweep" if choice is None else ""
        reason = reason or "no scene has both its chosen ratio and others measured"
        return _Measured(about, Effect(None, reason=f"{NOT_RUN}: {reason}"), methods, powers)
    return _Measured(about, mean_gain(results, sweep, found), methods, powers, unit=1.0)


def _judged(results: Results, one: _Measured, share: float, p: float | None) -> Judged:
    """A comparison with its verdicts; `share` is the margin, of what the controls are apart."""
    effect, about = one.effect.value, one.about
    if effect is None:
        size = NOT_RUN if one.size else None
        return Judged(about, None, NOT_RUN, size, NOT_RUN, one.effect.reason, one.methods)
    weak = next((power for power in one.powers if power.mark), None)
    headroom = one.powers[0].headroom
    margin = share * headroom * one.unit if headroom and one.unit and not weak else None
    direction = NO_POWER if weak else decide(one.effect.found, about.claimed, margin, p)
    short = _shortfall(one, effect)
    size = None
    if one.size:
        scale = UNITS[about.kind]
        size = NO_POWER if weak or short else of_size(effect, about.claimed, one.size, scale)
    verdict = direction
    if size and direction not in (NO_POWER, NO_EFFECT):
        verdict = NO_POWER if size == NO_POWER else together([direction, size])
    told = [f"{NO_POWER} in {weak.metric}: {weak.reason}" if weak else short]
    told += [results.caveat(method) for method in one.methods]
    told += ["no interval: the cells were not resampled alike"] if effect.low is None else []
    reason = "; ".join(filter(None, [*told, effect.replication]))
    decides = None if one.powers[0].decides is None else weak is None
    verdicts = (direction, size, verdict)
    return Judged(about, effect, *verdicts, reason, one.methods, power=decides, margin=margin, p=p)


def _shortfall(one: _Measured, effect: Value) -> str:
    """That no control, nor the method itself, gains what is claimed; else empty."""
    if one.size is None or not one.controls:
        return ""
    sign = 1 if one.about.claimed == "up" else -1
    most = max(sign * gain for gain in (*one.controls, effect.estimate))
    claimed = UNITS[one.about.kind] * (one.size.at_least or one.size.value or 0.0)
    if most >= claimed:
        return ""
    show = SHOWN[one.about.kind]
    told = f"the best control gains {show(sign * most)}, claimed is {show(sign * claimed)}"
    return f"{NO_POWER} for the size: {told}"
