"""A published claim as data: what is compared, which way, and by how much."""

from typing import Literal

from pydantic import Field, model_validator

from winnow.reporting.place import Part, Place
from winnow.tracks.track import Unit

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


class Comparison(Part):
    """A metric (or the mean of several) of cells `a` against each of the cells `b`, or against a
    `number`.

    The effect is the difference, or with `relative` the change relative to b; with `beyond` less
    the same in that other metric. It is claimed to go `direction`. It is not run where `a` was
    measured with the model of `unless`.
    """

    label: str
    track: str
    metric: str | None = None
    mean: list[str] | None = Field(None, min_length=1)
    unit: Unit = "percent"
    a: Place
    b: list[Place] = Field(default_factory=list)
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

    @property
    def name(self) -> str:
        """The metric's name; of a mean, its parts joined by +."""
        return self.metric if self.metric is not None else "+".join(self.mean or [])


class Choice(Part):
    """What choosing the keep ratio of each scene gains, in the score that ratios are judged by.

    `scorer` has its ratios swept. `best`: the best ratio of each scene over the one that is best
    for all, chosen on one half of the prompts and compared on the other; `chosen`: the ratios that
    were chosen without training over that one.
    """

    label: str
    scorer: str
    gain: Literal["best", "chosen"]


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
