"""Reports from synthetic cells: what is in them, and what is refused."""

import json
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from PIL import Image
from report_helpers import (
    KINDS,
    ROWS,
    contents,
    contrastive,
    damage,
    queries,
    render,
    render_tables,
    rows_of,
    write_cell,
    write_sweep,
)

from winnow.command.line import main
from winnow.data.errors import WinnowError
from winnow.data.metrics import Cell
from winnow.evaluation.statistics import (
    estimates,
    headline_means,
    paired_difference,
)
from winnow.reporting import figures
from winnow.reporting.cells import cell_folder, load_cells, read_sweep, tidy
from winnow.reporting.emit.csv import csv_text
from winnow.reporting.emit.latex import latex, latex_table
from winnow.reporting.emit.markdown import markdown, markdown_table
from winnow.reporting.papers import load_paper, load_papers
from winnow.reporting.results import load_results
from winnow.reporting.settings import Page
from winnow.reporting.table import Cell as Shown
from winnow.reporting.table import Column, Table, plain
from winnow.reporting.values import EMPTY, GAINS, INDISTINCT, PERCENT, Value
from winnow.tracks.contrastive import figure as contrastive_figure
from winnow.tracks.detection.figure import detection as detection_figure
from winnow.tracks.detection.page import detection

PAPERS = Path(__file__).parents[1] / "workflow" / "papers"
TABLES = {paper.paper: tuple(paper.tables) for paper in load_papers(PAPERS)}
RATIOS = (0.1, 0.3, 0.5)
SKILL = {"none": 0.42, "pretrained": 0.3, "random": 0.42, "oracle": 0.8, "clip": 0.6, "text": 0.5}


def planned():
    cells = [contrastive(scorer, 1.0, seed) for scorer in ("none", "pretrained") for seed in (0, 1)]
    cells += [
        contrastive(s, r, seed)
        for s in ("random", "oracle", "clip", "text")
        for r in RATIOS
        for seed in (0, 1)
    ]
    cells += [
        Cell(track="detection", captions="raw", scorer=s, ratio=1.0, seed=0)
        for s in ("none", "random", "oracle", "clip", "text")
    ]
    return cells


@pytest.fixture(scope="session")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("artifacts")
    for cell in planned():
        write_cell(folder / "cells", cell, SKILL[cell.scorer] - (cell.ratio == 0.1) * 0.1)
    write_sweep(folder / "sweep.csv", planned())
    return folder


@pytest.fixture(scope="session")
def results(written):
    folder = written / "results"
    render(written / "cells", written / "sweep.csv", PAPERS, folder, "mini", resamples=200)
    detection(written / "cells", written / "sweep.csv", folder, None, Page(scale="mini"))
    return folder


@pytest.fixture
def single(tmp_path):
    """A sweep of two cells that tests may damage: (folder, none, clip)."""
    cells = [contrastive("none", 1.0), contrastive("clip")]
    for cell in cells:
        write_cell(tmp_path / "cells", cell, SKILL[cell.scorer])
    write_sweep(tmp_path / "sweep.csv", cells)
    return tmp_path, *cells


def test_everything_is_written(results):
    tables = {
        f"tables/{paper}/{name}.{kind}"
        for paper, names in TABLES.items()
        for name in names
        for kind in ("csv", "md", "tex")
    }
    pictures = {
        f"figures/{name}.{kind}" for name in ("contrastive", "detection") for kind in ("svg", "png")
    }
    others = {
        "leaderboard.csv",
        "leaderboard.md",
        "boards.csv",
        "sweep.csv",
        "sweep.md",
        "detection.csv",
        "detection.md",
        "cells.csv",
        "cost.csv",
        "metrics.json",
        "summary/leaderboard.md",
        "plots/contrastive.csv",
        "plots/detection.csv",
    }
    assert set(contents(results)) == tables | pictures | others


def test_two_renders_give_equal_bytes(written, results, tmp_path):
    moved = tmp_path / "elsewhere"
    moved.mkdir()
    (moved / "cells").symlink_to(written / "cells")
    render(moved / "cells", written / "sweep.csv", PAPERS, moved / "results", "mini", resamples=200)
    asked = Page(scale="mini")
    detection(moved / "cells", written / "sweep.csv", moved / "results", None, asked)
    first, second = contents(results), contents(moved / "results")
    assert [name for name in first if first[name] != second[name]] == []


