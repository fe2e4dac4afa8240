"""Samples in tars and folders, class trees and links: all that came in is kept or counted."""

import gzip
import io
import json
import tarfile
from pathlib import Path
from typing import Any

import fakes
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from winnow.data.errors import WinnowError
from winnow.data.records import Record, Rejected
from winnow.data.tables import CAPTIONS, QUARANTINE, SAMPLES, read_table
from winnow.export.webdataset import export_subset
from winnow.sources.caption_text import clean
from winnow.sources.local_images import may_be_image
from winnow.sources.pool import build_pool
from winnow.sources.read import read_source
from winnow.sources.registry import Source
from winnow.sources.sample import sample_keys

Members = list[tuple[str, bytes]]


def items_of(source: dict[str, Any]) -> list[Record | Rejected]:
    return list(read_source(TypeAdapter(Source).validate_python(source)))


def build(root: Path, source: dict[str, Any], limit: float = 1.0) -> dict[str, Any]:
    return build_pool(
        items_of(source),
        root / "pool",
        root / "human.parquet",
        root / "layouts.parquet",
        shard_size=4,
        quarantine_limit=limit,
        reference=0.0,
        test=0.0,
        workers=1,
    )


def captions(root: Path) -> dict[str, set[str]]:
    frame = read_table(root / "human.parquet", CAPTIONS)
    return {str(uid): set(group["text"]) for uid, group in frame.groupby("uid")}


def laid_out(root: Path, layout: str, members: Members, **changes: Any) -> dict[str, Any]:
    """The same files as a tar or as a folder."""
    if layout == "webdataset":
        path = fakes.write_tar(root / "t.tar", members)
        return {"kind": "webdataset", "shards": str(path), **changes}
    for name, content in members:
        (root / "t" / name).parent.mkdir(parents=True, exist_ok=True)
        (root / "t" / name).write_bytes(content)
    return {"kind": "files", "images": root / "t", **changes}


BOTH = pytest.mark.parametrize("layout", ["webdataset", "files"])


def pair(key: str, seed: int, caption: str = "a quay") -> Members:
    return [(f"{key}.jpg", fakes.picture(seed, "JPEG")), (f"{key}.txt", caption.encode())]


# captions


@BOTH
@pytest.mark.parametrize("breaks", ["\n", "\r\n", "\r", "\u2028", "\x85", "\n\n", "\x0b", "\u2029"])
def test_a_text_is_one_caption_whatever_its_lines(tmp_path: Path, layout: str, breaks: str) -> None:
    text = f"A river runs north,{breaks}with two bridges{breaks}and a boat.{breaks}"
    about = {"caption": text, "status": "success"}
    members = [*pair("0", 0, text), ("0.json", json.dumps(about).encode())]
    assert build(tmp_path, laid_out(tmp_path, layout, members))["captions"] == 1
    assert list(captions(tmp_path).values()) == [
        {"A river runs north, with two bridges and a boat."}
    ]


@BOTH
@pytest.mark.parametrize(
    ("files", "found"),
    [
        ({".txt": "a"}, ["a"]),
        ({".caption": "a"}, ["a"]),
        ({".json": '{"caption": "a", "title": "page"}'}, ["a"]),
        ({".json": '{"captions": ["a", "b"]}'}, ["a", "b"]),
        ({".json": '{"text": ["a", "b"], "caption": null}'}, ["a", "b"]),
        ({".txt": "b", ".json": '{"captions": ["a", "b"], "caption": "a"}'}, ["b", "a"]),
        ({".txt": "['a', 'b']"}, ["a", "b"]),
        ({".txt": "\ufeffa"}, ["a"]),
        ({".txt": "", ".json": '\ufeff{"text": "a"}'}, ["a"]),
    ],
)
def test_where_captions_are_looked_for(
    tmp_path: Path, layout: str, files: dict[str, str], found: list[str]
) -> None:
    image = ("0.png", fakes.picture(0))
    members = [image, *((f"0{suffix}", text.encode()) for suffix, text in files.items())]
    [item] = items_of(laid_out(tmp_path, layout, members))
    assert isinstance(item, Record) and item.captions == found


# names


