"""Reports on segmentation from synthetic cells: tables, gains paired by resample, figures."""

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
    contents,
    render_tables,
    rows_of,
    seed_of,
    write_record,
    write_struck,
    write_sweep,
)

from winnow.command.line import main
from winnow.data.files import read_json
from winnow.data.images import encode_png
from winnow.data.metrics import read_metrics, write_metrics
from winnow.data.segmentation_set import IGNORED, write_image_and_mask, write_items
from winnow.data.tables import DRAWS, OUTCOMES, write_table
from winnow.evaluation.cell_results import draws_table
from winnow.evaluation.segmentation import measure, outcomes
from winnow.reporting.cells import cell_folder
from winnow.reporting.method_results import Method
from winnow.reporting.paired import change, difference
from winnow.reporting.papers import Measure, load_paper
from winnow.reporting.results import load_results
from winnow.reporting.values import EMPTY
from winnow.tracks.segmentation.figure import PALETTE, by_ratio, collect, coloured
from winnow.tracks.segmentation.report import (
    ALONE,
    RAW,
    TRACK,
    Plan,
    Variant,
    chosen_method,
    gain,
    value,
)

PAPERS = Path(__file__).parents[1] / "workflow" / "papers"
CLASSES = ["bare <b>", "water", "vehicle"]
NAMES = [f"image{i:02d}" for i in range(40)]
PERCENTS = (25, 50, 100)
PLAN = Plan("dldc", "dldc_chosen")
SETTINGS = ["--scale=mini", "--resamples=100", "--scorer=dldc", "--chosen=dldc_chosen"]
SETTINGS.append('--standins=["t2i", "segmentation.network"]')
SKILL = {"real": 0.60, "none": 0.62, "dldc": 0.66, "dldc_chosen": 0.70}


def cell(scorer, ratio=1.0, seed=0):
    return Cell(track="segmentation", captions="raw", scorer=scorer, ratio=ratio, seed=seed)


def planned(seeds=(0,)):
    methods = [("real", 1.0), ("none", 1.0), ("dldc", 0.3), ("dldc", 0.7), ("dldc_chosen", 0.3)]
    return [cell(*method, seed) for method in methods for seed in seeds]


def variants(scorer):
    if scorer == "real":
        return [f"real/{percent}" for percent in PERCENTS]
    if scorer == "dldc":  # of the curve over keep ratios
        return ["mask/100"]
    return [*(f"mask/{percent}" for percent in PERCENTS), "text/25"]


def areas(skill, own):
    """Pixels [N, 4, C] of images of 400 pixels a class, found at a rate of `skill`."""
    rng = np.random.default_rng(seed_of("images"))
    label = rng.integers(200, 400, (len(NAMES), len(CLASSES))).astype(float)
    luck = rng.normal(0, 0.08, label.shape) + np.random.default_rng(own).normal(0, 0.01)
    intersection = label * np.clip(skill + luck, 0.05, 1)
    return np.stack([intersection, 2 * label - intersection, label, label], axis=1)


def write_segmentation(folder, where, skill=None):
    """A cell whose segmentors learn more from more labels."""
    place = cell_folder(folder, where)
    found, tables = [], []
    for name in variants(where.scorer):
        gained = 0.02 * PERCENTS.index(int(name.split("/")[1])) - 0.1 * name.startswith("text")
        known = areas((skill or SKILL[where.scorer]) + gained, seed_of(where))
        found.append(measure(name, known, CLASSES, 100, 0))
        tables.append(outcomes(name, known, NAMES, CLASSES))
        for image in NAMES[:3]:
            (place / "predictions" / name).mkdir(parents=True, exist_ok=True)
            labels = np.full((16, 16), len(where.scorer) % 3, np.uint8)
            (place / "predictions" / name / f"{image}.png").write_bytes(encode_png(labels))
    metrics = {k: v for each in found for k, v in each.metrics.items()}
    intervals = {k: v for each in found for k, v in each.intervals.items()}
    write_record(folder, where, metrics, intervals, dict.fromkeys(metrics, 40), model="unet")
    write_table(place / "outcomes.parquet", pd.concat(tables, ignore_index=True), OUTCOMES)
    draws = pd.concat([draws_table(each.draws) for each in found], ignore_index=True)
    write_table(place / "draws.parquet", draws, DRAWS)


