"""Keys and passwords stay out of what is printed and recorded."""

import base64
import html
import re
from functools import lru_cache
from pathlib import PurePath
from typing import Any, NamedTuple
from urllib.parse import unquote

HIDDEN = "***"
SHORTEST = 8  # characters of a key; a shorter one ("none", "EMPTY") is no secret and may be a word
RUN = 12  # characters of a key in a row that give it away
_NAMES = (
    r"api[_-]?key|password|passwd|secret|authori[sz]ation|credentials?|(?:access|auth)[_-]?token"
)
_NAME = re.compile(_NAMES, re.I)
_USER = re.compile(r"(?<=:/)(/*)[^\s'\"]*@")  # and what follows it, up to the last @
_LOGIN = re.compile(
    r"\w:/+(?:[^/\s?#]*|(?!\[)[^/\s:?#]*:(?!\d+[/?#])\S*)@"
)  # a password may hold a slash
_QUERY = re.compile(
    r"(?<=[?&])((?:[\w-]*key|[\w-]*token|sig|signature|password|secret)=)[^&\s'\"]+", re.I
)
_VALUE = re.compile(rf"((?:{_NAMES})['\"]?\s*[:=]\s*)(?:\"[^\"]*\"|'[^']*'|[^\s,}}'\"]+)", re.I)
_BEARER = re.compile(r"(\bbearer\s+)[^\s,'\"]+", re.I)
_HEADER = re.compile(r"(header (?:name|value)\s+).*", re.I | re.S)  # as HTTP libraries quote it

_WORD = re.compile(r"\S+")
_MASK = r"[\[(<]?(?:\.{2,}|\*{2,}|-{3,}|_{3,}|\#{2,}|x{3,})[\])>]?"
_DOTS = str.maketrans({"\u2026": "...", "\u2022": "**", "\u25cf": "**", "\u00b7": "**"})
_ESCAPE = re.compile(r"\\u([0-9a-f]{4})|\\x([0-9a-f]{2})", re.I)


def is_secret(name: str) -> bool:
    """Whether what has this name is a key or a password."""
    return _NAME.search(name) is not None


def redacted(text: str, key: str = "") -> str:
    """`text` without passwords in addresses, values of names that are secret, and `key`.

    Words that give the key away in another form (`gives_away`) are hidden, too, and the whole text
    where they do so together.
    """
    if key:
        text = text.replace(key, HIDDEN)
        text = _WORD.sub(lambda word: HIDDEN if gives_away(word[0], key) else word[0], text)
        text = HIDDEN if gives_away(text, key) else text
    text = _USER.sub(rf"\1{HIDDEN}@", text)
    for pattern in (_QUERY, _HEADER, _BEARER, _VALUE):
        text = pattern.sub(rf"\1{HIDDEN}", text)
    return text


def without_login(value: Any) -> Any:
    """A setting as it is. Raises ValueError for an address with a name or password in it, also
    inside lists and mappings."""
    if isinstance(value, str | PurePath) and _LOGIN.search(str(value)):
        raise ValueError(
            "stands in command lines and records, so an address in it may hold no name or password"
        )
    inside = value.values() if isinstance(value, dict) else value
    for inner in inside if isinstance(value, dict | list | tuple) else ():
        without_login(inner)
    return value


def gives_away(text: str, key: str) -> bool:
    """Whether `text` holds `key`, or so much of it that it is known.

    That is `RUN` characters in a row, or both ends around a mask as in `sk-abc...wxyz`; be it in
    capitals, with blanks or invisible characters between, percent-encoded, with escapes of JSON or
    HTML, in base64 or in hexadecimal.
    """
    if len(key) < SHORTEST:
        return False
    marks = _marks_of(key)
    return any(
        not marks.runs.isdisjoint(view[at : at + marks.run] for at in range(len(view)))
        or marks.ends.search(view)
        for view in _views(text)
    )


class _Marks(NamedTuple):
    run: int  # length of each of `runs`
    runs: frozenset[str]
    ends: re.Pattern[str]


@lru_cache(maxsize=4)
def _marks_of(key: str) -> _Marks:
    """What gives a key away, in lower case."""
    forms = [key, key.encode().hex()]
    for before in range(3):  # bytes that stand before it in what was encoded
        packed = base64.b64encode(b"-" * before + key.encode()).decode()
        sure = packed[(0, 2, 3)[before] : (before + len(key)) * 8 // 6]
        forms += [sure, sure.replace("+", "-").replace("/", "_")]
    run, low = min(RUN, len(key)), key.lower()
    runs = (form.lower()[at : at + run] for form in forms for at in range(len(form) - run + 1))
    heads = "|".join(re.escape(low[:size]) for size in range(len(low) - 1, 2, -1))
    tails = "|".join(re.escape(low[-size:]) for size in range(len(low) - 1, 1, -1))
    return _Marks(run, frozenset(runs), re.compile(f"(?:{heads}){_MASK}(?:{tails})"))


def _views(text: str) -> list[str]:
    """`text`, and decoded as often as it can be (thrice at most), in lower case; all but printable
    ASCII is left out."""
    views = [text]
    while len(views) < 4 and (plain := _decoded(views[-1])) != views[-1]:
        views.append(plain)
    return [re.sub(r"[^!-~]+", "", view.translate(_DOTS)).lower() for view in views]


def _decoded(text: str) -> str:
    plain = _ESCAPE.sub(lambda found: chr(int(found[1] or found[2], 16)), text)
    return html.unescape(unquote(plain.replace("\\/", "/").replace('\\"', '"')))


def shown(value: Any, name: str) -> str:
    """The value of a setting of this name, as a message may quote it."""
    return HIDDEN if is_secret(name) else redacted(repr(value))
