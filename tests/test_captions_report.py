"""Reports on caption sets from synthetic cells: their quality, MpGI's tables, the other reports."""

import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from report_helpers import (
    Cell,
    captioning,
    contents,
    contrastive,
    damage,
    render,
    rows_of,
    write_captions,
    write_cell,
    write_sweep,
)

from winnow.captioning.perspectives import load_perspectives
from winnow.command.line import main
from winnow.evaluation.statistics import group_difference, holm
from winnow.reporting.caption_sets import MEANINGS, in_order, main_set, meanings
from winnow.reporting.cells import cell_folder
from winnow.reporting.emit.markdown import markdown
from winnow.reporting.papers import load_paper
from winnow.reporting.results import load_results
from winnow.reporting.settings import Page, RenderSettings
from winnow.reporting.values import EMPTY, GAINS, NUMBER, Value
from winnow.tracks.captioning import figure as caption_figure
from winnow.tracks.captioning.page import captions as render_captions
from winnow.tracks.detection.page import detection

WORKFLOW = Path(__file__).parents[1] / "workflow"
PAPERS = WORKFLOW / "papers"
QUALITY = {  # in the order of a sweep, which is not that of the tables
    "raw": 0.5,
    "human": 0.95,
    "mllm_objects": 0.6,
    "mllm_layout": 0.6,
    "mllm": 0.6,
    "integrated": 0.9,
    "loop": 0.85,
}
ORDER = ["human", "mllm_objects", "mllm_layout", "mllm", "integrated", "loop", "raw"]


def planned():
    cells = [contrastive(scorer, 1.0) for scorer in ("pretrained", "none")]
    cells += [contrastive(s, ratio) for s in ("random", "oracle", "clip") for ratio in (0.1, 0.3)]
    cells += [contrastive("none", 1.0, captions=name) for name in QUALITY if name != "raw"]
    cells += [contrastive("clip", captions="mllm"), contrastive("random", captions="mllm")]
    cells += [
        Cell(track="detection", captions=captions, scorer=scorer, ratio=1.0, seed=0)
        for captions in ("raw", "mllm")
        for scorer in ("random", "clip")
    ]
    return cells + [captioning(name) for name in QUALITY]


@pytest.fixture(scope="session")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("artifacts")
    for cell in planned():
        if cell.track == "captioning":
            per_image = 2 if cell.captions == "mllm" else 1
            write_captions(
                folder / "cells", cell.captions, QUALITY[cell.captions], per_image=per_image
            )
        else:
            write_cell(folder / "cells", cell, 0.2 + QUALITY[cell.captions] / 2)
    write_sweep(folder / "sweep.csv", planned())
    return folder


@pytest.fixture(scope="session")
def results(written):
    folder = written / "results"
    render_captions(
        written / "cells", written / "sweep.csv", folder, None, RenderSettings(scale="mini")
    )
    render(written / "cells", written / "sweep.csv", PAPERS, folder, "mini", resamples=100)
    detection(written / "cells", written / "sweep.csv", folder, None, Page(scale="mini"))
    return folder


@pytest.fixture
def pair(tmp_path):
    """A sweep of two caption sets that tests may damage."""
    for name in ("human", "loop"):
        write_captions(tmp_path / "cells", name, QUALITY[name], images=40)
    write_sweep(tmp_path / "sweep.csv", [captioning("human"), captioning("loop")])
    return tmp_path


def reported(folder):
    """Render the caption report of a folder of cells; its Markdown."""
    asked = RenderSettings(scale="smoke")
    render_captions(folder / "cells", folder / "sweep.csv", folder / "results", None, asked)
    return (folder / "results" / "captions.md").read_text(encoding="utf-8")


def table(markdown, heading):
    """The cells of the rows below a heading."""
    part = markdown.split(f"## {heading}\n")[1].split("\n## ")[0]
    lines = [line for line in part.splitlines() if line.startswith("| ")]
    return [re.split(r" (?<!\\)\| ", line[2:-2]) for line in lines]