def test_sample_keys() -> None:
    names = [
        "gsd_0.5m_3.JPG", "gsd_0.5m_3.txt", "gsd_0.jpg", "gsd_0.txt", "a.b/c.png", "a.b/c.json",
        "a.b/c.seg.png", "d.tif", "d.tif.aux.xml", "e.jpg", "e.jpg.json", "f.seg.png", "g",
    ]  # fmt: skip
    assert sample_keys(names) == {
        "gsd_0.5m_3.JPG": ("gsd_0.5m_3", ".jpg"),
        "gsd_0.5m_3.txt": ("gsd_0.5m_3", ".txt"),
        "gsd_0.jpg": ("gsd_0", ".jpg"),
        "gsd_0.txt": ("gsd_0", ".txt"),
        "a.b/c.png": ("a.b/c", ".png"),
        "a.b/c.json": ("a.b/c", ".json"),
        "a.b/c.seg.png": ("a.b/c", ".seg.png"),
        "d.tif": ("d", ".tif"),
        "d.tif.aux.xml": ("d", ".tif.aux.xml"),
        "e.jpg": ("e", ".jpg"),
        "e.jpg.json": ("e", ".json"),
        "f.seg.png": ("f.seg", ".png"),
        "g": ("g", ""),
    }


@BOTH
def test_names_with_dots_are_samples(tmp_path: Path, layout: str) -> None:
    members = [
        *pair("plain_1", 1),
        *pair("gsd_0.5m_2", 2),
        *pair("gsd_0.5m_3", 3),
        *pair("v1.2", 4),
    ]
    summary = build(tmp_path, laid_out(tmp_path, layout, members), limit=0.0)
    assert summary["kept"] == 4 and summary["captions_lost"] == 0


@BOTH
def test_what_is_not_taken_counts_under_its_suffix(tmp_path: Path, layout: str) -> None:
    image = fakes.picture(9)
    members = [
        *pair("good", 1), ("good.seg.png", image), ("good.npy", b"x"), ("good.meta.xml", b"x"),
        ("._good.jpg", b"x"), ("lone.jp3", image), ("lone.txt", b"a"), ("raw.img_data", image),
        ("raw.words", b"x"), ("00000_stats.json", b'{"count": 1}'), ("00000.parquet", b"x"),
        ("alone.seg.png", image), ("told.json", b'{"caption": "a"}'),
    ]  # fmt: skip
    source = laid_out(tmp_path, layout, members)
    rejected = {i.reason: i.image for i in items_of(source) if isinstance(i, Rejected)}
    assert rejected == {
        "further file of a sample (.seg.png)": True,
        "further file of a sample (.npy)": True,
        "further file of a sample (.meta.xml)": False,
        "hidden file": False,
        "sample without image (.jp3, .txt)": True,
        "sample without image (.img_data, .words)": True,
        "sample without image (.json)": True,
        "sample without image (.parquet)": False,
    }
    summary = build(tmp_path / "out", source)
    assert (summary["kept"], summary["rejected"]) == (1, 6)  # alone.seg.png has no caption
    ignoring = build(tmp_path / "less", {**source, "ignore": [".SEG.png", ".npy"]})
    assert (ignoring["kept"], ignoring["rejected"]) == (1, 3)
    with pytest.raises(WinnowError, match=r"further file of a sample \(\.seg\.png\) \(4\)"):
        masked = [m for i in range(4) for m in [*pair(str(i), i), (f"{i}.seg.png", image)]]
        build(tmp_path / "masked", laid_out(tmp_path / "m", layout, masked), limit=0.1)


def test_tars_of_rs5m_are_read(tmp_path: Path) -> None:
    members = [
        member
        for i in range(3)
        for member in (
            (f"{i:09d}.img_content", fakes.picture(i, "JPEG")),
            (f"{i:09d}.img_name", f"beach_{i}.jpg".encode()),
            (f"{i:09d}.caption", f"a beach {i}".encode()),
        )
    ]
    source = laid_out(tmp_path, "webdataset", members, scene_pattern="^([a-z]+)_")
    records = [item for item in items_of(source) if isinstance(item, Record)]
    assert [(r.scene, r.captions) for r in records] == [
        ("beach", [f"a beach {i}"]) for i in range(3)
    ]


def test_an_image_that_occurs_twice_in_a_tar_counts(tmp_path: Path) -> None:
    members = [*pair("a", 1), ("a.jpg", fakes.picture(2, "JPEG")), *pair("b", 3), *pair("a", 4)]
    rejected = [
        i for i in items_of(laid_out(tmp_path, "webdataset", members)) if isinstance(i, Rejected)
    ]
    assert [(r.reason, r.image) for r in rejected] == [
        ("member occurs twice", True),
        ("members of a sample lie apart (sort the tar by name)", True),
    ]


