"""What stands beside mean recall: within-scene metrics, the bound "scene only", scene balance."""

import numpy as np
import pandas as pd
import pytest
from conftest import World
from report_helpers import ROWS, contrastive, rows_of, write_cell, write_sweep

from winnow.data.metrics import read_metrics, write_metrics
from winnow.reporting.cells import cell_folder
from winnow.reporting.emit.csv import csv_text
from winnow.reporting.emit.markdown import markdown_page
from winnow.reporting.leaderboard import leaderboard_table, track_leaderboards_table
from winnow.reporting.leaderboard_page import leaderboard_page, summary
from winnow.reporting.results import load_results
from winnow.reporting.site.leaderboard_tables import curves
from winnow.reporting.track_leaderboards import track_leaderboards
from winnow.reporting.values import EMPTY
from winnow.sources.raw_caption_set import raw_captions
from winnow.sources.settings import Captions
from winnow.tracks.contrastive.figure import contrastive as draw
from winnow.tracks.contrastive.report import sweep_page
from winnow.training.subsets import five_scenes

SKILL = {"none": 0.5, "random": 0.3, "oracle": 0.8, "good": 0.6, "good_scene": 0.7}
BALANCE = {"none": 0.4, "good": 0.5432, "good_scene": 0.4}
ASKED = ROWS[ROWS["metric"] == "image_retrieval_recall@1"]


def run(folder, within=True, floors=None):
    """Results of the methods in SKILL, with what cells say of scenes."""
    rows = pd.concat([ROWS, ASKED.assign(metric="within_scene_auc")]) if within else ROWS
    cells = [contrastive(name, 1.0 if name == "none" else 0.3) for name in SKILL]
    for cell in cells:
        write_cell(folder, cell, SKILL[cell.scorer], rows.reset_index(drop=True))
        path = cell_folder(folder, cell) / "metrics.json"
        record = read_metrics(path)
        counts = {"scenes": 7, "images": 58, "alone": 2, "unknown": 0}
        record.provenance["within_scene"] = counts
        record.provenance["training"]["five_scenes"] = BALANCE.get(cell.scorer)
        write_metrics(path, record.model_copy(update={"floors": floors or {}}))
    write_sweep(folder / "sweep.csv", cells)
    results = load_results(folder, folder / "sweep.csv", "mini", resamples=100)
    return results, track_leaderboards(results)


@pytest.fixture
def shown(tmp_path):
    """A run whose mean recall is hardly above what the scene alone gives."""
    return run(tmp_path, floors={"mean_recall": 0.55, "within_scene_auc": 0.5})


def test_the_bound_stands_among_the_methods_and_has_no_rank(shown, tmp_path):
    results, boards = shown
    (tmp_path / "boards.csv").write_text(csv_text(track_leaderboards_table(results, boards)))
    rows = [r for r in rows_of(tmp_path / "boards.csv") if r["metric"] == "mean_recall"]
    assert [r["scorer"] for r in rows][:6] == [
        "oracle", "good_scene", "good", "scene only", "none", "random",
    ]  # fmt: skip
    bound = rows[3]
    assert (bound["value"], bound["low"], bound["rank"], bound["group"]) == ("0.55", "", "", "")
    assert bound["none"] == bound["best"] == bound["captions"] == ""
    ranks = {r["scorer"]: r["rank"] for r in rows if r["rank"]}
    assert ranks == {"good_scene": "1", "good": "2"}
    page = markdown_page(leaderboard_page(results, boards))
    line = next(line for line in page.splitlines() if "| _scene only_ (bound) |" in line)
    told = ["55.00", EMPTY, EMPTY, "50.00", EMPTY]
    assert line.split(" | ")[6:11] == told
    assert "_scene only_ (bound)" in markdown_page(summary(results, boards))
    zeroshot = [r for r in rows_of(tmp_path / "boards.csv") if r["metric"] == "acc1"]
    assert "scene only" not in {r["scorer"] for r in zeroshot}
    assert {chart["captions"] for chart in curves(results, boards)} == {"raw"}


def test_within_scene_auc_is_a_headline_with_intervals_and_comparisons(shown, tmp_path):
    results, boards = shown
    (tmp_path / "wide.csv").write_text(csv_text(leaderboard_table(results, boards)))
    wide = {row["scorer"]: row for row in rows_of(tmp_path / "wide.csv")}
    good = wide["good"]
    assert float(good["within_scene_auc_low"]) < float(good["within_scene_auc"]) < 1
    assert wide["good"]["five_scenes"] == "0.5432" and wide["random"]["five_scenes"] == ""
    board = next(b for b in boards if b.headline.key == "within_scene_auc")
    compared = {row.method.scorer: row.to_base for row in board.rows}
    assert compared["oracle"].significant and compared["oracle"].value.estimate > 0


def test_the_pages_show_balance_and_what_is_left_out(shown):
    results, boards = shown
    page = markdown_page(leaderboard_page(results, boards))
    line = next(line for line in page.splitlines() if "| good | 30 %" in line)
    assert line.endswith("| 54.32 % |") and "| in five scenes |\n" in page
    sweep = markdown_page(sweep_page(results))
    assert "## Within-scene AUC by keep ratio" in sweep
    assert "Measured on 58 test images of 7 scenes; left out are 2 alone in their scene." in sweep
    panels = draw(results).axes[:3]
    names = [{line.get_label() for line in axes.lines} for axes in panels]
    assert ["scene only (bound)" in found for found in names] == [True, True, False]


def test_without_scenes_the_metric_is_absent_by_name(tmp_path):
    results, boards = run(tmp_path, within=False)
    page = markdown_page(leaderboard_page(results, boards))
    assert "Not measured in this run: within-scene AUC." in page and "(bound)" not in page
    assert "Not measured: no scene is known of two test images." in markdown_page(
        sweep_page(results)
    )
    assert len([axes for axes in draw(results).axes if axes.get_xlabel()]) == 2


def test_the_share_of_the_five_most_frequent_scenes():
    scenes = [*"aaaabbbccdefg", None]
    samples = pd.DataFrame({"uid": [f"u{i}" for i in range(14)], "scene": scenes})
    pairs = pd.DataFrame({"uid": samples["uid"].tolist() + ["u0"] * 6})
    assert five_scenes(pairs, samples) == (10 + 3 + 2 + 1 + 1) / 20
    assert five_scenes(pairs, samples.assign(scene=None)) is None


@pytest.mark.parametrize("within", [0.0, 1.0])
def test_mismatches_of_raw_are_of_the_scenes_that_are_asked_for(world: World, within: float):
    asked = {"noise": {"mismatch": 1.0}, "per_image": 1, "mismatch_within": within}
    layouts = pd.DataFrame({"uid": [], "rule_caption": []})
    scene = dict(zip(world.samples["uid"], world.samples["scene"], strict=True))
    told = world.human.groupby("text")["uid"].agg(lambda uids: {scene[uid] for uid in uids})
    raw, kinds = raw_captions(world.samples, world.human, layouts, Captions(**asked))
    same = [scene[uid] in told[text] for uid, text in zip(raw["uid"], raw["text"], strict=True)]
    pool = world.of("pool")["scene"].value_counts()
    rivals = np.array([pool[scene[uid]] > 1 for uid in raw["uid"]])
    assert set(kinds["kind"]) == {"mismatch"} and rivals.sum() > 10
    assert abs(np.mean(np.array(same)[rivals]) - within) < 0.1
    nameless = world.samples.assign(scene=None)
    with pytest.raises(Exception, match=r"captions\.mismatch_within: .*no image .*has a scene"):
        raw_captions(nameless, world.human, layouts, Captions(**asked))
