"""The caption sets in words, and their order in tables and figures."""

from collections.abc import Iterable
from fnmatch import fnmatchcase

MAIN = "raw"  # whose pairs the scorers select at every keep ratio
# In the order of the tables; `mllm_*` and `loop_*` are several.
MEANINGS = {
    "human": "the source's own captions",
    "rule": "written by rule from annotations",
    "mllm_*": "a multimodal model asked from one perspective",
    "mllm": "the model asked from every perspective",
    "relay": "the model given the rule caption",
    "integrated": "the perspectives merged into one caption",
    "loop": "described, scored, and described again where the score was low",
    "loop_*": "a round of that",
    MAIN: "human captions, with noise of known kind where it was asked for",
}


def in_order(names: Iterable[str]) -> list[str]:
    """Each name once, in the order of the tables; those of one kind as given, unknown ones at the
    end."""
    kinds = list(MEANINGS)
    return sorted(
        dict.fromkeys(names),
        key=lambda name: kinds.index(kind) if (kind := _kind(name)) else len(kinds),
    )


def main_set(names: Iterable[str]) -> str:
    """The set whose ratio curves are shown: MAIN, or else the first; "" without any."""
    known = list(names)
    return MAIN if MAIN in known else next(iter(known), "")


def meanings(names: Iterable[str]) -> str:
    """One line of Markdown on what the known ones among the sets are."""
    kinds = dict.fromkeys(kind for name in in_order(names) if (kind := _kind(name)))
    told = [f"`{kind}`, {MEANINGS[kind]}" for kind in kinds]
    return f"Caption sets: {'; '.join(told)}." if told else ""


def _kind(name: str) -> str | None:
    if name in MEANINGS:
        return name
    return next((kind for kind in MEANINGS if fnmatchcase(name, kind)), None)
