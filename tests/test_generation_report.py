"""Reports on text-to-image from synthetic cells: tables, the choice of keep ratios, the gallery."""

import re
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from report_helpers import (
    Cell,
    contents,
    damage,
    render_tables,
    rows_of,
    seed_of,
    write_record,
    write_struck,
    write_sweep,
)

from winnow.command.line import main
from winnow.data.errors import WinnowError
from winnow.data.files import digest_bytes
from winnow.data.images import encode_png
from winnow.data.shards import ShardWriter
from winnow.data.tables import (
    CHOICE,
    DRAWS,
    OUTCOMES,
    PROMPTS,
    SAMPLES,
    write_table,
)
from winnow.evaluation.statistics import bootstrap, estimates, paired_difference
from winnow.reporting.cells import cell_folder
from winnow.reporting.paired import change
from winnow.reporting.papers import CellSelector, Measure, Row, load_paper
from winnow.reporting.ratio_regret import held_out, mean_gain, overall
from winnow.reporting.results import load_results
from winnow.reporting.tables import build
from winnow.reporting.values import EMPTY
from winnow.tracks.generation import gallery
from winnow.tracks.generation.page import GenerationSettings
from winnow.tracks.generation.page import generation as page
from winnow.tracks.generation.report import START, Plan

PAPERS = Path(__file__).parents[1] / "workflow" / "papers"
SCENES = ("forest", "harbor", "lake")
PROMPTS_EACH = 24
BEST = {"forest": 0.3, "harbor": 0.7, "lake": 1.0}  # which keep ratio suits which scene
CHOSEN = {"forest": 0.3, "harbor": 0.3, "lake": 1.0}  # what a rule made of that
PLAN = Plan("dldc", "dldc_chosen", {"crs_diff": "crs_diff", "geo_rssd": "geo_rssd"})
SETTINGS = [
    "--scale=mini",
    '--standins=["t2i", "evaluator_clip"]',
    "--resamples=100",
    "--scorer=dldc",
    "--chosen=dldc_chosen",
    '--baselines={"crs_diff": "crs_diff", "geo_rssd": "geo_rssd"}',
]


def generation(scorer, ratio=1.0, captions="raw", seed=0):
    return Cell(track="generation", captions=captions, scorer=scorer, ratio=ratio, seed=seed)


def planned():
    cells = [generation(scorer) for scorer in ("pretrained", "crs_diff", "geo_rssd", "none")]
    cells += [generation("dldc", ratio) for ratio in (0.3, 0.7)]
    cells += [generation("dldc_chosen", 0.3), generation("none", captions="human")]
    return cells


def skill(cell, scene):
    """How well a cell draws a scene, 0 to 1."""
    by_name = {"pretrained": 0.1, "crs_diff": 0.2, "geo_rssd": 0.25, "dldc_chosen": 0.6}
    by_name |= {"random": 0.3, "oracle": 0.7}
    if cell.captions == "human":
        return 0.65
    return by_name.get(cell.scorer, 0.6 - abs(cell.ratio - BEST[scene]) / 2)


@cache
def picture(row):
    """The image that prompt number `row` is a caption of."""
    image = encode_png(np.full((64, 64, 3), 10, np.uint8))
    return image + str(row).encode()  # what follows its end is no part of a PNG


def prompts():
    scenes = np.repeat(SCENES, PROMPTS_EACH)
    rows = np.arange(len(scenes), dtype=np.int32)
    texts = [f"a <b>{scene}</b> | no. {row}" for row, scene in enumerate(scenes)]
    uids = [digest_bytes(picture(row)) for row in rows.tolist()]
    return pd.DataFrame({"row": rows, "uid": uids, "scene": scenes, "prompt": texts})