@BOTH
def test_captions_of_rejected_samples_count(tmp_path: Path, layout: str) -> None:
    five = b'{"captions": ["a", "b", "c", "d", "e"]'
    members = [
        *pair("good", 0),
        ("good.text", b"a second text"),
        ("good.en.txt", b"another"),
        *pair("bad_split", 1), ("bad_split.json", five + b', "split": "dev"}'),
        ("latin.jpg", fakes.picture(2)), ("latin.txt", b"\xe9"), ("latin.json", five + b"}"),
        ("no_text.jpg", fakes.picture(3)), ("no_text.json", b'{"captions": ["a", 3]}'),
        ("broken.jpg", fakes.picture(4)), ("broken.json", b'{"caption"'),
        ("twice.jpg", fakes.picture(7)), ("twice.json", b'{"caption": "a", "caption": "b"}'),
        ("two.jpg", fakes.picture(5)), ("two.png", fakes.picture(6)), ("two.json", five + b"}"),
        ("lone.json", five + b"}"), ("lone.txt", b"\xe9"),
    ]  # fmt: skip
    items = items_of(laid_out(tmp_path, layout, members))
    lost = [(i.name.removeprefix("t.tar/"), i.captions) for i in items if isinstance(i, Rejected)]
    assert sorted(lost) == [
        ("bad_split", 6),
        ("broken", 1),
        ("good.en.txt", 1),
        ("good.text", 1),
        ("latin", 6),
        ("lone", 6),
        ("no_text", 2),
        ("twice", 2),
        ("two.jpg", 5),
        ("two.png", 0),
    ]
    summary = build(tmp_path, laid_out(tmp_path, layout, members))
    assert (summary["captions"], summary["captions_lost"]) == (1, 30)


def test_second_texts_in_a_tar_count(tmp_path: Path) -> None:
    members = [
        *pair("a", 0), ("a.txt", b"again"), ("a.json", b'{"captions": ["b", "c"]}'),
        ("a.json", b'{"captions": ["d", "e"]}'), ("../a.txt", b"x"),
        ("../b.json", b'{"text": "x"}'),
        *pair("b", 1), ("a.caption", b"late"), ("a.jpg", b""),
    ]  # fmt: skip
    items = items_of(laid_out(tmp_path, "webdataset", members))
    assert [(i.reason[:19], i.captions) for i in items if isinstance(i, Rejected)] == [
        ("member occurs twice", 1),
        ("member occurs twice", 2),
        ("member's name leave", 1),
        ("member's name leave", 1),
        ("members of a sample", 1),
    ]


def test_second_texts_in_a_folder_count(tmp_path: Path) -> None:
    items = items_of(laid_out(tmp_path, "files", [*pair("a", 0), ("a.TXT", b"again")]))
    assert [(i.reason, i.captions) for i in items if isinstance(i, Rejected)] == [
        ("file occurs twice, in other capitals", 1)
    ]


def test_tars_joined_with_cat_are_refused(tmp_path: Path) -> None:
    first = fakes.write_tar(tmp_path / "a.tar", pair("a", 1)).read_bytes()
    second = fakes.write_tar(tmp_path / "b.tar", pair("b", 2)).read_bytes()
    joined = tmp_path / "c.tar"
    for content in (first + second, gzip.compress(first) + gzip.compress(second)):
        joined.write_bytes(content)
        with pytest.raises(WinnowError, match=r"c\.tar: damaged tar: data follow.*cat") as caught:
            items_of({"kind": "webdataset", "shards": str(joined)})
        assert "\n" not in str(caught.value)
    joined.write_bytes(first + bytes(50_000))
    assert len(items_of({"kind": "webdataset", "shards": str(joined)})) == 1


