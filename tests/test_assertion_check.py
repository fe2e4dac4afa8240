"""The check against the world: true captions are clean, and known noise is told by its kind."""

from collections import Counter
from collections.abc import Iterator
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_assertions import captions

from winnow.assertions.check import check, count_fits
from winnow.assertions.layout_view import LayoutView
from winnow.scoring.scorers.oracle import OracleScore
from winnow.terrarium import perspectives
from winnow.terrarium.captions import human_captions, rule_caption
from winnow.terrarium.layout import draw_layout
from winnow.terrarium.noise import KINDS, corrupt, corrupt_one
from winnow.terrarium.noise_kinds import CORRUPTORS, WORDS
from winnow.terrarium.schema import Feature, Layout, Style, Thing
from winnow.terrarium.world import sample_seeds

IMAGES = 250


@cache
def world() -> list[tuple[Layout, list[str], str, dict[str, str]]]:
    """Layouts with their human captions, rule caption, and the annotator's answers."""
    found = []
    for index in range(IMAGES):
        seed, _, text_seed = sample_seeds(23, index)
        layout = draw_layout(seed)
        texts = human_captions(layout, text_seed), rule_caption(layout)
        found.append((layout, *texts, perspectives.answers(layout, text_seed)))
    return found


def kinds(source: str) -> Iterator[str]:
    """The kinds that the check gives to captions known to be true."""
    for layout, human, rule, answers in world():
        view = LayoutView(layout)
        texts = {"human": human, "rule": [rule], "answers": [t for t in answers.values() if t]}
        yield from (check(text, view)[0] for text in texts[source])


@pytest.mark.parametrize("source", ["human", "rule", "answers"])
def test_true_captions_are_clean(source: str) -> None:
    found = Counter(kinds(source))
    assert found["clean"] >= 0.99 * found.total(), found


@cache
def confusion() -> dict[str, Counter[str]]:
    """For each kind of known noise, the kinds that the check finds; mismatches by their scene."""
    layouts = [layout for layout, *_ in world()]
    first = [human[0] for _, human, *_ in world()]
    true = [[*human, rule] for _, human, rule, _ in world()]
    scenes: list[str | None] = [layout.scene for layout in layouts]
    names = [str(i) for i in range(IMAGES)]
    swapped, _ = corrupt(first, scenes, names, {"mismatch": 1.0}, 3, references=true)
    owner = dict(zip(first, scenes, strict=True))
    rng = np.random.default_rng(5)
    found: dict[str, Counter[str]] = {}
    for i, layout in enumerate(layouts):
        same = "same scene" if owner[swapped[i]] == layout.scene else "other scene"
        found.setdefault(same, Counter())[check(swapped[i], layout)[0]] += 1
        for kind in CORRUPTORS:
            if (text := corrupt_one(first[i], kind, rng, true[i], layout.scene)) is not None:
                found.setdefault(kind, Counter())[check(text, layout)[0]] += 1
    return found


@pytest.mark.parametrize(
    ("kind", "floor"),
    [
        ("hallucination", 0.92),
        ("count", 0.96),
        ("attribute", 0.95),
        ("relation", 0.88),
        ("generic", 0.99),
        ("truncated", 0.97),
        ("infeasible", 0.99),
    ],
)
def test_known_noise_is_told_by_kind(kind: str, floor: float) -> None:
    found = confusion()[kind]
    assert found[kind] >= floor * found.total(), found


def test_captions_of_other_images_are_mismatches() -> None:
    """Of another scene nearly always; of the same scene they are wrong in detail, or true."""
    found = confusion()
    assert found["other scene"]["mismatch"] >= 0.9 * found["other scene"].total()
    assert found["same scene"]["mismatch"] >= 0.25 * found["same scene"].total()
    assert found["same scene"]["clean"] <= 0.2 * found["same scene"].total()


@pytest.mark.parametrize("tail", [tail for one in WORDS.infeasible for tail in one.said])
def test_what_no_image_shows(tail: str) -> None:
    assert check(f"three planes near a terminal{tail}", AIRPORT)[0] == "infeasible"


def thing(kind: str, x: float, y: float, colour: str = "white", size: str = "small") -> Thing:
    return Thing(kind, colour, size, (x - 0.05, y - 0.05, x + 0.05, y + 0.05), 0.0, 0.1, 0.1)


def layout(scene: str, ground: str, things: list[Thing], *features: Feature) -> Layout:
    """A layout in summer under a clear, bright sky."""
    style = Style()
    return Layout(
        scene, ground, "", features, tuple(things), (), 1.0, "summer", 0.0, 0.0, 1.08, style.tint,
        1.0, 0.0, 0.0,
    )  # fmt: skip


AIRPORT = layout(
    "airport",
    "grass",
    [
        *(thing("plane", x, 0.3) for x in (0.2, 0.4)),
        thing("plane", 0.6, 0.3, "red"),
        thing("terminal", 0.5, 0.1, "gray", "large"),
    ],
    Feature("runway", "line", "asphalt", ((-0.1, 0.9), (1.1, 0.9)), 0.1, trait="straight"),
)
BRIDGE = layout(
    "bridge",
    "soil",
    [thing("car", 0.5, 0.5, "black"), thing("house", 0.1, 0.1, "red")],
    Feature("river", "area", "water", ((0.3, -0.1), (0.7, -0.1), (0.7, 1.1), (0.3, 1.1)),
            colour="dark", trait="wide"),
    Feature("road", "line", "asphalt", ((-0.1, 0.5), (1.1, 0.5)), 0.15),
    Feature("bridge", "line", "concrete", ((0.25, 0.5), (0.75, 0.5)), 0.2, colour="gray"),
)  # fmt: skip


