"""Every kind of source, read as it should be and attacked as it might be."""

import json
import os
import tarfile
from pathlib import Path
from typing import Any

import fakes
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from winnow.data.errors import WinnowError
from winnow.data.images import open_rgb
from winnow.data.records import Record, Rejected
from winnow.sources import local_images
from winnow.sources.caption_text import MAX_CAPTION, caption_fault, class_words, clean, storable
from winnow.sources.formats import webdataset
from winnow.sources.formats.folder import FolderSource
from winnow.sources.read import read_source
from winnow.sources.registry import Source
from winnow.sources.zeroshot_sets import class_folders


def read(settings: dict[str, Any], workers: int = 1) -> tuple[list[Record], dict[str, str]]:
    """The records of a source, and its rejects as name -> reason."""
    items = list(read_source(TypeAdapter(Source).validate_python(settings), workers))
    records = [item for item in items if isinstance(item, Record)]
    return records, {item.name: item.reason for item in items if isinstance(item, Rejected)}


# settings


@pytest.mark.parametrize(
    "settings",
    [
        {"kind": "karpathy", "annotations": "a.json", "images": "b", "shards": "c"},
        {"kind": "nowhere"},
        {"kind": "folder", "images": "a", "metadata": "b", "reference": 1.5},
        {"kind": "folder", "images": "a", "metadata": "b", "scene_pattern": "no group"},
        {"kind": "folder", "images": "a", "metadata": "b", "scene_pattern": "("},
        {"kind": "karpathy", "annotations": "a", "images": "b", "splits": {"train": "training"}},
        {"kind": "terrarium", "pool": 0, "reference": 1, "test": 1},
    ],
)
def test_wrong_settings_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Source).validate_python(settings)


def test_fractions_set_apart() -> None:
    adapter = TypeAdapter(Source)
    folder = {"kind": "folder", "images": "a", "metadata": "b"}
    assert adapter.validate_python(folder).shares() == (0.0, 0.0)
    world = {"kind": "terrarium", "pool": 1, "reference": 1, "test": 1}
    assert adapter.validate_python(world).shares() == (0.0, 0.0)


# Terrarium


def test_terrarium_draws_disjoint_splits() -> None:
    world = {"kind": "terrarium", "pool": 5, "reference": 3, "test": 2, "size": 32, "seed": 3}
    records, rejected = read(world)
    assert not rejected
    assert [r.split for r in records] == ["pool"] * 5 + ["reference"] * 3 + ["test"] * 2
    assert len({r.image for r in records}) == 10
    first = records[0]
    assert len(first.captions) == 5 and first.rule_caption and first.mask
    assert json.loads(first.layout or "")["scene"] == first.scene
    assert open_rgb(first.image).size == open_rgb(first.mask).size == (32, 32)


def test_terrarium_does_not_depend_on_workers_or_size_of_pool() -> None:
    world = {"kind": "terrarium", "pool": 70, "reference": 2, "test": 2, "size": 16}
    alone, _ = read(world)
    parallel, _ = read(world, workers=2)
    smaller, _ = read({**world, "pool": 3})
    assert alone == parallel
    assert smaller[:3] == alone[:3] and smaller[3:] == alone[70:]


# Karpathy


def test_karpathy_round_trip(tmp_path: Path) -> None:
    records, rejected = read(fakes.karpathy(tmp_path))
    assert not rejected
    assert [r.split for r in records[:4]] == ["pool", "pool", "reference", "test"]
    assert records[1].name == "beach_1.jpg" and records[1].scene == "beach"
    assert records[1].captions[4] == "caption 4 of beach_1.jpg ."
    assert records[1].image == fakes.picture(1, "JPEG")


def test_karpathy_limit_is_spread_over_the_listing(tmp_path: Path) -> None:
    records, _ = read(fakes.karpathy(tmp_path, limit=3))
    assert [r.name for r in records] == ["airport_0.jpg", "beach_4.jpg", "river_8.jpg"]


def test_karpathy_scene_is_unknown_where_the_name_has_none(tmp_path: Path) -> None:
    settings = fakes.karpathy(tmp_path, 1)
    (tmp_path / "images" / "00255.jpg").write_bytes(fakes.picture(1))
    entry = {"filename": "00255.jpg", "split": "train", "sentences": [{"raw": "a"}]}
    fakes.write_karpathy(tmp_path, [entry])
    records, _ = read(settings)
    assert records[0].scene is None


