"""The record and the folder of one evaluated cell."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from pydantic import Field

from winnow.data.files import atomic_path, digest_files, write_json, write_signed
from winnow.data.metrics import Cell, Metrics, write_metrics
from winnow.data.provenance import provenance
from winnow.data.tables import DRAWS, OUTCOMES, write_table
from winnow.evaluation.settings import Statistics
from winnow.params.fields import Section


class CellNames(Section):
    """Which cell is measured, and on what."""

    cell: Cell = Field(description="The experiment: its place in the sweep")
    dataset: str = Field(description="What tables call the data that it is measured on")


class ModelNames(CellNames):
    """Which cell is measured, on what, and whose model."""

    model_name: str = Field(description="What tables call the model")


class CellSettings(CellNames, Statistics):
    """Which cell is measured, and its intervals."""


class ModelCellSettings(ModelNames, Statistics):
    """Which cell is measured, whose model, and its intervals."""


class Measurement(NamedTuple):
    """What was measured, by metric: values, their 95 % intervals, the queries behind each, and
    where they are kept the values of all resamples [B]."""

    metrics: dict[str, float]
    intervals: dict[str, tuple[float, float]]
    n: dict[str, int]
    draws: dict[str, np.ndarray]


def cell_record(
    settings: CellNames,
    measurement: Measurement,
    inputs: dict[str, Path],
    *,
    task: str,
    model: str,
    pretrained: str | None = None,
    lower: Collection[str] = (),
    unit: str = "fraction",
    **origin: Any,
) -> Metrics:
    """The record of a cell: what was measured, by which settings and from which `inputs`.

    `lower` names the metrics of which lower values are better. `origin` joins the provenance.
    """
    asked = settings.model_dump(exclude=set(ModelNames.model_fields))
    return Metrics(
        cell=settings.cell,
        dataset=settings.dataset,
        model=model,
        pretrained=settings.cell.scorer if pretrained is None else pretrained,
        task=task,
        metrics=measurement.metrics,
        intervals=measurement.intervals,
        n=measurement.n,
        higher_is_better={name: name not in lower for name in measurement.metrics},
        unit=unit,
        provenance=provenance(asked, inputs) | origin,
    )


def write_cell(
    output: Path,
    result: Metrics,
    outcomes: pd.DataFrame,
    cost: Mapping[str, float],
    samples: int,
    extra: Mapping[str, Any] | None = None,
    draws: Mapping[str, np.ndarray] | None = None,
    files: Mapping[str, bytes] | None = None,
) -> None:
    """Write a cell's folder, whole or not at all: metrics.json, outcomes.parquet and cost.json.

    `outcomes` is a table OUTCOMES, `samples` says how many the cost is of. `extra` holds the
    contents of further JSON files by their name; `draws`, as of Found, become draws.parquet;
    `files` are further files by their path in the folder. The record holds the digests of them all
    but of cost.json, which was measured.
    """
    with atomic_path(output) as folder:
        folder.mkdir()
        write_table(folder / "outcomes.parquet", outcomes, OUTCOMES)
        for name, content in (extra or {}).items():
            write_json(folder / name, content)
        if draws:
            write_table(folder / "draws.parquet", draws_table(draws), DRAWS)
        for path, content in (files or {}).items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(content)
        written = [path for path in sorted(folder.rglob("*")) if path.is_file()]
        digests = {path.relative_to(folder).as_posix(): digest_files([path]) for path in written}
        write_metrics(folder / "metrics.json", result.model_copy(update={"files": digests}))
        write_signed(folder / "cost.json", {**cost, "samples": samples})


def draws_table(draws: Mapping[str, np.ndarray]) -> pd.DataFrame:
    """Table DRAWS of the values of all resamples, by metric."""
    tables = [
        pd.DataFrame({"metric": name, "draw": np.arange(len(values)), "value": values})
        for name, values in draws.items()
    ]
    return pd.concat(tables, ignore_index=True)