def test_two_renders_give_equal_bytes(written, results, tmp_path):
    asked = RenderSettings(scale="mini")
    render_captions(written / "cells", written / "sweep.csv", tmp_path, None, asked)
    found = contents(tmp_path)
    expected = {"captions.csv", "captions.md", "captions_differences.csv"}
    assert set(found) == expected | {f"figures/captions.{kind}" for kind in ("svg", "png")}
    assert all(found[name] == (results / name).read_bytes() for name in found)


def test_each_set_is_a_row_with_intervals(written, results):
    rows = rows_of(results / "captions.csv")
    assert [row["caption_set"] for row in rows] == ORDER
    for row in rows:
        path = cell_folder(written / "cells", captioning(row["caption_set"])) / "metrics.json"
        record = json.loads(path.read_text(encoding="utf-8"))
        assert float(row["object_recall"]) == pytest.approx(
            record["metrics"]["object_recall"], 1e-5
        )
        assert float(row["object_recall_low"]) < float(row["object_recall_high"])
        assert row["vocabulary"] == "640" and row["vocabulary_low"] == row["note"] == ""
    shown = (results / "captions.md").read_text(encoding="utf-8")
    truth, made = table(shown, "How good are the captions?"), table(shown, "What are they made of?")
    assert [row[0] for row in truth[2:]] == [markdown(name) for name in ORDER]
    sizes = {row[0]: row[1:4] for row in made[2:]}
    assert sizes["mllm"] == ["200", "400", "2"] and sizes["loop"] == ["200", "200", "1"]


def test_the_best_is_bold_whichever_direction_is_better(results):
    shown = (results / "captions.md").read_text(encoding="utf-8")
    header, _, *body = table(shown, "How good are the captions?")
    rows = rows_of(results / "captions.csv")
    for name, metric, direction in (
        ("object recall ↑", "object_recall", max),
        ("hallucination ↓", "hallucination_rate", min),
    ):
        values = [float(row[metric]) for row in rows]
        bold = [row[header.index(name)].startswith("**") for row in body]
        assert bold == [value == direction(values) for value in values]


def test_differences_have_a_word_and_a_corrected_p(results):
    rows = rows_of(results / "captions_differences.csv")
    keys = [(row["a"], row["b"], row["metric"]) for row in rows]
    both = ("object_recall", "hallucination_rate")
    assert keys == [
        *(("loop", b, m) for b in ("mllm", "mllm_layout") for m in ("evaluator_score", both[1])),
        *(("integrated", b, m) for b in ("mllm_objects", "mllm_layout", "mllm") for m in both),
        *((a, "human", "evaluator_score") for a in ORDER[1:]),
    ]
    assert [float(row["p_holm"]) for row in rows] == pytest.approx(
        holm([float(row["p"]) for row in rows]), rel=1e-4
    )
    found = dict(zip(keys, rows, strict=True))
    fewer = found["loop", "mllm", "hallucination_rate"]
    assert float(fewer["difference"]) < 0 and fewer["verdict"] == "better"
    assert float(fewer["low"]) < float(fewer["difference"]) < float(fewer["high"])
    assert found["integrated", "mllm", "object_recall"]["verdict"] == "better"
    assert found["raw", "human", "evaluator_score"]["verdict"] == "worse"
    assert all(row["images"] == "200" and row["reason"] == "" for row in rows)
    shown = table((results / "captions.md").read_text(encoding="utf-8"), "Differences")
    assert [row[3] for row in shown[2:]] == [row["verdict"] for row in rows]
    points = float(fewer["difference"]) * 100
    assert any(row[:2] == ["loop", "mllm"] and f"{points:+.2f} (" in row[4] for row in shown)


def test_sets_of_equal_quality_do_not_differ_significantly(tmp_path):
    write_captions(tmp_path / "cells", "human", 0.5)
    write_captions(tmp_path / "cells", "loop", 0.5)
    write_sweep(tmp_path / "sweep.csv", [captioning("human"), captioning("loop")])
    assert "| no significant difference |" in reported(tmp_path)


