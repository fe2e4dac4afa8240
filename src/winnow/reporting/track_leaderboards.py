"""The tables behind the leaderboard: the methods of each track by each of its headline metrics,
ranked, compared, and in groups without significant differences."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from winnow.evaluation.intervals import Repeats, difference, pairwise
from winnow.reporting import significance_groups
from winnow.reporting.caption_sets import MEANINGS, in_order, main_set
from winnow.reporting.decisions import corrected
from winnow.reporting.method_results import Method
from winnow.reporting.repeats import Side, kept_draws, paired, replication, with_interval
from winnow.reporting.results import CONTROLS, UNSELECTIVE, Results
from winnow.reporting.significance_groups import Comparison
from winnow.reporting.values import SAME, Value
from winnow.tracks.registry import BY_NAME, TRACKS
from winnow.tracks.track import Metric, Track

LOWER, UPPER = "random", ("oracle", "clean")  # the controls between which a scorer lies


def is_control(track: Track, scorer: str) -> bool:
    """Whether a row brackets the others, and so has no rank. Where caption sets compete, `none`
    stands in every row and brackets nothing."""
    return scorer in CONTROLS and track.base_captions is None


class LeaderboardRow(NamedTuple):
    """A method in one metric; `leaks` is the number of pairs for which it is struck out. What is
    struck out has no rank, nor has a control."""

    method: Method
    value: Value | None
    rank: int | None = None
    group: str = ""
    to_base: Comparison | None = None
    to_best: Comparison | None = None
    leaks: int | None = None


class TrackLeaderboard(NamedTuple):
    """The methods of a track in one metric, the best first; those that are struck out and those
    that were not measured come last. `absent` are the captions and names of the controls that were
    not planned, `warnings` name those that are out of order."""

    track: Track
    headline: Metric
    captions: str  # whose methods these are; empty where all sets compete
    rows: list[LeaderboardRow]
    absent: list[tuple[str, str]]
    warnings: dict[Method, str]


def track_leaderboards(
    results: Results, struck: Mapping[Method, int] | None = None
) -> list[TrackLeaderboard]:
    """A table for each headline metric of each planned track, in the order of TRACKS."""
    return [
        _board(results, track, headline, captions, methods, struck or {})
        for track in TRACKS
        for captions, methods in _competitors(results, track)
        for headline in track.headlines
    ]


def _competitors(results: Results, track: Track) -> Iterator[tuple[str, list[Method]]]:
    planned = results.expected(track.name)
    if planned and not track.apart:
        yield "", planned
    elif planned:
        sets = in_order(method.captions for method in planned)
        main = main_set(sets)
        for captions in sorted(sets, key=lambda name: name != main):
            yield captions, [method for method in planned if method.captions == captions]


def _board(
    results: Results,
    track: Track,
    headline: Metric,
    captions: str,
    methods: Sequence[Method],
    struck: Mapping[Method, int],
) -> TrackLeaderboard:
    sign = 1 if headline.higher_is_better else -1
    names = {method: metric_name(results, method, headline) for method in methods}
    values = {m: results.value(m, name) for m, name in names.items()}
    measured = {m: sign * round(v.estimate, 9) for m, v in values.items() if v}
    sound = [m for m in measured if m not in struck]
    ranked = [m for m in sound if not is_control(track, m.scorer)]
    ranks = {m: 1 + sum(measured[n] > measured[m] for n in ranked) for m in ranked}

    def place(method: Method) -> tuple[bool, bool, float, Method]:
        return (method not in measured, method in struck, -measured.get(method, 0.0), method)

    rows = {
        m: LeaderboardRow(m, values[m], ranks.get(m), leaks=struck.get(m))
        for m in sorted(methods, key=place)
    }
    shared = SharedResamples.of(results, [Side(m, names[m]) for m in rows if m in measured])
    for method, found in shared.to_base(track).items():
        rows[method] = rows[method]._replace(to_base=found)
    contest = [m for m in rows if m in sound and m in shared.positions]
    top = max((measured[m] for m in sound), default=None)
    best = [m for m in contest if measured[contest[0]] == top]  # if the best can be paired
    declared = len(family(track))
    for method, found in shared.to_first(best, declared).items():
        rows[method] = rows[method]._replace(to_best=found)
    alike = significance_groups.indistinguishable(shared.among(contest), declared)
    for method, numbers in zip(
        contest, significance_groups.indistinguishable_groups(alike), strict=True
    ):
        rows[method] = rows[method]._replace(group=significance_groups.joined_numbers(numbers))
    warnings = _warnings(headline, measured, contest, alike, shared)
    absent = [] if track.base_captions else list(_absent(methods, track))
    return TrackLeaderboard(track, headline, captions, list(rows.values()), absent, warnings)


def _absent(methods: Sequence[Method], track: Track) -> Iterator[tuple[str, str]]:
    """The controls that no method is, of the main set and those whose pairs were selected. The
    model before fine-tuning read no captions: only the main set has it, where models are compared.
    """
    present = {(method.captions, method.scorer) for method in methods}
    main = main_set(method.captions for method in methods)
    selected = (m.captions for m in methods if m.captions == main or m.scorer not in UNSELECTIVE)
    for captions in in_order(selected):
        for control in CONTROLS:
            elsewhere = control == "pretrained" and (captions != main or not track.by_ratio)
            if (captions, control) not in present and not elsewhere:
                yield captions, control


class SharedResamples(NamedTuple):
    """Methods by their places among `repeats` [M], which were resampled alike, and `p` [M, M] of
    every two."""

    positions: dict[Method, int]
    repeats: list[Repeats]
    p: np.ndarray

    @classmethod
    def of(cls, results: Results, sides: Sequence[Side]) -> "SharedResamples":
        """Those of the sides that can be paired with most others."""
        kept = {s: kept_draws(results.sweep, results.usable(s.method), s.metric) for s in sides}
        sizes = {side: 0 if found is None else len(found.draws) for side, found in kept.items()}
        most = Counter(sizes.values()).most_common(1)[0][0] if sizes else 0
        chosen = [side for side in sides if sizes[side] == most]
        found = paired(results, chosen) if len(chosen) > 1 else None
        if found is None:
            return cls({}, [], np.empty((0, 0)))
        places = {side.method: place for place, side in enumerate(chosen)}
        return cls(places, found.sides, pairwise(found.sides)[1])

    def to_base(self, track: Track) -> dict[Method, Comparison]:
        """What each method exceeds its base by, corrected for the family of its track."""
        bases = {method: _base(track, method) for method in self.positions}
        pairs = {m: b for m, b in bases.items() if b in self.positions and m != b}
        declared = family(track)
        own = {m: {_name(track, m): self._p(m, b)} for m, b in pairs.items()}
        lines: dict[Method, dict[str, float]] = {}
        for method, p in own.items():
            lines.setdefault(_line(track, method), {}).update(p)
        return {
            m: self._compare(m, b, corrected(lines[_line(track, m)], declared)[_name(track, m)])
            for m, b in pairs.items()
        }

    def to_first(self, methods: Sequence[Method], declared: int) -> dict[Method, Comparison]:
        """What each but the first of some methods exceeds it by, as a comparison beside so many
        `declared` ones."""
        return {
            m: self._compare(m, methods[0], min(1.0, (declared + 1) * self._p(m, methods[0])))
            for m in methods[1:]
        }

    def _p(self, a: Method, b: Method) -> float:
        return float(self.p[self.positions[a], self.positions[b]])

    def _compare(self, a: Method, b: Method, adjusted: float) -> Comparison:
        first, second = (self.repeats[self.positions[method]] for method in (a, b))
        value = with_interval(difference(first, second), [first, second], None)
        return Comparison(value, self._p(a, b), adjusted)

    def replication(self, *methods: Method) -> str:
        """What is to be said of the seeds of some methods; as `repeats.replication`."""
        return replication([self.repeats[self.positions[method]] for method in methods])

    def among(self, methods: Sequence[Method]) -> np.ndarray:
        """Of every two of some methods the p, [M, M]."""
        chosen = [self.positions[method] for method in methods]
        return self.p[np.ix_(chosen, chosen)]


def family(track: Track) -> list[str]:
    """The comparisons with its base that every board of a track declares beforehand: those of the
    other controls, at each keep ratio, or of the caption sets that have a meaning. Each further row
    is a comparison of its own beside them, so it changes no other row's verdict."""
    if track.base_captions is not None:
        return [name for name in MEANINGS if name != track.base_captions and "*" not in name]
    return [name for name in CONTROLS if name != track.base]


