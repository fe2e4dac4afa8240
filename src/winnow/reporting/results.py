"""Everything the tables and figures are drawn from, computed once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from winnow.data.metrics import Cell
from winnow.evaluation.statistics import RESAMPLES
from winnow.reporting.caption_sets import MAIN
from winnow.reporting.cells import NOT_RUN, PARAMETERS, Sweep, load_cells, mapping, trainings
from winnow.reporting.method_results import (
    Method,
    Outcomes,
    Values,
    method_of,
    method_values,
    outcomes_by_track,
    summarised,
    with_intervals,
)
from winnow.reporting.settings import Page
from winnow.reporting.values import Value
from winnow.tracks.registry import TRACKS

CONTROLS = ("none", "random", "oracle", "pretrained")
UNSELECTIVE = ("none", "pretrained")  # controls that leave out no pair
ROUNDING = 0.01  # of a ratio that is kept of each scene: no more is made of it


@dataclass(frozen=True)
class Results:
    """Values of each method, the sweep they come from, and the outcomes of each track whose queries
    are shared; `resamples` and `seed` draw what methods are compared in. `standins` are the models
    of the run that are stand-ins."""

    sweep: Sweep
    values: Values
    scale: str
    outcomes: dict[str, Outcomes]
    resamples: int = RESAMPLES
    seed: int = 0
    standins: Sequence[str] = ()

    @cached_property
    def planned(self) -> dict[str, dict[Method, list[Cell]]]:
        """The methods planned for each track, in the order of the sweep, and their cells."""
        found: dict[str, dict[Method, list[Cell]]] = {}
        for cell in self.sweep.expected:
            methods = found.setdefault(cell.track, {})
            methods.setdefault(method_of(cell), []).append(cell)
        return found

    def expected(self, track: str) -> list[Method]:
        """The methods planned for a track, in the order of the sweep."""
        return list(self.planned.get(track, {}))

    def cells(self, method: Method) -> list[Cell]:
        """The planned cells of a method, one a seed."""
        return self.planned.get(method.track, {}).get(method, [])

    def value(self, method: Method, metric: str) -> Value | None:
        """A method's metric, or None if it was not measured."""
        return self.values.get(method, {}).get(metric)

    def zero_shot_sets(self, track: str) -> list[str]:
        """The sets (or kinds of noise) that some method of a track was measured on."""
        found = {
            name.rsplit("/", 1)[0]
            for method, values in self.values.items()
            if method.track == track
            for name in values
            if "/" in name
        }
        return sorted(found)

    def higher_is_better(self, track: str, metric: str) -> bool:
        """A metric's direction, as the cells of its track have it; of a mean, its parts'."""
        name = metric.partition("+")[0]
        records = (self.sweep.records[cell] for cell in self.sweep.cells(track))
        return next((r.higher_is_better[name] for r in records if name in r.higher_is_better), True)

    def swept(self, track: str, scorer: str) -> dict[float, Method]:
        """The measured methods of a track that keep a share of MAIN by a scorer, by falling ratio;
        all of it is what `none` keeps."""
        found = {m.ratio: m for m in self.expected(track) if m[1:3] == (MAIN, scorer)}
        every = found | {1.0: found.get(1.0, Method(track, MAIN, "none", 1.0))}
        return {r: every[r] for r in sorted(every, reverse=True) if every[r] in self.values}

    def trained_with(self, method: Method, name: str) -> int | None:
        """A whole number among the parameters of a method's training, of its first seed that says
        so."""
        for cell in self.cells(method):
            if record := self.sweep.records.get(cell):
                told = (mapping(part.get(PARAMETERS)).get(name) for part in trainings(record))
                if (number := next((n for n in told if isinstance(n, int)), None)) is not None:
                    return number
        return None

    def pairs_kept(self, method: Method) -> int | None:
        """The pairs of a method's subset, by the records of any track; None if none says so."""
        tracks = (track.name for track in TRACKS if track.by_ratio)
        known = (self.trained_with(method._replace(track=name), "pairs") for name in tracks)
        return next((count for count in known if count), None)

    def share_kept(self, method: Method) -> float:
        """The share of its caption set's pairs that a method keeps.

        That is its ratio, unless a threshold, a choice by scene or a submitted subset says how much
        is kept: then the ratio is only where its cell stands.
        """
        own = self.pairs_kept(method)
        whole = self.pairs_kept(method._replace(scorer="none", ratio=1.0))
        if own is None or whole is None or abs(own / whole - method.ratio) < ROUNDING:
            return method.ratio
        return round(own / whole, 3)

    def reason(self, method: Method) -> str | None:
        """Why a method has no values; None if it has."""
        if method in self.values:
            return None
        planned = self.planned.get(method.track, {})
        if method in planned:
            refusals = self.sweep.refusals
            reasons = [refusals[cell] for cell in planned[method] if cell in refusals]
            told = [text for text in reasons if text != NOT_RUN]
            return f"refused: {told[0]}" if told else NOT_RUN
        if not planned:
            return f"{NOT_RUN}: track {method.track} is not in this sweep"
        if all(other.captions != method.captions for other in planned):
            return f"{NOT_RUN}: captions {method.captions} are not in this sweep"
        if all(other.scorer != method.scorer for other in planned):
            return f"{NOT_RUN}: scorer {method.scorer} is not in this sweep"
        return (
            f"{NOT_RUN}: scorer {method.scorer} at keep ratio {method.ratio:g} on captions "
            f"{method.captions} is not in this sweep"
        )

    def caveat(self, method: Method) -> str:
        """The seeds that are missing from a method's values, or why it has none; else empty."""
        if (reason := self.reason(method)) is not None:
            return reason
        cells = self.cells(method)
        lost = [self.sweep.refusals[c] for c in cells if c in self.sweep.refusals]
        return f"{len(lost)} of {len(cells)} seeds missing: {lost[0]}" if lost else ""


def load_results(
    cells_dir: str | Path,
    sweep_path: str | Path,
    scale: str,
    extra: Mapping[str, Sequence[str]] | None = None,
    resamples: int = RESAMPLES,
    seed: int = 0,
    tracks: Sequence[str] | None = None,
    standins: Sequence[str] = (),
) -> Results:
    """Read the cells of a sweep (of `tracks`, or all) and average their seeds."""
    sweep = load_cells(sweep_path, cells_dir, tracks)
    outcomes = outcomes_by_track(sweep)
    values = method_values(sweep, outcomes, extra or {}, resamples, seed)
    for method, found in summarised(sweep, resamples, seed).items():
        values[method] |= found
    with_intervals(sweep, values)
    return Results(sweep, values, scale, outcomes, resamples, seed, standins)


def load_track_results(
    cells_dir: str | Path, sweep_path: str | Path, settings: Page, *tracks: str
) -> Results:
    """What the page of a track is made of, the cells of some `tracks`; prints what is refused."""
    told = settings.model_dump(include={"scale", "resamples", "seed", "standins"})
    results = load_results(cells_dir, sweep_path, tracks=tracks, **told)
    print_refusals(results)
    return results


def print_refusals(results: Results) -> None:
    """Say which cells were refused, and why."""
    for cell, reason in results.sweep.refusals.items():
        place = "/".join(str(value) for value in cell.model_dump().values())
        print(f"{place}: {reason}")
