"""The papers' claims: as data, judged by synthetic cells, and rendered."""

import copy
import json
import re
import shutil
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from report_helpers import (
    captioning,
    contents,
    contrastive,
    damage,
    preference,
    rows_of,
    seed_of,
    write_captions,
    write_cell,
    write_judge,
    write_preferences,
    write_record,
    write_struck,
    write_sweep,
)

from winnow.command.line import main
from winnow.data.errors import WinnowError
from winnow.data.metrics import Cell
from winnow.data.tables import CHOICE, DRAWS, OUTCOMES, read_table, write_table
from winnow.evaluation.preference import MACRO
from winnow.evaluation.statistics import (
    RESAMPLES,
    bootstrap,
    estimates,
    group_difference,
    headline_means,
    paired_difference,
)
from winnow.reporting.cells import cell_folder
from winnow.reporting.claims import STAND_INS
from winnow.reporting.papers import load_paper, load_papers

PAPERS = Path(__file__).parents[1] / "workflow" / "papers"
DOCUMENT = Path(__file__).parents[1] / "docs" / "claims.md"
SCENES = ("forest", "lake")
# A fourth paper, as anybody may add one.
FOURTH = {
    "paper": "fourth",
    "citation": {"title": "Sieves", "short": "Fourth", "venue": "2027", "url": "https://x.test"},
    "claims": {
        "D1": {
            "statement": "A sieve <script>alert(1)</script> | helps",
            "published": "+28 points",
            "verified": "its Table 1",
            "comparisons": [
                {
                    "label": "Zero-shot",
                    "track": "contrastive",
                    "metric": "acc1",
                    "a": {"scorer": "sieve", "ratio": 0.3},
                    "b": [{"scorer": "none", "ratio": 1.0}],
                    "direction": "up",
                    "size": {"value": 28},
                }
            ],
        }
    },
}
SKILL = {"none": 0.4, "sieve": 0.6, "clip": 0.41, "coarse": 0.3}


def comparison(a, /, *b, **changes):
    """The comparison of FOURTH between other scorers at 0.3, with other keys."""
    declared = copy.deepcopy(FOURTH["claims"]["D1"]["comparisons"][0])
    declared |= {"a": {"scorer": a, "ratio": 0.3}, "b": [{"scorer": s, "ratio": 0.3} for s in b]}
    return {key: value for key, value in (declared | changes).items() if value is not None}


def claim(*comparisons, **changes):
    declared = {"statement": "s", "published": "p", "verified": "v"} | changes
    return declared | ({"comparisons": list(comparisons)} if comparisons else {})


def judged(folder, claims, standins=("clip",), choice=None, struck=None, words=()):
    """The row of each of a paper's claims, and the rows of its comparisons; `words` are further
    options."""
    (folder / "papers").mkdir(exist_ok=True)
    text = yaml.safe_dump(FOURTH | {"claims": claims})
    (folder / "papers" / "fourth.yaml").write_text(text, encoding="utf-8")
    words = ["claims", f"--cells={folder}/cells", f"--sweep={folder}/sweep.csv", *words]
    words += [f"--papers={folder}/papers", f"--output={folder}/results", "--scale=mini"]
    words += [f"--standins={json.dumps(standins)}"]
    if struck:
        write_struck(folder / "leakage.csv", struck)
        words.append(f"--leakage={folder}/leakage.csv")
    assert main([*words, *([f"--choice={choice}"] if choice else [])]) == 0
    parts = {}
    for row in rows_of(folder / "results" / "claims_comparisons.csv"):
        parts.setdefault(row["claim"], []).append(row)
    return {row["claim"]: row for row in rows_of(folder / "results" / "claims.csv")}, parts


def one(folder, **declared):
    """The verdict on a claim of one comparison."""
    return judged(folder, {"D1": claim(comparison("sieve", "clip", **declared))})[0]["D1"]


