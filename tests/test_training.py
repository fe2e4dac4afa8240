"""Training: repeatable, equal at every size of subset, and what each stand-in may see."""

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from conftest import World
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from winnow.command.line import main
from winnow.data.errors import WinnowError
from winnow.data.files import digest_bytes, digest_files
from winnow.data.images import encode_png, open_rgb
from winnow.data.shards import ShardWriter, iter_shard, shard_path
from winnow.data.tables import PAIR, SUBSET, write_table
from winnow.models import clip as models
from winnow.models.settings import Role
from winnow.training import clip_standins, contrastive, training_loop
from winnow.training.images import decode
from winnow.training.settings import Optimiser

ROLES: tuple[Role, ...] = ("clip", "siglip", "domain_clip", "evaluator_clip")
SETTINGS = Optimiser(batch_size=8, learning_rate=1e-3, precision="float32")

pytestmark = pytest.mark.usefixtures("same_environment")


def fit(
    world: World, standin: Path, pairs: pd.DataFrame, seen: int = 32, seed: int = 0, **changes: Any
) -> tuple[list[float], dict[str, torch.Tensor]]:
    """Losses and weights after fine-tuning on `pairs` with one thread."""
    torch.set_num_threads(1)
    clip = models.load(standin)
    settings = SETTINGS.model_copy(update=changes)
    losses = contrastive.fit(clip, world.pool, world.samples, pairs, settings, seen, seed)
    assert not clip.model.training
    return losses, clip.model.state_dict()


def same(one: dict[str, torch.Tensor], two: dict[str, torch.Tensor]) -> bool:
    return all(torch.equal(value, two[key]) for key, value in one.items())


# repeatable


def test_one_seed_gives_one_model(world: World, standin: Path) -> None:
    losses, weights = fit(world, standin, world.raw)
    again, equal = fit(world, standin, world.raw)
    assert losses == again and same(weights, equal)
    other, different = fit(world, standin, world.raw, seed=1)
    assert losses != other and not same(weights, different)


def test_training_changes_both_towers(world: World, standin: Path) -> None:
    before = models.load(standin).model.state_dict()
    _, after = fit(world, standin, world.raw)
    for key in ("visual.conv1.weight", "token_embedding.weight", "text_projection"):
        assert not torch.equal(before[key], after[key]), key
    assert all(torch.isfinite(value).all() for value in after.values())


# equal at every size


@pytest.mark.parametrize("count", [2, 3, 7, 8, 40, 96])
def test_every_subset_gets_the_same_steps(world: World, standin: Path, count: int) -> None:
    losses, _ = fit(world, standin, world.raw.iloc[:count], seen=24)
    assert len(losses) == 3


def test_batches_are_full_and_cover_everything() -> None:
    batches = training_loop._batches(total=10, batch=4, seed=0)
    drawn = [next(batches) for _ in range(40)]
    assert all(len(set(rows)) == 4 for rows in drawn)
    for first, second in zip(drawn[::2], drawn[1::2], strict=True):
        assert not set(first) & set(second)  # inside an epoch nothing comes twice
    counts = np.bincount(np.concatenate(drawn), minlength=10)
    assert counts.min() > 0 and counts.sum() == 160


def test_the_learning_rate_rises_then_falls() -> None:
    rates = [training_loop._schedule(step, 100, 10) for step in range(100)]
    assert rates[:10] == pytest.approx([0.1 * step for step in range(1, 11)])
    assert max(rates) == 1.0 and all(a >= b for a, b in pairwise(rates[9:]))
    assert 0 <= rates[-1] < 0.01


@pytest.mark.parametrize(
    ("half", "short", "flash"), [(False, False, True), (True, False, False), (False, True, False)]
)
def test_the_flash_kernel_attends_where_it_is_faster(half: bool, short: bool, flash: bool) -> None:
    with training_loop.attention(torch.device("cpu"), half, short):
        assert torch.backends.cuda.flash_sdp_enabled() is flash  # torch's flag for a CPU, too
        query = torch.randn(2, 1, 4, 8, requires_grad=True)
        kernel = torch.nn.functional.scaled_dot_product_attention(query, query, query).grad_fn
        assert ("Flash" in kernel.name()) is flash


def test_only_matrices_decay(standin: Path) -> None:
    model = models.load(standin).model
    decayed, others = training_loop.parameter_groups(model, 0.1)
    assert decayed["weight_decay"] == 0.1 and others["weight_decay"] == 0
    both = [*decayed["params"], *others["params"]]
    assert len(both) == len(list(model.parameters()))
    assert any(p is model.logit_scale for p in others["params"])


# it learns


COLOURS = {
    "red": (220, 30, 30), "green": (30, 200, 40), "blue": (20, 40, 220), "white": (250, 250, 250),
    "black": (5, 5, 5), "yellow": (240, 230, 20), "pink": (250, 130, 200), "grey": (128, 128, 128),
}  # fmt: skip


