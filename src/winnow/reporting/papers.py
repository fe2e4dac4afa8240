"""A paper as data: tables with published values, claims, and the cells that measure them.

A further table or paper is a further YAML file (or key), never code.
"""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, field_validator, model_validator

from winnow.data.errors import WinnowError
from winnow.data.yaml_file import read_yaml
from winnow.tracks.registry import TRACKS
from winnow.tracks.track import Unit

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]*$")]  # becomes a file name


class Part(BaseModel):
    """A part of a paper's YAML; keys that it does not know are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class CellSelector(Part):
    """The cells (all seeds) that measure a row; without `ratio` those of the one ratio that was
    planned, of a scorer that chooses by itself how much it keeps. `prefix` stands before the names
    of its metrics (`mask/100`); what it is compared with has the same, unless it has its own."""

    captions: str = "raw"
    scorer: str
    ratio: float | None = Field(None, gt=0, le=1)
    prefix: str | None = None

    def metric(self, name: str) -> str:
        """What its cells call a metric."""
        return f"{self.prefix}/{name}" if self.prefix else name

    def __str__(self) -> str:
        ratio = "chosen" if self.ratio is None else f"{self.ratio:g}"
        return f"{self.captions}, {self.scorer}, {ratio}"


class Metrical(Part):
    """A metric, or the mean of several."""

    metric: str | None = None
    mean: list[str] | None = Field(None, min_length=1)
    unit: Unit = "percent"

    @property
    def name(self) -> str:
        """The metric's name; of a mean, its parts joined by +."""
        return self.metric if self.metric is not None else "+".join(self.mean or [])


Direction = Literal["up", "down"]


class Size(Part):
    """The published size of an effect, without sign and in the paper's unit: points of per cent,
    per cent of a relative change, or a number. `at_least` is a bound, `value` the size itself."""

    value: float | None = Field(None, gt=0)
    at_least: float | None = Field(None, gt=0)

    @model_validator(mode="after")
    def _one(self) -> "Size":
        if (self.value is None) == (self.at_least is None):
            raise ValueError("give either `value` or `at_least`")
        return self


class Unless(Part):
    """A model whose cells would show an effect by construction, and why."""

    model: str
    reason: str


class Comparison(Metrical):
    """A metric (or the mean of several) of cells `a` against each of the cells `b`, or against a
    `number`.

    The effect is the difference, or with `relative` the change relative to b; with `beyond` less
    the same in that other metric. It is claimed to go `direction`. It is not run where `a` was
    measured with the model of `unless`.
    """

    label: str
    track: str
    a: CellSelector
    b: list[CellSelector] = Field(default_factory=list)
    number: float | None = None
    relative: bool = False
    beyond: str | None = None
    direction: Direction
    size: Size | None = None
    unless: Unless | None = None

    @model_validator(mode="after")
    def _consistent(self) -> "Comparison":
        if (self.metric is None) == (self.mean is None):
            raise ValueError("give either `metric` or `mean`")
        if bool(self.b) == (self.number is not None):
            raise ValueError("give either `b`, the cells compared with, or a `number`")
        if (self.relative or self.beyond) and not self.b:
            raise ValueError("`relative` and `beyond` compare with cells: give `b`")
        return self


class Choice(Part):
    """What choosing the keep ratio of each scene gains, in the metric by which `track` judges
    ratios.

    `scorer` has its ratios swept. `best`: the best ratio of each scene over the one that is best
    for all, chosen on one half of the prompts and compared on the other; `chosen`: the ratios that
    were chosen without training over that one.
    """

    label: str
    track: str
    scorer: str
    gain: Literal["best", "chosen"]

    @field_validator("track")
    @classmethod
    def _judges(cls, name: str) -> str:
        judging = [track.name for track in TRACKS if track.judged]
        if name not in judging:
            raise ValueError(f"{name!r} judges no keep ratios; these do: {', '.join(judging)}")
        return name


class Claim(Part):
    """A published statement. It holds if all of its comparisons do; without any, `not_run` says why
    nothing measures it. `published` is what the paper has, in words."""

    statement: str
    published: str
    verified: str
    comparisons: list[Comparison] = Field(default_factory=list)
    choices: list[Choice] = Field(default_factory=list)
    not_run: str | None = None
    note: str | None = None

    @model_validator(mode="after")
    def _measured(self) -> "Claim":
        if bool(self.comparisons or self.choices) == (self.not_run is not None):
            raise ValueError("give either `comparisons` or `choices`, or `not_run` with a reason")
        return self


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


class Measure(Metrical):
    """A measured column: a metric (`*/acc1` is one column for each of our sets), or the mean of
    several; without either nothing measures it. `reason` says why cells have no value. `{set}` in
    the label is the name of the set; `track`, `captions` and `ratio` are others than the row's.
    With `relative_to` it is the metric's relative change from those cells, with `minus` the
    difference."""

    label: str
    track: str | None = None
    captions: str | None = None
    ratio: float | None = Field(None, gt=0, le=1)
    reason: str | None = None
    relative_to: CellSelector | None = None
    minus: CellSelector | None = None

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


class Row(Part):
    """A published row, or one of ours (`ours: true`), shown where its cells were planned.

    `{pairs}` in the label is the number of pairs that its cells train on. `against` stands before
    the metrics that differences and changes compare with, if not the cell's own prefix.
    """

    label: str
    published: list[float | None] | None = None
    cell: CellSelector | None = None
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
