"""A pool of one's own stays as it was given, unless noise, a cut or a split is asked for."""

import json
import re
from pathlib import Path
from typing import Any

import fakes
import numpy as np
import pandas as pd
import pytest
from conftest import World
from pydantic import TypeAdapter

from winnow.command.line import main
from winnow.data.errors import WinnowError
from winnow.data.files import read_signed
from winnow.data.images import encode_png
from winnow.data.splits import split_rows
from winnow.data.tables import CAPTIONS, SAMPLES, SUBSET, TRUTH, read_table, write_table
from winnow.sources.raw_caption_set import raw_captions
from winnow.sources.read import lacking_splits
from winnow.sources.registry import Source
from winnow.sources.settings import Captions
from winnow.terrarium.settings import noise_told

COUNT = 40


@pytest.fixture
def given(tmp_path: Path) -> dict[str, Any]:
    """The settings of a folder of images with three captions each and no split."""
    folder = tmp_path / "images"
    folder.mkdir()
    rows = []
    for number in range(COUNT):
        pixels = np.full((16, 16, 3), number, dtype=np.uint8)
        (folder / f"{number}.png").write_bytes(encode_png(pixels))
        texts = [f"{word} {number} red roofs beside a road" for word in ("one", "two", "three")]
        rows.append(json.dumps({"file_name": f"{number}.png", "text": texts}) + "\n")
    (folder / "metadata.jsonl").write_text("".join(rows))
    metadata = str(folder / "metadata.jsonl")
    return {"kind": "folder", "images": str(folder), "metadata": metadata}


HUMAN = {"human": "captions", "layouts": "layouts"}  # what is written beside a pool


def make(place: Path, source: dict[str, Any]) -> pd.DataFrame:
    """Run the command `pool`; its samples."""
    words = [f"--{key}={place / name}" for key, name in HUMAN.items()]
    words += [f"--output={place / 'pool'}", f"--source={json.dumps(source)}"]
    assert main(["pool", *words]) == 0
    return read_table(place / "pool/samples.parquet", SAMPLES)


