"""Preference data: what is asked, what is proposed, and which of two texts is the better one."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from asking import Stream
from conftest import World
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from winnow.assertions.parser import assertions_of
from winnow.captioning.perspectives import load_perspectives
from winnow.captioning.questions import load_questions
from winnow.captioning.request_queue import Reply, Request
from winnow.captioning.responses import Responses
from winnow.command.line import main
from winnow.data.errors import WinnowError
from winnow.data.files import digest_bytes
from winnow.data.shards import ShardWriter, iter_members
from winnow.data.tables import (
    CANDIDATES,
    CAPTIONS,
    DEDUPLICATED,
    LAYOUTS,
    PREFERENCES,
    QUARANTINE,
    RATED,
    RATINGS,
    SAMPLES,
    read_table,
    write_table,
)
from winnow.preferences import human_candidates, model_candidates, text_pairs
from winnow.preferences.pairs import Pair, closed_pairs, rated_pairs, split_of
from winnow.preferences.questions import (
    CAPTION_PROMPT,
    CAPTION_PROMPTS,
    Counts,
    caption_questions,
    image_questions,
)
from winnow.preferences.settings import Captioner
from winnow.preferences.text_pairs import preference_set
from winnow.terrarium.noise import KINDS, normalised

pytestmark = pytest.mark.usefixtures("same_environment")
ROOT = Path(__file__).parents[1]
PERSPECTIVES = load_perspectives(ROOT / "workflow" / "perspectives.yaml")
CATEGORIES = load_questions(ROOT / "workflow" / "questions.yaml")
COUNTS = Counts(closed=3, open=2, remote_sensing=2)


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def asked(world: World, samples: pd.DataFrame, known: bool = True, **changes: Any) -> list:
    layouts = read_table(world.layouts_path, LAYOUTS)
    options = {"seed": 3, "open_anyway": False, **changes}
    return image_questions(
        samples, layouts if known else layouts[:0], PERSPECTIVES, CATEGORIES, COUNTS, **options
    )


def test_questions_depend_on_the_image_alone(world: World) -> None:
    samples = world.of("reference")
    found = asked(world, samples)
    assert set(found) == set(asked(world, samples[::-1]))
    assert set(found) != set(asked(world, samples, seed=4))
    kinds = pd.DataFrame(found).groupby("uid")["kind"].value_counts().unstack()
    assert (kinds[["open", "remote_sensing"]] == 2).all(axis=None)
    assert kinds["closed"].between(1, 3).all()
    assert {q.reference is None for q in found if q.kind == "closed"} == {False}
    assert len(set(found)) == len(found)


def test_without_layouts_only_scenes_are_asked_about(world: World) -> None:
    samples = world.of("reference")
    found = asked(world, samples, known=False)
    assert {(q.kind, q.category) for q in found} == {("closed", "choice")}
    assert {q.uid: q.reference for q in found} == dict(
        zip(samples["uid"], samples["scene"], strict=True)
    )
    assert asked(world, samples.assign(scene=None), known=False) == []
    found = asked(world, samples, known=False, open_anyway=True)
    assert {q.kind for q in found} == {"closed", "open", "remote_sensing"}


def test_captioners_are_asked_their_perspective() -> None:
    cut = Captioner(by="mllm", perspective="objects", words=5)
    (question,) = caption_questions(["a"], "cut", cut, PERSPECTIVES)
    assert (question.prompt, question.max_tokens) == (CAPTION_PROMPT, 10)
    assert question.asked == PERSPECTIVES.find("objects").prompt
    relay = Captioner(by="mllm", perspective="detail")
    with pytest.raises(WinnowError, match=r"captioners\.cut: 'detail' relays"):
        caption_questions(["a"], "cut", relay, PERSPECTIVES)


def test_captions_of_people(world: World) -> None:
    samples = world.of("reference").reset_index(drop=True)
    features = np.eye(len(samples), dtype=np.float32)
    features[1] = features[0] + 0.1 * features[1]
    who = {name: Captioner(by=name) for name in ("human", "neighbour", "noise")}
    found = human_candidates.captioner_candidates(samples, world.human, who, features, 0)
    uids = samples["uid"]
    texts = human_candidates.captions_of(world.human)
    assert set(found["kind"]) == {"caption"}
    counts = {uid: len(texts[uid]) for uid in uids}
    for uid, rows in found[found["proposer"] == "human"].groupby("uid"):
        wordings = list(CAPTION_PROMPTS)[: counts[uid]]
        assert rows["prompt"].tolist() == wordings  # each wording once, each caption once
        assert len(set(rows.index)) == len(wordings)
        assert sorted(rows["text"]) == sorted(texts[uid][: len(wordings)]) or counts[uid] > 5
    first = found[found["prompt"] == CAPTION_PROMPT]
    by = {name: rows.set_index("uid") for name, rows in first.groupby("proposer")}
    assert all(text in texts[uid] for uid, text in by["human"]["text"].items())
    assert by["neighbour"]["text"][uids[0]] in texts[uids[1]]
    assert by["neighbour"]["text"][uids[1]] in texts[uids[0]]
    assert set(by["noise"]["category"]) <= set(KINDS) and by["noise"]["category"].nunique() > 3
    assert not any(
        normalised(text) in map(normalised, texts[uid]) for uid, text in by["noise"]["text"].items()
    )
    silent = world.human[world.human["uid"] != uids[0]]
    assert uids[0] not in set(
        human_candidates.captioner_candidates(samples, silent, who, features, 0)["uid"]
    )
    with pytest.raises(WinnowError, match="--clip: captioner 'neighbour'"):
        human_candidates.captioner_candidates(samples, world.human, who, None, 0)


@given(st.integers(5, 40), st.integers(1, 4), st.integers(0, 99))
def test_the_nearest_is_another(count: int, rank: int, seed: int) -> None:
    features = np.random.default_rng(seed).normal(size=(count, 4))
    cosines = features @ features.T
    np.fill_diagonal(cosines, -np.inf)
    for row, found in enumerate(human_candidates.nearest(features, [rank])[:, 0]):
        assert found != row and (cosines[row] > cosines[row, found]).sum() == rank - 1


def test_what_a_model_proposes(world: World, tmp_path: Path) -> None:
    samples = world.of("reference").reset_index(drop=True)
    quiz = asked(world, samples)
    bad = samples["uid"][0]

    def reply(request: Request, attempt: int) -> Reply:
        return Reply("" if bad in request.key else f"a town of {request.seed}\n")

    backend = Stream(reply)
    proposers = [
        model_candidates.Proposer("large", 0.0, quiz),
        model_candidates.Proposer("small", 1.0, quiz),
    ]
    found, quarantine = model_candidates.generate_candidates(
        world.pool, samples, proposers, backend, Responses(tmp_path), 2, 0
    )
    write_table(tmp_path / "c.parquet", found, CANDIDATES)
    write_table(tmp_path / "q.parquet", quarantine, QUARANTINE)
    left_out = [q for q in quiz if q.uid == bad and q.empty == "drop"]
    unanswered = [q for q in quiz if q.uid == bad and q.empty == "retry"]
    assert len(quarantine) == 2 * len(unanswered) and set(quarantine["uid"]) <= {bad}
    assert len(found) == 2 * len(quiz) - len(quarantine) - 2 * len(left_out)
    assert quarantine["reason"].iloc[0] == "large: empty answer (2 attempts)"
    assert {r.temperature for r in backend.asked} == {0.0, 0.7, 1.0}  # 0.7: asked again
    seeds = found.groupby("proposer")["text"].unique()
    assert len(seeds["large"]) == len(seeds["small"]) == 1 and seeds["large"] != seeds["small"]
    right = {(q.uid, q.prompt): q.reference for q in quiz}
    assert all(
        right[uid, prompt] == reference or pd.isna(reference)
        for uid, prompt, reference in found[["uid", "prompt", "reference"]].to_numpy()
    )


def candidate(uid: str, kind: str, prompt: str, text: str, who: str, **more: Any) -> dict:
    row = {"uid": uid, "kind": kind, "category": "", "prompt": prompt, "reference": None}
    return {**row, "text": text, "proposer": who, **dict.fromkeys(RATINGS, 1), **more}


def rated(rows: list[dict]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=[name.rstrip("?") for name in RATED])


UIDS = [f"{number:032x}" for number in range(6)]
texts = st.sampled_from(["A town.", "a  town", "a river", "two red cars", "Trees", "trees."])
answers = st.lists(
    st.builds(
        candidate,
        st.sampled_from(UIDS),
        st.sampled_from(["caption", "open"]),
        st.sampled_from(["what?", "where?"]),
        texts,
        st.sampled_from(["human", "large", "small"]),
        relevance=st.integers(1, 5),
        clarity=st.integers(1, 5),
    ),
    max_size=40,
)
closed = st.lists(
    st.builds(
        candidate,
        st.sampled_from(UIDS),
        st.just("closed"),
        st.sampled_from(["how many?", "is it?"]),
        st.sampled_from(["yes", "Yes.", " YES ", "no", "No.", "yes, it is", "ye"]),
        st.sampled_from(["large", "small"]),
        reference=st.sampled_from(["yes"]),
    ),
    max_size=30,
)


@examples(max_examples=40)
@given(answers, closed, st.integers(0, 20), st.randoms(use_true_random=False))
def test_pairs(rows: list[dict], quiz: list[dict], seed: int, dice: Any) -> None:
    samples = pd.DataFrame({"uid": UIDS[:4], "scene": ["a", "a", "b", None]})
    said = {"uid": UIDS, "caption_id": 0, "text": "an airport with two red planes"}
    human = pd.concat([pd.DataFrame(said), pd.DataFrame(said).assign(caption_id=1)])

    def made(one: list[dict], other: list[dict]) -> pd.DataFrame:
        return preference_set(
            samples, rated(one), rated(other), None, human, PERSPECTIVES.integration, 0.5, seed
        )

    table = made(rows, quiz)
    assert set(table["uid"].dropna()) <= set(samples["uid"])
    assert (table["chosen"].map(normalised) != table["rejected"].map(normalised)).all()
    assert table.dropna(subset="uid").groupby("uid")["split"].nunique().le(1).all()
    assert not table[table["kind"] != "text"].duplicated().any()
    best: dict[tuple, dict[str, float]] = {}
    for row in rows:
        ratings = best.setdefault((row["uid"], row["kind"], row["prompt"]), {})
        mean = sum(row[name] for name in RATINGS) / len(RATINGS)
        ratings[normalised(row["text"])] = max(mean, ratings.get(normalised(row["text"]), 0))
    for pair in table[table["kind"].isin(["caption", "open"])].itertuples():
        ratings = best[pair.uid, pair.kind, pair.prompt]
        higher, lower = ratings[normalised(pair.chosen)], ratings[normalised(pair.rejected)]
        assert higher == max(ratings.values()) and higher - lower == pytest.approx(pair.margin)
        assert pair.margin > 0
    expected = {
        (row["uid"], row["prompt"], normalised(row["text"]))
        for row in quiz
        if row["uid"] in set(samples["uid"]) and normalised(row["text"]).strip() != "yes"
    }
    pairs = table[table["kind"] == "closed"]
    rejected = pairs.assign(text=pairs["rejected"].map(normalised))[["uid", "prompt", "text"]]
    assert set(rejected.itertuples(index=False, name=None)) == expected
    assert pairs["margin"].isna().all() and set(pairs["chosen"]) <= {"yes"}
    dice.shuffle(rows)
    dice.shuffle(quiz)
    assert made(rows, quiz).equals(table)


def test_of_the_best_and_what_it_beats() -> None:
    rows = [
        candidate("a", "caption", "p", "good", "x", relevance=5),
        candidate("a", "caption", "p", "as good", "y", clarity=5),
        candidate("a", "caption", "p", "bad", "noise", category="count", clarity=2),
        candidate("b", "caption", "p", "alone", "x"),
    ]
    (pair,) = rated_pairs(rated(rows))
    expected = Pair("a", "caption", "count", "p", "good", "bad", "x", "noise", 0.6)
    assert pair._replace(margin=None) == expected._replace(margin=None)
    assert pair.margin == pytest.approx(0.6)
    assert rated_pairs(rated([])) == [] == closed_pairs(rated([]))


@given(st.integers(0, 5))
def test_the_share_held_out(seed: int) -> None:
    sides = [split_of(f"{number:032x}", 0.2, seed) for number in range(2000)]
    assert 0.15 < sides.count("test") / len(sides) < 0.25
    assert {split_of(uid, 0.0, seed) for uid in UIDS} == {"train"}
    assert {split_of(uid, 1.0, seed) for uid in UIDS} == {"test"}


def test_merges_say_what_captions_agree_on(world: World) -> None:
    samples = world.of("reference")
    found = text_pairs.merges(samples, world.human, PERSPECTIVES.integration, 0)
    captions = human_candidates.captions_of(world.human)
    assert len(found) > len(samples) / 2
    for merge in found:
        said = [set(assertions_of(text)) for text in captions[merge.uid]]
        assert set(assertions_of(merge.half)) <= set(assertions_of(merge.text))
        scene = [one for one in assertions_of(merge.text) if one.kind == "scene"]
        assert all(sum(stated in one for one in said) >= 2 for stated in scene)
        assert all(text in merge.prompt for text in captions[merge.uid])
    pairs = text_pairs.merge_pairs(found, 0)
    assert pairs == text_pairs.merge_pairs(found, 0) and {p.uid for p in pairs} == {None}
    assert sorted(text_pairs.merge_pairs(found[::-1], 0)) == sorted(pairs)
    assert {p.rejected_by for p in pairs} == {"other_merge", "half_merge"}
    assert text_pairs.merge_pairs(found[:1], 0)[0].rejected_by == "half_merge"


def test_pairs_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "pairs.jsonl"
    good = {"prompt": "why?", "chosen": "é\u2028x", "rejected": "no", "more": 1}
    path.write_text(f"{json.dumps(good, ensure_ascii=False)}\n\n{json.dumps(good)}\n", "utf-8")
    first, second = text_pairs.read_pairs(path)
    assert first == second and first[3:6] == ("why?", "é\u2028x", "no")
    table = preference_set(
        pd.DataFrame({"uid": UIDS, "scene": None}), rated([]), rated([]), [first],
        pd.DataFrame(columns=list(CAPTIONS)), PERSPECTIVES.integration, 0.5, 0,
    )  # fmt: skip
    assert table["kind"].tolist() == ["text"]
    write_table(tmp_path / "p.parquet", table, PREFERENCES)


@pytest.mark.parametrize(
    "line, problem",
    [
        (b"{", "not valid JSON"),
        (b"[" * 100_000, "not valid JSON"),
        (b"[1]", "not a JSON object"),
        (b'{"prompt": "a", "chosen": "b"}', "'rejected' is missing"),
        (b'{"prompt": "a", "chosen": 1, "rejected": "b"}', "'chosen' is missing"),
        (b'{"prompt": " ", "chosen": "a", "rejected": "b"}', "'prompt' is missing"),
        (b'{"prompt": "a", "chosen": "B.", "rejected": " b"}', "are the same"),
        (b'{"prompt": "a", "chosen": "\\ud800", "rejected": "b"}', "half a character"),
        (b"\xff", "not UTF-8"),
    ],
)
def test_bad_lines_of_a_file(tmp_path: Path, line: bytes, problem: str) -> None:
    path = tmp_path / "pairs.jsonl"
    path.write_bytes(b'{"prompt": "a", "chosen": "b", "rejected": "c"}\n' + line)
    with pytest.raises(WinnowError, match=problem) as error:
        text_pairs.read_pairs(path)
    assert str(path) in str(error.value)
    assert "line 2" in str(error.value) or problem == "not UTF-8"


CAPTIONERS = {
    "human": {"by": "human"},
    "neighbour": {"by": "neighbour"},
    "noise": {"by": "noise"},
    "overview": {"by": "mllm", "perspective": "scene", "words": 3},
}


def kept_images(world: World, folder: Path) -> Path:
    """DEDUPLICATED that leaves one image of the reference split out."""
    uids = world.of("reference")["uid"]
    rows = {"uid": uids, "component": 0, "kept": uids != uids.iloc[0]}
    write_table(folder / "images.parquet", pd.DataFrame(rows), DEDUPLICATED)
    return folder / "images.parquet"


def chain(world: World, images: Path, standin: Path, model: Path, folder: Path) -> bytes:
    """The bytes of the candidates and the preference pairs, with ratings by the length of the
    texts."""
    common = ["--pool", world.pool, "--images", images, "--human", world.human_path]
    common += ["--perspectives", ROOT / "workflow" / "perspectives.yaml", "--threads", "1"]
    said = []
    for role, option in (("people", ["--clip", standin]), ("mllm", ["--model", model])):
        said.append(folder / f"{role}.parquet")
        words = [
            "generate-candidates",
            *common,
            "--role",
            role,
            *option,
            "--layouts",
            world.layouts_path,
        ]
        words += ["--questions", ROOT / "workflow" / "questions.yaml"]
        words += ["--output", said[-1], "--quarantine", folder / f"{role}.quarantine.parquet"]
        words += [f"--captioners={json.dumps(CAPTIONERS)}", "--answerers={large: {by: mllm}}"]
        words += ["--closed=1", "--open=1", "--remote-sensing=1", "--seed=1"]
        words += ['--generation={"quarantine_limit": 1.0, "attempts": 1}']
        assert main([str(word) for word in words]) == 0
    rows = pd.concat([read_table(path, CANDIDATES) for path in said])
    rows = rows[rows["kind"] != "closed"]
    lengths = dict.fromkeys(RATINGS, rows["text"].str.len() % 5 + 1)
    write_table(folder / "rated.parquet", rows.assign(**lengths), RATED)
    words = [
        "preference-pairs",
        *common,
        "--rated",
        folder / "rated.parquet",
        "--candidates",
        *said,
    ]
    words += ["--output", folder / "preferences.parquet", "--held-out=0.3", "--seed=1"]
    assert main([str(word) for word in words]) == 0
    return (folder / "preferences.parquet").read_bytes()


def changed_pool(world: World, folder: Path) -> World:
    """The same world with other images, scenes, captions and layouts of its pool and test split."""
    own = set(world.of("reference")["uid"])
    layouts = read_table(world.layouts_path, LAYOUTS)
    path = folder / "pool" / "samples.parquet"
    renamed: dict[str, str] = {}  # an image has the name of its bytes
    shutil.copytree(world.pool, folder / "pool")
    for shard in sorted((world.pool / "shards").iterdir()):
        writer = ShardWriter(folder / "new", 1000)
        members = list(iter_members(shard))
        other = next((m for m in members if m[0] in own), members[0])[2]
        for uid, extension, content in members:
            if uid not in own:
                content = other + uid.encode()  # what follows the end of a PNG is no part of it
                renamed[uid] = digest_bytes(content)
            writer.add(renamed.get(uid, uid), {extension: content})
        writer.close()
        shutil.move(folder / "new" / "00000.tar", folder / "pool" / "shards" / shard.name)
    samples = world.samples.copy()
    samples.loc[~samples["uid"].isin(own), "scene"] = "volcano"
    samples["uid"] = samples["uid"].replace(renamed)
    write_table(path, samples, SAMPLES)
    human = world.human.copy()
    human.loc[~human["uid"].isin(own), "text"] = "a volcano"
    human["uid"] = human["uid"].replace(renamed)
    layouts = layouts[layouts["uid"].isin(own)]
    write_table(folder / "human.parquet", human, CAPTIONS)
    write_table(folder / "layouts.parquet", layouts, LAYOUTS)
    return replace(
        world,
        pool=folder / "pool",
        human_path=folder / "human.parquet",
        layouts_path=folder / "layouts.parquet",
    )


def test_the_pool_split_is_never_read(
    world: World, standin: Path, mllm: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    images = kept_images(world, tmp_path)
    (tmp_path / "first").mkdir()
    content = chain(world, images, standin, mllm, tmp_path / "first")
    said = capsys.readouterr().out
    table = read_table(tmp_path / "first" / "preferences.parquet", PREFERENCES)
    assert set(table["kind"]) >= {"text", "caption", "closed"}
    kept = set(world.of("reference")["uid"].iloc[1:])
    assert set(table["uid"].dropna()) <= kept
    assert "caption: " in said and "of 23 images" in said
    (tmp_path / "again").mkdir()
    other = changed_pool(world, tmp_path / "again")
    assert chain(other, images, standin, mllm, tmp_path / "again") == content


def test_what_the_verbs_refuse(
    world: World, mllm: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    foreign = {"uid": world.of("pool")["uid"][:2], "component": 0, "kept": True}
    write_table(tmp_path / "foreign.parquet", pd.DataFrame(foreign), DEDUPLICATED)
    with pytest.raises(WinnowError, match=r"foreign\.parquet: uid .* not of the split `reference`"):
        model_candidates.kept_samples(world.pool, tmp_path / "foreign.parquet")
    write_table(tmp_path / "rated.parquet", rated([]), RATED)
    words = ["preference-pairs", "--rated", tmp_path / "rated.parquet", "--human", world.human_path]
    words += ["--pool", world.pool, "--images", kept_images(world, tmp_path), "--output"]
    words += [tmp_path / "out.parquet", "--perspectives", ROOT / "workflow" / "perspectives.yaml"]
    assert main([str(word) for word in words]) == 2
    assert "--candidates: name at least one" in capsys.readouterr().err
