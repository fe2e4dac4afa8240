"""Verbs `sweep`, `leaderboard`, and one for each further page of results."""

import json
from pathlib import Path

from pydantic import Field

from winnow.command import verb
from winnow.data.files import write_text
from winnow.params import sections
from winnow.params.load import Experiments, Scale, cells


@verb("output", settings=Experiments)
def sweep(output: Path, threads: int, settings: Experiments) -> None:
    """Write the table of the experiments that a run consists of, and what it asks of each."""
    from winnow.reporting.cells import KEYS, PARAMETERS
    from winnow.reporting.text import csv_text

    asked = {track: json.dumps(told, sort_keys=True) for track, told in settings.asked.items()}
    rows = [[*cell.model_dump().values(), asked.get(cell.track)] for cell in cells(settings)]
    write_text(output, csv_text([*KEYS, PARAMETERS], rows))


class DetectionSettings(sections.Section):
    """The scale that the table names."""

    scale: Scale


@verb("cells", "sweep", "output", settings=DetectionSettings)
def detection(
    cells: Path, sweep: Path, output: Path, threads: int, settings: DetectionSettings
) -> None:
    """Render the detection track's table and figure from the cells that are finished."""
    from winnow.reporting.render import render_detection

    render_detection(cells, sweep, output, settings.scale)


class CaptionsSettings(sections.Section):
    """What draws the resamples of the comparisons, and the scale that the tables name."""

    scale: Scale
    seed: sections.Seed = 0


@verb("cells", "sweep", "output", settings=CaptionsSettings)
def captions(
    cells: Path, sweep: Path, output: Path, threads: int, settings: CaptionsSettings
) -> None:
    """Render how good the caption sets are: tables, differences and figure."""
    from winnow.reporting.render import render_captions

    render_captions(cells, sweep, output, settings.scale, settings.seed)


class RenderSettings(sections.Statistics):
    """Intervals, and the scale that the tables name."""

    scale: Scale


@verb("cells", "sweep", "output", settings=RenderSettings)
def score_models(
    cells: Path, sweep: Path, output: Path, threads: int, settings: RenderSettings
) -> None:
    """Render how good the score models and their judge are: tables and figure."""
    from winnow.reporting.render import render_score_models

    render_score_models(cells, sweep, output, settings.scale, settings.resamples, settings.seed)


class GenerationSettings(RenderSettings):
    """Intervals, the scale, and which scorers the report on text-to-image is about."""

    scorer: str = Field("", description="Whose keep ratios are compared by scene")
    chosen: str = Field("", description="Which has its ratio chosen by scene")
    baselines: list[str] = Field(default_factory=list, description="Published generators")


@verb(
    "cells",
    "sweep",
    "generated",
    "pool",
    "output",
    optional=("choice",),
    settings=GenerationSettings,
)
def generation(
    cells: Path,
    sweep: Path,
    generated: Path,
    pool: Path,
    output: Path,
    choice: Path | None,
    threads: int,
    settings: GenerationSettings,
) -> None:
    """Render what the generators draw: tables, the choice of the keep ratios, and the gallery."""
    from winnow.reporting.generation import Plan
    from winnow.reporting.render import render_generation

    plan = Plan(settings.scorer, settings.chosen, settings.baselines)
    resampling = (settings.resamples, settings.seed)
    render_generation(
        cells, sweep, generated, pool, output, settings.scale, plan, choice, *resampling
    )


class SegmentationSettings(RenderSettings):
    """Intervals, the scale, and which scorers the report on segmentation is about."""

    scorer: str = Field("", description="Whose keep ratios are compared")
    chosen: str = Field("", description="Which has its ratio chosen by scene")


@verb("cells", "sweep", "output", optional=("segments",), settings=SegmentationSettings)
def segmentation(
    cells: Path,
    sweep: Path,
    output: Path,
    segments: Path | None,
    threads: int,
    settings: SegmentationSettings,
) -> None:
    """Render what generated images add to real labels: tables, predictions, mIoU by keep ratio."""
    from winnow.reporting.render import render_segmentation
    from winnow.reporting.segmentation import Plan

    plan = Plan(settings.scorer, settings.chosen)
    resampling = (settings.resamples, settings.seed)
    render_segmentation(cells, sweep, segments, output, settings.scale, plan, *resampling)


class ClaimsSettings(sections.Section):
    """The scale, below which sizes are not judged."""

    scale: Scale


class LeakageSettings(sections.Section):
    """The scale that the page names, and the rows that learn from no subset of the pool."""

    scale: Scale
    untrained: list[str] = Field(default_factory=list, description="Scorers of such rows")


@verb("audit", "sweep", "subsets", "recipes", "output", settings=LeakageSettings)
def leakage(
    audit: Path,
    sweep: Path,
    subsets: Path,
    recipes: Path,
    output: Path,
    threads: int,
    settings: LeakageSettings,
) -> None:
    """Render which rows are struck out because they learned from what they were measured on."""
    from winnow.reporting.leakage import leakage_csv, read_audit, rows
    from winnow.reporting.leakage_text import leakage_md

    found = read_audit(audit)
    judged = rows(found, sweep, subsets, recipes, settings.untrained)
    write_text(output / "leakage.csv", leakage_csv(judged))
    write_text(output / "leakage.md", leakage_md(found, judged, settings.scale))


@verb("cells", "sweep", "papers", "output", optional=("choice",), settings=ClaimsSettings)
def claims(
    cells: Path,
    sweep: Path,
    papers: Path,
    output: Path,
    choice: Path | None,
    threads: int,
    settings: ClaimsSettings,
) -> None:
    """Judge the papers' claims by the cells that are finished."""
    from winnow.reporting.render import render_claims

    render_claims(cells, sweep, papers, output, settings.scale, choice)


@verb("cells", "sweep", "papers", "output", optional=("leakage",), settings=RenderSettings)
def leaderboard(
    cells: Path,
    sweep: Path,
    papers: Path,
    output: Path,
    leakage: Path | None,
    threads: int,
    settings: RenderSettings,
) -> None:
    """Render leaderboard, tables and figures from the cells that are finished."""
    from winnow.reporting.render import render

    resampling = (settings.resamples, settings.seed)
    render(cells, sweep, papers, output, settings.scale, *resampling, leakage)


class SiteSettings(sections.Site):
    """How much the site shows, and the scale that it names."""

    scale: Scale


@verb(
    "results",
    "cells",
    "sweep",
    "pool",
    "captions",
    "scores",
    "subsets",
    "generated",
    "output",
    optional=("truth",),
    settings=SiteSettings,
)
def site(
    results: Path,
    cells: Path,
    sweep: Path,
    pool: Path,
    captions: Path,
    scores: Path,
    subsets: Path,
    generated: Path,
    output: Path,
    truth: Path | None,
    threads: int,
    settings: SiteSettings,
) -> None:
    """Write the site: the results as pages that open from disk, with the samples and images."""
    from winnow.reporting.site.build import Sources, build
    from winnow.reporting.site.samples import Folders

    tables = Folders(captions, scores, subsets, truth)
    sources = Sources(results, cells, sweep, pool, tables, generated)
    build(sources, output, settings.scale, settings.samples, threads)