GOOD = {"filename": "airport_0.jpg", "split": "train", "sentences": [{"raw": "an airport"}]}


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ({**GOOD, "filename": "../secret.jpg"}, "leaves the image folder"),
        ({**GOOD, "filename": "a/../../secret.jpg"}, "leaves the image folder"),
        ({**GOOD, "filename": "/etc/passwd"}, "leaves the image folder"),
        ({**GOOD, "filename": "link.jpg"}, "leaves the image folder through a link"),
        ({**GOOD, "filename": "linked/secret.jpg"}, "leaves the image folder through a link"),
        ({**GOOD, "filename": "circle.jpg"}, "cannot be read"),
        ({**GOOD, "filename": "absent.jpg"}, "no such file"),
        ({**GOOD, "filename": "folder.jpg"}, "not a file"),
        ({**GOOD, "filename": "pipe.jpg"}, "not a file"),
        ({**GOOD, "filename": "a\0.jpg"}, "no file name"),
        ({**GOOD, "filename": "n" * 5000}, "cannot be read"),
        ({**GOOD, "filename": "\ud800.jpg"}, "cannot be read"),
        ({**GOOD, "filename": 7}, "without filename"),
        ({"split": "train", "sentences": []}, "without filename"),
        ({"filename": "airport_0.jpg", "sentences": []}, "without split"),
        ({**GOOD, "split": 3}, "without split"),
        ({**GOOD, "split": "dev"}, "split not in source.splits: dev"),
        ({**GOOD, "sentences": "an airport"}, "not a list of objects with text"),
        ({**GOOD, "sentences": ["an airport"]}, "not a list of objects with text"),
        ({**GOOD, "sentences": [{"raw": None}]}, "not a list of objects with text"),
        (["airport_0.jpg"], "not an object"),
        (None, "not an object"),
    ],
)
def test_karpathy_rejects_a_bad_entry_and_goes_on(tmp_path: Path, entry: Any, reason: str) -> None:
    settings = fakes.karpathy(tmp_path / "data", 1)
    outside, images = tmp_path / "outside", tmp_path / "data" / "images"
    outside.mkdir()
    for folder in (tmp_path, tmp_path / "data", outside):
        (folder / "secret.jpg").write_bytes(fakes.picture(9))
    (images / "link.jpg").symlink_to(outside / "secret.jpg")
    (images / "linked").symlink_to(outside)
    (images / "circle.jpg").symlink_to(images / "circle.jpg")
    (images / "folder.jpg").mkdir()
    os.mkfifo(images / "pipe.jpg")
    fakes.write_karpathy(tmp_path / "data", [entry, GOOD])
    records, rejected = read(settings)
    assert [r.name for r in records] == ["airport_0.jpg"]
    assert len(rejected) == 1 and reason in next(iter(rejected.values()))


def test_an_oversized_file_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local_images, "MAX_BYTES", 10)
    records, rejected = read(fakes.karpathy(tmp_path, 1))
    assert not records and rejected == {"airport_0.jpg": "larger than 10 bytes"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{"images": [\n{"filename": "a.jpg",}]}', "line 2"),
        (b'{"images": [', "not valid JSON"),
        (b"", "not valid JSON"),
        (b"\xff\xfe", "not valid JSON"),
        (b"[" * 200_000, "not valid JSON"),
        (b'{"images": ' + b"9" * 5000 + b"}", "not valid JSON"),
        (b"[]", "no list 'images'"),
        (b'{"images": {}}', "no list 'images'"),
    ],
)
def test_karpathy_broken_as_a_whole(tmp_path: Path, content: bytes, message: str) -> None:
    settings = fakes.karpathy(tmp_path, 1)
    (tmp_path / "dataset_rsicd.json").write_bytes(content)
    with pytest.raises(WinnowError, match=r"dataset_rsicd\.json") as caught:
        read(settings)
    assert message in str(caught.value)