def write_generation(folder, cell, noise=0.02):
    """A cell whose scores follow its skill, with distances and their resamples."""
    asked = prompts()
    luck = np.random.default_rng(seed_of("luck")).normal(0, 0.05, len(asked))
    own = np.random.default_rng(seed_of(cell)).normal(0, noise, len(asked))
    skills = np.array([skill(cell, scene) for scene in asked["scene"]])
    frames = []
    for name, share in (("clip_score", 0.5), ("remoteclip_score", 1.0)):
        rows = pd.DataFrame({"query": asked["uid"], "group": asked["uid"]})
        rows = rows.assign(value=0.1 + share * skills + luck + own)
        frames.append(rows.assign(metric=name))
        frames += [rows[asked["scene"] == s].assign(metric=f"{name}/{s}") for s in SCENES]
        frames.append(rows.assign(metric=f"{name}_real", value=0.9))
    outcomes = pd.concat(frames, ignore_index=True)[list(OUTCOMES)]
    distances = {"fid": 20 * (1 - skills.mean()), "kid": 0.2 * (1 - skills.mean())}
    distances |= {f"kid/{s}": 0.2 * (1 - skill(cell, s)) for s in SCENES}
    distances |= {"fid_floor": 0.5, "kid_floor": 0.001}
    shaken = np.random.default_rng(seed_of("draws")).normal(1, 0.04, 100)  # alike for all cells
    draws = [
        pd.DataFrame({"metric": name, "draw": range(100), "value": value * shaken})
        for name, value in distances.items()
    ]
    metrics = estimates(outcomes) | distances
    intervals = bootstrap(outcomes, 100)
    intervals |= {name: (0.92 * value, 1.08 * value) for name, value in distances.items()}
    counts = dict(outcomes["metric"].value_counts()) | dict.fromkeys(distances, len(asked))
    worse = dict.fromkeys(distances, False)
    origin = {"parameters": {"features": "evaluator"}, "inputs": {}, "code": "ab"}
    write_record(
        folder, cell, metrics, intervals, {k: int(v) for k, v in counts.items()}, unit="mixed",
        higher_is_better={name: worse.get(name, True) for name in metrics}, provenance=origin,
        model="stand-in generator",
    )  # fmt: skip
    write_table(cell_folder(folder, cell) / "outcomes.parquet", outcomes, OUTCOMES)
    write_table(cell_folder(folder, cell) / "draws.parquet", pd.concat(draws), DRAWS)


def write_pool(pool, asked):
    writer = ShardWriter(pool / "shards", 1000)
    for row, uid in zip(asked["row"].tolist(), asked["uid"], strict=True):
        writer.add(uid, {"png": picture(row)})
    writer.close()
    samples = asked[["uid", "scene"]].assign(split="test", source="x", shard=0, width=64, height=64)
    write_table(pool / "samples.parquet", samples, SAMPLES)


def write_drawn(folder, cell, asked, shade):
    """The images of a cell; the others have been cleared away."""
    place = folder / cell.captions / cell.scorer / repr(cell.ratio) / str(cell.seed)
    write_table(place / "prompts.parquet", asked, PROMPTS)
    for row in (0, PROMPTS_EACH, 2 * PROMPTS_EACH):
        image = np.full((64, 64, 3), shade, np.uint8)
        (place / f"{row:05d}.png").write_bytes(encode_png(image))


def choice_table():
    rows = {"scene": SCENES, "pairs": 400, "clean_share": 0.35, "source": "scene"}
    return pd.DataFrame(rows).assign(ratio=[CHOSEN[scene] for scene in SCENES])


@pytest.fixture(scope="session")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("artifacts")
    asked = prompts()
    write_pool(folder / "pool", asked)
    for number, cell in enumerate(planned()):
        write_generation(folder / "cells", cell)
        write_drawn(folder / "generated", cell, asked, 20 + number)
    write_sweep(folder / "sweep.csv", planned())
    write_table(folder / "choice.parquet", choice_table(), CHOICE)
    return folder


def rendered(folder, results, *words):
    places = {name: folder / name for name in ("cells", "generated", "pool")}
    places |= {"sweep": folder / "sweep.csv", "output": results}
    named = [word for name, place in places.items() for word in (f"--{name}", str(place))]
    given = {word.partition("=")[0] for word in words}
    usual = [word for word in SETTINGS if word.partition("=")[0] not in given]
    assert main(["generation", *named, *usual, *words]) == 0
    return (results / "generation.md").read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def results(written):
    rendered(written, written / "results", f"--choice={written}/choice.parquet")
    render_tables(
        written / "cells", written / "sweep.csv", PAPERS, written / "results", "mini", 100
    )
    return written / "results"


@pytest.fixture(scope="session")
def known(written):
    return load_results(written / "cells", written / "sweep.csv", "mini", tracks=("generation",))


