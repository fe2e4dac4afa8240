"""The tables, the report and the figure on score models, from synthetic cells."""

from pathlib import Path

import numpy as np
import pytest
from report_helpers import (
    contents,
    contrastive,
    damage,
    preference,
    render_tables,
    rows_of,
    write_cell,
    write_judge,
    write_preferences,
    write_struck,
    write_sweep,
)

from winnow.data.files import write_json
from winnow.data.metrics import Cell
from winnow.data.tables import OUTCOMES, read_table
from winnow.evaluation.preference import summary
from winnow.evaluation.settings import Statistics
from winnow.reporting.cells import cell_folder, load_cells
from winnow.reporting.method_results import method_of
from winnow.reporting.results import load_results
from winnow.reporting.settings import RenderSettings
from winnow.tracks.preference import figure as score_figure
from winnow.tracks.preference.page import score_models

PAPERS = Path(__file__).parents[1] / "workflow" / "papers"
TABLES = ("table6", "table7", "table8", "table9", "table10", "table12")
SKILL = {
    "score_model": 0.9,
    "score_text": 0.55,
    "score_no_instructions": 0.6,
    "score_no_captions": 0.7,
    "score_joint": 0.85,
    "score_small": 0.8,
    "score_small_softplus": 0.75,
    "score_small_tanh": 0.7,
    "score_small_sigmoid": 0.65,
    "score_rs": 0.85,
    "score_rs_plus": 0.92,
}
DETECTED = {"clip": 0.5, "domain_clip": 0.7, "text": 0.3, "score_model": 0.8, "random": 0.2}


def detection(scorer):
    return Cell(track="detection", captions="raw", scorer=scorer, ratio=1.0, seed=0)


def write_all(folder):
    cells = [preference(name, seed) for name in SKILL for seed in (0, 1)]
    for cell in cells:
        write_preferences(folder / "cells", cell, SKILL[cell.scorer])
    write_judge(folder / "cells", 0.88)
    others = [detection(scorer) for scorer in DETECTED]
    others += [contrastive("pretrained", 1.0), contrastive("none", 1.0)]
    others += [
        contrastive(s)
        for s in ("score_model", "score_small", "score_rs", "siglip", "clip_threshold")
    ]
    others += [contrastive(s, captions="mllm") for s in ("clip", "score_model", "oracle")]
    for cell in others:
        write_cell(folder / "cells", cell, DETECTED.get(cell.scorer, 0.5))
    write_sweep(folder / "sweep.csv", [*cells, preference("judge"), *others])


def run(folder, output="results", scale="mini"):
    cells, sweep, results = folder / "cells", folder / "sweep.csv", folder / output
    render_tables(cells, sweep, PAPERS, results, scale, resamples=100)
    score_models(cells, sweep, results, None, None, RenderSettings(scale=scale, resamples=100))
    return results


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("artifacts")
    write_all(folder)
    return folder


@pytest.fixture(scope="module")
def results(written):
    return run(written)


def table(results, name):
    return {row["row"]: row for row in rows_of(results / "tables" / "scorers" / f"{name}.csv")}


def test_table6_averages_the_seeds(written, results):
    rows = table(results, "table6")
    stages = rows["Three stages"]
    assert stages["published: Mean"] == "92.97"
    means = [
        load_cells(written / "sweep.csv", written / "cells", ["preference"])
        .records[preference("score_model", seed)]
        .metrics["accuracy"]
        for seed in (0, 1)
    ]
    assert float(stages["measured: Mean"]) == pytest.approx(100 * np.mean(means), abs=0.006)
    low, high = (float(stages[f"measured: Mean {end}"]) for end in ("low", "high"))
    assert low < float(stages["measured: Mean"]) < high
    ours = rows["After stage one, text pairs alone"]
    assert ours["ours"] == "yes" and ours["published: Mean"] == "" and ours["measured: Mean"]
    shown = (results / "tables/scorers/table6.md").read_text("utf-8")
    assert "Means over 2 seeds." in shown and "92.97" not in shown.split("## Measured")[1]


def test_table7_shows_the_judge_and_why_a_column_is_empty(results):
    (row,) = table(results, "table7").values()
    assert row["published: Image-caption pairs"] == "90.06"
    assert 80 < float(row["measured: Caption pairs"]) < 95 and row["measured: count"]
    assert row["measured: Instruction pairs"] == "" and "where they are known" in row["reason"]
    shown = (results / "tables/scorers/table7.md").read_text("utf-8")
    assert "The paper asked people; we did not" in shown


