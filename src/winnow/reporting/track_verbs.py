"""Commands `detection`, `captions`, `score-models`, `generation` and `segmentation`: one page a
track."""

from pathlib import Path

from pydantic import Field

from winnow.command.description import Output, command
from winnow.params import sections
from winnow.params.model import Scale


class DetectionSettings(sections.Section):
    """The scale that the table names."""

    scale: Scale = Field(description="Of the run, named on the page")


@command
def detection(cells: Path, sweep: Path, output: Output, settings: DetectionSettings) -> None:
    """Render the detection track's table and figure from the cells that are finished."""
    from winnow.reporting.render_tracks import render_detection

    render_detection(cells, sweep, output, settings.scale)


class RenderSettings(sections.Statistics):
    """Intervals, and the scale that the tables name."""

    scale: Scale = Field(description="Of the run, named on the page")


@command
def captions(cells: Path, sweep: Path, output: Output, settings: RenderSettings) -> None:
    """Render how good the caption sets are: tables, differences and figure."""
    from winnow.reporting.render_tracks import render_captions

    render_captions(cells, sweep, output, settings.scale, settings.resamples, settings.seed)


@command
def score_models(
    cells: Path,
    sweep: Path,
    output: Output,
    leakage: Path | None,
    settings: RenderSettings,
) -> None:
    """Render how good the score models and their judge are: tables and figure."""
    from winnow.reporting.render_tracks import render_score_models

    resampling = (settings.resamples, settings.seed)
    render_score_models(cells, sweep, output, settings.scale, *resampling, leakage)


class ModelSettings(RenderSettings):
    """Intervals, the scale, and which models are stand-ins."""

    standins: list[str] = Field(description="Models that are stand-ins, which the tables name")


class GenerationSettings(ModelSettings):
    """What every page names, and which scorers the report on text-to-image is about."""

    scorer: str = Field("", description="Whose keep ratios are compared by scene")
    chosen: str = Field("", description="Which has its ratio chosen by scene")
    baselines: dict[str, str | None] = Field(
        default_factory=dict,
        description="Published generators: the role of each, null of a folder of images",
    )


@command
def generation(
    cells: Path,
    sweep: Path,
    generated: Path,
    pool: Path,
    output: Output,
    choice: Path | None,
    leakage: Path | None,
    settings: GenerationSettings,
) -> None:
    """Render what the generators draw: tables, the choice of the keep ratios, and the gallery."""
    from winnow.reporting.generation import Plan
    from winnow.reporting.render_tracks import render_generation

    plan = Plan(settings.scorer, settings.chosen, settings.baselines)
    resampling = (settings.resamples, settings.seed)
    places = (cells, sweep, generated, pool, output)
    audited = (leakage, settings.standins)
    render_generation(*places, settings.scale, plan, choice, *resampling, *audited)


class SegmentationSettings(ModelSettings):
    """What every page names, and which scorers the report on segmentation is about."""

    scorer: str = Field("", description="Whose keep ratios are compared")
    chosen: str = Field("", description="Which has its ratio chosen by scene")


@command
def segmentation(
    cells: Path,
    sweep: Path,
    output: Output,
    segments: Path | None,
    leakage: Path | None,
    settings: SegmentationSettings,
) -> None:
    """Render what generated images add to real labels: tables, predictions, mIoU by keep ratio."""
    from winnow.reporting.render_tracks import render_segmentation
    from winnow.reporting.segmentation import Plan

    plan = Plan(settings.scorer, settings.chosen)
    resampling = (settings.resamples, settings.seed)
    places, audited = (cells, sweep, segments, output), (leakage, settings.standins)
    render_segmentation(*places, settings.scale, plan, *resampling, *audited)
