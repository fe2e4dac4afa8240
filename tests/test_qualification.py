"""What the controls say of a metric, and where it is marked."""

import json

import pytest
from report_helpers import (
    captioning,
    contrastive,
    damage,
    render,
    rows_of,
    write_captions,
    write_cell,
    write_sweep,
)

from winnow.command.line import main
from winnow.reporting.cells import cell_folder
from winnow.reporting.power import power_of
from winnow.reporting.results import load_results
from winnow.reporting.site.leaderboard_tables import curves
from winnow.reporting.track_leaderboards import track_leaderboards

APART = {"none": 0.4, "random": 0.4, "oracle": 0.7, "sieve": 0.6, "human": 0.8}
ALIKE = APART | {"oracle": 0.4, "human": 0.4}
TURNED = APART | {"oracle": 0.2}
SEEDS = (0, 1, 2)
QUICK = "--resamples=200"


def write_run(folder, skills, seeds=SEEDS, also=()):
    """Cells of the controls and of a scorer, of so many seeds; people's captions are `human`."""
    cells = []
    for name, skill in skills.items():
        captions, scorer = ("human", "none") if name == "human" else ("raw", name)
        ratio = 1.0 if scorer == "none" else 0.3
        for seed in seeds:
            cells.append(contrastive(scorer, ratio, seed, captions))
            write_cell(folder / "cells", cells[-1], skill)
    write_sweep(folder / "sweep.csv", [*cells, *also])
    return folder


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    skills = {"apart": APART, "alike": ALIKE, "turned": TURNED}
    return {name: write_run(tmp_path_factory.mktemp(name), s) for name, s in skills.items()}


PAPER = {
    "paper": "mine",
    "citation": {"title": "t", "short": "Mine", "venue": "v", "url": "https://x.test"},
}
TABLE = {
    "title": "Sieved",
    "verified": "Table 1",
    "track": "contrastive",
    "columns": [{"key": "acc", "label": "Accuracy"}],
    "measured": [{"metric": "acc1", "label": "acc1"}],
    "rows": [{"label": "A sieve", "published": [70], "cell": {"scorer": "sieve", "ratio": 0.3}}],
}


def results_of(folder):
    return load_results(folder / "cells", folder / "sweep.csv", "mini", resamples=200)


def power_rows(folder, papers):
    words = [f"--cells={folder}/cells", f"--sweep={folder}/sweep.csv", f"--papers={papers}"]
    assert main(["power", *words, f"--output={folder}/results", "--scale=mini", QUICK]) == 0
    return {row["metric"]: row for row in rows_of(folder / "results/power.csv")}


@pytest.fixture
def papers(tmp_path):
    (tmp_path / "papers").mkdir()
    return tmp_path / "papers"


@pytest.mark.parametrize(
    ("run", "decides", "told"),
    [
        ("apart", True, ""),
        ("alike", False, "no significant difference"),
        ("turned", False, "in the wrong order"),
    ],
)
def test_a_metric_decides_where_its_controls_are_told_apart(runs, run, decides, told):
    power = power_of(results_of(runs[run]), "contrastive", "mean_recall")
    assert power.decides is decides and (power.mark == "no power") is not decides
    assert told in power.reason and ("oracle minus random is" in power.reason) is not decides


def test_without_controls_nothing_is_known(tmp_path):
    write_run(tmp_path, {"none": 0.4, "sieve": 0.6})
    power = power_of(results_of(tmp_path), "contrastive", "mean_recall")
    assert power.decides is None and power.mark == "" and power.headroom is None


def test_caption_sets_decide_where_nothing_is_selected(tmp_path):
    write_run(tmp_path, {"none": 0.4, "human": 0.8})
    power = power_of(results_of(tmp_path), "contrastive", "mean_recall")
    assert power.decides and power.ceiling[0] == "human"
    assert power.contrasts[0].names == "human minus none"


def test_the_page_has_floor_ceiling_and_what_can_be_told_apart(runs, papers):
    row = power_rows(runs["apart"], papers)["mean_recall"]
    assert (row["decides"], row["seeds"], row["images"]) == ("yes", "3", "60")
    assert row["ceiling_control"] == "human" and row["reason"] == ""
    difference = float(row["oracle_random"])
    assert float(row["oracle_random_low"]) < difference < float(row["oracle_random_high"])
    assert float(row["floor"]) + difference < float(row["ceiling"])
    assert 0 < float(row["smallest"]) < difference and row["headroom"] == row["oracle_random"]
    assert float(row["human_none_p"]) < 0.05
    shown = (runs["apart"] / "results/power.md").read_text("utf-8")
    assert "headline metrics, whether they decide: 2 yes, 0 no power, 1 not known." in shown
    row = power_rows(runs["alike"], papers)["mean_recall"]
    assert row["decides"] == "no power" and "no significant difference" in row["reason"]
    assert "**no power**" in (runs["alike"] / "results/power.md").read_text("utf-8")