def test_absent_paths_name_the_key_and_the_remedy(tmp_path: Path) -> None:
    there = fakes.karpathy(tmp_path, 1)
    gone = tmp_path / "gone"
    cases: list[tuple[str, dict[str, Any]]] = [
        ("source.annotations", {**there, "annotations": gone}),
        ("source.images", {**there, "images": gone}),
        ("source.images", {"kind": "classes", "images": gone}),
        ("source.metadata", {"kind": "folder", "images": tmp_path, "metadata": gone}),
        ("source.shards", {"kind": "webdataset", "shards": str(gone / "{0..2}.tar")}),
    ]
    for key, wrong in cases:
        with pytest.raises(WinnowError, match=rf"{key}: .*gone.*correct the p"):
            read(wrong)


def test_annotations_may_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    settings = fakes.karpathy(tmp_path, 2)
    path = tmp_path / "dataset_rsicd.json"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert len(read(settings)[0]) == 2


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=4,
)
NAMES = (
    st.sampled_from(["airport_0.jpg", "./airport_0.jpg", "gone.jpg", "../x.jpg", "", "a\0"]) | ANY
)
SPLITS = st.sampled_from(["train", "test", "dev"]) | ANY
CAPTIONS = st.lists(st.sampled_from(["a", " ", "['b', 'c']", "['"]) | ANY, max_size=3) | ANY
SENTENCES = st.lists(st.fixed_dictionaries({"raw": st.just("a")}) | ANY, max_size=3) | ANY
OBJECTS = (
    st.fixed_dictionaries(
        {}, optional={"filename": NAMES, "filepath": NAMES, "split": SPLITS, "sentences": SENTENCES}
    )
    | ANY
)
ROWS = (
    st.fixed_dictionaries(
        {"file_name": NAMES},
        optional={"text": CAPTIONS, "title": CAPTIONS, "split": SPLITS, "scene": SPLITS},
    )
    | ANY
)


@settings(deadline=None)
@given(st.lists(OBJECTS, min_size=1, max_size=4))
def test_karpathy_gives_each_entry_or_its_reason(
    tmp_path_factory: pytest.TempPathFactory, entries: list[Any]
) -> None:
    root = tmp_path_factory.mktemp("karpathy")
    source = TypeAdapter(Source).validate_python(fakes.karpathy(root, 1))
    fakes.write_karpathy(root, entries)
    items = list(read_source(source))
    assert len(items) == len(entries)
    sentences = (entry.get("sentences") for entry in entries if isinstance(entry, dict))
    known = [s for s in sentences if isinstance(s, list) and all(isinstance(x, dict) for x in s)]
    told = sum(len(i.captions) if isinstance(i, Record) else i.captions for i in items)
    assert told <= sum(map(len, known)) + len(entries) * 3


@settings(deadline=None)
@given(st.lists(ROWS, min_size=1, max_size=5), st.booleans())
def test_a_table_gives_each_row_or_its_reason(
    tmp_path_factory: pytest.TempPathFactory, rows: list[Any], as_list: bool
) -> None:
    root = tmp_path_factory.mktemp("rows")
    (root / "airport_0.jpg").write_bytes(fakes.picture(1))
    path = root / "rows.json"
    first = {"file_name": "first.jpg", "text": "a"}
    lines = [json.dumps(row) for row in (first, *rows)]
    path.write_text(f"[{','.join(lines)}]" if as_list else "\n".join(lines))
    items = list(read_source(FolderSource(images=root, metadata=path)))
    given = [row.get("file_name") if isinstance(row, dict) else None for row in rows]
    names = [name.strip() for name in given if isinstance(name, str) and name.strip()]
    assert len(items) == 1 + len({Path(name).as_posix() for name in names}) + len(rows) - len(names)


# a folder with a table