def verdicts(text: str, truth: Layout) -> dict[str, str]:
    return {f"{f.kind} {f.subject} {f.value}".strip(): f.verdict for f in check(text, truth)[1]}


@pytest.mark.parametrize(
    ("text", "assertion", "verdict"),
    [
        ("three planes", "count plane 3", "right"),
        ("two planes", "count plane 2", "wrong"),
        ("two white planes and one red one", "count plane 2", "right"),
        ("two white planes and one red one", "count plane 1", "right"),
        ("three red planes", "count plane 3", "wrong"),
        ("several planes", "count plane several", "right"),
        ("many planes", "count plane many", "wrong"),
        ("blue planes", "attribute plane blue", "wrong"),
        ("a large gray building", "object building", "right"),
        ("a large gray building", "attribute building large", "right"),
        ("four ships", "object ship", "invented"),
        ("four ships", "count ship 4", "invented"),
        ("an airport without planes", "count plane 0", "wrong"),
        ("an airport without ships", "count ship 0", "right"),
        ("a road", "object road", "right"),  # pavement
        ("a straight runway", "attribute runway straight", "right"),
        ("a curved runway", "attribute runway curved", "wrong"),
        ("planes on green grass", "attribute grass green", "right"),
        ("planes on brown grass", "attribute grass brown", "wrong"),
        ("the terminal is at the top", "relation terminal at the top", "right"),
        ("the terminal is at the bottom", "relation terminal at the bottom", "wrong"),
        ("planes next to a terminal", "relation plane next to terminal", "right"),
        ("planes far from a terminal", "relation plane far from terminal", "wrong"),
        ("a harbor in summer", "scene image harbor", "invented"),
        ("an airport in summer", "condition image summer", "right"),
        ("an airport in winter", "condition image winter", "invented"),
        ("an airport, clear sky, bright light", "condition image clear", "right"),
        ("an urban area used for air traffic", "condition image used for air traffic", "right"),
        ("an urban area used for housing", "condition image used for housing", "invented"),
        ("planes", "object runway", "missing"),
        ("planes", "object terminal", "missing"),
    ],
)
def test_verdicts_on_an_airport(text: str, assertion: str, verdict: str) -> None:
    assert verdicts(text, AIRPORT).get(assertion) == verdict


@pytest.mark.parametrize(
    ("text", "assertion", "verdict"),
    [
        ("a car on a bridge over a river", "relation car on bridge", "right"),
        ("a car on a bridge over a river", "relation bridge over river", "right"),
        ("a bridge next to a river", "relation bridge next to river", "wrong"),
        ("a house on a bridge", "relation house on bridge", "wrong"),
        ("a house in a river", "relation house in river", "wrong"),
        ("soil on both sides of a river", "relation soil on both sides of river", "right"),
        ("soil on only one side of a river", "relation soil on only one side of river", "wrong"),
        ("a dark river", "attribute river dark", "right"),
        ("a black river", "attribute river black", "right"),
        ("a blue river", "attribute river blue", "wrong"),
        ("a narrow river", "attribute river narrow", "wrong"),
        ("a black vehicle", "count car 1", "right"),
        ("a view of a river", "scene image river", "right"),
        ("a lake", "object lake", "invented"),
    ],
)
def test_verdicts_on_a_bridge(text: str, assertion: str, verdict: str) -> None:
    assert verdicts(text, BRIDGE).get(assertion) == verdict


def test_a_full_description_misses_nothing() -> None:
    text = "three planes, a terminal and a runway on grass"
    assert "missing" not in verdicts(text, AIRPORT).values()
    assert Counter(verdicts("a picture", AIRPORT).values()) == {"missing": 3}
    # the road lies on the bridge
    assert (
        Counter(verdicts("a car, a house, a river and a bridge", BRIDGE).values())["missing"] == 0
    )


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("three planes near a terminal", "clean"),
        ("five ships in a harbor", "mismatch"),
        ("five ships near a pier", "mismatch"),
        ("three planes and a church near a terminal", "hallucination"),
        ("four planes near a terminal", "count"),
        ("three blue planes near a terminal", "attribute"),
        ("three planes far from a terminal", "relation"),
        ("three planes near a", "truncated"),
        ("an area with some buildings and trees", "generic"),
        ("", "generic"),
        ("three planes, opened in 1987", "infeasible"),
        ("an airport in winter", "attribute"),
    ],
)
def test_kinds(text: str, kind: str) -> None:
    assert check(text, AIRPORT)[0] == kind


@settings(max_examples=200)
@given(captions, st.integers(0, IMAGES - 1))
def test_any_caption_of_any_layout_is_judged(text: str, index: int) -> None:
    kind, findings = check(text, world()[index][0])
    assert kind in {"clean", *KINDS} == set(OracleScore.VALUE)
    assert {finding.verdict for finding in findings} <= {"right", "wrong", "invented", "missing"}
    asserted = [finding[:3] for finding in findings if finding.verdict != "missing"]
    assert len(set(asserted)) == len(asserted)


@given(st.integers(0, 40))
def test_vague_counts(number: int) -> None:
    assert count_fits(str(number), number)
    assert count_fits("many", number) == (number > 6)
    assert count_fits("several", number) == (number >= 3)
    assert count_fits("some", number) == count_fits("few", number) == (number >= 2)
    assert count_fits(str(number + 1), number) == (number > 10)
