"""The words people use for what the world contains: `words.yaml`, which explains them."""

from __future__ import annotations

from pydantic import BaseModel

from winnow.data.yaml_file import own_tables


class Scene(BaseModel):
    """The words for a scene."""

    called: tuple[str, ...]
    uses: dict[str, str]
    more_uses: frozenset[str] = frozenset()
    urban: bool = False
    also: frozenset[str] = frozenset()


class Words(BaseModel):
    """The tables of `words.yaml`."""

    numbers: tuple[str, ...]
    nouns: dict[str, tuple[tuple[str, str], ...]]
    scenes: dict[str, Scene]
    colours: dict[str, tuple[str, ...]]


_WORDS = own_tables(__file__, Words)
NUMBERS, NOUNS, COLOUR_WORDS = _WORDS.numbers, _WORDS.nouns, _WORDS.colours
SCENES = tuple(_WORDS.scenes)
SCENE_WORDS = _WORDS.scenes
SCENE_PHRASES = {name: scene.called for name, scene in _WORDS.scenes.items()}
LAND_USES = {name: scene.uses for name, scene in _WORDS.scenes.items()}
URBAN = frozenset(name for name, scene in _WORDS.scenes.items() if scene.urban)


def article(phrase: str) -> str:
    """The phrase behind "a" or "an"."""
    return f"{'an' if phrase[0] in 'aeiou' else 'a'} {phrase}"


def listed(parts: list[str]) -> str:
    """a, b and c."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def plural(noun: str) -> str:
    """The plural of a regular noun."""
    if noun.endswith("y") and noun[-2:-1] not in "aeiou":
        return f"{noun[:-1]}ies"
    return f"{noun}es" if noun.endswith(("s", "x", "ch", "sh")) else f"{noun}s"
