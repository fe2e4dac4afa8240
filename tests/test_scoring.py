"""Scorers and their engine: the same scores whatever the batches and the interruptions."""

import sys
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import open_clip
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from conftest import World
from hypothesis import given, settings
from hypothesis import strategies as st
from open_clip.transform import image_transform_v2
from PIL import Image

from winnow.command.line import main
from winnow.curation.select import keep_ratio
from winnow.data.errors import WinnowError
from winnow.data.files import digest_files
from winnow.data.images import open_rgb
from winnow.data.shards import ShardWriter, iter_members, iter_shard, shard_path
from winnow.data.tables import PAIR, SCORES, read_about, read_table, write_table
from winnow.models import clip as models
from winnow.models.precision import chosen
from winnow.scoring.engine import pool_pairs, score_pool
from winnow.scoring.scorers import NAMES, Batch, Context, Scorer, make

WITH_MODEL = ("clip", "siglip", "domain_clip", "rotation")


@pytest.fixture
def context(world: World, standin: Path) -> Context:
    return Context(standin, world.truth_path, seed=3, precision="float32")


def run(
    scorer: Scorer, world: World, folder: Path, pairs: pd.DataFrame | None = None, **changes: Any
) -> np.ndarray:
    """The scores of the raw captions (or of `pairs`) in their order in the pool."""
    wanted = pool_pairs(world.pool, world.raw) if pairs is None else pairs
    output = folder / "scores.parquet"
    settings = {"key": "k", "batch_size": 7, "workers": 2, **changes}
    assert score_pool(scorer, world.pool, wanted, output, **settings) == len(wanted)
    table = read_table(output, SCORES)
    assert table[PAIR].equals(wanted[PAIR].reset_index(drop=True))
    assert not (folder / "scores.parquet.parts").exists()
    return table["score"].to_numpy()


def keys(world: World) -> pd.DataFrame:
    return pool_pairs(world.pool, world.raw)


# the scorers


def test_the_pool_is_worth_scoring(world: World) -> None:
    pairs = keys(world)
    assert len(pairs) == len(world.raw) == 96 and sorted(pairs["shard"].unique()) == [0, 1, 2]
    assert set(world.truth["kind"]) > {"clean", "mismatch"}
    assert pairs["uid"].isin(world.of("pool")["uid"]).all()


@pytest.mark.parametrize("name", sorted({*NAMES} - {"score_model"}))
def test_every_scorer_scores_every_pair(
    name: str, world: World, context: Context, tmp_path: Path
) -> None:
    first = run(make(name, context, {}), world, tmp_path)
    assert first.shape == (96,) and np.isfinite(first).all()
    again = run(make(name, context, {}), world, tmp_path, workers=1)
    assert np.array_equal(first, again)
    exact = name not in WITH_MODEL  # sums differ in their order with the size of a batch
    for size in (1, 64, 1000):
        other = run(make(name, context, {}), world, tmp_path, batch_size=size)
        assert np.array_equal(first, other) if exact else np.abs(first - other).max() < 1e-5
    assert len(np.unique(first)) == 1 if name == "none" else len(np.unique(first)) > 1


def test_oracle_orders_by_what_is_false(world: World, context: Context, tmp_path: Path) -> None:
    scores = run(make("oracle", context, {}), world, tmp_path)
    kinds = keys(world)[PAIR].merge(world.truth, on=PAIR)["kind"].to_numpy()
    means = pd.Series(scores).groupby(kinds).agg(["min", "max"])
    assert (means["min"] == means["max"]).all()
    order = means["min"]
    assert order["clean"] > order["generic"] > order["count"] > order["mismatch"]
    assert order["count"] == order["attribute"]


def test_oracle_needs_the_truth(world: World, tmp_path: Path) -> None:
    with pytest.raises(WinnowError, match="--truth"):
        make("oracle", Context(), {})
    path = tmp_path / "truth.parquet"
    world.truth.iloc[1:].to_parquet(path)
    with pytest.raises(WinnowError, match=r"truth\.parquet: no row for pair"):
        run(make("oracle", Context(truth=path), {}), world, tmp_path)
    world.truth.assign(kind="weather").to_parquet(path)
    with pytest.raises(WinnowError, match=r"truth\.parquet: unknown kind of noise 'weather'"):
        make("oracle", Context(truth=path), {})