@pytest.mark.parametrize("mode", ["w:gz", "w:bz2", "w:xz"])
def test_a_compressed_tar_is_read_and_its_damage_is_one_line(tmp_path: Path, mode: Any) -> None:
    path = tmp_path / "t.tar"
    with tarfile.open(path, mode) as tar:
        for name, content in pair("a", 1) + pair("b", 2):
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    source = {"kind": "webdataset", "shards": str(path)}
    assert len(items_of(source)) == 2
    whole = path.read_bytes()
    for damaged in (whole[: len(whole) // 2], whole[:400] + b"\xff" * 40 + whole[440:]):
        path.write_bytes(damaged)
        with pytest.raises(WinnowError, match=r"t\.tar: damaged") as caught:
            items_of(source)
        assert "\n" not in str(caught.value)


# what is written here can be read again


def test_an_exported_subset_reads_back(tmp_path: Path) -> None:
    rows = [{"file_name": f"{i}.png", "text": [f"port {i}", "a quay", f"no {i}"]} for i in range(5)]
    build(tmp_path / "a", fakes.jsonl_folder(tmp_path / "images", rows))
    pairs = read_table(tmp_path / "a" / "human.parquet", CAPTIONS)
    samples = read_table(tmp_path / "a" / "pool" / "samples.parquet", SAMPLES)
    export_subset(tmp_path / "a" / "pool", samples, pairs, tmp_path / "out", 4)
    source = {"kind": "webdataset", "shards": str(tmp_path / "out" / "*.tar")}
    summary = build(tmp_path / "b", source, limit=0.0)
    assert captions(tmp_path / "b") == captions(tmp_path / "a")
    assert (summary["kept"], summary["joined"], summary["captions_lost"]) == (5, 10, 0)


def test_pairs_of_two_splits_are_not_mixed(tmp_path: Path) -> None:
    image = fakes.picture(1)
    members = [
        member
        for i, (caption, split) in enumerate([("a", "train"), ("b", "test"), ("c", "test")])
        for member in (
            (f"{i}.png", image),
            (f"{i}.json", json.dumps({"caption": caption, "split": split}).encode()),
        )
    ]
    summary = build(tmp_path, laid_out(tmp_path, "webdataset", members))
    assert list(captions(tmp_path).values()) == [{"b", "c"}]
    assert (summary["splits"]["test"], summary["rejected"], summary["joined"]) == (1, 1, 1)
    assert summary["captions_lost"] == 1


# class trees


def tree(root: Path, *names: str) -> dict[str, Any]:
    for number, name in enumerate(names):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        content = fakes.picture(number) if name.endswith("g") else b"a caption"
        (root / name).write_bytes(content)
    return {"kind": "classes", "images": root}


@pytest.mark.parametrize(
    ("names", "level", "scenes"),
    [
        (["a/1.png", "b/2.png"], None, ["a", "b"]),
        (["2750/a/1.png", "2750/b/2.png"], None, ["a", "b"]),
        (["x/Images/a/1.png", "x/Images/b/2.png", "x/readme.txt"], None, ["a", "b"]),
        (["2750/a/1.png"], None, ["a"]),
        (["train/a/1.png", "test/a/2.png"], 2, ["a", "a"]),
        (["a/2020/1.png", "b/2021/2.png"], 1, ["a", "b"]),
        (["a/1.png", "a/1.txt"], 1, ["a"]),
        (["机场/1.png", "b/2.png"], None, ["b", "机场"]),
    ],
)
def test_the_class_is_the_folder_in_which_paths_differ(
    tmp_path: Path, names: list[str], level: int | None, scenes: list[str]
) -> None:
    source = {**tree(tmp_path, *names), "level": level}
    records = [item for item in items_of(source) if isinstance(item, Record)]
    assert sorted(str(r.scene) for r in records) == scenes
    assert all(r.captions == [f"a satellite photo of {r.scene}."] for r in records)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["train/a/1.png", "test/a/2.png"], "its class may be test or a; say"),
        (["a/1.png", "b/old/2.png"], "its class may be b or old; say"),
        (["00000/1.png", "00001/2.png"], "has a number for a name"),
        (["00000/1.png", "00000/1.txt", "00001/2.png"], "set source.kind to files"),
        (["part_a/1.png", "part_a/1.caption", "part_b/2.png"], "set source.kind to files"),
    ],
)
def test_a_tree_that_shows_no_classes_is_refused(
    tmp_path: Path, names: list[str], message: str
) -> None:
    with pytest.raises(WinnowError, match=r"source\.images") as caught:
        items_of(tree(tmp_path, *names))
    assert message in str(caught.value)


