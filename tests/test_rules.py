"""Captions by rule, and caption sets put together."""

from collections import Counter
from pathlib import Path

import pandas as pd
import pytest
from conftest import World
from hypothesis import given
from hypothesis import strategies as st

from winnow.captioning.concatenation import concatenate
from winnow.captioning.rules import boxes_caption, masks_caption, rule_captions, scene_caption
from winnow.command.line import main
from winnow.data.errors import WinnowError
from winnow.data.tables import ANNOTATIONS, CAPTIONS, PAIR, empty, read_table, write_table
from winnow.terrarium.schema import SCENES
from winnow.terrarium.words import NUMBERS

pytestmark = pytest.mark.usefixtures("same_environment")

IN, OUT = (0.5, 0.5), (0.1, 0.5)


def marks(**counts: tuple[int, int]) -> list[tuple[str, float, float]]:
    """Things by class: how many in the middle, how many around."""
    return [
        (label.replace("_", " "), *place)
        for label, (inside, outside) in counts.items()
        for place in [IN] * inside + [OUT] * outside
    ]


@pytest.mark.parametrize(
    ("scene", "text"),
    [
        ("dense residential", "a satellite image of a dense residential area."),
        ("storage tanks", "a satellite image of a tank farm."),
        ("BaseballField", "a satellite image of a baseball field."),
        ("airplanes", "a satellite image of airplanes."),
        ("overpass", "a satellite image of an overpass."),
        ("", ""),
        (" _", ""),
    ],
)
def test_scene(scene: str, text: str) -> None:
    assert scene_caption(scene) == text


@pytest.mark.parametrize("scene", SCENES)
def test_every_scene_of_terrarium_has_its_phrase(scene: str) -> None:
    assert scene_caption(scene).startswith("a satellite image of ")


@pytest.mark.parametrize(
    ("found", "text"),
    [
        (marks(), ""),
        (marks(plane=(1, 0)), "there is one plane in the middle of the image."),
        (marks(plane=(0, 2)), "there are two planes away from the middle of the image."),
        (marks(plane=(2, 3)), "there are five planes, some of them in the middle."),
        (marks(plane=(10, 0)), "there are ten planes in the middle of the image."),
        (marks(plane=(11, 0)), "there are many planes in the middle of the image."),
        (
            marks(terminal=(1, 0), plane=(0, 3), ship=(0, 1)),
            "there is one terminal in the middle of the image, and three planes and one ship "
            "around it.",
        ),
        (
            marks(terminal=(1, 0), barn=(1, 0), plane=(0, 3), car=(1, 1)),
            "there are one barn and one terminal in the middle of the image, three planes around "
            "them, and two cars, some of them in the middle too.",
        ),
        (marks(storage_tank=(0, 2)), "there are two storage tanks away from the middle of the "
         "image."),
        (marks(ships=(1, 0), jetty=(0, 2)), "there is one ship in the middle of the image, and two "
         "jetties around it."),
    ],
)  # fmt: skip
def test_boxes(found: list[tuple[str, float, float]], text: str) -> None:
    assert boxes_caption(found) == text


def test_masks_count_things_and_name_what_covers_most() -> None:
    found = [("water", *IN), ("building", *OUT), ("paved", *IN), ("water", *OUT), ("bare", *IN)]
    assert masks_caption(found) == (
        "there is one building away from the middle of the image. "
        "most of the image is water, with paved ground and bare land."
    )
    assert masks_caption([("grass", *IN), ("grass", *OUT)]) == "most of the image is grass."
    assert masks_caption([("roof", *IN), ("bare", *OUT)]) == (
        "there is one roof in the middle of the image. the rest is mostly bare land."
    )
    assert masks_caption([]) == ""


label = st.sampled_from(["plane", "car", "storage tank", "bus", "ships", "pier", "crème brûlée"])
place = st.floats(0, 1)


@given(st.lists(st.tuples(label, place, place), max_size=30), st.randoms())
def test_each_class_is_counted_once_whatever_the_order(found: list, shuffle) -> None:  # type: ignore[no-untyped-def,type-arg]
    text = boxes_caption(found)
    for name, count in Counter(name for name, _, _ in found).items():
        number = NUMBERS[count] if count <= 10 else "many"
        assert text.count(f" {number} {name[:3]}") >= 1
        assert text.count(f" {name[:3]}") == 1
    again = list(found)
    shuffle.shuffle(again)
    assert boxes_caption(again) == text


