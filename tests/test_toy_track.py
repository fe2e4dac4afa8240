"""A track is a package, a rules file, an include and a section of the parameters: nothing else."""

import csv
import json
from pathlib import Path
from textwrap import dedent

import pytest
from workflow_helpers import Clone, clone, shrink

FILES = {
    "src/winnow/tracks/brevity/__init__.py": '"""The track `brevity`: short captions."""\n',
    "src/winnow/tracks/brevity/settings.py": '''
        """The section `brevity`."""

        from pydantic import Field

        from winnow.params.fields import PositiveInt
        from winnow.tracks.settings import TrackSection


        class Brevity(TrackSection):
            """What a short caption is."""

            words: PositiveInt = Field(description="A caption of no more words is short")
        ''',
    "src/winnow/tracks/brevity/track.py": '''
        """The track `brevity`."""

        from winnow.data.metrics import Cell
        from winnow.tracks.brevity.settings import Brevity
        from winnow.tracks.track import Metric, Track


        def plan(params, own):
            """All pairs, and what the controls keep."""
            for scorer in ("none", "random", "oracle"):
                ratio = 1.0 if scorer == "none" else params.ratio
                yield Cell(track="brevity", captions="raw", scorer=scorer, ratio=ratio, seed=0)


        TRACK = Track(
            name="brevity",
            title="Short captions",
            order=6,
            metrics=(Metric("short", "short captions"),),
            plan=plan,
            page="brevity",
            settings=Brevity,
            outcomes="own",
        )
        ''',
    "src/winnow/tracks/brevity/evaluate.py": '''
        """Command `evaluate-brevity`."""

        from pathlib import Path

        from winnow.command.description import Output, command
        from winnow.evaluation.cell_results import CellSettings
        from winnow.tracks.brevity.settings import Brevity


        class Settings(CellSettings, Brevity):
            """Which cell is measured, what is short, and the intervals."""


        @command
        def evaluate_brevity(captions: Path, subset: Path, output: Output, settings: Settings):
            """Count the short captions of a subset."""
            import pandas as pd

            from winnow.data.provenance import measure_cost
            from winnow.evaluation.cell_results import Measurement, cell_record, write_cell
            from winnow.evaluation.statistics import bootstrap
            from winnow.training.subsets import kept_pairs

            with measure_cost() as cost:
                kept = kept_pairs(subset, captions)
                short = kept["text"].str.split().str.len() <= settings.words
                outcomes = pd.DataFrame(
                    {
                        "metric": "short",
                        "query": kept["uid"] + "/" + kept["caption_id"].astype(str),
                        "group": kept["uid"],
                        "value": short.astype(float),
                    }
                )
                intervals = bootstrap(outcomes, settings.resamples, settings.seed)
            found = Measurement({"short": float(short.mean())}, intervals, {"short": len(kept)}, {})
            told = {"task": "brevity", "model": "none"}
            result = cell_record(settings, found, {"subset": subset}, **told)
            write_cell(output, result, outcomes, cost, len(kept))
        ''',
    "src/winnow/tracks/brevity/page.py": '''
        """Command `brevity`: the track's page."""

        from pathlib import Path

        from winnow.command.description import Output, command
        from winnow.reporting.settings import Page


        @command
        def brevity(
            cells: Path, sweep: Path, output: Output, page: Output | None, settings: Page
        ) -> None:
            """Render how short the kept captions are."""
            from winnow.reporting.dvc import ratio_plot
            from winnow.reporting.emit.files import Report, write_report
            from winnow.reporting.results import load_track_results
            from winnow.reporting.table import Column, Table
            from winnow.reporting.values import PERCENT

            plot = ratio_plot(load_track_results(cells, sweep, settings, "brevity"), "brevity")
            columns = [Column("scorer", "scorer"), Column("short", "short", PERCENT)]
            shown = Table(columns, plot.rows)
            prose = "Those of **few** words, not of <few>."
            page_of = ["# Brevity", "## Which captions are short?", prose, shown]
            report = Report("brevity", page_of, {"brevity": plot}, {})
            write_report(output, page, report)
        ''',
    "workflow/rules/brevity.smk": '''
        # Track `brevity`: how short the captions are that a scorer keeps.


        rule evaluate_brevity:
            input:
                captions="artifacts/captions/raw.parquet",
                subset="artifacts/subsets/raw/{scorer}/{ratio}.parquet",
            output:
                directory("artifacts/cells/brevity/raw/{scorer}/{ratio}/0"),
            log:
                "logs/evaluate_brevity/{scorer}/{ratio}.log",
            cache: "omit-software"
            threads: 1
            params:
                options=lambda wildcards: measuring(
                    {**P.brevity.model_dump(), **STATISTICS}, "brevity", "raw", **wildcards
                ),
            message:
                "counting short captions"
            shell:
                command_text("evaluate-brevity")


        rule brevity:
            input:
                cell_folders("brevity"),
                sweep=SWEEP,
            output:
                "results/brevity.csv",
                "results/brevity.md",
                page=page("brevity"),
            log:
                "logs/brevity.log",
            threads: 1
            params:
                options=settings({"scale": P.scale}),
            message:
                "rendering how short the kept captions are"
            shell:
                render("brevity")
        ''',
}  # fmt: skip
INCLUDE = 'include: "workflow/rules/results.smk"\n'


