"""What a run found, in the few lines with which it ends."""

from collections.abc import Sequence
from pathlib import Path
from typing import get_args

from winnow.data.csv_file import read_csv
from winnow.reporting.results import CONTROLS
from winnow.reporting.values import PERCENT
from winnow.reporting.verdicts import Verdict

COLUMNS = ("captions", "scorer", "rank", "kept", "mean_recall", "distinguishable", "note")
BEST = 3  # methods that are told


def closing_lines(results: Path, named: str) -> list[str]:
    """Best methods and the controls of `raw` by mean recall, verdicts, what was refused, and where
    all of it is. `results` is the folder that a run rendered, `named` what the reader calls it;
    errors as in `read_csv`."""
    rows = read_csv(results / "leaderboard.csv", COLUMNS)
    ranked = [row for row in rows if row["mean_recall"]]
    methods = [row for row in ranked if row["rank"]][:BEST]
    controls = [r for r in ranked if r["scorer"] in CONTROLS and r["captions"] == "raw"]
    verdicts = [row["verdict"] for row in read_csv(results / "claims.csv", ("verdict",))]
    refused = [row for row in rows if "refused" in row["note"]]
    told = [
        ("Best in mean recall", _listed(methods)),
        ("Controls", _listed(controls)),
        (
            "Claims",
            ", ".join(f"{verdicts.count(v)} {v}" for v in get_args(Verdict) if v in verdicts),
        ),
        ("Refused", f"cells of {len(refused)} rows, see the log" if refused else ""),
        ("Leaderboard", f"{named}/leaderboard.md"),
        ("All results", f"{named}/site/index.html"),
    ]
    wide = max(len(name) for name, _ in told)
    return [f"{name:{wide}}  {text}" for name, text in told if text]


def _listed(rows: Sequence[dict[str, str]]) -> str:
    """Each method with what it keeps and its mean recall; `~`: not distinguishable from all."""
    return ", ".join(
        f"{row['captions']}/{row['scorer']} at {float(row['kept']):.0%} "
        f"{'~' if row['distinguishable'] == 'no' else ''}{PERCENT(float(row['mean_recall']))}"
        for row in rows
    )
