"""Everything the tables and figures are drawn from, computed once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from winnow.data.metrics import Cell
from winnow.evaluation.statistics import RESAMPLES
from winnow.reporting.cells import NOT_RUN, Sweep, load_cells
from winnow.reporting.draws import with_intervals
from winnow.reporting.methods import (
    Method,
    Outcomes,
    Values,
    method_of,
    method_values,
    outcomes_by_track,
    summarised,
)
from winnow.reporting.values import Value

CONTROLS = ("none", "random", "oracle", "pretrained")


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


def gather(
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


def print_refusals(results: Results) -> None:
    """Say which cells were refused, and why."""
    for cell, reason in results.sweep.refusals.items():
        place = "/".join(str(value) for value in cell.model_dump().values())
        print(f"{place}: {reason}")