def test_leaderboard_ranks_and_marks(results):
    board = rows_of(results / "leaderboard.csv")
    ranks = [int(row["rank"]) for row in board if row["rank"]]
    assert ranks == sorted(ranks) and ranks[0] == 1
    assert board[0]["scorer"] == "oracle" and len(board) == 14
    assert all((row["rank"] == "") == (row["control"] == "yes") for row in board)
    controls = {row["scorer"] for row in board if row["control"] == "yes"}
    assert controls == {"none", "random", "oracle", "pretrained"}
    for row in board:
        assert (
            float(row["mean_recall_low"])
            < float(row["mean_recall"])
            < float(row["mean_recall_high"])
        )
        assert row["samples_seen"] == "1200" and row["seeds"] == "2" and row["scale"] == "mini"
    by_place = {(row["scorer"], row["ratio"]): row for row in board}
    clip = by_place["clip", "0.3"]
    assert clip["average_precision"] == "0.6" and clip["distinguishable"] == "yes"
    assert float(clip["p_holm"]) >= float(clip["p"]) and float(clip["difference_low"]) > 0
    assert by_place["none", "1.0"]["difference"] == ""
    assert by_place["random", "0.3"]["distinguishable"] == "no"
    assert "≈" in (results / "leaderboard.md").read_text(encoding="utf-8")
    assert "wall_s" not in board[0] and rows_of(results / "cost.csv")[0]["wall_s"] == "1.5"


def test_values_of_two_seeds_agree_with_the_statistics(written, results):
    cells = written / "cells"
    tables = {
        scorer: [
            pd.read_parquet(
                cell_folder(cells, contrastive(scorer, ratio, seed)) / "outcomes.parquet"
            )
            for seed in (0, 1)
        ]
        for scorer, ratio in (("clip", 0.3), ("none", 1.0))
    }
    means = headline_means(ROWS["metric"])
    expected = paired_difference(
        tables["clip"], tables["none"], "mean_recall", means, resamples=200
    )
    (row,) = [
        r
        for r in rows_of(results / "leaderboard.csv")
        if (r["scorer"], r["ratio"]) == ("clip", "0.3")
    ]
    found = [float(row[key]) for key in ("difference", "difference_low", "difference_high")]
    assert found == pytest.approx(expected[:3], rel=1e-4) and float(row["p"]) < expected.p
    values = [estimates(table, means)["mean_recall"] for table in tables["clip"]]
    assert float(row["mean_recall"]) == pytest.approx(np.mean(values), rel=1e-5)


def test_cells_and_plots(written, results):
    cells = rows_of(results / "cells.csv")
    usable = load_cells(written / "sweep.csv", written / "cells")
    assert len(cells) == len(tidy(usable)) and "digests" not in cells[0]
    assert rows_of(results / "cost.csv")[0]["digests"] == "code=cd pool=ab"
    assert {"value", "low", "high", "n"} <= set(cells[0])
    tree = json.loads((results / "metrics.json").read_text(encoding="utf-8"))
    assert tree["contrastive"]["raw"]["clip"]["keep30"]["mean_recall"] > 0.5
    assert tree["detection"]["raw"]["clip"] == {"average_precision": 0.6, "auroc": 0.6}
    curve = rows_of(results / "plots" / "contrastive.csv")
    assert {row["scorer"] for row in curve} == set(SKILL) and set(curve[0]) >= {
        "ratio",
        "mean_recall",
    }


def test_the_best_ratio_is_bold(results):
    for row in rows_of(results / "sweep.csv"):
        if row["scorer"] in ("clip", "oracle"):
            best = max(RATIOS, key=lambda r, row=row: float(row[repr(r)]))
            assert float(row["best_ratio"]) == best
    swept = [name for name in SKILL if name not in ("none", "pretrained")]
    assert (results / "sweep.md").read_text(encoding="utf-8").count("**") == 2 * len(swept)