def test_a_larger_difference_than_the_smallest_is_told_apart_by_all_seeds(runs):
    alone = write_run(runs["apart"].parent / "one", APART, seeds=(0,))
    one, three = (
        power_of(results_of(folder), "contrastive", "mean_recall").contrasts[0]
        for folder in (alone, runs["apart"])
    )
    assert one.difference.replication.startswith("not replicated")
    assert three.difference.replication == ""


def test_every_table_and_curve_has_the_mark(runs, papers, tmp_path):
    folder, results = runs["alike"], tmp_path / "results"
    (papers / "mine.yaml").write_text(json.dumps(PAPER | {"tables": {"one": TABLE}}))
    render(folder / "cells", folder / "sweep.csv", papers, results, "mini", 200)
    boards = rows_of(results / "boards.csv")
    measured = [row for row in boards if row["metric"] != "within_scene_auc"]  # of no cell
    assert {row["power"] for row in measured} == {"no power"}
    assert {row["no_power"] for row in rows_of(results / "leaderboard.csv")} == {
        "mean_recall, acc1"
    }
    for page in ("leaderboard.md", "summary/leaderboard.md", "sweep.md"):
        shown = (results / page).read_text("utf-8")
        assert "**Warning:** no power in mR: oracle minus random is" in shown
    assert "mR (no power)" in (results / "leaderboard.md").read_text("utf-8")
    assert [row["no_power"] for row in rows_of(results / "tables/mine/one.csv")] == ["acc1"]
    for kind in ("md", "tex"):
        shown = (results / f"tables/mine/one.{kind}").read_text("utf-8")
        assert "acc1 (no power)" in shown and "no power in acc1: oracle minus random" in shown
    render(runs["apart"] / "cells", runs["apart"] / "sweep.csv", papers, results, "mini", 200)
    boards = [r for r in rows_of(results / "boards.csv") if r["metric"] != "within_scene_auc"]
    assert {row["power"] for row in boards} == {"yes"}
    assert "no power" not in (results / "leaderboard.md").read_text("utf-8")


def test_the_curves_of_the_site_have_the_mark(runs):
    for run, mark in (("alike", " (no power)"), ("apart", "")):
        results = results_of(runs[run])
        charts = curves(results, track_leaderboards(results))
        assert [chart["axis"] for chart in charts] == [f"mR{mark}", f"zero-shot @1{mark}"]
        assert all(mark in chart["label"] for chart in charts)


def test_the_bounds_that_records_tell_stand_beside_the_controls(tmp_path, papers):
    write_run(tmp_path, APART, seeds=(0, 1))
    cell = contrastive("none", 1.0, 0)
    record = cell_folder(tmp_path / "cells", cell) / "metrics.json"
    damage(record, lambda told: told["floors"].update(mean_recall=0.25))
    row = power_rows(tmp_path, papers)["mean_recall"]
    assert row["bounds"].endswith(" 0.25")


# a larger run


def planned(folder, capsys, *words):
    words = [f"--cells={folder}/cells", f"--sweep={folder}/sweep.csv", QUICK, *words]
    code = main(["plan-power", *words])
    return code, capsys.readouterr()


def test_a_smaller_difference_needs_more_images(runs, capsys, tmp_path):
    folder, needed = runs["apart"], []
    for difference in (4, 8):
        words = ["--track=contrastive", "--metric=mean_recall", f"--difference={difference}"]
        code, said = planned(folder, capsys, *words, f"--output={tmp_path}/plan.csv")
        assert code == 0 and f"A difference of {difference}.00 points needs:" in said.out
        rows = rows_of(tmp_path / "plan.csv")
        assert [row["seeds"] for row in rows] == ["2", "3", "5", "10"]
        assert float(rows[0]["difference"]) == difference / 100
        counts = [int(row["images"] or 10**9) for row in rows]
        assert counts == sorted(counts, reverse=True)
        needed.append(counts[-1])
    assert needed[0] > needed[1]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--track=generation", "--metric=fid"], "'generation' is not in this sweep; these are:"),
        (["--track=contrastive", "--metric=nothing"], "no two controls"),
    ],
)
def test_what_cannot_be_planned_is_named(runs, capsys, words, told):
    code, said = planned(runs["apart"], capsys, *words, "--difference=1")
    assert code == 2 and told in said.err and said.err.count("\n") == 1


def test_one_seed_plans_nothing(tmp_path, capsys):
    write_run(tmp_path, APART, seeds=(0,))
    words = ["--track=contrastive", "--metric=mean_recall", "--difference=2"]
    code, said = planned(tmp_path, capsys, *words)
    assert code == 2 and "run them with more seeds" in said.err


# claims


def claims_of(folder, claims, place, standins=()):
    """The row of each claim."""
    (place / "mine.yaml").write_text(json.dumps(PAPER | {"claims": claims}), encoding="utf-8")
    words = [f"--cells={folder}/cells", f"--sweep={folder}/sweep.csv", f"--papers={place}"]
    words += [
        f"--output={place}/results",
        "--scale=mini",
        f"--standins={json.dumps(standins)}",
        QUICK,
    ]
    assert main(["claims", *words]) == 0
    return {row["claim"]: row for row in rows_of(place / "results/claims.csv")}