@pytest.fixture
def small(tmp_path, written):
    """A sweep of two cells that tests may damage."""
    cells = [generation("pretrained"), generation("none")]
    for cell in cells:
        write_generation(tmp_path / "cells", cell)
    write_sweep(tmp_path / "sweep.csv", cells)
    (tmp_path / "generated").symlink_to(written / "generated")
    (tmp_path / "pool").symlink_to(written / "pool")
    return tmp_path


def method(known, scorer, ratio=1.0):
    return next(m for m in known.values if (m.captions, m[2:]) == ("raw", (scorer, ratio)))


def section(markdown, heading):
    return markdown.split(f"## {heading}\n")[1].split("\n## ")[0]


def table(results, name):
    rows = rows_of(results / "tables" / "dldc" / f"{name}.csv")
    return {row["row"]: row for row in rows}


@pytest.mark.parametrize("scale", ["mini", "paper"])
def test_pages_name_the_stand_ins_whatever_the_scale(written, tmp_path, scale):
    words = [f"--choice={written}/choice.parquet", f"--scale={scale}"]
    shown = rendered(written, tmp_path, *words)
    assert "). Stand-ins: t2i, evaluator\\_clip.\n" in shown
    shown = rendered(written, tmp_path, *words, "--standins=[]")
    assert "tand-ins" not in shown


def test_controls_are_in_order_where_less_is_better(tmp_path):
    cells = [generation("pretrained"), generation("random", 0.3), generation("oracle", 0.3)]
    for cell in cells:
        write_generation(tmp_path / "cells", cell)
    write_sweep(tmp_path / "sweep.csv", cells)
    known = load_results(tmp_path / "cells", tmp_path / "sweep.csv", "mini", tracks=("generation",))
    paper = load_paper(PAPERS / "dldc.yaml")

    def warnings(lower, upper):
        """Of a table whose rows `random` and `oracle` are the cells of these."""
        rows = [
            Row(label=name, ours=True, cell=CellSelector(scorer=name, ratio=0.3))
            for name in ("random", "oracle")
        ]
        table = paper.tables["generation"].model_copy(update={"rows": rows})
        values = known.values | {
            method(known, name, 0.3): known.values[method(known, cell, 0.3)]
            for name, cell in (("random", lower), ("oracle", upper))
        }
        changed = paper.model_copy(update={"tables": {"generation": table}})
        return build(replace(known, values=values), changed, "generation", {}).warnings

    assert warnings("random", "oracle") == {}
    told = warnings("oracle", "random")
    assert len(told) == 2 and all("FID" in text and "CLIP score" in text for text in told.values())


def test_what_the_rivals_are_is_said(written, results, tmp_path):
    before = (results / "generation.md").read_text(encoding="utf-8")
    against = section(before, "Is it better than the baselines?")
    assert "better than CRS-Diff, GeoRSSD and DiffusionSat (claim A4;" in against
    assert "masks" not in before and "the same prompts and seeds for all. Real" in before
    shown = rendered(written, tmp_path, '--baselines={"crs_diff": null, "geo_rssd": "controlnet"}')
    against = section(shown, "Is it better than the baselines?")
    assert "geo\\_rssd is shown the land-cover masks" in against and "is not fair" in against
    told = "(crs\\_diff: the same prompts alone, as the images were generated elsewhere). Real"
    assert told in shown
    assert "![Same prompts, a row a method]" in section(shown, "Gallery")


def test_two_renders_give_equal_bytes(written, results, tmp_path):
    rendered(written, tmp_path, f"--choice={written}/choice.parquet")
    found = contents(tmp_path)
    expected = {"generation.csv", "generation_scenes.csv", "generation_choice.csv"}
    expected |= {"generation.md", "figures/generation.jpg", "plots/generation.csv"}
    assert set(found) == expected
    assert all(found[name] == (results / name).read_bytes() for name in found)


def test_the_curves_for_dvc_are_those_of_the_main_set(results):
    rows = rows_of(results / "plots" / "generation.csv")
    assert list(rows[0]) == ["ratio", "fid", "remoteclip_score", "scorer", "captions"]
    assert {row["captions"] for row in rows} == {"raw"} and len(rows) == len(planned()) - 1
    table = {(r["scorer"], r["ratio"], r["metric"], r["captions"]): r["value"]
             for r in rows_of(results / "generation.csv")}  # fmt: skip
    for row in rows:
        assert row["fid"] == table[row["scorer"], row["ratio"], "fid", "raw"]


