"""DVC over Snakemake: DVC decides by stage, Snakemake by cell, and both give the same tables."""

import json
import os
import re
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml
from workflow_helpers import ROOT, Clone, clone, shrink

from winnow.data.images import encode_png
from winnow.tracks.registry import TRACKS

STAGES = ("data", "cells", "results")
OF_THE_RUN = (".snakemake_timestamp", "cost.json", "cost.csv")  # which .dvcignore names
NEW_CELLS = 2  # of `random` and `oracle`, at a keep ratio that no run had


COLUMNS = {"detection": ["kind", "average_precision", "scorer", "captions"]} | {
    track.name: ["ratio", *(head.key for head in track.headlines), "scorer", "captions"]
    for track in TRACKS
    if track.by_ratio
}


def stages() -> dict:
    return yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]


def plots() -> dict[str, dict]:
    """The plots by title, or by path where they are pictures."""
    found: dict[str, dict] = {}
    for entry in yaml.safe_load((ROOT / "dvc.yaml").read_text())["plots"]:
        found |= {entry: {}} if isinstance(entry, str) else entry
    return found


@pytest.fixture(scope="module")
def reproduced(smoke: Clone, state: Path, tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """A clone after `dvc repro` with `shrink`'s parameters, committed as a user would."""
    made = clone(tmp_path_factory.mktemp("dvc") / "clone", state)
    made.change(shrink)
    made.commit()
    text = made.expect("dvc", "repro").text
    assert [name for name in STAGES if f"Running stage '{name}'" in text] == list(STAGES)
    made.commit()
    return made


def plain(made: Clone, folder: Path, state: Path, ratio: float) -> dict[str, bytes]:
    """What Snakemake alone gives at a keep ratio, in a clone of its own."""
    other = clone(folder, state)
    other.change(shrink)
    text = other.snakemake("--config", f"ratio={ratio}").text
    assert "Moving output file" not in text, "the same jobs, so all of them are in the cache"
    return other.results()


def trained(text: str) -> int:
    """How many trainings a run did not find in the cache."""
    return len(re.findall(r"Moving output file artifacts/models/contrastive/", text))


# dvc.yaml itself


def test_stages_follow_all_that_their_jobs_read() -> None:
    for name, stage in stages().items():
        assert stage["cmd"].startswith("snakemake --cores all"), name
        assert {"params.yaml", "Snakefile", "workflow", "src/winnow"} <= set(stage["deps"])


def test_no_link_is_persisted() -> None:
    """DVC would take what stands behind it for unchanged."""
    persisted = {
        path
        for stage in stages().values()
        for out in stage["outs"]
        for path in (out if isinstance(out, dict) and "persist" in str(out) else ())
    }
    assert persisted == {"results"}  # the only outputs that no cache keeps


def test_plots_name_their_axes_and_columns_that_are_there() -> None:
    drawn = {name: plot for name, plot in plots().items() if plot}
    for name, plot in drawn.items():
        ((path, column),) = plot["y"].items()
        assert {plot["x"], column, "scorer"} <= set(COLUMNS[Path(path).stem]), name
        assert plot["x_label"] and plot["y_label"] and path.startswith("results/plots/")
        template = json.loads((ROOT / f".dvc/plots/{plot['template']}.json").read_text())
        assert template["encoding"]["color"]["field"] == "scorer"
    assert {Path(path).stem for plot in drawn.values() for path in plot["y"]} == set(COLUMNS)


def test_plots_are_drawn_from_tables_and_pictures(tmp_path: Path) -> None:
    """By DVC alone, in a folder without git: titles, axes and values are in its page."""
    listed = yaml.safe_load((ROOT / "dvc.yaml").read_text())["plots"]
    (tmp_path / "dvc.yaml").write_text(yaml.safe_dump({"plots": listed}))
    cache = {"DVC_NO_ANALYTICS": "1", "DVC_SITE_CACHE_DIR": str(tmp_path / "cache")}
    made = Clone(tmp_path, os.environ | cache)
    dvc = (sys.executable, "-m", "dvc")
    made.expect(*dvc, "init", "--no-scm", "--quiet")
    shutil.copytree(ROOT / ".dvc/plots", tmp_path / ".dvc/plots", dirs_exist_ok=True)
    (tmp_path / "results/plots").mkdir(parents=True)
    (tmp_path / "results/figures").mkdir()
    words = {"scorer": "sieve", "captions": "raw", "kind": "count"}
    for track, columns in COLUMNS.items():
        rows = [columns, *([words.get(name, value) for name in columns] for value in ("0.25", "1"))]
        text = "".join(",".join(row) + "\n" for row in rows)
        (tmp_path / f"results/plots/{track}.csv").write_text(text)
    for name in (name for name, plot in plots().items() if not plot):
        (tmp_path / name).write_bytes(encode_png(np.zeros((4, 4, 3), np.uint8)))
    made.expect(*dvc, "plots", "show", "--out", "page")
    page = (tmp_path / "page/index.html").read_text()
    for name, plot in plots().items():
        assert (f'"title": "{name}"' if plot else Path(name).name) in page, name
        for label in filter(None, (plot.get("x_label"), plot.get("y_label"))):
            assert f'"title": "{label}"' in page
    assert page.count('"scorer": "sieve"') == 2 * len([plot for plot in plots().values() if plot])


def test_metrics_know_every_track() -> None:
    assert all(any(metric.recorded for metric in track.metrics) for track in TRACKS)


# what a user does


def test_repro_with_nothing_changed_runs_nothing(reproduced: Clone) -> None:
    result = reproduced.expect("dvc", "repro")
    print(f"dvc repro, warm: {result.seconds:.1f} s")
    assert "Data and pipelines are up to date" in result.text
    assert "Running stage" not in result.text
    assert "Nothing to be done" in reproduced.snakemake().text


def test_dvc_looks_into_every_output(reproduced: Clone) -> None:
    """A link to a folder would be recorded as an empty folder, whatever it holds."""
    lock = yaml.safe_load((reproduced.folder / "dvc.lock").read_text())["stages"]
    for stage in lock.values():
        for out in stage["outs"]:
            path = reproduced.folder / out["path"]
            if path.is_dir():
                files = (p.relative_to(path) for p in path.rglob("*") if p.is_file())
                names = [p.name for p in files if p.parts[0] != "site"]
                seen = [name for name in names if not name.endswith(OF_THE_RUN)]
                assert out["nfiles"] == len(seen) > 0, out["path"]


def test_metrics_params_and_plots_have_something_to_show(reproduced: Clone) -> None:
    shown = json.loads(reproduced.expect("dvc", "metrics", "show", "--json").text)
    metrics = shown[""]["data"]["results/metrics.json"]["data"]
    assert 0 <= metrics["contrastive"]["raw"]["oracle"]["keep30"]["mean_recall"] <= 1
    assert 0 <= metrics["detection"]["raw"]["oracle"]["average_precision"] <= 1
    assert metrics["generation"]["raw"]["none"]["keep100"]["fid"] > 0
    assert 0 <= metrics["segmentation"]["raw"]["real"]["keep100"]["real/100/macc"] <= 1
    reproduced.expect("dvc", "plots", "show", "--out", "plots")
    page = (reproduced.folder / "plots/index.html").read_text()
    shutil.rmtree(reproduced.folder / "plots")
    for name, plot in plots().items():
        planned = plot or (reproduced.folder / name).exists()  # no picture without cells
        assert not planned or Path(name).name in page, name


def test_experiment_in_the_workspace_runs_only_what_the_ratio_needs(
    reproduced: Clone, tmp_path: Path, state: Path
) -> None:
    text = reproduced.expect("dvc", "exp", "run", "-S", "ratio=0.6").text
    assert trained(text) == NEW_CELLS
    assert not re.search(r"Moving output file artifacts/(pool|captions|scores)", text)
    difference = json.loads(reproduced.expect("dvc", "params", "diff", "--json").text)
    assert difference == {"params.yaml": {"ratio": {"old": 0.3, "new": 0.6, "diff": 0.3}}}
    assert reproduced.results() == plain(reproduced, tmp_path / "plain", state, 0.6)
    reproduced.git("checkout", "--quiet", "--", ".")
    reproduced.expect("dvc", "checkout")
    assert reproduced.expect("dvc", "status").text.strip().endswith("up to date.")


def test_experiment_in_a_temporary_folder_uses_the_same_cache(
    smoke: Clone, tmp_path: Path, state: Path
) -> None:
    """From a clone in which nothing ran: DVC pulls the stand-ins inside a stage of its own."""
    made = clone(tmp_path / "clone", state)
    made.change(shrink)
    made.commit()
    text = made.expect("dvc", "exp", "run", "--temp", "--name", "trial", "-S", "ratio=0.7").text
    assert trained(text) == NEW_CELLS
    assert "Moving output file artifacts/scores" not in text
    assert not (made.folder / "artifacts").exists()
    expected = plain(made, tmp_path / "plain", state, 0.7)
    made.expect("dvc", "exp", "apply", "trial")
    site = {name for name in expected if name.startswith("site/")}  # DVC does not version it
    assert made.results() == {name: expected[name] for name in expected.keys() - site}