def test_a_missing_set_says_why_and_an_unplanned_one_is_left_out(tmp_path, capsys):
    for name in ("human", "mllm"):
        write_captions(tmp_path / "cells", name, QUALITY[name], images=40)
    write_sweep(tmp_path / "sweep.csv", [captioning(n) for n in ("human", "mllm", "loop")])
    shown = reported(tmp_path)
    assert capsys.readouterr().out == "captioning/loop/none/1.0/0: not run\n"
    rows = rows_of(tmp_path / "results" / "captions_differences.csv")
    told = {(row["a"], row["b"]): (row["reason"], row["verdict"]) for row in rows}
    assert told["loop", "mllm"] == told["loop", "human"] == ("loop: not run", "")
    assert told["mllm", "human"][0] == "" and {a for a, _ in told} == {"loop", "mllm"}
    assert "- \\[1\\] loop: not run\n- loop: not run\n" in shown
    (loop,) = [
        r for r in rows_of(tmp_path / "results" / "captions.csv") if r["caption_set"] == "loop"
    ]
    assert loop["note"] == "not run" and loop["images"] == ""


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda r: r["metrics"].update(object_recall=0.99), "its outcomes give"),
        (lambda r: r["metrics"].update(self_bleu=float("nan")), "self_bleu"),
        (lambda r: r["cell"].update(captions="mllm"), "its place is that of"),
    ],
)
def test_edited_cells_are_refused_everywhere(pair, capsys, change, told):
    damage(cell_folder(pair / "cells", captioning("loop")) / "metrics.json", change)
    shown = reported(pair)
    assert told in capsys.readouterr().out and "refused" in shown and str(pair) not in shown
    assert table(shown, "What are they made of?")[3][1:] == [EMPTY] * 9
    render(pair / "cells", pair / "sweep.csv", PAPERS, pair / "results", "smoke", resamples=100)
    rows = rows_of(pair / "results" / "tables" / "mpgi" / "human.csv")
    assert told in {row["captions"]: row["reason"] for row in rows}["loop"]


@pytest.mark.parametrize("name", ["metrics.json", "outcomes.parquet"])
def test_truncated_files_are_refused(pair, name):
    path = cell_folder(pair / "cells", captioning("loop")) / name
    path.write_bytes(path.read_bytes()[:-40])
    assert "- loop: refused: captioning/loop/none/1.0/0" in reported(pair)
    path.unlink()
    assert re.search(r"- loop: (not run\n|refused: .* no such table; snakemake )", reported(pair))


def test_a_pool_without_truth(tmp_path):
    for name in ("human", "mllm", "loop"):
        write_captions(tmp_path / "cells", name, QUALITY[name], truth=False, images=40)
    write_sweep(tmp_path / "sweep.csv", [captioning(n) for n in ("human", "mllm", "loop")])
    shown = reported(tmp_path)
    assert "The truth about these images is not known" in shown
    assert "loop: this metric was not measured" in shown
    rows = rows_of(tmp_path / "results" / "captions_differences.csv")
    assert [row["metric"] for row in rows if row["verdict"]] == ["evaluator_score"] * 3


def test_no_cell_has_run(tmp_path):
    for cells in ([captioning("human")], []):
        write_sweep(tmp_path / "sweep.csv", cells)
        assert "## Differences" in reported(tmp_path)
    assert Image.open(tmp_path / "results" / "figures" / "captions.png").width > 500