def test_table1_shows_both_blocks_apart(results):
    rows = {row["row"]: row for row in rows_of(results / "tables" / "scorers" / "table1.csv")}
    scores = rows["RemoteCLIP data, 30 % by ScoreRS"]
    assert scores["published: Avg @1"] == "70.97" and scores["measured: Avg @1"] == ""
    assert scores["reason"] == "not run: scorer score_model is not in this sweep"
    clip = rows["RemoteCLIP data, 30 % by CLIP-score"]
    assert 0 < float(clip["measured: terra-mixed @1 low"]) < float(clip["measured: terra-mixed @1"])
    assert not [key for key in clip if key.startswith("measured: ") and "NWPU" in key]
    assert rows["30 % by the truth (oracle)"]["published: Avg @1"] == ""
    assert "30 % by rotation" not in rows  # no such cell is planned
    shown = (results / "tables" / "scorers" / "table1.md").read_text(encoding="utf-8")
    published, measured = shown.split("## Measured")
    assert (
        "| 70.97 |" in published
        and "\N{EN DASH} \\[1\\]" in measured
        and "not comparable" in measured
    )
    assert "score\\_model is not in this sweep" in measured


def test_struck_rows_are_marked(written, tmp_path):
    leakage = tmp_path / "leakage.csv"
    head = "track,captions,scorer,ratio,pairs,struck"
    leakage.write_text(f"{head}\ncontrastive,raw,none,1.0,4,yes\n", encoding="utf-8")
    cells, sweep = written / "cells", written / "sweep.csv"
    render(cells, sweep, PAPERS, tmp_path / "r", "mini", 100, leakage=leakage)
    folder = tmp_path / "r" / "tables" / "scorers"
    told = "struck out: learned from 4 leaking pairs"
    marked = [row["row"] for row in rows_of(folder / "table1.csv") if told in row["reason"]]
    assert marked == ["RemoteCLIP data, all"]
    page = (folder / "table1.md").read_text(encoding="utf-8")
    mark = re.search(rf"(\\\[\d\\\]) {told}", page)[1]
    assert f"| {marked[0]} {mark} |" in page and told in (folder / "table1.tex").read_text()


def test_a_struck_ratio_is_no_scorers_best_and_on_no_curve(results, written, tmp_path):
    before = {row["scorer"]: row for row in rows_of(results / "sweep.csv")}["oracle"]
    best = before["best_ratio"]
    leakage = tmp_path / "leakage.csv"
    head = "track,captions,scorer,ratio,pairs,struck"
    leakage.write_text(f"{head}\ncontrastive,raw,oracle,{best},4,yes\n", encoding="utf-8")
    cells, sweep, folder = written / "cells", written / "sweep.csv", tmp_path / "r"
    render(cells, sweep, PAPERS, folder, "mini", 100, leakage=leakage)
    after = {row["scorer"]: row for row in rows_of(folder / "sweep.csv")}["oracle"]
    left = [ratio for ratio in RATIOS if ratio != float(best)]
    assert float(after["best_ratio"]) == max(left, key=lambda ratio: float(after[repr(ratio)]))
    assert after[best] == before[best]  # the value is kept
    page = (folder / "sweep.md").read_text(encoding="utf-8")
    assert page.count("~~") == 2 and "(leakage.md)" in page
    drawn = rows_of(folder / "plots/contrastive.csv")
    assert best not in [row["ratio"] for row in drawn if row["scorer"] == "oracle"]
    assert best in [row["ratio"] for row in drawn if row["scorer"] == "clip"]


@pytest.mark.parametrize("scale", ["mini", "paper"])
def test_tables_name_the_stand_ins_whatever_the_scale(written, tmp_path, scale):
    words = ["leaderboard", f"--cells={written}/cells", f"--sweep={written}/sweep.csv"]
    words += [f"--papers={PAPERS}", f"--output={tmp_path}", f"--scale={scale}", "--resamples=100"]
    pages = [tmp_path / f"tables/scorers/table1.{kind}" for kind in ("md", "tex")]
    assert main([*words, '--standins=["clip", "score_model"]']) == 0
    for page in pages:
        text = page.read_text(encoding="utf-8")
        assert "so these stand-ins' numbers are not" in text
        assert r"Stand-ins: clip, score\_model." in text
    assert main([*words, "--standins=[]"]) == 0
    for page in pages:
        text = page.read_text(encoding="utf-8")
        assert "so these numbers are not" in text and "tand-ins" not in text


