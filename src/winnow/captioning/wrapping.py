"""What a chat model puts around an answer: a preamble, Markdown, JSON, quotes.

All of it is known by its form. A text that only resembles it stays as it is: "Here is a harbour:
boats lie in rows." names no caption before its colon.
"""

import json
import re

from winnow.captioning.cleaning import ROUNDS

_IMAGE = r"(?:(?:satellite|aerial|remote[- ]sensing)\s+)?(?:image|picture|photo|photograph|scene)"
_NAME = r"(?:caption|description|sentence|summary|answer|response|list|json|alt[- ]text)s?\b"
# Polite words alone, as long as something follows.
_YES = re.compile(
    r"""\s*(?:
      (?:sure|certainly|of\ course|absolutely|okay|ok|gladly)(?:\ thing)?[!,.:]
    | i(?:['\u2019]d|\ would)\ be\ (?:very\ )?(?:happy|glad)\ to\b[^\n.!:]*[.!]
    )\s+(?=\S)""",
    re.I | re.X,
)
_PREAMBLE = re.compile(
    rf"""(?:[*\#]++\ *(?:[\w-]+\ ){{0,3}}{_NAME}[*]*(?=[ \t]*\n) | [*_\#\ ]*+ (?:
      (?:based\ on\ (?:the|this|your)\ {_IMAGE}[^\n:,]*,\ *)?
      (?:here(?:['\u2019]s|\ is|\ are|\ you\ go)|(?:below|the\ following)\ (?:is|are))\b
        [^\n:]{{0,80}}?\b{_NAME} (?:[^\n:]{{0,80}}:[*_]* | [^\n:]{{0,80}}\.(?=\s*\n))
    | (?:here\ you\ go|here\ it\ is)[!.:](?=\s*\n)
    | (?:(?:an?|the|my|your|one)\ )?(?:[\w-]+\ ){{0,3}}{_NAME}
        (?:\ (?:for|of)\ (?:the|this|your)\ {_IMAGE})?:[*_]*(?=\s*(?:\n|\Z))
    ))\s*""",
    re.I | re.X,
)
_FAREWELL = re.compile(
    r"\n[ \t]*(?:let me know|feel free|i hope this|would you like|if you(?:['\u2019]d| would| need"
    r"| want)|please let me know)\b[^\n]*\Z",
    re.I,
)
_FENCE = re.compile(r"\s*```[\w-]*[ \t]*\n(.*?)(?:\n?[ \t]*```|\Z)", re.S)
_IN_JSON = re.compile(
    r'[{,]\s*"(?:(?:image_)?(?:caption|description)|text|answer)"\s*:\s*"((?:[^"\\]|\\.)*)', re.S
)
_STRONG = re.compile(r"(?<!\w)(\*{1,3})(?=[^\s*])([^\n*]*[^\s*])\1(?!\w)")
_HEADING = re.compile(r"^[ \t]*(?:#{1,6}[ \t]+)+", re.M)
_ITEM = re.compile(r"[ \t]*(?:[-*+\u2022]|\(?\d{1,2}[.)])[ \t]+(?=\S)")
_QUOTES = {'"': '"', "'": "'", "\u201c": "\u201d", "\u2018": "\u2019", "\u00ab": "\u00bb", "`": "`"}


def unwrapped(text: str) -> str:
    """The answer in what a chat model says, lines as they are; "" where there is a preamble alone.

    Of JSON it is the first text under `caption`, `description`, `text` or `answer`; JSON without
    one stays. The items of a list follow one another without their numbers or bullets. After
    `ROUNDS` the rest stays.
    """
    for _ in range(ROUNDS):
        bare = text.strip()
        for lead in (_YES, _PREAMBLE):
            if found := lead.match(bare):
                bare = bare[found.end() :]
        bare = _FAREWELL.sub("", bare)
        if fenced := _FENCE.match(bare):
            bare = fenced[1]
        if bare.lstrip()[:1] in ("{", "[") and (inside := _IN_JSON.search(bare)):
            bare = _decoded(inside[1])
        bare = _without_quotes(_STRONG.sub(r"\2", _HEADING.sub("", _joined(bare))).strip())
        if bare == text:
            break
        text = bare
    return text


def _decoded(inside: str) -> str:
    """The text in a string of JSON, which may be cut or badly escaped."""
    try:
        return str(json.loads(f'"{inside}"', strict=False))
    except ValueError:
        return inside


def _joined(text: str) -> str:
    """Lines of a list of two items or more as one, a semicolon where an item has no end."""
    lines = text.split("\n")
    marks = [_ITEM.match(line) for line in lines]
    if sum(mark is not None for mark in marks) < 2:
        return text
    bare = [line[mark.end() :] if mark else line for line, mark in zip(lines, marks, strict=True)]
    items = [line.strip() for line in bare if line.strip()]
    ended = [item if item.endswith(tuple(".!?:;,")) else f"{item};" for item in items[:-1]]
    return " ".join([*ended, items[-1]])


def _without_quotes(text: str) -> str:
    """A text without the quotes around the whole of it."""
    end = text[-1] if text[-1:] in (".", "!") and text[-2:-1] in _QUOTES.values() else ""
    inner = text.removesuffix(end)
    closing = _QUOTES.get(inner[:1])
    if closing is None or len(inner) < 3 or inner[-1] != closing:
        return text
    inside = inner[1:-1]
    within = re.sub(r"(?<=\w)['\u2019](?=\w)", "", inside)
    return text if inner[0] in within or closing in within else inside + end