@pytest.fixture(scope="module")
def made(state: Path, tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """A run of a copy of the repository to which the track was added."""
    found = clone(tmp_path_factory.mktemp("toy") / "clone", state)
    for name, text in FILES.items():
        (found.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (found.folder / name).write_text(dedent(text).lstrip("\n"))
    path = found.folder / "Snakefile"
    text = path.read_text()
    assert INCLUDE in text
    path.write_text(text.replace(INCLUDE, f'include: "workflow/rules/brevity.smk"\n{INCLUDE}'))
    found.change(shrink)
    found.change(
        lambda content: content.update(brevity={"words": 12}, complete=content.pop("complete"))
    )
    found.snakemake()
    return found


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_a_track_has_its_place_everywhere(made: Clone) -> None:
    results = made.folder / "results"
    page = {row["scorer"]: float(row["short"]) for row in rows(results / "brevity.csv")}
    assert set(page) == {"none", "random", "oracle"} and 0 < page["none"] < 1
    board = {
        row["scorer"]: float(row["value"])
        for row in rows(results / "boards.csv")
        if row["track"] == "brevity" and row["value"]
    }
    assert board == pytest.approx(page)
    leaders = {
        row["scorer"]: float(row["short"])
        for row in rows(results / "leaderboard.csv")
        if row["captions"] == "raw" and row["short"]
    }
    assert leaders == pytest.approx(page)
    metrics = json.loads((results / "metrics.json").read_text())
    recorded = metrics["brevity"]["raw"]
    assert recorded["oracle"] == {"keep30": {"short": round(page["oracle"], 6)}}
    assert "## Short captions" in (results / "leaderboard.md").read_text(encoding="utf-8")
    site = (results / "site/index.html").read_text(encoding="utf-8")
    assert 'data-board="board-brevity-short"' in site and "Short captions" in site
    own = (results / "site/track-brevity.html").read_text(encoding="utf-8")
    assert "<h2>Which captions are short?</h2>" in own and "<strong>few</strong>" in own
    assert "&lt;few&gt;" in own and f"{100 * page['oracle']:.2f}" in own
    assert 'href="track-brevity.html"' in site
    assert "**few**" in (results / "brevity.md").read_text(encoding="utf-8")
    cells = {row["scorer"] for row in rows(results / "cells.csv") if row["track"] == "brevity"}
    assert cells == set(page)


def test_its_section_is_checked_as_any_other(made: Clone) -> None:
    told = made.run("snakemake", "-n", "--config", "brevity={words: 0}")
    assert told.code and "brevity.words" in told.text and "greater than 0" in told.text
