"""The general world: determinism, its pictures, and captions that are true of them."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from winnow.sources.zeroshot_sets import terrarium
from winnow.terrarium.general import Crawl, GeneralSample, draw_general
from winnow.terrarium.general_camera import COLOURLESS, LOOKS
from winnow.terrarium.general_picture import COLOURS, PAINTS, Picture
from winnow.terrarium.general_scenes import COMPOSERS, compose
from winnow.terrarium.general_things import shapes
from winnow.terrarium.general_words import general_words
from winnow.terrarium.schema import KINDS, SCENES
from winnow.terrarium.words import NUMBERS


@cache
def crawl() -> tuple[GeneralSample, ...]:
    return tuple(draw_general(7, index) for index in range(500))


def digest_of_general_world() -> str:
    """One digest of pictures, captions and truth."""
    state = hashlib.sha256()
    for index in range(40):
        sample = draw_general(7, index)
        state.update(sample.image.tobytes() + "\n".join(sample.captions).encode())
        state.update(json.dumps(asdict(sample.view)).encode())
    return state.hexdigest()


def test_a_fresh_process_makes_the_same_bytes() -> None:
    root = Path(__file__).parent
    env = {**os.environ, "PYTHONHASHSEED": "5"}
    env["PYTHONPATH"] = os.pathsep.join([str(root), str(root.parent / "src")])
    code = "import test_terrarium_general as t; print(t.digest_of_general_world())"
    done = subprocess.run(
        [sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == digest_of_general_world()


def test_samples_do_not_depend_on_order() -> None:
    again = draw_general(7, 3)
    assert again.view == crawl()[3].view and again.captions == crawl()[3].captions
    assert np.array_equal(again.image, crawl()[3].image)
    assert draw_general(8, 3).view != again.view


@pytest.mark.parametrize("size", [32, 64, 160])
def test_pictures_have_the_size_asked_for_and_are_not_empty(size: int) -> None:
    for index in range(12):
        image = draw_general(3, index, size).image
        assert image.shape == (size, size, 3) and image.dtype == np.uint8
        assert image.std() > 3


def test_one_more_caption_changes_neither_the_picture_nor_the_others() -> None:
    one, three = draw_general(7, 5, captions=1), draw_general(7, 5, captions=3)
    assert np.array_equal(one.image, three.image) and three.captions[:1] == one.captions


def test_things_scenes_and_looks_all_occur() -> None:
    views = [sample.view for sample in crawl()]
    assert {thing.kind for view in views for thing in view.things} == set(KINDS)
    for kind in ("scene", "overhead"):
        assert {view.scene for view in views if view.kind == kind} == set(SCENES)
    assert {view.look for view in views} == set(LOOKS)
    for view in views:
        for thing in view.things:
            x0, y0, x1, y1 = thing.box
            assert 0 <= x0 < x1 <= 1 and -0.1 <= y0 < y1 <= 1.05


def test_words_and_shapes_cover_the_world() -> None:
    words = general_words()
    assert set(words.things) == set(shapes().kinds) == set(COLOURS) == set(KINDS)
    assert set(words.scenes) == set(COMPOSERS) == set(SCENES)
    assert set(words.looks) == set(LOOKS)
    assert {colour for colours in COLOURS.values() for colour in colours} <= set(PAINTS)
    for scene in SCENES:
        for seed in range(12):
            picture = Picture(np.random.Generator(np.random.PCG64(seed)), 128, "clear")
            compose(picture, scene)
            assert picture.things or picture.seen
            assert picture.seen.keys() - {"sky"} <= words.backdrops.keys(), scene


def test_zero_shot_classes_are_named() -> None:
    named = {word for scene in general_words().scenes.values() for word in scene.named}
    asked = {word for one in terrarium().values() for word in one.named(one.style.scenes, "")}
    land = {word for phrases in general_words().backdrops.values() for word in phrases}
    assert asked <= named | land, "no general model could know these"


def _words(phrases: Iterable[str]) -> re.Pattern[str]:
    longest_first = sorted(phrases, key=len, reverse=True)
    return re.compile(rf"\b(?:{'|'.join(re.escape(p.lower()) for p in longest_first)})\b")


def test_captions_name_only_what_shows() -> None:
    """Without the words for what shows, no word for a thing or for land is left."""
    words = general_words()
    nouns = {kind: [n for pair in pairs for n in pair] for kind, pairs in words.things.items()}
    land = {
        name: [p.replace("<colour>", "").replace("a  ", "").strip() for p in phrases]
        for name, phrases in words.backdrops.items()
    }
    unshown = _words([w for group in (*nouns.values(), *land.values()) for w in group])
    for sample in crawl():
        view = sample.view
        groups = [nouns[thing.kind] for thing in view.things] + [land[n] for n in view.backdrop]
        groups += [words.looks[view.look], words.skies[view.sky]]
        if view.scene:
            groups += [words.scenes[view.scene].named, words.scenes[view.scene].web]
        shown = _words([w for group in groups for w in group])
        for text in sample.captions:
            rest = shown.sub(" ", text.lower())
            assert not unshown.search(rest), (text, unshown.findall(rest), view.backdrop)


def test_counts_and_colours_are_true() -> None:
    words = general_words()
    checked = Counter()
    for sample in crawl():
        view = sample.view
        counts = Counter(thing.kind for thing in view.things)
        for text in map(str.lower, sample.captions):
            for kind, nouns in words.things.items():
                for singular, plural in nouns:
                    for number, colour in re.findall(
                        rf"\b({'|'.join(NUMBERS[1:])}) (\w+ )?(?:{plural}|{singular})\b", text
                    ):
                        if f"and {number}" in text or counts[kind] == 0:
                            continue  # two groups of one kind, or "storage tanks" of "tanks"
                        assert NUMBERS.index(number) == counts[kind], (text, counts)
                        checked["count"] += 1
                        names = [c for c in PAINTS if colour.strip() in words.colours.get(c, (c,))]
                        if names:
                            assert view.look not in COLOURLESS
                            own = {t.colour for t in view.things if t.kind == kind}
                            assert own == set(names), (text, own)
                            checked["colour"] += 1
    assert checked["count"] > 60 and checked["colour"] > 20


def test_scenes_are_named_as_rarely_as_asked() -> None:
    """By the words of scenes that no thing and no backdrop shares."""
    tell = {"airport": "airport|airfield|departures", "farmland": "farm life|farmland|cropland",
            "industrial area": "industr", "intersection": "intersection|crossroads"}  # fmt: skip

    def share(named: float) -> float:
        found = total = 0
        for index in range(300):
            sample = draw_general(11, index, 32, Crawl(scene_named=named, overhead=0.5, scenes=0.5))
            if pattern := tell.get(sample.view.scene):
                total += len(sample.captions)
                found += sum(bool(re.search(pattern, t.lower())) for t in sample.captions)
        return found / total

    assert share(0.0) == 0
    assert 0.05 < share(0.15) < 0.25
    assert share(0.15) < share(0.6)


def test_captions_are_short_and_vary() -> None:
    texts = [text for sample in crawl() for text in sample.captions]
    lengths = np.array([len(text.split()) for text in texts])
    assert 3 <= lengths.mean() <= 9 and lengths.max() <= 20
    assert len(set(texts)) > 0.85 * len(texts)
    assert not any("<" in text or "{" in text or "  " in text for text in texts)


def test_knobs_turn_what_they_name() -> None:
    kinds = [draw_general(1, i, 32, Crawl(overhead=1.0)).view.kind for i in range(10)]
    assert set(kinds) == {"overhead"}
    plain = [draw_general(1, i, 32, Crawl(altered=0.0)).view.look for i in range(10)]
    assert set(plain) == {"plain"}