def test_tables_warn_of_controls_that_are_out_of_order(tmp_path):
    for scorer, skill in (("random", 0.8), ("oracle", 0.5), ("clip", 0.9)):
        write_cell(tmp_path / "cells", contrastive(scorer), skill)
    write_sweep(tmp_path / "sweep.csv", [contrastive(s) for s in ("random", "oracle", "clip")])
    render(tmp_path / "cells", tmp_path / "sweep.csv", PAPERS, tmp_path / "r", "mini", 100)
    place = tmp_path / "r/tables/scorers"
    rows = {row["row"]: row for row in rows_of(place / "table1.csv")}
    names = ("30 % at random", "30 % by the truth (oracle)")
    lower, upper = (rows[name] for name in names)
    columns = [
        name.removeprefix("measured: ")
        for name in lower
        if name.startswith("measured: ") and not name.endswith((" low", " high"))
        if float(lower[name]) > float(upper[name])
    ]
    told = f"controls out of order: {names[0]} above {names[1]} in {', '.join(columns)}"
    assert columns and lower["reason"] == upper["reason"] == told
    assert "out of order" not in rows["RemoteCLIP data, 30 % by CLIP-score"]["reason"]
    page = (place / "table1.md").read_text(encoding="utf-8")
    assert page.count("> **Warning:** ") == 1 and f"> **Warning:** {told}\n" in page
    assert page.index("## Measured") < page.index(told) < page.index("captions, scorer, keep ratio")
    assert f"\\textbf{{Warning:}} {latex(told)}." in (place / "table1.tex").read_text()


def test_no_table_warns_of_controls_in_order(results):
    pages = [path for path in (results / "tables").rglob("*") if path.is_file()]
    assert pages and not [page for page in pages if "out of order" in page.read_text()]


def test_table2_shows_the_published_and_the_recomputed_average(results):
    for row in rows_of(results / "tables" / "scorers" / "table2.csv"):
        if row["ours"] == "no":
            assert float(row["published: Avg R@5 (recomputed)"]) == pytest.approx(
                float(row["published: Avg R@5 (published)"]), abs=0.011
            )
            gap = float(row["published: Avg R@1 (recomputed)"]) - float(
                row["published: Avg R@1 (published)"]
            )
            assert gap > 3
        if row["scorer"] == "clip":
            parts = [float(row[f"measured: {side} R@1"]) for side in ("T2I", "I2T")]
            assert float(row["measured: Avg R@1"]) == pytest.approx(np.mean(parts), abs=0.011)
            assert float(row["measured: Avg R@1 low"]) < float(row["measured: Avg R@1"])


def test_published_averages_of_table1_recompute():
    table = load_paper(PAPERS / "scorers.yaml").tables["table1"]
    for row in table.rows:
        if row.published:
            top1, top5 = row.published[0:12:2], row.published[1:12:2]
            assert np.mean(top1) == pytest.approx(row.published[12], abs=0.011)
            assert np.mean(top5) == pytest.approx(row.published[13], abs=0.011)


def test_table12_says_what_was_not_run(results):
    rows = {row["row"]: row for row in rows_of(results / "tables" / "scorers" / "table12.csv")}
    assert rows["30 % by SigLIP-2 L/16-256"]["reason"].startswith("not run: scorer siglip")
    assert "domain_clip" in rows["30 % by CLIP-LAION-RS L/14"]["reason"]


def test_latex_is_balanced(results):
    for path in (results / "tables").rglob("*.tex"):
        source = path.read_text(encoding="utf-8")
        assert source.count("{") == source.count("}") and source.count(r"\begin{") == source.count(
            r"\end{"
        )
        assert not re.search(r"(?<!\\)[%#_]", source.replace("{%\n", "")) and source.isascii()


def test_figures_are_pictures(results):
    for name in ("contrastive", "detection"):
        image = Image.open(results / "figures" / f"{name}.png")
        assert image.width > 500 and len(np.unique(np.asarray(image.convert("L")))) > 20
        root = ET.parse(results / "figures" / f"{name}.svg").getroot()
        assert (
            root.tag.endswith("svg")
            and b"<dc:date>" not in (results / "figures" / f"{name}.svg").read_bytes()
        )


