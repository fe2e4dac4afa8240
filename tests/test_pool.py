"""The pool: what enters, what is quarantined, and that it is the same each time."""

import json
import os
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import fakes
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from winnow.data.errors import WinnowError
from winnow.data.files import digest_bytes, digest_files
from winnow.data.images import BadImageError, normalise, open_rgb
from winnow.data.records import SPLITS, Record, Rejected
from winnow.data.shards import iter_members, iter_shard, shard_path
from winnow.data.tables import CAPTIONS, LAYOUTS, QUARANTINE, SAMPLES, read_table
from winnow.sources.pool import build_pool, describe
from winnow.sources.read import read_source
from winnow.sources.reasons import grouped
from winnow.sources.registry import Source

OPEN: dict[str, Any] = {
    "shard_size": 4,
    "quarantine_limit": 0.9,
    "reference": 0.0,
    "test": 0.0,
}


def record(number: int, split: str = "pool", **changes: Any) -> Record:
    """A usable record that differs from those of other numbers."""
    fields = {
        "name": f"{number}.png",
        "image": fakes.picture(number),
        "split": split,
        "scene": "river",
        "captions": [f"river {number}", "water"],
    }
    return Record(**{**fields, **changes})


def build(root: Path, records: Iterable[Record | Rejected], **changes: Any) -> dict[str, Any]:
    """Build a pool below `root`."""
    return build_pool(
        records,
        root / "pool",
        root / "captions" / "human.parquet",
        root / "truth" / "layouts.parquet",
        **{**OPEN, **changes},
    )


def samples(root: Path) -> pd.DataFrame:
    """The samples table of a pool below `root`."""
    return read_table(root / "pool" / "samples.parquet", SAMPLES)


def quarantine(root: Path) -> list[tuple[str, str, str]]:
    """The quarantine table of a pool below `root`."""
    frame = read_table(root / "pool" / "quarantine.parquet", QUARANTINE)
    return list(frame.itertuples(index=False, name=None))


def captions(root: Path) -> dict[str, list[str]]:
    """uid -> human captions of a pool below `root`."""
    frame = read_table(root / "captions" / "human.parquet", CAPTIONS)
    return {str(uid): list(group["text"]) for uid, group in frame.groupby("uid")}


