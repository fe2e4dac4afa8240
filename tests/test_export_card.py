"""Exported subsets: what their Croissant metadata and their card say."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from conftest import World
from huggingface_hub import DatasetCard
from pydantic import ValidationError

from winnow.command.line import main
from winnow.data.images import open_rgb
from winnow.data.shards import iter_shard, shard_path
from winnow.data.tables import PAIR, SUBSET, write_table
from winnow.export.card import data_card
from winnow.export.croissant import as_text
from winnow.export.subset_metadata import About, Selection, SubsetStatistics, selection_from_path
from winnow.export.webdataset import export_subset

pytestmark = pytest.mark.usefixtures("same_environment")

# Reads the records as a stranger would, and fails if anything reaches for the network.
READ = """
import hashlib, json, socket, sys

def refuse(*_, **__):
    raise OSError("this test has no network")

socket.socket.connect = socket.getaddrinfo = refuse
import mlcroissant as mlc

dataset = mlc.Dataset(sys.argv[1])
rows = []
for record in dataset.records("pairs"):
    image = record.pop("pairs/image").convert("RGB")
    row = {k: v.decode() if isinstance(v, bytes) else v for k, v in record.items()}
    rows.append({**row, "pixels": hashlib.sha256(image.tobytes()).hexdigest()})
