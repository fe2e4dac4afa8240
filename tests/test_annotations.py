"""Boxes and masks that come with a data set, also when somebody made mistakes in them."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from conftest import World
from fakes import encode
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from pydantic import ValidationError

from winnow.captioning.annotations import annotations, describe
from winnow.captioning.coco import read_coco
from winnow.captioning.masks import read_masks, regions
from winnow.captioning.matching import IMAGE_KEYS, MASK_KEYS, match
from winnow.captioning.settings import Annotations
from winnow.command.line import main
from winnow.data.errors import WinnowError
from winnow.data.images import BadImageError
from winnow.data.masks import read_mask
from winnow.data.tables import ANNOTATIONS, LAYOUTS, empty, read_table, write_table
from winnow.terrarium.schema import CLASSES

pytestmark = pytest.mark.usefixtures("same_environment")


def samples(*sources: str, width: int = 100, height: int = 50) -> pd.DataFrame:
    """SAMPLES of images with these sources; the uids are u0, u1, ..."""
    return pd.DataFrame(
        {
            "uid": [f"u{i}" for i in range(len(sources))],
            "split": "pool",
            "scene": None,
            "source": sources,
            "shard": 0,
            "width": width,
            "height": height,
        }
    )


def coco(path: Path, **changes: Any) -> Path:
    """A small COCO file: one image `a.jpg` of 100 x 50 pixels with one plane."""
    content = {
        "images": [{"id": 1, "file_name": "a.jpg", "width": 100, "height": 50}],
        "categories": [{"id": 7, "name": "Plane"}, {"id": 8, "name": "storage_tank"}],
        "annotations": [box([10, 10, 20, 20])],
        **changes,
    }
    path.write_text(json.dumps({k: v for k, v in content.items() if v is not None}))
    return path


def box(bbox: Any, **changes: Any) -> dict[str, Any]:
    """One annotation of COCO."""
    return {"id": 1, "image_id": 1, "category_id": 7, "bbox": bbox, **changes}


def test_coco_boxes_become_fractions(tmp_path: Path) -> None:
    path = coco(
        tmp_path / "c.json",
        annotations=[box([10, 10, 20, 20]), box([-10, 40, 30, 30], category_id="8")],
    )
    rows, faults = read_coco(path, samples("a.jpg"))
    assert rows == [
        ("u0", "box", "plane", 0.1, 0.2, 0.3, 0.6),
        ("u0", "box", "storage tank", 0.0, 0.8, 0.2, 1.0),
    ]
    assert not faults


def test_boxes_of_a_resized_image_use_the_size_in_the_file(tmp_path: Path) -> None:
    pool = samples("a.jpg", width=50, height=25)
    rows, _ = read_coco(coco(tmp_path / "c.json"), pool)
    assert rows[0][3:] == (0.1, 0.2, 0.3, 0.6)
    unsized = coco(tmp_path / "d.json", images=[{"id": 1, "file_name": "a.jpg"}])
    rows, _ = read_coco(unsized, pool)
    assert rows[0][3:] == (0.2, 0.4, 0.6, 1.0)


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ("nonsense", "not an object"),
        (box([1, 1, 1]), "not four numbers"),
        (box(None), "not four numbers"),
        (box({"x": 1}), "not four numbers"),
        (box([1, 1, -5, 5]), "without area"),
        (box([1, 1, 0, 5]), "without area"),
        (box([math.nan, 1, 5, 5]), "not a finite number"),
        (box([1, 1, math.inf, 5]), "not a finite number"),
        (box([10**400, 1, 5, 5]), "not a finite number"),
        (box(["1", 1, 5, 5]), "not a finite number"),
        (box([200, 1, 5, 5]), "outside the image"),
        (box([1, -50, 5, 5]), "outside the image"),
        (box([1, 1, 5, 5], category_id=99), "no usable category"),
        (box([1, 1, 5, 5], category_id=None), "without category_id"),
        (box([1, 1, 5, 5], image_id=[1]), "without image_id"),
        (box([1, 1, 5, 5], image_id=2), "no usable image"),
    ],
)
def test_bad_boxes_are_counted_and_the_rest_is_kept(
    tmp_path: Path, entry: Any, reason: str
) -> None:
    path = coco(tmp_path / "c.json", annotations=[entry, box([10, 10, 20, 20])])
    rows, faults = read_coco(path, samples("a.jpg"))
    assert len(rows) == 1
    assert len(faults) == 1 and reason in faults[0][0] and faults[0][1] == "annotations[0]"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"categories": [{"id": 7, "name": "plane"}, {"id": 7, "name": "car"}]}, "id given twice"),
        ({"categories": [{"id": 7, "name": "plane"}, {"id": 8}]}, "without a usable name"),
        ({"categories": [{"id": 7, "name": "plane"}, {"id": 8, "name": " \n"}]}, "usable name"),
        ({"categories": [{"id": 7, "name": "plane"}, {"id": 8, "name": "x" * 999}]}, "usable name"),
    ],
)
def test_bad_categories_are_counted(tmp_path: Path, changes: dict[str, Any], reason: str) -> None:
    rows, faults = read_coco(coco(tmp_path / "c.json", **changes), samples("a.jpg"))
    assert [row[2] for row in rows] == ["plane"]
    assert reason in faults[0][0]


@pytest.mark.parametrize(
    ("image", "reason"),
    [
        (None, "not an object"),
        ({"file_name": "b.jpg"}, "without id"),
        ({"id": 2}, "without a usable file_name"),
        ({"id": 2, "file_name": "../../etc/passwd"}, "without a usable file_name"),
        ({"id": 2, "file_name": "/a.jpg"}, "without a usable file_name"),
        ({"id": 2, "file_name": "b.jpg", "width": 0, "height": 5}, "width and height"),
        ({"id": 2, "file_name": "b.jpg", "width": 5}, "not a finite number"),
        ({"id": 2, "file_name": "a.jpg"}, "listed twice"),
        ({"id": 2, "file_name": "./a.jpg"}, "listed twice"),
        ({"id": 1, "file_name": "b.jpg"}, "given twice"),
        ({"id": 2, "file_name": "elsewhere.jpg"}, "no image of the pool"),
    ],
)
def test_bad_images_are_counted(tmp_path: Path, image: Any, reason: str) -> None:
    good = {"id": 1, "file_name": "a.jpg", "width": 100, "height": 50}
    path = coco(tmp_path / "c.json", images=[good, image])
    rows, faults = read_coco(path, samples("a.jpg", "b.jpg"))
    assert len(rows) == 1 and any(reason in fault for fault, _ in faults)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[]", "no list 'images'"),
        ('{"images": [], "annotations": {}}', "no list 'annotations'"),
        ('{"images": [], "annotations": []}', "no list 'categories'"),
        ('{"images": [', "not valid JSON"),
        ('{"images": [], "annotations": [], "categories": []}', "no image that can be used"),
    ],
)
def test_a_malformed_file_is_named(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "c.json"
    path.write_text(text)
    with pytest.raises(WinnowError, match=r"c\.json.*" + message.replace("[", r"\[")):
        read_coco(path, samples("a.jpg"))


def test_a_file_of_other_images_shows_both_names(tmp_path: Path) -> None:
    with pytest.raises(WinnowError, match=r"'a\.jpg'.*column `source`.*'zz\.jpg'"):
        read_coco(coco(tmp_path / "c.json"), samples("zz.jpg"))


def test_names_match_by_path_then_by_name_then_without_suffix() -> None:
    pool = samples("x/a.jpg", "y/a.jpg", "b.jpg", "shard-0.tar/c", "d.jpg", "e/d.jpg")
    names = ["y/a.jpg", "train/b.jpg", "c.png", "z/d.jpg", "none.jpg"]
    found, lost = match(names, pool, IMAGE_KEYS, "file")
    assert found == {"y/a.jpg": "u1", "train/b.jpg": "u2", "c.png": "u3"}
    assert lost == [
        ("its name fits several images or files", "z/d.jpg"),
        ("no image of the pool has its name", "none.jpg"),
    ]
    found, lost = match(["b.png", "m/b.png", "x/a.png"], pool, MASK_KEYS, "file")
    assert found == {"b.png": "u2", "x/a.png": "u0"}


name = st.sampled_from(["a.jpg", "b.jpg", "x/a.jpg", "y/a.jpg", "x/a.png", "a", "x/b"])


@given(st.lists(name, unique=True, min_size=1), st.lists(name, unique=True, min_size=1))
def test_no_image_is_matched_twice(names: list[str], sources: list[str]) -> None:
    try:
        found, lost = match(names, samples(*sources), IMAGE_KEYS, "file")
    except WinnowError:
        return
    assert len(set(found.values())) == len(found)
    assert sorted([*found, *(place for _, place in lost)]) == sorted(names)
    exact = {n: f"u{sources.index(n)}" for n in names if n in sources}
    assert exact.items() <= found.items()


def test_regions_are_ordered_by_area_and_small_ones_left_out() -> None:
    mask = np.zeros((10, 20), int)
    mask[0:2, 0:4] = 1  # 8 pixels
    mask[5:10, 10:20] = 2  # 50
    mask[5:9, 0:4] = 1  # 16
    mask[0, 19] = 1  # below the limit
    assert regions(mask, {0: "", 1: "house", 2: "water"}, 0.02) == [
        ("water", 0.5, 0.5, 1.0, 1.0),
        ("house", 0.0, 0.5, 0.2, 0.9),
        ("house", 0.0, 0.0, 0.2, 0.2),
    ]
    assert len(regions(mask, {1: "house", 2: "house"}, 0)) == 4


@given(st.integers(0, 2**32 - 1), st.floats(0, 0.2))
def test_regions_hold_every_pixel_of_their_label(seed: int, min_area: float) -> None:
    mask = np.random.default_rng(seed).integers(0, 3, (7, 9))
    found = regions(mask, {1: "a", 2: "b"}, min_area)
    for _, x0, y0, x1, y1 in found:
        assert 0 <= x0 < x1 <= 1 and 0 <= y0 < y1 <= 1
    if min_area == 0:
        for value, label in ((1, "a"), (2, "b")):
            covered = np.zeros(mask.shape, bool)
            for _, x0, y0, x1, y1 in (box for box in found if box[0] == label):
                covered[round(y0 * 7) : round(y1 * 7), round(x0 * 9) : round(x1 * 9)] = True
            assert covered[mask == value].all()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not a readable image"),
        (b"text", "not a readable image"),
        (encode(np.zeros((9, 9), np.uint8))[:40], "not a readable image"),
        (encode(np.zeros((9, 9, 3), np.uint8)), "colors"),
    ],
)
def test_unusable_masks(content: bytes, message: str) -> None:
    with pytest.raises(BadImageError, match=message):
        read_mask(content)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_masks_keep_their_label_values(dtype: Any) -> None:
    values = np.arange(100, dtype=dtype).reshape(10, 10)
    assert (read_mask(encode(values)) == values).all()
    palette = Image.fromarray(values.astype(np.uint8), mode="P")
    palette.putpalette([255 - i for i in range(256) for _ in range(3)])
    assert (read_mask(encode(palette)) == values).all()


def test_a_folder_of_masks(tmp_path: Path) -> None:
    mask = np.zeros((50, 100), np.uint8)
    mask[:25] = 9
    bad = mask.copy()
    bad[0, 0] = 33
    for path, content in {
        "a.png": encode(mask),
        "sub/b.png": encode(bad),
        "c.png": encode(mask[:20]),
        "d.png": b"not an image",
        "stray.png": encode(mask),
        "readme.txt": b"",
    }.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_bytes(content)
    (tmp_path / "e.png").symlink_to("/etc/hostname")
    pool = samples("a.jpg", "b.jpg", "c.jpg", "d.jpg", "e.jpg")
    known = Annotations(masks="here", mask_classes={9: "Water_Body"}, min_area=0.1)
    rows, faults = read_masks(tmp_path, known, pool)
    assert rows == [("u0", "mask", "water body", 0.0, 0.0, 1.0, 0.5)]
    reasons = {place: reason for reason, place in faults}
    assert set(reasons) == {"sub/b.png", "c.png", "d.png", "e.png", "stray.png"}
    assert "values 33" in reasons["sub/b.png"]
    assert "100x20 pixels, its image has 100x50" in reasons["c.png"]
    assert "through a link" in reasons["e.png"]
    with pytest.raises(WinnowError, match="none: no such folder"):
        read_masks(tmp_path / "none", known, pool)


def test_anti_aliased_masks_are_thresholded_where_the_settings_say_so(tmp_path: Path) -> None:
    mask = np.full((50, 100), 3, np.uint8)
    mask[:, 40:60] = np.linspace(60, 250, 20, dtype=np.uint8)
    (tmp_path / "a.png").write_bytes(encode(mask))
    known = Annotations(masks="here", mask_classes={255: "road"}, mask_threshold=60)
    assert read_masks(tmp_path, known, samples("a.jpg"))[0] == [
        ("u0", "mask", "road", 0.4, 0.0, 0.6, 1.0)
    ]
    plain = known.model_copy(update={"mask_threshold": None})
    assert "anti-aliased" in read_masks(tmp_path, plain, samples("a.jpg"))[1][0][0]


def test_settings_need_classes_for_masks() -> None:
    with pytest.raises(ValidationError, match="need each other"):
        Annotations(masks="folder")
    with pytest.raises(ValidationError, match="need each other"):
        Annotations(mask_classes={1: "road"})


def test_terrarium_brings_its_own(world: World, tmp_path: Path) -> None:
    layouts = world.pool.parent / "layouts.parquet"
    output = tmp_path / "annotations.parquet"
    words = ["annotate", "--pool", world.pool, "--layouts", layouts, "--output", output]
    assert main([*map(str, words), "--threads=1"]) == 0
    rows = read_table(output, ANNOTATIONS)
    assert set(rows.loc[rows["origin"] == "mask", "label"]) <= set(CLASSES)
    known = read_table(layouts, LAYOUTS)
    things = {
        uid: len(json.loads(text)["things"])
        for uid, text in zip(known["uid"], known["layout"], strict=True)
    }
    boxes = rows[rows["origin"] == "box"]["uid"].value_counts()
    assert boxes.to_dict() == {uid: count for uid, count in things.items() if count}
    assert rows[["x0", "y0"]].min().min() >= 0 and rows[["x1", "y1"]].max().max() <= 1
    assert (rows["x0"] < rows["x1"]).all() and (rows["y0"] < rows["y1"]).all()
    order = {uid: place for place, uid in enumerate(world.samples["uid"])}
    assert rows["uid"].map(order).is_monotonic_increasing


def test_files_join_what_the_pool_has(tmp_path: Path) -> None:
    pool = tmp_path / "pool"
    pool.mkdir()
    table = samples("a.jpg")
    (tmp_path / "masks").mkdir()
    (tmp_path / "masks" / "a.png").write_bytes(encode(np.ones((50, 100), np.uint8)))
    path = coco(tmp_path / "c.json", annotations=[box([1, 1, 5, 5]), *[box(None)] * 7])
    settings = Annotations(coco=str(path), masks=str(tmp_path / "masks"), mask_classes={1: "roof"})
    rows, faults = annotations(pool, table, empty(LAYOUTS), settings)
    assert rows["label"].tolist() == ["plane", "roof"]
    assert rows["origin"].tolist() == ["box", "mask"]
    text = describe(rows, faults)
    assert "1 of origin box, 1 of origin mask" in text
    assert "7 x bbox is not four numbers: annotations[1]" in text and text.endswith(", ...")


def test_a_broken_layout_is_named(tmp_path: Path) -> None:
    layouts = pd.DataFrame([("u0", '{"things": 3}', "")], columns=list(LAYOUTS))
    with pytest.raises(WinnowError, match="layouts: the layout of uid u0 cannot be read"):
        annotations(tmp_path, samples("a.jpg"), layouts, Annotations())


def test_the_verb_says_what_it_left_out(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    layouts = tmp_path / "layouts.parquet"
    write_table(layouts, empty(LAYOUTS), LAYOUTS)
    images = [{"id": 1, "file_name": world.samples["source"].iloc[0]}, {"id": 2}]
    path = coco(tmp_path / "c.json", images=images)
    words = ["annotate", "--pool", world.pool, "--layouts", layouts, "--output", tmp_path / "out"]
    assert main([*map(str, words), f"--coco={path}", "--threads=1"]) == 0
    assert "1 x image without a usable file_name: images[1]" in capsys.readouterr().out
    path.write_text("{")
    assert main([*map(str, words), f"--coco={path}", "--threads=1"]) == 2
    assert "c.json: not valid JSON" in capsys.readouterr().err