def test_only_the_pool_is_captioned_and_only_with_what_is_known(world: World) -> None:
    pool = set(world.of("pool")["uid"])
    first, second, *_ = sorted(pool)
    other = world.of("test")["uid"].iloc[0]
    rows = [
        (first, "box", "plane", 0.4, 0.4, 0.6, 0.6),
        (first, "mask", "water", 0.0, 0.0, 1.0, 1.0),
        (other, "box", "plane", 0.4, 0.4, 0.6, 0.6),
    ]
    known = pd.DataFrame(rows, columns=list(ANNOTATIONS))
    table = world.samples.assign(scene=world.samples["scene"].where(world.samples["uid"] != second))
    captions = rule_captions(table, known)
    assert set(captions["uid"]) == pool - {second}
    mine = captions[captions["uid"] == first]
    assert mine["perspective"].tolist() == ["scene", "boxes", "masks"]
    assert mine["caption_id"].tolist() == [0, 1, 2]
    rest = captions[captions["uid"] != first]
    assert set(rest["perspective"]) == {"scene"} and set(captions["generator"]) == {"rule"}


def test_the_verbs_make_and_concatenate_sets(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    known, rule, whole = (tmp_path / f"{name}.parquet" for name in ("known", "rule", "whole"))
    write_table(known, empty(ANNOTATIONS), ANNOTATIONS)
    words = ["rule-captions", "--pool", world.pool, "--annotations", known, "--output", rule]
    assert main([*map(str, words), "--threads=1"]) == 0
    assert f"scene: {len(world.of('pool'))} captions" in capsys.readouterr().out
    words = ["concatenate", "--parts", world.human_path, rule, "--output", whole]
    assert main([*map(str, words), "--threads=1"]) == 0
    captions = read_table(whole, CAPTIONS)
    assert len(captions) == len(world.human) + len(read_table(rule, CAPTIONS))
    assert not captions.duplicated(PAIR).any()


def part(path: Path, *rows: tuple[str, int, str], generator: str = "mllm") -> Path:
    """A caption set of (uid, caption_id, perspective)."""
    table = [(uid, n, f"{uid} {name} {n}", name, generator) for uid, n, name in rows]
    write_table(path, pd.DataFrame(table, columns=list(CAPTIONS)), CAPTIONS)
    return path


def test_concatenation_numbers_captions_in_the_order_of_the_parts(tmp_path: Path) -> None:
    first = part(tmp_path / "1", ("a", 0, "scene"), ("b", 0, "scene"))
    second = part(tmp_path / "2", ("b", 0, "objects"), ("c", 0, "objects"))
    nothing = part(tmp_path / "3")
    whole = concatenate([second, nothing, first])
    assert whole[[*PAIR, "perspective"]].to_numpy().tolist() == [
        ["b", 0, "objects"],
        ["c", 0, "objects"],
        ["a", 0, "scene"],
        ["b", 1, "scene"],
    ]
    assert list(whole.columns) == list(CAPTIONS)


def test_concatenation_refuses_what_is_there_twice(tmp_path: Path) -> None:
    first = part(tmp_path / "first", ("a", 0, "scene"), ("a", 1, "scene"))
    again = part(tmp_path / "again", ("b", 0, "scene"), ("a", 3, "scene"))
    with pytest.raises(WinnowError, match=r"again: uid a .*'scene'.*'mllm'.*first"):
        concatenate([first, again])
    with pytest.raises(WinnowError, match="name each set once"):
        concatenate([first, first])
    assert (
        len(concatenate([first, part(tmp_path / "rule", ("a", 0, "scene"), generator="rule")])) == 3
    )
    double = part(tmp_path / "double", ("a", 0, "scene"), ("a", 0, "objects"))
    with pytest.raises(WinnowError, match="double: uid and caption_id"):
        concatenate([double])
    with pytest.raises(WinnowError, match="no caption set"):
        concatenate([])
