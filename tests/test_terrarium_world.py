"""The world: layouts, pictures, masks, samples, zero-shot sets and mosaics."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from winnow.sources.zeroshot_sets import terrarium
from winnow.terrarium.contact_sheet import contact_sheet
from winnow.terrarium.layout import draw_layout
from winnow.terrarium.mosaics import mosaic
from winnow.terrarium.render import render
from winnow.terrarium.schema import CLASSES, KINDS, SCENES, SURFACE_CLASS, Layout, Style
from winnow.terrarium.world import draw_sample
from winnow.terrarium.zeroshot import zeroshot_sample

SEEDS = st.integers(0, 2**63 - 1)


def digest_of_world() -> str:
    """One digest of pictures, masks, layouts and captions."""
    state = hashlib.sha256()
    for index in range(40):
        sample = draw_sample(7, index)
        state.update(sample.image.tobytes() + sample.mask.tobytes())
        state.update(json.dumps(sample.layout.to_dict()).encode())
        state.update("\n".join((*sample.captions, sample.rule)).encode())
    return state.hexdigest()


def test_a_fresh_process_makes_the_same_bytes() -> None:
    root = Path(__file__).parent
    env = {**os.environ, "PYTHONHASHSEED": "5"}
    env["PYTHONPATH"] = os.pathsep.join([str(root), str(root.parent / "src")])
    code = "import test_terrarium_world as t; print(t.digest_of_world())"
    done = subprocess.run(
        [sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == digest_of_world()


def test_samples_do_not_depend_on_order() -> None:
    late_first = [draw_sample(3, index).captions for index in (5, 1)]
    early_first = [draw_sample(3, index).captions for index in (1, 5)]
    assert late_first == early_first[::-1]
    assert draw_sample(3, 1).layout != draw_sample(4, 1).layout


@settings(max_examples=150, deadline=None)
@given(SEEDS)
def test_json_round_trip_is_exact(seed: int) -> None:
    layout = draw_layout(seed)
    assert Layout.from_dict(json.loads(json.dumps(layout.to_dict()))) == layout


@settings(max_examples=200, deadline=None)
@given(SEEDS, st.sampled_from(sorted(terrarium())))
def test_boxes_lie_inside_the_image(seed: int, name: str) -> None:
    for thing in draw_layout(seed, terrarium()[name].style).things:
        x0, y0, x1, y1 = thing.box
        assert 0 <= x0 < x1 <= 1
        assert 0 <= y0 < y1 <= 1


@settings(max_examples=200, deadline=None)
@given(SEEDS)
def test_relations_join_what_exists(seed: int) -> None:
    layout = draw_layout(seed)
    names = {feature.name for feature in layout.features} | {layout.scene}
    for subject, words, target in layout.relations:
        assert words
        for end in (subject, target):
            assert end in names if isinstance(end, str) else 0 <= end < len(layout.things)


@settings(max_examples=200, deadline=None)
@given(SEEDS)
def test_large_things_are_larger_than_small_ones(seed: int) -> None:
    layout = draw_layout(seed)
    for thing in layout.things:
        if thing.size == "large" and thing.kind in ("plane", "tank", "warehouse", "tree"):
            assert thing.length > 1.1 * KINDS[thing.kind].length


@pytest.mark.parametrize("scene", SCENES)
def test_every_scene_renders_with_its_classes(scene: str) -> None:
    for seed in range(25):
        layout = draw_layout(seed, Style(scenes=(scene,)))
        assert layout.scene == scene
        image, mask = render(layout, seed)
        assert image.shape == (64, 64, 3)
        assert mask.shape == (64, 64)
        assert image.dtype == mask.dtype == np.uint8
        assert image.std() > 3
        found = {CLASSES[value] for value in np.unique(mask)}
        expected = {KINDS[thing.kind].cover for thing in layout.things}
        covered = {"desert", "lake", "river", "beach", "forest", "mountain"} & {scene}
        if covered:
            expected.add(SURFACE_CLASS[layout.ground])
        assert expected <= found


def test_the_mask_shows_a_thing_where_its_box_is() -> None:
    layout = draw_layout(1, Style(scenes=("storage tanks",)))
    _, mask = render(layout, 0)
    for thing in layout.things:
        x, y = thing.centre
        assert CLASSES[mask[int(y * 64), int(x * 64)]] == "building"


def test_every_class_occurs() -> None:
    seen = {int(v) for seed in range(120) for v in np.unique(render(draw_layout(seed), 0)[1])}
    assert seen == set(range(len(CLASSES)))


@pytest.mark.parametrize("size", [32, 48, 128])
def test_other_sizes_show_the_same_picture(size: int) -> None:
    layout = draw_layout(11)
    image, mask = render(layout, 0, size)
    reference, _ = render(layout, 0, 64)
    assert image.shape == (size, size, 3)
    assert mask.shape == (size, size)
    assert abs(float(image.mean()) - float(reference.mean())) < 12


def test_the_render_seed_moves_texture_but_not_the_mask() -> None:
    layout = draw_layout(2, Style(scenes=("airport",)))
    one, mask = render(layout, 1)
    other, same_mask = render(layout, 2)
    assert (one != other).any()
    assert (mask == same_mask).all()


def test_zeroshot_sets_are_balanced_and_named() -> None:
    for name, one in terrarium().items():
        assert one.style is not None and one.number is not None
        names = one.named(one.style.scenes, name)
        assert len(set(names)) == len(names)
        drawn = [zeroshot_sample(one.style, one.number, i, 0) for i in range(2 * len(names))]
        assert sorted(label for _, label in drawn) == sorted([*range(len(names))] * 2)
        assert (drawn[3][0] == zeroshot_sample(one.style, one.number, 3, 0)[0]).all()


def test_zeroshot_sets_differ_in_style() -> None:
    images = {
        name: np.stack(
            [zeroshot_sample(one.style, one.number, index, 0)[0] for index in range(60)]
        ).astype(float)
        for name, one in terrarium().items()
    }
    sharpness = {name: np.abs(np.diff(stack, axis=2)).mean() for name, stack in images.items()}
    warmth = {name: (stack[..., 0] - stack[..., 2]).mean() for name, stack in images.items()}
    spread = {name: stack.std(axis=(1, 2)).mean() for name, stack in images.items()}
    assert sharpness["terra-coarse"] < 0.8 * sharpness["terra-urban"]
    assert spread["terra-hazy"] < 0.75 * spread["terra-mixed"]
    assert warmth["terra-rural"] > warmth["terra-mixed"] + 8
    assert warmth["terra-winter"] < warmth["terra-mixed"] - 8


def test_mosaic_boxes_are_tiles() -> None:
    for seed in range(5):
        made = mosaic(seed, grid=3)
        assert made["image"].shape == (192, 192, 3)
        boxes = [caption["box"] for caption in made["captions"]]
        assert boxes
        assert len(set(boxes)) == len(boxes)
        for x0, y0, x1, y1 in boxes:
            assert x0 % 64 == y0 % 64 == 0
            assert (x1 - x0, y1 - y0) == (64, 64)
            assert x1 <= 192
            assert y1 <= 192
        assert all(caption["text"] for caption in made["captions"])


def test_the_contact_sheet_has_room_for_every_scene() -> None:
    sheet = contact_sheet(columns=5, rows=4, zoom=1)
    assert sheet.width > 5 * 64
    assert sheet.height > 4 * 64