def test_each_method_has_its_metrics(results):
    rows = rows_of(results / "generation.csv")
    order = list(dict.fromkeys((row["captions"], row["scorer"], row["ratio"]) for row in rows))
    assert order[:4] == [("raw", s, "1.0") for s in ("pretrained", "crs_diff", "geo_rssd", "none")]
    assert order[-1] == ("human", "none", "1.0") and len(order) == len(planned())
    assert {row["metric"] for row in rows} == {"fid", "kid", "clip_score", "remoteclip_score"}
    assert all(float(r["low"]) <= float(r["value"]) <= float(r["high"]) for r in rows)
    by_scene = rows_of(results / "generation_scenes.csv")
    assert {row["scene"] for row in by_scene} == set(SCENES)
    assert len(by_scene) == len(planned()) * len(SCENES) * 3  # FID needs more images


def test_no_means_over_other_kinds_of_names(known):
    names = {name for values in known.values.values() for name in values}
    assert not names & set(SCENES)


def test_changes_are_relative_and_paired(known):
    base, ours = START, method(known, "dldc", 0.7)
    fid, reason = change(known, ours, base, "fid")
    first, second = known.values[ours]["fid"].estimate, known.values[base]["fid"].estimate
    assert reason == "" and fid.estimate == pytest.approx(first / second - 1)
    assert fid.low == pytest.approx(fid.estimate) == fid.high  # its resamples shake both alike
    score, _ = change(known, ours, base, "clip_score")
    first, second = (known.values[m]["clip_score"].estimate for m in (ours, base))
    assert score.estimate == pytest.approx(first / second - 1)
    assert score.low < score.estimate < score.high and score.significant


def test_changes_that_have_no_meaning(small):
    damage(
        cell_folder(small / "cells", generation("pretrained")) / "metrics.json",
        lambda r: (r["metrics"].update(kid=-0.01), r["intervals"].update(kid=[-0.02, 0.01])),
    )
    known = load_results(small / "cells", small / "sweep.csv", "mini", tracks=("generation",))
    ours = method(known, "none")
    assert "-0.01 has no meaning" in change(known, ours, START, "kid")[1]
    absent = ours._replace(scorer="siglip")
    assert "scorer siglip is not in this sweep" in change(known, absent, START, "fid")[1]
    assert change(known, ours, START, "spice")[1] == "none: this metric was not measured"


def test_without_resamples_there_is_no_interval(small):
    (cell_folder(small / "cells", generation("none")) / "draws.parquet").unlink()
    known = load_results(small / "cells", small / "sweep.csv", "mini", tracks=("generation",))
    fid, _ = change(known, method(known, "none"), START, "fid")
    assert fid.estimate < 0 and fid.low is None and not fid.significant
    shown = rendered(small, small / "results")
    assert "| raw | none | 1 | -" in section(shown, "Does fine-tuning help?")


def test_seeds_are_averaged(tmp_path):
    cells = [generation("pretrained"), *(generation("none", seed=seed) for seed in (0, 1))]
    for cell in cells:
        write_generation(tmp_path / "cells", cell)
    write_sweep(tmp_path / "sweep.csv", cells)
    known = load_results(tmp_path / "cells", tmp_path / "sweep.csv", "mini", tracks=("generation",))
    ours = method(known, "none")
    assert known.values[ours]["remoteclip_score"].seeds == 2
    distance = known.values[ours]["fid"]
    assert distance.low < distance.estimate < distance.high and distance.seeds == 2
    fid, _ = change(known, ours, START, "fid")
    assert fid.low is not None and fid.significant


def test_the_verdicts_of_changes(results):
    rows = {
        (row["scorer"], row["ratio"], row["metric"]): row
        for row in rows_of(results / "generation.csv")
        if row["captions"] == "raw"
    }
    assert rows["dldc", "0.7", "fid"]["change_pretrained_verdict"] == "better"  # lower is better
    assert rows["pretrained", "1.0", "fid"]["change_none_verdict"] == "worse"
    assert rows["pretrained", "1.0", "fid"]["change_pretrained"] == "0"
    same = rows["none", "1.0", "clip_score"]["change_none_verdict"]
    assert same == "no significant difference"