def test_hostile_names_are_escaped(tmp_path):
    name = "mllm_a|b <script>$&%#*`[x]"
    for captions in ("human", "integrated", name):
        write_captions(tmp_path / "cells", captions, 0.6, images=40)
    cells = [captioning("human"), captioning("integrated"), captioning(name)]
    missing = [captioning(name + "2"), contrastive("none", 1.0, captions=name)]
    write_sweep(tmp_path / "sweep.csv", cells + missing)
    shown = reported(tmp_path)
    escaped = r"mllm\_a\|b &lt;script&gt;\$&amp;%\#\*\`\[x\]"
    assert "<script>" not in shown and f"| {escaped} |" in shown and f"- {escaped}2: not" in shown
    for part in ("How good are the captions?", "What are they made of?", "Differences"):
        assert len({len(row) for row in table(shown, part)}) == 1
    names = {row["caption_set"] for row in rows_of(tmp_path / "results" / "captions.csv")}
    assert name in names
    svg = (tmp_path / "results" / "figures" / "captions.svg").read_bytes()
    assert b"<script>" not in svg and ET.fromstring(svg).tag.endswith("svg")


def test_the_figures_are_pictures(results):
    for name in ("captions", "contrastive", "detection"):
        image = Image.open(results / "figures" / f"{name}.png")
        assert image.width > 500 and len(np.unique(np.asarray(image.convert("L")))) > 20


@pytest.mark.parametrize(("asked", "drawn"), [(100, 4000), (5000, 5000)])
def test_differences_are_drawn_as_often_as_asked_and_as_p_needs(pair, asked, drawn):
    settings = RenderSettings(scale="mini", resamples=asked, seed=1)
    render_captions(pair / "cells", pair / "sweep.csv", pair / "results", None, settings)
    rows = {row["metric"]: row for row in rows_of(pair / "results" / "captions_differences.csv")}
    tables = [
        pd.read_parquet(cell_folder(pair / "cells", captioning(name)) / "outcomes.parquet")
        for name in ("loop", "human")
    ]
    expected = group_difference(*tables, "evaluator_score", drawn, seed=1)
    found = [float(rows["evaluator_score"][key]) for key in ("difference", "low", "high", "p")]
    assert found == pytest.approx(expected, rel=1e-4)


def test_the_verb(pair, same_environment):
    words = ["--cells", str(pair / "cells"), "--sweep", str(pair / "sweep.csv")]
    words += ["--output", str(pair / "out"), "--threads", "1"]
    assert main(["captions", *words, "--scale=mini", "--seed=3"]) == 0
    assert (pair / "out" / "captions.md").read_text().startswith("# Caption sets (scale `mini`)")
    assert main(["captions", *words, "--scale=huge"]) == 2


# MpGI's tables


def mpgi(results, name):
    return {row["row"]: row for row in rows_of(results / "tables" / "mpgi" / f"{name}.csv")}


def test_numbers_are_shown_as_they_are_and_shares_in_per_cent(results):
    row = mpgi(results, "statistics")["HQRS-IT-210K"]
    assert row["published: Captions, about"] == "1300000" and row["measured: Captions"] == "400"
    assert 10 < float(row["measured: Words per caption"]) < 14
    sets = {row["caption_set"]: row for row in rows_of(results / "captions.csv")}
    human = mpgi(results, "human")["Human captions"]
    assert float(human["measured: Evaluator score"]) == pytest.approx(
        float(sets["human"]["evaluator_score"]), rel=1e-4
    )
    assert float(human["measured: Object recall"]) == pytest.approx(
        100 * float(sets["human"]["object_recall"]), abs=0.006
    )
    for kind in ("md", "tex"):
        shown = (results / "tables" / "mpgi" / f"statistics.{kind}").read_text(encoding="utf-8")
        assert "1,300,000" in shown and "0.4375" in shown and "43.75" not in shown
        assert "counts and scores as they are" in shown
        assert markdown("Measured with evaluator_clip on") in shown or kind == "tex"
    scores = (results / "tables" / "scorers" / "table2.md").read_text(encoding="utf-8")
    assert "Per cent, with 95 % bootstrap" in scores and "as they are" not in scores


