"""Training of the score model: both sides see the image, and it learns what was preferred."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from conftest import World
from hypothesis import given
from hypothesis import strategies as st
from mllm_fixture import SPECIAL

from winnow.command.line import main
from winnow.data.errors import WinnowError
from winnow.data.files import digest_files, read_json
from winnow.data.tables import PREFERENCES, write_table
from winnow.models import mllm as standins
from winnow.models import score
from winnow.models.score_network import Asked, ScoreModel
from winnow.models.shared_prefix import lay_out, share
from winnow.training import preference_batches
from winnow.training import score_model as training
from winnow.training.preference_batches import PreferenceBatches, PreferenceItem, preference_items
from winnow.training.score_model import NORMALISATIONS
from winnow.training.settings import ScoreStage

PROMPT = "what colour is it?"
pytestmark = pytest.mark.usefixtures("same_environment")


def settings(**changes: Any) -> ScoreStage:
    content = {"pairs": ["caption"], "train": ["vision", "language", "head"], "batch_size": 16,
               "learning_rate": 2e-3, "weight_decay": 0.0, "precision": "float32"}  # fmt: skip
    return ScoreStage.model_validate({**content, **changes})


def table(*rows: tuple[Any, ...]) -> pd.DataFrame:
    """PREFERENCES of (uid, kind, prompt, chosen, rejected, split)."""
    columns = ["uid", "kind", "prompt", "chosen", "rejected", "split"]
    frame = pd.DataFrame(list(rows), columns=columns)
    return frame.assign(category="", chosen_by="a", rejected_by="b", margin=None)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A very small stand-in, of the architecture of the foundry."""
    torch.set_num_threads(1)
    processor = standins.train_processor([PROMPT, "red blue green a river"], 300)
    model = standins.build(len(processor.tokenizer), seed=0, width=64, layers=1, depth=1)
    target = tmp_path_factory.mktemp("models") / "start"
    standins.save(model, processor, target)
    return target


@pytest.fixture
def model(folder: Path) -> ScoreModel:
    return score.start_from(folder, seed=0)


def learn(
    model: ScoreModel, asked: list[Asked], groups: list[PreferenceItem],
    pixels: np.ndarray, path: Path,
    **changes: Any,
) -> list[float]:  # fmt: skip
    feed = PreferenceBatches(model, asked, groups, pixels, settings(**changes))
    return training._descend(feed, settings(**changes), "none", 0, path)


# what is learnt


def coloured(blind: bool) -> tuple[list[Asked], list[PreferenceItem], np.ndarray]:
    """32 red and blue pictures; the right colour is preferred, as often one as the other."""
    names = ["red", "blue"] * 16
    pixels = np.zeros((32, 64, 64, 3), dtype=np.uint8)
    if not blind:
        noise = np.random.default_rng(0).integers(0, 100, 32)
        for row, name in enumerate(names):
            pixels[row, :, :, 0 if name == "red" else 2] = 155 + noise[row]
    asked = [Asked(PROMPT, text, row) for row in range(32) for text in ("red", "blue")]
    groups = [
        PreferenceItem(2 * r + (n == "blue"), [2 * r + (n == "red")]) for r, n in enumerate(names)
    ]
    return asked, groups, pixels


@pytest.mark.parametrize("blind", [False, True])
def test_only_the_image_decides(model: ScoreModel, tmp_path: Path, blind: bool) -> None:
    asked, groups, pixels = coloured(blind)
    losses = learn(model, asked, groups[:24], pixels, tmp_path, epochs=20)
    values = score.score_pairs(model, asked, pixels)
    held_out = groups[24:]
    right = np.mean([values[g.chosen] > values[g.rejected[0]] for g in held_out])
    assert len(losses) == 30
    if blind:  # a value by the text alone is right for one colour of two
        assert right == 0.5 and losses[-1] > 0.6
    else:
        assert right == 1 and losses[-1] < 0.1


def test_both_texts_of_a_pair_see_its_image(model: ScoreModel) -> None:
    asked, groups, pixels = coloured(blind=False)
    given: list[dict[str, torch.Tensor]] = []
    decoder = model.backbone.language_model
    decoder.register_forward_pre_hook(lambda _, __, kwargs: given.append(kwargs), with_kwargs=True)
    feed = PreferenceBatches(model, asked, groups, pixels, settings())
    batch = feed([3, 7])
    image = SPECIAL.index("<|image_pad|>")
    assert ((batch["ids"] == image).sum(dim=1) == 16).all() and len(batch["ids"]) == 4
    sides = [batch["image"][batch[side]] for side in ("chosen", "rejected")]
    assert torch.equal(*sides) and sides[0].min() >= 0
    inputs = {k: v for k, v in batch.items() if k not in ("chosen", "rejected")}
    with torch.inference_mode():
        model(**feed.with_features(inputs))
        features = model.features(pixels[[3, 7]])
    tokens = [row[:n] for row, n in zip(batch["ids"].tolist(), batch["lengths"], strict=True)]
    packs = share(tokens, batch["image"].tolist())
    laid, (seen,) = lay_out(tokens, packs), given
    order = [row for pack in packs for row in pack]
    for pair, wanted in enumerate(features):
        for side in ("chosen", "rejected"):
            row = int(batch[side][pair])
            pack, last = divmod(int(laid.last[order.index(row)]), laid.row.shape[1])
            shown = [i for i in seen["attention_mask"][pack, 0, last].nonzero().flatten().tolist()
                     if batch["ids"][laid.row[pack, i], laid.column[pack, i]] == image]  # fmt: skip
            torch.testing.assert_close(seen["inputs_embeds"][pack, shown], wanted)