def outcomes(folder, cell):
    return read_table(cell_folder(folder / "cells", cell) / "outcomes.parquet", OUTCOMES)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("artifacts")
    cells = [contrastive("none", 1.0, seed) for seed in (0, 1)]
    cells += [contrastive(s, 0.3, seed) for s in ("sieve", "clip", "coarse") for seed in (0, 1)]
    for cell in cells:
        write_cell(folder / "cells", cell, SKILL[cell.scorer])
    sets = {"human": 0.9, "integrated": 0.5}
    for name, quality in sets.items():
        write_captions(folder / "cells", name, quality, images=100)
    for name, rate in (("score_model", 0.9), ("score_joint", 0.6)):
        write_preferences(folder / "cells", preference(name), rate)
    write_judge(folder / "cells", 0.9)
    others = [captioning(name) for name in sets]
    others += [preference(name) for name in ("score_model", "score_joint", "judge")]
    write_sweep(folder / "sweep.csv", [*cells, *others])
    return folder


@pytest.fixture
def folder(written, tmp_path):
    """A folder of its own beside the shared cells."""
    (tmp_path / "cells").symlink_to(written / "cells")
    (tmp_path / "sweep.csv").write_bytes((written / "sweep.csv").read_bytes())
    return tmp_path


# the papers as data


@cache
def score_rs():
    return load_paper(PAPERS / "scorers.yaml")


def published(table, row, column):
    found = score_rs().tables[table]
    keys = [c.key for c in found.columns if not c.mean]
    (values,) = [r.published for r in found.rows if r.label == row]
    return values[keys.index(column)]


def sizes(name):
    declared = score_rs().claims[name].comparisons
    return [c.size.value * (1 if c.direction == "up" else -1) for c in declared]


def test_published_sizes_are_those_of_the_tables():
    all_pairs, by_clip, by_score = (
        published("table1", f"RemoteCLIP data, {end}", "avg@1")
        for end in ("all", "30 % by CLIP-score", "30 % by ScoreRS")
    )
    assert sizes("C1") == [pytest.approx(by_score - all_pairs)]
    assert sizes("C2") == [pytest.approx(by_score - by_clip)]
    keys = ("ucm_t2i@1", "ucm_i2t@1", "rsicd_t2i@1", "rsicd_i2t@1")
    means = [
        np.mean([published("table2", f"RemoteCLIP data, {end}", key) for key in keys])
        for end in ("30 % by ScoreRS", "all", "30 % by CLIP-score")
    ]
    assert sizes("C3") == pytest.approx([means[0] - means[1], means[0] - means[2]], abs=0.01)
    sky = [
        published("table10", f"SkyScript, {end}", "avg@1")
        for end in ("30 % by ScoreRS", "30 % by CLIP-score", "all")
    ]
    untuned = published("table1", "CLIP ViT-L/14, not fine-tuned", "avg@1")
    assert sizes("C4") == pytest.approx([sky[0] - sky[1], sky[1] - sky[2], sky[2] - untuned])
    (few, many), (rare, often) = (
        [published("table11", f"{n} % by ScoreRS", column) for n in (10, 30)]
        for column in ("classification", "retrieval")
    )
    shares = 100 * (rare / often - few / many)
    assert sizes("C5") == pytest.approx([few - many, shares], abs=0.005)
    pairs = [published("table6", row, "mean") for row in ("Three stages", "Joint training")]
    assert sizes("C12") == [pytest.approx(pairs[0] - pairs[1])]
    large, small = (published("table8", row, "mean") for row in ("7B", "2B"))
    assert sizes("C13") == [pytest.approx(large - small)]


@pytest.mark.parametrize("name", ["table3", "table4"])
def test_published_averages_recompute(name):
    for row in score_rs().tables[name].rows:
        assert np.mean(row.published[:5]) == pytest.approx(row.published[5], abs=0.013)
        assert np.mean(row.published[6:11]) == pytest.approx(row.published[11], abs=0.013)


def test_published_recalls_of_remote_sensing_models_recompute():
    for row in load_paper(PAPERS / "mpgi.yaml").tables["retrieval"].rows:
        if row.published and None not in row.published:
            for recalls in (row.published[:7], row.published[7:]):
                assert np.mean(recalls[:6]) == pytest.approx(recalls[6], abs=0.013)


