"""The section `sweep`, and what the section of a track says beside its fields."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Self

from pydantic import Field, model_validator

from winnow.params.fields import Name, Ratio, Section, Seed

if TYPE_CHECKING:
    from winnow.params.model import Params


class TrackSection(Section):
    """The section of a track: it knows what it needs of the others, and which files it names."""

    def check(self, params: "Params") -> None:
        """Raise ValueError, which begins with the key, for what does not fit the other sections."""

    def rooted(self, placed: Callable[[str], str], root: Path) -> Self:
        """The section with the paths of a user's files as they are called where jobs run; `root` is
        what they start from."""
        return self

    def files(self) -> Iterable[tuple[str, str]]:
        """The key and the path of each file or folder that must be there before a run."""
        return ()


class Sweep(Section):
    """The cells of the benchmark."""

    ratios: list[Ratio] = Field(description="Keep ratios of the swept scorers")
    scorers: list[Name] = Field(description="Run at all ratios; the others run at `ratio`")
    seeds: list[Seed] = Field(min_length=1, description="Random seeds; one training each")
    captions: list[Name] = Field(
        default_factory=list,
        description="Caption sets in addition to `raw`; each trains a model on all of its pairs",
    )
    curated: list[Name] = Field(
        default_factory=list,
        description="Sets of this list that the swept scorers also curate, at `ratio`",
    )

    @model_validator(mode="after")
    def _sets_are_known(self) -> "Sweep":
        if "raw" in self.captions:
            raise ValueError("`captions` are sets beside `raw`, which is always there")
        if unknown := [name for name in self.curated if name not in self.captions]:
            raise ValueError(f"`curated` names {unknown[0]!r}, which is not in `captions`")
        return self