# what is frozen


@pytest.mark.parametrize("parts", [["head"], ["vision", "head"], ["language", "head"], ["vision"]])
def test_frozen_parts_stay_as_they_are(model: ScoreModel, tmp_path: Path, parts: list[str]) -> None:
    asked, groups, pixels = coloured(blind=False)
    modules = {"vision": model.backbone.visual, "language": model.backbone.language_model,
               "head": model.head}  # fmt: skip
    before = {k: [p.detach().clone() for p in m.parameters()] for k, m in modules.items()}
    losses = learn(model, asked, groups, pixels, tmp_path, train=parts, learning_rate=0.01)
    assert len(losses) == 2 and all(map(math.isfinite, losses))
    for part, module in modules.items():
        moved = [not torch.equal(*p) for p in zip(module.parameters(), before[part], strict=True)]
        assert any(moved) == (part in parts), part


def test_what_is_made_once_gives_the_same_training(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, groups, pixels = coloured(blind=False)
    found = []
    for kept in (preference_batches.KEPT, -1):
        monkeypatch.setattr(preference_batches, "KEPT", kept)
        model = score.start_from(folder, 0)
        found.append(learn(model, asked, groups, pixels, tmp_path, train=["language"]))
    np.testing.assert_allclose(*found, rtol=1e-5)
    head = score.start_from(folder, 0)
    first = learn(head, asked, groups, pixels, tmp_path, train=["head"])[0]
    assert first == pytest.approx(found[0][0], rel=1e-4)


# the loss


@given(st.lists(st.floats(-30, 30), min_size=2, max_size=8))
def test_normalisations_keep_the_order(values: list[float]) -> None:
    ordered = torch.tensor(sorted(values), dtype=torch.float64)
    for normalise in NORMALISATIONS.values():
        assert (normalise(ordered).diff() >= 0).all()


@pytest.mark.parametrize("name", NORMALISATIONS)
def test_the_loss_is_bradley_terry_over_every_pair(
    name: Any, model: ScoreModel, tmp_path: Path
) -> None:
    pixels = coloured(blind=False)[2][:2]
    rows = [("u", PROMPT, "red", r) for r in ("blue", "green", "blue")] + [
        (None, "say a river", "a river", "a red river"),
        ("v", PROMPT, "blue", "red"),
    ]
    frame = pd.DataFrame(rows, columns=["uid", "prompt", "chosen", "rejected"])
    asked, groups = preference_items(frame, {"u": 0, "v": 1})
    assert [len(group.rejected) for group in groups] == [2, 1, 1] and len(asked) == 7
    values = torch.from_numpy(score.score_pairs(model, asked, pixels))
    values = NORMALISATIONS[name](values)
    wanted = [
        math.log1p(math.exp(values[row] - values[group.chosen]))
        for group in groups
        for row in group.rejected
    ]
    feed = PreferenceBatches(model, asked, groups, pixels, settings())
    losses = training._descend(feed, settings(), name, 0, tmp_path)
    assert losses == [pytest.approx(np.mean(wanted), rel=1e-4)]


def test_a_step_has_as_many_pairs_as_the_batch_and_epochs_may_be_parts(
    model: ScoreModel, tmp_path: Path
) -> None:
    asked, groups, pixels = coloured(blind=False)
    doubled = [
        PreferenceItem(g.chosen, [*g.rejected, (g.chosen + 2) % 64]) for g in groups
    ]  # 64 pairs
    for epochs, steps in ((1.0, 4), (0.5, 2), (0.01, 1), (1.5, 6)):
        losses = learn(model, asked, doubled, pixels, tmp_path, train=["head"], epochs=epochs)
        assert len(losses) == steps


def test_training_that_diverges_is_an_error(model: ScoreModel, tmp_path: Path) -> None:
    asked, groups, pixels = coloured(blind=False)
    model.head.weight.data.fill_(float("nan"))
    with pytest.raises(WinnowError, match="diverged at step 0: lower learning_rate"):
        learn(model, asked, groups, pixels, tmp_path)


# the verb


@pytest.fixture
def preferences(world: World, tmp_path: Path) -> Path:
    uids = world.of("reference")["uid"].tolist()[:6]
    rows = [
        (uid, "caption", "Tell me.", "a river", text, "train" if i < 4 else "test")
        for i, uid in enumerate(uids)
        for text in ("red", "blue", "green")
    ]
    rows += [(uids[0], "closed", "Is it?", "yes", "no", "train")]
    rows += [(None, "text", "Say river.", "river", "blue", "train")] * 3
    path = tmp_path / "preferences.parquet"
    write_table(path, table(*rows), PREFERENCES)
    return path


def call(world: World, preferences: Path, model: Path, output: Path, *further: str) -> int:
    words = [
        "train-score-model", "--pool", str(world.pool), "--preferences", str(preferences),
        "--model", str(model), "--output", str(output), "--seed", "3", "--threads", "1",
        "--batch-size=4", "--learning-rate=0.001", *further,
    ]  # fmt: skip
    return main(words)


def test_stages_follow_each_other_and_repeat(
    world: World, folder: Path, preferences: Path, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    first, second, again = (tmp_path / name for name in ("first", "second", "again"))
    assert call(world, preferences, folder, first, '--pairs=["text"]', '--train=["head"]') == 0
    captions = ('--pairs=["caption"]', '--train=["vision", "head"]', "--epochs=2")
    for output in (second, again):
        assert call(world, preferences, first, output, *captions) == 0
    record = read_json(second / "training.json")
    assert record["parameters"]["pairs"] == 12  # of the training images alone
    assert len(record["losses"]) == 8 and record["parameters"]["normalisation"] == "none"
    assert record == read_json(again / "training.json")
    weights = [digest_files([one / "model.safetensors"]) for one in (first, second, again)]
    assert weights[1] == weights[2] != weights[0]
    assert score.load(second).prompt == "Tell me."
    assert sorted(path.name for path in second.iterdir()) == [
        "README.md", "chat_template.jinja", "config.json", "cost.json", "model.safetensors",
        "processor_config.json", "score.json", "tokenizer.json", "tokenizer_config.json",
        "training.json",
        "winnow_digests.json",
    ]  # fmt: skip
    out = capsys.readouterr().out.splitlines()
    assert len(out) == 3 and all("pairs" in line for line in out)


def test_a_stage_without_pairs_says_what_to_do(
    world: World, folder: Path, preferences: Path, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    kinds = '--pairs=["open", "remote_sensing"]'
    assert call(world, preferences, folder, tmp_path / "out", kinds, '--train=["head"]') == 2
    error = capsys.readouterr().err
    assert "open or remote_sensing" in error and "caption, closed, text" in error
    assert "drop the stage from the recipe" in error and not (tmp_path / "out").exists()


@given(
    images=st.lists(st.integers(0, 9), min_size=1, max_size=40),
    share=st.floats(0.05, 1),
    seed=st.integers(0, 5),
)
def test_a_share_takes_all_pairs_of_an_image_or_none(
    images: list[int], share: float, seed: int
) -> None:
    pairs = [(f"{i}", "caption", PROMPT, "a", f"b{n}", "train") for n, i in enumerate(images)]
    others = [("0", "open", PROMPT, "a", "b", "train"), (None, "text", "p", "a", "b", "train")]
    whole = table(*pairs, *others, ("1", "caption", PROMPT, "a", "b", "test"))
    wanted = settings(pairs=["caption", "open", "text"], share={"caption": share})
    found = training.stage(whole, wanted, seed, Path("pairs.parquet"))
    assert len(found[found["kind"] != "caption"]) == 2 and set(found["split"]) == {"train"}
    kept = found.loc[found["kind"] == "caption", "uid"]
    counts = pd.Series(images).astype(str).value_counts()
    assert kept.value_counts().to_dict() == counts[sorted(set(kept))].to_dict()
    assert kept.nunique() == len(counts) - round((1 - share) * len(counts))
    assert found.index.is_monotonic_increasing


def test_texts_alone_are_shared_out_by_prompt() -> None:
    whole = table(*((None, "text", f"p{n // 3}", "a", f"b{n}", "train") for n in range(30)))
    found = training.stage(
        whole, settings(pairs=["text"], share={"text": 0.5}), 0, Path("pairs.parquet")
    )
    assert (found["prompt"].value_counts() == 3).all() and found["prompt"].nunique() == 5


def test_a_share_of_what_is_not_learned_is_refused() -> None:
    with pytest.raises(ValueError, match="open is not among `pairs`"):
        settings(share={"open": 0.5})


def test_images_must_be_in_the_pool(world: World, folder: Path, tmp_path: Path) -> None:
    frame = table(("f" * 32, "caption", PROMPT, "red", "blue", "train"))
    with pytest.raises(WinnowError, match=f"has no image {'f' * 32}"):
        training.fit(
            score.start_from(folder, 0), world.pool, world.samples, frame, settings(), "none", 0
        )
