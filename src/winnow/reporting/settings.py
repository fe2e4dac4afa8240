"""The section `site`, and what the commands that render pages are told beside the files."""

from pydantic import Field

from winnow.evaluation.settings import Statistics
from winnow.params.fields import PositiveInt, Section
from winnow.params.names import Scale
from winnow.terrarium.settings import Rates


class Page(Section):
    """The scale that a page names."""

    scale: Scale = Field(description="Of the run, named on the page")


class RenderSettings(Statistics, Page):
    """Intervals, and the scale that the tables name."""


class ModelSettings(RenderSettings):
    """Intervals, the scale, and which models are stand-ins."""

    standins: list[str] = Field(description="Models that are stand-ins, which the tables name")


class LeaderboardSettings(ModelSettings):
    """What every page names, and what was done to the captions."""

    noise: Rates | None = Field(None, description="Added to people's captions")


class Site(Section):
    """The static site."""

    samples: PositiveInt = Field(10_000, description="Maximum pairs shown per caption set")


class SiteSettings(Site, LeaderboardSettings):
    """How much the site shows, what its pages name, and the rows that learn from no subset."""

    untrained: list[str] = Field(default_factory=list, description="Scorers of such rows")