issues = dataset.metadata.ctx.issues
print(json.dumps([rows, sorted(issues.errors), sorted(issues.warnings)]))
"""


def read_croissant(folder: Path, cache: Path) -> list[Any]:
    """Records, errors and warnings of `croissant.json`, by mlcroissant."""
    command = [sys.executable, "-c", READ, str(folder / "croissant.json")]
    environment = {**os.environ, "CROISSANT_CACHE": str(cache)}
    return json.loads(subprocess.check_output(command, env=environment))


def test_mlcroissant_reads_what_was_exported(world: World, tmp_path: Path) -> None:
    raw = world.raw.copy()
    raw.loc[raw.index[0], "text"] = 'Two "white" ✈, <b>parked</b>\nby a {runway}'
    scenes = world.samples.copy()
    scenes.loc[scenes["uid"] == raw["uid"].iloc[0], "scene"] = None
    subset = pd.concat([raw.iloc[:1], raw.iloc[1:].sample(n=40, random_state=2)])
    subset["score"] = [None, *(0.5 - i for i in range(40))]
    about = About(licence="cc-by-4.0", url="https://example.org/clean", published="2026-01-31")
    export_subset(
        world.pool, scenes, subset, tmp_path / "clean", 15, about, Selection("raw", total=96)
    )
    records, errors, warnings = read_croissant(tmp_path / "clean", tmp_path / "cache")
    assert errors == [] and warnings == []
    scene, source = scenes.set_index("uid")["scene"], scenes.set_index("uid")["source"]
    images = {uid: c for s in range(3) for uid, c in iter_shard(shard_path(world.pool, s))}
    pixels = {
        uid: hashlib.sha256(open_rgb(images[uid]).tobytes()).hexdigest() for uid in subset["uid"]
    }
    expected = [
        {
            "pairs/file": f"{uid}_{number}.png",
            "pairs/uid": uid,
            "pairs/caption_id": number,
            "pairs/scene": scene[uid] if isinstance(scene[uid], str) else None,
            "pairs/caption": text,
            "pairs/source": source[uid],
            "pixels": pixels[uid],
        }
        for uid, number, text in subset[[*PAIR, "text"]].itertuples(index=False)
    ]
    key = (subset["uid"] + "_" + subset["caption_id"].astype(str) + ".png").tolist()
    scores = dict(zip(key, subset["score"], strict=True))
    found = {record["pairs/file"]: record.pop("pairs/score") for record in records}
    assert {name for name, score in found.items() if score is None or score != score} == {key[0]}
    assert all(found[name] == scores[name] for name in key[1:])

    def by_file(record: dict[str, Any]) -> str:
        return record["pairs/file"]

    assert sorted(records, key=by_file) == sorted(expected, key=by_file)


def test_croissant_names_files_by_digest(world: World, tmp_path: Path) -> None:
    export_subset(world.pool, world.samples, world.raw.iloc[:20], tmp_path / "clean", 8)
    content = json.loads((tmp_path / "clean" / "croissant.json").read_text())
    files = [f for f in content["distribution"] if f["@type"] == "cr:FileObject"]
    assert [f["contentUrl"] for f in files] == [
        "00000.tar", "00001.tar", "00002.tar", "pairs.parquet",
    ]  # fmt: skip
    for file in files:
        found = (tmp_path / "clean" / file["contentUrl"]).read_bytes()
        assert file["sha256"] == hashlib.sha256(found).hexdigest()
        assert file["contentSize"] == f"{len(found)} B"
    assert content["name"] == "winnow-subset" and "license" not in content
    assert str(tmp_path) not in json.dumps(content)


def test_what_is_told_is_in_the_metadata(world: World, tmp_path: Path) -> None:
    about = About(
        name="clean-port", licence="cc-by-4.0", version="2.0.1", creator='A "B" Team',
        url="https://example.org/clean", published="2026-01-31",
    )  # fmt: skip
    export_subset(world.pool, world.samples, world.raw.iloc[:3], tmp_path / "clean", 8, about)
    content = json.loads((tmp_path / "clean" / "croissant.json").read_text())
    assert content["name"] == "clean-port" and content["version"] == "2.0.1"
    assert content["license"] == "cc-by-4.0" and content["url"] == "https://example.org/clean"
    assert content["creator"]["name"] == 'A "B" Team' and content["datePublished"] == "2026-01-31"


def test_the_metadata_may_stand_in_a_page(world: World, tmp_path: Path) -> None:
    creator = "</script><b>R&D</b>"
    export_subset(
        world.pool, world.samples, world.raw.iloc[:3], tmp_path / "clean", 8, About(creator=creator)
    )
    text = (tmp_path / "clean" / "croissant.json").read_text()
    assert not set("<>&\u2028\u2029") & set(text)
    assert json.loads(text)["creator"]["name"] == creator
    assert json.loads(as_text({"a": "\u2028é\u2029"})) == {"a": "\u2028é\u2029"}
    assert not set("\u2028\u2029") & set(as_text({"a": "\u2028é\u2029"}))


@pytest.mark.parametrize("break_", ["\n", "\r\n", "\x0b", "\x85", "\u2028", "\u2029"])
def test_a_creator_is_one_line(break_: str) -> None:
    with pytest.raises(ValidationError, match="holds a line break; write it in one line"):
        About(creator=f"A. Author{break_}B. Author")
    assert About(creator="A. Author, B. Author").creator == "A. Author, B. Author"


def test_mlcroissant_is_imported_by_the_export_alone() -> None:
    code = "import sys, winnow.export.verbs; sys.exit('mlcroissant' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_the_card_says_how_the_pairs_were_chosen(world: World, tmp_path: Path) -> None:
    subset = tmp_path / "subsets" / "raw" / "domain_clip" / "0.3.parquet"
    write_table(subset, world.raw.iloc[:29], SUBSET)
    words = [f"--pool={world.pool}", f"--captions={world.raw_path}", f"--subset={subset}"]
    settings = ["--shard-size=10", "--licence=cc-by-4.0"]
    assert main(["export", *words, f"--output={tmp_path / 'clean'}", *settings]) == 0
    text = (tmp_path / "clean" / "README.md").read_text()
    data = DatasetCard(text).data
    assert data.license == "cc-by-4.0" and data.pretty_name == "winnow-raw-domain_clip-0.3"
    assert data.size_categories == ["n<1K"] and "text-to-image" in data.task_categories
    assert "| scorer | domain\\_clip |" in text and "| caption set | raw |" in text
    assert "| keep ratio of the experiment | 0.3 |" in text
    assert "| kept | 29 of 96 pairs, 30.2 % |" in text
    assert "{00000..00002}.tar" in text and "--train-num-samples 29" in text
    assert "mistakes that were put in on purpose" in text
    counts = world.samples.set_index("uid")["scene"][world.raw["uid"].iloc[:29]].value_counts()
    for scene, count in counts.items():
        assert f"| {scene} | {count} |" in text


def test_a_card_without_knowledge_says_so(world: World, tmp_path: Path) -> None:
    words = [f"--pool={world.pool}", f"--captions={world.raw_path}"]
    write_table(tmp_path / "subset.parquet", world.raw.iloc[:3], SUBSET)
    words += [f"--subset={tmp_path / 'subset.parquet'}", f"--output={tmp_path / 'clean'}"]
    assert main(["export", *words]) == 0
    text = (tmp_path / "clean" / "README.md").read_text()
    assert DatasetCard(text).data.license == "unknown"
    assert "By which scorer is not known." in text and "which\nthese are was not told" in text
    assert '"00000.tar"' in text and "| kept | 3 of 96 pairs, 3.12 % |" in text


def test_a_card_shows_hostile_names_as_text() -> None:
    scene = "<script>alert(1)</script> | [x](javascript:y)\n# `big`"
    facts = SubsetStatistics(
        pairs=2, images=1, shards=["00000.tar"], formats=["png"], sides=(48, 48), words=(1, 1.5, 2),
        scenes={scene: 1, "": 1}, writers={"---\nmodel *x*": 2}, splits=["pool"],
    )  # fmt: skip
    text = data_card(facts, About(), Selection())
    assert "<script" not in text.replace("\\<", "") and "](" not in text.replace("\\]", "")
    (row,) = [line for line in text.splitlines() if "alert" in line]
    assert row.replace("\\|", "").count("|") == 3
    assert text.splitlines().count("---") == 2 and "| (none) | 1 |" in text


def test_many_scenes_are_summed_up() -> None:
    scenes = {f"scene {i}": 100 - i for i in range(50)}
    facts = SubsetStatistics(
        pairs=sum(scenes.values()), images=1, shards=["00000.tar", "00001.tar"], formats=["jpg"],
        sides=(64, 256), words=(3, 9, 20), scenes=scenes, writers={"human": 1}, splits=["pool"],
    )  # fmt: skip
    text = data_card(facts, About(), Selection())
    assert "| scene 39 | 61 |" in text and "scene 40" not in text
    assert f"| (10 more) | {sum(100 - i for i in range(40, 50))} |" in text
    assert DatasetCard(text).data.size_categories == ["1K<n<10K"]


@pytest.mark.parametrize(
    ("place", "known"),
    [
        ("artifacts/subsets/raw/clip/0.3.parquet", ("raw", "clip", "0.3")),
        ("subsets/mllm_scene/none/1.0.parquet", ("mllm_scene", "none", "1.0")),
        ("subsets/raw/clip/choice.parquet", (None, None, None)),
        ("subsets/raw/../0.3.parquet", (None, None, None)),
        ("subsets/<b>/clip/0.3.parquet", (None, None, None)),
        ("elsewhere/raw/clip/0.3.parquet", (None, None, None)),
        ("0.3.parquet", (None, None, None)),
    ],
)
def test_where_a_subset_lies_tells_how_it_was_chosen(
    world: World, place: str, known: tuple[str | None, ...]
) -> None:
    found = selection_from_path(Path(place), world.human, world.samples, world.raw["uid"])
    assert (found.captions, found.scorer, found.ratio) == known
    pool = world.human["uid"].isin(world.of("pool")["uid"])
    assert found.total == pool.sum() < len(world.human)  # the pool alone was chosen from
