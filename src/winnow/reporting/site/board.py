"""A board: the methods of one track by one of its measures."""

from typing import NamedTuple

from winnow.reporting.site.rows import Rows, Spread, figure, spread
from winnow.tracks.registry import BY_NAME, TRACKS

KEYS = ("captions", "scorer", "ratio")
COLUMNS = (
    "track",
    "metric",
    "higher_is_better",
    "unit",
    *KEYS,
    "kept",
    "control",
    "rank",
    "group",
    "value",
    "note",
)
_LABELS = {line.key: line.label for track in TRACKS for line in track.headlines}


class Board(NamedTuple):
    """The rows of one measure of one track, as `results/boards.csv` has them."""

    track: str
    metric: str
    unit: str
    rising: bool  # higher is better
    rows: Rows

    @property
    def name(self) -> str:
        """An id of the board's table."""
        return f"board-{self.track}-{self.metric}".replace("/", "-")

    @property
    def label(self) -> str:
        """The board in words."""
        track = BY_NAME.get(self.track)
        better = "" if self.rising else ", lower is better"
        return f"{track.title if track else self.track}: {measure(self.metric)}{better}"

    @property
    def base(self) -> str:
        """What its methods are compared with."""
        track = BY_NAME.get(self.track)
        return (track.base_captions or track.base) if track else "none"

    def mark(self, captions: str) -> float | None:
        """The value of what a method of these captions is compared with, None without one."""
        whole = self.track in BY_NAME and BY_NAME[self.track].base_captions is not None
        wanted = ("captions", self.base) if whole else ("scorer", self.base)
        found = (
            figure(row, "value")
            for row in self.rows
            if row[wanted[0]] == wanted[1] and (whole or row["captions"] == captions)
        )
        return next((value for value in found if value is not None), None)


def measure(metric: str) -> str:
    """A measure as the tables call it; one that they do not know keeps its name."""
    return _LABELS.get(metric, metric.replace("_", " "))


def boards(rows: Rows) -> list[Board]:
    """The boards in the order of the table."""
    found: dict[tuple[str, str], Board] = {}
    for row in rows:
        key = (row["track"], row["metric"])
        rising = row["higher_is_better"] != "no"
        found.setdefault(key, Board(*key, row["unit"], rising, [])).rows.append(row)
    return list(found.values())


def value_of(row: dict[str, str]) -> Spread | None:
    """The value of a row of a board and its interval."""
    return spread(row, "value", "low", "high")