def test_figures_draw_what_was_measured(written):
    read = load_results(written / "cells", written / "sweep.csv", "mini", resamples=100)
    drawn = contrastive_figure.contrastive(read)
    for axes, (metric, label) in zip(drawn.axes[:2], contrastive_figure.PANELS, strict=True):
        assert axes.get_ylabel() == label
        curves = {line.get_label(): line.get_xydata() for line in axes.lines}
        measured = {m.scorer for m in read.expected("contrastive") if read.value(m, metric)}
        assert {"random", "oracle", "none (keep all)"} <= set(curves)
        for scorer in measured & set(curves):
            values = {
                m.ratio: 100 * value.estimate
                for m in read.expected("contrastive")
                if (m.captions, m.scorer) == ("raw", scorer) and (value := read.value(m, metric))
            }
            assert list(curves[scorer][:, 1]) == pytest.approx([values[r] for r in sorted(values)])
    axes = detection_figure(read).axes[0]
    cells = [
        read.value(method, "average_precision" if kind == "all" else f"{kind}/average_precision")
        for method in read.expected("detection")
        for kind in ("all", *KINDS)
    ]
    texts = [text.get_text() for text in axes.texts]
    assert texts and texts == [f"{100 * value.estimate:.1f}" for value in cells if value]


def test_points_of_one_keep_ratio_stand_side_by_side(tmp_path):
    cells = [contrastive(scorer) for scorer in ("clip", "text", "siglip")]
    cells += [contrastive("rotation", ratio) for ratio in RATIOS]
    for cell in cells:
        write_cell(tmp_path / "cells", cell, 0.5)
    write_sweep(tmp_path / "sweep.csv", cells)
    read = load_results(tmp_path / "cells", tmp_path / "sweep.csv", "mini", resamples=100)
    panel = contrastive_figure.contrastive(read).axes[0]
    drawn = {line.get_label(): list(line.get_xdata()) for line in panel.lines}
    assert drawn["rotation"] == list(RATIOS)  # a curve stays where it is
    alone = [drawn[name][0] for name in ("clip", "text", "siglip")]
    assert np.diff(alone) == pytest.approx([figures.ASIDE] * 2)
    assert np.mean(alone) == pytest.approx(0.3)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda r: r.update(version=7), "version 7"),
        (lambda r: r["cell"].update(scorer="text"), "its place is that of"),
        (lambda r: r["metrics"].update(mean_recall=1.2), "mean_recall: 1.2"),
        (lambda r: r["metrics"].update(mean_recall=float("nan")), "mean_recall"),
        (lambda r: r["intervals"].update(acc1=[0.9, 0.2]), "acc1"),
        (lambda r: r["metrics"].update(mean_recall=0.99), "its outcomes give"),
        (lambda r: r.pop("n"), "n: Field required"),
    ],
)
def test_edited_cells_are_refused(single, capsys, change, told):
    folder, _, clip = single
    damage(cell_folder(folder / "cells", clip) / "metrics.json", change)
    render(
        folder / "cells", folder / "sweep.csv", PAPERS, folder / "results", "mini", resamples=100
    )
    said = capsys.readouterr().out
    assert (
        said.startswith("contrastive/raw/clip/0.3/0: ") and told in said and str(folder) not in said
    )
    (row,) = [r for r in rows_of(folder / "results" / "leaderboard.csv") if r["scorer"] == "clip"]
    assert row["mean_recall"] == row["rank"] == "" and told in row["note"]
    assert {r["scorer"] for r in rows_of(folder / "results" / "cells.csv")} == {"none"}