def test_random_is_fair_and_goes_by_seed_and_pair() -> None:
    count = 20_000
    batch = Batch([f"{i // 2:032x}" for i in range(count)], [i % 2 for i in range(count)],
                  ["a"] * count, np.arange(count), None)  # fmt: skip
    scores = make("random", Context(seed=0), {}).score(batch)
    assert scores.min() >= 0 and scores.max() < 1 and len(np.unique(scores)) == count
    shares = np.histogram(scores, bins=20, range=(0, 1))[0] / count
    assert np.abs(shares - 0.05).max() < 0.01  # six standard deviations
    assert abs(np.corrcoef(scores[::2], scores[1::2])[0, 1]) < 0.05  # captions of one image
    other = make("random", Context(seed=1), {}).score(batch)
    assert abs(np.corrcoef(scores, other)[0, 1]) < 0.05


def test_text_prefers_captions_that_say_something() -> None:
    texts = [
        "Two white planes stand beside the long runway of a small airport.",
        "many things in an area",
        "A bridge crosses the river next to the",
        "the sound of music drifts from the famous square",
        "",
        "...",
    ]
    batch = Batch(["u"] * 6, [0] * 6, texts, np.arange(6), None)
    scores = make("text", Context(), {}).score(batch)
    assert scores.argmax() == 0 and set(scores[4:]) == {-3.0} and scores.min() == -3.0


def scored(name: str, texts: list[str]) -> list[float]:
    """Scores by a built-in that reads the texts alone."""
    batch = Batch(["u"] * len(texts), list(range(len(texts))), texts, np.arange(len(texts)), None)
    return make(name, Context(), {}).score(batch).tolist()


LENGTHS = {
    "two white planes": 3,
    "Two white planes.": 3,
    "a two-lane road's end , 3 cars": 6,
    "": 0,
    "... 🚢": 0,
    "机场旁边停着许多飞机。": 10,
    "飞机 plane 飞机": 5,
    "ターミナルの飛行場": 5,  # a run of Katakana is one word, as in Unicode's rules
    "สนามบิน": 6,
    "ملعب أخضر بجانب الطريق": 4,
    "नदी के ऊपर एक पुल है": 6,  # marks belong to their letters
    "공항에 비행기": 2,
}


@pytest.mark.parametrize(("text", "length"), LENGTHS.items())
def test_length_counts_words(text: str, length: int) -> None:
    assert scored("length", [text]) == [float(length)]


def test_ties_of_length_are_broken_by_uid_whatever_the_order() -> None:
    uids = [f"{k * 7 % 16:032x}" for k in range(16)]
    texts = ["three words here" if k % 4 else "four words stand here" for k in range(16)]
    scores = pd.DataFrame({"uid": uids, "caption_id": 0, "score": scored("length", texts)})
    longest = {uid for uid, text in zip(uids, texts, strict=True) if "four" in text}
    expected = longest | set(sorted(set(uids) - longest)[:4])
    for seed in range(5):
        shuffled = scores.sample(frac=1, random_state=seed)
        rows = keep_ratio(pa.Table.from_pandas(shuffled, preserve_index=False), 0.5)
        assert set(shuffled["uid"].iloc[rows]) == expected


def test_text_tells_sentences_without_blanks_apart() -> None:
    short, long, same = scored("text", ["飞机", "机场旁边停着许多白色的飞机。", "飞飞飞飞飞飞飞飞"])
    assert short == pytest.approx(2 / 12 + 1)
    assert long == pytest.approx(1 + 12 / 13)  # 机 occurs twice in 13 characters
    assert same == pytest.approx(8 / 12 + 1 / 8)


def test_english_faults_stand_aside_in_other_languages() -> None:
    german, english = scored(
        "text", ["Die Boote liegen am Ufer und an", "the boats lie near and an"]
    )
    assert german == pytest.approx(7 / 12 + 1)  # "an" is a whole word there
    assert english == pytest.approx(6 / 12 + 1 - 1)


@given(st.lists(st.text(max_size=60) | st.sampled_from(list(LENGTHS)), max_size=8))
@settings(max_examples=150, deadline=None)
def test_any_caption_has_a_finite_score(texts: list[str]) -> None:
    for name, low, high in (("text", -3, 2), ("length", 0, 60)):
        scores = scored(name, texts)
        assert len(scores) == len(texts) and all(low <= score <= high for score in scores)


