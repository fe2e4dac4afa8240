"""Exported subsets: tars that others read."""

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import open_clip
import pandas as pd
import pytest
import webdataset as wds
from conftest import World
from open_clip_train.data import get_wds_dataset

from winnow.cli import main
from winnow.data.errors import WinnowError
from winnow.data.files import digest_files
from winnow.data.shards import iter_members, iter_shard, shard_path
from winnow.data.tables import CAPTIONS, PAIR, SUBSET, read_table, write_table
from winnow.export.facts import EXPORTED
from winnow.export.webdataset import export_subset

pytestmark = pytest.mark.usefixtures("same_environment")


def export(world: World, tmp_path: Path, subset: pd.DataFrame, *words: str) -> int:
    write_table(tmp_path / "subset.parquet", subset, SUBSET)
    return main([
        "export", f"--pool={world.pool}", f"--captions={world.raw_path}",
        f"--subset={tmp_path / 'subset.parquet'}", f"--output={tmp_path / 'clean'}",
        "--threads=1", *words,
    ])  # fmt: skip


def test_export_is_read_by_webdataset(world: World, tmp_path: Path) -> None:
    subset = world.raw.sample(n=41, random_state=1)
    assert subset["uid"].duplicated().any()  # both captions of some images
    assert export(world, tmp_path, subset, "--shard-size=15") == 0
    shards = sorted(path.name for path in (tmp_path / "clean").glob("*.tar"))
    assert shards == ["00000.tar", "00001.tar", "00002.tar"]
    images = {uid: c for s in range(3) for uid, c in iter_shard(shard_path(world.pool, s))}
    scenes = world.samples.set_index("uid")["scene"]
    dataset = wds.WebDataset(str(tmp_path / "clean" / "{00000..00002}.tar"), shardshuffle=False)
    found = {}
    for sample in dataset:
        meta = json.loads(sample["json"])
        pair = (meta["uid"], meta["caption_id"])
        assert sample["__key__"] == f"{pair[0]}_{pair[1]}"
        assert sample["png"] == images[pair[0]] and meta["scene"] == scenes[pair[0]]
        found[pair] = sample["txt"].decode()
    assert found == {
        (uid, number): text for uid, number, text in subset[[*PAIR, "text"]].itertuples(index=False)
    }


def test_export_is_read_by_open_clip(world: World, tmp_path: Path, standin: Path) -> None:
    subset = world.raw.iloc[:20]
    assert export(world, tmp_path, subset, "--shard-size=8") == 0
    _, _, transform = open_clip.create_model_and_transforms(f"local-dir:{standin}")
    tokenizer = open_clip.get_tokenizer(f"local-dir:{standin}")
    arguments = SimpleNamespace(
        val_data=str(tmp_path / "clean" / "{00000..00002}.tar"), val_num_samples=20, workers=0,
        batch_size=8, seed=0, world_size=1, train_data_upsampling_factors=None, dataset_resampled=0,
    )  # fmt: skip
    loader = get_wds_dataset(arguments, transform, is_train=False, tokenizer=tokenizer).dataloader
    batches = list(loader)
    assert sum(len(images) for images, _ in batches) == 20
    texts = np.concatenate([tokens.numpy() for _, tokens in batches])
    order = read_order(tmp_path / "clean")
    text = subset.set_index(PAIR)["text"]
    assert np.array_equal(texts, tokenizer([text[pair] for pair in order]).numpy())


def read_order(folder: Path) -> list[tuple[str, int]]:
    dataset = wds.WebDataset(sorted(map(str, folder.glob("*.tar"))), shardshuffle=False)
    return [
        (meta["uid"], meta["caption_id"])
        for meta in (json.loads(sample["json"]) for sample in dataset)
    ]


def test_export_needs_a_free_place(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "clean").mkdir()
    (tmp_path / "clean" / "precious").touch()
    assert export(world, tmp_path, world.raw.iloc[:3]) == 2
    assert "clean: exists already" in capsys.readouterr().err
    assert [path.name for path in (tmp_path / "clean").iterdir()] == ["precious"]


