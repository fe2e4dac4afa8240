"""The leakage audit: what it finds, what it leaves alone, and which rows it strikes out."""

import csv
import io
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import World
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from PIL import Image, ImageEnhance

from winnow.command.line import main
from winnow.curation.caption_overlap import LEAST, content_words, find_overlaps
from winnow.curation.image_sets import split_images
from winnow.curation.leakage import find_leaks
from winnow.curation.near_duplicates import BATCH, Gallery, matches
from winnow.curation.perceptual_hash import (
    CROPS,
    SIDE,
    TURNS,
    fitted,
    grey,
    hashed,
    hashes,
    turn,
    view,
)
from winnow.data.errors import WinnowError
from winnow.data.files import digest_bytes, write_json
from winnow.data.images import encode_png, open_rgb
from winnow.data.shards import ShardWriter
from winnow.data.tables import (
    CAPTIONS,
    COMPARED,
    ECHOED,
    ECHOES,
    LEAKS,
    SAMPLES,
    SUBSET,
    read_table,
    write_table,
)
from winnow.params.load import read, resolve
from winnow.reporting.emit.csv import csv_text
from winnow.reporting.emit.markdown import markdown_page
from winnow.reporting.leakage import leakage_page, leakage_table, read_audit, read_struck, rows
from winnow.reporting.method_results import Method
from winnow.sources.zeroshot import TEMPLATES, Made, write_set

pytestmark = pytest.mark.usefixtures("same_environment")

ROOT = Path(__file__).parents[1]
LIMITS = resolve(read(ROOT / "params.yaml")).leakage
LENIENT = 0.9  # the default finds fewer crops of images this small: docs/leakage.md


def images_of(world: World, split: str = "test") -> list[Image.Image]:
    return [open_rgb(content) for _, content in split_images(world.pool, world.samples, split)]


def encoded(image: Image.Image, kind: str = "PNG", **how: int) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **how)
    return buffer.getvalue()


def cropped(image: Image.Image, share: float, x: float = 0.5, y: float = 0.5) -> Image.Image:
    """A part with `share` of both sides, at a place in what is left over, scaled up."""
    left, top = x * (1 - share) * image.width, y * (1 - share) * image.height
    box = (left, top, left + share * image.width, top + share * image.height)
    return image.resize(image.size, Image.Resampling.BICUBIC, box=box)