def test_rotation_does_not_see_quarter_turns(world: World, context: Context) -> None:
    scorer = make("rotation", context, {})
    stream = list(iter_shard(shard_path(world.pool, 0)))[:6]
    pixels = np.stack([scorer.prepare(open_rgb(content)) for _, content in stream])
    texts = [f"a river and {i} boats" for i in range(6)]
    batch = [
        Batch(["u"] * 6, [0] * 6, texts, np.arange(6), np.rot90(pixels, turn, axes=(1, 2)))
        for turn in range(4)
    ]
    scores = np.stack([scorer.score(part) for part in batch])
    assert np.abs(scores - scores[0]).max() < 1e-5
    plain = make("clip", context, {})
    turned = np.stack([plain.score(part) for part in batch])
    assert np.abs(turned - turned[0]).max() > 1e-4  # the plain score does see them
    expected = turned.mean(axis=0) - turned.std(axis=0)
    assert scores[0] == pytest.approx(expected, abs=1e-5)


def test_clip_is_the_cosine_by_open_clip(
    world: World, context: Context, standin: Path, tmp_path: Path
) -> None:
    found = run(make("clip", context, {}), world, tmp_path)
    model, _, transform = open_clip.create_model_and_transforms(f"local-dir:{standin}")
    tokenizer = open_clip.get_tokenizer(f"local-dir:{standin}")
    images = {uid: c for shard in range(3) for uid, c in iter_shard(shard_path(world.pool, shard))}
    pairs = keys(world)
    with torch.inference_mode():
        pixels = torch.stack([transform(open_rgb(images[uid])) for uid in pairs["uid"]])
        visual = model.eval().encode_image(pixels, normalize=True)
        textual = model.encode_text(tokenizer(pairs["text"].tolist()), normalize=True)
    assert found == pytest.approx((visual * textual).sum(dim=1).numpy(), abs=1e-5)


# what a scorer sees


SIZES = [(48, 48), (32, 32), (100, 37), (37, 100), (33, 32), (31, 64), (8, 90), (640, 480)]


@pytest.mark.parametrize("resize", ["shortest", "squash"])
@pytest.mark.parametrize("interpolation", ["bicubic", "bilinear"])
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_prepare_is_open_clips_transform(
    size: tuple[int, int], interpolation: str, resize: str
) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    image = Image.fromarray(pixels)
    transform = open_clip.image_transform(
        32, is_train=False, mean=(0, 0, 0), std=(1, 1, 1),
        interpolation=interpolation, resize_mode=resize,
    )  # fmt: skip
    expected = transform(image).permute(1, 2, 0).numpy() * 255
    found = models.square(image, 32, interpolation, squash=resize == "squash")
    assert found.shape == (32, 32, 3) and found.dtype == np.uint8
    assert np.abs(found - expected).max() < 0.51


def test_normalise_is_open_clips(standin: Path) -> None:
    clip = models.load(standin)
    pixels = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    transform = image_transform_v2(clip.preprocess, is_train=False)
    found = clip.normalise(np.stack([clip.prepare(Image.fromarray(pixels))]))[0]
    assert torch.allclose(found, transform(Image.fromarray(pixels)), atol=1e-5)


# scorers of the user's own

MINE = """
import numpy as np
from winnow.scoring.scorers import Scorer

class Brightness(Scorer):
    def __init__(self, context, weight=1.0, **options):
        super().__init__(context, **options)
        self.weight = weight

    def prepare(self, image):
        return np.asarray(image.resize((8, 8)))

    def score(self, batch):
        return self.weight * batch.pixels.mean(axis=(1, 2, 3))[batch.image]

class Words(Scorer):
    sees_images = False

    def score(self, batch):
        return np.array([len(text.split()) for text in batch.text])
"""


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A module of the user's own, importable."""
    (tmp_path / "my_scorers.py").write_text(MINE)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "my_scorers", raising=False)
    return "my_scorers"


def test_a_class_of_ones_own(mine: str, world: World, tmp_path: Path) -> None:
    words = run(make(f"{mine}:Words", Context(), {}), world, tmp_path)
    assert words.tolist() == [len(text.split()) for text in keys(world)["text"]]
    light = run(make(f"{mine}:Brightness", Context(), {"weight": 2}), world, tmp_path)
    images = {uid: c for shard in range(3) for uid, c in iter_shard(shard_path(world.pool, shard))}
    expected = {uid: 2 * np.asarray(open_rgb(c).resize((8, 8))).mean() for uid, c in images.items()}
    assert light == pytest.approx([expected[uid] for uid in keys(world)["uid"]])