def test_tables_8_and_9_put_tracks_side_by_side(results):
    sizes = table(results, "table8")
    assert float(sizes["7B"]["measured: Mean"]) > float(sizes["2B"]["measured: Mean"])
    start = table(results, "table9")["Qwen2-VL"]
    assert start["published: VG-DIOR"] == "55.58" and float(start["measured: Mean of pairs"]) > 80
    assert start["measured: CLIP, 30 % kept: classification Avg @1"]
    assert start["measured: LVLM, 60 % kept: the paper's four columns"] == ""
    assert "no multimodal model is fine-tuned" in start["reason"]
    plus = table(results, "table9")["Qwen2-VL fine-tuned on what ScoreRS keeps"]
    assert (
        plus["measured: Mean of pairs"] and "score_rs_plus is not in this sweep" in plus["reason"]
    )


def test_table10_reads_captions_that_no_person_wrote(results):
    rows = table(results, "table10")
    kept = rows["SkyScript, 30 % by ScoreRS"]
    assert kept["captions"] == "mllm" and kept["published: Avg @5"] == "87.61"
    assert kept["measured: Avg @1"] and rows["CLIP, not fine-tuned"]["captions"] == "raw"
    assert rows["SkyScript, all"]["measured: Avg @1"] == "" and rows["SkyScript, all"]["reason"]
    assert "30 % at random" not in rows  # not planned


def test_a_threshold_tells_how_many_pairs_it_kept(results, tmp_path):
    assert "CLIP-score above LAION's threshold, ? pairs" in table(results, "table12")
    cell = contrastive("clip_threshold")
    write_cell(tmp_path / "cells", cell, 0.5)
    write_sweep(tmp_path / "sweep.csv", [cell])
    record = cell_folder(tmp_path / "cells", cell) / "metrics.json"
    damage(record, lambda r: r["provenance"]["training"]["parameters"].update(pairs=1234))
    assert "CLIP-score above LAION's threshold, 1,234 pairs" in table(run(tmp_path), "table12")


def test_the_report_has_values_and_deviations(written, results):
    rows = rows_of(results / "score_model.csv")
    found = {(row["track"], row["scorer"], row["metric"]): row for row in rows}
    row = found["preference", "score_joint", "accuracy/caption"]
    records = load_cells(written / "sweep.csv", written / "cells", ["preference"]).records
    values = [
        records[preference("score_joint", seed)].metrics["accuracy/caption"] for seed in (0, 1)
    ]
    assert float(row["value"]) == pytest.approx(np.mean(values))
    assert float(row["deviation"]) == pytest.approx(np.std(values, ddof=1), rel=1e-4)
    assert row["seeds"] == "2" and row["n"] == "80" and float(row["low"]) < float(row["high"])
    assert found["preference", "judge", "agreement/count"]["deviation"] == ""
    assert float(found["detection", "score_model", "count/average_precision"]["value"]) == 0.8
    assert ("detection", "random", "average_precision") not in found
    assert all(row["metric"] and not row["note"] for row in rows)
    shown = (results / "score_model.md").read_text("utf-8")
    assert "Means over 2 seeds" in shown and " ± " in shown
    order = [shown.index(f"\n| {name} ") for name in ("clip", "domain\\_clip", "text")]
    assert order == sorted(order)
    assert (
        "score\\_model compared with clip, by their intervals: better: all, count, mismatch."
        in shown
    )


def test_what_is_struck_out_is_marked_and_off_the_figure(written, results, tmp_path):
    struck = {preference(name): 4 for name in ("score_model", "score_small_tanh")}
    write_struck(tmp_path / "leaks.csv", struck)
    cells, sweep = written / "cells", written / "sweep.csv"
    asked = RenderSettings(scale="mini", resamples=100)
    score_models(cells, sweep, tmp_path, None, tmp_path / "leaks.csv", asked)
    shown = (tmp_path / "score_model.md").read_text("utf-8")
    assert "\n| ~~score\\_model~~ |" in shown and "\n| score\\_joint |" in shown
    assert "\n| score\\_model |" in shown  # what it detects was not audited
    reason = "struck out: learned from 4 leaking pairs"
    assert f"- score\\_model: {reason}\n" in shown and "(leakage.md)" in shown
    notes = {(r["track"], r["scorer"]): r["note"] for r in rows_of(tmp_path / "score_model.csv")}
    assert notes["preference", "score_model"] == reason
    assert notes["detection", "score_model"] == notes["preference", "score_joint"] == ""
    assert "~~" not in (results / "score_model.md").read_text("utf-8")
    known = load_results(cells, sweep, "mini", resamples=100)
    figure = score_figure.normalisation(known, {method_of(cell) for cell in struck})
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels == [f"normalisation: {name}" for name in ("none", "softplus", "sigmoid")]