def test_jsonl_round_trip(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [
        {"file_name": "a/1.png", "text": ["one", "two"], "split": "train", "scene": "river"},
        {"file_name": "2.png", "text": "机场 مطار ✈️", "split": "test", "label": 4},
        {"file_name": "3.png", "text": "no more"},
    ]
    records, rejected = read(fakes.jsonl_folder(tmp_path, rows))
    assert not rejected
    assert [(r.name, r.split, r.scene, r.captions) for r in records] == [
        ("a/1.png", "pool", "river", ["one", "two"]),
        ("2.png", "test", "4", ["机场 مطار ✈️"]),
        ("3.png", "pool", None, ["no more"]),
    ]


@pytest.mark.parametrize("name", ["captions.csv", "captions.tsv"])
def test_csv_puts_the_captions_of_one_image_together(tmp_path: Path, name: str) -> None:
    rows = [
        ("river_1.png", "a river, wide", ""),
        ("beach_2.png", 'a "beach"\nof sand', "val"),
        ("./river_1.png", "water", ""),
    ]
    settings = fakes.csv_folder(tmp_path, ("filepath", "title", "split"), rows, name)
    records, rejected = read({**settings, "scene_pattern": "^([a-z]+)_"})
    assert not rejected
    assert [(r.name, r.split, r.scene, r.captions) for r in records] == [
        ("river_1.png", "pool", "river", ["a river, wide", "water"]),
        ("beach_2.png", "reference", "beach", ['a "beach"\nof sand']),
    ]


def test_csv_may_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    settings = fakes.csv_folder(tmp_path, ("filename", "caption"), [("1.png", "x")])
    path = settings["metadata"]
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert len(read(settings)[0]) == 1


def test_jsonl_rejects_bad_rows_and_goes_on(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [
        {"file_name": "good.png", "text": "x"},
        {"file_name": "../bad.png", "text": "x"},
        {"file_name": "number.png", "text": 7},
        {"file_name": "numbers.png", "text": [7]},
        {"file_name": "split.png", "text": "x", "split": ["train"]},
        {"file_name": "scene.png", "text": "x", "scene": {}},
        {"file_name": "twice.png", "text": "x", "split": "train"},
        {"file_name": "twice.png", "text": "x", "split": "test"},
        {"text": "x"},
    ]
    settings = fakes.jsonl_folder(tmp_path / "images", rows)
    with settings["metadata"].open("a") as handle:
        handle.write('{"file_name": "gone.png", "text": "x"}\n\n{"file_name": \n[1]\n')
    records, rejected = read(settings)
    assert [r.name for r in records] == ["good.png"]
    assert rejected == {
        "../bad.png": "leaves the image folder",
        "number.png": "captions are not text",
        "numbers.png": "captions are not text",
        "split.png": "split not in source.splits: ['train']; name it there",
        "scene.png": "scene is not text",
        "twice.png": "rows disagree on split: pool, test",
        "metadata.jsonl: line 9": "row without a file name",
        "gone.png": "no such file",
        "metadata.jsonl: line 12": "line is not a JSON object",
        "metadata.jsonl: line 13": "line is not a JSON object",
    }


def test_short_and_long_csv_rows(tmp_path: Path) -> None:
    settings = fakes.csv_folder(tmp_path, ("caption", "filename"), [])
    (tmp_path / "1.png").write_bytes(fakes.picture(1))
    settings["metadata"].write_text("caption,filename\nx\ny,1.png,,\ny,1.png,more,and more\n")
    records, rejected = read(settings)
    assert [r.captions for r in records] == [["y"]]
    assert rejected == {
        "captions.csv: line 2": "row without a file name",
        "captions.csv: line 4": "row has more cells than the header",
    }


@pytest.mark.parametrize(
    ("content", "messages"),
    [
        (b"image,text\n1.png,x\n", ("file_name or filename or filepath", "has image, text")),
        (b"filename,words\n1.png,x\n", ("text or caption or title", "has filename, words")),
        (b"", ("file_name", "has none")),
        (b"filename,text\n1.png,\xff\n", ("UTF-8",)),
        (b'filename,text\n1.png,"' + b"x" * 200_000, ("line 2", "never closed")),
    ],
)
def test_csv_broken_as_a_whole(tmp_path: Path, content: bytes, messages: tuple[str, ...]) -> None:
    settings = fakes.csv_folder(tmp_path, ("filename", "text"), [("1.png", "x")])
    settings["metadata"].write_bytes(content)
    with pytest.raises(WinnowError, match=r"captions\.csv") as caught:
        read(settings)
    assert all(message in str(caught.value) for message in messages)


@pytest.mark.parametrize("split", ["TRAIN", " train ", "Train"])
def test_names_of_splits_are_known_in_any_capitals(tmp_path: Path, split: str) -> None:
    records, rejected = read(
        fakes.jsonl_folder(tmp_path / "a", [{"file_name": "1.png", "text": "x", "split": split}])
    )
    assert not rejected and records[0].split == "pool"
    settings = fakes.karpathy(tmp_path / "b", 1)
    fakes.write_karpathy(tmp_path / "b", [{**GOOD, "split": split}])
    assert read(settings)[0][0].split == "pool"


@pytest.mark.parametrize(
    ("named", "found"),
    [("im\\0.png", "im/0.png"), ("IM/0.PNG", "im/0.png"), (".\\im\\0.PNG", "im/0.png")],
)
def test_names_as_windows_has_them_are_found(tmp_path: Path, named: str, found: str) -> None:
    settings = fakes.jsonl_folder(tmp_path, [{"file_name": "im/0.png", "text": "x"}])
    settings["metadata"].write_text(json.dumps({"file_name": named, "text": "x"}))
    records, rejected = read(settings)
    assert not rejected and [r.name for r in records] == [found]
    (tmp_path / "im" / "0.Png").write_bytes(fakes.picture(3))
    records, rejected = read(settings)
    [reason] = rejected.values()
    assert not records and reason == "no such file; it may be im/0.Png or im/0.png"


@pytest.mark.parametrize("named", ["..\\secret.png", "im\\..\\..\\secret.png"])
def test_backslashes_lead_nowhere_else(tmp_path: Path, named: str) -> None:
    (tmp_path / "secret.png").write_bytes(fakes.picture(9))
    rows = [{"file_name": "im/0.png", "text": "x"}]
    settings = fakes.jsonl_folder(tmp_path / "images", rows)
    settings["metadata"].write_text(json.dumps({"file_name": named, "text": "x"}))
    assert read(settings) == ([], {named: "no such file"})


def test_a_source_with_nothing_in_it_names_what_to_fill(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "t.csv").write_text("file_name,text\n")
    fakes.write_tar(tmp_path / "a.tar", [])
    karpathy = fakes.karpathy(tmp_path / "k", 1)
    fakes.write_karpathy(tmp_path / "k", [])
    empty = tmp_path / "empty"
    cases: list[tuple[str, dict[str, Any]]] = [
        ("source.annotations: .*dataset_rsicd.json", karpathy),
        ("source.metadata: .*t.csv", {
            "kind": "folder", "images": empty, "metadata": tmp_path / "t.csv"}),
        ("source.shards: .*a.tar", {"kind": "webdataset", "shards": str(tmp_path / "a.tar")}),
        ("source.images: .*empty", {"kind": "classes", "images": empty}),
        ("source.images: .*empty", {"kind": "files", "images": empty}),
        ("source.level: 3 is too deep", {**fakes.class_tree(tmp_path / "c"), "level": 3}),
    ]  # fmt: skip
    for message, wrong in cases:
        with pytest.raises(WinnowError, match=message):
            read(wrong)


# class folders


def test_a_class_folder_whose_name_is_no_text_is_named(tmp_path: Path) -> None:
    settings = fakes.class_tree(tmp_path, ("river",), 1)
    (tmp_path / "caf\udce9").mkdir()
    (tmp_path / "caf\udce9" / "1.png").write_bytes(fakes.picture(5))
    records, rejected = read(settings)
    assert [r.scene for r in records] == ["river"]
    reason = "the name of its class folder is not UTF-8 text; rename the folder"
    assert rejected == {"caf\udce9/1.png": reason}
    with pytest.raises(WinnowError, match=r"zeroshot\.folders\.x: .*udce9: .*not UTF-8"):
        class_folders(tmp_path, "zeroshot.folders.x")


def test_classes_round_trip(tmp_path: Path) -> None:
    records, rejected = read(fakes.class_tree(tmp_path, ("BaseballField", "dense_residential")))
    assert not rejected and len(records) == 6
    assert records[0].name == "BaseballField/BaseballField_0.png"
    assert records[0].scene == "BaseballField"
    assert records[0].captions == ["a satellite photo of baseball field."]
    assert records[5].captions == ["a satellite photo of dense residential."]


@pytest.mark.parametrize(
    ("folder", "words"),
    [("AnnualCrop", "annual crop"), ("golf-course", "golf course"), ("SeaLake ", "sea lake")],
)
def test_class_words(folder: str, words: str) -> None:
    assert class_words(folder) == words


def test_classes_reject_what_does_not_belong(tmp_path: Path) -> None:
    settings = fakes.class_tree(tmp_path / "tree", ("river",), 1)
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "x.png").write_bytes(fakes.picture(9))
    root = tmp_path / "tree"
    (root / "top.png").write_bytes(fakes.picture(8))
    (root / "river" / "Thumbs.db").write_bytes(b"x")
    (root / "river" / "link.png").symlink_to(tmp_path / "outside" / "x.png")
    (root / "sea").symlink_to(tmp_path / "outside")
    records, rejected = read(settings)
    assert [r.name for r in records] == ["river/river_0.png"]
    assert rejected == {
        "sea": "a link to a folder (source.links=follow allows it)",
        "top.png": "not in the folder of a class",
        "river/Thumbs.db": "not a known kind of file (.db)",
        "river/link.png": "leaves the image folder through a link (source.links=follow allows it)",
    }


# WebDataset


def test_webdataset_round_trip(tmp_path: Path) -> None:
    for shard in range(3):
        fakes.write_tar(tmp_path / f"s-{shard:03d}.tar", fakes.wds_samples(2, 2 * shard))
    settings = {"kind": "webdataset", "shards": str(tmp_path / "s-{000..002}.tar")}
    records, rejected = read(settings)
    assert not rejected and len(records) == 6
    assert records[3].name == "s-001.tar/000000003"
    assert records[3].captions == ["caption of 3"] and records[3].scene == "airport"
    globbed, _ = read({**settings, "shards": str(tmp_path / "*.tar")})
    assert globbed == records
    limited, _ = read({**settings, "limit": 3})
    assert limited == records[:3]


def test_webdataset_kinds_of_members(tmp_path: Path) -> None:
    image = fakes.picture(1)
    fakes.write_tar(
        tmp_path / "a.tar",
        [
            ("./x/1.PNG", image),
            ("./x/1.txt", b"one\ntwo\n"),
            ("./x/1.cls", b"river\n"),
            ("2.json", b'{"text": ["three"], "split": "val", "scene": "sea"}'),
            ("2.webp", image),
            ("2.cls", b"5"),
            ("3.tif", image),
            ("3.txt", "机场".encode()),
        ],
    )
    records, rejected = read({"kind": "webdataset", "shards": str(tmp_path / "a.tar")})
    assert not rejected
    assert [(r.name, r.split, r.scene, r.captions) for r in records] == [
        ("a.tar/x/1", "pool", "river", ["one\ntwo\n"]),
        ("a.tar/2", "reference", "sea", ["three"]),
        ("a.tar/3", "pool", None, ["机场"]),
    ]


def test_webdataset_rejects_bad_members_and_extracts_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webdataset, "MAX_TEXT", 1000)
    link, device = tarfile.TarInfo("link.png"), tarfile.TarInfo("device.png")
    link.type, link.linkname, device.type = tarfile.SYMTYPE, "../secret.png", tarfile.CHRTYPE
    image = fakes.picture(1)
    fakes.write_tar(
        tmp_path / "in" / "a.tar",
        [
            ("../evil.png", image),
            ("../evil.txt", b"x"),
            ("/etc/evil.png", image),
            (link, b""),
            (device, b""),
            ("deep.npy", b"x"),
            ("._good.png", b"x"),
            ("good.png", image),
            ("good.txt", b"x"),
            ("good.png", image),
            ("alone.txt", b"x"),
            ("two.png", image),
            ("two.jpg", image),
            ("json.png", image),
            ("json.json", b"{"),
            ("list.png", image),
            ("list.json", b"[]"),
            ("latin.png", image),
            ("latin.txt", b"\xe9"),
            ("split.png", image),
            ("split.json", b'{"split": "dev"}'),
            ("number.png", image),
            ("number.json", b'{"caption": 5}'),
            ("long.png", image),
            ("long.txt", b"x" * 1001),
        ],
    )
    records, rejected = read({"kind": "webdataset", "shards": str(tmp_path / "in" / "a.tar")})
    assert [r.name for r in records] == ["a.tar/good"]
    assert {name.removeprefix("a.tar/"): reason for name, reason in rejected.items()} == {
        "../evil.png": "member's name leaves the tar",
        "../evil.txt": "member's name leaves the tar",
        "/etc/evil.png": "member's name leaves the tar",
        "link": "member is not a plain file",
        "device": "member is not a plain file",
        "deep": "sample without image (.npy)",
        "._good.png": "hidden file",
        "good.png": "member occurs twice",
        "alone": "sample without image (.txt)",
        "two.png": "one of several images of a sample (.png, .jpg)",
        "two.jpg": "one of several images of a sample (.png, .jpg)",
        "json": "not valid JSON",
        "list": "JSON is not an object",
        "latin": "text is not UTF-8",
        "split": "split not in source.splits: dev; name it there",
        "number": "captions are not text",
        "long": "member too large",
    }
    assert [p.name for p in tmp_path.rglob("*")] == ["in", "a.tar"]


