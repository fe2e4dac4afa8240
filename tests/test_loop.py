"""The dual loop: who has another try, what is kept, and when it stops."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import World
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from winnow.captioning.loop import (
    bar,
    below_bar,
    combine,
    conclude,
    describe,
    gains,
    helped,
    kept,
    next_images,
    read_attempts,
)
from winnow.captioning.request_queue import Reply, Request
from winnow.captioning.settings import Loop
from winnow.captioning.verbs import EngineSettings
from winnow.command.line import main
from winnow.data.errors import WinnowError
from winnow.data.tables import CAPTIONS, QUARANTINE, SCORES, TRACE, read_table, write_table

pytestmark = pytest.mark.usefixtures("same_environment")

ROUNDS = [
    {"perspective": "layout"},
    {"perspective": "objects", "temperature": 0.7, "seed": 1},
    {"perspective": "layout", "temperature": 1.0, "seed": 2},
    {"perspective": "scene", "temperature": 1.0, "seed": 3},
]
LOOP = Loop.model_validate({"rounds": ROUNDS})
UIDS = [f"u{i}" for i in range(6)]


def attempts(*rounds: dict[str, float]) -> pd.DataFrame:
    """Attempts by round: image -> the score that its description got."""
    rows = [
        (uid, number, f"{uid} in round {number}", {"s": score})
        for number, found in enumerate(rounds, start=1)
        for uid, score in found.items()
    ]
    table = pd.DataFrame(rows, columns=["uid", "round", "text", "scores"])
    values = np.array([[scores["s"]] for scores in table["scores"]]).reshape(-1, 1)
    first = (table["round"] == 1).to_numpy()
    return table.assign(combined=combine(values, first), perspective="layout")


# Few different scores, so that ties are frequent.
score = st.sampled_from([-2.0, 0.0, 0.5, 0.5000001, 1.0]) | st.floats(-10, 10)
scored = st.dictionaries(st.sampled_from(UIDS), score)
tables = st.lists(scored, min_size=1, max_size=4).map(lambda rounds: attempts(*rounds))


def test_combined_is_the_mean_z_score_of_the_first_round() -> None:
    scores = np.array([[0.0, 5.0], [2.0, 5.0], [4.0, 7.0]])
    first = np.array([True, True, False])
    assert combine(scores, first).tolist() == [-0.5, 0.5, 2.5]
    assert combine(scores[2:], first[2:]).tolist() == [5.5]  # no first round: scores as they are


@settings(max_examples=25, deadline=None)
@given(tables, st.randoms(), st.sampled_from([0.0, 0.3, 0.5, 1.0]))
def test_the_order_of_rows_does_not_matter(table: pd.DataFrame, dice, quantile: float) -> None:  # type: ignore[no-untyped-def]
    order = list(range(len(table)))
    dice.shuffle(order)
    shuffled = table.iloc[order].reset_index(drop=True)
    values = np.array([[s["s"]] for s in shuffled["scores"]]).reshape(-1, 1)
    again = shuffled.assign(combined=combine(values, (shuffled["round"] == 1).to_numpy()))
    pair = ["uid", "round"]
    assert (
        again.set_index(pair)["combined"].to_dict() == table.set_index(pair)["combined"].to_dict()
    )
    assert set(map(tuple, again.loc[kept(again), pair].to_numpy())) == set(
        map(tuple, table.loc[kept(table), pair].to_numpy())
    )
    assert below_bar(UIDS, again, quantile) == below_bar(UIDS, table, quantile)
    assert helped(again, 2, 0.1) == helped(table, 2, 0.1)


@settings(max_examples=25, deadline=None)
@given(tables)
def test_the_best_is_kept_and_never_falls(table: pd.DataFrame) -> None:
    best: dict[str, float] = {}
    for number in range(1, 5):
        sofar = table[table["round"] <= number]
        chosen = sofar[kept(sofar)].set_index("uid")
        assert chosen.index.is_unique and set(chosen.index) == set(sofar["uid"])
        for uid, row in chosen.iterrows():
            mine = sofar[sofar["uid"] == uid]
            assert row["combined"] == mine["combined"].max() >= best.get(uid, -np.inf)
            ties = mine[mine["combined"] == row["combined"]]
            assert row["round"] == ties["round"].min()
        best = chosen["combined"].to_dict()
        assert (gains(table, number) >= 0).all()


@settings(max_examples=25, deadline=None)
@given(tables, st.floats(0, 1))
def test_only_images_below_the_bar_are_tried_again(table: pd.DataFrame, quantile: float) -> None:
    again = below_bar(UIDS, table, quantile)
    limit = bar(table, quantile)
    best = table.groupby("uid")["combined"].max().to_dict()
    assert again == [uid for uid in UIDS if uid not in best or best[uid] < limit]


def test_a_quantile_of_zero_retries_only_what_has_no_description() -> None:
    table = attempts({"u0": 1.0, "u1": 2.0})
    assert below_bar(["u0", "u1", "u2"], table, 0.0) == ["u2"]
    assert below_bar(["u0", "u1"], table, 1.0) == ["u0"]
    assert below_bar(["u0"], attempts({}), 0.5) == ["u0"]


def test_gains_count_from_the_best_so_far() -> None:
    table = attempts({"u0": 0.0, "u1": 2.0}, {"u0": 3.0, "u2": 1.0}, {"u0": 1.0, "u1": 2.5})
    # The deviation of the first round is 1, its mean 1; u2 counts from the lowest score, 0.
    assert gains(table, 2).tolist() == [3.0, 1.0]
    assert gains(table, 3).tolist() == [0.0, 0.5]
    assert helped(table, 3, 0.25) and not helped(table, 3, 0.26)


def test_the_loop_stops_for_good_once_a_round_did_not_help() -> None:
    loop = LOOP.model_copy(update={"bar": 1.0, "min_gain": 0.1})
    uids = ["u0", "u1"]
    assert next_images(uids, attempts({"u0": 0, "u1": 2}), 1, loop) == ["u0"]
    assert next_images(uids, attempts({"u0": 0, "u1": 2}, {"u0": 1}), 2, loop) == ["u0"]
    assert next_images(uids, attempts({"u0": 0, "u1": 2}, {"u0": 0}), 2, loop) == []
    assert next_images(uids, attempts({"u0": 0, "u1": 2}, {}), 2, loop) == []
    assert next_images(uids, attempts({"u0": 0, "u1": 2}, {"u0": 0}, {"u0": 9}), 3, loop) == []


def write(folder: Path, *rounds: dict[str, tuple[float, float]]) -> tuple[list[Path], list[Path]]:
    """Caption sets and scores by two scorers: image -> scores of its description."""
    captions, scores = [], []
    for number, found in enumerate(rounds, start=1):
        rows = [(uid, 0, f"{uid} {number}", "layout", "loop") for uid in found]
        captions.append(folder / f"loop_{number}.parquet")
        write_table(captions[-1], pd.DataFrame(rows, columns=list(CAPTIONS)), CAPTIONS)
        for place, scorer in enumerate(LOOP.scorers):
            values = [(uid, 0, pair[place]) for uid, pair in reversed(found.items())]
            scores.append(folder / f"{scorer}_{number}.parquet")
            write_table(scores[-1], pd.DataFrame(values, columns=list(SCORES)), SCORES)
    return captions, scores


FOUND = ({"u0": (0.0, 10.0), "u1": (2.0, 30.0)}, {"u0": (3.0, 30.0)}, {})


def test_the_best_of_each_image_is_concluded_and_every_attempt_traced(tmp_path: Path) -> None:
    captions, scores = write(tmp_path, *FOUND)
    table = read_attempts(captions, scores, LOOP)
    best, trace = conclude(table, LOOP)
    assert best.to_numpy().tolist() == [
        ["u1", 0, "u1 1", "layout", "loop"],
        ["u0", 0, "u0 2", "layout", "loop"],
    ]
    assert trace["kept"].tolist() == [False, True, True]
    assert trace["combined"].tolist() == [-1.0, 1.0, 1.5]
    assert json.loads(trace["scores"].iloc[2]) == {"clip": 3.0, "domain_clip": 30.0}
    assert trace[["round", "temperature", "seed"]].to_numpy().tolist()[2] == [2, 0.7, 1]
    assert describe(table, LOOP, 3).splitlines() == [
        "round 1: 2 described",
        "round 2: 1 tried, 1 improved, mean gain 2.500",
        "round 3: 0 tried",
        "round 3 did not help: the loop stops",
    ]


def test_the_verb_concludes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    captions, scores = write(tmp_path, *FOUND)
    output, trace = tmp_path / "loop.parquet", tmp_path / "trace.parquet"
    words = ["conclude-loop", "--captions", *captions, "--scores", *scores]
    words += ["--output", output, "--trace", trace, "--threads=1"]
    settings = [f"--rounds={json.dumps(ROUNDS)}", "--bar=0.5"]
    assert main([*map(str, words), *settings]) == 0
    assert set(read_table(output, CAPTIONS)["generator"]) == {"loop"}
    assert len(read_table(trace, TRACE)) == 3
    assert "round 2: 1 tried" in capsys.readouterr().out
    assert main([*map(str, words), f"--rounds={json.dumps(ROUNDS[:2])}"]) == 2
    assert "3 rounds" in capsys.readouterr().err


@pytest.mark.parametrize("missing", ["a table", "a pair"])
def test_missing_scores_are_named(tmp_path: Path, missing: str) -> None:
    captions, scores = write(tmp_path, *FOUND)
    if missing == "a table":
        with pytest.raises(WinnowError, match="5 tables for 3 rounds of 2 scorers"):
            read_attempts(captions, scores[:-1], LOOP)
    else:
        write_table(scores[1], read_table(scores[1], SCORES).iloc[1:], SCORES)
        with pytest.raises(WinnowError, match=r"domain_clip_1\.parquet: no score for uid u1"):
            read_attempts(captions, scores, LOOP)


def test_scores_and_captions_that_cannot_be_used(tmp_path: Path) -> None:
    captions, scores = write(tmp_path, *FOUND)
    table = read_table(scores[0], SCORES)
    write_table(scores[0], table.assign(score=[1.0, np.inf]), SCORES)
    with pytest.raises(WinnowError, match=r"clip_1\.parquet: the score of uid u0"):
        read_attempts(captions, scores, LOOP)
    rows = read_table(captions[0], CAPTIONS)
    write_table(captions[0], pd.concat([rows, rows.assign(caption_id=1)]), CAPTIONS)
    with pytest.raises(WinnowError, match=r"loop_1\.parquet: uid \(u0\) occurs again"):
        read_attempts(captions, scores, LOOP)


@pytest.mark.parametrize(
    "changes",
    [{"rounds": []}, {"scorers": ["clip", "clip"]}, {"scorers": []}, {"bar": 1.5},
     {"rounds": [{"perspective": "layout", "temperature": -1}]}],
)  # fmt: skip
def test_settings_that_are_refused(changes: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Loop.model_validate({"rounds": ROUNDS, **changes})


class Describer:
    """A backend that says what it was asked, and nothing about images that it is told to shun."""

    identity = "describer"

    def __init__(self, shun: set[str]) -> None:
        self.shun = shun

    def replies(self, requests: Iterable[Request]) -> Iterator[tuple[Request, Reply]]:
        for request in requests:
            text = f"{request.prompt} at {request.temperature} with seed {request.seed}"
            yield request, Reply("" if request.key in self.shun else text)


@pytest.fixture
def perspectives(tmp_path: Path) -> Path:
    """The perspectives of `ROUNDS`."""
    names = ("scene", "layout", "objects")
    asked = {name: {"prompt": f"Describe the {name}", "words": 20} for name in names}
    merge = {"prompt": "{descriptions}", "words": 20}
    path = tmp_path / "perspectives.yaml"
    path.write_text(json.dumps({"perspectives": asked, "integration": merge}))
    return path


def test_the_rounds_of_a_whole_loop(
    world: World,
    tmp_path: Path,
    perspectives: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    uids = world.of("pool")["uid"].tolist()
    shunned = {uids[5]}
    done: list[Path] = []
    scores: list[Path] = []

    def round_of(number: int, shun: set[str], *options: str) -> pd.DataFrame:
        monkeypatch.setattr(EngineSettings, "backend", lambda *_: Describer(shun))
        output, lost = tmp_path / f"loop_{number}.parquet", tmp_path / f"lost_{number}.parquet"
        words = ["redescribe", "--pool", world.pool, "--perspectives", perspectives]
        words += ["--captions", *done, "--scores", *scores, "--output", output]
        words += ["--quarantine", lost, "--round", number, "--threads=1"]
        words += [f"--rounds={json.dumps(ROUNDS)}", '--generation={"attempts": 1}', *options]
        assert main([*map(str, words)]) == 0
        table = read_table(output, CAPTIONS)
        assert set(read_table(lost, QUARANTINE)["uid"]) == shun & set(uids)
        for scorer in LOOP.scorers:  # round 2 is a little better, round 3 is not
            path = tmp_path / f"{scorer}_{number}.parquet"
            values = [float(uids.index(uid) + min(number, 2)) for uid in table["uid"]]
            write_table(path, table[["uid", "caption_id"]].assign(score=values), SCORES)
            scores.append(path)
        done.append(output)
        return table

    first = round_of(1, shunned)
    assert set(first["uid"]) == set(uids) - shunned
    assert set(first["text"]) == {"Describe the layout at 0.0 with seed 0"}
    assert set(first["generator"]) == {"loop"} and set(first["perspective"]) == {"layout"}
    second = round_of(2, set(), "--bar=0.3")
    assert shunned < set(second["uid"]) and second["uid"].tolist() == uids[: len(second)]
    assert set(second["text"]) == {"Describe the objects at 0.7 with seed 1"}
    third = round_of(3, set(), "--bar=0.3")
    assert set(third["uid"]) <= set(second["uid"]) and len(third)
    capsys.readouterr()
    assert round_of(4, set(), "--bar=0.3").empty
    said = capsys.readouterr().out
    assert "round 3 did not help: the loop stops" in said and "0 images to describe" in said


@pytest.mark.parametrize(
    ("number", "message"), [(4, "4 is not among the 3"), (3, "3 does not follow the 3 rounds")]
)
def test_a_round_that_there_is_not(
    world: World,
    tmp_path: Path,
    perspectives: Path,
    capsys: pytest.CaptureFixture[str],
    number: int,
    message: str,
) -> None:
    captions, scores = write(tmp_path, *FOUND)
    words = ["redescribe", "--pool", world.pool, "--perspectives", perspectives, "--round", number]
    words += ["--captions", *captions, "--scores", *scores, "--output", tmp_path / "out.parquet"]
    words += ["--quarantine", tmp_path / "lost.parquet", f"--rounds={json.dumps(ROUNDS[:3])}"]
    assert main([*map(str, words), "--threads=1"]) == 2
    assert message in capsys.readouterr().err