def test_images_of_unread_kinds_in_a_tree_count(tmp_path: Path) -> None:
    source = tree(tmp_path, "a/1.png", "b/2.png", "b/3.heic", "b/4.npy", "b/5.bmp.txt", "c.md")
    rejected = {i.name: i.image for i in items_of(source) if isinstance(i, Rejected)}
    assert rejected == {"b/3.heic": True, "b/4.npy": True, "b/5.bmp.txt": False, "c.md": False}


# img2dataset's files


def test_files_of_img2dataset(tmp_path: Path) -> None:
    members = [
        *pair("00000/000000000", 0, "a lake"), ("00000/000000000.json", b'{"caption": "a lake"}'),
        *pair("00001/000010000", 1, "a field"), ("00000.parquet", b"x"),
        ("00000_stats.json", b"{}"),
    ]  # fmt: skip
    source = laid_out(tmp_path, "files", members)
    records = [item for item in items_of(source) if isinstance(item, Record)]
    assert [(r.name, r.captions) for r in records] == [
        ("00000/000000000.jpg", ["a lake"]),
        ("00001/000010000.jpg", ["a field"]),
    ]
    assert build(tmp_path, source, limit=0.0)["kept"] == 2


# links


def hub(root: Path) -> Path:
    """A snapshot as huggingface_hub's cache lays it out; returns its folder of images."""
    repository = root / "hub" / "datasets--a--b"
    images = repository / "snapshots" / "0123abc" / "images"
    for i, name in enumerate(("beach", "river")):
        blob = repository / "blobs" / f"{i:064d}"
        blob.parent.mkdir(parents=True, exist_ok=True)
        blob.write_bytes(fakes.picture(i))
        (images / name).mkdir(parents=True)
        (images / name / f"{i}.png").symlink_to(f"../../../../blobs/{i:064d}")
        (images / name / f"{i}.txt").write_text("a bay")
    return images


def sources_of(images: Path, root: Path) -> list[dict[str, Any]]:
    table, listing = root / "t.csv", root / "karpathy.json"
    names = [p.relative_to(images).as_posix() for p in sorted(images.rglob("*.png"))]
    table.write_text("file_name,text\n" + "".join(f"{name},a bay\n" for name in names))
    entries = [{"filename": n, "split": "train", "sentences": [{"raw": "x"}]} for n in names]
    listing.write_text(json.dumps({"images": entries}))
    return [
        {"kind": "folder", "images": images, "metadata": table},
        {"kind": "karpathy", "images": images, "annotations": listing},
        {"kind": "classes", "images": images, "level": 1},
        {"kind": "files", "images": images},
    ]


def test_the_cache_of_the_hub_is_read(tmp_path: Path) -> None:
    images = hub(tmp_path)
    for source in sources_of(images, tmp_path):
        items = items_of(source)
        assert [type(i) for i in items if "png" in i.name] == [Record, Record], items
    secret = tmp_path / "hub" / "blobs"  # of no repository
    secret.mkdir()
    (secret / "x").write_bytes(fakes.picture(5))
    (images / "beach" / "x.png").symlink_to(secret / "x")
    for source in sources_of(images, tmp_path):
        reasons = [i.reason for i in items_of(source) if isinstance(i, Rejected) and i.image]
        assert reasons == ["leaves the image folder through a link (source.links=follow allows it)"]


def test_links_are_followed_where_that_is_asked_for(tmp_path: Path) -> None:
    cache, images = tmp_path / "cache" / "sea", tmp_path / "images"
    cache.mkdir(parents=True)
    (cache / "1.png").write_bytes(fakes.picture(1))
    (cache / "1.txt").write_text("x")
    (images / "river").mkdir(parents=True)
    (images / "river" / "2.png").symlink_to(cache / "1.png")
    (images / "river" / "2.txt").write_text("x")
    (images / "sea").symlink_to(cache)
    (images / "river" / "up").symlink_to(images)  # a circle
    for source in sources_of(images, tmp_path):
        allowed = items_of({**source, "links": "follow"})
        names = {item.name for item in allowed if isinstance(item, Record)}
        assert "river/2.png" in names, source
        if source["kind"] in ("classes", "files"):
            assert names == {"river/2.png", "sea/1.png"}
            refused = [i for i in items_of(source) if isinstance(i, Rejected) and i.image]
            assert all("source.links=follow" in i.reason for i in refused) and len(refused) == 3


# fuzz