def test_scorers_that_are_not_there(mine: str) -> None:
    with pytest.raises(WinnowError, match=r"'clop' is no built-in scorer \(clip, "):
        make("clop", Context(), {})
    with pytest.raises(WinnowError, match=r"no_module.*cannot be imported.*PYTHONPATH"):
        make("no_module:Clop", Context(), {})
    with pytest.raises(WinnowError, match=r"my_scorers:Clop.*cannot be imported"):
        make(f"{mine}:Clop", Context(), {})
    with pytest.raises(WinnowError, match=r"Words: unknown options colour, size"):
        make(f"{mine}:Words", Context(), {"size": 1, "colour": 2})
    with pytest.raises(WinnowError, match=r"RandomScore: unknown options weight"):
        make("random", Context(), {"weight": 1})
    with pytest.raises(WinnowError, match="needs a model"):
        make("clip", Context(), {})


class Wrong(Scorer):
    """Returns whatever `answer` makes of the number of pairs."""

    sees_images = False
    answer: ClassVar[Any]

    def score(self, batch: Batch) -> np.ndarray:
        return type(self).answer(len(batch.text))


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (lambda n: np.full(n, np.nan), r"Wrong: score nan for uid [0-9a-f]{32}, caption_id \d"),
        (lambda n: np.r_[np.zeros(n - 1), np.inf], "Wrong: score inf"),
        (lambda n: np.zeros(n - 1), r"Wrong: returned shape \(6,\) for 7 pairs"),
        (lambda n: np.zeros((n, 1)), r"shape \(7, 1\) for 7 pairs"),
        (lambda n: 0.5, r"shape \(\) for 7 pairs"),
    ],
)
def test_scores_that_are_none(answer: Any, told: str, world: World, tmp_path: Path) -> None:
    Wrong.answer = staticmethod(answer)
    with pytest.raises(WinnowError, match=told):
        run(Wrong(Context()), world, tmp_path)
    assert not (tmp_path / "scores.parquet").exists()


# the engine


class Counting(Scorer):
    """Mean brightness and length; remembers the pairs it scored, fails when told to."""

    def __init__(self, fail_after: int | None = None):
        super().__init__(Context())
        self.seen: list[tuple[str, int]] = []
        self.fail_after = fail_after

    def prepare(self, image: Image.Image) -> np.ndarray:
        return np.asarray(image.resize((8, 8)))

    def score(self, batch: Batch) -> np.ndarray:
        if self.fail_after is not None and len(self.seen) >= self.fail_after:
            raise RuntimeError("killed")
        assert batch.pixels is not None
        assert len(batch.pixels) == len(set(batch.uid))  # an image passes once
        self.seen += zip(batch.uid, batch.caption_id, strict=True)
        light = batch.pixels.astype(float).mean(axis=(1, 2, 3))[batch.image]
        return light + np.array([len(text) for text in batch.text])


def test_a_killed_run_goes_on_where_it_stopped(world: World, tmp_path: Path) -> None:
    undisturbed = run(Counting(), world, tmp_path)
    pairs = keys(world)
    first = int((pairs["shard"] == 0).sum())
    # somewhere inside the second shard
    broken = Counting(fail_after=first + 5)
    output = tmp_path / "killed" / "scores.parquet"
    with pytest.raises(RuntimeError, match="killed"):
        score_pool(broken, world.pool, pairs, output, key="k", batch_size=7)
    assert not output.exists()
    second = Counting()
    assert score_pool(second, world.pool, pairs, output, key="k", batch_size=7) == 96
    done = set(zip(pairs["uid"][pairs["shard"] == 0], pairs["caption_id"], strict=False))
    assert len(done) == first and not done & set(second.seen)
    assert len(second.seen) == 96 - first
    assert np.array_equal(read_table(output, SCORES)["score"].to_numpy(), undisturbed)
    assert [path.name for path in output.parent.iterdir()] == ["scores.parquet"]


def test_another_key_discards_the_parts(world: World, tmp_path: Path) -> None:
    output = tmp_path / "scores.parquet"
    with pytest.raises(RuntimeError):
        score_pool(Counting(50), world.pool, keys(world), output, key="old", batch_size=7)
    assert list((tmp_path / "scores.parquet.parts").glob("*/*.parquet"))
    scorer = Counting()
    score_pool(scorer, world.pool, keys(world), output, key="new", batch_size=7)
    assert len(scorer.seen) == 96


