"""Hostile sources: nothing keeps a run busy for ever or fills its memory, all is counted."""

import bz2
import gzip
import io
import json
import os
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import TypeAdapter

from winnow.curation.submit import check_card
from winnow.data.content_digests import content_digest
from winnow.data.csv_file import read_csv
from winnow.data.errors import WinnowError
from winnow.data.files import digest_files, read_json
from winnow.data.images import encode_png
from winnow.data.shards import iter_shard
from winnow.data.tables import CAPTIONS, QUARANTINE, SCORES, read_table
from winnow.data.yaml_file import read_yaml
from winnow.preferences.text_pairs import read_pairs
from winnow.sources.caption_text import clean, storable
from winnow.sources.formats import webdataset
from winnow.sources.formats.folder import FolderSource
from winnow.sources.formats.webdataset import WebdatasetSource
from winnow.sources.pool import MAX_CAPTIONS, build_pool
from winnow.sources.read import read_source
from winnow.sources.registry import Source
from winnow.sources.segmentation_layouts import listed_names
from winnow.sources.zeroshot import Made, read_set, write_set, write_sets
from winnow.sources.zeroshot_sets import own_sets

pytestmark = pytest.mark.timeout(60)  # a read that never ends
END = bytes(1024)
IMAGE = encode_png(np.arange(768, dtype=np.uint8).reshape(16, 16, 3))


def refusal(act: Callable[[], Any]) -> str:
    with pytest.raises(WinnowError) as caught:
        act()
    assert "\n" not in str(caught.value)
    return str(caught.value)


# tars


def header(name: str, size: int, kind: bytes = tarfile.REGTYPE) -> bytes:
    """A header of a tar with a size that may be anything."""
    block = bytearray(tarfile.TarInfo(name).tobuf(tarfile.GNU_FORMAT))
    block[124:136] = tarfile.itn(size, 12, tarfile.GNU_FORMAT)  # type: ignore[attr-defined]
    block[156:157] = kind
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def pax(**values: object) -> bytes:
    """A header of the kind pax that says `values` of the next member."""
    told = b""
    for key, value in values.items():
        rest = f" {key.replace('__', '.')}={value}\n".encode()
        length = next(n for n in range(1, 10**6) if len(str(n)) + len(rest) == n)
        told += str(length).encode() + rest
    return header("pax", len(told), tarfile.XHDTYPE) + told + bytes(-len(told) % 512)


HOLES = b"9" * 20 + b"\n" + bytes(491)
SPARSE = {"GNU__sparse__major": 1, "GNU__sparse__minor": 0, "GNU__sparse__realsize": 2**62}
TARS = {
    "size beyond the file": header("a.png", 2**62) + END,
    "size beyond any file": header("a.png", 2**80) + END,
    "loop": header("a.png", 0) + header("b.png", 0) + header("c.png", -512) + END,
    "name of exabytes": header("a.png", 0) + header("a", 2**62, tarfile.GNUTYPE_LONGNAME) + END,
    "link of gigabytes": header("a", 2**33, tarfile.GNUTYPE_LONGLINK) + END,
    "negative name": header("a.png", 0) + header("a", -512, tarfile.GNUTYPE_LONGNAME) + END,
    "pax of gigabytes": header("a.png", 0) + header("p", 2**33, tarfile.XHDTYPE) + END,
    "global pax": header("p", 2**33, tarfile.XGLTYPE) + END,
    "pax size": pax(size=2**62) + header("a.png", 8) + END,
    "pax loop": header("z.png", 0) + pax(size=-1536) + header("a.png", 8) + END,
    "sparse": header("a.png", 2**62, tarfile.GNUTYPE_SPARSE) + END,
    "endless map of holes": pax(**SPARSE) + header("a.png", 512) + HOLES + END,
    "map of holes": pax(GNU__sparse__map="0,1", GNU__sparse__size=9) + header("a.png", 512) + END,
}  # fmt: skip


@pytest.mark.parametrize("name", TARS)
@pytest.mark.parametrize("packed", [bytes, gzip.compress])
def test_tars_that_lie_about_sizes(
    tmp_path: Path, name: str, packed: Callable[[bytes], bytes]
) -> None:
    path = tmp_path / "s.tar"
    path.write_bytes(packed(TARS[name]))
    source = WebdatasetSource(kind="webdataset", shards=str(path))
    assert str(path) in refusal(lambda: list(source.records(1)))