def test_the_regret_of_each_scene(results):
    rows = {row["scene"]: row for row in rows_of(results / "generation_choice.csv")}
    assert {s: float(row["best_ratio"]) for s, row in rows.items()} == BEST
    assert {s: float(row["chosen_ratio"]) for s, row in rows.items()} == CHOSEN
    assert rows["harbor"]["verdict"] == "another is better"
    assert float(rows["harbor"]["low"]) > 0.15 and float(rows["harbor"]["p_holm"]) < 0.01
    assert rows["forest"]["verdict"] == rows["lake"]["verdict"] == "no significant difference"
    assert rows["forest"]["regret"] == "0"


def test_gains_are_measured_on_other_prompts():
    rng = np.random.default_rng(0)
    values = rng.normal(size=(6, 40))  # no row is better than another
    naive = (values[values.mean(axis=1).argmax()] - values[0]).mean()
    fair = [held_out(rng.normal(size=(6, 40)), (0, 0)).mean() for _ in range(300)]
    assert naive > 0.1 and abs(np.mean(fair)) < 0.03


@given(st.integers(1, 5), st.integers(4, 30), st.integers(0, 100))
@settings(max_examples=25, deadline=None)
def test_a_row_that_is_always_best_gains_its_lead(count, prompts, seed):
    rng = np.random.default_rng(seed)
    values = np.concatenate([rng.random((count, prompts)), 2 + rng.random((1, prompts))])
    np.testing.assert_allclose(held_out(values, (0, 0)), values[-1] - values[0])
    assert (held_out(values, (count, count)) == 0).all()


@pytest.mark.parametrize(("asked", "drawn"), [(100, 10_000), (12_000, 12_000)])
def test_gains_are_drawn_as_often_as_asked_and_as_p_needs(known, asked, drawn):
    values = np.random.default_rng(0).normal(0.3, 1, 20)
    names = [str(i) for i in range(len(values))]
    gains = pd.DataFrame({"metric": "m", "query": names, "group": names, "value": values})
    expected = paired_difference(gains, gains.assign(value=0.0), "m", resamples=drawn, seed=1)
    found = mean_gain(replace(known, resamples=asked, seed=1), values)
    assert found == pytest.approx(expected) and 0.05 < found.p < 0.95


def test_equal_rows_are_no_difference(known):
    found = mean_gain(known, np.zeros(8))
    assert (found.difference, found.low, found.high, found.p) == (0, 0, 0, 1)


def test_one_ratio_for_all_is_worse_than_one_a_scene(known):
    gains = overall(known, PLAN.sweep(known), choice_table())
    assert gains["one"].low > 0 and gains["chosen"].low > 0
    best = choice_table().assign(ratio=[BEST[s] for s in SCENES])
    assert overall(known, PLAN.sweep(known), best)["chosen"].difference == 0
    assert overall(known, PLAN.sweep(known), best.assign(ratio=0.5)) == {}  # was not measured
    assert list(PLAN.sweep(known).methods) == [1.0, 0.7, 0.3]


def test_what_the_page_says(results):
    shown = (results / "generation.md").read_text(encoding="utf-8")
    quality = section(shown, "How good are the images?")
    assert f"| real images | {EMPTY} | {EMPTY} | 0.5000 (0.4600 to 0.5400) | 0.0010 " in quality
    assert "features of evaluator" in quality and "72 images a method" in quality
    against = section(shown, "Is it better than the baselines?")
    assert f"| {EMPTY} | crs\\_diff | {EMPTY} |" in against and " better |" in against
    sweep = section(shown, "Which keep ratio for which scene?")
    assert sweep.count("at keep ratio | 1 | 0.7 | 0.3 |") == 2
    told = section(shown, "Was the ratio chosen well?")
    helped = section(shown, "Does cleaning help?")
    assert "| raw | dldc\\_chosen | chosen |" in helped and "crs" not in helped
    assert "takes 3 values" in told and "another is better" in told and "our choice" in told
    drawn = section(shown, "Gallery")
    assert "- forest: a &lt;b&gt;forest&lt;/b&gt; \\| no. 0" in drawn and "<b>" not in shown