def _name(track: Track, method: Method) -> str:
    """What a method's comparison is called in its family."""
    return method.scorer if track.base_captions is None else method.captions


def _line(track: Track, method: Method) -> Method:
    """What the methods of one family share."""
    if track.base_captions is not None:
        return method._replace(captions="")
    return method._replace(scorer="")


def _base(track: Track, method: Method) -> Method:
    if track.base_captions is not None:
        return method._replace(captions=track.base_captions)
    return method._replace(scorer=track.base, ratio=method.ratio if track.apart else 1.0)


def metric_name(results: Results, method: Method, headline: Metric) -> str:
    """What a method's cells call a headline metric."""
    prefix = BY_NAME[method.track].prefix
    if prefix is None:
        return headline.key
    planned = results.expected(method.track)
    measured = {name for m in planned for name in results.values.get(m, {})}
    return prefix(method.scorer, measured) + headline.key


def _warnings(
    headline: Metric,
    measured: Mapping[Method, float],
    contest: Sequence[Method],
    alike: np.ndarray,
    shared: SharedResamples,
) -> dict[Method, str]:
    """The lower control above the upper one, of the same captions and ratio: `oracle`, or `clean`
    where the truth tells no more."""
    found: dict[Method, str] = {}
    for lower in measured:
        bounds = [lower._replace(scorer=name) for name in UPPER]
        upper = next((method for method in bounds if method in measured), None)
        if lower.scorer != LOWER or upper is None or measured[lower] <= measured[upper]:
            continue
        told = ""
        if lower in contest and upper in contest:
            apart = not alike[contest.index(lower), contest.index(upper)]
            different = ["significant difference", shared.replication(lower, upper)]
            told = f" ({', '.join(filter(None, different)) if apart else SAME})"
        scale = 100 if headline.unit == "percent" else 1
        low, high = (f"{scale * abs(measured[method]):.4g}" for method in (lower, upper))
        text = "controls out of order on {} at keep ratio {:g}: random {} above {} {} in {}{}"
        shown = (lower.captions, lower.ratio, low, upper.scorer, high, headline.label, told)
        found |= dict.fromkeys((lower, upper), text.format(*shown))
    return found