def write_set(folder):
    folder.mkdir()
    for name in NAMES:
        mask = np.zeros((16, 16), np.uint8)
        mask[:, 8:], mask[:4] = 1, IGNORED
        write_image_and_mask(folder, name, np.full((16, 16, 3), 90, np.uint8), mask)
    items = pd.DataFrame({"name": NAMES, "uid": NAMES, "split": "test", "rank": -1, "group": ""})
    write_items(folder, items, CLASSES)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("segmentation")
    write_set(folder / "set")
    for where in planned():
        write_segmentation(folder / "cells", where)
    write_sweep(folder / "sweep.csv", planned())
    return folder


def rendered(folder, results, *words):
    places = {"cells": folder / "cells", "sweep": folder / "sweep.csv", "output": results}
    named = [word for name, place in places.items() for word in (f"--{name}", str(place))]
    given = {word.partition("=")[0] for word in words}
    usual = [word for word in SETTINGS if word.partition("=")[0] not in given]
    assert main(["segmentation", *named, *usual, *words]) == 0
    return (results / "segmentation.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def results(written):
    rendered(written, written / "results", f"--segments={written / 'set'}")
    return written / "results"


@pytest.fixture(scope="module")
def known(written):
    return load_results(written / "cells", written / "sweep.csv", "mini", tracks=("segmentation",))


def method(known, scorer, ratio):
    return next(m for m in known.values if m[2:] == (scorer, ratio))


def section(markdown, heading):
    return markdown.split(f"## {heading}\n")[1].split("\n## ")[0]


@pytest.mark.parametrize("scale", ["mini", "paper"])
def test_the_page_names_the_stand_ins_whatever_the_scale(written, tmp_path, scale):
    shown = rendered(written, tmp_path, f"--scale={scale}")
    assert "). Stand-ins: t2i, segmentation.network.\n" in shown
    shown = rendered(written, tmp_path, f"--scale={scale}", "--standins=[]")
    assert "tand-ins" not in shown


def test_two_renders_give_equal_bytes(written, results, tmp_path):
    rendered(written, tmp_path, f"--segments={written / 'set'}")
    found = contents(tmp_path)
    figures = ("segmentation.png", "segmentation_ratio.png", "segmentation_ratio.svg")
    assert set(found) == {
        "segmentation.csv", "segmentation.md", "plots/segmentation.csv",
        *(f"figures/{name}" for name in figures),
    }  # fmt: skip
    assert all(found[name] == (results / name).read_bytes() for name in found)


def test_what_is_struck_out_is_marked_and_off_the_curves(written, results, known, tmp_path):
    write_struck(tmp_path / "leaks.csv", {cell("dldc_chosen", 0.3): 3, cell("real"): 1})
    shown = rendered(written, tmp_path, f"--leakage={tmp_path}/leaks.csv")
    for heading in ("Does cleaning help?", "By class"):
        part = section(shown, heading)
        assert "| ~~dldc\\_chosen~~ | chosen |" in part and "| dldc | 0.3 |" in part
    reason = "struck out: learned from 3 leaking pairs"
    assert f"- raw dldc\\_chosen 0.3: {reason}\n" in shown
    assert shown.endswith("[which pairs leak](leakage.md).\n")
    notes = {r["scorer"]: r["note"] for r in rows_of(tmp_path / "segmentation.csv")}
    assert notes["dldc_chosen"] == reason and notes["none"] == ""
    scorers = [
        {row["scorer"] for row in rows_of(place / "plots/segmentation.csv")}
        for place in (results, tmp_path)
    ]
    assert scorers[0] - scorers[1] == {"dldc_chosen", "real"}
    assert "~~" not in (results / "segmentation.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("struck", "fewer"),
    [({RAW: 1}, 0), ({ALONE: 1}, 3), ({Method(TRACK, "raw", "dldc_chosen", 0.3): 1}, 3)],
)
def test_the_figure_leaves_out_what_is_struck_out(known, struck, fewer):
    """A line for each of the three shares of the labels: the curve, real images, the choice."""
    before, after = (by_ratio(known, PLAN, out).axes[0].lines for out in ((), struck))
    assert len(before) - len(after) == fewer
    points = [sum(len(line.get_xdata()) for line in lines) for lines in (before, after)]
    assert points[0] > points[1]


def test_the_figure_draws_the_values_of_every_share(known):
    (axes,) = by_ratio(known, PLAN).axes
    curves = {line.get_label(): list(line.get_ydata()) for line in axes.lines}
    for percent in PERCENTS:
        values = [
            100 * found.estimate
            for _, method in sorted(known.swept(TRACK, PLAN.scorer).items())
            if (found := value(known, method, Variant("mask", str(percent)), "miou"))
        ]
        assert values and curves[f"{percent} % of the labels"] == pytest.approx(values)


def test_points_at_one_keep_ratio_stand_side_by_side(known):
    lines = [line for line in by_ratio(known, PLAN).axes[0].lines if line.get_marker() != "None"]
    places = [place for line in lines for place in line.get_xdata()]
    assert len(places) == len(set(places)) > len(PERCENTS)


def test_the_curves_for_dvc_are_at_the_largest_share_of_the_labels(results):
    rows = rows_of(results / "plots" / "segmentation.csv")
    assert list(rows[0]) == ["ratio", "miou", "macc", "scorer", "captions"]
    found = {(row["scorer"], row["ratio"]): row["miou"] for row in rows}
    assert list(found) == [(where.scorer, str(where.ratio)) for where in planned()]
    for row in rows_of(results / "segmentation.csv"):
        if (row["percent"], row["metric"]) == ("100", "miou") and row["labels"] != "text":
            assert row["value"] == found[row["scorer"], row["ratio"]]


def test_each_variant_has_its_metrics(results):
    rows = rows_of(results / "segmentation.csv")
    keys = list(dict.fromkeys((row["scorer"], row["labels"], row["percent"]) for row in rows))
    assert keys[:3] == [("real", "real", str(percent)) for percent in PERCENTS]
    assert keys[3:7] == [*(("none", "mask", str(p)) for p in PERCENTS), ("none", "text", "25")]
    names = {"miou", "macc", *(f"iou/{name}" for name in CLASSES)}
    assert {row["metric"] for row in rows} == names
    assert all(float(row["low"]) <= float(row["value"]) <= float(row["high"]) for row in rows)


def test_gains_are_over_raw_generated_and_over_real_images(results):
    rows = {
        (row["scorer"], row["ratio"], row["labels"], row["percent"]): row
        for row in rows_of(results / "segmentation.csv")
        if row["metric"] == "miou"
    }
    ours, raw, real = (
        rows[key]
        for key in (
            ("dldc_chosen", "0.3", "mask", "100"),
            ("none", "1.0", "mask", "100"),
            ("real", "1.0", "real", "100"),
        )
    )
    for base, name in ((raw, "raw"), (real, "real")):
        gap = float(ours["value"]) - float(base["value"])
        assert float(ours[f"{name}_difference"]) == pytest.approx(gap, abs=1e-5)
        share = gap / float(base["value"])
        assert float(ours[f"{name}_change"]) == pytest.approx(share, abs=1e-5)
        assert ours[f"{name}_verdict"] == "better"
    assert real["raw_difference"] == "", "real images alone have no such mode"
    assert raw["raw_verdict"] == "no significant difference" and raw["raw_difference"] == "0"


def test_gains_come_from_equal_resamples(known):
    ours, variant = method(known, "dldc_chosen", 0.3), Variant("mask", "100")
    absolute, relative = gain(known, ours, RAW, variant, "miou")
    alone = known.values[ours]["mask/100/miou"]
    assert absolute.significant and relative.significant
    assert absolute.high - absolute.low < (alone.high - alone.low) / 2  # images cancel out
    against_real, _ = gain(known, ours, ALONE, variant, "miou")
    assert against_real.estimate > absolute.estimate
    same, _ = difference(known, ours, ours, "mask/100/miou")
    assert same[:3] == (0, 0, 0)


def test_gains_over_what_is_not_there(known):
    ours = method(known, "dldc", 0.3)
    assert difference(known, ours, RAW, "mask/75/miou") == (
        None,
        "dldc: this metric was not measured",
    )
    lost = RAW._replace(scorer="pretrained")
    assert "scorer pretrained is not in this sweep" in change(known, ours, lost, "mask/100/miou")[1]


def test_seeds_widen_the_intervals(tmp_path):
    cells = [cell(scorer, 1.0, seed) for scorer in ("real", "none") for seed in (0, 1, 2)]
    for where in cells:
        write_segmentation(tmp_path / "cells", where, SKILL[where.scorer] + 0.03 * where.seed)
    write_sweep(tmp_path / "sweep.csv", cells)
    known = load_results(
        tmp_path / "cells", tmp_path / "sweep.csv", "mini", tracks=("segmentation",)
    )
    found = known.values[RAW]["mask/100/miou"]
    assert found.seeds == 3 and found.low < found.estimate < found.high
    one = known.sweep.records[cells[3]].intervals["mask/100/miou"]
    assert found.high - found.low > one[1] - one[0]
    absolute, _ = gain(known, RAW, ALONE, Variant("mask", "100"), "miou")
    assert absolute.high - absolute.low < 0.04, "the same seeds are drawn for both"


def test_the_page(results):
    shown = (results / "segmentation.md").read_text(encoding="utf-8")
    quality = section(shown, "How good are the segmentors?")
    header = "| generator | ratio | 25 % of the labels | 50 % of the labels | 100 % of the labels |"
    assert quality.count(header) == 2 and "mIoU, pseudo labels:" in quality
    assert f"| real | {EMPTY} | " in quality and "| dldc\\_chosen | chosen | " in quality
    cleaning = section(shown, "Does cleaning help?")
    assert "| none |" not in cleaning and " %" in cleaning
    assert f"| dldc | 0.3 | {EMPTY} | {EMPTY} | +" in cleaning
    assert "bare &lt;b&gt;" in section(shown, "By class")
    assert (
        "tables/dldc/segmentation.md" in shown and "- " not in shown.split("segmentation.png)")[1]
    )


def test_the_keep_ratio_curve_ends_at_all_of_raw(known):
    assert {r: m.scorer for r, m in known.swept(TRACK, PLAN.scorer).items()} == {
        0.3: "dldc",
        0.7: "dldc",
        1.0: "none",
    }
    assert chosen_method(known, PLAN).scorer == "dldc_chosen"
    best = chosen_method(known, PLAN._replace(chosen=""))
    assert best.scorer == "dldc"


def test_predictions_stand_beside_the_truth(written, known, results):
    panel = collect(known, PLAN, written / "set")
    columns = ["truth", "real images alone", "and raw-generated", "and cleaned (dldc_chosen)"]
    assert list(panel.labels) == columns and panel.percent == "100"
    assert panel.images.shape == (3, 16, 16, 3)
    assert set(np.unique(panel.labels["truth"])) == {0, 1, IGNORED}
    with Image.open(results / "figures" / "segmentation.png") as image:
        assert min(image.size) > 300


@given(st.lists(st.integers(0, 255), min_size=1, max_size=20))
def test_every_label_has_a_colour(values):
    found = coloured(np.array([values], np.uint8))
    expected = [(255,) * 3 if v == IGNORED else tuple(PALETTE[v % len(PALETTE)]) for v in values]
    assert [tuple(pixel) for pixel in found[0]] == expected


def test_a_sweep_that_has_not_run(tmp_path):
    write_sweep(tmp_path / "sweep.csv", planned())
    shown = rendered(tmp_path, tmp_path / "results")
    assert "Not measured here." in shown and "- raw real 1.0: not run" in shown
    rows = rows_of(tmp_path / "results" / "segmentation.csv")
    assert len(rows) == len(planned()) and {row["note"] for row in rows} == {"not run"}


def test_real_images_alone_are_a_page(tmp_path, written):
    write_segmentation(tmp_path / "cells", cell("real"))
    write_sweep(tmp_path / "sweep.csv", [cell("real")])
    shown = rendered(tmp_path, tmp_path / "results", f"--segments={written / 'set'}")
    assert "mIoU:" in section(shown, "How good are the segmentors?")
    assert "vehicle" in section(shown, "By class")
    assert "starts from" not in shown


def test_what_segmentors_start_from_is_told(tmp_path, written):
    write_segmentation(tmp_path / "cells", cell("real"))
    path = cell_folder(tmp_path / "cells", cell("real")) / "metrics.json"
    record = read_metrics(path)
    record.provenance["training"] = {"real/50": {"inputs": {"start/model.safetensors": "ab"}}}
    write_metrics(path, record)
    write_sweep(tmp_path / "sweep.csv", [cell("real")])
    shown = rendered(tmp_path, tmp_path / "results", f"--segments={written / 'set'}")
    assert "starts from the backbone of the role `segmentor`" in shown


def test_a_damaged_cell_is_left_out(tmp_path, capsys):
    for where in planned()[:2]:
        write_segmentation(tmp_path / "cells", where)
    write_sweep(tmp_path / "sweep.csv", planned()[:2])
    path = cell_folder(tmp_path / "cells", planned()[1]) / "outcomes.parquet"
    path.write_bytes(path.read_bytes()[:100])
    shown = rendered(tmp_path, tmp_path / "results")
    assert "raw none 1.0: refused: segmentation/raw/none/1.0/0/outcomes.parquet" in shown
    assert "not a readable Parquet file" in capsys.readouterr().out


# DLDC's table


def test_dldcs_table(written):
    render_tables(written / "cells", written / "sweep.csv", PAPERS, written / "all", "mini", 100)
    folder = written / "all" / "tables" / "dldc"
    shown = read_json(written / "all" / "metrics.json")["segmentation"]["raw"]
    assert set(shown["dldc"]) == {"keep30", "keep70"}
    assert shown["real"]["keep100"].keys() == {"real/100/miou", "real/100/macc"}
    rows = {row["row"]: row for row in rows_of(folder / "segmentation.csv")}
    ours = rows["DLDC, cleaned-generated, all labels"]
    assert ours["published: mean IoU, gain over raw"] == "8.14"
    names = ("mIoU minus raw-generated", "mIoU, change from raw-generated", "mIoU")
    points, relative, value = (float(ours[f"measured: {name}"]) for name in names)
    raw = float(rows["Raw-generated, all labels"]["measured: mIoU"])
    assert points == pytest.approx(value - raw, abs=0.02)
    assert relative == pytest.approx(100 * (value / raw - 1), abs=0.02)
    assert float(ours["measured: mIoU minus raw-generated low"]) > 0
    real = rows["Real images alone, 25 % of the labels"]
    against = float(rows["Raw-generated, 25 % of the labels"]["measured: mIoU"])
    points = float(real["measured: mIoU minus raw-generated"])
    assert points == pytest.approx(float(real["measured: mIoU"]) - against, abs=0.02)
    itself = rows["Raw-generated, all labels"]
    assert itself["measured: mIoU minus raw-generated"] == ""
    assert itself["reason"] == "what the other rows are compared with"
    assert "mIoU minus raw-generated" in (folder / "segmentation.tex").read_text()


@pytest.mark.parametrize(
    "wrong",
    [
        {"relative_to": {"scorer": "none"}, "minus": {"scorer": "none"}, "metric": "miou"},
        {"minus": {"scorer": "none"}, "reason": "nothing measures it"},
    ],
)
def test_measures_that_contradict_themselves(wrong):
    with pytest.raises(ValueError, match=r"relative_to.*minus"):
        Measure.model_validate({"label": "mIoU", **wrong})


def test_published_gains_are_the_verified_ones():
    table = load_paper(PAPERS / "dldc.yaml").tables["segmentation"]
    published = [row.published for row in table.rows if row.published]
    assert published == [[8.14, 7.5]]
    tree = yaml.safe_load((PAPERS / "dldc.yaml").read_text(encoding="utf-8"))
    assert "A5 and A6" in " ".join(tree["tables"]["segmentation"]["notes"])