def test_what_is_struck_out_is_marked_and_off_the_curves(written, results, tmp_path):
    write_struck(tmp_path / "leaks.csv", {generation("dldc", 0.7): 3, generation("none"): 1})
    words = (f"--choice={written}/choice.parquet", f"--leakage={tmp_path}/leaks.csv")
    shown = rendered(written, tmp_path, *words)
    for heading in ("How good are the images?", "Does fine-tuning help?"):
        part = section(shown, heading)
        assert "| raw | ~~dldc~~ | 0.7 |" in part and "| raw | dldc | 0.3 |" in part
        assert "| raw | ~~none~~ | 1 |" in part and "| human | none | 1 |" in part
    sweep = section(shown, "Which keep ratio for which scene?")
    assert sweep.count("at keep ratio | 1 | 0.7 | 0.3 |") == 2
    assert len(re.findall(r"^[|] \w+ [|] ~~.*~~ [|] ~~.*~~ [|] [0-9]", sweep, re.MULTILINE)) > 2
    told = section(shown, "Was the ratio chosen well?")
    assert "| forest | 400 | 0.350 | scene | 0.3 | 0.3 |" in told
    assert "| harbor | 400 | 0.350 | scene | 0.3 | ~~0.7~~ |" in told
    reason = "struck out: learned from 3 leaking pairs"
    assert f"- raw dldc 0.7: {reason}\n" in shown and shown.endswith(
        "[which pairs leak](leakage.md).\n"
    )
    notes = {(r["scorer"], r["ratio"]): r["note"] for r in rows_of(tmp_path / "generation.csv")}
    assert notes["dldc", "0.7"] == reason and notes["dldc", "0.3"] == ""
    curves = [
        {(r["captions"], r["scorer"], r["ratio"]) for r in rows_of(place / "plots/generation.csv")}
        for place in (results, tmp_path)
    ]
    assert curves[0] - curves[1] == {("raw", "dldc", "0.7"), ("raw", "none", "1.0")}
    assert "~~" not in (results / "generation.md").read_text(encoding="utf-8")


def test_a_choice_that_was_not_measured(small):
    write_table(small / "choice.parquet", choice_table(), CHOICE)
    shown = rendered(small, small / "results", f"--choice={small}/choice.parquet")
    rows = {r["scene"]: r for r in rows_of(small / "results" / "generation_choice.csv")}
    assert rows["forest"]["reason"] == "keep ratio 0.3 was not measured"
    assert rows["lake"]["verdict"] == "no significant difference"  # all of raw was measured
    assert "Not in this sweep." in section(shown, "Is it better than the baselines?")


def test_a_sweep_that_has_not_run(tmp_path, written):
    write_sweep(tmp_path / "sweep.csv", planned())
    for name in ("cells", "generated"):
        (tmp_path / name).mkdir()
    (tmp_path / "pool").symlink_to(written / "pool")
    shown = rendered(tmp_path, tmp_path / "results")
    assert "No ratio was chosen here." in shown and "raw none 1.0: not run" in shown
    assert Image.open(tmp_path / "results/figures/generation.jpg").width > 100


def test_the_gallery_has_a_row_a_method_and_a_column_a_scene(written, known):
    shown = gallery.collect(known, PLAN, written / "generated", written / "pool")
    assert shown.prompts["scene"].tolist() == list(SCENES)
    assert shown.prompts["row"].tolist() == [0, PROMPTS_EACH, 2 * PROMPTS_EACH]
    assert shown.names[:3] == ["real images", "pretrained", "crs_diff"]
    assert shown.names[5:7] == ["raw dldc 0.7", "raw dldc_chosen chosen"]  # 0.7 is the best
    shades = [10, 20, 21, 22, 23, 25, 26, 27]  # the sixth cell is dldc at 0.7
    assert shown.images[:, 0, 0, 0, 0].tolist() == shades
    figure = np.asarray(Image.open(written / "results/figures/generation.jpg").convert("RGB"))
    left, top = gallery.MARGIN
    step = gallery.TILE + gallery.GAP
    for row, shade in enumerate(shades):  # as a JPEG has them, away from the edges
        part = figure[top + row * step :, left:][: gallery.TILE, : gallery.TILE]
        assert np.abs(part[8:-8, 8:-8].astype(int) - shade).max() <= 2