@pytest.mark.parametrize("size", [1, 5, 20, 500])
def test_decoding_ahead_changes_nothing(size: int, world: World, tmp_path: Path) -> None:
    plain = run(Counting(), world, tmp_path, batch_size=size, ahead=0)
    assert np.array_equal(plain, run(Counting(), world, tmp_path, batch_size=size, ahead=2))


def test_pairs_may_come_in_any_order_and_number(world: World, tmp_path: Path) -> None:
    whole = keys(world).assign(score=run(Counting(), world, tmp_path))
    some = whole.sample(frac=0.4, random_state=0)
    assert some.groupby("uid").size().nunique() > 1  # one caption of an image, or two
    scores = run(Counting(), world, tmp_path, pairs=some.drop(columns="score"))
    assert np.array_equal(scores, some["score"].to_numpy())


def copy_pool(world: World, root: Path, edit: Any) -> Path:
    """A pool whose first shard's members went through `edit`: (number, content) -> content."""
    pool = root / "pool"
    for shard in range(3):
        members = iter_members(shard_path(world.pool, shard))
        (pool / "shards").mkdir(parents=True, exist_ok=True)
        if shard:
            shard_path(pool, shard).write_bytes(shard_path(world.pool, shard).read_bytes())
            continue
        writer = ShardWriter(pool / "shards", 1000)
        for number, (uid, extension, content) in enumerate(members):
            if (changed := edit(number, content)) is not None:
                writer.add(uid, {extension: changed})
        writer.close()
    return pool


def test_a_shard_that_lacks_an_image(world: World, tmp_path: Path) -> None:
    pool = copy_pool(world, tmp_path, lambda number, content: content if number != 4 else None)
    with pytest.raises(WinnowError, match=r"00000\.tar: holds 38 of the 40 pairs"):
        score_pool(Counting(), pool, keys(world), tmp_path / "scores.parquet", key="k")


