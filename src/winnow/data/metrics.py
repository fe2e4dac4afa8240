"""A cell's `metrics.json`: a superset of CLIP_benchmark's result, with intervals and provenance."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from winnow.data.errors import WinnowError
from winnow.data.files import read_json, write_json

VERSION = 1


class Cell(BaseModel):
    """One experiment's place in the sweep."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    track: str
    captions: str
    scorer: str
    ratio: float = Field(gt=0, le=1)
    seed: int


class Metrics(BaseModel):
    """What one cell measured. Fractions lie in 0..1; `intervals` are 95 %."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)
    version: int = VERSION
    cell: Cell
    dataset: str
    model: str
    pretrained: str
    task: str
    language: str = "en"
    metrics: dict[str, float]
    intervals: dict[str, tuple[float, float]]
    n: dict[str, int]  # queries behind each metric
    higher_is_better: dict[str, bool]
    unit: str = "fraction"
    provenance: dict[str, Any]  # parameters, digests, versions, hardware


def write_metrics(path: str | Path, metrics: Metrics) -> None:
    """Write `metrics.json` atomically."""
    write_json(path, metrics.model_dump())


def read_metrics(path: str | Path, cell: Cell | None = None) -> Metrics:
    """Read and check a `metrics.json`; one that does not belong to `cell` is refused by name."""
    content = read_json(path)
    try:
        metrics = Metrics.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise WinnowError(f"{path}: {key}: {first['msg']}; delete it and run again") from error
    if metrics.version != VERSION:
        raise WinnowError(
            f"{path}: written as version {metrics.version}, this is version {VERSION}; "
            "delete it and run again"
        )
    if cell is not None and metrics.cell != cell:
        raise WinnowError(
            f"{path}: holds {metrics.cell}, but its place is that of {cell}; "
            "delete it and run again"
        )
    return metrics


def flatten(metrics: Metrics) -> Iterator[dict[str, Any]]:
    """One row a metric: cell, metric, value, low, high, n."""
    for name, value in metrics.metrics.items():
        low, high = metrics.intervals.get(name, (None, None))
        yield {
            **metrics.cell.model_dump(),
            "metric": name,
            "value": value,
            "low": low,
            "high": high,
            "n": metrics.n.get(name),
        }