def test_truncated_foreign_and_missing_files_are_refused(single):
    folder, none, clip = single
    place = cell_folder(folder / "cells", clip)
    whole = (place / "metrics.json").read_bytes()

    def reason():
        sweep = load_results(folder / "cells", folder / "sweep.csv", "mini", resamples=100).sweep
        assert set(sweep.records) == {none}
        return sweep.refusals[clip]

    (place / "metrics.json").write_bytes(whole[: len(whole) // 2])
    assert "not valid JSON" in reason()
    (place / "metrics.json").unlink()
    assert reason() == "not run"
    (place / "metrics.json").write_bytes(whole)
    outcomes = (place / "outcomes.parquet").read_bytes()
    (place / "outcomes.parquet").write_bytes(outcomes[:-50])
    assert "not a readable Parquet file" in reason()
    (place / "outcomes.parquet").unlink()
    assert "no such table" in reason()
    write_cell(folder / "cells", clip, 0.5, queries(images=30))
    assert "other queries" in reason()


def test_a_sweep_that_has_not_run(tmp_path, capsys):
    write_sweep(tmp_path / "sweep.csv", planned())
    places = (tmp_path / "cells", tmp_path / "sweep.csv", PAPERS, tmp_path / "results")
    render_tables(*places, "smoke")
    assert capsys.readouterr().out.count("not run") == len(planned())
    render(*places, "smoke")
    board = rows_of(tmp_path / "results" / "leaderboard.csv")
    assert len(board) == 14 and all(row["note"].startswith("not run") for row in board)
    for place in (f"{paper}/{name}" for paper, names in TABLES.items() for name in names):
        rows = rows_of(tmp_path / "results" / "tables" / f"{place}.csv")
        measured = [v for row in rows for k, v in row.items() if k.startswith("measured: ")]
        assert set(measured) <= {""} and all(row["reason"] for row in rows)
    assert (tmp_path / "results" / "figures" / "contrastive.png").stat().st_size > 1000
    write_sweep(tmp_path / "sweep.csv", [])
    render(tmp_path / "cells", tmp_path / "sweep.csv", PAPERS, tmp_path / "results", "smoke")


def test_controls_out_of_order_and_not_planned(tmp_path):
    cells = [contrastive("none", 1.0), contrastive("random"), contrastive("oracle")]
    for cell, skill in zip(cells, (0.5, 0.7, 0.3), strict=True):
        write_cell(tmp_path / "cells", cell, skill)
    write_sweep(tmp_path / "sweep.csv", cells)
    render(
        tmp_path / "cells",
        tmp_path / "sweep.csv",
        PAPERS,
        tmp_path / "results",
        "smoke",
        resamples=100,
    )
    board = {row["scorer"]: row for row in rows_of(tmp_path / "results" / "leaderboard.csv")}
    assert "controls out of order" in board["random"]["warning"] == board["oracle"]["warning"]
    assert board["none"]["warning"] == "" and board["pretrained"]["note"] == "not in this sweep"
    assert "**Warning:** controls out of order" in (
        tmp_path / "results" / "leaderboard.md"
    ).read_text("utf-8")


def test_equal_methods_share_a_rank(tmp_path):
    cells = [contrastive("none", 1.0), contrastive("a"), contrastive("b")]
    write_cell(tmp_path / "cells", cells[0], 0.4)
    write_cell(tmp_path / "cells", cells[1], 0.6)
    twin = cell_folder(tmp_path / "cells", cells[2])
    twin.parent.mkdir(parents=True)
    original = cell_folder(tmp_path / "cells", cells[1])
    twin.mkdir()
    for name in ("metrics.json", "outcomes.parquet"):
        (twin / name).write_bytes((original / name).read_bytes())
    damage(twin / "metrics.json", lambda r: r["cell"].update(scorer="b"))
    write_sweep(tmp_path / "sweep.csv", cells)
    render(
        tmp_path / "cells",
        tmp_path / "sweep.csv",
        PAPERS,
        tmp_path / "results",
        "smoke",
        resamples=100,
    )
    board = rows_of(tmp_path / "results" / "leaderboard.csv")
    assert [row["rank"] for row in board][:3] == ["1", "1", ""]  # a control
    assert rows_of(tmp_path / "results" / "cost.csv")[2]["wall_s"] == ""  # its sidecar is lost


def test_names_are_escaped(tmp_path):
    name = "a|b <script>_&$%#*`"
    cells = [contrastive("none", 1.0, captions=name), contrastive(name, captions=name)]
    cells.append(Cell(track="detection", captions=name, scorer=name, ratio=1.0, seed=0))
    for cell in cells:
        write_cell(tmp_path / "cells", cell, 0.5)
    write_sweep(tmp_path / "sweep.csv", cells)
    paper = yaml.safe_load((PAPERS / "scorers.yaml").read_text(encoding="utf-8"))
    table = paper["tables"]["table12"]
    place = {"captions": name, "scorer": name, "ratio": 0.3}
    missing = place | {"scorer": name + "2"}
    table["rows"] = [
        {"label": name, "published": [1, 2], "cell": place},
        {"label": "other", "published": [1, 2], "cell": missing},
    ]
    paper["tables"] = {"table12": table}
    (tmp_path / "papers").mkdir()
    (tmp_path / "papers" / "p.yaml").write_text(yaml.safe_dump(paper), encoding="utf-8")
    render(
        tmp_path / "cells",
        tmp_path / "sweep.csv",
        tmp_path / "papers",
        tmp_path / "results",
        "smoke",
        resamples=100,
    )
    found = contents(tmp_path / "results")
    for path, content in found.items():
        if path.endswith(".md"):
            shown = content.decode()
            assert "<script>" not in shown and r"a\|b &lt;script&gt;\_&amp;" in shown
            tables = [line for line in shown.splitlines() if line.startswith("| ")]
            assert len({len(re.findall(r"(?<!\\)\|", line)) for line in tables}) <= 2
        if path.endswith(".tex"):
            assert r"a\textbar{}b \textless{}script\textgreater{}\_\&\$\%\#{*}`" in content.decode()
        if path.endswith(".svg"):
            assert b"<script>" not in content
    assert rows_of(tmp_path / "results" / "leaderboard.csv")[0]["captions"] == name


def test_escapes():
    assert markdown("a\nb") == "a b" and latex("\\{~^") == (
        r"\textbackslash{}\{\textasciitilde{}\textasciicircum{}"
    )
    assert PERCENT(None) == PERCENT(float("nan")) == EMPTY == PERCENT(Value(float("nan"), 0.1, 0.2))
    assert PERCENT(Value(0.5, 0.4, 0.6)) == "50.00 (40.00 to 60.00)"
    assert PERCENT(Value(0.5)) == "50.00" and PERCENT(0.0) == "0.00"
    rows = [{"ratio": 1 / 3, "x": 1 / 3}, {"ratio": 1.0}]
    table = Table(plain("ratio", "x"), rows)
    assert csv_text(table) == "ratio,x\n0.3333333333333333,0.333333\n1.0,\n"


def test_a_table_says_the_same_in_every_format():
    columns = [Column("name", "name"), Column("gain", "gain", GAINS["number"], ("gain", "low"))]
    same = Shown(Value(0.0125, -0.5, 0.5), "struck", INDISTINCT)
    table = Table(columns, [{"name": "a|b", "gain": same}, {"name": "c"}])
    told = "+0.0125 (-0.5000 to +0.5000)"
    assert markdown_table(table).splitlines() == [
        "| name | gain |",
        "| --- | ---: |",
        f"| a\\|b | ~~{told}~~ {INDISTINCT} |",
        f"| c | {EMPTY} |",
    ]
    assert rf"a\textbar{{}}b & {told} $\approx$ \\" in latex_table(table)
    assert csv_text(table) == "name,gain,low\na|b,0.0125,-0.5\nc,,\n"


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ("contrastive,raw,../clip,0.3,0", "row 0: scorer: '../clip' cannot name a folder"),
        ("contrastive,raw,clip,1.5,0", "row 0: ratio"),
        ("contrastive,raw,clip,0.3,x", "row 0: seed"),
        ("contrastive,raw,clip", "row 0 is not as wide as its head"),
    ],
)
def test_a_bad_sweep_is_named(tmp_path, row, told):
    path = tmp_path / "sweep.csv"
    path.write_text(f"track,captions,scorer,ratio,seed\n{row}\n", encoding="utf-8")
    with pytest.raises(WinnowError, match=re.escape(f"{path}: {told}")):
        read_sweep(path)
    path.write_text("track,captions\n", encoding="utf-8")
    with pytest.raises(WinnowError, match="column 'scorer' is missing"):
        read_sweep(path)
    with pytest.raises(WinnowError, match="no such table"):
        read_sweep(tmp_path / "none.csv")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda t: t.update(colour="red"), "tables.table12.colour"),
        (lambda t: t["rows"][0].update(published=[1]), "1 published values for 2 columns"),
        (lambda t: t["rows"][0]["cell"].update(ratio=3), "tables.table12.rows.0.cell.ratio"),
        (lambda t: t["rows"][0].pop("cell"), "give either `cell` or `not_run`"),
        (
            lambda t: t["rows"][4].update(published=[1, 2]),
            "give either `published` or `ours: true`",
        ),
        (lambda t: t["columns"][0].update(mean=["x"]), "mean of unknown column 'x'"),
        (lambda t: t["columns"][0].update(key="retrieval"), "column 'retrieval' occurs twice"),
        (lambda t: t["measured"][0].pop("metric"), "or the `reason` why nothing measures it"),
        (lambda t: t["measured"][0].update(mean=["x"]), "give either `metric` or `mean`"),
        (lambda t: t["measured"][0].update(ratio=2), "tables.table12.measured.0.ratio"),
        (lambda t: t["measured"][0].update(unit="metres"), "tables.table12.measured.0.unit"),
        (
            lambda t: t["rows"][0].update(published=[1, None]),
            "`not_found` must say why a value is null",
        ),
    ],
)
def test_a_bad_paper_is_named(tmp_path, change, told):
    paper = yaml.safe_load((PAPERS / "scorers.yaml").read_text(encoding="utf-8"))
    change(paper["tables"]["table12"])
    path = tmp_path / "bad.yaml"
    path.write_text(yaml.dump(paper), encoding="utf-8")
    with pytest.raises(WinnowError, match=re.escape(told)) as error:
        load_paper(path)
    assert str(path) in str(error.value)


