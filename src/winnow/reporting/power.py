"""Whether a metric can tell methods apart. The controls are asked, by one function for every table,
curve and claim: a metric in which they are not told apart decides nothing."""

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pandas as pd

from winnow.data.errors import WinnowError
from winnow.data.tables import OUTCOMES, read_table
from winnow.evaluation.intervals import Repeats, value
from winnow.evaluation.power import Qualification, qualify
from winnow.evaluation.statistics import headline_means, stratum
from winnow.reporting.caption_sets import MAIN
from winnow.reporting.cells import cell_folder
from winnow.reporting.decisions import NO_POWER
from winnow.reporting.emit.markdown import markdown
from winnow.reporting.method_results import Method
from winnow.reporting.repeats import Side, paired, replication, with_interval
from winnow.reporting.results import Results
from winnow.reporting.track_leaderboards import LOWER, UPPER, metric_name
from winnow.reporting.values import GAINS, SAME, Format, Value
from winnow.tracks.registry import BY_NAME
from winnow.tracks.track import Metric, Unit

PEOPLE = "human"  # the caption set that is the upper control of caption sets
DECIDES = {True: "yes", False: NO_POWER, None: "not known"}
GAIN: dict[Unit, Format] = {"percent": "points", "number": "number"}


class Contrast(NamedTuple):
    """An upper control beside a lower one in a metric: their values, the upper minus the lower one,
    what they say of the metric, and the images behind it. `repeats` is the harmonic mean of their
    seeds."""

    upper: Method
    lower: Method
    values: tuple[Value, Value]
    difference: Value
    said: Qualification
    repeats: float
    images: int | None

    @property
    def names(self) -> str:
        """What the two differ in, as `oracle minus random`."""
        a, b = self.upper, self.lower
        names = (a.scorer, b.scorer) if a.captions == b.captions else (a.captions, b.scorer)
        return " minus ".join(names)


class Power(NamedTuple):
    """What the controls of a track say of a metric: `oracle` beside `random`, and human captions
    beside `none`. None where a control was not measured."""

    track: str
    metric: str
    unit: Unit
    higher_is_better: bool
    selection: Contrast | None
    captions: Contrast | None

    @property
    def contrasts(self) -> list[Contrast]:
        """Those that were measured. The first decides."""
        return [found for found in (self.selection, self.captions) if found]

    @property
    def decides(self) -> bool | None:
        """Whether the controls are told apart; None without controls."""
        return self.contrasts[0].said.decides if self.contrasts else None

    @property
    def headroom(self) -> float | None:
        """How much better the upper control is, in the metric's unit."""
        return self.contrasts[0].said.headroom if self.contrasts else None

    @property
    def floor(self) -> Value | None:
        """The value of the control that keeps pairs by chance."""
        return self.selection.values[1] if self.selection else None

    @property
    def ceiling(self) -> tuple[str, Value] | None:
        """The best of the upper controls: its name and value."""
        sign = 1 if self.higher_is_better else -1
        best = max(self.contrasts, key=lambda c: sign * c.values[0].estimate, default=None)
        return best and (best.names.partition(" ")[0], best.values[0])

    @property
    def mark(self) -> str:
        """NO_POWER where the controls are not told apart, else empty."""
        return NO_POWER if self.decides is False else ""

    @property
    def reason(self) -> str:
        """Why the metric does not decide; empty where it does."""
        if not self.contrasts:
            return "no controls were measured"
        if self.decides:
            return ""
        first = self.contrasts[0]
        told = "in the wrong order" if first.said.significant else SAME
        return f"{first.names} is {GAINS[GAIN[self.unit]](first.difference)}, {told}"


def power_of(results: Results, track: str, metric: str) -> Power:
    """The power of a metric, by what the cells of its track call it. It is found once."""
    key = (track, metric)
    if key not in results.powers:
        results.powers[key] = _power(results, track, metric)
    return results.powers[key]


def headline_power(results: Results, track: str, metric: Metric) -> Power:
    """The power of a declared metric of a track, in the cells of its controls."""
    control = Method(track, MAIN, LOWER, 1.0)
    return power_of(results, track, metric_name(results, control, metric))


def marked(label: str, power: Power) -> str:
    """A metric's label, with a mark where it decides nothing."""
    return f"{label} ({power.mark})" if power.mark else label


