"""The leaderboard: ranks, comparisons, groups, controls and struck rows of every track."""

import csv
import io
import re
import shutil

import numpy as np
import pandas as pd
import pytest
from report_helpers import contrastive, write_captions, write_cell, write_record, write_sweep
from site_helpers import EVIL, write_card

from winnow.data.files import write_json
from winnow.data.metrics import Cell, read_metrics
from winnow.data.tables import DRAWS, OUTCOMES, write_table
from winnow.evaluation.statistics import VERSION
from winnow.params.submissions import read_card
from winnow.reporting.cells import cell_folder
from winnow.reporting.dvc import ratio_plot
from winnow.reporting.emit.csv import csv_text
from winnow.reporting.emit.markdown import markdown, markdown_page
from winnow.reporting.leaderboard import leaderboard_table, track_leaderboards_table
from winnow.reporting.leaderboard_page import leaderboard_page, submissions
from winnow.reporting.method_results import Method, method_of
from winnow.reporting.results import CONTROLS, load_results
from winnow.reporting.track_leaderboards import track_leaderboards as boards_of
from winnow.reporting.values import EMPTY
from winnow.tracks.contrastive.figure import contrastive as contrastive_figure
from winnow.tracks.contrastive.report import sweep_page

SKILL = {"none": 0.4, "random": 0.4, "oracle": 0.85, "good": 0.7, "twin": 0.7, "fair": 0.5}
FID = {"none": 50.0, "pretrained": 70.0, "their_model": 40.0, "good": 41.0}


def page_of(*arguments, **named):
    return markdown_page(leaderboard_page(*arguments, **named))


def csv_of(table):
    return csv.DictReader(io.StringIO(csv_text(table)))


def cell(track, scorer, ratio=1.0, captions="raw"):
    return Cell(track=track, captions=captions, scorer=scorer, ratio=ratio, seed=0)


def write_draws(folder, place, values, spread, outcomes=None, resamples=400, **other):
    """A cell that keeps resamples of its metrics, of luck that all cells of a track share."""
    luck = np.random.default_rng(0).normal(0, spread, resamples)
    rng = np.random.default_rng(sum(map(ord, repr(place))))
    frames = [
        pd.DataFrame(
            {
                "metric": name,
                "draw": range(resamples),
                "value": value + luck + rng.normal(0, spread / 5, resamples),
            }
        )
        for name, value in values.items()
    ]
    if outcomes is None:
        rows = [("area/water", f"u{i}", f"u{i}", 1.0) for i in range(4)]
        outcomes = pd.DataFrame(rows, columns=["metric", "query", "group", "value"])
    folder = cell_folder(folder, place)
    write_table(folder / "draws.parquet", pd.concat(frames), DRAWS)
    write_table(folder / "outcomes.parquet", outcomes, OUTCOMES)
    intervals = {name: (v - 2 * spread, v + 2 * spread) for name, v in values.items()}
    metrics = {**values, **outcomes.groupby("metric")["value"].mean()}
    n = dict.fromkeys(values, 100)
    write_record(folder.parents[4], place, metrics, intervals, n, unit="mixed", **other)