def from_source(root: Path, settings: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """Build the pool of a source."""
    source = TypeAdapter(Source).validate_python(settings)
    reference, test = source.shares()
    asked = {"reference": reference, "test": test, "rendering": source.rendering()}
    return build(root, read_source(source), **asked, **changes)


def test_what_a_pool_holds(tmp_path: Path) -> None:
    summary = build(tmp_path, [record(i, SPLITS[i % 3]) for i in range(10)])
    table = samples(tmp_path)
    shards = [
        (uid, shard, content)
        for shard in range(3)
        for uid, content in iter_shard(shard_path(tmp_path / "pool", shard))
    ]
    assert list(table["uid"]) == [uid for uid, _, _ in shards]
    assert list(table["shard"]) == [shard for _, shard, _ in shards] == [0] * 4 + [1] * 4 + [2] * 2
    assert [content for _, _, content in shards] == [fakes.picture(i) for i in range(10)]
    assert all(uid == digest_bytes(content) for uid, _, content in shards)
    assert list(table["source"]) == [f"{i}.png" for i in range(10)]
    assert set(table["width"]) == set(table["height"]) == {16}
    human = read_table(tmp_path / "captions" / "human.parquet", CAPTIONS)
    assert list(human["caption_id"]) == [0, 1] * 10 and set(human["perspective"]) == {"human"}
    assert len(read_table(tmp_path / "truth" / "layouts.parquet", LAYOUTS)) == 0
    assert summary["splits"] == {"pool": 4, "reference": 3, "test": 3}
    assert not (tmp_path / "pool" / "masks").exists()


@pytest.mark.parametrize(
    "settings",
    [
        lambda root: fakes.karpathy(root),
        lambda root: fakes.class_tree(root),
        lambda root: fakes.csv_folder(
            root, ("filename", "text"), [(f"{i}.png", "x") for i in "ab"]
        ),
        lambda root: {
            "kind": "webdataset",
            "shards": str(fakes.write_tar(root / "0.tar", fakes.wds_samples(3))),
        },
        lambda _: {"kind": "terrarium", "pool": 5, "reference": 2, "test": 2, "size": 32},
    ],
    ids=["karpathy", "classes", "folder", "webdataset", "terrarium"],
)
def test_two_builds_are_equal_byte_for_byte(tmp_path: Path, settings: Any) -> None:
    wanted = settings(tmp_path / "data")
    first = from_source(tmp_path / "first", wanted, workers=1)
    second = from_source(tmp_path / "second", wanted, workers=3)
    assert first == second and first["rejected"] == 0
    assert digest_files([tmp_path / "first"]) == digest_files([tmp_path / "second"])


def test_terrarium_writes_layouts_and_masks_in_step(tmp_path: Path) -> None:
    from_source(tmp_path, {"kind": "terrarium", "pool": 5, "reference": 1, "test": 1, "size": 32})
    table = samples(tmp_path)
    layouts = read_table(tmp_path / "truth" / "layouts.parquet", LAYOUTS)
    assert list(layouts["uid"]) == list(table["uid"])
    assert [json.loads(text)["scene"] for text in layouts["layout"]] == list(table["scene"])
    for shard in (0, 1):
        masks = list(iter_members(tmp_path / "pool" / "masks" / f"{shard:05d}.tar"))
        assert [uid for uid, _, _ in masks] == list(table.loc[table["shard"] == shard, "uid"])
        assert all(open_rgb(mask).size == (32, 32) for _, _, mask in masks)


def test_awkward_images_become_plain_ones(tmp_path: Path) -> None:
    awkward = fakes.awkward_images()
    records = [record(0, name=name, image=image) for name, image in awkward.items()]
    # the two TIFFs begin with the same page, so one of them is a duplicate
    assert build(tmp_path, records)["joined"] == 1
    for shard in range(2):
        for _, content in iter_shard(shard_path(tmp_path / "pool", shard)):
            assert normalise(content)[0] == content
            assert open_rgb(content).size == (16, 16)


def test_plain_images_pass_unchanged() -> None:
    for kind, extension in (("PNG", "png"), ("JPEG", "jpg"), ("WEBP", "webp")):
        content = fakes.picture(1, kind)
        assert normalise(content) == (content, extension, 16, 16, None)


def test_sixteen_bits_are_scaled_by_their_range() -> None:
    values = np.asarray(open_rgb(fakes.awkward_images()["16-bit"]))[..., 0].ravel()
    assert values[0] == 0 and values[-1] == 255 and (np.diff(values.astype(int)) >= 0).all()


@pytest.mark.parametrize("kind", fakes.broken_images())
def test_broken_images_are_quarantined(tmp_path: Path, kind: str) -> None:
    content, reason = fakes.broken_images()[kind]
    summary = build(tmp_path, [record(0), record(1, name="bad.png", image=content), record(2)])
    [(name, stage, found)] = quarantine(tmp_path)
    assert (name, stage) == ("bad.png", "image") and reason in found
    assert summary["kept"] == 2 and summary["rejected"] == 1


def test_decompression_bombs_are_not_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("winnow.data.images.MAX_PIXELS", 255)
    with pytest.raises(BadImageError, match="more than 255 pixels"):
        open_rgb(fakes.picture(1))


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow tells of damaged tags
@settings(deadline=None)
@given(st.binary(max_size=300), st.sampled_from(["PNG", "JPEG", "WEBP", "TIFF"]), st.integers(0))
def test_damage_never_raises_anything_else(noise: bytes, kind: str, place: int) -> None:
    content = fakes.picture(1, kind)
    place %= len(content)
    try:
        normalise(content[:place] + noise + content[place + len(noise) :])
    except BadImageError as error:
        assert str(error)


def test_captions_are_cleaned_and_faulty_ones_dropped(tmp_path: Path) -> None:
    records = [
        record(0, captions=[" a\nriver ", "", "\x00 \u200b", "x" * 2001, "河流 🛰️"]),
        record(1, captions=["", "\t"]),
        record(2, captions=[]),
    ]
    summary = build(tmp_path, records)
    assert list(captions(tmp_path).values()) == [["a river", "河流 🛰️"]]
    assert quarantine(tmp_path) == [
        ("0.png", "caption", "empty caption"),
        ("0.png", "caption", "empty caption"),
        ("0.png", "caption", "caption longer than 2000 characters"),
        ("1.png", "caption", "empty caption"),
        ("1.png", "caption", "empty caption"),
        ("1.png", "caption", "no caption"),
        ("2.png", "caption", "no caption"),
    ]
    assert (summary["kept"], summary["rejected"], summary["quarantined"]) == (1, 2, 7)
    assert "1 of 3 images kept" in describe(summary) and "2 x no caption" in describe(summary)


@pytest.mark.parametrize(
    ("splits", "kept", "gone"),
    [
        (("pool", "test"), ("test", "second"), "first"),
        (("test", "pool"), ("test", "first"), "second"),
        (("reference", "test"), ("test", "second"), "first"),
        (("reference", "pool"), ("reference", "first"), "second"),
    ],
)
def test_a_duplicate_stays_in_the_stronger_split(
    tmp_path: Path, splits: tuple[str, str], kept: tuple[str, str], gone: str
) -> None:
    twins = [
        record(0, split, name=name, captions=[name])
        for split, name in zip(splits, ("first", "second"), strict=True)
    ]
    build(tmp_path, [twins[0], record(1), twins[1]])
    table = samples(tmp_path)
    uid = digest_bytes(twins[0].image)
    assert list(table["uid"]) == [u for u, _ in iter_shard(shard_path(tmp_path / "pool", 0))]
    assert tuple(table.set_index("uid").loc[uid, ["split", "source"]]) == kept
    assert captions(tmp_path)[uid] == [kept[1]]
    [(name, stage, reason)] = quarantine(tmp_path)
    assert (name, stage) == (gone, "duplicate") and reason.startswith(f"duplicate of {uid}")
    assert f"in {splits[0]} and {splits[1]}, kept in" in reason


def test_a_duplicate_within_a_split_gives_its_captions(tmp_path: Path) -> None:
    twins = [
        record(0, name="first", captions=["one", "two"], scene=None),
        record(0, name="second", captions=["two", " three\n", ""], scene="port"),
        record(0, name="third", captions=["four"], scene="sea"),
    ]
    summary = build(tmp_path, [twins[0], record(1), *twins[1:]], quarantine_limit=0.0)
    assert captions(tmp_path)[digest_bytes(twins[0].image)] == ["one", "two", "three", "four"]
    assert list(samples(tmp_path)["scene"]) == ["port", "river"]
    assert quarantine(tmp_path) == [
        ("second", "caption", "empty caption"),
        ("second", "caption", "duplicate caption"),
        ("third", "duplicate", "scene of a repeated image: sea, kept is port"),
    ]
    assert (summary["images"], summary["kept"], summary["joined"]) == (2, 2, 2)
    assert (summary["captions"], summary["captions_lost"]) == (6, 2)
    told = describe(summary)
    assert "2 of 2 images kept" in told and "1 x duplicate caption" in told


def test_equal_captions_of_a_record_are_one(tmp_path: Path) -> None:
    told = ["a", "b", " a", "", "a"]
    drawn = record(1, captions=told, layout="{}", rule_caption="a")
    summary = build(tmp_path, [record(0, captions=told), drawn])
    kept = captions(tmp_path)
    assert kept[digest_bytes(fakes.picture(0))] == ["a", "b"]
    assert kept[digest_bytes(fakes.picture(1))] == ["a", "b", "a", "a"]  # as Terrarium says them
    assert summary["lesser"] == {"duplicate caption": 2, "empty caption": 2}
    assert (summary["captions"], summary["captions_lost"]) == (6, 4)


def test_splits_are_set_apart_by_uid(tmp_path: Path) -> None:
    records = [record(i) for i in range(400)]
    build(tmp_path / "a", records, reference=0.3, test=0.1)
    build(tmp_path / "b", records[::-1][:200], reference=0.3, test=0.1)
    table = samples(tmp_path / "a").set_index("uid")["split"]
    counts = table.value_counts()
    assert 20 <= counts["test"] <= 60 and 70 <= counts["reference"] <= 150
    part = samples(tmp_path / "b").set_index("uid")["split"]
    assert (table.loc[part.index] == part).all()


def test_no_test_images_are_drawn_where_the_source_names_some(tmp_path: Path) -> None:
    build(tmp_path, [record(0, "test")] + [record(i) for i in range(1, 40)], test=0.5)
    assert (samples(tmp_path)["split"] == "test").sum() == 1


def test_too_many_rejects_stop_the_run_and_are_not_lost(tmp_path: Path) -> None:
    records: list[Record | Rejected] = [
        record(0),
        *(Rejected(f"{i}.png", f"no such file: {i}") for i in range(3)),
    ]
    beside = tmp_path / "pool.quarantine.parquet"
    with pytest.raises(WinnowError) as caught:
        build(tmp_path, records, quarantine_limit=0.5)
    message = str(caught.value)
    assert "3 of 4" in message and "0.5" in message and "no such file (3)" in message
    assert str(beside) in message
    assert len(read_table(beside, QUARANTINE)) == 3
    assert list(tmp_path.iterdir()) == [beside]
    build(tmp_path, records, quarantine_limit=0.75)
    assert not beside.exists() and len(quarantine(tmp_path)) == 3


def test_reasons_are_counted_by_their_cause() -> None:
    reasons = {
        "JPEG: damaged or not supported": 2,
        "3 bands of float32: no value but nodata": 1,
        "4 bands of float32: no value but nodata": 2,
        "5x7 pixels, smaller than 16": 1,
        "9x7 pixels, smaller than 16": 1,
        "split not in source.splits: dev; name it there": 4,
        "caption longer than 2000 characters": 1,
        **{f"scene of a repeated image: {name}, kept is sea": 1 for name in "abcde"},
        **{f"no such file: {i}": 1 for i in range(9)},
        "damaged: " + "x" * 500: 1,
    }
    told = grouped(Counter(reasons))
    assert told == {
        "JPEG: damaged or not supported": 2,
        "N bands of float32: no value but nodata": 3,
        "Nx7 pixels, smaller than 16": 2,
        "split not in source.splits: dev; name it there": 4,
        "caption longer than 2000 characters": 1,
        "scene of a repeated image: a, kept is sea; b, kept is sea; c, kept is sea; and others": 5,
        "no such file": 9,
        f"damaged: {'x' * 80}...": 1,
    }
    assert told.total() == sum(reasons.values())


def test_lost_captions_do_not_count_as_images(tmp_path: Path) -> None:
    records: list[Record | Rejected] = [
        record(0, captions=["x", "", ""]),
        Rejected("a.npy", "unknown", image=False),
    ]
    assert build(tmp_path, records, quarantine_limit=0.0)["rejected"] == 0
    assert len(quarantine(tmp_path)) == 3


@pytest.mark.parametrize("records", [[], [Rejected("a.png", "no such file")]])
def test_no_usable_image(tmp_path: Path, records: list[Record | Rejected]) -> None:
    with pytest.raises(WinnowError, match="no usable image"):
        build(tmp_path, records, quarantine_limit=1.0)
    assert not (tmp_path / "pool").exists()


def test_a_failing_source_leaves_no_pool(tmp_path: Path) -> None:
    def records() -> Iterable[Record]:
        yield from map(record, range(9))
        raise WinnowError("the source broke")

    with pytest.raises(WinnowError, match="the source broke"):
        build(tmp_path, records())
    assert not list(tmp_path.iterdir())


def test_names_that_no_table_could_hold(tmp_path: Path) -> None:
    build(tmp_path, [record(0, name="a\udcff\n.png"), Rejected("b\ud800", "bad\ud800")])
    assert samples(tmp_path)["source"][0] == "a\\udcff\\n.png"
    assert quarantine(tmp_path) == [("b\\ud800", "source", "bad\\ud800")]


def test_records_are_drawn_only_as_there_is_room(tmp_path: Path) -> None:
    drawn, written = [], []

    def records() -> Iterable[Record]:
        for i in range(60):
            shard = tmp_path.glob(".pool.*/pool/shards/*.tar")
            written.append(sum(1 for _ in shard))
            drawn.append(i)
            yield record(i)

    build(tmp_path, records(), shard_size=1, workers=1)
    assert max(d - w for d, w in zip(drawn, written, strict=True)) <= 8


RSICD = os.environ.get("WINNOW_RSICD")


@pytest.mark.skipif(RSICD is None, reason="WINNOW_RSICD names no folder with RSICD")
def test_rsicd(tmp_path: Path) -> None:
    folder = Path(RSICD or "")
    settings = {
        "kind": "karpathy",
        "annotations": folder / "dataset_rsicd.json",
        "images": folder / "images",
        "limit": 200,
    }
    summary = from_source(tmp_path, settings, quarantine_limit=0.02, shard_size=64)
    assert all(summary["splits"].values()) and summary["kept"] >= 196
    assert {"airport", "river"} & set(samples(tmp_path)["scene"].dropna())