def test_export_of_pairs_that_are_not_there(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    uid = world.raw["uid"].iloc[0]
    strange = pd.DataFrame({"uid": [uid, uid], "caption_id": [world.raw["caption_id"].iloc[0], 77]})
    assert export(world, tmp_path, strange) == 2
    error = capsys.readouterr().err
    assert f"uid {uid}, caption_id 77 is not in" in error and "1 such pairs" in error
    assert export(world, tmp_path, pd.concat([world.raw.iloc[:3], world.raw.iloc[:1]])) == 2
    assert "occurs again in row 3" in capsys.readouterr().err
    assert not (tmp_path / "clean").exists()


def test_export_of_an_image_the_pool_lacks(world: World, tmp_path: Path) -> None:
    pairs = world.raw.iloc[:2].assign(uid=["0" * 32, world.raw["uid"].iloc[0]])
    with pytest.raises(WinnowError, match="holds 1 of the 2 kept pairs"):
        export_subset(world.pool, world.samples, pairs, tmp_path / "clean", 10)
    assert not (tmp_path / "clean").exists()
    assert list(iter_members(shard_path(world.pool, 0)))  # the pool is untouched


def test_export_keeps_other_scripts(world: World, tmp_path: Path) -> None:
    text = "两架白色飞机停在跑道旁 ✈ café"
    pairs = world.raw.iloc[:1].assign(text=text)
    assert export_subset(world.pool, world.samples, pairs, tmp_path / "clean", 10) == 1
    (sample,) = wds.WebDataset(str(tmp_path / "clean" / "00000.tar"), shardshuffle=False)
    assert sample["txt"].decode() == text


def test_the_same_export_gives_the_same_bytes(world: World, tmp_path: Path) -> None:
    digests = set()
    for name in ("one", "two"):
        folder = tmp_path / name
        export_subset(world.pool, world.samples, world.raw.iloc[:20], folder, 8)
        digests.add(digest_files([folder]))
    assert len(digests) == 1


def test_the_table_beside_the_tars(world: World, tmp_path: Path) -> None:
    assert export(world, tmp_path, world.raw.iloc[:20], "--shard-size=8") == 0
    table = read_table(tmp_path / "clean" / "pairs.parquet", EXPORTED)
    assert list(table[PAIR].itertuples(index=False, name=None)) == read_order(tmp_path / "clean")
    for shard, rows in table.groupby("shard"):
        dataset = wds.WebDataset(str(tmp_path / "clean" / shard), shardshuffle=False)
        assert [f"{sample['__key__']}.png" for sample in dataset] == list(rows["file"])


@pytest.mark.parametrize(
    ("word", "told"),
    [
        ("--name=../x", "--name"),
        ("--licence=a b", "--licence"),
        ("--url=javascript:alert(1)", "--url"),
        ("--version=one", "--version"),
        ("--published=2026-02-30", "--published"),
        ("--shard-size=0", "--shard-size"),
        ("--quarantine-limit=1", "--quarantine-limit"),
    ],
)
def test_settings_that_are_none(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str], word: str, told: str
) -> None:
    assert export(world, tmp_path, world.raw.iloc[:3], word) == 2
    assert told in capsys.readouterr().err and not (tmp_path / "clean").exists()


def test_nothing_to_export(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert export(world, tmp_path, world.raw.iloc[:0]) == 2
    assert "subset.parquet: holds no pairs" in capsys.readouterr().err


def test_captions_that_are_there_twice(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    doubled = tmp_path / "doubled.parquet"
    write_table(doubled, pd.concat([world.raw, world.raw.iloc[:1]]), CAPTIONS)
    assert export(world, tmp_path, world.raw.iloc[:3], f"--captions={doubled}") == 2
    assert f"occurs again in row {len(world.raw)}" in capsys.readouterr().err
