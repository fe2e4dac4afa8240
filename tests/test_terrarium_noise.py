"""The corruptor: asked-for rates, real falsehood, hostile text."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from conftest import World
from hypothesis import given, settings
from hypothesis import strategies as st

from winnow.command.line import main
from winnow.data.language import ENGLISH, language
from winnow.data.tables import CAPTIONS, TRUTH, read_table, write_table
from winnow.terrarium.captions import human_captions, rule_caption
from winnow.terrarium.layout import draw_layout
from winnow.terrarium.noise import ANY_LANGUAGE, KINDS, account, corrupt, corrupt_one, normalised
from winnow.terrarium.noise_kinds import WORDS
from winnow.terrarium.words import NUMBERS

SINGLE = tuple(kind for kind in KINDS if kind != "mismatch")

# The plain style of real annotators: lower case, a loose full stop, uneven grammar.
HUMAN: list[tuple[str, str]] = [
    ("many planes are parked next to a long building in an airport .", "airport"),
    ("three white airplanes stand near the terminal", "airport"),
    ("some boats are in a port near many buildings .", "port"),
    (
        "a playground with two basketball fields next to it is surrounded by many trees .",
        "playground",
    ),
    ("Waves slapping a white sand beach over and over again.", "beach"),
    ("two rows of houses are on two sides of a road .", "denseresidential"),
    ("it is a piece of yellow desert .", "desert"),
    ("a curved river with a bridge over it is near several green trees .", "bridge"),
    ("lots of cars are neatly parked in the parking lot beside a gray building", "parking"),
    ("four baseball fields are surrounded by green trees and a road .", "baseballfield"),
    ("a square with a round fountain in the center is near a straight road .", "square"),
    ("several storage tanks of different size are next to a railway .", "storagetanks"),
    ("dark green mountains .", "mountain"),
    ("a church with a gray roof is behind a row of red buildings .", "church"),
]
HOSTILE = [
    "",
    " ",
    ".",
    "beach",
    "two",
    "a",
    "near",
    "\n\t",
    "一个有三架白色飞机的机场",
    "три белых самолёта стоят рядом с терминалом",  # noqa: RUF001
    "طائرتان بيضاوان",
    "🛩️🛩️ next to 🏢",
    "{x} %s \\1 <b>",
    "\ud800 lone surrogate near three red cars",
    "word " * 10_000,
    "two red cars next to a tree " * 2_000,
]


@pytest.fixture(scope="module")
def pool() -> dict[str, list]:
    layouts = [draw_layout(seed) for seed in range(1200)]
    texts = [human_captions(layout, seed) for seed, layout in enumerate(layouts)]
    return {
        "captions": [five[0] for five in texts],
        "scenes": [layout.scene for layout in layouts],
        "image_ids": [f"image-{k}" for k in range(1200)],
        "references": [
            [*five, rule_caption(layout)] for five, layout in zip(texts, layouts, strict=True)
        ],
    }


def test_rates_are_met(pool: dict[str, list]) -> None:
    rates = dict.fromkeys(KINDS, 0.075)
    texts, kinds = corrupt(**pool, rates=rates, seed=1)
    share = {kind: count / 1200 for kind, count in Counter(kinds).items()}
    assert abs(share["clean"] - 0.4) < 0.04
    assert set(share) == {*KINDS, "clean"}
    assert all(share[kind] > 0.02 for kind in KINDS)
    for text, kind, caption in zip(texts, kinds, pool["captions"], strict=True):
        assert (text == caption) == (kind == "clean")


@pytest.mark.parametrize("kind", KINDS)
def test_one_kind_at_full_rate(pool: dict[str, list], kind: str) -> None:
    texts, kinds = corrupt(**pool, rates={kind: 1.0}, seed=2)
    assert "clean" not in kinds
    assert kinds.count(kind) > (240 if kind in ("count", "relation") else 1000)
    for text, references in zip(texts, pool["references"], strict=True):
        assert normalised(text) not in {normalised(reference) for reference in references}


def test_no_noise_changes_nothing(pool: dict[str, list]) -> None:
    texts, kinds = corrupt(**pool, rates={}, seed=1)
    assert texts == pool["captions"]
    assert set(kinds) == {"clean"}


def test_items_are_independent_of_their_neighbours(pool: dict[str, list]) -> None:
    rates = dict.fromkeys(SINGLE, 0.12)
    texts, kinds = corrupt(**pool, rates=rates, seed=3)
    order = np.random.Generator(np.random.PCG64(0)).permutation(1200)[:300]
    part = {name: [values[k] for k in order] for name, values in pool.items()}
    again, kinds_again = corrupt(**part, rates=rates, seed=3)
    assert again == [texts[k] for k in order]
    assert kinds_again == [kinds[k] for k in order]
    assert corrupt(**pool, rates=rates, seed=4)[0] != texts


def test_mismatch_comes_from_another_image_and_half_the_time_from_the_same_scene(
    pool: dict[str, list],
) -> None:
    texts, kinds = corrupt(**pool, rates={"mismatch": 1.0}, seed=5)
    scenes: dict[str, set[str]] = {}
    owners: dict[str, set[str]] = {}
    columns = zip(pool["captions"], pool["scenes"], pool["image_ids"], strict=True)
    for caption, scene, image in columns:
        scenes.setdefault(caption, set()).add(scene)
        owners.setdefault(caption, set()).add(image)
    assert set(kinds) == {"mismatch"}
    for text, image in zip(texts, pool["image_ids"], strict=True):
        assert image not in owners[text]
    same = sum(scene in scenes[text] for text, scene in zip(texts, pool["scenes"], strict=True))
    assert 0.45 < same / 1200 < 0.62


def test_no_donor_means_another_kind() -> None:
    captions = ["two red cars on a road", "two cars and a road", "a road with two red cars"]
    _, kinds = corrupt(captions, ["x"] * 3, ["same"] * 3, {"mismatch": 1.0}, 0)
    assert "mismatch" not in kinds
    assert "clean" not in kinds


def test_counts_and_colours_become_false(pool: dict[str, list]) -> None:
    for kind, words in (("count", NUMBERS[2:]), ("attribute", WORDS.colours)):
        texts, kinds = corrupt(**pool, rates={kind: 1.0}, seed=6)
        rows = zip(texts, kinds, pool["captions"], pool["references"], strict=True)
        for text, found, caption, references in rows:
            new = set(text.lower().split()) - set(caption.lower().split())
            if found == kind:
                truths = " ".join(references).lower().split()
                assert not (new & set(words)) & set(truths), (caption, text)


@pytest.mark.parametrize("kind", SINGLE)
@pytest.mark.parametrize(("text", "scene"), HUMAN)
def test_real_style_captions(text: str, scene: str, kind: str) -> None:
    for seed in range(12):
        rng = np.random.Generator(np.random.PCG64(seed))
        changed = corrupt_one(text, kind, rng, [text], scene)
        if changed is None:
            assert kind in ("count", "attribute", "relation", "truncated")
            continue
        assert normalised(changed) != normalised(text)
        assert changed == changed.strip()
        assert "  " not in changed


def test_expected_mistakes() -> None:
    def all_of(text: str, kind: str, scene: str | None = None) -> set[str | None]:
        generators = (np.random.Generator(np.random.PCG64(seed)) for seed in range(60))
        return {corrupt_one(text, kind, rng, [text], scene) for rng in generators}

    assert "there are two white planes ." in all_of("there is a white plane .", "count")
    assert "four cars" in all_of("three cars", "count")
    assert "an orange car" in all_of("a red car", "attribute")
    assert all_of("a bridge over a river", "relation") == {
        "a bridge beside a river",
        "a bridge next to a river",
    }
    assert all_of("trees and grass", "count") == {None}
    assert all_of("trees and grass", "attribute") == {None}
    assert all_of("trees and grass", "relation") == {None}
    assert all_of("too short", "truncated") == {None}


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_does_no_harm(text: str) -> None:
    for kind in SINGLE:
        rng = np.random.Generator(np.random.PCG64(0))
        changed = corrupt_one(text, kind, rng, [text], None)
        assert changed is None or changed
    donors = [text, "a beach", "a forest"]
    texts, kinds = corrupt(donors, [None] * 3, ["a", "b", "c"], {"mismatch": 0.5, "count": 0.5}, 0)
    assert len(texts) == len(kinds) == 3
    assert "clean" not in kinds[1:]
    assert kinds[0] != "clean" or language(text) != ENGLISH


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=80), st.sampled_from(SINGLE), st.integers(0, 1000))
def test_any_text_is_survived(text: str, kind: str, seed: int) -> None:
    rng = np.random.Generator(np.random.PCG64(seed))
    changed = corrupt_one(text, kind, rng, [text, "a beach"], "beach")
    assert changed is None or normalised(changed) not in {normalised(text), "a beach"}


# captions that are not English

FOREIGN = [
    ("机场旁边停着许多飞机。", "zh"),
    ("河流上有一座白色的桥", "zh"),
    ("ملعب أخضر بجانب الطريق", "ar"),
    ("नदी के ऊपर एक पुल है", "hi"),
    ("три белых самолёта стоят рядом с терминалом", "ru"),  # noqa: RUF001
    ("공항에 비행기 세 대가 있습니다", "ko"),
    ("สนามบินมีเครื่องบินหลายลำ", "th"),
    ("Un pont blanc passe au-dessus de la rivière", "fr"),
    ("Zwei Boote liegen neben einer Brücke im Hafen", "de"),
    ("Tres aviones blancos junto a la terminal del aeropuerto", "es"),
]


@pytest.mark.parametrize(("text", "spoken"), FOREIGN)
def test_no_english_is_put_into_other_languages(text: str, spoken: str) -> None:
    assert language(text) == spoken
    for kind in SINGLE:
        for seed in range(8):
            rng = np.random.Generator(np.random.PCG64(seed))
            changed = corrupt_one(text, kind, rng, [text], "airport")
            if kind not in ANY_LANGUAGE:
                assert changed is None
            elif changed is not None:
                assert text.startswith(changed) and 0 < len(changed) < len(text)


def test_english_stays_english(pool: dict[str, list]) -> None:
    captions = {text for five in pool["references"] for text in five}
    captions |= {text for text, _ in HUMAN}
    captions |= {"airport", "beach", "baseball diamond", "dense residential", "two red", "4", ""}
    captions |= {"a house in Grünau near São Paulo", "storage tanks"}
    assert {text for text in captions if language(text) != ENGLISH} == set()


def test_sentences_without_blanks_are_cut() -> None:
    text = "机场旁边停着许多飞机。"
    cuts = {corrupt_one(text, "truncated", np.random.default_rng(k), [text]) for k in range(60)}
    assert cuts == {text[:end] for end in range(4, 9)}  # 0.4 to 0.8 of ten characters
    assert corrupt_one("飞机。", "truncated", np.random.default_rng(0), ["飞机。"]) is None
    vowels = "สนามบินน้ำ"  # a mark stays with its letter
    cuts = {corrupt_one(vowels, "truncated", np.random.default_rng(k), [vowels]) for k in range(60)}
    assert cuts == {"สนา", "สนาม", "สนามบิ", "สนามบิน"}


def test_a_caption_without_its_stop_is_no_mismatch() -> None:
    texts, kinds = corrupt(["桥。", "桥", "河"], [None] * 3, ["a", "b", "c"], {"mismatch": 1.0}, 0)
    assert texts[:2] == ["河", "河"] and set(kinds) == {"mismatch"}


def test_what_could_not_be_made_is_counted() -> None:
    captions = ["机场旁边停着许多飞机。"] * 3 + ["ملعب أخضر بجانب الطريق"] * 2 + ["trees and grass"]
    ids = [str(k) for k in range(6)]
    rates = {"count": 1.0}
    texts, kinds = corrupt(captions, [None] * 6, ids, rates, 0)
    assert texts[:5] == captions[:5] and kinds[:5] == ["clean"] * 5
    became = kinds[5]
    assert became not in ("clean", "count") and texts[5] != captions[5]
    assert account(captions, ids, rates, 0, kinds) == [
        "clean: 5 of 6 captions",
        *[f"{kind}: asked 0, made 1, of them 1 in place of another kind"
          for kind in KINDS if kind == became and KINDS.index(kind) < KINDS.index("count")],
        "count: asked 6, made 0",
        "  5 not made, since the caption is not English; it stays clean: ar 2, zh 3",
        "  1 not made, since the caption has nothing of the kind to get wrong; made instead: "
        f"{became} 1",
        *[f"{kind}: asked 0, made 1, of them 1 in place of another kind"
          for kind in KINDS if kind == became and KINDS.index(kind) > KINDS.index("count")],
    ]  # fmt: skip


def test_too_short_to_cut_and_no_donor_are_told() -> None:
    rates = {"truncated": 1.0}
    texts, kinds = corrupt(["飞机"], [None], ["a"], rates, 0)
    assert (texts, kinds) == (["飞机"], ["clean"])
    told = account(["飞机"], ["a"], rates, 0, kinds)
    assert told[1] == "truncated: asked 1, made 0" and "too short" in told[2]
    kinds = corrupt(["飞机"], [None], ["a"], {"mismatch": 1.0}, 0)[1]
    told = account(["飞机"], ["a"], {"mismatch": 1.0}, 0, kinds)
    assert kinds == ["clean"] and "no other image" in told[2]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.text(max_size=40) | st.sampled_from([text for text, _ in FOREIGN]), max_size=8),
    st.sampled_from([dict.fromkeys(KINDS, 0.125), {"mismatch": 0.5}, {"relation": 1.0}, {}]),
    st.integers(0, 1000),
)
def test_counts_add_up(captions: list[str], rates: dict[str, float], seed: int) -> None:
    ids = [str(k % 3) for k in range(len(captions))]
    texts, kinds = corrupt(captions, [None] * len(captions), ids, rates, seed)
    assert len(texts) == len(kinds) == len(captions)
    for caption, text, kind in zip(captions, texts, kinds, strict=True):
        assert (kind == "clean") == (text == caption)
        assert kind in ("clean", *ANY_LANGUAGE) or language(caption) == ENGLISH
    lines = account(captions, ids, rates, seed, kinds)
    heads = [line.split(": ", 1) for line in lines if not line.startswith(" ")]
    assert lines[0].startswith(f"clean: {kinds.count('clean')} of {len(captions)} ")
    made = {name: int(told.split("made ")[1].split(",")[0]) for name, told in heads[1:]}
    assert made == {kind: kinds.count(kind) for kind in made}
    assert sum(made.values()) + kinds.count("clean") == len(captions)
    asked = {name: int(told.split("asked ")[1].split(",")[0]) for name, told in heads[1:]}
    taken = [told.split("of them ")[1].split()[0] for _, told in heads[1:] if "of them" in told]
    lost = [line.split()[0] for line in lines if line.startswith(" ")]
    kept = sum(made.values()) - sum(map(int, taken))
    assert sum(asked.values()) == kept + sum(map(int, lost))


def corrupted(world: World, tmp_path: Path, texts: list[str], *settings: str) -> int:
    """Run the verb on the small world, whose captions become `texts` in turn."""
    human = world.human.copy()
    human["text"] = [texts[k % len(texts)] for k in range(len(human))]
    write_table(tmp_path / "human.parquet", human, CAPTIONS)
    paths = {"pool": world.pool, "human": tmp_path / "human.parquet", "layouts": world.layouts_path}
    paths |= {name: tmp_path / f"{name}.parquet" for name in ("output", "truth")}
    return main(["raw-captions", *[f"--{name}={path}" for name, path in paths.items()], *settings])


@pytest.mark.usefixtures("same_environment")
def test_the_verb_tells_what_it_could_not_make(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    texts = [text for text, _ in FOREIGN] + [f"机场旁边停着许多飞机 {k}" for k in range(7)]
    noise = '--noise={"mismatch": 0.2, "infeasible": 0.4, "truncated": 0.2}'
    assert corrupted(world, tmp_path, texts, noise, "--per-image=1") == 0
    told = capsys.readouterr().out.splitlines()
    raw = read_table(tmp_path / "output.parquet", CAPTIONS)
    kinds = read_table(tmp_path / "truth.parquet", TRUTH)["kind"].tolist()
    assert set(kinds) == {"clean", "mismatch", "truncated"} and len(kinds) == 48
    assert not any(language(text) == ENGLISH for text in raw["text"] if len(text) > 12)
    assert f"clean: {kinds.count('clean')} of 48 captions" in told
    place = next(k for k, line in enumerate(told) if line.startswith("infeasible: asked "))
    asked = int(told[place].split()[2].rstrip(","))
    assert told[place] == f"infeasible: asked {asked}, made 0" and asked > 8
    why = f"  {asked} not made, since the caption is not English; it stays clean: "
    assert told[place + 1].startswith(why) and "zh " in told[place + 1]


@pytest.mark.usefixtures("same_environment")
def test_noise_that_cannot_be_made_at_all_is_refused(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    texts = ["机场旁边停着许多飞机。"]
    assert corrupted(world, tmp_path, texts, '--noise={"infeasible": 0.5}', "--per-image=1") == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert "captions.noise: none could be made in 48 captions (infeasible: asked " in error
    assert "not English" in error and "`truncated`" in error
    assert not (tmp_path / "output.parquet").exists()
    assert corrupted(world, tmp_path, texts, "--noise={}") == 0


def test_wrong_arguments_are_refused() -> None:
    with pytest.raises(ValueError, match="unknown kinds"):
        corrupt(["a"], [None], ["1"], {"typo": 0.1}, 0)
    with pytest.raises(ValueError, match="above 1"):
        corrupt(["a"], [None], ["1"], {"count": 0.7, "generic": 0.7}, 0)
    with pytest.raises(ValueError, match="differ in length"):
        corrupt(["a"], [None, None], ["1"], {}, 0)
    with pytest.raises(ValueError, match="mismatch"):
        corrupt_one("a", "mismatch", np.random.Generator(np.random.PCG64(0)), [])