@pytest.mark.parametrize("content", [b"", b"no tar at all" * 100])
def test_webdataset_damaged_tar_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.tar").write_bytes(content)
    with pytest.raises(WinnowError, match=r"a\.tar: damaged"):
        read({"kind": "webdataset", "shards": str(tmp_path / "a.tar")})


def test_webdataset_truncated_tar_is_named(tmp_path: Path) -> None:
    path = fakes.write_tar(tmp_path / "a.tar", fakes.wds_samples(4))
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(WinnowError, match=r"a\.tar: damaged"):
        read({"kind": "webdataset", "shards": str(path)})


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("a.tar", ["a.tar"]),
        ("a{08..11}.tar", ["a08.tar", "a09.tar", "a10.tar", "a11.tar"]),
        ("a{8..10}", ["a8", "a9", "a10"]),
        ("{x,y}/{0..1}", ["x/0", "x/1", "y/0", "y/1"]),
    ],
)
def test_expand_braces(pattern: str, names: list[str]) -> None:
    assert list(webdataset.expand_braces(pattern)) == names


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("full-{0..999999999}.tar", "stands for 1000000000 names, more than 1000000"),
        ("{0..999}/{0..999}/{a,b}.tar", "stands for 2000000 names"),
        ("s-{5..3}.tar", "names no tar"),
    ],
)
def test_braces_are_counted_before_they_are_expanded(pattern: str, message: str) -> None:
    with pytest.raises(WinnowError, match=r"source\.shards: ") as caught:
        webdataset.shard_paths(pattern)
    assert message in str(caught.value) and "\n" not in str(caught.value)