@pytest.fixture
def toy(tmp_path: Path) -> tuple[Path, pd.DataFrame, pd.DataFrame]:
    """A pool of eight plain images, each with its colour for a caption."""
    writer = ShardWriter(tmp_path / "pool" / "shards", 100)
    rows = []
    for name, colour in COLOURS.items():
        content = encode_png(np.full((40, 40, 3), colour, dtype=np.uint8))
        rows.append((digest_bytes(content), f"a {name} field", 0))
        writer.add(rows[-1][0], {"png": content})
    writer.close()
    frame = pd.DataFrame(rows, columns=["uid", "text", "shard"])
    return tmp_path / "pool", frame[["uid", "shard"]], frame[["uid", "text"]]


def test_a_model_learns_what_can_be_learned(
    toy: tuple[Path, pd.DataFrame, pd.DataFrame], standin: Path
) -> None:
    pool, samples, pairs = toy
    clip = models.load(standin)
    settings = SETTINGS.model_copy(update={"learning_rate": 5e-3})
    losses = contrastive.fit(clip, pool, samples, pairs, settings, samples_seen=480, seed=0)
    assert len(losses) == 60
    assert np.mean(losses[-5:]) < 0.3 * np.mean(losses[:5])
    images = dict(iter_shard(shard_path(pool, 0)))
    pixels = np.stack([clip.prepare(open_rgb(images[uid])) for uid in pairs["uid"]])
    with torch.inference_mode():
        scores = clip.encode_images(pixels) @ clip.encode_texts(pairs["text"].tolist()).T
    assert (scores.argmax(dim=1) == torch.arange(8)).sum() >= 6


def test_divergence_is_an_error(world: World, standin: Path) -> None:
    with pytest.raises(WinnowError, match=r"diverged at step \d+: lower learning_rate"):
        fit(world, standin, world.raw, seen=80, learning_rate=1e30)


# what it is given


@pytest.mark.parametrize("count", [0, 1])
def test_fewer_than_two_pairs(world: World, standin: Path, count: int) -> None:
    with pytest.raises(WinnowError, match=f"{count} pairs to train on"):
        fit(world, standin, world.raw.iloc[:count])


def test_images_are_decoded_as_the_model_wants_them(
    world: World, standin: Path, tmp_path: Path
) -> None:
    clip = models.load(standin)
    wanted = world.of("pool").sample(frac=0.5, random_state=0)
    pixels, row = decode(
        clip.prepare, clip.size, world.pool, wanted, tmp_path / "pixels.npy", workers=2
    )
    assert pixels.shape == (24, 32, 32, 3) and sorted(row) == sorted(wanted["uid"])
    for shard in sorted(wanted["shard"].unique()):
        for uid, content in iter_shard(shard_path(world.pool, int(shard))):
            if uid in row:
                assert np.array_equal(pixels[row[uid]], clip.prepare(open_rgb(content)))
    assert isinstance(pixels, np.memmap)
    stranger = pd.DataFrame({"uid": ["0" * 32], "shard": [0]})
    with pytest.raises(WinnowError, match="hold 24 of the 25 images"):
        decode(
            clip.prepare,
            clip.size,
            world.pool,
            pd.concat([wanted, stranger]),
            tmp_path / "again.npy",
        )


def train(world: World, standin: Path, output: Path, subset: pd.DataFrame, *more: str) -> int:
    path = output.parent / f"{output.name}.subset.parquet"
    write_table(path, subset, SUBSET)
    return main(
        ["train-contrastive", f"--pool={world.pool}", f"--captions={world.raw_path}",
         f"--subset={path}", f"--model={standin}", f"--output={output}", "--threads=1",
         "--samples-seen=16", "--batch-size=8", "--precision=float32", "--seed=0", *more]
    )  # fmt: skip


def test_the_verb_repeats_itself(world: World, standin: Path, tmp_path: Path) -> None:
    for name, more in (("a", []), ("b", []), ("c", ["--seed=1"])):
        assert train(world, standin, tmp_path / name, world.raw.iloc[:30], *more) == 0
    a, b, c = (digest_files([tmp_path / name / models.WEIGHTS]) for name in "abc")
    assert a == b != c
    record = json.loads((tmp_path / "a" / "training.json").read_text())
    assert record["parameters"]["pairs"] == 30 and record["parameters"]["samples_seen"] == 16
    assert np.isfinite(record["loss"]) and record["precision"] == "float32"
    assert json.loads((tmp_path / "a" / "cost.json").read_text())["samples"] == 16
    assert set(record["inputs"]) == {"subset", "model", "captions"}


