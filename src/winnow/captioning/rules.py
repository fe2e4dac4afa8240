"""Captions by rule, from scene labels, boxes and masks.

Boxes become a caption as in RemoteCLIP (Liu et al. 2024, box-to-caption): things are counted by
class, and those in the middle are told from those around; masks become boxes first. The sentences
are ours.
"""

from collections import Counter
from collections.abc import Sequence

import pandas as pd

from winnow.data.tables import CAPTIONS
from winnow.sources.caption_text import class_words
from winnow.terrarium.words import NOUNS, NUMBERS, SCENE_PHRASES, article, listed, plural

Mark = tuple[str, float, float]  # label, and the centre of its box

MIDDLE = (1 / 3, 2 / 3)  # where a centre lies in the middle of the image, on both axes
PLURALS = {one: many for nouns in NOUNS.values() for one, many in nouns}
# Land cover that is not counted, as data sets call it, and as people do.
COVERS = {
    **dict.fromkeys(("agriculture", "agriculture land", "cropland"), "crops"),
    **dict.fromkeys(("bare", "bareland", "barren"), "bare land"),
    **dict.fromkeys(("developed space", "impervious surfaces", "paved"), "paved ground"),
    **dict.fromkeys(("grass", "rangeland"), "grass"),
    **{name: name for name in ("forest", "low vegetation", "sand", "snow", "vegetation", "water")},
    "soil": "bare soil",
}


def rule_captions(samples: pd.DataFrame, annotations: pd.DataFrame) -> pd.DataFrame:
    """Caption set `rule` (CAPTIONS) of the pool split, in its order.

    At most one caption for each of the perspectives `scene`, `boxes` and `masks`: those about which
    the image's label or `annotations` say anything.
    """
    marks: dict[tuple[str, str], list[Mark]] = {}
    centres = (
        (annotations["x0"] + annotations["x1"]) / 2,
        (annotations["y0"] + annotations["y1"]) / 2,
    )
    names = annotations["uid"], annotations["origin"], annotations["label"]
    for uid, origin, label, x, y in zip(*names, *centres, strict=True):
        marks.setdefault((uid, origin), []).append((label, x, y))
    rows = []
    for uid, split, scene in zip(samples["uid"], samples["split"], samples["scene"], strict=True):
        if split != "pool":
            continue
        texts = {
            "scene": scene_caption(scene) if isinstance(scene, str) else "",
            "boxes": boxes_caption(marks.get((uid, "box"), [])),
            "masks": masks_caption(marks.get((uid, "mask"), [])),
        }
        said = [(perspective, text) for perspective, text in texts.items() if text]
        rows += [(uid, n, text, perspective, "rule") for n, (perspective, text) in enumerate(said)]
    return pd.DataFrame(rows, columns=list(CAPTIONS))


def scene_caption(scene: str) -> str:
    """`dense residential` -> "a satellite image of a dense residential area."; "" for no scene."""
    words = class_words(scene)
    if not words:
        return ""
    if words in SCENE_PHRASES:
        return f"a satellite image of {SCENE_PHRASES[words][0]}."
    many = words.endswith("s") and not words.endswith("ss")
    return f"a satellite image of {words if many else article(words)}."


def boxes_caption(marks: Sequence[Mark]) -> str:
    """How many things of each class there are, and which in the middle; "" for none.

    A class with things in both places is counted once: "six cars, some of them in the middle".
    """
    total = Counter(label for label, _, _ in marks)
    inside = Counter(label for label, x, y in marks if _middle(x) and _middle(y))
    middle = {label: n for label, n in total.items() if inside[label] == n}
    around = {label: n for label, n in total.items() if not inside[label]}
    both = {label: n for label, n in total.items() if 0 < inside[label] < n}
    parts = []
    if middle:
        parts.append(f"{_tally(middle)} in the middle of the image")
    if around:
        where = "around it" if sum(middle.values()) == 1 else "around them"
        where = where if middle else "away from the middle of the image"
        parts.append(f"{_tally(around)} {where}")
    if both:
        where = "in the middle too" if middle else "in the middle"
        parts.append(f"{_tally(both)}, some of them {where}")
    if not parts:
        return ""
    first = max((middle or around or both).values())
    one = first == 1 and len(middle or around or both) == 1
    said = f"{', '.join(parts[:-1])}, and {parts[-1]}" if len(parts) > 1 else parts[0]
    return f"there {'is' if one else 'are'} {said}."


def masks_caption(marks: Sequence[Mark]) -> str:
    """The same over regions of masks, and what the land cover mostly is; "" for no region.

    The label that covers most comes first in `marks`.
    """
    counted = [mark for mark in marks if mark[0] not in COVERS]
    covers = list(dict.fromkeys(COVERS[label] for label, _, _ in marks if label in COVERS))
    sentences = [boxes_caption(counted)] if counted else []
    if covers:
        where = "most of the image is" if marks[0][0] in COVERS else "the rest is mostly"
        more = f", with {listed(covers[1:])}" if covers[1:] else ""
        sentences.append(f"{where} {covers[0]}{more}.")
    return " ".join(sentences)


def _middle(coordinate: float) -> bool:
    return MIDDLE[0] <= coordinate <= MIDDLE[1]


def _tally(counts: dict[str, int]) -> str:
    """As in "three planes and one truck": the most frequent first."""
    falling = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return listed([_counted(label, count) for label, count in falling])


def _counted(label: str, count: int) -> str:
    one, many = _forms(label)
    number = NUMBERS[count] if count < len(NUMBERS) else "many"
    return f"{number} {one if count == 1 else many}"


def _forms(label: str) -> tuple[str, str]:
    """Singular and plural of a label, which may be in the plural itself ("ships")."""
    if label in PLURALS:
        return label, PLURALS[label]
    if label.endswith("s") and not label.endswith(("ss", "us", "is")):
        return label.removesuffix("s"), label
    return label, plural(label)
