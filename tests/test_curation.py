"""Which pairs are kept."""

from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from conftest import World
from hypothesis import given
from hypothesis import strategies as st

from winnow.command.line import main
from winnow.curation.select import keep_above, keep_count, keep_ratio, scenes_of
from winnow.data.errors import WinnowError
from winnow.data.files import digest_files
from winnow.data.tables import PAIR, SAMPLES, SCORES, SUBSET, read_arrow, read_table, write_table

pytestmark = pytest.mark.usefixtures("same_environment")

# Few different scores and names, so that ties are frequent.
rows = st.lists(
    st.tuples(
        st.sampled_from(["a", "b", "c", "d", "é", "aa"]),
        st.integers(0, 5),
        st.sampled_from([-1.5, 0.0, 0.25, 0.25000001, 3.0]) | st.floats(-10, 10),
        st.integers(0, 2),
    ),
    min_size=1,
    max_size=40,
    unique_by=lambda row: row[:2],
)
ratios = st.sampled_from([0.1, 0.25, 0.3, 0.5, 0.7, 1.0]) | st.floats(1e-4, 1.0)


def table(found: list[tuple[str, int, float, int]]) -> pa.Table:
    """SCORES of the drawn rows."""
    columns = list(zip(*found, strict=True))
    return pa.table(
        {"uid": list(columns[0]), "caption_id": pa.array(columns[1], pa.int32()),
         "score": list(columns[2])}
    )  # fmt: skip


def key(row: tuple[str, int, float, int]) -> tuple[float, bytes, int]:
    """The order in which pairs are kept."""
    return (-row[2], row[0].encode(), row[1])


def kept(found: list[Any], ratio: float, grouped: bool = False) -> set[tuple[str, int]]:
    groups = np.array([row[3] for row in found]) if grouped else None
    indices = keep_ratio(table(found), ratio, groups)
    assert (np.diff(indices) > 0).all()
    return {found[i][:2] for i in indices}


@given(rows, ratios)
def test_the_best_are_kept(found: list[Any], ratio: float) -> None:
    count = max(1, int(ratio * len(found) + 0.5))
    expected = sorted(found, key=key)[:count]  # by score, then uid, then caption_id
    assert kept(found, ratio) == {row[:2] for row in expected}


@given(rows, ratios, ratios, st.booleans())
def test_subsets_are_nested(found: list[Any], one: float, two: float, grouped: bool) -> None:
    small, large = sorted((one, two))
    assert kept(found, small, grouped) <= kept(found, large, grouped)
    assert kept(found, 1.0, grouped) == {row[:2] for row in found}


