"""Scores that are joined, keep ratios that are chosen by scene, and the subsets that they make."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from winnow.captioning.loop import combine
from winnow.command.line import main
from winnow.curation.scene_ratios import (
    FITTED,
    choose_scene_ratios,
    clean_share,
    nearest,
    read_scene_ratios,
)
from winnow.data.errors import WinnowError
from winnow.data.files import read_json, write_json
from winnow.data.tables import CHOICE, PAIR, SAMPLES, SCORES, SUBSET, read_table, write_table
from winnow.scoring.combine import combine_scores

CANDIDATES = [0.3, 0.5, 0.7, 1.0]
SHARES = {"forest": 0.3, "harbor": 0.7, "": 0.5}  # what is clean of each scene


def drawn(share: float, count: int = 400, seed: int = 0) -> np.ndarray:
    """Scores of which `share` are those of good pairs."""
    rng = np.random.default_rng([seed, int(share * 100)])
    good = round(share * count)
    return np.concatenate([rng.normal(2.0, 0.3, good), rng.normal(-1.0, 0.6, count - good)])


@pytest.fixture
def world(tmp_path: Path) -> Path:
    """A pool of three scenes (one without a name), one pair an image, and their scores."""
    scenes = np.repeat(list(SHARES), 400)
    uids = [f"{i:032x}" for i in range(len(scenes))]
    values = np.concatenate([drawn(share) for share in SHARES.values()])
    samples = pd.DataFrame(
        {"uid": uids, "split": "pool", "scene": [s or None for s in scenes], "source": "x",
         "shard": 0, "width": 64, "height": 64}
    )  # fmt: skip
    unseen = samples.iloc[:1].assign(uid="f" * 32, split="test", scene="desert")
    write_table(tmp_path / "pool/samples.parquet", pd.concat([samples, unseen]), SAMPLES)
    scores = pd.DataFrame({"uid": uids, "caption_id": 0, "score": values})
    write_table(tmp_path / "scores.parquet", scores, SCORES)
    return tmp_path


def table(path: Path, scores: list[float], uids: str = "abc") -> Path:
    frame = pd.DataFrame({"uid": list(uids), "caption_id": 0, "score": scores})
    write_table(path, frame, SCORES)
    return path


def chosen(world: Path, *words: str) -> pd.DataFrame:
    place = ["--scores", f"{world}/scores.parquet", "--pool", f"{world}/pool"]
    output = world / "choice.parquet"
    assert main(["choose-ratios", *place, "--output", str(output), *words]) == 0
    return read_table(output, CHOICE)


def selected(world: Path, *words: str) -> int:
    place = ["--scores", f"{world}/scores.parquet", "--pool", f"{world}/pool"]
    return main(["select", *place, "--output", f"{world}/subset.parquet", *words])


def test_scores_are_joined_by_their_z_scores(tmp_path: Path) -> None:
    one = table(tmp_path / "one.parquet", [0.0, 1.0, 2.0])
    two = table(tmp_path / "two.parquet", [300.0, 200.0, 100.0], "bac")  # another order
    joined = combine_scores([one, two])
    expected = combine(np.array([[0.0, 200.0], [1.0, 300.0], [2.0, 100.0]]), np.ones(3, bool))
    assert joined["uid"].tolist() == list("abc")
    np.testing.assert_allclose(joined["score"], expected)
    assert abs(joined["score"].mean()) < 1e-12


def test_the_verb_writes_scores_and_their_cost(tmp_path: Path) -> None:
    paths = [table(tmp_path / f"{name}.parquet", [0.0, 1.0, 2.0]) for name in "xy"]
    spent = {"wall_s": 30.0, "cpu_s": 20.0, "gpu_s": 10.0, "peak_mb": 1e6}
    for path in paths:
        write_json(path.with_suffix(".cost.json"), spent)
    output = tmp_path / "out" / "dldc.parquet"
    words = ["--scores", *map(str, paths), "--output", str(output)]
    assert main(["combine-scores", *words]) == 0
    np.testing.assert_allclose(
        read_table(output, SCORES)["score"], np.sqrt([1.5, 0, 1.5]) * [-1, 0, 1]
    )
    cost = read_json(tmp_path / "out" / "dldc.cost.json")
    assert cost["samples"] == 3 and cost["gpu_s"] == 20 and cost["peak_mb"] == 1e6
    assert 40 <= cost["cpu_s"] < 50, "its own beside that of both"


@pytest.mark.parametrize(
    ("other", "uids", "message"),
    [
        ([0.0, 1.0], "ab", "no score for uid c"),
        ([0.0, 1.0, 2.0, 3.0], "abcd", "scores 4 pairs, .*one.parquet 3"),
        ([0.0, 1.0, np.inf], "abc", "the score of uid c, caption_id 0 is not a finite number"),
    ],
)
def test_scores_that_cannot_be_joined(
    tmp_path: Path, other: list[float], uids: str, message: str
) -> None:
    one = table(tmp_path / "one.parquet", [0.0, 1.0, 2.0])
    two = table(tmp_path / "two.parquet", other, uids)
    with pytest.raises(WinnowError, match=f"two.parquet: {message}"):
        combine_scores([one, two])
    with pytest.raises(WinnowError, match="at least one"):
        combine_scores([])


@pytest.mark.parametrize("share", [0.15, 0.4, 0.6, 0.85])
def test_the_clean_share_is_found(share: float) -> None:
    found = clean_share(drawn(share))
    assert found == pytest.approx(share, abs=0.04)


@given(st.integers(0, 1000), st.floats(1e-3, 1e3), st.floats(-100, 100))
@settings(max_examples=10, deadline=None)
def test_the_clean_share_knows_no_order_and_no_scale(seed: int, scale: float, shift: float) -> None:
    values = drawn(0.4, 200, seed)
    shuffled = np.random.default_rng(seed).permutation(values)
    assert clean_share(shuffled) == clean_share(values)
    assert clean_share(scale * values + shift) == pytest.approx(clean_share(values), abs=1e-3)


def test_scores_of_one_kind_are_no_mixture() -> None:
    assert clean_share(np.random.default_rng(0).normal(size=400)) is None
    assert clean_share(np.ones(100)) is None
    assert clean_share(np.array([1.0])) is None
    assert clean_share(np.array([])) is None


def test_large_scenes_are_sampled_evenly() -> None:
    many = np.concatenate([drawn(0.3, 3 * FITTED), [5.0]])
    assert clean_share(many) == pytest.approx(0.3, abs=0.01)


def test_the_nearest_candidate() -> None:
    assert [nearest(share, CANDIDATES) for share in (0.0, 0.39, 0.41, 0.9)] == [0.3, 0.3, 0.5, 1.0]
    assert nearest(0.4, CANDIDATES) == 0.5  # equally near: keep more
    assert nearest(0.4, [0.5, 0.3]) == 0.5


def test_each_scene_has_its_ratio(world: Path) -> None:
    found = chosen(world, "--ratios=[0.3, 0.5, 0.7, 1.0]").set_index("scene")
    assert found["ratio"].to_dict() == SHARES
    assert found["pairs"].tolist() == [400] * 3
    assert set(found["source"]) == {"scene"}
    assert "desert" not in found.index  # no pair of it was scored


def test_scenes_without_a_mixture_follow_the_pool() -> None:
    rng = np.random.default_rng(1)
    values = np.concatenate([drawn(0.3), rng.normal(0, 1, 300), drawn(0.5, 20)])
    codes = np.repeat([0, 1, 2], [400, 300, 20])
    found = choose_scene_ratios(
        values, codes, ["mixed", "even", "small"], CANDIDATES, 50
    ).set_index("scene")
    assert found["source"].to_dict() == {"even": "pool", "mixed": "scene", "small": "pool"}
    assert found.loc["even", "clean_share"] == found.loc["small", "clean_share"]
    even = choose_scene_ratios(rng.normal(0, 1, 400), np.zeros(400, int), ["even"], CANDIDATES, 50)
    assert even[["clean_share", "ratio"]].to_numpy().tolist() == [[1.0, 1.0]]  # no sign of noise


def test_the_choice_is_kept_by_scene(world: Path) -> None:
    chosen(world, "--ratios=[0.3, 0.5, 0.7, 1.0]")
    assert selected(world, f"--choice={world}/choice.parquet") == 0
    kept = read_table(world / "subset.parquet", SUBSET)
    scores = read_table(world / "scores.parquet", SCORES)
    scene = dict(zip(scores["uid"], np.repeat(list(SHARES), 400), strict=True))
    assert kept["uid"].map(scene).value_counts().to_dict() == {
        "harbor": 280,
        "": 200,
        "forest": 120,
    }
    best = kept.merge(scores, on=PAIR)
    assert best.loc[best["uid"].map(scene) == "forest", "score"].min() > 0.5  # the good ones


def test_equal_ratios_are_the_ratio_within_scenes(world: Path) -> None:
    choice = pd.DataFrame(
        {"scene": list(SHARES), "pairs": 400, "clean_share": 0.5, "source": "scene", "ratio": 0.5}
    )
    write_table(world / "choice.parquet", choice, CHOICE)
    assert selected(world, f"--choice={world}/choice.parquet") == 0
    kept = read_table(world / "subset.parquet", SUBSET)
    assert selected(world, "--ratio=0.5", "--within=scene") == 0
    pd.testing.assert_frame_equal(kept, read_table(world / "subset.parquet", SUBSET))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t[t["scene"] != "forest"], "no row for scene 'forest'"),
        (lambda t: t.assign(ratio=0.0), "ratio 0.0 of scene '.*' is not in 0 < ratio <= 1"),
        (lambda t: pd.concat([t, t]), "scene .* occurs again"),
        (lambda t: t.drop(columns="ratio"), "column 'ratio' is missing"),
    ],
)
def test_choices_that_cannot_be_used(world: Path, change, message: str) -> None:  # type: ignore[no-untyped-def]
    change(chosen(world, "--ratios=[0.5]")).to_parquet(world / "choice.parquet", index=False)
    with pytest.raises(WinnowError, match=f"choice.parquet: {message}"):
        read_scene_ratios(world / "choice.parquet", list(SHARES), np.array([0, 1, 2]))


def test_what_to_keep_is_said_once(world: Path, capsys: pytest.CaptureFixture[str]) -> None:
    chosen(world, "--ratios=[0.5]")
    assert selected(world, f"--choice={world}/choice.parquet", "--ratio=0.5") == 2
    assert selected(world) == 2
    assert "either --ratio or --threshold, or --choice" in capsys.readouterr().err
    assert main(
        ["choose-ratios", "--scores", f"{world}/scores.parquet", "--pool", f"{world}/pool",
         "--output", f"{world}/x.parquet", "--ratios=[]"]
    ) == 2  # fmt: skip