def claim(a="sieve", b="none", direction="up", **changes):
    own = {name: changes.pop(name) for name in ("size", "relative") if name in changes}
    compared = {
        "label": "mR",
        "track": "contrastive",
        "metric": "mean_recall",
        "a": {"scorer": a, "ratio": 0.3},
        "b": [{"scorer": b, "ratio": 1.0 if b == "none" else 0.3}],
        "direction": direction,
    }
    declared = {"statement": "s", "published": "p", "verified": "v"}
    return declared | {"comparisons": [compared | own]} | changes


def test_a_claim_in_a_metric_without_power_is_not_judged(runs, papers):
    for run, verdict, power in (("apart", "held", "yes"), ("alike", "no power", "no")):
        row = claims_of(runs[run], {"D1": claim()}, papers)["D1"]
        assert (row["verdict"], row["power"], row["replicated"]) == (verdict, power, "yes")
        assert row["measured"] != ""
    assert "no power in mean_recall: oracle minus random is" in row["reason"]


def test_a_claim_of_more_than_the_controls_gain_has_no_power(runs, papers):
    claims = {
        "D1": claim(size={"value": 90}),
        "D2": claim(size={"at_least": 5}),
        "D3": claim(relative=True, size={"at_least": 900}),
    }
    found = claims_of(runs["apart"], claims, papers)
    assert [row["verdict"] for row in found.values()] == ["no power", "held", "no power"]
    assert "the best control gains" in found["D1"]["reason"] and found["D1"]["size"] == "no power"
    found = claims_of(runs["apart"], claims, papers, ["clip"])
    assert [row["verdict"] for row in found.values()] == ["held", "held", "held"]
    assert [row["size"] for row in found.values()] == ["no power", "not run", "no power"]


def test_an_effect_within_the_margin_is_none(runs, papers):
    claims = {
        "D1": claim("random", margin=0.9),
        "D2": claim("random", margin=0.0001),
        "D3": claim("sieve", margin=0.9),
        "D4": claim("random", margin=0.9, relative=True),
    }
    found = claims_of(runs["apart"], claims, papers)
    verdicts = [row["verdict"] for row in found.values()]
    assert verdicts[0] == verdicts[3] == "no effect" and verdicts[1] != "no effect"
    assert float(found["D1"]["margin"]) > float(found["D2"]["margin"]) > 0
    assert "3 no effect" in (papers / "results/claims.md").read_text("utf-8")


def test_what_is_built_in_by_stand_ins_is_not_run(runs, papers):
    built = {"roles": ["geo_rssd"], "reason": "we made it worse"}
    claims = {"D1": claim(built_in=built), "D2": claim()}
    found = claims_of(runs["apart"], claims, papers, ["clip", "geo_rssd"])
    assert [row["verdict"] for row in found.values()] == ["not run", "held"]
    assert found["D1"]["reason"] == "not run: we made it worse" and found["D1"]["measured"] == ""
    assert claims_of(runs["apart"], claims, papers, ["clip"])["D1"]["verdict"] == "held"


def test_one_seed_stands_beside_its_verdict(tmp_path, papers):
    write_run(tmp_path, APART, seeds=(0,))
    row = claims_of(tmp_path, {"D1": claim()}, papers)["D1"]
    assert (row["verdict"], row["replicated"]) == ("held", "no")
    shown = (papers / "results/claims.md").read_text("utf-8")
    assert "1 held (1 not replicated)" in shown and "(not replicated)" in shown
    assert "D1†" in (papers / "results/summary/claims.md").read_text("utf-8")


def test_comparisons_of_a_claim_are_corrected_where_it_says_so(runs, papers):
    many = claim()
    many["comparisons"] *= 18
    found = claims_of(runs["apart"], {"D1": many, "D2": many | {"correction": "holm"}}, papers)
    assert found["D1"]["p_holm"] == "" and 0 <= float(found["D2"]["p_holm"]) <= 1
    parts = rows_of(papers / "results/claims_comparisons.csv")
    assert {row["p_holm"] for row in parts if row["claim"] == "D1"} == {""}


def test_captions_without_controls_are_judged_as_before(tmp_path, papers):
    write_run(tmp_path, APART, also=[captioning("integrated"), captioning("human")])
    for name, quality in (("integrated", 0.9), ("human", 0.5)):
        write_captions(tmp_path / "cells", name, quality)
    declared = claim()
    place = {"scorer": "none", "ratio": 1.0}
    declared["comparisons"][0] |= {
        "track": "captioning",
        "metric": "object_recall",
        "a": {"captions": "integrated", **place},
        "b": [{"captions": "human", **place}],
    }
    row = claims_of(tmp_path, {"D1": declared}, papers)["D1"]
    assert (row["verdict"], row["power"], row["margin"]) == ("held", "", "")