def test_a_subset_that_does_not_fit(
    world: World, standin: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "model"
    strange = pd.concat(
        [world.raw[PAIR].iloc[:5], world.raw[PAIR].iloc[:2].assign(caption_id=[98, 99])]
    )
    for subset, told in [
        (strange, "is no pair of the captions (2 such rows"),
        (world.raw.iloc[[0, 1, 2, 1]], "occurs again in row 3"),
        (world.raw.iloc[:1], "1 pairs to train on"),
    ]:
        assert train(world, standin, output, subset) == 2
        assert told in capsys.readouterr().err
        assert not output.exists()


# the foundry


def reference(world: World) -> tuple[pd.DataFrame, pd.DataFrame]:
    samples = world.of("reference")
    return samples, world.human[world.human["uid"].isin(samples["uid"])]


def test_nobody_grades_what_it_saw(world: World) -> None:
    samples, captions = reference(world)
    seen = {role: clip_standins.training_pairs(role, samples, captions) for role in ROLES}
    images = {role: set(pairs["uid"]) for role, pairs in seen.items()}
    assert images["clip"] == images["domain_clip"]
    assert images["domain_clip"] and images["evaluator_clip"]
    assert not images["domain_clip"] & images["evaluator_clip"]
    assert images["domain_clip"] | images["evaluator_clip"] == set(samples["uid"])
    for role in ("domain_clip", "evaluator_clip"):
        own = captions[captions["uid"].isin(images[role])]
        assert sorted(seen[role]["text"]) == sorted(own["text"])


def test_the_general_model_saw_no_human_caption(world: World) -> None:
    samples, captions = reference(world)
    pairs = clip_standins.training_pairs("clip", samples, captions)
    assert not set(pairs["text"]) & set(captions["text"])
    scene = samples.set_index("uid")["scene"]
    assert all(scene[uid] in text for uid, text in pairs.itertuples(index=False))
    assert (pairs.groupby("uid").size() == len(clip_standins.COARSE)).all()


def test_the_general_model_takes_the_images_with_scenes(world: World) -> None:
    samples, captions = reference(world)
    half = samples.assign(scene=samples["scene"].where(np.arange(len(samples)) % 2 == 0))
    pairs = clip_standins.training_pairs("clip", half, captions)
    assert set(pairs["uid"]) <= set(half.loc[half["scene"].notna(), "uid"])


def test_without_scenes_the_general_models_read_single_words(world: World) -> None:
    samples, captions = reference(world)
    none = samples.assign(scene=None)
    for role in ("clip", "siglip", "evaluator_general"):
        pairs = clip_standins.training_pairs(role, none, captions)
        seen = set(clip_standins.training_pairs(role, samples, captions)["uid"])
        assert set(pairs["uid"]) == seen
        whole = set(captions["text"])
        assert sum(text in whole for text in pairs["text"]) < len(pairs) / 4
    by_caption = clip_standins.training_pairs("domain_clip", none, captions)
    assert set(by_caption["text"]) <= set(captions["text"])  # as ever


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        (
            ["a big harbour", "a harbour by the sea", "a wood by the sea", "a wood"],
            ["harbour", "harbour", "wood", "wood"],
        ),
        (["a harbour", "a forest"], ["a", "a"]),  # all that two images share
        (["one", "two", "3 4 5"], ["one", "two", "3 4 5"]),  # no word is shared: all of it
        (["Гавань и лодки", "гавань и река", "лес и река"], ["гавань", "гавань", "река"]),
        (["港口有船", "港口有人", "森林有人"], ["口", "人", "人"]),
    ],
)
def test_the_telling_word(texts: list[str], words: list[str]) -> None:
    captions = pd.DataFrame({"uid": [str(i) for i in range(len(texts))], "text": texts})
    assert clip_standins.distinctive_words(captions)["text"].tolist() == words


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("abcd"), st.text()), max_size=12))
def test_every_caption_has_a_telling_word(rows: list[tuple[str, str]]) -> None:
    captions = pd.DataFrame(rows, columns=["uid", "text"], dtype=object)
    pairs = clip_standins.distinctive_words(captions)
    assert pairs["uid"].tolist() == captions["uid"].tolist()
    for text, word in zip(captions["text"], pairs["text"], strict=True):
        assert word == text or word in text.casefold()


def test_a_stand_in_without_a_caption_to_learn_from_says_so(world: World, tmp_path: Path) -> None:
    samples, captions = reference(world)
    odd = samples[[int(uid[:8], 16) % 2 == 1 for uid in samples["uid"]]]
    for role in ("clip", "domain_clip"):
        with pytest.raises(WinnowError, match=rf"{role} learns from one half.*source\.reference"):
            clip_standins.train_standin(role, world.pool, odd, captions, tmp_path, SETTINGS, 8)


def test_stand_ins_come_out_of_the_foundry(world: World, tmp_path: Path) -> None:
    for role in ("clip", "siglip", "evaluator_clip"):
        words = [f"--pool={world.pool}", f"--human={world.human_path}", f"--role={role}"]
        settings = ["--samples-seen=16", "--batch-size=8", "--precision=float32", "--threads=1"]
        output = tmp_path / role
        assert main(["train-standin", *words, f"--output={output}", *settings]) == 0
        clip = models.load(output)
        assert clip.size == 64
        assert clip.prepare(Image.new("RGB", (48, 48))).shape == (64, 64, 3)
        record = json.loads((output / "foundry.json").read_text())
        assert record["parameters"]["role"] == role
        assert record["parameters"]["images"] == len(world.of("reference"))