@pytest.mark.parametrize(
    ("declared", "told"),
    [
        (claim(), "give either `comparisons` or `choices`, or `not_run`"),
        (claim(comparison("a", "b"), not_run="x"), "or `not_run` with a reason"),
        (claim(comparison("a")), "give either `b`, the cells compared with, or a `number`"),
        (claim(comparison("a", "b", number=1)), "give either `b`"),
        (claim(comparison("a", "b", mean=["x"])), "give either `metric` or `mean`"),
        (claim(comparison("a", number=1, relative=True)), "compare with cells: give `b`"),
        (claim(comparison("a", "b", direction="sideways")), "claims.D1.comparisons.0.direction"),
        (claim(comparison("a", "b", size={})), "give either `value` or `at_least`"),
        (claim(comparison("a", "b", size={"value": -1})), "claims.D1.comparisons.0.size.value"),
        (claim(comparison("a", "b"), colour="red"), "claims.D1.colour"),
    ],
)
def test_a_bad_claim_is_named(tmp_path, declared, told):
    path = tmp_path / "p.yaml"
    path.write_text(yaml.safe_dump(FOURTH | {"claims": {"D1": declared}}), encoding="utf-8")
    with pytest.raises(WinnowError, match=re.escape(told)) as error:
        load_paper(path)
    assert str(path) in str(error.value)


def test_the_documented_paper_can_be_read(tmp_path):
    (source,) = re.findall(r"```yaml\n(.*?)```", DOCUMENT.read_text("utf-8"), re.DOTALL)
    (tmp_path / "mine.yaml").write_text(source, encoding="utf-8")
    assert load_paper(tmp_path / "mine.yaml").claims["D1"].comparisons[0].size.value == 4.3


