"""Which rows learned from what they were measured on: struck out, the pairs named."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from winnow.data.csv_file import read_csv
from winnow.data.errors import WinnowError
from winnow.data.files import optional_signed
from winnow.data.tables import COMPARED, ECHOED, ECHOES, LEAKS, SUBSET, read_table
from winnow.params.names import JUDGE
from winnow.reporting.cells import read_sweep
from winnow.reporting.methods import Method, method_of
from winnow.tracks.registry import BY_NAME

NO_TRAINING = "learns from no image of this run"
NAMED = 3  # pairs in a cell of the CSV


class Audit(NamedTuple):
    """What the audit found: LEAKS, COMPARED, ECHOES, ECHOED."""

    pairs: pd.DataFrame
    compared: pd.DataFrame
    echoes: pd.DataFrame
    echoed: pd.DataFrame


class Leaked(NamedTuple):
    """A method, the images of its subset, and the leaks that it learned from; or why that is not
    known."""

    method: Method
    images: int | None
    leaks: pd.DataFrame
    reason: str

    @property
    def struck(self) -> bool:
        """Whether it is struck out."""
        return len(self.leaks) > 0

    @property
    def sets(self) -> list[str]:
        """The evaluation sets that hold what it learned from."""
        return sorted(set(self.leaks["evaluation"]))


def read_audit(folder: Path) -> Audit:
    """The tables of the command `audit`."""
    tables = {"pairs": LEAKS, "compared": COMPARED, "echoes": ECHOES, "echoed": ECHOED}
    return Audit(*(read_table(folder / f"{k}.parquet", v) for k, v in tables.items()))


def rows(
    audit: Audit, sweep: Path, subsets: Path, recipes: Path, untrained: Sequence[str]
) -> list[Leaked]:
    """One row for each method of the tracks that train, in the order of the sweep."""
    methods = dict.fromkeys(
        method_of(cell) for cell in read_sweep(sweep) if BY_NAME[cell.track].measured_on
    )
    starts = _starts(recipes)
    known: dict[Path, set[str]] = {}
    found = []
    for method in methods:
        path = _subset(method, subsets, starts, untrained)
        try:
            if path is not None and path not in known:
                known[path] = set(read_table(path, SUBSET)["uid"])
        except WinnowError as error:
            reason = f"not audited: {str(error).replace(f'{subsets}/', '')}"
            found.append(Leaked(method, None, audit.pairs.iloc[:0], reason))
            continue
        images = known[path] if path is not None else None
        found.append(_row(method, images, audit.pairs))
    return found


def _row(method: Method, images: set[str] | None, pairs: pd.DataFrame) -> Leaked:
    track = BY_NAME[method.track]
    shared = "" if method.scorer == JUDGE else track.trained_on
    learned = pairs["trained"] == shared
    if images is not None:
        learned |= (pairs["trained"] == "pool") & pairs["uid"].isin(images)
    elsewhere = images is None and not shared
    measured = pairs["evaluation"].map(lambda name: name.startswith(track.measured_on))
    count = len(images) if images is not None else None
    leaks = pairs[learned & measured.astype(bool)]
    return Leaked(method, count, leaks, NO_TRAINING if elsewhere else "")


def _subset(
    method: Method, subsets: Path, starts: dict[str, tuple[str, float]], untrained: Sequence[str]
) -> Path | None:
    """The subset of the pool that a method learned from, if it did."""
    if not BY_NAME[method.track].by_ratio:
        if method.scorer not in starts:
            return None
        scorer, ratio = starts[method.scorer]
        return subsets / "raw" / scorer / f"{ratio!r}.parquet"
    if method.scorer in untrained:
        return None
    return subsets / method.captions / method.scorer / f"{method.ratio!r}.parquet"


def _starts(recipes: Path) -> dict[str, tuple[str, float]]:
    """Of the recipes that start from a model fine-tuned on the pool: by what scorer, what ratio."""
    plan = optional_signed(recipes)
    tuned = plan.get("tuned", {})
    return {
        name: (tuned[recipe["start"]]["scorer"], float(tuned[recipe["start"]]["ratio"]))
        for name, recipe in plan.get("recipes", {}).items()
        if recipe["start"] in tuned
    }


def read_struck(path: str | Path | None) -> dict[Method, int]:
    """The methods that `leakage.csv` strikes out, with the number of their pairs; none without it.

    WinnowError names the file and row of what the command `leakage` did not write.
    """
    if path is None:
        return {}
    found = {}
    for number, line in enumerate(read_csv(path, (*Method._fields, "pairs", "struck"))):
        try:
            names = (line["track"], line["captions"], line["scorer"])
            if line["struck"] == "yes":
                found[Method(*names, float(line["ratio"]))] = int(line["pairs"])
        except ValueError as error:
            raise WinnowError(
                f"{path}: row {number}: {error!r}; delete it and run again"
            ) from error
    return found
