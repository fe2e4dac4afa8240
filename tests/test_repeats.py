"""Intervals of methods over images and seeds: what several seeds do, and what a single one says."""

import pytest
from report_helpers import contrastive, damage, write_cell, write_sweep

from winnow.data.metrics import read_metrics
from winnow.evaluation.intervals import UNTRAINED
from winnow.reporting.cells import cell_folder
from winnow.reporting.leaderboard import track_leaderboards_table
from winnow.reporting.method_results import Method, method_of
from winnow.reporting.paired import difference
from winnow.reporting.repeats import Side, paired
from winnow.reporting.results import load_results
from winnow.reporting.track_leaderboards import family, track_leaderboards
from winnow.reporting.values import IMAGES_ALONE, NOT_REPLICATED
from winnow.tracks.registry import BY_NAME

METRIC = "mean_recall"


def run(folder, skills):
    """Results of cells (scorer, ratio, captions) by the skill of each of their seeds."""
    cells = {
        contrastive(scorer, ratio, seed, captions): skill
        for (scorer, ratio, captions), own in skills.items()
        for seed, skill in enumerate(own)
    }
    for cell, skill in cells.items():
        write_cell(folder, cell, skill)
        if cell.scorer == "pretrained":
            path = cell_folder(folder, cell) / "metrics.json"
            damage(path, lambda record: record["provenance"].update(training={}))
    write_sweep(folder / "sweep.csv", cells)
    return load_results(folder, folder / "sweep.csv", "mini", resamples=300)


def width(value):
    return value.high - value.low


def named(scorer, ratio=0.3, captions="raw"):
    return Method("contrastive", captions, scorer, ratio)


NONE, RANDOM = ("none", 1.0, "raw"), ("random", 0.3, "raw")


def test_seeds_that_are_far_apart_widen_the_interval(tmp_path):
    near = run(tmp_path / "near", {NONE: [0.5, 0.5], ("clip", 0.3, "raw"): [0.6, 0.6]})
    far = run(tmp_path / "far", {NONE: [0.5, 0.5], ("clip", 0.3, "raw"): [0.5, 0.7]})
    assert width(far.value(named("clip"), METRIC)) > 3 * width(near.value(named("clip"), METRIC))
    base = named("none", 1.0)
    gaps = [difference(known, named("clip"), base, METRIC).value for known in (near, far)]
    assert gaps[0].significant and not gaps[1].significant
    assert gaps[0].estimate == pytest.approx(gaps[1].estimate, abs=0.02)
    assert not gaps[0].replication and gaps[0].verdict() == "better"


def test_one_seed_borrows_of_the_controls_and_says_so(tmp_path):
    alone = {("clip", 0.3, "raw"): [0.7], ("text", 0.5, "raw"): [0.7]}
    sure = run(tmp_path / "sure", {NONE: [0.5, 0.5], RANDOM: [0.4, 0.4], **alone})
    unsure = run(tmp_path / "unsure", {NONE: [0.5, 0.5], RANDOM: [0.3, 0.5], **alone})
    for known in (sure, unsure):
        value = known.value(named("clip"), METRIC)
        assert value.seeds == 1 and value.replication == NOT_REPLICATED
    # the control of the same ratio lends, and all of them where there is none of that ratio
    wide, middle, narrow = (
        width(known.value(method, METRIC))
        for known, method in (
            (unsure, named("clip")),
            (unsure, named("text", 0.5)),
            (sure, named("clip")),
        )
    )
    assert wide > middle > 1.5 * narrow
    gap = difference(sure, named("clip"), named("none", 1.0), METRIC)
    assert gap.value.verdict() == f"better, {NOT_REPLICATED}" and not gap.found.replicated


def test_without_a_control_of_several_seeds_the_interval_covers_images_alone(tmp_path):
    known = run(
        tmp_path, {NONE: [0.5], ("clip", 0.3, "raw"): [0.7], ("text", 0.3, "raw"): [0.6] * 2}
    )
    value = known.value(named("clip"), METRIC)
    cell = next(iter(known.usable(named("clip"))))
    record = read_metrics(cell_folder(tmp_path, cell) / "metrics.json", cell)
    assert value.ends == tuple(record.intervals[METRIC]) and value.replication == IMAGES_ALONE
    assert (
        IMAGES_ALONE in difference(known, named("clip"), named("none", 1.0), METRIC).value.verdict()
    )


def test_what_is_not_trained_has_no_variance_between_seeds(tmp_path):
    skills = {NONE: [0.3, 0.7], ("pretrained", 1.0, "raw"): [0.2], ("clip", 0.3, "raw"): [0.7]}
    known = run(tmp_path, skills)
    start = named("pretrained", 1.0)
    value, record = known.value(start, METRIC), known.sweep.records[known.usable(start)[0]]
    assert value.ends == tuple(record.intervals[METRIC]) and value.replication == ""
    (side,) = paired(known, [Side(start, METRIC)]).sides
    assert side.lent == UNTRAINED
    assert not BY_NAME["captioning"].trained and not BY_NAME["detection"].trained


def numbers(text):
    """The groups of `1-3, 5`."""
    ends = [part.split("-") for part in text.split(", ") if part]
    return {number for run in ends for number in range(int(run[0]), int(run[-1]) + 1)}


def verdicts(results):
    """What a board says of each method beside others: p, whether it counts, and the groups."""
    board = next(b for b in track_leaderboards(results) if b.headline.key == METRIC)
    table = track_leaderboards_table(results, [board])
    told = {
        row["scorer"]: (row.get("none_p"), row.get("none_distinguishable")) for row in table.rows
    }
    groups = {row.method.scorer: numbers(row.group) for row in board.rows}
    return told, groups


def test_a_further_row_changes_nobodys_verdict(tmp_path):
    skills = {NONE: [0.5] * 3, RANDOM: [0.49, 0.5, 0.51], ("oracle", 0.3, "raw"): [0.7] * 3}
    skills |= {("clip", 0.3, "raw"): [0.55] * 3, ("text", 0.3, "raw"): [0.6]}
    before, old = verdicts(run(tmp_path / "a", skills))
    more = {(f"more_{i}", 0.3, "raw"): [0.5 + i / 50] * 2 for i in range(6)}
    after, new = verdicts(run(tmp_path / "b", skills | more))
    assert {name: after[name] for name in before} == before
    assert before["oracle"][1] is True and before["random"][1] is False
    assert before["text"][1] == NOT_REPLICATED
    for one in old:
        for other in old:
            assert bool(old[one] & old[other]) == bool(new[one] & new[other])


def test_the_family_is_declared():
    assert {"random", "oracle", "pretrained"} <= set(family(BY_NAME["contrastive"]))
    assert "none" not in family(BY_NAME["contrastive"])
    assert "random" not in family(BY_NAME["detection"])
    assert "human" not in family(BY_NAME["captioning"])


def test_methods_of_a_sweep_keep_their_seeds(tmp_path):
    known = run(tmp_path, {NONE: [0.5, 0.6], ("clip", 0.3, "raw"): [0.7]})
    seeds = {m: known.outcomes["contrastive"].values[m].shape[1] for m in known.values}
    assert seeds == {method_of(contrastive("none", 1.0)): 2, method_of(contrastive("clip")): 1}