def test_a_name_is_given_once(tmp_path):
    for name in ("a", "b"):
        text = yaml.safe_dump(FOURTH | {"paper": name})
        (tmp_path / f"{name}.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(WinnowError, match=r"b\.yaml: claims\.D1: paper 'a' has a claim of this id"):
        load_papers(tmp_path)
    (tmp_path / "b.yaml").write_text(
        yaml.safe_dump(FOURTH | {"claims": {"../D1": FOURTH["claims"]["D1"]}}), encoding="utf-8"
    )
    with pytest.raises(WinnowError, match=r"claims\.\.\./D1"):
        load_papers(tmp_path)


# judged by cells


def test_a_fourth_paper_is_one_more_file(folder):
    found, parts = judged(folder, FOURTH["claims"])
    row = found["D1"]
    assert row["paper"] == "fourth" and row["published"] == "'+28 points"  # no formula
    assert (row["verdict"], row["direction"], row["size"]) == ("held", "held", "not run")
    assert row["reason"] == STAND_INS and row["seeds"] == "2" and row["n"] == "100"
    assert float(row["low"]) < float(row["measured"]) < float(row["high"])
    assert [part["verdict"] for part in parts["D1"]] == ["held"]
    shown = (folder / "results" / "claims.md").read_text("utf-8")
    assert "<script>" not in shown and r"&lt;script&gt;alert(1)&lt;/script&gt; \| helps" in shown
    assert "judged where none is. Stand-ins: clip.\n" in shown
    assert "**held** (direction)" in shown and "1 claims: 1 held" in shown


def test_a_paper_beside_ours_needs_nothing_else(folder):
    shutil.copytree(PAPERS, folder / "papers")
    table = {
        "title": "Sieved",
        "verified": "Table 1",
        "track": "contrastive",
        "columns": [{"key": "acc", "label": "Accuracy"}],
        "measured": [{"metric": "acc1", "label": "acc1"}],
        "rows": [
            {"label": "A sieve", "published": [70], "cell": {"scorer": "sieve", "ratio": 0.3}}
        ],
    }
    text = yaml.safe_dump(FOURTH | {"tables": {"sieved": table}})
    (folder / "papers/x.yaml").write_text(text, encoding="utf-8")
    words = [f"--cells={folder}/cells", f"--sweep={folder}/sweep.csv", f"--papers={folder}/papers"]
    words += [f"--output={folder}/results", "--scale=mini", "--standins=[]", "--resamples=100"]
    assert main(["claims", *words]) == main(["leaderboard", *words]) == 0
    ours = [claim for paper in load_papers(PAPERS) for claim in paper.claims]
    assert [row["claim"] for row in rows_of(folder / "results/claims.csv")] == [*ours, "D1"]
    (row,) = rows_of(folder / "results/tables/fourth/sieved.csv")
    assert float(row["measured: acc1"]) == pytest.approx(100 * SKILL["sieve"], abs=15)
    for kind in ("md", "tex"):
        shown = (folder / f"results/tables/fourth/sieved.{kind}").read_text(encoding="utf-8")
        assert "A sieve" in shown and "70" in shown


def test_whether_models_are_stand_ins_must_be_said(folder, capsys):
    words = [f"--cells={folder}/cells", f"--sweep={folder}/sweep.csv", f"--papers={PAPERS}"]
    assert main(["claims", *words, f"--output={folder}/r", "--scale=paper"]) == 2
    assert "--standins: Field required" in capsys.readouterr().err
    assert not (folder / "r").exists()


def test_a_size_is_judged_with_the_papers_models(folder):
    held = judged(folder, FOURTH["claims"], ())[0]["D1"]
    effect = 100 * float(held["measured"])
    assert (held["size"], held["verdict"], held["reason"]) == ("held", "held", "")
    for size, told in (
        ({"value": 2 * effect}, "not held"),
        ({"at_least": effect / 2}, "held"),
        ({"at_least": effect}, "inconclusive"),
        ({"at_least": 2 * effect}, "not held"),
    ):
        declared = claim(comparison("sieve", b=[{"scorer": "none", "ratio": 1.0}], size=size))
        row = judged(folder, {"D1": declared}, ())[0]["D1"]
        assert (row["direction"], row["size"], row["verdict"]) == ("held", told, told)
    shown = (folder / "results" / "claims.md").read_text("utf-8")
    assert "stand-ins" not in shown and "held; size not held" in shown


def test_the_effect_is_that_of_the_statistics(folder):
    sides = [[outcomes(folder, contrastive(s, 0.3, k)) for k in (0, 1)] for s in ("sieve", "clip")]
    means = headline_means(sides[0][0]["metric"])
    means["both"] = ["image_retrieval_recall@1", "text_retrieval_recall@1"]
    for declared, name in (
        ({}, "acc1"),
        ({"metric": "mean_recall"}, "mean_recall"),
        ({"metric": "terra-winter/acc5"}, "terra-winter/acc5"),
        ({"metric": None, "mean": means["both"]}, "both"),
    ):
        row = one(folder, **declared)
        expected = paired_difference(*sides, name, means, RESAMPLES)
        found = [float(row[key]) for key in ("measured", "low", "high")]
        assert found == pytest.approx(expected[:3], rel=1e-4, abs=1e-6)


def test_tracks_whose_cells_have_rows_of_their_own_are_paired_too(folder):
    place = {"ratio": 1.0, "scorer": "none"}
    captions = comparison(
        "x", track="captioning", metric="count_accuracy", size=None,
        a=place | {"captions": "integrated"}, b=[place | {"captions": "human"}],
    )  # fmt: skip
    pairs = comparison(
        "x", track="preference", metric="accuracy", size=None,
        a={"captions": "reference", "scorer": "score_model", "ratio": 1.0},
        b=[{"captions": "reference", "scorer": "score_joint", "ratio": 1.0}],
    )  # fmt: skip
    found, _ = judged(folder, {"D1": claim(captions), "D2": claim(pairs)})
    sides = [outcomes(folder, captioning(name)) for name in ("integrated", "human")]
    expected = {"D1": group_difference(*sides, "count_accuracy", RESAMPLES)}
    sides = [outcomes(folder, preference(name)) for name in ("score_model", "score_joint")]
    expected["D2"] = paired_difference(*sides, "accuracy", MACRO, RESAMPLES)
    for name, difference in expected.items():
        values = [float(found[name][key]) for key in ("measured", "low", "high")]
        assert values == pytest.approx(difference[:3], rel=1e-4, abs=1e-6)
    assert (found["D1"]["verdict"], found["D2"]["verdict"]) == ("not held", "held")


@pytest.mark.parametrize("asked", [{"resamples": 300}, {"resamples": 300, "seed": 1}])
def test_the_effect_is_that_of_the_resamples_that_were_asked_for(folder, asked):
    place = {"captions": "reference", "ratio": 1.0}
    pairs = comparison(
        "x", track="preference", metric="accuracy", size=None,
        a=place | {"scorer": "score_model"}, b=[place | {"scorer": "score_joint"}],
    )  # fmt: skip
    claims = {"D1": claim(comparison("sieve", "clip")), "D2": claim(pairs)}
    found, _ = judged(folder, claims, words=[f"--{key}={value}" for key, value in asked.items()])
    sides = [[outcomes(folder, contrastive(s, 0.3, k)) for k in (0, 1)] for s in ("sieve", "clip")]
    means = headline_means(sides[0][0]["metric"])
    expected = {"D1": paired_difference(*sides, "acc1", means, **asked)}
    sides = [outcomes(folder, preference(name)) for name in ("score_model", "score_joint")]
    expected["D2"] = paired_difference(*sides, "accuracy", MACRO, **asked)
    for name, difference in expected.items():
        values = [float(found[name][key]) for key in ("measured", "low", "high")]
        assert values == pytest.approx(difference[:3], rel=1e-4, abs=1e-6)


def test_a_relative_change_and_one_beyond_another(folder):
    values = {
        s: {
            k: float(one(folder, metric=k, a={"scorer": s, "ratio": 0.3}, b=None, number=0,
                         size=None)["measured"])
            for k in ("acc1", "mean_recall")
        }
        for s in ("sieve", "clip")
    }  # fmt: skip
    change = {k: values["sieve"][k] / values["clip"][k] - 1 for k in ("acc1", "mean_recall")}
    row = one(folder, relative=True)
    assert float(row["measured"]) == pytest.approx(change["acc1"], rel=1e-4)
    assert row["unit"] == "percent" and row["verdict"] == "held"
    row = one(folder, relative=True, beyond="mean_recall")
    apart = change["acc1"] - change["mean_recall"]
    assert float(row["measured"]) == pytest.approx(apart, abs=1e-4)
    row = one(folder, beyond="acc1", direction="down")
    assert float(row["measured"]) == 0 and row["verdict"] == "inconclusive"


def test_a_claim_about_one_thing(folder):
    judge = {"captions": "reference", "scorer": "judge", "ratio": 1.0}
    declared = comparison(
        "x", track="preference", metric="agreement/caption", a=judge, number=50,
        size={"at_least": 10},
    )  # fmt: skip
    row = judged(folder, {"D1": claim(declared)}, ())[0]["D1"]
    unless = {"model": "stand-in ViT", "reason": "it judges itself"}
    circular = judged(folder, {"D1": claim({**declared, "unless": unless})}, ())[0]["D1"]
    assert (circular["verdict"], circular["measured"]) == ("not run", "")
    assert circular["reason"] == "not run: it judges itself"
    other = claim({**declared, "unless": {**unless, "model": "another"}})
    assert judged(folder, {"D1": other}, ())[0]["D1"]["verdict"] == row["verdict"]
    record = outcomes(folder, preference("judge"))
    mean = record[record["metric"] == "agreement/caption"]["value"].mean()
    assert float(row["measured"]) == pytest.approx(mean - 0.5, rel=1e-4)
    assert row["b"] == "50" and row["verdict"] == "held" and row["n"] == "160"


def test_a_conjunction_is_as_good_as_its_worst_part(folder):
    good, open_, bad = (
        comparison("sieve", other) | ({"a": {"scorer": first, "ratio": 0.3}} if first else {})
        for first, other in (("", "coarse"), ("clip", "clip"), ("coarse", "sieve"))
    )
    absent = comparison("sieve", "absent")
    claims = {
        "D1": claim(good, good),
        "D2": claim(good, open_),
        "D3": claim(good, bad, open_),
        "D4": claim(good, absent),
        "D5": claim(absent, absent),
        "D6": claim(not_run="nothing measures it"),
        "D7": claim(comparison("sieve", "coarse", "clip")),
    }
    found, parts = judged(folder, claims)
    verdicts = ["held", "inconclusive", "not held", "inconclusive", "not run", "not run", "held"]
    assert [row["verdict"] for row in found.values()] == verdicts
    assert found["D3"]["a"] == "raw, coarse, 0.3"  # the one that decides
    assert found["D3"]["reason"].endswith("3 comparisons: 1 held, 1 not held, 1 inconclusive")
    assert "absent is not in this sweep" in found["D4"]["reason"] and found["D4"]["measured"] == ""
    assert found["D6"]["reason"] == "nothing measures it" and "D6" not in parts
    assert [part["b"] for part in parts["D7"]] == ["raw, coarse, 0.3", "raw, clip, 0.3"]


def test_a_claim_about_a_method_that_is_struck_out_is_not_run(folder):
    claims = {
        "D1": claim(comparison("sieve", "clip")),  # of what is struck out
        "D2": claim(comparison("coarse", "sieve", direction="up")),  # against it
        "D3": claim(comparison("coarse", "clip"), comparison("sieve", "clip")),
        "D4": claim(comparison("clip", "coarse")),
    }
    before, _ = judged(folder, claims)
    assert [row["verdict"] for row in before.values()] == ["held", "not held", "not held", "held"]
    found, parts = judged(folder, claims, struck={contrastive("sieve", 0.3): 7})
    assert [row["verdict"] for row in found.values()] == ["not run"] * 3 + ["held"]
    told = "sieve: struck out: learned from 7 leaking pairs"
    for name in ("D1", "D2", "D3"):
        row = found[name]
        assert row["reason"].startswith(told) and row["measured"] == row["low"] == row["n"] == ""
        assert (row["direction"], row["size"]) == ("not run", "not run")
    assert found["D3"]["reason"] == f"{told}; 2 comparisons: 1 not held, 1 not run"
    assert [part["verdict"] for part in parts["D3"]] == ["not held", "not run"]
    assert found["D4"] == before["D4"]
    assert told in (folder / "results" / "claims.md").read_text("utf-8")


def test_other_ratios_and_tracks_are_not_struck_out(folder):
    before = judged(folder, FOURTH["claims"])
    elsewhere = {contrastive("sieve", 0.5): 7, drawing("sieve", 0.3): 7}
    assert judged(folder, FOURTH["claims"], struck=elsewhere) == before


def test_a_damaged_table_of_leaks_is_named(folder, capsys):
    (folder / "leakage.csv").write_text("track,captions\ncontrastive,raw\n", encoding="utf-8")
    words = ["claims", f"--cells={folder}/cells", f"--sweep={folder}/sweep.csv", "--scale=mini"]
    words += [f"--papers={PAPERS}", f"--output={folder}/r", f"--leakage={folder}/leakage.csv"]
    words.append("--standins=[]")
    assert main(words) == 2 and not (folder / "r").exists()
    assert f"{folder}/leakage.csv: column 'scorer' is missing" in capsys.readouterr().err


def test_a_cell_that_was_edited_leaves_its_claims_open(tmp_path, capsys):
    cells = [contrastive("none", 1.0), contrastive("sieve")]
    for cell in cells:
        write_cell(tmp_path / "cells", cell, SKILL[cell.scorer])
    write_sweep(tmp_path / "sweep.csv", cells)
    path = cell_folder(tmp_path / "cells", cells[1]) / "metrics.json"
    damage(path, lambda record: record["metrics"].update(acc1=0.99))
    row = judged(tmp_path, FOURTH["claims"])[0]["D1"]
    assert row["verdict"] == "not run" and "refused: contrastive/raw/sieve" in row["reason"]
    assert row["measured"] == row["low"] == row["n"] == ""
    said = capsys.readouterr().out
    assert "contrastive/raw/sieve/0.3/0" in said and str(tmp_path) not in said


def test_a_seed_that_is_missing_is_told(folder, written):
    cells = [contrastive("none", 1.0, seed) for seed in (0, 1)]
    cells += [contrastive("sieve", 0.3, seed) for seed in (0, 1, 2)]
    write_sweep(folder / "sweep.csv", cells)
    row = judged(folder, FOURTH["claims"])[0]["D1"]
    assert row["verdict"] == "held" and "1 of 3 seeds missing" in row["reason"]


def test_a_sweep_that_has_not_run(tmp_path, capsys):
    write_sweep(tmp_path / "sweep.csv", [contrastive("none", 1.0)])
    words = ["claims", f"--cells={tmp_path}/cells", f"--sweep={tmp_path}/sweep.csv"]
    words.append("--standins=[]")
    assert main([*words, f"--papers={PAPERS}", f"--output={tmp_path}/r", "--scale=smoke"]) == 0
    rows = rows_of(tmp_path / "r" / "claims.csv")
    known = [claim for paper in load_papers(PAPERS) for claim in paper.claims]
    assert [row["claim"] for row in rows] == known
    assert {row["verdict"] for row in rows} == {"not run"}
    assert all(row["reason"] and not row["measured"] for row in rows)
    assert f"{len(known)} claims: 0 held" in (tmp_path / "r" / "claims.md").read_text("utf-8")


def test_two_renders_give_equal_bytes(folder):
    judged(folder, FOURTH["claims"])
    first = contents(folder / "results")
    judged(folder, FOURTH["claims"])
    assert contents(folder / "results") == first and set(first) == {
        "claims.csv",
        "claims.md",
        "claims_comparisons.csv",
        "summary/claims.md",
    }


# text-to-image


def drawing(scorer, ratio):
    return Cell(track="generation", captions="raw", scorer=scorer, ratio=ratio, seed=0)


def write_drawing(folder, cell, skill):
    """A generator whose RemoteCLIP score in each scene is `skill`, and an FID that is worse."""
    rows = pd.DataFrame({"scene": np.repeat(SCENES, 40)})
    rows["query"] = rows["group"] = [f"u{i:03d}" for i in range(len(rows))]
    noise = np.random.default_rng(seed_of(cell)).normal(0, 0.02, len(rows))
    rows["value"] = rows["scene"].map(skill).to_numpy() + noise
    frames = [rows.assign(metric="remoteclip_score")]
    frames += [rows[rows["scene"] == s].assign(metric=f"remoteclip_score/{s}") for s in SCENES]
    table = pd.concat(frames, ignore_index=True)[list(OUTCOMES)]
    fid = 10 / sum(skill.values())
    shaken = fid * np.random.default_rng(1).normal(1, 0.02, 100)  # alike for all cells
    draws = pd.DataFrame({"metric": "fid", "draw": range(100), "value": shaken})
    metrics, intervals = estimates(table) | {"fid": fid}, bootstrap(table, 100)
    counts = {str(name): int(n) for name, n in table["metric"].value_counts().items()}
    write_record(folder, cell, metrics, intervals, counts | {"fid": 80}, unit="mixed")
    write_table(cell_folder(folder, cell) / "outcomes.parquet", table, OUTCOMES)
    write_table(cell_folder(folder, cell) / "draws.parquet", draws, DRAWS)


def chosen(forest, lake):
    rows = [("forest", 10, 0.3, "scene", forest), ("lake", 10, 0.7, "scene", lake)]
    return pd.DataFrame(rows, columns=list(CHOICE)).astype({"pairs": "int32"})


def test_the_choice_of_ratios(tmp_path):
    skills = {0.3: (0.8, 0.5), 0.7: (0.5, 0.8), 1.0: (0.55, 0.55)}
    cells = {r: drawing("none" if r == 1.0 else "dldc", r) for r in skills}
    for ratio, cell in cells.items():
        write_drawing(tmp_path / "cells", cell, dict(zip(SCENES, skills[ratio], strict=True)))
    write_sweep(tmp_path / "sweep.csv", cells.values())
    gains, swept = ("best", "chosen"), {"track": "generation", "scorer": "dldc"}
    claims = {
        f"D{i}": claim(choices=[{"label": gain, **swept, "gain": gain}])
        for i, gain in enumerate(gains, 1)
    }
    fid = comparison(
        "x", track="generation", metric="fid", relative=True, direction="down", size=None,
        a={"scorer": "dldc", "ratio": 0.3}, b=[{"scorer": "none", "ratio": 1.0}],
    )  # fmt: skip
    claims["D3"] = claim(fid)
    right, wrong = tmp_path / "right.parquet", tmp_path / "wrong.parquet"
    write_table(right, chosen(0.3, 0.7), CHOICE)
    write_table(wrong, chosen(0.7, 0.3), CHOICE)
    found, _ = judged(tmp_path, claims, choice=right)
    assert [found[name]["verdict"] for name in claims] == ["held", "held", "held"]
    assert found["D1"]["n"] == "80" and float(found["D2"]["measured"]) == pytest.approx(
        0.15, abs=0.02
    )
    assert float(found["D3"]["measured"]) == pytest.approx(1.1 / 1.3 - 1, rel=1e-4)
    found, _ = judged(tmp_path, claims, choice=wrong)
    assert [found[name]["verdict"] for name in claims][:2] == ["held", "not held"]
    found, _ = judged(tmp_path, claims, choice=right, struck={cells[0.7]: 2})
    assert [row["verdict"] for row in found.values()] == ["not run", "not run", "held"]
    assert found["D1"]["reason"] == "dldc: struck out: learned from 2 leaking pairs"
    found, _ = judged(tmp_path, claims)
    assert "no keep ratio was chosen" in found["D1"]["reason"]
    assert found["D2"]["verdict"] == "not run"