def corrupt(place: Path, *settings: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Run the command `raw-captions`; the caption set `raw` and its truth."""
    named = {"pool": "pool", **HUMAN}
    named |= {"output": "raw.parquet", "truth": "truth.parquet"}
    words = [f"--{key}={place / name}" for key, name in named.items()]
    assert main(["raw-captions", *words, *settings]) == 0
    found = read_table(place / "raw.parquet", CAPTIONS), read_table(place / "truth.parquet", TRUTH)
    return found


def test_the_pool_is_what_was_given(
    given: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    samples = make(tmp_path, given)
    assert set(samples["split"]) == {"pool"} and len(samples) == COUNT
    human = read_table(tmp_path / "captions", CAPTIONS)
    raw, truth = corrupt(tmp_path)
    assert raw.equals(human) and len(raw) == 3 * COUNT
    assert set(truth["kind"]) == {"clean"}
    text = capsys.readouterr().out
    assert "No noise was added" in text and f"{3 * COUNT} captions of {COUNT} images" in text
    assert read_signed(tmp_path / "raw.noise.json") == {}


def test_noise_that_is_asked_for_is_said(
    given: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make(tmp_path, given)
    raw, truth = corrupt(tmp_path, "--noise={mismatch: 0.25, count: 0.1}", "--per-image=2")
    assert len(raw) == 2 * COUNT and set(raw["generator"]) == {"human+noise"}
    counts = truth["kind"].value_counts()
    text = capsys.readouterr().out
    assert "at most 2 of an image" in text and "mismatch 25 %, count 10 %" in text
    assert f"clean: {counts['clean']} of {2 * COUNT} captions" in text
    assert re.search(r"^mismatch: asked \d+, made \d+", text, re.MULTILINE)
    assert 0 < (truth["kind"] != "clean").sum() < len(raw)


@pytest.mark.parametrize("none", ["none", "{}", "null"])
def test_no_noise_in_words(given: dict[str, Any], tmp_path: Path, none: str) -> None:
    make(tmp_path, given)
    assert set(corrupt(tmp_path, f"--noise={none}")[1]["kind"]) == {"clean"}


def test_a_cut_draws_for_each_image_apart(world: World) -> None:
    def drawn(samples: pd.DataFrame) -> set[tuple[str, int]]:
        settings = Captions.model_validate({"per_image": 2})
        layouts = pd.DataFrame({"uid": [], "rule_caption": []})
        raw, _ = raw_captions(samples, world.human, layouts, settings)
        return set(zip(raw["uid"], raw["caption_id"], strict=True))

    whole, part = drawn(world.samples), drawn(world.samples.iloc[::2])
    assert part < whole and len({number for _, number in whole}) > 2


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({}, {"reference", "test"}),
        ({"reference": 0.3}, {"test"}),
        ({"reference": 0.3, "test": 0.1}, set()),
    ],
)
def test_splits_that_nobody_names(
    given: dict[str, Any], said: dict[str, float], expected: set[str]
) -> None:
    source = TypeAdapter(Source).validate_python({**given, **said})
    assert lacking_splits(source, ["reference", "test"]) == expected
    assert lacking_splits(source, []) == set()


def test_splits_that_the_source_names(tmp_path: Path) -> None:
    source = TypeAdapter(Source).validate_python(fakes.karpathy(tmp_path))
    assert lacking_splits(source, ["reference", "test"]) == set()


def test_a_pool_without_a_split_names_the_setting(world: World) -> None:
    pool = world.samples[world.samples["split"] == "pool"]
    for split, key in (("reference", "source.reference"), ("test", "source.test")):
        with pytest.raises(WinnowError, match=rf"mine: has no image of the split `{split}`.*{key}"):
            split_rows(pool, split, "mine")
    assert split_rows(world.samples, "test", "mine").equals(world.of("test"))


@pytest.mark.parametrize("role", ["clip", "domain_clip"])
def test_stand_ins_learn_where_no_image_has_a_scene(
    given: dict[str, Any], tmp_path: Path, role: str
) -> None:
    samples = make(tmp_path, given | {"reference": 0.5})
    assert samples["scene"].isna().all()
    words = [f"--pool={tmp_path / 'pool'}", f"--human={tmp_path / 'captions'}", f"--role={role}"]
    words += [f"--output={tmp_path / role}", "--samples-seen=16", "--batch-size=8"]
    assert main(["train-standin", *words, "--learning-rate=0.001"]) == 0
    assert (tmp_path / role / "foundry.json").is_file()


# what the card of an export says


@pytest.mark.parametrize(
    ("noise", "told"),
    [
        ({}, "No noise was added to people's captions."),
        ({"mismatch": 0.25}, "Noise was added to people's captions, of known kind: mismatch 25 %."),
    ],
)
def test_the_card_says_what_was_done_to_the_captions(
    given: dict[str, Any], tmp_path: Path, noise: dict[str, float], told: str
) -> None:
    make(tmp_path, given)
    raw, _ = corrupt(tmp_path, f"--noise={json.dumps(noise)}")
    write_table(tmp_path / "subset.parquet", raw, SUBSET)
    named = {"pool": "pool", "captions": "raw.parquet", "subset": "subset.parquet"}
    words = [f"--{key}={tmp_path / name}" for key, name in named.items()]
    assert main(["export", *words, f"--output={tmp_path / 'out'}"]) == 0
    card = (tmp_path / "out/README.md").read_text()
    assert told in card and ("put in on purpose" in card) == bool(noise)


@pytest.mark.parametrize("content", ["[1]", '{"cuont": 0.1}', '{"count": "x"}', "5", "not JSON"])
def test_a_strange_note_beside_captions_is_named(
    given: dict[str, Any], tmp_path: Path, content: str, capsys: pytest.CaptureFixture[str]
) -> None:
    make(tmp_path, given)
    raw, _ = corrupt(tmp_path)
    write_table(tmp_path / "subset.parquet", raw, SUBSET)
    (tmp_path / "raw.noise.json").write_text(content)
    named = {"pool": "pool", "captions": "raw.parquet", "subset": "subset.parquet"}
    words = [f"--{key}={tmp_path / name}" for key, name in named.items()]
    assert main(["export", *words, f"--output={tmp_path / 'out'}"]) == 2
    assert "raw.noise.json" in capsys.readouterr().err


def test_rates_of_zero_are_no_noise() -> None:
    assert noise_told({"count": 0.0}) == noise_told({}) != noise_told({"count": 0.005})
    assert "count 0.5 %" in noise_told({"count": 0.005})
