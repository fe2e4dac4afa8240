"""A cell's `metrics.json`: a superset of CLIP_benchmark's result, with intervals and provenance."""

from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from winnow.data.errors import WinnowError
from winnow.data.files import DIGEST, digest_files, read_json, signed, write_signed

VERSION = 2  # since 2 a record holds a digest of itself and of the files beside it


class Cell(BaseModel):
    """One experiment's place in the sweep."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    track: str = Field(description="The family of evaluations")
    captions: str = Field(description="The caption set")
    scorer: str = Field(description="Whose scores choose the pairs")
    ratio: float = Field(gt=0, le=1, description="The share of the pairs that is kept")
    seed: int = Field(description="Of the training, not of the intervals")


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
    files: dict[str, str] = {}  # digests of the files beside the record, by name


def write_metrics(path: str | Path, metrics: Metrics) -> None:
    """Write `metrics.json` atomically, with a digest of the record."""
    write_signed(path, metrics.model_dump(mode="json"))


def read_metrics(path: str | Path, cell: Cell | None = None) -> Metrics:
    """Read and check a `metrics.json`.

    WinnowError names the file of a record that is of another version, does not belong to `cell`, or
    is not as it was written.
    """
    content = read_json(path)
    if not isinstance(content, dict):
        raise WinnowError(f"{path}: holds no record")
    version = content.get("version")
    if version != VERSION:
        raise WinnowError(f"{path}: written as version {version}, this is version {VERSION}")
    digest = content.pop(DIGEST, None)
    try:
        metrics = Metrics.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise WinnowError(f"{path}: {key}: {first['msg']}") from error
    if cell is not None and metrics.cell != cell:
        raise WinnowError(f"{path}: holds {metrics.cell}, but its place is that of {cell}")
    if digest != signed(content)[DIGEST]:
        raise WinnowError(f"{path}: damaged or edited by hand: its digest is of another record")
    return metrics


def check_files(folder: str | Path, metrics: Metrics) -> None:
    """Refuse a cell's folder in which a file is lost or is not the one that the record names."""
    for name, digest in metrics.files.items():
        place = PurePosixPath(name)
        path = Path(folder, place)
        if place.is_absolute() or ".." in place.parts or not path.is_file():
            raise WinnowError(f"{path}: no such file")
        if digest_files([path]) != digest:
            raise WinnowError(f"{path}: is not the file that was written with metrics.json")


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
