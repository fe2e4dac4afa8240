"""What a track declares, as data: its metrics, its cells, and how its results are read."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from winnow.data.metrics import Cell
from winnow.tracks.settings import TrackSection

if TYPE_CHECKING:
    from winnow.params.model import Params

Unit = Literal["percent", "number"]  # a measured fraction is shown in per cent, a number as it is
# Called with all parameters and the track's own section, which is None where it has none.
Plan = Callable[["Params", Any], Iterable[Cell]]
Expected = Callable[["Params", Any], dict[str, dict[str, Any]]]
Names = Callable[["Params", Any], Iterable[str]]


class Metric(NamedTuple):
    """A metric, declared once: its name in the cells' records, its label, unit and direction.

    A `headline` has a board of its own; the track's first one ranks. `column`: it is in
    leaderboard.csv too. `recorded`: it is in metrics.json. Its interval comes about as that of all
    metrics of its track (see `Track`); one that is a `mean_of` others, from their outcomes.
    """

    key: str
    label: str
    unit: Unit = "percent"
    higher_is_better: bool = True
    headline: bool = True
    column: bool = True
    recorded: bool = True
    mean_of: tuple[str, ...] = ()

    @property
    def titled(self) -> str:
        """The label with an arrow: up where higher is better."""
        return f"{self.label} {'↑' if self.higher_is_better else '↓'}"

    @property
    def title(self) -> str:
        """The label as a heading."""
        return self.label[:1].upper() + self.label[1:]


def page_metric(
    key: str, label: str, unit: Unit = "percent", higher_is_better: bool = True
) -> Metric:
    """A metric that only the track's page shows."""
    return Metric(key, label, unit, higher_is_better, False, False, False)


def _statistics(params: "Params", own: Any) -> dict[str, dict[str, Any]]:
    return {"parameters": params.statistics.model_dump(mode="json")}


def _none(params: "Params", own: Any) -> tuple[str, ...]:
    return ()


@dataclass(frozen=True)
class Track:
    """A track. Its rules are `workflow/rules/<name>.smk`; its section of the parameters, if it has
    one, bears its name.

    `order` is its place among the tracks: the first is the main one, whose first headline ranks the
    leaderboard. `page` names the rule that renders its page, in Markdown and for the site. `legend`
    explains its metrics on the leaderboard.
    """

    name: str
    title: str
    order: int
    metrics: tuple[Metric, ...]
    plan: Plan
    page: str
    legend: str = ""
    settings: type[TrackSection] | None = None
    # `parameters`, `training` or `drawing` -> name -> value: what the records of its cells must say
    expected: Expected = _statistics
    models: Names = _none  # roles that its cells need, and small networks of its own by their key
    untrained: Names = _none  # scorers whose cells learn from no subset of the pool

    # What its methods are compared with: a scorer of the same caption set, or one caption set
    base: str = "none"
    base_captions: str | None = None
    apart: bool = False  # methods of different caption sets are no competitors
    by_ratio: bool = True  # a method learns from a subset, so it differs by keep ratio
    by_captions: bool = False  # planned by caption set, together with the other such tracks

    # How intervals come about: by a bootstrap of the outcomes and, where a metric is no mean of
    # them, from the resamples that a cell keeps. Outcomes are of queries that all cells share, or
    # of rows of each cell's own; or no means of them are metrics (None)
    outcomes: Literal["shared", "own"] | None = "shared"
    means: bool = False  # means over sets (`headline_means`) are metrics as well
    summary: str = ""  # `module:function` that gives metrics and intervals of averaged outcomes
    resamples_seeds: bool = False  # where cells keep resamples, their intervals cover the seeds
    # What stands before a headline's key in the cells' metrics, by scorer and what was measured
    prefix: Callable[[str, Collection[str]], str] | None = None

    judged: str = ""  # the metric by which the keep ratio of each scene is judged
    draws: bool = False  # its cells draw images, which the site shows

    # Evaluation sets, by how their names begin; and a training set that all rows share. For the
    # audit of leaks.
    measured_on: tuple[str, ...] = ()
    trained_on: str = ""

    @property
    def headlines(self) -> tuple[Metric, ...]:
        """The metrics with a board, the one that ranks first."""
        return tuple(metric for metric in self.metrics if metric.headline)

    @property
    def means_of(self) -> dict[str, tuple[str, ...]]:
        """The metrics that are means of others, by name."""
        return {metric.key: metric.mean_of for metric in self.metrics if metric.mean_of}
