"""Submissions: what is checked and how it is refused, what a run makes of them."""

import csv
import re
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from conftest import World
from hypothesis import given
from hypothesis import strategies as st
from workflow_helpers import Clone

from winnow.command.line import main
from winnow.curation import submit, submit_verbs
from winnow.data.errors import WinnowError
from winnow.data.files import digest_files
from winnow.data.tables import CAPTIONS, PAIR, SCORES, SUBSET, kept_rows, read_table, write_table
from winnow.params.load import read, resolve, scaled
from winnow.params.submissions import CARD_BYTES, pool_digest, read_card, submitted
from winnow.scoring.engine import pool_pairs
from winnow.scoring.settings import Scorer
from winnow.tracks.registry import cells

pytestmark = pytest.mark.usefixtures("same_environment")

ROOT = Path(__file__).parents[1]
CARD = {
    "name": "theirs",
    "authors": ["A. Author"],
    "licence": "CC-BY-4.0",
    "description": "Length of the caption.",
    "link": "https://example.org/paper",
}


@pytest.fixture
def pairs(world: World) -> pd.DataFrame:
    return pool_pairs(world.pool, world.raw)


@pytest.fixture
def folder(pairs: pd.DataFrame, tmp_path: Path) -> Path:
    """A submission of scores that is as it should be."""
    place = tmp_path / "mine"
    place.mkdir()
    (place / "card.yaml").write_text(yaml.safe_dump(CARD))
    table = pairs[PAIR].assign(score=pairs["text"].str.len().astype(float))
    write_table(place / "scores.parquet", table, SCORES)
    return place


def edit(path: Path, change: Callable[[pd.DataFrame], pd.DataFrame]) -> None:
    change(pd.read_parquet(path)).to_parquet(path)


def refusal(check: Callable[[], object]) -> str:
    with pytest.raises(WinnowError) as caught:
        check()
    return str(caught.value)


# the check


def test_a_proper_submission_passes(folder: Path, pairs: pd.DataFrame) -> None:
    assert submit.check_card(folder).name == "theirs"
    assert submit.check_table(folder, pairs) is None


def with_value(row: int, column: str, value: object) -> Callable[[pd.DataFrame], pd.DataFrame]:
    def change(table: pd.DataFrame) -> pd.DataFrame:
        table = table.copy()
        table.loc[row, column] = value
        return table

    return change