# text


@settings(deadline=None)
@given(st.text())
def test_clean_is_stable_and_storable(text: str) -> None:
    cleaned = clean(text)
    assert clean(cleaned) == cleaned
    cleaned.encode()
    assert not any(ord(c) < 32 for c in cleaned) and cleaned == cleaned.strip()


@settings(deadline=None)
@given(st.text(st.characters(categories=("Cs", "Cc", "Lo"))))
def test_printable_can_be_stored(name: str) -> None:
    shown = storable(name)
    shown.encode()
    assert "\n" not in shown and "\0" not in shown


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("  two\t words\r\n here ", "two words here"),
        ("a\x00b\x1b[31m", "ab[31m"),
        ("lone \ud800 surrogate", "lone surrogate"),
        ("a \u202erevir\u202c and \u2066b\u2069\u200f\u061c", "a revir and b"),
        ("cafe\u0301", "café"),
        ("卫星图像 مطار 👩‍🚀", "卫星图像 مطار 👩‍🚀"),
    ],
)
def test_clean(text: str, cleaned: str) -> None:
    assert clean(text) == cleaned


def test_caption_faults() -> None:
    assert caption_fault("") == caption_fault("\u200b\ufeff") == "empty caption"
    assert caption_fault("x" * MAX_CAPTION) is None and caption_fault("✈") is None
    assert "longer than 2000" in (caption_fault("x" * (MAX_CAPTION + 1)) or "")
