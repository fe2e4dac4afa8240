"""A paper as data: its tables' columns, rows and published values, and which cells measure them.

A further table or paper is a further YAML file (or key), never code.
"""

from pathlib import Path
from typing import Annotated

from pydantic import Field, TypeAdapter, model_validator

from winnow.data.errors import WinnowError
from winnow.data.yaml_file import read_yaml
from winnow.reporting.claim import Claim
from winnow.reporting.place import Name, Part, Place
from winnow.tracks.track import Unit

ClaimId = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_-]*$")]


class Citation(Part):
    """Where the paper is."""

    title: str
    short: str
    authors: str | None = None
    venue: str
    arxiv: str | None = None
    url: str
    code: str | None = None


class Column(Part):
    """A published column; with `mean` it is computed here from other columns, not published."""

    key: str
    label: str
    unit: Unit = "percent"
    mean: list[str] | None = Field(None, min_length=1)


class Measure(Part):
    """A measured column: a metric (`*/acc1` is one column for each of our sets), or the mean of
    several; without either nothing measures it. `reason` says why cells have no value. `{set}` in
    the label is the name of the set; `track`, `captions` and `ratio` are others than the row's.
    With `relative_to` it is the metric's relative change from those cells, with `minus` the
    difference."""

    label: str
    track: str | None = None
    captions: str | None = None
    ratio: float | None = Field(None, gt=0, le=1)
    unit: Unit = "percent"
    metric: str | None = None
    mean: list[str] | None = Field(None, min_length=1)
    reason: str | None = None
    relative_to: Place | None = None
    minus: Place | None = None

    @model_validator(mode="after")
    def _one(self) -> "Measure":
        if self.metric is not None and self.mean is not None:
            raise ValueError("give either `metric` or `mean`")
        if self.metric is self.mean is self.reason is None:
            raise ValueError("give `metric` or `mean`, or the `reason` why nothing measures it")
        if (self.relative_to or self.minus) is not None and self.metric is None:
            raise ValueError("`relative_to` and `minus` belong to a `metric`")
        if self.relative_to is not None and self.minus is not None:
            raise ValueError("give either `relative_to` or `minus`")
        return self

    @property
    def name(self) -> str:
        """The metric's name; of a mean, its parts joined by +."""
        return self.metric if self.metric is not None else "+".join(self.mean or [])


class Row(Part):
    """A published row, or one of ours (`ours: true`), shown where its cells were planned.

    `{pairs}` in the label is the number of pairs that its cells train on. `against` stands before
    the metrics that differences and changes compare with, if not the cell's own prefix.
    """

    label: str
    published: list[float | None] | None = None
    cell: Place | None = None
    against: str | None = None
    not_run: str | None = None
    ours: bool = False

    @model_validator(mode="after")
    def _complete(self) -> "Row":
        if (self.cell is None) == (self.not_run is None):
            raise ValueError(f"row {self.label!r}: give either `cell` or `not_run` with a reason")
        if self.ours == (self.published is not None):
            raise ValueError(f"row {self.label!r}: give either `published` or `ours: true`")
        return self


class Table(Part):
    """One table: a published block and a measured block over the same rows.

    `not_found` says why published values are missing (null).
    """

    title: str
    verified: str
    not_found: str | None = None
    track: str
    columns: list[Column] = Field(min_length=1)
    measured: list[Measure] = Field(min_length=1)
    rows: list[Row] = Field(min_length=1)
    notes: list[str] = Field(default_factory=list)

    @model_validator(mode="after")
    def _consistent(self) -> "Table":
        given = [column.key for column in self.columns if column.mean is None]
        keys = [column.key for column in self.columns]
        for key in keys:
            if keys.count(key) > 1:
                raise ValueError(f"column {key!r} occurs twice")
        for column in self.columns:
            for part in column.mean or []:
                if part not in given:
                    raise ValueError(f"column {column.key!r}: mean of unknown column {part!r}")
        for row in self.rows:
            if row.published is not None and len(row.published) != len(given):
                numbers = f"{len(row.published)} published values for {len(given)} columns"
                raise ValueError(f"row {row.label!r}: {numbers}")
            if None in (row.published or []) and self.not_found is None:
                raise ValueError(f"row {row.label!r}: `not_found` must say why a value is null")
        return self


class Paper(Part):
    """A paper, its tables and its claims."""

    paper: Name
    citation: Citation
    tables: dict[Name, Table] = Field(default_factory=dict)
    claims: dict[ClaimId, Claim] = Field(default_factory=dict)


def load_paper(path: str | Path) -> Paper:
    """Read and check a paper's YAML; WinnowError names the file and the key."""
    return read_yaml(path, TypeAdapter(Paper))


def load_papers(folder: str | Path) -> list[Paper]:
    """Every `*.yaml` of a folder, by name; two papers or two claims of one name are refused."""
    papers: dict[str, Paper] = {}
    for path in sorted(Path(folder).glob("*.yaml")):
        paper = load_paper(path)
        if paper.paper in papers:
            raise WinnowError(f"{path}: paper: {paper.paper!r} is the name of another file's paper")
        for claim in paper.claims:
            other = next((name for name, known in papers.items() if claim in known.claims), None)
            if other is not None:
                raise WinnowError(f"{path}: claims.{claim}: paper {other!r} has a claim of this id")
        papers[paper.paper] = paper
    return list(papers.values())


def extra_means(papers: list[Paper]) -> dict[str, list[str]]:
    """The means of metrics that the papers' tables ask for, by their name."""
    measures = [m for paper in papers for table in paper.tables.values() for m in table.measured]
    return {measure.name: measure.mean for measure in measures if measure.mean}