def test_the_figure_draws_losses_and_accuracies(written):
    known = load_results(written / "cells", written / "sweep.csv", "mini", resamples=100)
    left, right = score_figure.normalisation(known).axes
    drawn = {m for m in known.expected("preference") if m.scorer in score_figure.NORMALISATIONS}
    assert len(drawn) == 4
    values = [
        100 * value.estimate
        for method in drawn
        for metric in score_figure.PANELS
        if (value := known.value(method, metric))
    ]
    points = [y for line in right.lines for y in line.get_ydata() if line.get_marker() != "None"]
    assert sorted(points) == pytest.approx(sorted(values)) and values
    curves = [
        line for line in left.lines if line.get_label() in score_figure.NORMALISATIONS.values()
    ]
    assert len(curves) == len(drawn) and all(len(line.get_xdata()) > 10 for line in curves)


def test_the_interval_is_that_of_the_averaged_seeds(written):
    found = load_results(written / "cells", written / "sweep.csv", "mini", resamples=100)
    method = next(m for m in found.expected("preference") if m.scorer == "score_model")
    tables = [
        read_table(cell_folder(written / "cells", cell) / "outcomes.parquet", OUTCOMES)
        for cell in (preference("score_model", seed) for seed in (0, 1))
    ]
    mean = tables[0].assign(value=(tables[0]["value"] + tables[1]["value"]) / 2)
    expected = summary(mean, Statistics(resamples=100))
    for name, value in found.values[method].items():
        assert (value.low, value.high) == pytest.approx(expected.intervals[name])


def test_two_renders_give_equal_bytes(written, results):
    again = contents(run(written, "again"))
    assert [name for name, content in contents(results).items() if again[name] != content] == []


def test_a_run_with_one_recipe_and_none(tmp_path, capsys):
    cells = [preference("score_model"), preference("judge"), detection("clip")]
    write_sweep(tmp_path / "sweep.csv", cells)
    for output in ("empty", "one"):
        found = run(tmp_path, output, "smoke")
        assert all(row["reason"] for name in TABLES for row in table(found, name).values())
        assert (found / "figures/score_normalisation.png").stat().st_size > 1000
        if output == "empty":
            noted = rows_of(found / "score_model.csv")
            assert {row["note"] for row in noted} == {"not run"} and len(noted) == 3
            assert "Not measured here" in (found / "score_model.md").read_text("utf-8")
            write_preferences(tmp_path / "cells", cells[0], 0.8, missing=("caption", "text"))
    rows = table(found, "table6")
    assert rows["Three stages"]["measured: Instruction pairs"]
    assert rows["Three stages"]["measured: Mean"] == ""
    assert "score_joint is not in this sweep" in rows["Joint training"]["reason"]
    assert "After stage one, text pairs alone" not in rows
    assert "One seed" in (found / "score_model.md").read_text("utf-8")
    write_sweep(tmp_path / "sweep.csv", [])
    run(tmp_path, "nothing", "smoke")


def test_a_cell_that_contradicts_its_outcomes_is_refused(tmp_path):
    cell = preference("score_model")
    write_preferences(tmp_path / "cells", cell, 0.8)
    write_sweep(tmp_path / "sweep.csv", [cell])
    place = cell_folder(tmp_path / "cells", cell) / "metrics.json"
    damage(place, lambda r: r["metrics"].update({"accuracy/caption": 1.0}))
    damage(place, lambda r: r["intervals"].pop("accuracy/caption"))
    found = load_results(tmp_path / "cells", tmp_path / "sweep.csv", "mini", resamples=100)
    assert "but its outcomes give" in found.sweep.refusals[cell]


@pytest.mark.parametrize(
    "content",
    [{}, {"losses": None}, {"losses": "x"}, {"losses": [[1, 2], [3]]}, {"losses": [1, None]}, []],
)
def test_a_curve_that_cannot_be_drawn_is_left_out(tmp_path, content):
    cell = preference("score_small")
    write_preferences(tmp_path / "cells", cell, 0.8)
    write_sweep(tmp_path / "sweep.csv", [cell])
    write_json(cell_folder(tmp_path / "cells", cell) / "training.json", content)
    found = load_results(tmp_path / "cells", tmp_path / "sweep.csv", "mini", resamples=100)
    assert score_figure.losses(found.sweep, cell).shape == (0,)
    score_figure.normalisation(found)


def test_smoothing():
    values = np.arange(41.0)
    assert score_figure.smoothed(values)[5:-5] == pytest.approx(values[5:-5])
    assert score_figure.smoothed(np.array([3.0])) == pytest.approx([3.0])
    assert score_figure.smoothed(np.array([])).shape == (0,)