@given(rows, ratios, st.booleans(), st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(
    found: list[Any], ratio: float, grouped: bool, random: Any
) -> None:
    shuffled = random.sample(found, len(found))
    assert kept(shuffled, ratio, grouped) == kept(found, ratio, grouped)


@given(rows, ratios)
def test_each_scene_is_selected_by_itself(found: list[Any], ratio: float) -> None:
    expected: set[tuple[str, int]] = set()
    for scene in {row[3] for row in found}:
        expected |= kept([row for row in found if row[3] == scene], ratio)
    assert kept(found, ratio, grouped=True) == expected
    counts = Counter(row[3] for row in found)
    assert len(expected) == sum(keep_count(count, ratio) for count in counts.values())


@given(rows)
def test_all_scores_equal(found: list[Any]) -> None:
    """The control `none` and any constant scorer: the first by name, reproducibly."""
    flat = [(uid, caption, 0.0, scene) for uid, caption, _, scene in found]
    expected = sorted(flat, key=key)[: keep_count(len(flat), 0.5)]
    assert kept(flat, 0.5) == {row[:2] for row in expected}


@given(rows, st.floats(-3, 3))
def test_threshold(found: list[Any], threshold: float) -> None:
    indices = keep_above(table(found), threshold)
    assert [i for i, row in enumerate(found) if row[2] >= threshold] == indices.tolist()


@given(st.integers(1, 10**7), ratios)
def test_count_rule(total: int, ratio: float) -> None:
    count = keep_count(total, ratio)
    assert 1 <= count <= total
    assert abs(count - ratio * total) <= 0.5 or count == 1
    assert keep_count(total, 1.0) == total


@pytest.mark.parametrize(
    ("total", "ratio", "count"), [(10, 0.25, 3), (10, 0.24, 2), (3, 0.5, 2), (5, 0.01, 1)]
)
def test_counts_are_rounded_half_up(total: int, ratio: float, count: int) -> None:
    assert keep_count(total, ratio) == count


@pytest.mark.parametrize("ratio", [0, -0.1, 1.5, float("nan")])
def test_ratios_that_are_none(ratio: float) -> None:
    with pytest.raises(WinnowError, match="0 < ratio <= 1"):
        keep_count(10, ratio)


def test_groups_must_fit() -> None:
    with pytest.raises(WinnowError, match="2 groups for 1 scores"):
        keep_ratio(table([("a", 0, 1.0, 0)]), 0.5, np.zeros(2))
    assert len(keep_ratio(table([("a", 0, 1.0, 0)]).slice(0, 0), 0.5)) == 0


def test_scenes_by_uid(tmp_path: Path) -> None:
    samples = pa.table({"uid": ["a", "b", "c", "d"], "scene": ["port", None, "farm", "port"]})
    scores = table([("d", 0, 1, 0), ("b", 0, 1, 0), ("a", 1, 1, 0), ("c", 0, 1, 0)])
    codes, _ = scenes_of(scores, samples)
    assert codes[0] == codes[2] and len(set(codes.tolist())) == 3
    with pytest.raises(WinnowError, match=r"no sample has uid x \(row 1\)"):
        scenes_of(table([("a", 0, 1, 0), ("x", 0, 1, 0)]), samples)


# the verbs


def scored(world: World, path: Path) -> pd.DataFrame:
    """Scores of the raw captions with many ties, in a file."""
    values = np.random.default_rng(0).integers(0, 5, len(world.raw)) / 4
    frame = world.raw[PAIR].assign(score=values)
    write_table(path, frame, SCORES)
    return frame


def call(verb: str, *words: str) -> int:
    return main([verb, *words, "--threads=1"])


def select(world: World, tmp_path: Path, *words: str) -> set[tuple[str, int]]:
    paths = [f"--scores={tmp_path / 'scores.parquet'}", f"--pool={world.pool}"]
    assert call("select", *paths, f"--output={tmp_path / 'subset.parquet'}", *words) == 0
    frame = read_table(tmp_path / "subset.parquet", SUBSET)
    return set(frame.itertuples(index=False, name=None))


def test_select_as_a_verb(world: World, tmp_path: Path) -> None:
    frame = scored(world, tmp_path / "scores.parquet")
    subsets = [select(world, tmp_path, f"--ratio={ratio}") for ratio in (0.1, 0.3, 0.5, 1)]
    assert [len(subset) for subset in subsets] == [10, 29, 48, 96]
    assert all(small < large for small, large in pairwise(subsets))
    assert len(select(world, tmp_path, "--threshold=0.75")) == (frame["score"] >= 0.75).sum()
    by_scene = select(world, tmp_path, "--ratio=0.3", "--within=scene")
    scenes = world.samples.set_index("uid")["scene"]
    have = Counter(scenes[uid] for uid, _ in frame[PAIR].itertuples(index=False))
    keep = Counter(scenes[uid] for uid, _ in by_scene)
    assert keep == {scene: keep_count(count, 0.3) for scene, count in have.items()}


def test_the_same_subset_gives_the_same_bytes(world: World, tmp_path: Path) -> None:
    scored(world, tmp_path / "scores.parquet")
    digests = set()
    for _ in range(2):
        select(world, tmp_path, "--ratio=0.4")
        digests.add(digest_files([tmp_path / "subset.parquet"]))
    assert len(digests) == 1


def test_select_wants_one_rule(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scored(world, tmp_path / "scores.parquet")
    paths = [f"--scores={tmp_path / 'scores.parquet'}", f"--pool={world.pool}"]
    words = [*paths, f"--output={tmp_path / 'subset.parquet'}"]
    for more, told in [
        ([], "either --ratio or --threshold"),
        (["--ratio=0.5", "--threshold=1"], "either --ratio or --threshold"),
        (["--ratio=0"], "greater than 0"),
        (["--threshold=NaN"], "--threshold"),
        (["--within=town", "--ratio=0.5"], "'pool' or 'scene'"),
    ]:
        assert call("select", *words, *more) == 2
        assert told in capsys.readouterr().err
    frame = scored(world, tmp_path / "scores.parquet").assign(score=np.nan)
    frame.to_parquet(tmp_path / "scores.parquet")
    assert call("select", *words, "--ratio=0.5") == 2
    assert "'score' has no value (null or NaN) in row 0" in capsys.readouterr().err
    assert not (tmp_path / "subset.parquet").exists()


@pytest.mark.parametrize("rule", ["--ratio=0.5", "--threshold=0.5"])
@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda t: t.iloc[:0], "holds no scores; score the pool's pairs first"),
        (lambda t: pd.concat([t, t.iloc[2:5]]), "row 96 (3 such rows): uid {2} occurs again; keep"),
        (lambda t: t.assign(uid=["f" * 32, *t["uid"][1:]]), "row 0 (1 such rows): uid ffff"),
        (lambda t: t.assign(score=[np.inf, *t["score"][1:]]), "uid {0} has no finite score; write"),
    ],
    ids=["empty", "doubled", "unknown", "infinite"],
)
def test_scores_that_do_not_fit_the_pool_are_refused(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str], rule: str, change: Any,
    told: str,
) -> None:  # fmt: skip
    frame = scored(world, tmp_path / "scores.parquet")
    write_table(tmp_path / "scores.parquet", change(frame), SCORES)
    paths = [f"--scores={tmp_path / 'scores.parquet'}", f"--pool={world.pool}"]
    output = tmp_path / "out.parquet"
    for words in (["select", rule], ["choose-ratios", "--ratios=[0.5,1]"]):
        assert call(words[0], *paths, f"--output={output}", words[1]) == 2
        named = [f"{uid}, caption_id {n}" for uid, n in frame[PAIR].itertuples(index=False)]
        assert f"scores.parquet: {told.format(*named)}" in capsys.readouterr().err.replace(
            "row 0 (1 such rows): uid " + named[0], "uid " + named[0]
        )
        assert not output.exists()