@pytest.mark.parametrize("name", TARS)
def test_shards_of_a_pool_that_lie_about_sizes(tmp_path: Path, name: str) -> None:
    path = tmp_path / "00000.tar"
    path.write_bytes(TARS[name])
    assert str(path) in refusal(lambda: list(iter_shard(path)))


@pytest.mark.parametrize("kept", [0, 700, 1500])
def test_a_cut_set_without_digests_is_one_line(tmp_path: Path, kept: int) -> None:
    folder = tmp_path / "sets/scenes"
    write_set(folder, Made(["port", "river"], ["a {c}"], [(IMAGE, 0), (IMAGE, 1)]))
    (folder / "winnow_digests.json").unlink()
    path = folder / "test/0.tar"
    path.write_bytes(path.read_bytes()[:kept])
    told = refusal(lambda: list(read_set(folder).images))
    assert told.startswith(f"{path}: damaged")
    assert told.endswith(f"delete {tmp_path}/sets and run again")


def test_a_tar_that_unpacks_without_end(tmp_path: Path) -> None:
    path = tmp_path / "s.tar"
    source = WebdatasetSource(kind="webdataset", shards=str(path))
    member = header("a.bin", 2**26) + bytes(2**26)
    for content in (member + END, header("a.txt", 0) + bytes(2**26)):  # data, or zeros at the end
        path.write_bytes(bz2.compress(content))
        told = refusal(lambda: list(source.records(1)))
        assert str(path) in told and f"{webdataset.MAX_UNPACKED} times" in told


def test_a_tar_with_too_many_members(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webdataset, "MAX_MEMBERS", 3, raising=False)
    path = tmp_path / "s.tar"
    source = WebdatasetSource(kind="webdataset", shards=str(path))
    path.write_bytes(b"".join(header(f"{n}.txt", 0) for n in range(4)) + END)
    assert "more than 3 members" in refusal(lambda: list(source.records(1)))


def test_a_compressed_tar_that_is_right_is_read(tmp_path: Path) -> None:
    path = tmp_path / "s.tar"
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, content in (("a.png", IMAGE), (f"{'long' * 60}.txt", b"a road")):
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    path.write_bytes(gzip.compress(buffer.getvalue()))
    items = list(WebdatasetSource(kind="webdataset", shards=str(path)).records(1))
    assert len(items) == 2


# files that are none


def _fifo(path: Path) -> Path:
    os.mkfifo(path)
    return path


def _device(path: Path) -> Path:
    path.symlink_to("/dev/zero")
    return path


READERS: dict[str, Callable[[Path], Any]] = {
    "table": lambda path: read_table(path, SCORES),
    "json": read_json,
    "csv": lambda path: read_csv(path, ()),
    "yaml": lambda path: read_yaml(path, TypeAdapter(dict)),
    "pairs": read_pairs,
    "shard": lambda path: list(iter_shard(path)),
    "tar": lambda path: list(
        WebdatasetSource(kind="webdataset", shards=f"{path.parent}/*.tar").records(1)
    ),
    "zeroshot": lambda path: _zeroshot(path),
}


def _zeroshot(path: Path) -> None:
    tree = path.parent / "tree"
    for name in ("port", "river"):
        (tree / name).mkdir(parents=True)
        (tree / name / "a.png").symlink_to(path)
    write_sets(path.parent / "sets", own_sets({"mine": str(tree)}, {}, images=1, seed=0, size=32))


@pytest.mark.timeout(10)
@pytest.mark.parametrize("kind", [_fifo, _device])
@pytest.mark.parametrize("reader", READERS)
def test_only_regular_files_are_opened(
    tmp_path: Path, kind: Callable[[Path], Path], reader: str
) -> None:
    path = kind(tmp_path / "a.tar")
    told = refusal(lambda: READERS[reader](path))
    assert "not a regular file" in told and str(tmp_path) in told


@pytest.mark.timeout(10)
def test_a_fifo_has_a_digest_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert content_digest([_fifo(tmp_path / "a")]) == content_digest([_device(tmp_path / "b")])
    with pytest.raises(OSError, match="not a regular file"):
        digest_files([tmp_path / "a"])


