"""Damaged bytes: what is read is what was written, or it is refused in one line that names it."""

import errno
import random
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import World

from winnow.captioning.responses import Responses
from winnow.command.line import main
from winnow.data import content_digests, segmentation_set
from winnow.data.csv_file import read_csv
from winnow.data.digests import check_digests, write_digests
from winnow.data.errors import WinnowError
from winnow.data.files import read_signed, write_signed
from winnow.data.images import encode_png
from winnow.data.parquet_seal import SEAL_BYTES
from winnow.data.shards import iter_masks, iter_shard, shard_path
from winnow.data.tables import PROMPTS, SAMPLES, SCORES, read_about, read_table, write_table
from winnow.generation.images import iter_images, read_prompts, write_images
from winnow.reporting.emit.csv import csv_text
from winnow.reporting.table import Table, plain
from winnow.sources.zeroshot import Made, read_set, write_set


def flipped(path: Path, bits: list[int]) -> Iterator[int]:
    """Flip each of these bits of a file in turn, and put the file right in the end."""
    whole = path.read_bytes()
    for bit in bits:
        damaged = bytearray(whole)
        damaged[bit // 8] ^= 1 << bit % 8
        path.write_bytes(damaged)
        yield bit
    path.write_bytes(whole)


def drawn(path: Path, count: int) -> list[int]:
    return sorted(random.Random(26).sample(range(8 * path.stat().st_size), count))


def refused(act: Callable[[], Any], *names: object) -> bool:
    """Whether `act` is refused, in one line that holds `names`."""
    try:
        act()
    except WinnowError as error:
        assert "\n" not in str(error) and all(str(name) in str(error) for name in names), error
        return True
    return False


def altered(path: Path, place: int = -1) -> None:
    """Flip a bit of the byte at `place`, by default in the middle."""
    damaged = bytearray(path.read_bytes())
    damaged[place if place >= 0 else len(damaged) // 2] ^= 4
    path.write_bytes(damaged)


# tables


@pytest.fixture
def scores(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    uids = [f"{number:032x}" for number in rng.integers(0, 2**60, 400)]
    frame = pd.DataFrame({"uid": uids, "caption_id": 0, "score": rng.normal(size=400)})
    write_table(tmp_path / "scores.parquet", frame, SCORES, {"scorer": "mine"})
    return tmp_path / "scores.parquet"


def test_flips_of_a_table_give_no_other_value(scores: Path) -> None:
    before, about = read_table(scores, SCORES), read_about(scores)
    size = 8 * scores.stat().st_size
    footer = size - 64 - 8 * int.from_bytes(scores.read_bytes()[-8:-4], "little")
    ends = [*range(8), *range(size - 64, size), *range(footer - 8 * SEAL_BYTES, footer, 5)]
    count = 0
    for _ in flipped(scores, [*drawn(scores, 60), *range(footer, size - 64, 211), *ends]):
        if refused(lambda: (read_table(scores, SCORES), read_about(scores)), scores):
            count += 1
        else:
            assert same(scores, SCORES, before) and read_about(scores) == about
    assert count > 100
    assert read_table(scores, SCORES).equals(before)


def test_cut_and_lengthened_tables_are_refused(scores: Path) -> None:
    whole = scores.read_bytes()
    for damaged in (b"", b"PAR1", whole[:-1], whole[: len(whole) // 2], whole + b"\0", whole * 2):
        scores.write_bytes(damaged)
        if damaged != whole * 2:
            assert refused(lambda: read_table(scores, SCORES), scores, "run again"), len(damaged)
        else:
            assert refused(lambda: read_table(scores, SCORES), scores)


def test_tables_of_others_are_verified_by_their_pages(tmp_path: Path) -> None:
    path = tmp_path / "scores.parquet"
    columns = {"uid": ["0" * 32] * 500, "caption_id": list(range(500)), "score": [0.25] * 500}
    plain: dict[str, Any] = {"use_dictionary": False, "compression": "none"}
    pq.write_table(pa.table(columns), path, write_page_checksum=True, **plain)
    before = read_table(path, SCORES)
    altered(path, path.read_bytes().index(2 * np.float64(0.25).tobytes()))
    assert refused(lambda: read_table(path, SCORES), path, "CRC")
    pq.write_table(pa.table(columns), path)  # neither checksums nor a seal
    assert read_table(path, SCORES).equals(before)


def test_a_subset_is_sealed(world: World, tmp_path: Path) -> None:
    pool = world.samples[world.samples["split"] == "pool"]
    frame = pd.DataFrame({"uid": pool["uid"], "caption_id": 0, "score": 1.0})
    write_table(tmp_path / "scores.parquet", frame, SCORES)
    output = tmp_path / "subset.parquet"
    given = [f"--scores={tmp_path}/scores.parquet", f"--pool={world.pool}", f"--output={output}"]
    assert main(["select", *given, "--ratio=0.5"]) == 0
    columns = {name: SCORES[name] for name in ("uid", "caption_id")}
    before = read_table(output, columns)
    for bit in flipped(output, drawn(output, 40)):
        assert refused(lambda: read_table(output, columns)) or same(output, columns, before), bit


def same(path: Path, columns: dict[str, Any], before: pd.DataFrame) -> bool:
    return bool(read_table(path, columns).equals(before))


# images, masks, sets


def test_another_image_is_not_taken_from_a_shard(world: World, tmp_path: Path) -> None:
    pool = tmp_path / "pool"
    shutil.copytree(world.pool, pool)
    path = shard_path(pool, 0)
    whole = path.read_bytes()
    uid, image = next(iter_shard(path))
    altered(path, whole.index(image) + len(image) // 2)
    assert refused(lambda: list(iter_shard(path)), path, uid, "run again")
    other = next(u for u, _ in iter_shard(shard_path(world.pool, 0)) if u != uid)
    path.write_bytes(whole.replace(uid.encode(), other.encode(), 1))  # and the header's sum is off
    assert refused(lambda: list(iter_shard(path)), path)


def test_flips_of_masks_are_refused(world: World, tmp_path: Path) -> None:
    masks = tmp_path / "masks"
    shutil.copytree(world.pool / "masks", masks)
    before = list(iter_masks(masks))
    path = next(masks.glob("*.tar"))
    for _ in flipped(path, drawn(path, 30)):
        assert refused(lambda: list(iter_masks(masks)), path)
    assert list(iter_masks(masks)) == before


def _zeroshot(folder: Path) -> Callable[[], Any]:
    images = [(encode_png(np.full((16, 16, 3), shade, np.uint8)), shade % 2) for shade in range(6)]
    write_set(folder, Made(["port", "river"], ["a {c}"], images))

    def read() -> Any:
        classes, templates, items = read_set(folder)
        return classes, templates, list(items)

    return read


def _generated(folder: Path) -> Callable[[], Any]:
    folder.mkdir()
    rows = [(row, f"{row:032x}", None, f"prompt {row}") for row in range(3)]
    prompts = pd.DataFrame(rows, columns=[name.rstrip("?") for name in PROMPTS])
    write_images(
        folder, prompts, np.random.default_rng(0).integers(0, 256, (3, 16, 16, 3), np.uint8)
    )
    return lambda: list(iter_images(folder, read_prompts(folder)))


def _segments(folder: Path) -> Callable[[], Any]:
    folder.mkdir()
    pixels = np.random.default_rng(0).integers(0, 3, (16, 16), np.uint8)
    segmentation_set.write_image_and_mask(folder, "a", np.dstack([pixels] * 3), pixels)
    rows = [("a", "0" * 32, "train", 0, "")]
    segmentation_set.write_items(
        folder, pd.DataFrame(rows, columns=list(segmentation_set.SEGMENTS)), list("abc")
    )

    def read() -> Any:
        names = segmentation_set.read_items(folder)["name"].tolist()
        masks = segmentation_set.read_masks(folder, names, 3).tolist()
        return (
            masks,
            segmentation_set.read_images(folder, names).tolist(),
            segmentation_set.read_classes(folder),
        )

    return read


@pytest.mark.parametrize("made", [_zeroshot, _generated, _segments])
def test_flips_in_a_set_give_no_other_value(
    tmp_path: Path, made: Callable[[Path], Callable[[], Any]]
) -> None:
    folder = tmp_path / "set"
    read = made(folder)
    before = read()
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        for bit in flipped(path, drawn(path, 12)):
            assert refused(read, folder) or read() == before, (path, bit)
    path = next(p for p in sorted(folder.rglob("*")) if p.suffix in (".png", ".tar"))
    altered(path)
    assert refused(read, path, "run again")
    path.unlink()
    assert refused(read, path)


def test_a_folder_of_others_needs_no_digests(tmp_path: Path) -> None:
    check_digests(tmp_path)
    (tmp_path / "cost.json").write_text("{}")
    write_digests(tmp_path)
    (tmp_path / "cost.json").write_text("other")  # of the run, and not of what it made
    check_digests(tmp_path)


@pytest.mark.parametrize(
    ("opener", "read"),
    [
        ("pathlib.Path.open", lambda path: read_table(path, SCORES)),
        ("pyarrow.parquet.ParquetFile.read", lambda path: read_table(path, SCORES)),
        ("tarfile.open", lambda path: list(iter_shard(path))),
    ],
)
def test_what_may_not_be_read_is_not_to_be_deleted(
    scores: Path, opener: str, read: Callable[[Path], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*arguments: Any, **options: Any) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(scores))

    monkeypatch.setattr(opener, refuse)
    with pytest.raises(WinnowError) as caught:
        read(scores)
    told = str(caught.value)
    assert told.startswith(f"{scores}: ") and "Permission denied" in told and "\n" not in told
    assert "see to its permissions" in told and "delete" not in told


# records and tables of text


def test_flips_of_a_record_give_no_other_value(tmp_path: Path) -> None:
    path = tmp_path / "raw.noise.json"
    record = {"mismatch": 0.3, "count": 0.1}
    write_signed(path, record)
    for bit in flipped(path, list(range(0, 8 * path.stat().st_size, 3))):
        assert refused(lambda: read_signed(path), path) or _same(read_signed(path), record), bit
    assert read_signed(path) == record


def _same(found: dict[str, Any], record: dict[str, Any]) -> bool:
    """Equal values; the name of the digest itself may be another."""
    return {key: found.get(key) for key in record} == record


def test_what_the_verbs_write_is_signed(world: World, tmp_path: Path) -> None:
    output = tmp_path / "raw.parquet"
    places = (f"--human={world.human_path}", f"--layouts={world.layouts_path}")
    given = (
        f"--pool={world.pool}",
        *places,
        f"--output={output}",
        "--truth",
        f"{tmp_path}/t.parquet",
    )
    assert main(["raw-captions", *given, '--noise={"mismatch": 0.25}', "--seed=1"]) == 0
    path = output.with_suffix(".noise.json")
    path.write_text(path.read_text().replace("0.25", "0.35"))
    assert refused(lambda: read_signed(path), path, "run again")


def test_flips_of_a_signed_csv_give_no_other_row(tmp_path: Path) -> None:
    path = tmp_path / "sweep.csv"
    rows = [["detection", "raw", 0.3, 1, '{"steps": 100}'], ["generation", "rule", 0.5, 2, None]]
    header = ["track", "captions", "ratio", "seed", "parameters"]
    path.write_text(
        csv_text(Table(plain(*header), [dict(zip(header, row, strict=True)) for row in rows]), True)
    )
    before = read_csv(path, header[:4])
    for bit in flipped(path, list(range(0, 8 * path.stat().st_size, 3))):
        if not refused(lambda: read_csv(path, header[:4]), path):
            found = read_csv(path, header[:4])
            assert len(found) == 2 and all(map(_same, found, before)), bit


# what is remembered


def test_flips_of_the_replies_give_no_other_reply(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    replies = {f"{number:032x}": {"text": f"a road {number}"} for number in range(40)}
    responses = Responses(tmp_path)
    responses.keep(replies)
    responses.close()
    path = tmp_path / "responses.sqlite"
    for bit in flipped(path, [*drawn(path, 80), *range(0, 800, 29)]):
        responses = Responses(tmp_path)
        found = responses.find(list(replies))
        assert found.items() <= replies.items(), bit
        responses.keep({key: replies[key] for key in replies.keys() - found.keys()})
        assert responses.find(list(replies)) == replies, bit
        responses.close()
    assert "moved to responses.damaged1" in capsys.readouterr().err


def test_a_damaged_reply_is_named_and_asked_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    responses = Responses(tmp_path)
    responses.keep({"a" * 32: "a road", "b" * 32: "a river"})
    responses.close()
    path = tmp_path / "responses.sqlite"
    path.write_bytes(path.read_bytes().replace(b"a road", b"a boat"))
    assert Responses(tmp_path).find(["a" * 32, "b" * 32]) == {"b" * 32: "a river"}
    told = capsys.readouterr().err
    assert str(path) in told and "a" * 32 in told and "asked again" in told


def test_replies_of_earlier_versions_are_known(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "responses.sqlite") as earlier:
        earlier.execute("CREATE TABLE replies (digest TEXT PRIMARY KEY, reply TEXT NOT NULL)")
        earlier.execute("INSERT INTO replies VALUES ('a', '{\"text\": \"a road\"}'), ('b', '{')")
    responses = Responses(tmp_path)
    assert responses.find(["a", "b"]) == {"a": {"text": "a road"}}
    responses.close()
    path = tmp_path / "responses.sqlite"
    whole = path.read_bytes()
    path.write_bytes(whole.replace(b"a road", b"a boat"))
    assert Responses(tmp_path).find(["a"]) == {}


def test_rows_of_earlier_versions_that_are_no_text_cost_no_other(tmp_path: Path) -> None:
    """Bytes that are no UTF-8 are no damage to the file; what is no JSON is asked again."""
    rows = [("a", b'"a \xff road"'), ("b", b"[" * 100_000), ("c", b'"a river"'), (b"\xff", b'"x"')]
    with sqlite3.connect(tmp_path / "responses.sqlite") as earlier:
        earlier.execute("CREATE TABLE replies (digest TEXT PRIMARY KEY, reply TEXT NOT NULL)")
        put = "INSERT INTO replies VALUES (CAST(? AS TEXT), CAST(? AS TEXT))"
        earlier.executemany(put, rows)
    responses = Responses(tmp_path)
    found = responses.find(["a", "b", "c"])
    assert found == {"a": "a \ufffd road", "c": "a river"}
    responses.close()
    assert [path.name for path in tmp_path.iterdir()] == ["responses.sqlite"]


def test_a_damaged_file_of_digests_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(content_digests, "SETTLED_S", -1.0)
    folder = tmp_path / "images"
    folder.mkdir()
    for number in range(3):
        (folder / f"{number}.txt").write_text(f"a road {number}")
    before = content_digests.content_digest([folder])
    place = tmp_path / "cache/winnow/digests.sqlite"
    with sqlite3.connect(place) as memory:
        rows = [(f"{number:064x}", "1 2 3 4", "0" * 64, "0" * 32) for number in range(3000)]
        memory.executemany("INSERT INTO sums VALUES (?, ?, ?, ?)", rows)
        (size,) = memory.execute("PRAGMA page_size").fetchone()
    damaged = bytearray(place.read_bytes())
    middle = len(damaged) // 2 // size * size
    damaged[middle : middle + size] = b"\xff" * size
    place.write_bytes(damaged)
    assert content_digests.content_digest([folder]) == before and not place.exists()
    assert content_digests.content_digest([folder]) == before
    with sqlite3.connect(place) as memory:
        assert memory.execute("SELECT count(*) FROM sums").fetchone() == (3,)


def test_a_damaged_digest_is_not_remembered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(content_digests, "SETTLED_S", -1.0)
    file = tmp_path / "a.txt"
    file.write_text("a road")
    before = content_digests.content_digest([file])
    place = tmp_path / "cache/winnow/digests.sqlite"
    with sqlite3.connect(place) as memory:
        (table,) = memory.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchone()
        memory.execute(f"UPDATE {table} SET digest = 'f' || substr(digest, 2, 62) || '0'")
    assert content_digests.content_digest([file]) == before


def test_samples_of_a_damaged_pool_are_named(world: World, tmp_path: Path) -> None:
    path = tmp_path / "samples.parquet"
    shutil.copyfile(world.pool / "samples.parquet", path)
    altered(path, 200)
    assert refused(lambda: read_table(path, SAMPLES), path, "damaged", "run again")
