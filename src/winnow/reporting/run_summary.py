"""What a run found, in the few lines with which it ends."""

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from winnow.data.files import read_json
from winnow.reporting.caption_sets import MAIN
from winnow.reporting.claims import VERDICTS, Judgement
from winnow.reporting.leaderboard import entries
from winnow.reporting.results import CONTROLS, Results
from winnow.reporting.track_leaderboards import LeaderboardRow, TrackLeaderboard
from winnow.reporting.values import PERCENT

BEST = 3  # methods that are told


def best(results: Results, boards: Sequence[TrackLeaderboard]) -> dict[str, str]:
    """The best methods and the controls of MAIN on the first board, and how many rows of the
    leaderboard have refused cells."""
    if not boards:
        return {}
    measured = [row for row in boards[0].rows if row.value]
    methods = [row for row in measured if row.rank][:BEST]
    controls = [r for r in measured if r.method.scorer in CONTROLS and r.method.captions == MAIN]
    refused = sum("refused" in entry.note for entry in entries(results, boards))
    return {
        f"Best in {boards[0].headline.label}": _listed(results, methods),
        "Controls": _listed(results, controls),
        "Refused": f"cells of {refused} rows, see the log" if refused else "",
    }


def _listed(results: Results, rows: Iterable[LeaderboardRow]) -> str:
    """Each method with what it keeps and its value; `~`: not significantly different from all."""
    return ", ".join(
        f"{row.method.captions}/{row.method.scorer} at {results.share_kept(row.method):.0%} "
        f"{'~' if row.to_base and not row.to_base.significant else ''}"
        f"{PERCENT(row.value and row.value.estimate)}"
        for row in rows
    )


def verdicts(judged: Sequence[Judgement]) -> dict[str, str]:
    """How many claims have which verdict."""
    count = Counter(found.verdict for found in judged)
    return {"Claims": ", ".join(f"{count[v]} {v}" for v in VERDICTS if count[v])}


def summary_lines(told: Iterable[Path], named: str) -> list[str]:
    """The lines of the JSON files that were `told`, and where the results are: in a folder that the
    reader calls `named`. WinnowError as from `read_json`."""
    lines = {name: text for path in told for name, text in read_json(path).items()}
    lines["Leaderboard"] = f"{named}/leaderboard.md"
    lines["All results"] = f"{named}/site/index.html"
    wide = max(map(len, lines))
    return [f"{name:{wide}}  {text}" for name, text in lines.items() if text]