def test_a_damaged_image_is_named(world: World, tmp_path: Path) -> None:
    uid = next(iter_shard(shard_path(world.pool, 0)))[0]
    pool = copy_pool(world, tmp_path, lambda number, c: c if number else c[: len(c) // 2])
    with pytest.raises(WinnowError, match=rf"00000\.tar: member {uid}\.png is damaged.*run again"):
        score_pool(Counting(), pool, keys(world), tmp_path / "scores.parquet", key="k")


def test_a_damaged_shard_is_named(world: World, tmp_path: Path) -> None:
    pool = copy_pool(world, tmp_path, lambda _, content: content)
    path = shard_path(pool, 1)
    path.write_bytes(path.read_bytes()[:3000])
    with pytest.raises(WinnowError, match=r"00001\.tar: damaged shard"):
        score_pool(Counting(), pool, keys(world), tmp_path / "scores.parquet", key="k")
    path.unlink()
    with pytest.raises(WinnowError, match=r"00001\.tar: no such shard"):
        score_pool(Counting(), pool, keys(world), tmp_path / "scores.parquet", key="k")


def test_a_pool_without_captions(world: World) -> None:
    with pytest.raises(WinnowError, match="no caption belongs to an image of the pool"):
        pool_pairs(world.pool, world.raw.assign(uid="f" * 32))


def test_an_empty_caption_set_gets_an_empty_table(world: World, tmp_path: Path) -> None:
    pairs = pool_pairs(world.pool, world.raw.iloc[:0])
    output = tmp_path / "scores.parquet"
    assert score_pool(make("random", Context(), {}), world.pool, pairs, output, key="") == 0
    assert read_table(output, SCORES).empty and list(tmp_path.iterdir()) == [output]


# precision


@pytest.mark.parametrize("unit", [None, "avx2", "amx_bf16", "avx512_bf16"])
def test_the_hardware_chooses_the_precision(
    standin: Path, monkeypatch: pytest.MonkeyPatch, unit: str | None
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {unit: True} if unit else {})
    cpu = torch.device("cpu")
    native = "bfloat16" if unit in ("amx_bf16", "avx512_bf16") else "float32"
    assert chosen("auto", cpu) == native
    assert [chosen(name, cpu) for name in ("float32", "bfloat16")] == ["float32", "bfloat16"]
    if not torch.cuda.is_available():
        scorer: Any = make("clip", Context(standin), {})
        with scorer.autocast():
            assert torch.is_autocast_enabled("cpu") == (native == "bfloat16")


def test_bfloat16_scores_are_close(world: World, standin: Path, tmp_path: Path) -> None:
    exact, rough = (
        run(make("clip", Context(standin, precision=name), {}), world, tmp_path, batch_size=64)
        for name in ("float32", "bfloat16")
    )
    assert 0 < np.abs(exact - rough).max() < 0.02


# the verb


def score(world: World, output: Path, *more: str) -> int:
    return main(
        ["score", f"--pool={world.pool}", f"--captions={world.raw_path}", f"--output={output}",
         "--threads=1", *more]
    )  # fmt: skip


@pytest.mark.usefixtures("same_environment")
def test_the_verb_scores(world: World, standin: Path, tmp_path: Path) -> None:
    output = tmp_path / "clip.parquet"
    words = ["--scorer=domain_clip", f"--model={standin}", "--precision=float32"]
    assert score(world, output, *words) == 0
    direct = run(make("clip", Context(standin, precision="float32"), {}), world, tmp_path)
    assert read_table(output, SCORES)["score"].to_numpy() == pytest.approx(direct, abs=1e-5)
    assert (tmp_path / "clip.cost.json").is_file()
    (checkpoint,) = read_about(output)["checkpoints"]
    assert checkpoint == {"digest": digest_files([standin]), "precision": "float32"}


@pytest.mark.usefixtures("same_environment")
def test_a_parquet_of_scores(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pairs = keys(world)[PAIR].assign(score=np.arange(96.0))
    given, output = tmp_path / "mine.parquet", tmp_path / "out.parquet"
    words = ["--scorer=mine", f"--scores={given}"]

    def told(frame: pd.DataFrame) -> str:
        pq.write_table(pa.Table.from_pandas(frame, preserve_index=False), given)
        assert score(world, output, *words) == 2 and not output.exists()
        error = capsys.readouterr().err
        assert error.startswith("winnow score: ") and error.count("\n") == 1
        assert str(given) in error
        return error

    uid, caption = pairs[PAIR].iloc[5]
    assert "column 'score' is missing (has uid, caption_id)" in told(pairs[PAIR])
    assert "'score'" in (nan := told(pairs.assign(score=pairs["score"].where(pairs.index != 5))))
    assert "row 5" in nan
    missing = told(pairs.drop(index=5))
    assert f"no score for uid {uid}, caption_id {caption} (1 pairs" in missing
    doubled = told(pd.concat([pairs, pairs.iloc[[5]]]))
    assert f"uid and caption_id ({uid}, {caption}) occurs again in row 96" in doubled
    assert "(1 such rows); keep one row of each" in doubled
    typed = told(pairs.assign(score="high"))
    assert "'score' is large_string, expected double; write it with the columns uid" in typed
    assert "(3 such rows); give each a value" in told(
        pairs.assign(score=pairs["score"].where(pairs.index > 2))
    )
    assert "(3 pairs without a score); score every pair" in told(pairs.drop(index=[5, 6, 7]))
    infinite = told(pairs.assign(score=pairs["score"].where(pairs.index != 5, -np.inf)))
    assert f"the score of uid {uid}, caption_id {caption} is not a finite number" in infinite
    given.write_text("uid,caption_id,score\n")
    assert score(world, output, *words) == 2
    assert "not a readable Parquet file" in capsys.readouterr().err

    write_table(given, pairs.sample(frac=1, random_state=0), SCORES)  # any order will do
    assert score(world, output, *words) == 0
    assert np.array_equal(read_table(output, SCORES)["score"], np.arange(96.0))
    assert "not used" not in capsys.readouterr().out

    more = pd.concat([pairs.iloc[:2].assign(uid="f" * 32), pairs])  # of a larger pool
    write_table(given, more, SCORES)
    assert score(world, output, *words) == 0
    assert np.array_equal(read_table(output, SCORES)["score"], np.arange(96.0))
    said = capsys.readouterr().out
    assert f"{given}: row 0: uid {'f' * 32}, caption_id" in said
    assert "(2 such rows of 98); they are not used" in said


@pytest.mark.usefixtures("same_environment")
def test_the_verb_refuses_in_one_line(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "out.parquet"
    assert score(world, output, "--scorer=clop") == 2
    assert "'clop' is no built-in scorer" in capsys.readouterr().err
    assert score(world, output, "--scorer=clip", f"--model={tmp_path}") == 2
    assert "no open_clip_config.json" in capsys.readouterr().err
    assert score(world, output, "--scorer=text", "--batch-size=0") == 2
    assert "--batch-size" in capsys.readouterr().err