EDITS = {
    "jpeg": lambda image: open_rgb(encoded(image, "JPEG", quality=75)),
    "half the size": lambda image: image.resize((image.width // 2, image.height // 2)),
    "brighter": lambda image: ImageEnhance.Brightness(image).enhance(1.2),
    "darker": lambda image: ImageEnhance.Brightness(image).enhance(0.7),
    "less contrast": lambda image: ImageEnhance.Contrast(image).enhance(0.7),
    "grey": lambda image: image.convert("L").convert("RGB"),
    "mirrored": lambda image: image.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
    "turned": lambda image: image.transpose(Image.Transpose.ROTATE_90),
    "a crop": lambda image: cropped(image, 0.9),
    "a crop of a corner": lambda image: cropped(image, 0.8, 0.0, 1.0),
    "a crop at no round place": lambda image: cropped(image, 0.93, 0.3, 0.6),
    "a brighter crop as jpeg": lambda image: open_rgb(
        encoded(ImageEnhance.Brightness(cropped(image, 0.9)).enhance(1.2), "JPEG", quality=80)
    ),
}  # fmt: skip


# images


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
def test_edited_copies_are_found_both_ways(world: World, edit) -> None:
    images = images_of(world)
    before = np.stack([grey(image) for image in images])
    after = np.stack([grey(edit(image)) for image in images])
    for one, other in ((after, before), (before, after)):
        found = matches(one, Gallery(other), LIMITS.distance, LENIENT)
        pairs = {(match.one, match.other) for match in found}
        assert pairs <= {(row, row) for row in range(len(images))}, "no image is another"
        assert len(pairs) >= 0.7 * len(images), "48 pixels, some with little on them"


def test_other_images_of_the_same_world_are_left_alone(world: World) -> None:
    sets = {"test": split_images(world.pool, world.samples, "test")}
    splits = {n: split_images(world.pool, world.samples, n) for n in ("pool", "reference")}
    against = {name: ["test"] for name in splits}
    found, compared = find_leaks(splits, sets, against, LIMITS.distance, LIMITS.correlation)
    assert found.empty
    assert compared.to_dict("list") == {
        "trained": ["pool", "reference"], "evaluation": ["test", "test"],
        "images": [48, 24], "others": [16, 16],
    }  # fmt: skip


def test_exact_copies(world: World) -> None:
    image = images_of(world)[0]
    sets = {"one": [("a", encode_png(np.asarray(image)))], "two": [("b", encoded(image, "WEBP"))]}
    trained = {"pool": [("a", encoded(image, "BMP")), ("c", encoded(image, "TIFF"))]}
    found, _ = find_leaks(trained, sets, {"pool": ["one"]}, 8, 0.9)
    assert found.to_numpy().tolist() == [
        ["pool", "a", "one", "a", "bytes", 1.0], ["pool", "c", "one", "a", "pixels", 1.0],
    ]  # fmt: skip
    both, _ = find_leaks(trained, sets, {"pool": ["one", "two"]}, 8, 0.9)
    assert set(both["evaluation"]) == {"one", "two"}


def test_a_gallery_is_hashed_in_parts() -> None:
    greys = np.random.default_rng(0).integers(0, 256, (2 * BATCH + 1, SIDE, SIDE), dtype=np.uint8)
    for found, expected in zip(Gallery(greys).hashes, hashes(greys), strict=True):
        np.testing.assert_array_equal(found, expected)


def test_what_shows_nothing_is_like_nothing() -> None:
    flat = np.full((2, 64, 64), 7, np.uint8)
    assert matches(flat, Gallery(flat), 31, 0.5) == []


def test_sets_without_images() -> None:
    found, compared = find_leaks({"pool": []}, {"test": []}, {"pool": ["test"]}, 8, 0.9)
    assert found.empty and compared["images"].tolist() == [0]


def test_an_image_that_cannot_be_read_is_named() -> None:
    with pytest.raises(WinnowError, match="image zebra is not an image"):
        find_leaks({"pool": []}, {"test": [("zebra", b"no image")]}, {"pool": ["test"]}, 8, 0.9)


def test_a_crop_is_fitted_to_where_it_was_cut() -> None:
    rng = np.random.default_rng(3)
    picture = Image.fromarray(rng.integers(0, 255, (12, 12), dtype=np.uint8)).resize((64, 64), 3)
    greys = np.asarray(picture)[None]
    true = np.array([[0.03, -0.05, 0.9]])
    found = fitted(view(greys, true), greys, np.array([[0.0, 0.0, 0.95]]))
    assert np.abs(found - true).max() < 0.01


def test_boxes_and_turns_stay_inside() -> None:
    assert all(abs(x) + half <= 1 + 1e-9 >= abs(y) + half for x, y, half in CROPS)
    square = np.arange(9, dtype=float).reshape(1, 3, 3)
    seen = {turn(square, *how).tobytes() for how in TURNS}
    assert len(seen) == 7 and square.tobytes() not in seen


@examples(max_examples=30)
@given(st.integers(0, 9999), st.floats(0.3, 3), st.floats(-40, 40))
def test_hashes_ignore_brightness_and_contrast(seed: int, gain: float, offset: float) -> None:
    views = np.random.default_rng(seed).uniform(0, 255, (1, 32, 32)).astype(np.float32)
    assert (hashed(views) != hashed(views * np.float32(gain) + np.float32(offset))).sum() <= 1


# captions


SAID = st.lists(st.sampled_from(["two", "ships", "the", "near", "a", "harbour", "Red", "."]))


@given(st.lists(SAID, max_size=6), st.lists(SAID, max_size=6))
def test_echoes_are_those_of_brute_force(own: list[list[str]], test: list[list[str]]) -> None:
    def table(texts: list[list[str]], mark: str) -> pd.DataFrame:
        rows = [(f"{mark}{i}", 0, " ".join(text)) for i, text in enumerate(texts)]
        return pd.DataFrame(rows, columns=["uid", "caption_id", "text"])

    expected = []
    for i, text in enumerate(own):
        mine = content_words(" ".join(text))
        theirs = [w for t in test if len(w := content_words(" ".join(t))) == len(mine) >= LEAST]
        gaps = [sum(x != y for x, y in zip(mine, other, strict=True)) for other in theirs]
        if gaps and min(gaps) <= 1:
            expected.append((f"o{i}", "equal" if min(gaps) == 0 else "near"))
    found = find_overlaps("raw", table(own, "o"), table(test, "t"))
    assert list(zip(found["uid"], found["kind"], strict=True)) == expected


def test_words_have_neither_case_nor_punctuation_nor_articles() -> None:
    assert content_words("The Red-roofed house, near A lake_side!") == (
        "red", "roofed", "house", "near", "lake", "side",
    )  # fmt: skip
    assert content_words("机场 and 机场") == ("机", "场", "and", "机", "场")


def test_echoes_in_a_script_without_blanks() -> None:
    own = pd.DataFrame(
        {"uid": ["a", "b", "c"], "caption_id": [0, 0, 0],
         "text": ["机场旁边停着飞机", "机场旁边停着飞机。", "一条河"]}
    )  # fmt: skip
    test = pd.DataFrame({"uid": ["t"], "caption_id": [0], "text": ["机场旁边停着汽机"]})
    found = find_overlaps("raw", own, test)
    assert list(zip(found["uid"], found["kind"], strict=True)) == [("a", "near"), ("b", "near")]


# from a pool to the rows


@pytest.fixture
def planted(world: World, tmp_path: Path) -> Path:
    """A pool in whose split `pool` lie edited test images, and in `reference` one of the pool; its
    captions, and a zero-shot set."""
    images = images_of(world)
    writer = ShardWriter(tmp_path / "pool/shards", 100)
    rows, captions = [], []
    crop = cropped(images[1], 0.9)
    versions = [
        ("test", encode_png(np.asarray(images[0])), "many boats lie in a small harbour"),
        ("test", encode_png(np.asarray(images[1])), "the old road runs past green fields"),
        ("pool", encoded(images[0], "JPEG", quality=80), "Many boats lie in the small harbour."),
        ("pool", encode_png(np.asarray(crop)), "one road runs past green fields"),
        ("pool", encode_png(np.asarray(images[2])), "a lake between hills of sand"),
        ("reference", encode_png(np.asarray(images[3])), "an airport with three planes"),
        ("reference", encoded(images[2], "PNG"), "sand on all sides of the water"),
    ]
    for split, content, text in versions:
        uid = digest_bytes(content)
        shard = writer.add(uid, {"jpg" if content[:2] == b"\xff\xd8" else "png": content})
        rows.append((uid, split, "scene", "planted", shard, 48, 48))
        captions.append((uid, 0, text, "human", "human"))
    writer.close()
    write_table(tmp_path / "pool/samples.parquet", pd.DataFrame(rows, columns=[
        name.rstrip("?") for name in SAMPLES]), SAMPLES)  # fmt: skip
    table = pd.DataFrame(captions, columns=list(CAPTIONS))
    write_table(tmp_path / "human.parquet", table, CAPTIONS)
    write_table(tmp_path / "raw.parquet", table.iloc[2:5], CAPTIONS)
    tile = encode_png(np.asarray(ImageEnhance.Brightness(images[3]).enhance(0.8)))
    write_set(tmp_path / "zeroshot/tiles", Made(["one", "two"], TEMPLATES, [(tile, 0)]))
    assert audit(tmp_path) == 0
    return tmp_path


def audit(folder: Path, **changes: float) -> int:
    limits = LIMITS.model_dump() | changes
    return main(
        [
            "audit",
            *("--pool", str(folder / "pool"), "--human", str(folder / "human.parquet")),
            *("--zeroshot", str(folder / "zeroshot"), "--captions", str(folder / "raw.parquet")),
            *("--output", str(folder / "audit"), "--threads", "1"),
            *(f"--{key}={value}" for key, value in limits.items()),
        ]
    )


def subset(folder: Path, scorer: str, ratio: float, uids: list[str]) -> None:
    table = pd.DataFrame({"uid": uids, "caption_id": 0})
    write_table(folder / f"subsets/raw/{scorer}/{ratio!r}.parquet", table, SUBSET)


def report(folder: Path) -> tuple[dict[str, dict[str, str]], str]:
    """The lines of leakage.csv by track and scorer, and the page."""
    sweep = ["track,captions,scorer,ratio,seed"]
    for track, scorer, ratio in [
        ("contrastive", "pretrained", 1.0), ("contrastive", "none", 1.0),
        ("contrastive", "careful", 0.5), ("contrastive", "crops", 0.5),
        ("contrastive", "lost", 0.5), ("generation", "crops", 0.5), ("detection", "none", 1.0),
        ("preference", "tuned", 1.0), ("preference", "plain", 1.0),
    ]:  # fmt: skip
        captions = "reference" if track == "preference" else "raw"
        sweep += [f"{track},{captions},{scorer},{ratio},{seed}" for seed in (0, 1)]
    (folder / "sweep.csv").write_text("\n".join(sweep) + "\n")
    pool = read_table(folder / "raw.parquet", CAPTIONS)["uid"].tolist()
    subset(folder, "none", 1.0, pool)
    subset(folder, "careful", 0.5, pool[2:])
    subset(folder, "crops", 0.5, pool[1:])
    recipes = {"tuned": {"start": "mine"}, "plain": {"start": "mllm"}}
    tuned = {"mine": {"scorer": "none", "ratio": 1.0}}
    write_json(folder / "recipes.json", {"recipes": recipes, "tuned": tuned})
    words = [f"--{name}={folder / name}" for name in ("audit", "subsets")]
    words += [f"--sweep={folder / 'sweep.csv'}", f"--recipes={folder / 'recipes.json'}"]
    options = ["--scale=smoke", f"--untrained={json.dumps(['pretrained'])}"]
    assert main(["leakage", *words, f"--output={folder / 'results'}", *options]) == 0
    with (folder / "results/leakage.csv").open() as handle:
        lines = {f"{row['track']} {row['scorer']}": row for row in csv.DictReader(handle)}
    return lines, (folder / "results/leakage.md").read_text()


def test_planted_leaks_are_found_and_their_rows_struck_out(planted: Path) -> None:
    pairs = read_table(planted / "audit/pairs.parquet", LEAKS)
    pool = read_table(planted / "raw.parquet", CAPTIONS)["uid"].tolist()
    test = read_table(planted / "human.parquet", CAPTIONS)["uid"].tolist()[:2]
    found = {(leak.trained, leak.uid, leak.other): leak.kind for leak in pairs.itertuples()}
    assert found[("pool", pool[0], test[0])] == "same"
    assert found[("pool", pool[1], test[1])] == "crop"
    assert {leak.evaluation for leak in pairs.itertuples() if leak.trained == "reference"} == {
        "zeroshot/tiles", "pool",
    }  # fmt: skip
    assert len(pairs) == 4
    lines, page = report(planted)
    struck = {name: line["pairs"] for name, line in lines.items() if line["struck"] == "yes"}
    assert struck == {"contrastive none": "2", "contrastive crops": "1", "generation crops": "1"}
    assert lines["contrastive careful"]["pairs"] == "0"
    assert lines["contrastive crops"]["named"].startswith(f"{pool[1]} in test as {test[1]} (crop ")
    assert "detection none" not in lines
    assert pool[1] in page and test[1] in page and "| crops |" in page
    assert page.count("a crop |") == 1 and "3 of 8 rows" in page
    assert read_struck(planted / "results/leakage.csv") == {
        Method("contrastive", "raw", "none", 1.0): 2,
        Method("contrastive", "raw", "crops", 0.5): 1,
        Method("generation", "raw", "crops", 0.5): 1,
    }
    assert read_struck(None) == {}


def test_the_reference_split_is_compared_with_the_pool_and_strikes_nothing_out(
    planted: Path,
) -> None:
    human = read_table(planted / "human.parquet", CAPTIONS)["uid"].tolist()
    pairs = read_table(planted / "audit/pairs.parquet", LEAKS)
    own = pairs[pairs["evaluation"] == "pool"]
    assert own.to_numpy().tolist() == [["reference", human[6], "pool", human[4], "pixels", 1.0]]
    compared = read_table(planted / "audit/compared.parquet", COMPARED)
    assert compared.iloc[-1].tolist() == ["reference", "pool", 2, 3]
    assert list(compared["evaluation"]).count("pool") == 1, "nothing else is compared with it"
    lines, page = report(planted)
    assert read_table(planted / "subsets/raw/careful/0.5.parquet", SUBSET)["uid"][0] == human[4]
    assert lines["contrastive careful"]["pairs"] == "0", "though it learns from that image"
    assert f"| reference | {human[6]} | pool | {human[4]} |" in page
    assert "| reference | pool | 2 | 3 | 1 |" in page


def test_what_was_not_audited_is_blank_and_says_why(planted: Path) -> None:
    lines, page = report(planted)
    for name, reason in (
        ("contrastive pretrained", "learns from no image"), ("contrastive lost", "no such table"),
    ):  # fmt: skip
        assert lines[name]["pairs"] == "" and reason in lines[name]["reason"]
        assert lines[name]["struck"] == "no"
    assert lines["contrastive lost"]["reason"] == (
        "not audited: raw/lost/0.5.parquet: no such table"
    )
    assert lines["preference plain"]["images"] == "" and lines["preference tuned"]["images"] == "3"
    assert "no such table" in page


def test_captions_are_counted_beside_those_of_the_reference_split(planted: Path) -> None:
    echoed = read_table(planted / "audit/echoed.parquet", ECHOED)
    assert echoed.to_numpy().tolist() == [["raw", "pool", 3, 1, 1], ["human", "reference", 2, 0, 0]]
    echoes = read_table(planted / "audit/echoes.parquet", ECHOES)
    assert echoes["kind"].tolist() == ["equal", "near"]
    page = report(planted)[1]
    assert page.count("| equal |\n") == 1 and page.count("| near |\n") == 1, "beside their images"
    assert "66.67" in page


def test_the_same_audit_twice_gives_the_same_bytes(planted: Path) -> None:
    def contents() -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in (planted / "audit").iterdir()}

    before = contents()
    assert audit(planted) == 0
    assert contents() == before


def test_names_on_the_page_are_text(planted: Path) -> None:
    found = read_audit(planted / "audit")
    hostile = found.pairs.assign(evaluation="zeroshot/<script>|*", trained="pool")
    lines = rows(
        found._replace(pairs=hostile), *_files(planted), planted / "recipes.json", ["pretrained"]
    )
    page = markdown_page(leakage_page(found._replace(pairs=hostile), lines, "smoke"))
    assert "<script>" not in page and r"&lt;script&gt;\|\*" in page
    assert "<script>" in csv_text(leakage_table(lines))


def _files(folder: Path) -> tuple[Path, Path]:
    report(folder)
    return folder / "sweep.csv", folder / "subsets"


def test_a_table_that_is_no_audit_is_named(planted: Path, capsys: pytest.CaptureFixture) -> None:
    table = pd.DataFrame(
        {"trained": ["pool"], "evaluation": ["test"], "images": [1], "others": [2]}
    )
    write_table(planted / "audit/pairs.parquet", table, COMPARED)
    with pytest.raises(AssertionError):
        report(planted)
    assert "pairs.parquet: column 'uid' is missing" in capsys.readouterr().err


NO_RATIO = "track,captions,scorer,ratio,pairs,struck\ncontrastive,raw,none,much,2,yes\n"


@pytest.mark.parametrize("text", ["track,captions\nx,y\n", NO_RATIO])
def test_a_list_of_struck_rows_that_nobody_wrote_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "leakage.csv"
    path.write_text(text)
    with pytest.raises(WinnowError, match=r"leakage\.csv: (column|row 0)"):
        read_struck(path)
