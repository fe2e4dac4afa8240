"""The tables behind the leaderboard: the methods of each track by each of its headline metrics,
ranked, compared, and in groups without significant differences."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from winnow.reporting import significance_groups
from winnow.reporting.caption_sets import in_order, main_set
from winnow.reporting.method_results import Method, averaged_resamples
from winnow.reporting.paired import Side, paired
from winnow.reporting.results import CONTROLS, UNSELECTIVE, Results
from winnow.reporting.significance_groups import Comparison
from winnow.reporting.values import SAME, Value
from winnow.tracks.registry import BY_NAME, TRACKS
from winnow.tracks.track import Metric, Track

LOWER, UPPER = "random", "oracle"  # the controls between which a scorer lies


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
    for method, found in shared.to_first(best).items():
        rows[method] = rows[method]._replace(to_best=found)
    alike = significance_groups.indistinguishable(shared.p(contest))
    for method, numbers in zip(
        contest, significance_groups.indistinguishable_groups(alike), strict=True
    ):
        rows[method] = rows[method]._replace(group=significance_groups.joined_numbers(numbers))
    warnings = _warnings(headline, measured, contest, alike)
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
    """Methods by their places among `values` [M] and `draws` [resamples, M], resampled alike."""

    positions: dict[Method, int]
    values: np.ndarray
    draws: np.ndarray

    @classmethod
    def of(cls, results: Results, sides: Sequence[Side]) -> "SharedResamples":
        """Those of the sides that can be paired with most others."""
        known = results.sweep.records
        cells = {side: [c for c in results.cells(side.method) if c in known] for side in sides}
        sizes = {s: len(averaged_resamples(results.sweep, cells[s], s.metric)) for s in sides}
        most = Counter(sizes.values()).most_common(1)[0][0] if sizes else 0
        chosen = [side for side in sides if sizes[side] == most]
        found = paired(results, chosen) if len(chosen) > 1 else None
        if found is None:
            return cls({}, np.empty(0), np.empty((0, 0)))
        places = {side.method: place for place, side in enumerate(chosen)}
        return cls(places, found.values, found.draws)

    def to_base(self, track: Track) -> dict[Method, Comparison]:
        """What each method exceeds its base by."""
        bases = {method: _base(track, method) for method in self.positions}
        pairs = {m: b for m, b in bases.items() if b in self.positions and m != b}
        return self._compare(list(pairs.items()))

    def to_first(self, methods: Sequence[Method]) -> dict[Method, Comparison]:
        """What each but the first of some methods exceeds it by."""
        return self._compare([(method, methods[0]) for method in methods[1:]])

    def _compare(self, pairs: Sequence[tuple[Method, Method]]) -> dict[Method, Comparison]:
        placed = [(self.positions[a], self.positions[b]) for a, b in pairs]
        found = significance_groups.compare(self.values, self.draws, placed)
        return {method: row for (method, _), row in zip(pairs, found, strict=True)}

    def p(self, methods: Sequence[Method]) -> np.ndarray:
        """Of every two of some methods the p, [M, M]."""
        chosen = [self.positions[method] for method in methods]
        return significance_groups.p_values(self.values[chosen], self.draws[:, chosen])


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
) -> dict[Method, str]:
    """The lower control above the upper one, of the same captions and ratio."""
    found: dict[Method, str] = {}
    for lower in measured:
        upper = lower._replace(scorer=UPPER)
        if lower.scorer != LOWER or measured[lower] <= measured.get(upper, np.inf):
            continue
        told = ""
        if lower in contest and upper in contest:
            apart = not alike[contest.index(lower), contest.index(upper)]
            told = f" ({'significant difference' if apart else SAME})"
        scale = 100 if headline.unit == "percent" else 1
        shown = (f"{scale * abs(measured[method]):.4g}" for method in (lower, upper))
        text = "controls out of order on {} at keep ratio {:g}: random {} above oracle {} in {}{}"
        found |= dict.fromkeys(
            (lower, upper), text.format(lower.captions, lower.ratio, *shown, headline.label, told)
        )
    return found
