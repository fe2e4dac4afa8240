"""The folder of one evaluated cell."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from winnow.data.files import atomic_path, digest_files, write_json, write_signed
from winnow.data.metrics import Metrics, write_metrics
from winnow.data.tables import DRAWS, OUTCOMES, write_table


def write_cell(
    output: Path,
    result: Metrics,
    outcomes: pd.DataFrame,
    cost: Mapping[str, float],
    samples: int,
    extra: Mapping[str, Any] | None = None,
    draws: pd.DataFrame | None = None,
    files: Mapping[str, bytes] | None = None,
) -> None:
    """Write a cell's folder, whole or not at all: metrics.json, outcomes.parquet and cost.json.

    `outcomes` is a table OUTCOMES, `samples` says how many the cost is of. `extra` holds the
    contents of further JSON files by their name; `draws`, a table DRAWS, becomes draws.parquet;
    `files` are further files by their path in the folder. The record holds the digests of them all
    but of cost.json, which was measured.
    """
    with atomic_path(output) as folder:
        folder.mkdir()
        write_table(folder / "outcomes.parquet", outcomes, OUTCOMES)
        for name, content in (extra or {}).items():
            write_json(folder / name, content)
        if draws is not None:
            write_table(folder / "draws.parquet", draws, DRAWS)
        for path, content in (files or {}).items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(content)
        written = [path for path in sorted(folder.rglob("*")) if path.is_file()]
        digests = {path.relative_to(folder).as_posix(): digest_files([path]) for path in written}
        write_metrics(folder / "metrics.json", result.model_copy(update={"files": digests}))
        write_signed(folder / "cost.json", {**cost, "samples": samples})