def test_a_table_may_measure_two_tracks(written, results, tmp_path):
    row = mpgi(results, "ablation")["Integrated"]
    assert float(row["measured: mR"]) > 1 and float(row["measured: Object recall"]) > 1
    kept = [cell for cell in planned() if cell != captioning("integrated")]
    write_sweep(tmp_path / "sweep.csv", kept)
    render(written / "cells", tmp_path / "sweep.csv", PAPERS, tmp_path, "mini", resamples=100)
    row = mpgi(tmp_path, "ablation")["Integrated"]
    assert row["measured: Object recall"] == "" and float(row["measured: mR"]) > 1
    assert row["reason"] == "not run: captions integrated are not in this sweep"
    shown = (tmp_path / "tables" / "mpgi" / "ablation.md").read_text(encoding="utf-8")
    assert re.search(r"- \\\[\d\\\] not run: captions integrated", shown)
    write_sweep(tmp_path / "sweep.csv", [cell for cell in kept if cell.track != "captioning"])
    render(written / "cells", tmp_path / "sweep.csv", PAPERS, tmp_path, "mini", resamples=100)
    reasons = {row["reason"] for row in mpgi(tmp_path, "statistics").values()}
    assert reasons == {"not run: track captioning is not in this sweep"}


def test_unknown_published_values_are_empty_with_their_reason(results):
    for name in ("ablation", "human"):
        assert {
            row[key] for row in mpgi(results, name).values() for key in row if "publ" in key
        } == {""}
        shown = (results / "tables" / "mpgi" / f"{name}.md").read_text(encoding="utf-8")
        assert f"| {EMPTY} \\[1\\] |" in shown.split("## Measured")[0]
        assert "- \\[1\\] not found: " in shown


def test_the_ablation_has_every_perspective():
    rows = load_paper(PAPERS / "mpgi.yaml").tables["ablation"].rows
    sets = [row.cell.captions for row in rows if row.cell]
    known = load_perspectives(WORKFLOW / "perspectives.yaml").perspectives
    assert sets == [*(f"mllm_{name}" for name in known), "relay", "mllm", "integrated"]


def test_units_of_published_values(written, tmp_path):
    paper = yaml.safe_load((PAPERS / "mpgi.yaml").read_text(encoding="utf-8"))
    small = paper["tables"]["statistics"]
    small["columns"] = [
        {"key": "a", "label": "A"},
        {"key": "b", "label": "B", "unit": "number"},
        {"key": "c", "label": "C", "unit": "number", "mean": ["b"]},
    ]
    small["rows"] = [{"label": "x", "published": [12.5, 1.25], "not_run": "no"}]
    small["measured"] = [{"metric": "object_recall", "label": "R"}]
    paper["tables"] = {"small": small}
    (tmp_path / "p.yaml").write_text(yaml.safe_dump(paper), encoding="utf-8")
    render(written / "cells", written / "sweep.csv", tmp_path, tmp_path, "mini", resamples=100)
    row = mpgi(tmp_path, "small")["x"]
    assert [row[f"published: {c}"] for c in "ABC"] == ["12.50", "1.25", "1.25"]
    assert "| x | 12.50 | 1.25 | 1.25 |" in (tmp_path / "tables/mpgi/small.md").read_text("utf-8")


# the other reports


def test_the_leaderboard_compares_within_a_set(results):
    board = {
        (r["captions"], r["scorer"], r["ratio"]): r for r in rows_of(results / "leaderboard.csv")
    }
    assert board["human", "none", "1.0"]["difference"] == ""
    clip = board["mllm", "clip", "0.3"]
    gap = float(clip["mean_recall"]) - float(board["mllm", "none", "1.0"]["mean_recall"])
    assert float(clip["difference"]) == pytest.approx(gap, abs=1e-5)
    assert {key for key, row in board.items() if "not in this sweep" in row["note"]} == {
        ("mllm", "oracle", "")
    }
    shown = (results / "leaderboard.md").read_text(encoding="utf-8")
    assert "to `none` (all pairs) of the same caption set" in shown
    assert "Caption sets: `human`, the source's own captions; `mllm_*`, " in shown


