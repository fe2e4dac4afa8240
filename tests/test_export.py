"""Exported subsets: tars that others read."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import open_clip
import pandas as pd
import pytest
import webdataset as wds
from conftest import World
from open_clip_train.data import get_wds_dataset

from winnow.command.line import main
from winnow.data.errors import WinnowError
from winnow.data.files import digest_files
from winnow.data.shards import iter_members, iter_shard, shard_path
from winnow.data.tables import CAPTIONS, PAIR, SCORES, SUBSET, read_table, write_table
from winnow.export.subset_metadata import EXPORTED
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


def samples_of(folder: Path) -> list[dict[str, Any]]:
    tars = sorted(map(str, folder.glob("*.tar")))
    return [json.loads(sample["json"]) for sample in wds.WebDataset(tars, shardshuffle=False)]


def curate(world: World, folder: Path, scorer: str, *words: str) -> Path:
    """Scores and a subset of them, in the places that the DAG has; returns the subset."""
    scores = folder / f"scores/raw/{scorer}.parquet"
    pool = f"--pool={world.pool}"
    known = [pool, f"--captions={world.raw_path}", f"--output={scores}", f"--scorer={scorer}"]
    assert main(["score", *known, "--threads=1", *words]) == 0
    return select(world, folder, scorer)


def select(world: World, folder: Path, scorer: str) -> Path:
    scores = folder / f"scores/raw/{scorer}.parquet"
    subset = folder / f"subsets/raw/{scorer}/0.3.parquet"
    words = [f"--scores={scores}", f"--pool={world.pool}", f"--output={subset}", "--ratio=0.3"]
    assert main(["select", *words, "--threads=1"]) == 0
    return subset


def exported(world: World, subset: Path, output: Path, *words: str) -> list[dict[str, Any]]:
    known = [f"--pool={world.pool}", f"--captions={world.raw_path}", f"--subset={subset}"]
    assert main(["export", *known, f"--output={output}", "--threads=1", *words]) == 0
    return samples_of(output)


def test_a_sample_says_how_its_pair_was_chosen(world: World, tmp_path: Path, standin: Path) -> None:
    told = {"role": "clip", "loader": "open_clip", "id": str(tmp_path / "secret/RemoteCLIP.pt")}
    model = [f"--model={standin}", f"--checkpoint={json.dumps(told)}", "--precision=float32"]
    subset = curate(world, tmp_path, "clip", *model)
    found = exported(world, subset, tmp_path / "cleaned")
    text = world.raw.set_index(PAIR)["text"]
    scores = read_table(tmp_path / "scores/raw/clip.parquet", SCORES).set_index(PAIR)["score"]
    about = world.samples.set_index("uid")
    digest = digest_files([standin])
    assert found and len(found) == len(read_table(subset, SUBSET))
    for sample in found:
        pair = (sample["uid"], sample["caption_id"])
        assert sample == {
            "uid": pair[0], "caption_id": pair[1], "caption": text[pair], "score": scores[pair],
            "scene": about["scene"][pair[0]], "source": about["source"][pair[0]],
            "scorer": "clip", "ratio": 0.3,
            "checkpoints": [
                {**told, "id": "RemoteCLIP.pt", "digest": digest, "precision": "float32"}
            ],
        }  # fmt: skip
    table = read_table(tmp_path / "cleaned/pairs.parquet", EXPORTED)
    assert table["score"].tolist() == [sample["score"] for sample in found]
    card = (tmp_path / "cleaned/README.md").read_text()
    scored_by = f"id RemoteCLIP.pt, digest {digest}, precision float32"
    assert f"role clip, loader open\\_clip, {scored_by}" in card
    assert f"| scores | {table['score'].min():.4g} to {table['score'].max():.4g} |" in card
    assert "secret" not in card + json.dumps(found)


def test_a_mean_names_the_checkpoints_of_its_parts(
    world: World, tmp_path: Path, standin: Path
) -> None:
    for scorer, role in (("clip", "clip"), ("rotation", "clip"), ("domain_clip", "domain_clip")):
        checkpoint = json.dumps({"role": role})
        given = [f"--model={standin}", f"--checkpoint={checkpoint}", "--precision=float32"]
        curate(world, tmp_path, scorer, *given)
    parts = [str(tmp_path / f"scores/raw/{s}.parquet") for s in ("clip", "rotation", "domain_clip")]
    output = tmp_path / "scores/raw/mean.parquet"
    assert main(["combine-scores", "--scores", *parts, f"--output={output}"]) == 0
    found = exported(world, select(world, tmp_path, "mean"), tmp_path / "cleaned")
    digest = digest_files([standin])
    named = [
        {"role": role, "digest": digest, "precision": "float32"} for role in ("clip", "domain_clip")
    ]
    assert {json.dumps(sample["checkpoints"]) for sample in found} == {json.dumps(named)}
    assert all(isinstance(sample["score"], float) for sample in found)


def test_what_has_no_scores_has_none(world: World, tmp_path: Path) -> None:
    write_table(tmp_path / "kept.parquet", world.raw.iloc[:40], SUBSET)
    for scorer, words in (("none", []), ("theirs", [f"--subset={tmp_path / 'kept.parquet'}"])):
        subset = curate(world, tmp_path, scorer, *words)
        found = exported(world, subset, tmp_path / scorer)
        assert {sample["score"] for sample in found} == {None}
        assert found[0]["scorer"] == scorer and found[0]["checkpoints"] == []
        assert "| scores |" not in (tmp_path / scorer / "README.md").read_text()
    (tmp_path / "scores/raw/none.parquet").unlink()
    found = exported(world, tmp_path / "subsets/raw/none/0.3.parquet", tmp_path / "unknown")
    assert found[0]["score"] is found[0]["checkpoints"] is None and found[0]["ratio"] == 0.3


def test_scores_that_are_named(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    curate(world, tmp_path, "text")
    scores = read_table(tmp_path / "scores/raw/text.parquet", SCORES)
    mine, given = tmp_path / "mine.parquet", tmp_path / "given.parquet"
    write_table(mine, scores.iloc[:9], SUBSET)
    word = f"--scores={tmp_path / 'scores/raw/text.parquet'}"
    found = exported(world, mine, tmp_path / "cleaned", word)
    assert [sample["score"] for sample in found] == scores["score"].tolist()[:9]
    assert (found[0]["scorer"], found[0]["ratio"], found[0]["checkpoints"]) == ("text", None, [])
    for table, told in (
        (scores.iloc[1:], "given.parquet: no score for uid"),
        (scores.assign(score=np.inf), "is not a finite number (9 such pairs)"),
    ):
        write_table(given, table, SCORES)
        with pytest.raises(AssertionError):
            exported(world, mine, tmp_path / "other", f"--scores={given}")
        assert told in capsys.readouterr().err and not (tmp_path / "other").exists()
    write_table(given, scores, SCORES, {"checkpoints": "<b>", "scorer": "../x"})
    with pytest.raises(AssertionError):
        exported(world, mine, tmp_path / "other", f"--scores={given}")
    assert "what it says of its scorer is damaged" in capsys.readouterr().err


def test_an_export_is_read_again(world: World, tmp_path: Path) -> None:
    """Every caption of an image, whatever stands in it, comes back."""
    raw = world.raw.copy()
    several = raw["uid"].duplicated(keep=False)
    assert several.any()
    raw.loc[raw.index[0], "text"] = "two lines,\nwhich are one caption"
    assert export_subset(world.pool, world.samples, raw, tmp_path / "clean", 40) == len(raw)
    source = {"kind": "webdataset", "shards": str(tmp_path / "clean/*.tar")}
    output = tmp_path / "again.parquet"
    words = [f"--output={tmp_path / 'again'}", f"--human={output}"]
    words += [f"--layouts={tmp_path / 'layouts.parquet'}"]
    assert main(["pool", *words, f"--source={json.dumps(source)}", "--threads=1"]) == 0
    found = read_table(output, CAPTIONS).groupby("uid")["text"].apply(sorted)
    raw["text"] = raw["text"].str.split().str.join(" ")  # as every source's captions
    given = raw.groupby("uid")["text"].apply(sorted)
    assert found.to_dict() == given.to_dict()


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