SUFFIXES = ("jpg", "png", "txt", "json", "caption", "seg.png", "npy", "cls", "img_content", "x", "")
CONTENTS = st.sampled_from([
    fakes.picture(1), fakes.picture(2, "JPEG"), b"", b"a\nb", b"\xff", b"{}", b'{"caption": "c"}',
    b'{"captions": ["d", "e"]}', b"[1]", b'{"split": "test", "text": "f"}', b'{"text": 4}',
])  # fmt: skip
FILES = st.lists(
    st.tuples(
        st.sampled_from(["a", "b", "a.0", "0.5m_a", "d/a", ".h", "a.b.c"]),
        st.sampled_from(SUFFIXES),
        CONTENTS,
    ),
    min_size=1,
    max_size=8,
    unique_by=lambda file: file[:2],
)


@settings(deadline=None, max_examples=60)
@given(FILES)
@BOTH
def test_images_and_captions_add_up(
    tmp_path_factory: pytest.TempPathFactory, layout: str, files: list[tuple[str, str, bytes]]
) -> None:
    root = tmp_path_factory.mktemp("any")
    members = sorted((f"{key}.{suffix}".rstrip("."), content) for key, suffix, content in files)
    source = laid_out(root, layout, members)
    (root / "t").mkdir(exist_ok=True)
    items = items_of(source)
    records = [item for item in items if isinstance(item, Record)]
    rejected = [item for item in items if isinstance(item, Rejected)]
    lost = sum(item.image for item in rejected)
    came = [n for n, _ in members if may_be_image(Path(n).suffix)]
    assert sum(not Path(name).name.startswith(".") for name in came) <= len(records) + lost
    try:
        summary = build(root, source)
    except WinnowError as error:
        assert "no usable image" in str(error)
        return
    assert summary["kept"] + summary["rejected"] == summary["images"]
    assert summary["images"] + summary["joined"] == len(records) + lost
    told = sum(len(record.captions) for record in records) + sum(i.captions for i in rejected)
    assert summary["captions"] + summary["captions_lost"] == told
    frame = read_table(root / "human.parquet", CAPTIONS)
    assert len(frame) == summary["captions"]
    assert len(read_table(root / "pool" / "quarantine.parquet", QUARANTINE)) == (
        summary["rejected"] + sum(summary["lesser"].values())
    )


@settings(deadline=None, max_examples=100)
@given(st.binary(min_size=1, max_size=60), st.integers(0, 10**6), st.sampled_from(["w", "w:gz"]))
def test_any_tar_is_read_or_one_line(
    tmp_path_factory: pytest.TempPathFactory, noise: bytes, place: int, mode: Any
) -> None:
    path = tmp_path_factory.getbasetemp() / "noise.tar"
    with tarfile.open(path, mode) as tar:
        for name, content in pair("a" * 120, 1) + pair("b", 2):
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    whole = path.read_bytes()
    place %= len(whole)
    path.write_bytes(whole[:place] + noise + whole[place + len(noise) :])
    try:
        for item in items_of({"kind": "webdataset", "shards": str(path)}):
            assert isinstance(item, Record | Rejected)
    except WinnowError as error:
        assert "noise.tar: damaged" in str(error) and "\n" not in str(error)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(st.integers(0, 4), st.sampled_from(["pool", "test", "reference"]),
                          st.lists(st.sampled_from(["a", "b", " a", "", "\n"]), max_size=3)),
                min_size=1, max_size=10))  # fmt: skip
def test_repeated_images_add_up(
    tmp_path_factory: pytest.TempPathFactory, drawn: list[tuple[int, str, list[str]]]
) -> None:
    root = tmp_path_factory.mktemp("repeated")
    records = [
        Record(f"{n}.png", fakes.picture(seed) if seed else b"", split, None, texts)
        for n, (seed, split, texts) in enumerate(drawn)
    ]
    places = root / "pool", root / "human.parquet", root / "layouts.parquet"
    options = {"shard_size": 4, "quarantine_limit": 1.0, "reference": 0.0, "test": 0.0}
    try:
        summary = build_pool(records, *places, **options, workers=1)  # type: ignore[arg-type]
    except WinnowError as error:
        assert "no usable image" in str(error)
        return
    assert summary["kept"] + summary["rejected"] + summary["joined"] == len(records)
    came = sum(len(record.captions) for record in records)
    assert summary["captions"] + summary["captions_lost"] == came
    frame: pd.DataFrame = read_table(root / "human.parquet", CAPTIONS)
    assert all(clean(text) == text for text in frame["text"])
