"""Segmentation sets: of the pool, of real layouts, and what is wrong with masks."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from conftest import World
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from winnow.command.line import main
from winnow.data import segmentation_set
from winnow.data.errors import WinnowError
from winnow.data.images import BadImageError, encode_png
from winnow.data.masks import check_mask
from winnow.data.segmentation_set import IGNORED
from winnow.data.tables import QUARANTINE, read_table
from winnow.sources.pool_segmentation import pool_set
from winnow.sources.segmentation import real_set, tiles
from winnow.sources.segmentation_layouts import POTSDAM_COLOURS
from winnow.sources.settings import SegmentationData
from winnow.terrarium.schema import CLASSES


def picture(side: int = 12, seed: int = 0) -> bytes:
    return encode_png(np.random.default_rng(seed).integers(0, 256, (side, side, 3), dtype=np.uint8))


def mask(*values: int, side: int = 12) -> bytes:
    return encode_png(np.resize(np.array(values, np.uint8), (side, side)))


def write(root: Path, files: dict[str, bytes]) -> None:
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)


def imported(root: Path, output: Path, limit: float = 0.9, **settings: Any) -> list[tuple]:
    content = {"images": str(root), "masks": str(root), "tile": 12, **settings}
    output.mkdir()
    return real_set(SegmentationData.model_validate(content), 0, limit, output)


def test_the_pool_s_own_masks(world: World, tmp_path: Path) -> None:
    pool_set(world.pool, world.samples, 20, 3, tmp_path)
    items = segmentation_set.read_items(tmp_path)
    assert items["split"].value_counts().to_dict() == {"train": 20, "test": 16}
    assert set(items["uid"][items["split"] == "train"]) <= set(world.of("pool")["uid"])
    assert segmentation_set.read_classes(tmp_path) == list(CLASSES)
    masks = segmentation_set.read_masks(tmp_path, items["name"].tolist(), len(CLASSES))
    assert masks.shape == (36, 48, 48)
    assert len(np.unique(masks)) >= 6
    quarter, half = (segmentation_set.labelled(items, share) for share in (0.25, 0.5))
    assert len(quarter) == 5
    assert quarter["name"].tolist() == half["name"].tolist()[:5]
    with pytest.raises(WinnowError, match=r"48 images in the split pool .* lower segmentation"):
        pool_set(world.pool, world.samples, 49, 0, tmp_path)


def test_at_least_one_image_is_labelled() -> None:
    items = pd.DataFrame({"name": ["a", "b"], "split": ["train", "test"], "rank": [0, -1]})
    assert segmentation_set.labelled(items, 0.01)["name"].tolist() == ["a"]
    with pytest.raises(WinnowError, match="no image of the split test"):
        segmentation_set.held_out(items[:1])
    with pytest.raises(WinnowError, match="no image of the split train"):
        segmentation_set.labelled(items[1:], 1.0)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (mask(0, 1, 9), r"a\.png: label 9; known are 0 to 6 and 255"),
        (encode_png(np.full((12, 12), 300, np.uint16)), "label 300"),
        (picture(), "in colors"),
        (b"", "not a readable image"),
        (mask(0, side=10), "10x10 pixels, b has 12x12"),
        (None, "No such file"),
    ],
)
def test_a_damaged_set_is_named(tmp_path: Path, content: bytes | None, message: str) -> None:
    write(
        tmp_path / "masks",
        {"b.png": mask(0, 1)} | ({"a.png": content} if content is not None else {}),
    )
    with pytest.raises(WinnowError, match=message):
        segmentation_set.read_masks(tmp_path, ["b", "a"], 7)


def test_a_set_whose_names_repeat_or_whose_classes_are_lost(tmp_path: Path) -> None:
    row = {"name": "a", "uid": "u", "split": "train", "rank": 0, "group": ""}
    segmentation_set.write_items(tmp_path, pd.DataFrame([row, row]), ["x", "y"])
    with pytest.raises(WinnowError, match=r"name \(a\) occurs again in row 1"):
        segmentation_set.read_items(tmp_path)
    (tmp_path / segmentation_set.CLASSES).write_text("[]")
    with pytest.raises(WinnowError, match=r"classes\.json: is not"):
        segmentation_set.read_classes(tmp_path)


def test_a_folder_reports_bad_masks_by_file(tmp_path: Path) -> None:
    write(
        tmp_path / "images",
        {f"{name}.png": picture(seed=i) for i, name in enumerate("abcdefgh")} | {"notes.txt": b""},
    )
    write(
        tmp_path / "masks",
        {
            "a.png": mask(0, 1),
            "b.tif": mask(1, 255),
            "c.png": mask(0, 1, 7),
            "d.png": mask(0, 1, side=11),
            "e.png": picture(),
            "f.png": b"no image",
            "g.png": mask(0, 30, 120, 250),
            "stray.png": mask(0),
        },
    )
    faults = imported(
        tmp_path,
        tmp_path / "set",
        images=str(tmp_path / "images"),
        masks=str(tmp_path / "masks"),
        classes=["land", "road"],
        test=0.5,
    )
    reasons = dict(faults)
    assert set(reasons) == {f"{n}.png" for n in "cdefgh"} | {"stray.png"}
    assert "does not name the values 7" in reasons["c.png"]
    assert "11x11 pixels, its image has 12x12" in reasons["d.png"]
    assert "in colors" in reasons["e.png"]
    assert "not a readable image" in reasons["f.png"]
    assert "anti-aliased? see segmentation.data.threshold" in reasons["g.png"]
    assert reasons["h.png"] == "image without a mask"
    assert reasons["stray.png"] == "mask without an image"
    table = read_table(tmp_path / "set" / "quarantine.parquet", QUARANTINE)
    assert sorted(table["uid"]) == sorted(reasons)
    assert set(table["stage"]) == {"segmentation"}
    items = segmentation_set.read_items(tmp_path / "set")
    assert sorted(items["split"]) == ["test", "train"]
    assert sorted(items["rank"]) == [-1, 0]


def test_anti_aliased_masks_are_thresholded_where_the_settings_say_so(tmp_path: Path) -> None:
    write(tmp_path / "images", {"a.png": picture(), "b.png": picture(seed=1)})
    write(tmp_path / "masks", {"a.png": mask(0, 99, 100, 255), "b.png": mask(*range(200))})
    faults = imported(
        tmp_path,
        tmp_path / "set",
        images=str(tmp_path / "images"),
        masks=str(tmp_path / "masks"),
        threshold=100,
        test=0.5,
    )
    assert faults == []
    assert segmentation_set.read_classes(tmp_path / "set") == ["background", "foreground"]
    names = sorted(segmentation_set.read_items(tmp_path / "set")["name"])
    masks = segmentation_set.read_masks(tmp_path / "set", names, 2)
    assert masks[0, 0, :4].tolist() == [0, 0, 1, 1]


def test_loveda(tmp_path: Path) -> None:
    for place in ("Train/Rural", "Train/Urban", "Val/Urban"):
        write(
            tmp_path / place,
            {"images_png/1.png": picture(), "masks_png/1.png": mask(*range(8))},
        )
    write(tmp_path / "Test/Urban", {"images_png/2.png": picture()})
    faults = imported(tmp_path, tmp_path / "set", layout="loveda")
    items = segmentation_set.read_items(tmp_path / "set")
    assert faults == []  # its test has no published masks
    assert items["split"].tolist() == ["train", "train", "test"]
    assert items["group"].tolist() == ["Train/Rural", "Train/Urban", "Val/Urban"]
    labels = segmentation_set.read_masks(tmp_path / "set", items["name"].tolist(), 7)
    assert labels[0].ravel()[:8].tolist() == [IGNORED, 0, 1, 2, 3, 4, 5, 6]


def test_potsdam(tmp_path: Path) -> None:
    colours = np.resize(np.array(list(POTSDAM_COLOURS), np.uint8), (12, 12, 3))
    wrong = colours.copy()
    wrong[3, 3] = (252, 255, 0)
    for tile, labels in {"2_10": colours, "2_13": colours, "4_12": wrong}.items():
        for name, pixels in (("RGB", picture()), ("label", encode_png(labels))):
            buffer = io.BytesIO()
            Image.open(io.BytesIO(pixels)).save(buffer, format="TIFF")
            write(tmp_path / name, {f"top_potsdam_{tile}_{name}.tif": buffer.getvalue()})
    faults = imported(
        tmp_path,
        tmp_path / "set",
        layout="potsdam",
        images=str(tmp_path / "RGB"),
        masks=str(tmp_path / "label"),
    )
    assert faults == [
        ("top_potsdam_4_12_label.tif", "colour (252, 255, 0) is that of no class"),
    ]
    items = segmentation_set.read_items(tmp_path / "set")
    assert items["split"].tolist() == ["train", "test"]
    labels = segmentation_set.read_masks(tmp_path / "set", items["name"].tolist(), 6)
    assert labels[0, 0, :7].tolist() == [0, 1, 2, 3, 4, 5, IGNORED]


def test_openearthmap(tmp_path: Path) -> None:
    for region, numbers in {"aachen": (1, 2), "chiangmai": (3,)}.items():
        for number in numbers:
            write(
                tmp_path / region,
                {
                    f"images/{region}_{number}.tif": picture(),
                    f"labels/{region}_{number}.tif": mask(*range(9)),
                },
            )
    write(tmp_path / "aachen", {"images/aachen_9.tif": picture()})
    (tmp_path / "train.txt").write_text("aachen_1.tif\nchiangmai_3.tif\n")
    (tmp_path / "val.txt").write_text("aachen_2.tif\n")
    (tmp_path / "test.txt").write_text("aachen_9.tif\n")
    assert imported(tmp_path, tmp_path / "set", layout="openearthmap") == []
    items = segmentation_set.read_items(tmp_path / "set")
    assert items["split"].tolist() == ["train", "test", "train"]
    assert items["group"].tolist() == ["aachen", "aachen", "chiangmai"]
    (tmp_path / "train.txt").unlink()
    (tmp_path / "val.txt").unlink()
    imported(tmp_path, tmp_path / "shares", layout="openearthmap", test=0.4)
    assert sorted(segmentation_set.read_items(tmp_path / "shares")["split"]) == [
        "test",
        "train",
        "train",
    ]


@pytest.mark.parametrize(
    ("layout", "folders", "most"),
    [
        ("loveda", ("Train/Rural/images_png", "Train/Rural/masks_png"), 7),
        ("openearthmap", ("aachen/images", "aachen/labels"), 8),
    ],
)
def test_values_that_a_layout_does_not_know(
    tmp_path: Path, layout: str, folders: tuple[str, str], most: int
) -> None:
    """The remedy is one that the layout allows: it refuses `classes` and `threshold`."""
    images, masks = folders
    write(tmp_path, {f"{images}/1.png": picture(), f"{masks}/1.png": mask(0, most)})
    write(tmp_path, {f"{images}/2.png": picture(seed=1), f"{masks}/2.png": mask(0, most + 1, 255)})
    assert imported(tmp_path, tmp_path / "set", layout=layout) == [
        (
            f"{masks}/2.png",
            f"the layout {layout} does not name the values {most + 1}, 255 (published masks hold 0 "
            f"to {most}: take those, or give converted ones in the layout folder)",
        )
    ]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"images": "/nowhere"}, "segmentation.data.images: no folder at /nowhere"),
        ({}, "segmentation.data.classes: name the label values"),
        ({"classes": ["a", "b", "c"], "threshold": 9}, "two where `threshold` is given"),
        ({"layout": "loveda", "classes": ["a", "b"]}, "has classes of its own"),
        ({"classes": ["a", "b"]}, "no image is there"),
    ],
)
def test_settings_that_cannot_be(tmp_path: Path, settings: dict, message: str) -> None:
    if settings.get("images"):
        settings = {**settings, "classes": ["a", "b"]}
    with pytest.raises(WinnowError, match=message):
        imported(tmp_path, tmp_path / "set", **settings)


def test_too_many_bad_masks(tmp_path: Path) -> None:
    files = {"images/a.png": picture(), "images/b.png": picture(seed=1)}
    write(tmp_path, files | {"masks/a.png": mask(0, 1), "masks/b.png": mask(9)})
    folders = {"images": str(tmp_path / "images"), "masks": str(tmp_path / "masks")}
    with pytest.raises(WinnowError, match=r"1 of 2 images .* the limit is 0\.4 of all \(b\.png"):
        imported(tmp_path, tmp_path / "set", 0.4, classes=["a", "b"], **folders)


@given(
    high=st.integers(1, 30),
    wide=st.integers(1, 30),
    size=st.integers(1, 20),
    seed=st.integers(0, 99),
)
def test_tiles_hold_every_labelled_pixel_once(high: int, wide: int, size: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    labels = rng.choice(np.array([0, 1, 2, IGNORED], np.uint8), (high, wide))
    image = rng.integers(0, 256, (high, wide, 3), dtype=np.uint8)
    found = list(tiles(image, labels, size))
    assert all(part.shape == (size, size, 3) and m.shape == (size, size) for _, part, m in found)
    assert len({place for place, _, _ in found}) == len(found)
    counts = sum((np.bincount(m.ravel(), minlength=256)[:3] for _, _, m in found), np.zeros(3))
    assert counts.tolist() == np.bincount(labels.ravel(), minlength=256)[:3].tolist()


def test_a_mask_of_another_size() -> None:
    with pytest.raises(BadImageError, match="mask of 3x2 pixels, its image has 2x3"):
        check_mask(np.zeros((2, 3), np.int64), (2, 3), {0}, "classes", "threshold")


def test_the_verbs(world: World, tmp_path: Path, same_environment: None, capsys: Any) -> None:
    output = tmp_path / "set"
    assert (
        main(["segmentation-set", "--pool", str(world.pool), "--output", str(output), "--labels=8"])
        == 0
    )
    assert len(segmentation_set.read_items(output)) == 24
    write(
        tmp_path,
        {"i/a.png": picture(), "i/b.png": picture(), "m/a.png": mask(0, 1), "m/b.png": mask(1)},
    )
    places = [f"--images={tmp_path / 'i'}", f"--masks={tmp_path / 'm'}", "--tile=12", "--test=0.5"]
    made = tmp_path / "made"
    assert (
        main(["import-segmentation", "--output", str(made), '--classes=["a", "b"]', *places]) == 0
    )
    assert "1 training tiles, 1 test tiles" in capsys.readouterr().out