def test_the_sweep_shows_all_pairs_of_other_sets(results):
    rows = rows_of(results / "sweep.csv")
    assert ("mllm", "clip") in {(row["captions"], row["scorer"]) for row in rows}
    lines = (results / "sweep.md").read_text(encoding="utf-8").splitlines()
    keys = [line.split(" | ")[:2] for line in lines if line.startswith("| ")][2:]
    assert [k[1] for k in keys if k[0] == "| raw"] == [
        "pretrained",
        "none",
        "random",
        "oracle",
        "clip",
    ]
    assert [k for k in keys if k[0] != "| raw"] == [
        [f"| {markdown(name)}", "none"] for name in ORDER[:-1]
    ]


def test_plots_and_metrics_keep_the_sets_apart(results):
    curves = rows_of(results / "plots" / "contrastive.csv")
    assert {row["captions"] for row in curves} == {"raw"}
    kinds = rows_of(results / "plots" / "detection.csv")
    assert {row["scorer"] for row in kinds} == {"random", "clip", "mllm: random", "mllm: clip"}
    tree = json.loads((results / "metrics.json").read_text(encoding="utf-8"))
    assert set(tree["captioning"]["loop"]) == {
        "object_recall",
        "hallucination_rate",
        "evaluator_score",
    }
    assert set(tree["contrastive"]["mllm"]["clip"]["keep30"]) == {"mean_recall", "acc1"}
    shown = (results / "detection.md").read_text(encoding="utf-8")
    assert "| mllm | clip |" in shown and "judged by the truth" in shown


@given(st.lists(st.one_of(st.sampled_from([*MEANINGS, "mllm_x", "loop_1", "other"]), st.text())))
def test_the_order_of_sets(names):
    found = in_order(names)
    assert sorted(found) == sorted(set(names)) and in_order(found) == found
    known = [name for name in MEANINGS if "*" not in name]
    assert [n for n in found if n in known] == [n for n in known if n in names]
    assert meanings(names) == meanings(found)


def test_the_main_set():
    assert main_set(["human", "raw"]) == "raw" and main_set(["b", "a"]) == "b"
    assert main_set([]) == meanings(["other"]) == ""


def test_the_figure_has_a_named_point_for_each_set(tmp_path):
    for name in ("human", "mllm"):
        write_captions(tmp_path / "cells", name, QUALITY[name], images=40)
    write_sweep(tmp_path / "sweep.csv", [captioning("human"), captioning("mllm")])
    read = load_results(tmp_path / "cells", tmp_path / "sweep.csv", "mini", resamples=100)
    (axes,) = caption_figure.captions(read).axes
    points = {tuple(bars.lines[0].get_xydata()[0].round(6)) for bars in axes.containers}
    metrics = (caption_figure.HALLUCINATION, caption_figure.RECALL)
    values = {
        text.get_text(): tuple(round(100 * read.value(method, m).estimate, 6) for m in metrics)
        for method, text in zip(read.expected("captioning"), axes.texts, strict=True)
    }
    assert points == set(values.values()) and set(values) == {"human", "mllm"}


def test_numbers():
    cases = {
        None: EMPTY,
        0.0: "0",
        0.5: "0.5000",
        12.0: "12",
        12.345: "12.35",
        1.3e6: "1,300,000",
    }
    assert {value: NUMBER(value) for value in cases} == cases
    assert NUMBER(float("nan")) == EMPTY
    assert NUMBER(Value(2.5, 2.0, 3.25)) == "2.50 (2.00 to 3.25)"
    assert NUMBER(Value(0.0125, -0.5, 0.5)) == "0.0125 (-0.5000 to 0.5000)"


def test_differences_have_a_sign_and_say_where_they_have_no_interval():
    assert GAINS["points"](Value(0.0745, 0.05, 0.1)) == "+7.45 points (+5.00 to +10.00)"
    assert GAINS["change"](Value(-0.5, -0.6, 0.1)) == "-50.00 % (-60.00 to +10.00)"
    assert GAINS["number"](Value(0.0125)) == "+0.0125 (no interval)"
