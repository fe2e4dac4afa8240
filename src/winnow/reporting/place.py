"""What papers are declared with: names, units, and the cells that measure something."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]*$")]  # becomes a file name


class Part(BaseModel):
    """A part of a paper's YAML; keys that it does not know are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Place(Part):
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