def test_lists_of_names_that_are_no_text(tmp_path: Path) -> None:
    (tmp_path / "train.txt").write_bytes(b"\xff\xfea.tif\n")
    assert "train.txt" in refusal(lambda: listed_names(tmp_path, {"train.txt": "train"}))


# captions


def _pool(tmp_path: Path, source: Source) -> tuple[dict[str, Any], Path]:
    outputs = (tmp_path / "pool", tmp_path / "human.parquet", tmp_path / "layouts.parquet")
    shares = {"quarantine_limit": 1.0, "reference": 0.0, "test": 0.0}
    return build_pool(read_source(source), *outputs, shard_size=8, **shares), outputs[1]  # type: ignore[arg-type]


@pytest.mark.parametrize(("rows", "count"), [("one", 400_000), ("many", 40_000)])
def test_an_image_with_endless_captions(tmp_path: Path, rows: str, count: int) -> None:
    texts = [f"{n}" for n in range(count)]
    (tmp_path / "a.png").write_bytes(IMAGE)
    lines = [texts] if rows == "one" else texts
    (tmp_path / "metadata.jsonl").write_text(
        "".join(json.dumps({"file_name": "a.png", "text": t}) + "\n" for t in lines)
    )
    source = FolderSource(
        kind="folder", images=tmp_path, metadata=tmp_path / "metadata.jsonl", splits={}
    )
    summary, human = _pool(tmp_path, source)
    assert (
        summary["captions"] == MAX_CAPTIONS
        and summary["captions"] + summary["captions_lost"] == count
    )
    assert summary["lesser"] == {f"more than {MAX_CAPTIONS} captions of an image": 1}
    assert read_table(human, CAPTIONS)["text"].tolist() == texts[:MAX_CAPTIONS]
    assert len(read_table(tmp_path / "pool/quarantine.parquet", QUARANTINE)) == 1


def test_copies_of_an_image_bring_no_more_captions(tmp_path: Path) -> None:
    lines = []
    for copy in range(3):
        (tmp_path / f"{copy}.png").write_bytes(IMAGE)
        texts = [f"{copy} {n}" for n in range(MAX_CAPTIONS - 400)]
        lines.append(json.dumps({"file_name": f"{copy}.png", "text": texts}) + "\n")
    (tmp_path / "metadata.jsonl").write_text("".join(lines))
    source = FolderSource(
        kind="folder", images=tmp_path, metadata=tmp_path / "metadata.jsonl", splits={}
    )
    summary, _ = _pool(tmp_path, source)
    assert summary["captions"] == MAX_CAPTIONS
    assert summary["captions"] + summary["captions_lost"] == 3 * (MAX_CAPTIONS - 400)


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("a car\u200b park\u2060 by\ufeff the\u00ad sea", "a car park by the sea"),
        ("air\u200dport, road\u200c", "airport, road"),
        ("a road\U000e0061\U000e0062\U000e0001", "a road"),
        ("\u202ea\u2066 b\u200f \u200d\u200c", "a b"),
        *[(text, text) for text in (
            "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",  # Persian
            "\u0915\u094d\u200d\u0937",  # Hindi
            "\U0001f469\u200d\U0001f680",
            "\U0001f3f4\U000e0067\U000e0062\U000e007f",
        )],
    ],
)  # fmt: skip
def test_what_nobody_sees_is_no_part_of_a_caption(text: str, cleaned: str) -> None:
    assert clean(text) == cleaned


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("a\u202egnp.exe", "a\\u202egnp.exe"),
        ("a\u2028b.png", "a\\u2028b.png"),
        ("a\u2029\x85\nb.png", "a\\u2029\\x85\\nb.png"),
        ("a\u200bb\ufeff.png", "a\\u200bb\\ufeff.png"),
        ("rivière 日本.png", "rivière 日本.png"),
    ],
)
def test_names_hide_nothing_in_one_line(name: str, shown: str) -> None:
    assert storable(name) == shown and storable(shown) == shown


# cards


def test_a_card_that_is_no_file(tmp_path: Path) -> None:
    _device(tmp_path / "scores.parquet")
    _fifo(tmp_path / "card.yaml")
    told = refusal(lambda: check_card(tmp_path))
    assert "card.yaml" in told and "scores.parquet" in told
