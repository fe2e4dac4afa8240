"""What the commands that render pages are told beside the files: shared sections."""

from pydantic import Field

from winnow.params import sections
from winnow.params.names import Scale


class Page(sections.Section):
    """The scale that a page names."""

    scale: Scale = Field(description="Of the run, named on the page")


class RenderSettings(sections.Statistics, Page):
    """Intervals, and the scale that the tables name."""


class ModelSettings(RenderSettings):
    """Intervals, the scale, and which models are stand-ins."""

    standins: list[str] = Field(description="Models that are stand-ins, which the tables name")


class LeaderboardSettings(ModelSettings):
    """What every page names, and what was done to the captions."""

    noise: sections.Rates | None = Field(None, description="Added to people's captions")


class SiteSettings(sections.Site, LeaderboardSettings):
    """How much the site shows, what its pages name, and the rows that learn from no subset."""

    untrained: list[str] = Field(default_factory=list, description="Scorers of such rows")