def write_generation(folder, place, fid):
    """A generator whose images have a FID, and prompts that fare the better the lower it is."""
    names = [f"u{i:02d}" for i in range(50)]
    luck = np.random.default_rng(1).normal(0, 0.1, 50)
    own = np.random.default_rng(int(fid)).normal(0, 0.01, 50)
    values = (90 - fid) / 100 + luck + own
    outcomes = pd.DataFrame(
        {"metric": "remoteclip_score", "query": names, "group": names, "value": values}
    )
    write_draws(folder, place, {"fid": fid}, 1.0, outcomes)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A finished run of every track, but for a control of the segmentation."""
    folder = tmp_path_factory.mktemp("run")
    place = folder / "cells"
    cells = [contrastive("none", 1.0), *(contrastive(s) for s in SKILL if s != "none")]
    for planned in cells:
        write_cell(place, planned, SKILL[planned.scorer])
    good, twin = contrastive("good"), contrastive("twin")  # answers as `good` does
    record = read_metrics(cell_folder(place, good) / "metrics.json", good)
    write_record(place, twin, record.metrics, record.intervals, record.n)
    shutil.copy(cell_folder(place, good) / "outcomes.parquet", cell_folder(place, twin))
    for scorer, ap in (("random", 0.5), ("oracle", 0.99), ("good", 0.9)):
        cells.append(cell("detection", scorer))
        write_draws(place, cells[-1], {"average_precision": ap, "auroc": ap - 0.01}, 0.002)
    for captions, quality in (("human", 0.95), ("mllm", 0.6), ("loop", 0.8)):
        cells.append(cell("captioning", "none", captions=captions))
        write_captions(place, captions, quality)
    for scorer, fid in FID.items():
        cells.append(cell("generation", scorer, 0.5 if scorer == "good" else 1.0))
        write_generation(place, cells[-1], fid)
    machine = {"cpu": "A CPU", "cores": 2, "gpu": None}
    for scorer, miou in (("real", 0.6), ("good", 0.55)):
        cells.append(cell("segmentation", scorer, 0.3 if scorer == "good" else 1.0))
        mode = "real" if scorer == "real" else "mask"
        values = {f"{mode}/{s}/{m}": miou for s in ("25", "100") for m in ("miou", "macc")}
        write_draws(place, cells[-1], values, 0.005, provenance={"hardware": machine})
    cells.append(cell("segmentation", "none"))  # is not run
    write_json(
        cell_folder(place, good) / "cost.json",
        {"cpu_s": 98765.4, "gpu_s": 5.0, "energy_j": 2500.0, "samples": 1200},
    )
    write_sweep(folder / "sweep.csv", cells)
    return folder


def rendered(folder, struck=None):
    """Rows of leaderboard.csv by scorer, captions and ratio, those of boards.csv by track, metric,
    captions and scorer, and leaderboard.md."""
    results = load_results(folder / "cells", folder / "sweep.csv", "mini", resamples=100)
    boards = boards_of(results, struck)
    wide = csv_of(leaderboard_table(results, boards))
    long = csv_of(track_leaderboards_table(results, boards))
    return (
        {(row["scorer"], row["captions"], row["ratio"]): row for row in wide},
        {(r["track"], r["metric"], r["captions"], r["scorer"]): r for r in long},
        page_of(results, boards),
    )


@pytest.fixture(scope="module")
def shown(written):
    return rendered(written)


def test_every_headline_metric_has_its_interval(shown):
    wide, long, _ = shown
    good = wide["good", "raw", "0.3"]
    for name in ("mean_recall", "acc1", "average_precision", "auroc", "miou"):
        assert float(good[f"{name}_low"]) < float(good[name]) < float(good[f"{name}_high"])
    assert good["fid"] == "" and wide["good", "raw", "0.5"]["fid"] == "41"
    assert wide["none", "raw", "1.0"]["remoteclip_score"] != ""
    tracks = {track for track, *_ in long}
    assert tracks == {"contrastive", "detection", "captioning", "generation", "segmentation"}
    assert long["captioning", "evaluator_score", "human", "none"]["n"] == "200"
    assert good["scale"] == "mini" and "hardware" not in good


def test_methods_are_compared_with_none_and_with_the_best(shown):
    wide, long, _ = shown
    assert [scorer for scorer, _, _ in wide][:3] == ["oracle", "good", "twin"]
    oracle, fair = wide["oracle", "raw", "0.3"], wide["fair", "raw", "0.3"]
    assert oracle["best_difference"] == oracle["best_p_holm"] == ""
    assert float(fair["difference_low"]) > 0 > float(fair["best_difference_high"])
    assert fair["distinguishable"] == "yes" and float(fair["best_p_holm"]) < 0.05
    gap = float(fair["mean_recall"]) - float(oracle["mean_recall"])
    assert float(fair["best_difference"]) == pytest.approx(gap, abs=1e-5)
    assert wide["random", "raw", "0.3"]["distinguishable"] == "no"
    theirs = long["generation", "fid", "raw", "their_model"]
    assert theirs["rank"] == "1" and float(theirs["none_high"]) < 0  # less is better
    assert float(theirs["none_p"]) < 1e-6 and theirs["higher_is_better"] == "no"
    found = long["detection", "average_precision", "raw", "good"]
    assert float(found["none_low"]) > 0.3 and float(found["best_high"]) < 0  # beside `random`
    assert float(long["captioning", "evaluator_score", "mllm", "none"]["none_high"]) < 0


def test_controls_stand_among_the_methods_without_a_rank(shown):
    wide, long, text = shown
    ranks = {scorer: row["rank"] for (scorer, captions, _), row in wide.items() if row["group"]}
    assert ranks == {"oracle": "", "good": "1", "twin": "1", "fair": "3", "none": "", "random": ""}
    found = {place: row for place, row in long.items() if row["value"]}
    for (track, metric, captions, scorer), row in found.items():
        compared = track == "captioning"  # there the sets compete, each with all of its pairs
        assert (row["rank"] == "") == (row["control"] == "yes"), (track, metric, captions, scorer)
        assert (row["control"] == "yes") == (scorer in CONTROLS and not compared)
    sets = {c: r["rank"] for (_, m, c, _), r in found.items() if m == "evaluator_score"}
    assert sets == {"human": "1", "loop": "2", "mllm": "3"}
    assert long["detection", "average_precision", "raw", "good"]["rank"] == "1"
    assert long["generation", "fid", "raw", "good"]["rank"] == "2"
    lines = [line for line in text.splitlines() if "(control)" in line]
    assert lines and all(line.startswith(f"| {EMPTY} |") for line in lines)


def test_methods_that_share_a_number_do_not_differ_significantly(shown):
    wide, long, _ = shown
    group = {scorer: set(row["group"]) for (scorer, *_), row in wide.items() if row["group"]}
    assert group["good"] == group["twin"] and group["good"].isdisjoint(group["fair"])
    assert group["none"] & group["random"] and "1" in group["oracle"]
    fids = {scorer: row["group"] for (_, metric, _, scorer), row in long.items() if metric == "fid"}
    assert fids["their_model"] == "1" and fids["none"] != fids["their_model"]
    assert long["segmentation", "miou", "raw", "real"]["group"] == "1"
    assert long["segmentation", "miou", "raw", "good"]["group"] == "2"


def test_controls_are_there_with_the_reason_if_they_did_not_run(shown):
    wide, long, text = shown
    for track in ("contrastive", "detection", "generation", "segmentation"):
        controls = {scorer for name, _, _, scorer in long if name == track}
        assert {"none", "random", "oracle"} <= controls
    assert long["segmentation", "miou", "raw", "none"]["note"] == "not run"
    assert long["generation", "fid", "raw", "oracle"]["note"] == "not in this sweep"
    assert wide["pretrained", "raw", ""]["note"] == "not in this sweep"
    assert long["segmentation", "miou", "raw", "none"]["value"] == ""
    assert "- raw / oracle: not in this sweep" in text and "Track `vlm`: not run" in text


def test_keep_is_the_share_that_was_kept(tmp_path):
    """A choice by scene or a threshold keeps another share than the ratio at which it stands."""
    kept = {("none", 1.0): 2400, ("dldc", 0.3): 721, ("dldc_chosen", 0.3): 1148}
    places = {contrastive(scorer, ratio): pairs for (scorer, ratio), pairs in kept.items()}
    for place, pairs in places.items():
        write_cell(tmp_path, place, 0.5, pairs=pairs)
    elsewhere = cell("generation", "dldc_chosen", 0.3)
    write_generation(tmp_path, elsewhere, 40.0)
    write_sweep(tmp_path / "sweep.csv", [*places, elsewhere])
    results = load_results(tmp_path, tmp_path / "sweep.csv", "mini", resamples=100)
    found = boards_of(results)
    wide = {row["scorer"]: row for row in csv_of(leaderboard_table(results, found))}
    assert {scorer: wide[scorer]["kept"] for scorer, _ in kept} == {
        "none": "1",
        "dldc": "0.3",
        "dldc_chosen": "0.478",
    }
    assert wide["dldc_chosen"]["ratio"] == "0.3"  # where its cell stands
    for row in csv_of(track_leaderboards_table(results, found)):
        stands = 0.478 if row["scorer"] == "dldc_chosen" else float(row["ratio"] or "nan")
        assert float(row["kept"] or "nan") == pytest.approx(stands, nan_ok=True)
    assert "| raw | dldc\\_chosen | 47.8 % | 52.2 % |" in page_of(results, found)
    assert "Not by a ratio: dldc\\_chosen keeps 47.8 %;" in markdown_page(sweep_page(results))
    for track in ("contrastive", "generation"):
        plot = csv_of(ratio_plot(results, track))
        assert {row["ratio"] for row in plot if row["scorer"] == "dldc_chosen"} == {"0.478"}
    lines = {line.get_label(): line for line in contrastive_figure(results).axes[0].lines}
    assert lines["dldc_chosen"].get_xdata() == pytest.approx([0.478])


def test_the_page_shows_groups_and_the_version_and_no_measured_time(shown):
    _, _, text = shown
    row = next(line for line in text.splitlines() if "| good | 30 %" in line)
    assert row.endswith("| 1200 |") and "| pairs seen |\n" in text
    assert f"Statistics version {VERSION};" in text and "`results/cost.csv`" in text
    assert "98765" not in text and "A CPU" not in text
    assert "Lower is better: FID." in text and "Lower is better: hallucination." in text
    for section in text.split("## ")[1:]:
        lines = [line for line in section.splitlines() if line.startswith("|")]
        assert len({line.count("|") for line in lines}) <= 1, section


def test_struck_rows_are_neither_ranked_nor_the_best(written):
    oracle = method_of(contrastive("oracle"))
    wide, long, text = rendered(written, {oracle: 3, Method("generation", "raw", "good", 0.5): 1})
    row = wide["oracle", "raw", "0.3"]
    assert row["leaks"] == "3" and row["rank"] == row["group"] == row["best_difference"] == ""
    assert row["mean_recall"] != "" and row["difference"] != ""
    assert wide["good", "raw", "0.3"]["rank"] == "1"
    assert wide["fair", "raw", "0.3"]["best_difference"] != ""
    assert list(wide)[5] == ("oracle", "raw", "0.3")  # after all that are ranked
    assert long["generation", "fid", "raw", "good"]["rank"] == ""
    assert long["segmentation", "miou", "raw", "good"]["rank"] == "2"
    assert "~~oracle~~ (control)" in text and "(leakage.md)" in text
    assert "- raw / oracle / 0.3: struck out: learned from 3 leaking pairs" in text


def test_controls_out_of_order_differ_significantly_or_not(tmp_path):
    for ratio, skills in ((0.3, (0.8, 0.4)), (0.5, (0.602, 0.6))):
        for scorer, skill in zip(("random", "oracle"), skills, strict=True):
            write_cell(tmp_path / "cells", contrastive(scorer, ratio), skill)
    write_cell(tmp_path / "cells", contrastive("none", 1.0), 0.5)
    cells = [contrastive(s, r) for s in ("random", "oracle") for r in (0.3, 0.5)]
    write_sweep(tmp_path / "sweep.csv", [contrastive("none", 1.0), *cells])
    wide, _, text = rendered(tmp_path)
    first = wide["random", "raw", "0.3"]["warning"]
    assert first == wide["oracle", "raw", "0.3"]["warning"]
    assert first.startswith("controls out of order on raw at keep ratio 0.3: random ")
    assert "in mR (significant difference)" in first
    second = wide["random", "raw", "0.5"]["warning"]
    assert second.endswith("in zero-shot @1 (no significant difference)")  # in mR they are in order
    warned = [line for line in text.splitlines() if line.startswith("> **Warning:**")]
    assert text.index(warned[-1]) < text.index("| rank |")
    told = {part for row in wide.values() for part in row["warning"].split("; ") if part}
    assert len(warned) == len(told)


def test_noise_in_the_captions_is_said(written):
    results = load_results(written / "cells", written / "sweep.csv", "mini", resamples=100)
    noisy = page_of(results, [], noise={"mismatch": 0.3})
    assert "Noise was added to people's captions, of known kind: mismatch 30 %." in noisy
    assert "No noise was added to people's captions." in page_of(results, [], noise={})
    assert "was added" not in page_of(results, [])


def test_the_cards_of_submissions_are_shown_as_text(written, tmp_path):
    cards = [read_card(write_card(tmp_path / "card.yaml"))]
    results = load_results(written / "cells", written / "sweep.csv", "mini", resamples=100)
    page = page_of(results, [], cards)
    row = page.splitlines()[-1]
    assert page.splitlines()[-5:-3] == ["## Submissions", ""]
    assert len(re.findall(r"(?<!\\)\|", row)) == len(page.splitlines()[-3].split("|")) - 1
    assert "<script>" not in page and r"A \| B, " + markdown(EVIL) in row
    assert r"| \*any\* \| \[x\](y) | a \`b\` \_c\_ \# no heading " in row
    assert row.endswith("| <https://x.org/%7C)%60*a_b> |")
    bare = read_card(write_card(tmp_path / "card.yaml", link=None))
    assert markdown_page(submissions([bare])).endswith(f"| {EMPTY} |\n")
    assert not submissions([])


def test_equal_cells_give_equal_bytes(written, shown):
    assert rendered(written) == shown


def test_a_lost_file_of_resamples_costs_its_comparisons(written, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(written, folder)
    (cell_folder(folder / "cells", cell("generation", "pretrained")) / "draws.parquet").unlink()
    _, long, _ = rendered(folder)
    lost = long["generation", "fid", "raw", "pretrained"]
    assert lost["value"] and lost["none"] == lost["best"] == lost["group"] == ""
    assert long["generation", "fid", "raw", "good"]["group"] != ""


def test_nothing_has_run(tmp_path):
    write_sweep(tmp_path / "sweep.csv", [])
    wide, long, text = rendered(tmp_path)
    assert wide == long == {} and "Track `contrastive`: not run" in text
    write_sweep(tmp_path / "sweep.csv", [contrastive("none", 1.0), contrastive("good")])
    wide, _, _ = rendered(tmp_path)
    assert [row["note"] for row in wide.values()][:2] == ["not run", "not run"]
    assert {row["rank"] for row in wide.values()} == {""}