def headline_label(results: Results, track: str, metric: Metric) -> str:
    """The label of a declared metric of a track, with a mark where it decides nothing."""
    return marked(metric.label, headline_power(results, track, metric))


def metric_label(results: Results, track: str, key: str, label: str) -> str:
    """Another label of a metric of a track, by its key, with a mark where it decides nothing."""
    declared = next((m for m in BY_NAME[track].metrics if m.key == key), Metric(key, label))
    return marked(label, headline_power(results, track, declared))


def power_warnings(results: Results, track: str) -> list[str]:
    """A line of Markdown for each headline metric of a track that decides nothing."""
    known = [(m.label, headline_power(results, track, m)) for m in BY_NAME[track].headlines]
    return [
        f"> **Warning:** {NO_POWER} in {markdown(label)}: {markdown(power.reason)}"
        for label, power in known
        if power.mark
    ]


def unit_of(track: str, metric: str) -> Unit:
    """The unit of a metric, by what the cells of its track call it."""
    names = (metric, metric.rsplit("/", 1)[-1])
    declared = BY_NAME[track].metrics if track in BY_NAME else ()
    return next((m.unit for m in declared if m.key in names), "percent")


def _power(results: Results, track: str, metric: str) -> Power:
    rising = results.higher_is_better(track, metric)
    pairs = dict(_controls(results, track))
    found = {name: _contrast(results, *pair, metric, rising) for name, pair in pairs.items()}
    contrasts = found.get(MAIN), found.get(PEOPLE)
    return Power(track, metric, unit_of(track, metric), rising, *contrasts)


def _controls(results: Results, track: str) -> Iterator[tuple[str, tuple[Method, Method]]]:
    """The upper and the lower control that were measured, of selection and of captions. Those of
    selection are at the keep ratio at which most cells of the main caption set are planned."""
    main = [cell for cell in results.sweep.expected if cell.captions == MAIN]
    planned = Counter(cell.ratio for cell in main if cell.track == track)
    for ratio in sorted(planned, key=lambda ratio: (-planned[ratio], ratio)):
        lower, *uppers = (Method(track, MAIN, name, ratio) for name in (LOWER, *UPPER))
        known = [upper for upper in uppers if upper in results.values]
        if known and lower in results.values:
            yield MAIN, (known[0], lower)
            break
    people, every = (Method(track, captions, "none", 1.0) for captions in (PEOPLE, MAIN))
    if people in results.values and every in results.values:
        yield PEOPLE, (people, every)


def _contrast(
    results: Results, upper: Method, lower: Method, metric: str, higher_is_better: bool
) -> Contrast | None:
    found = paired(results, [Side(upper, metric), Side(lower, metric)])
    if found is None:
        return None
    above, below = found.sides
    try:
        said = qualify(below, above, higher_is_better)
        values = _value(above, found.n), _value(below, found.n)
    except WinnowError:  # too few resamples have a value
        return None
    sign = 1 if higher_is_better else -1
    low, high = sorted((sign * said.low, sign * said.high))
    counts = [len(side.values) for side in found.sides]
    seeds = (min(counts), replication(found.sides))
    difference = Value(sign * said.headroom, low, high, found.n, *seeds)
    average = 2 / float(np.sum(1 / np.array(counts)))  # as the variances add up
    images = _images(results, lower, metric)
    return Contrast(upper, lower, values, difference, said, average, images)


def _value(repeats: Repeats, n: int | None) -> Value:
    return with_interval(value(repeats), [repeats], n)


def _images(results: Results, method: Method, metric: str) -> int | None:
    """The images behind a metric: those of its outcomes, or else what its record counts."""
    table = _queries(results, method)
    if table is not None:
        means = headline_means(table["metric"].unique()) | BY_NAME[method.track].means_of
        parts = means.get(metric) or metric.split("+")
        groups = table.loc[table["metric"].isin(parts), ["metric", "group"]].drop_duplicates()
        if len(groups):
            return len(set(zip(groups["metric"].map(stratum), groups["group"], strict=True)))
    known = results.value(method, metric)
    return known.n if known else None


def _queries(results: Results, method: Method) -> pd.DataFrame | None:
    if (outcomes := results.outcomes.get(method.track)) is not None:
        return outcomes.queries
    path = cell_folder(results.sweep.folder, results.usable(method)[0]) / "outcomes.parquet"
    return read_table(path, OUTCOMES) if path.exists() else None