def test_an_image_that_is_missing_or_damaged(small, tmp_path, written):
    (small / "generated").unlink()
    asked = prompts()
    for cell in (generation("pretrained"), generation("none")):
        write_drawn(small / "generated", cell, asked, 9)
    path = small / "generated" / "raw" / "none" / "1.0" / "0" / "00000.png"
    place = (small / "cells", small / "sweep.csv", small / "generated", small / "pool")
    settings = GenerationSettings(
        scale="mini",
        standins=[],
        scorer=PLAN.scorer,
        chosen=PLAN.chosen,
        baselines=PLAN.baselines,
    )
    path.write_bytes(path.read_bytes()[:60])
    with pytest.raises(WinnowError, match=r"raw/none/1\.0/0: image .* cannot be shown"):
        page(*place, small / "results", None, None, None, settings)
    path.unlink()
    with pytest.raises(WinnowError, match=r"raw/none/1\.0/0/00000\.png"):
        page(*place, small / "results", None, None, None, settings)


def test_prompts_without_scenes():
    asked = prompts().assign(scene=None)
    assert gallery.columns(asked)["row"].tolist() == list(range(gallery.COLUMNS))
    assert gallery.columns(asked.head(0)).empty


def test_dldc_reports_changes_beside_its_bounds(results):
    rows = table(results, "generation")
    ours = rows["DLDC, fine-tuned on cleaned pairs"]
    published = [ours[key] for key in ours if key.startswith("published")]
    assert published == ["-35.00", "25.00", "10.50"]
    assert (ours["scorer"], ours["ratio"]) == ("dldc_chosen", "")  # whatever ratio was planned
    known = next(
        r for r in rows_of(results / "generation.csv")
        if (r["scorer"], r["metric"]) == ("dldc_chosen", "fid")
    )  # fmt: skip
    assert float(ours["measured: FID, change"]) == pytest.approx(
        100 * float(known["change_pretrained"]), abs=0.01
    )
    assert rows["Pretrained"]["measured: FID, change"] == ""
    assert rows["Pretrained"]["reason"] == "what the other rows are compared with"
    shown = (results / "tables/dldc/generation.md").read_text(encoding="utf-8")
    assert "| raw, dldc\\_chosen, chosen |" in shown


def test_the_other_tables_of_dldc(results):
    rows = table(results, "baselines")
    assert rows["DiffusionSat"]["reason"].startswith("not run: scorer diffusionsat")
    assert rows["CRS-Diff"]["measured: FID"] and not rows["CRS-Diff"]["published: FID"]
    found = table(results, "ratios")
    assert list(found) == ["DLDC", "30 % kept", "70 % kept",
                           "Fine-tuned on all pairs"]  # fmt: skip


def test_a_table_without_the_base(small):
    write_sweep(small / "sweep.csv", [generation("none"), generation("dldc_chosen", 0.5)])
    render_tables(small / "cells", small / "sweep.csv", PAPERS, small / "results", "mini", 100)
    row = table(small / "results", "generation")["Fine-tuned on all pairs"]
    assert row["measured: FID"] and not row["measured: FID, change"]
    assert "pretrained: not run: scorer pretrained is not in this sweep" in row["reason"]
    assert table(small / "results", "ratios")["DLDC"]["reason"] == "not run"


def test_papers_that_ask_for_changes_of_nothing(tmp_path):
    base = {"scorer": "pretrained", "ratio": 1.0}
    Measure.model_validate({"label": "x", "metric": "fid", "relative_to": base})
    with pytest.raises(ValueError, match="relative_to"):
        Measure.model_validate({"label": "x", "mean": ["a"], "relative_to": base})
    paper = yaml.safe_load((PAPERS / "dldc.yaml").read_text(encoding="utf-8"))
    table = paper["tables"]["ratios"]
    table["measured"][0] = table["measured"][0] | {"relative_to": base | {"ratio": 2}}
    (tmp_path / "p.yaml").write_text(yaml.safe_dump(paper), encoding="utf-8")
    with pytest.raises(WinnowError, match="relative_to"):
        load_paper(tmp_path / "p.yaml")