FAULTS = {
    "NaN": (with_value(3, "score", np.nan), ["'score'", "null or NaN", "row 3"]),
    "infinite": (with_value(5, "score", -np.inf), ["'score' is infinite", "row 5"]),
    "missing pair": (lambda t: t.drop(index=7), ["no score for uid"]),
    "missing pairs": (lambda t: t.drop(index=range(5, 17)), ["no score for uid", "12 pairs"]),
    "unknown pair": (with_value(2, "uid", "f" * 32), ["row 2", "f" * 32, "no pair"]),
    "pair of another image": (with_value(4, "caption_id", 99), ["row 4", "caption_id 99"]),
    "twice": (
        lambda t: pd.concat([t.drop(index=0), t.iloc[[1]]], ignore_index=True),
        ["in row 95 occurs again", "no score for uid"],
    ),
    "all twice": (
        lambda t: pd.concat([t, t], ignore_index=True),
        ["in row 96, uid", "in row 98 occurs again (96 rows in all)"],
    ),
    "too many rows": (lambda t: pd.concat([t, t, t]), ["288 rows", "96 pairs"]),
    "no column": (lambda t: t.rename(columns={"score": "value"}), ["'score'", "missing"]),
    "words for scores": (lambda t: t.assign(score="high"), ["'score' is large_string", "double"]),
    "numbers as words": (lambda t: t.assign(score=t["score"].astype(str)), ["is large_string"]),
    "categories": (lambda t: t.assign(score=t["score"].map(str).astype("category")), ["'score'"]),
    "truth values": (lambda t: t.assign(score=t["score"] > 9), ["'score' is bool"]),
    "decimals": (lambda t: t.assign(score=t["score"].map(Decimal)), ["'score' is decimal128"]),
    "nulls": (lambda t: t.assign(score=None), ["'score' has no value", "(96 rows in all)"]),
    "a number for a name": (lambda t: t.assign(uid=range(len(t))), ["'uid' is int64"]),
    "words for numbers": (lambda t: t.assign(caption_id="0"), ["'caption_id' is large_string"]),
    "half an id": (lambda t: t.assign(caption_id=t["caption_id"] + 0.5), ["'caption_id'", "int32"]),
    "faults of all columns": (
        lambda t: t.assign(caption_id="0", score="1.5").drop(columns="uid"),
        ["'uid' is missing", "'caption_id' is large_string", "'score' is large_string"],
    ),
    "faults of all rows": (
        lambda t: with_value(1, "score", np.nan)(
            with_value(2, "score", np.inf)(with_value(4, "uid", "f" * 32)(t))
        ),
        ["no value (null or NaN) in row 1", "infinite in row 2", "row 4 is no pair", "no score"],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("change", "words"), FAULTS.values(), ids=FAULTS)
def test_scores_are_refused_with_file_row_and_remedy(
    folder: Path, pairs: pd.DataFrame, change: Callable, words: list[str]
) -> None:
    edit(folder / "scores.parquet", change)
    message = refusal(lambda: submit.check_table(folder, pairs))
    assert [
        word for word in ["scores.parquet", "submit again", *words] if word not in message
    ] == []
    assert "\n" not in message and len(message) < 1000


@pytest.mark.parametrize(
    "kind", ["float32", "int64", "uint8", "float16", "Float64", "double[pyarrow]"]
)
def test_numbers_of_any_kind_are_scores(folder: Path, pairs: pd.DataFrame, kind: str) -> None:
    edit(folder / "scores.parquet", lambda t: t.assign(score=(t["score"] % 100).astype(kind)))
    edit(folder / "scores.parquet", lambda t: t.assign(uid=t["uid"].astype("category")))
    assert submit.check_table(folder, pairs) is None


def test_a_column_that_is_there_twice(folder: Path, pairs: pd.DataFrame) -> None:
    table = pq.read_table(folder / "scores.parquet")
    pq.write_table(table.append_column("score", table["score"]), folder / "scores.parquet")
    for check in (lambda: submit.check_table(folder, pairs), lambda: submit.check_card(folder)):
        assert "column 'score' is there 2 times" in refusal(check)


def test_a_table_of_a_run_is_as_strict(folder: Path, world: World, tmp_path: Path) -> None:
    """`scores:` in the parameters names somebody's table too."""
    edit(folder / "scores.parquet", lambda t: t.assign(score=t["score"].astype(str)))
    with pytest.raises(WinnowError, match="'score' is large_string, expected double"):
        read_table(folder / "scores.parquet", SCORES)
    table = pa.table({"uid": ["u"], "caption_id": [0]})
    broken = pa.Array.from_buffers(pa.string(), 1, [None, *pa.array([b"\xff"]).buffers()[1:]])
    pq.write_table(table.set_column(0, "uid", broken), tmp_path / "subset.parquet")
    with pytest.raises(WinnowError, match="damaged"):
        read_table(tmp_path / "subset.parquet", SUBSET)


def test_what_is_no_table_is_refused(folder: Path, pairs: pd.DataFrame) -> None:
    path = folder / "scores.parquet"
    whole = path.read_bytes()
    for content in (b"", b"PAR1", whole[: len(whole) // 2], b"uid,caption_id,score\n"):
        path.write_bytes(content)
        assert "not a readable Parquet file" in refusal(lambda: submit.check_table(folder, pairs))


def test_a_table_that_unfolds_is_refused_before_it_is_read(
    folder: Path, pairs: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    bomb = {**{k: pairs[k].tolist() for k in PAIR}, "score": [1.0] * len(pairs)}
    bomb["uid"] = ["0" * 2**21] * len(pairs)
    pq.write_table(pa.table(bomb), folder / "scores.parquet", compression="zstd")
    assert (folder / "scores.parquet").stat().st_size < 2**16
    monkeypatch.setattr(submit, "read_table", lambda *_: pytest.fail("it was read"))
    message = refusal(lambda: submit.check_table(folder, pairs))
    assert "unfolds to" in message
    bomb["uid"] = ["0" * 2**19] * len(pairs)  # one value in the file, 48 MB in memory
    pq.write_table(pa.table(bomb), folder / "scores.parquet", compression="zstd")
    assert "'uid' holds 524288 char" in refusal(lambda: submit.check_table(folder, pairs))
    (folder / "scores.parquet").write_bytes(b"\0" * (2 * submit.SPARE_BYTES))
    assert "bytes; 96 pairs need at most" in refusal(lambda: submit.check_table(folder, pairs))


def subset_of(folder: Path, table: pd.DataFrame) -> None:
    (folder / "scores.parquet").unlink(missing_ok=True)
    write_table(folder / "subset.parquet", table[PAIR], SUBSET)


@pytest.mark.parametrize(("count", "share"), [(96, 1.0), (28, 0.29), (1, 0.01), (33, 0.34)])
def test_the_share_of_a_subset(folder: Path, pairs: pd.DataFrame, count: int, share: float) -> None:
    subset_of(folder, pairs.iloc[:count])
    assert submit.check_table(folder, pairs) == share


@pytest.mark.parametrize(("rows", "words"), [([], "keeps no pair"), ([0, 0], "occurs again")])
def test_subsets_are_refused(
    folder: Path, pairs: pd.DataFrame, rows: list[int], words: str
) -> None:
    subset_of(folder, pairs.iloc[rows])
    message = refusal(lambda: submit.check_table(folder, pairs))
    assert words in message and "subset.parquet" in message


@given(st.sets(st.integers(0, 19)), st.randoms())
def test_kept_rows_are_those_of_brute_force(chosen: set[int], random) -> None:
    captions = pd.DataFrame({"uid": [f"u{i // 2}" for i in range(20)], "caption_id": [0, 1] * 10})
    order = list(chosen)
    random.shuffle(order)
    found = kept_rows(captions, captions.iloc[order], "subset.parquet")
    assert found.tolist() == order


CARDS = {
    "a path for a name": ({"name": "../../etc"}, "name"),
    "a folder for a name": ({"name": "a/b"}, "name"),
    "a capital": ({"name": "Theirs"}, "name"),
    "a long name": ({"name": "a" * 41}, "name"),
    "no author": ({"authors": []}, "authors"),
    "authors as a word": ({"authors": "me"}, "authors"),
    "an empty licence": ({"licence": " "}, "licence"),
    "control characters": ({"description": "\x1b[31mred"}, "description"),
    "a novel": ({"description": "x" * 2001}, "description"),
    "a script for a link": ({"link": "javascript:alert(1)"}, "link"),
    "markup in a link": ({"link": "https://x/\"><script>"}, "link"),
    "an unknown key": ({"score": 1}, "score"),
}  # fmt: skip


@pytest.mark.parametrize(("change", "key"), CARDS.values(), ids=CARDS)
def test_cards_are_refused_by_key(folder: Path, change: dict, key: str) -> None:
    (folder / "card.yaml").write_text(yaml.safe_dump(CARD | change))
    message = refusal(lambda: submit.check_card(folder))
    assert f"card.yaml: {key}" in message


def test_folders_that_are_no_submission(folder: Path, pairs: pd.DataFrame, tmp_path: Path) -> None:
    taken = {"theirs": "another"}
    assert "'theirs' is taken by another" in refusal(lambda: submit.check_card(folder, taken))
    assert "no such folder" in refusal(lambda: submit.check_card(tmp_path / "none"))
    (folder / "card.yaml").write_text("a: [")
    assert "not valid YAML" in refusal(lambda: submit.check_card(folder))
    (folder / "card.yaml").write_text("#" * (CARD_BYTES + 1))
    assert "at most" in refusal(lambda: read_card(folder / "card.yaml"))
    (folder / "card.yaml").unlink()
    assert "card.yaml: no such file" in refusal(lambda: submit.check_card(folder))
    (folder / "card.yaml").symlink_to(tmp_path / "elsewhere.yaml")
    assert "is a link" in refusal(lambda: submit.check_card(folder))
    write_table(folder / "subset.parquet", pairs[PAIR], SUBSET)
    assert "both" in refusal(lambda: submit.check_card(folder))
    for name in ("subset.parquet", "scores.parquet"):
        (folder / name).unlink()
    assert "neither" in refusal(lambda: submit.check_card(folder))


# what a run makes of it


def install(folder: Path, root: Path, share: float | None = None, **changes: object) -> None:
    """Put a submission into a repository, for the pool of params.yaml with changes."""
    pool = pool_digest(scaled(read(ROOT / "params.yaml") | changes))
    submit.install(folder, root / "submissions/theirs", pool, share)


def test_an_installed_submission_is_a_scorer(folder: Path, tmp_path: Path) -> None:
    install(folder, tmp_path)
    found = resolve(read(ROOT / "params.yaml"), tmp_path)
    place = Path(found.folder, found.scorers["theirs"].scores or "").resolve()
    assert place == (tmp_path / "submissions/theirs/scores.parquet").resolve()
    own = {(c.track, c.ratio) for c in cells(found) if c.scorer == "theirs"}
    assert own == {("contrastive", 0.3), ("detection", 1.0)}
    place = tmp_path / "submissions"
    assert [path.name for path in place.iterdir()] == ["theirs"], "nothing temporary is left"
    names = {path.name for path in (place / "theirs").iterdir()}
    assert names == {"card.yaml", "checked.yaml", "scores.parquet"}


def test_a_submission_is_told_where_it_stands(tmp_path: Path) -> None:
    path = tmp_path / "leaderboard.csv"
    rows = ["scorer,ratio,rank,leaks,note", "oracle,0.3,,,", "mine,0.3,2,,", "clip,0.3,1,,"]
    rows += ["none,1.0,,,", "mine,0.5,,7,", "mine,0.1,,,not run"]
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    assert submit.leaderboard_ranks(path, "mine") == [
        "mine at keep ratio 0.3: rank 2 of 2 methods",
        "mine at keep ratio 0.5: struck out: it learned from 7 leaking pairs, see leakage.md",
        "mine at keep ratio 0.1: unranked, not run",
    ]
    assert submit.leaderboard_ranks(path, "yours") == [f"yours: has no row in {path}"]


def test_a_subset_stands_at_its_share(folder: Path, pairs: pd.DataFrame, tmp_path: Path) -> None:
    subset_of(folder, pairs.iloc[:28])
    install(folder, tmp_path, share=0.29)
    found = resolve(read(ROOT / "params.yaml"), tmp_path)
    assert found.scorers["theirs"].bar == 1.0
    own = {(c.track, c.ratio) for c in cells(found) if c.scorer == "theirs"}
    assert own == {("contrastive", 0.29), ("detection", 1.0)}


def test_a_submission_for_another_pool_takes_no_part(folder: Path, tmp_path: Path) -> None:
    install(folder, tmp_path, scale="smoke")
    assert "theirs" not in resolve(read(ROOT / "params.yaml"), tmp_path).scorers
    smoke = read(ROOT / "params.yaml") | {"scale": "smoke"}
    assert "theirs" in resolve(smoke, tmp_path).scorers
    sparse = smoke | {"captions": {**smoke["captions"], "seed": 1}}
    assert "theirs" not in resolve(sparse, tmp_path).scorers
    longer = smoke | {"contrastive": {**smoke["contrastive"], "weight_decay": 0.5}}
    assert "theirs" in resolve(longer, tmp_path).scorers


def test_an_earlier_submission_is_replaced_whole(
    folder: Path, pairs: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(folder, tmp_path)
    before = digest_files([tmp_path / "submissions"])
    with monkeypatch.context() as patch:
        patch.setattr(submit.yaml, "safe_dump", lambda _: pytest.fail("the disk is full"))
        with pytest.raises(pytest.fail.Exception):
            install(folder, tmp_path)
    assert digest_files([tmp_path / "submissions"]) == before
    subset_of(folder, pairs.iloc[:28])
    install(folder, tmp_path, share=0.29)
    names = {path.name for path in (tmp_path / "submissions/theirs").iterdir()}
    assert names == {"card.yaml", "checked.yaml", "subset.parquet"}
    assert [path.name for path in (tmp_path / "submissions").iterdir()] == ["theirs"]


@pytest.mark.parametrize(
    ("name", "change", "words"),
    {
        "another name": (
            "card.yaml",
            yaml.safe_dump(CARD | {"name": "mine"}),
            "folder is 'theirs'",
        ),
        "no check": ("checked.yaml", None, "checked.yaml: no such file"),
        "a check by hand": ("checked.yaml", "pool: mine\n", "checked.yaml: pool"),
        "a lost table": ("scores.parquet", None, "holds neither"),
    }.values(),
)
def test_a_folder_that_the_verb_did_not_make_is_named(
    folder: Path, tmp_path: Path, name: str, change: str | None, words: str
) -> None:
    install(folder, tmp_path)
    place = tmp_path / "submissions/theirs" / name
    place.unlink() if change is None else place.write_text(change)
    assert words in refusal(lambda: resolve(read(ROOT / "params.yaml"), tmp_path))


def test_the_name_of_a_scorer_is_refused(folder: Path, tmp_path: Path) -> None:
    install(folder, tmp_path)
    content = read(ROOT / "params.yaml")
    content["scorers"]["theirs"] = {"model": "clip", "use": "clip"}
    assert "scorer of this name" in refusal(lambda: resolve(content, tmp_path))
    assert submitted(tmp_path / "nothing", "0") == {}


@pytest.mark.parametrize(
    "other",
    [{"use": "clip"}, {"scores": "s.parquet"}, {"mean_of": ["clip"]}, {"threshold": 0.5},
     {"choose": True}, {"within": "scene"}],
)  # fmt: skip
def test_a_subset_leaves_nothing_else_to_say(other: dict) -> None:
    with pytest.raises(ValueError, match=r"subset|scores|mean_of"):
        Scorer.model_validate({"subset": "kept.parquet", **other})


def test_a_share_belongs_to_what_keeps_one() -> None:
    with pytest.raises(ValueError, match="share"):
        Scorer.model_validate({"use": "clip", "model": "clip", "share": 0.2})
    assert Scorer.model_validate({"threshold": 0.5, "share": 0.2}).bar == 0.5


def test_a_subset_is_scored_one_and_the_rest_nought(
    world: World, pairs: pd.DataFrame, folder: Path, tmp_path: Path
) -> None:
    subset_of(folder, pairs.iloc[10:30])
    words = ["score", "--pool", world.pool, "--captions", world.raw_path, "--scorer", "theirs"]
    words += ["--output", tmp_path / "scores.parquet", f"--subset={folder / 'subset.parquet'}"]
    assert main(list(map(str, words))) == 0
    table = read_table(tmp_path / "scores.parquet", SCORES)
    assert table["score"].tolist() == [float(10 <= row < 30) for row in range(len(pairs))]
    words = ["select", "--scores", tmp_path / "scores.parquet", "--pool", world.pool]
    words += ["--output", tmp_path / "kept.parquet", "--threshold=1.0"]
    assert main(list(map(str, words))) == 0
    kept = read_table(tmp_path / "kept.parquet", SUBSET)
    assert kept.equals(pairs[PAIR].iloc[10:30].reset_index(drop=True))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda t: t.iloc[:0], "keeps no pair; name those to keep"),
        (
            lambda t: t.assign(uid="z" + t["uid"].str[1:]),
            "is no pair of the captions (20 such rows of 20); leave",
        ),
    ],
)
def test_a_subset_of_a_run_is_as_strict(
    world: World, pairs: pd.DataFrame, folder: Path, tmp_path: Path,
    change: Callable, told: str, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    subset_of(folder, change(pairs.iloc[10:30]))
    words = ["score", "--pool", world.pool, "--captions", world.raw_path, "--scorer", "theirs"]
    words += ["--output", tmp_path / "scores.parquet", f"--subset={folder / 'subset.parquet'}"]
    assert main(list(map(str, words))) == 2 and not (tmp_path / "scores.parquet").exists()
    error = capsys.readouterr().err
    assert told in error and "subset.parquet" in error


# the command


@pytest.fixture
def repository(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """A repository with a pool, and what Snakemake is asked to run in it, which does nothing."""
    root = tmp_path / "repository"
    (root / "artifacts/captions").mkdir(parents=True)
    (root / "artifacts/pool").symlink_to(world.pool)
    write_table(root / "artifacts/captions/raw.parquet", world.raw, CAPTIONS)
    (root / "Snakefile").touch()
    (root / "params.yaml").write_text((ROOT / "params.yaml").read_text())
    (root / "results").mkdir()
    (root / "results/leaderboard.csv").write_text(
        "rank,scorer,ratio,leaks,note\n,oracle,0.3,,\n1,clip,0.3,,\n2,theirs,0.3,,\n"
    )
    monkeypatch.chdir(root)
    asked: list[list[str]] = []
    monkeypatch.setattr(submit_verbs, "_snakemake", lambda *words, **_: asked.append(words[2]))
    return asked


def test_one_command_checks_copies_runs_and_ranks(
    repository: list[list[str]], folder: Path, capsys: pytest.CaptureFixture
) -> None:
    assert main(["submit", "--folder", str(folder), "--threads", "1"]) == 0
    assert repository == [["artifacts/captions/raw.parquet"], []]
    told = capsys.readouterr().out.splitlines()
    assert told[-1] == "theirs at keep ratio 0.3: rank 2 of 2 methods"
    assert (Path("submissions/theirs/scores.parquet")).is_file()


def test_a_name_is_replaced_when_asked(
    repository: list[list[str]], folder: Path, capsys: pytest.CaptureFixture
) -> None:
    words = ["submit", "--folder", str(folder)]
    assert main([*words, "--replace"]) == 0  # there is none yet
    assert "in place of" not in capsys.readouterr().out
    edit(folder / "scores.parquet", lambda t: t.assign(score=-t["score"]))
    assert main(words) == 2
    told = capsys.readouterr().err
    assert "name: 'theirs' is taken by an earlier submission" in told and "--replace" in told
    place = Path("submissions/theirs/scores.parquet")
    assert place.read_bytes() != (folder / "scores.parquet").read_bytes()
    assert main([*words, "--replace"]) == 0
    assert "checked, in place of the earlier one" in capsys.readouterr().out
    assert place.read_bytes() == (folder / "scores.parquet").read_bytes()
    (folder / "card.yaml").write_text(yaml.safe_dump(CARD | {"name": "clip"}))
    assert main([*words, "--replace"]) == 2
    assert "'clip' is taken by a scorer or a model" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["oracle", "pretrained", "real", "t2i", "crs_diff", "domain_clip"])
def test_names_with_a_meaning_are_taken(
    repository: list[list[str]], folder: Path, capsys: pytest.CaptureFixture, name: str
) -> None:
    (folder / "card.yaml").write_text(yaml.safe_dump(CARD | {"name": name}))
    assert main(["submit", "--folder", str(folder)]) == 2
    assert "is taken" in capsys.readouterr().err and repository == []


def test_nothing_is_copied_that_did_not_pass(
    repository: list[list[str]], folder: Path, capsys: pytest.CaptureFixture
) -> None:
    edit(folder / "scores.parquet", with_value(3, "score", np.nan))
    assert main(["submit", "--folder", str(folder)]) == 2
    assert "row 3" in capsys.readouterr().err
    assert not Path("submissions").exists() and len(repository) == 1


def test_it_runs_where_the_snakefile_is(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["submit", "--folder", str(folder)]) == 2
    assert "from the repository's root" in capsys.readouterr().err


@pytest.mark.parametrize(("quiet", "code"), [(True, 0), (True, 1), (False, 0), (False, 1)])
def test_what_snakemake_says_comes_before_the_remedy(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture,
    quiet: bool,
    code: int,
) -> None:
    """If it fails; what it says of a pool that is there already is kept back."""
    script = tmp_path / "python"
    script.write_text(f'#!/bin/sh\necho banner "$@"\nexit {code}\n')
    script.chmod(0o755)
    monkeypatch.setattr(submit_verbs.sys, "executable", str(script))
    ask = lambda: submit_verbs._snakemake(None, 1, ["a b"], "mend it", quiet=quiet)  # noqa: E731
    if code:
        assert refusal(ask) == "snakemake failed, see above; mend it"
    else:
        ask()
    shown = "".join(capfd.readouterr())
    assert ("--quiet host reason -- a b" in shown) == (not quiet or code == 1)


def test_a_submission_is_run_and_ranked(small: Clone, tmp_path: Path) -> None:
    """With the flow itself: the submission's own cells run, every other one is there already."""
    small.snakemake("--quiet", "all")
    raw = pd.read_parquet(small.folder / "artifacts/captions/raw.parquet")
    place = tmp_path / "handed in"
    place.mkdir()
    (place / "card.yaml").write_text(yaml.safe_dump(CARD))
    subset_of(place, raw.iloc[: len(raw) // 4])
    text = small.expect("winnow", "submit", "--folder", str(place), "--threads", "2").text
    lines = text.splitlines()
    assert re.fullmatch("theirs at keep ratio 0.25: rank . of . methods?", lines[-1])
    assert lines[0] == "submissions/theirs: checked; running its cells"
    assert "SNAKEMAKE" not in text  # the banner
    assert text.count("Moving output file artifacts/models/contrastive/raw/theirs/0.25/0") == 1
    assert "Moving output file artifacts/models/contrastive/raw/random" not in text
    with (small.folder / "results/leaderboard.csv").open() as handle:
        (row,) = (row for row in csv.DictReader(handle) if row["scorer"] == "theirs")
    assert row["ratio"] == "0.25" and row["mean_recall"] and row["difference"]
    for page in ("leaderboard.md", "site/index.html"):
        text = (small.folder / "results" / page).read_text(encoding="utf-8")
        assert CARD["description"] in text and CARD["link"] in text