def test_papers_that_cannot_be_read(tmp_path):
    (tmp_path / "a.yaml").write_text("paper: [", encoding="utf-8")
    with pytest.raises(WinnowError, match=r"a\.yaml: not valid YAML"):
        load_papers(tmp_path)
    source = (PAPERS / "scorers.yaml").read_text(encoding="utf-8")
    for name in "ab":
        (tmp_path / f"{name}.yaml").write_text(source, encoding="utf-8")
    with pytest.raises(WinnowError, match=r"b\.yaml: paper: 'scorers'"):
        load_papers(tmp_path)


def test_a_further_paper_is_data_only(written, tmp_path):
    paper = {
        "paper": "other",
        "citation": {"title": "T", "short": "O", "venue": "V", "url": "U"},
        "tables": {
            "figure3": {
                "title": "AP",
                "verified": "here",
                "not_found": "unreadable",
                "track": "detection",
                "columns": [{"key": "a", "label": "A"}],
                "measured": [{"metric": "*/auroc", "label": "{set}"}],
                "rows": [
                    {"label": "x", "published": [None], "cell": {"scorer": "clip", "ratio": 1}}
                ],
            }
        },
    }
    (tmp_path / "other.yaml").write_text(yaml.dump(paper), encoding="utf-8")
    render(
        written / "cells",
        written / "sweep.csv",
        tmp_path,
        tmp_path / "results",
        "paper",
        resamples=100,
    )
    (row,) = rows_of(tmp_path / "results" / "tables" / "other" / "figure3.csv")
    assert (
        row["measured: count"] == row["measured: mismatch"] == "60.00" and row["published: A"] == ""
    )


def test_reporting_does_not_import_torch():
    code = "import sys, winnow.reporting.site.build; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_missing_seeds_and_detection_are_noted(tmp_path):
    cells = [contrastive("none", 1.0, seed) for seed in (0, 1, 2)]
    cells += [Cell(track="detection", captions="raw", scorer="none", ratio=1.0, seed=0)]
    for cell in cells[:2]:
        write_cell(tmp_path / "cells", cell, 0.4)
    write_sweep(tmp_path / "sweep.csv", cells)
    render(tmp_path / "cells", tmp_path / "sweep.csv", PAPERS, tmp_path / "results", "smoke")
    row = rows_of(tmp_path / "results" / "leaderboard.csv")[0]
    assert row["note"] == "1 of 3 seeds missing: not run; detection: not run"
    assert row["seeds"] == "2" and row["average_precision"] == ""