def test_scores_of_images_outside_the_pool_split_are_refused(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    frame = scored(world, tmp_path / "scores.parquet")
    other = world.samples.loc[world.samples["split"] != "pool", "uid"].iloc[0]
    frame.loc[1, "uid"] = other
    write_table(tmp_path / "scores.parquet", frame, SCORES)
    paths = [f"--scores={tmp_path / 'scores.parquet'}", f"--pool={world.pool}"]
    assert call("select", *paths, f"--output={tmp_path / 'out.parquet'}", "--ratio=0.5") == 2
    error = capsys.readouterr().err
    assert f"row 1 (1 such rows): uid {other}" in error and "no image of the pool split" in error


def test_what_a_selection_leaves_out_is_in_the_log(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    frame = scored(world, tmp_path / "scores.parquet")
    assert select(world, tmp_path, "--threshold=1e9") == set()
    said = capsys.readouterr().out
    assert "no score reaches --threshold=1e+09 (the highest is 1); the subset is empty" in said
    assert "have no score" not in said
    lost = frame["uid"].iloc[3]
    write_table(tmp_path / "scores.parquet", frame[frame["uid"] != lost], SCORES)
    select(world, tmp_path, "--ratio=0.5")
    total = frame["uid"].nunique()
    assert f"1 of the {total} images of the pool split" in (said := capsys.readouterr().out)
    assert f"have no score and are left out (the first is uid {lost})" in said


def test_scores_of_the_pool_alone(world: World) -> None:
    """What is scored and selected belongs to the pool split."""
    samples = read_arrow(world.pool / "samples.parquet", SAMPLES).to_pandas()
    pool = set(samples.loc[samples["split"] == "pool", "uid"])
    assert set(world.raw["uid"]) == pool
