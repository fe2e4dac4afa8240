"""Captions and names as people's files hold them, made safe to store: NFC, one line."""

import ast
import codecs
import io
import re
import tokenize
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from winnow.sources.source import Split

MAX_CAPTION = 2000  # characters
# How pandas, NumPy and people write that a cell of a table has no value.
MISSING = frozenset({"", "nan", "none", "null", "<na>", "n/a", "#n/a"})
# How lists of texts begin; in round brackets only what a comma makes a tuple.
LIST = re.compile(
    r"""\[\s*(['"]|nan\b|None\b|null\b|[-.\d]+\s*,|[\[({]\s*['"])"""
    r"""|[({]\s*("([^"\\]|\\.)*"|'([^'\\]|\\.)*'|nan|None|null)\s*[,:]"""
)
LIST_MARKS = frozenset({",", "", "\n", "nan", "None", "null"})  # what stands between texts
CLOSE = {"[": "]", "(": ")", "{": "}"}
QUOTED = re.compile(r""""([^"\\]|\\.)*"|'([^'\\]|\\.)*'""", re.DOTALL)
ARRAY = re.compile(r"array\((\[.*\])\s*(?:,\s*dtype=[\w<>'\"]+)?\)", re.DOTALL)
EMPTY = re.compile(r"\[\s*\]|\(\s*\)|\{\s*\}|set\(\)")
UNREADABLE = "captions are a list that cannot be read"
BIDI = frozenset(map(chr, (0x61C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))))
# Soft hyphen, spaces without a width, marks of invisible mathematics and of annotations
INVISIBLE = frozenset(
    map(chr, (0xAD, 0x180E, 0x200B, *range(0x2060, 0x2066), *range(0x206A, 0x2070), 0xFEFF))
) | frozenset(map(chr, (0xFFF9, 0xFFFA, 0xFFFB, 0xE0001)))
UNSEEN = BIDI | INVISIBLE
JOINERS = frozenset("\u200c\u200d")
TAGS = frozenset(map(chr, range(0xE0020, 0xE0080)))
FLAG = "\U0001f3f4"
MARKS = (  # UTF-32 before UTF-16, which begins alike
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def decode(content: bytes) -> str:
    """Text in UTF-8, or in what its byte order mark says. Raises UnicodeDecodeError."""
    return content.decode(next((name for mark, name in MARKS if content.startswith(mark)), "utf-8"))


def class_words(name: str) -> str:
    """A class folder's name as words: `BaseballField`, `baseball_field` -> `baseball field`."""
    split = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name)
    return " ".join(re.split(r"[\s_-]+", split)).strip().lower()


def given_captions(values: Sequence[Any]) -> list[str]:
    """The captions in the values of a row or an object; what two of the values hold comes once.

    A value is missing (None, NaN, blank), a text, a list of texts, or a text that pandas or NumPy
    wrote of a list. Raises ValueError, with the reason, for anything else.
    """
    captions: list[str] = []
    for value in values:
        found = _held(value)
        if not all(isinstance(c, str) for c in found):
            raise ValueError("captions are not text")
        known = {clean(caption) for caption in captions}
        captions += [c for c in found if clean(c) not in known]
    return captions


def seeming_captions(values: Sequence[Any]) -> int:
    """How many captions the values of a row or an object seem to bring, whatever their faults."""
    count, known = 0, set[str]()
    for value in values:
        try:
            found = _held(value)
        except ValueError:
            found = [value]
        new = [c for c in found if not (isinstance(c, str) and clean(c) in known)]
        known |= {clean(c) for c in new if isinstance(c, str)}
        count += len(new)
    return count


class Twice(dict[str, Any]):
    """An object of JSON in which keys occur twice: each has the list of all that it was given."""

    def __init__(self, pairs: Sequence[tuple[str, Any]]):
        super().__init__()
        self.keys_twice: set[str] = set()
        for key, value in pairs:
            if key in self:
                self.keys_twice.add(key)
                earlier = self[key]
                value = [*_listed_value(earlier), *_listed_value(value)]
            self[key] = value


def _listed_value(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def unique_keys(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """An object of JSON, which is a `Twice` where that is so; a hook for `json.loads`."""
    found = dict(pairs)
    return found if len(found) == len(pairs) else Twice(pairs)


def key_twice(row: Mapping[str, Any], keys: Iterable[str]) -> str | None:
    """The reason to reject an object in which one of `keys` occurs twice, or None."""
    twice = [key for key in keys if key in row.keys_twice] if isinstance(row, Twice) else []
    return f"key {twice[0]} occurs twice" if twice else None


def split_of(value: Any, splits: Mapping[str, Split]) -> Split:
    """Our split for what a source says, in any capitals; `pool` where it says nothing.

    Raises ValueError, with the reason, for a name that `source.splits` does not have.
    """
    name = value.strip() if isinstance(value, str) else value
    if name is None or name == "" or name != name:  # NaN is not itself
        return "pool"
    if isinstance(name, str):
        lower = {key.strip().lower(): split for key, split in splits.items()}
        found = splits.get(name) or lower.get(name.lower())
        if found is not None:
            return found
    raise ValueError(f"split not in source.splits: {str(value)[:80]}; name it there")


def _held(value: Any) -> list[Any]:
    """What a value of a row or an object holds, one by one."""
    if value is None or value != value:  # NaN is not itself
        return []
    if isinstance(value, str):
        texts = listed(value)
        return texts if texts is not None else [value] if value.strip() else []
    return _listed_value(value)


def listed(text: str) -> list[str] | None:
    """The texts of a list literal, `['a', nan]` or, as NumPy writes it, `['a' 'b']`; else None.

    A tuple, a set and `array([...], dtype=object)` are lists, too. Raises ValueError for a text
    that begins as such a list and is none, or is never closed.
    """
    text = text.strip()
    array = ARRAY.fullmatch(text)
    text = array[1].strip() if array else text
    if EMPTY.fullmatch(text):
        return []
    if not LIST.match(text):
        return None
    close = CLOSE[text[0]]
    if not text.endswith(close):
        if close in QUOTED.sub("", text):
            return None
        raise ValueError(UNREADABLE)
    try:
        tokens = list(tokenize.generate_tokens(io.StringIO(text).readline))
        texts = [ast.literal_eval(t.string) for t in tokens if t.type == tokenize.STRING]
        marks = [t.string for t in tokens[1:] if t.type != tokenize.STRING]
    except (tokenize.TokenError, SyntaxError, ValueError, MemoryError, RecursionError) as error:
        raise ValueError(UNREADABLE) from error
    between = set(marks) - LIST_MARKS != {close} or marks.count(close) > 1
    if between or not all(isinstance(t, str) for t in texts):
        raise ValueError(UNREADABLE)
    return texts


def clean(text: str) -> str:
    """NFC, whitespace collapsed, control characters, bidi controls, lone surrogates and what nobody
    sees removed.

    Text in any script, emoji included, is otherwise left as it is, with the joiners that it needs.
    """
    if text.isascii() and text.isprintable():
        return " ".join(text.split())
    kept = [" "]
    for character in text:
        if character.isspace():
            kept.append(" ")
        elif not _unseen(character, kept[-1]):
            kept.append(character)
    return " ".join(unicodedata.normalize("NFC", "".join(kept)).split())


def _unseen(character: str, before: str) -> bool:
    """Whether a character shows nothing and does nothing for the one before it."""
    if character in JOINERS:  # Indic and Arabic scripts and emoji need them
        return before < "\u0590" or unicodedata.category(before)[0] not in "LMS"
    if character in TAGS:  # of the flags of England, Scotland, Wales
        return before != FLAG and before not in TAGS
    return unicodedata.category(character) in ("Cc", "Cs") or character in UNSEEN


def caption_fault(caption: str) -> str | None:
    """Why a cleaned caption cannot be used, or None."""
    if not any(unicodedata.category(c)[0] not in "ZC" for c in caption):
        return "empty caption"
    if len(caption) > MAX_CAPTION:
        return f"caption longer than {MAX_CAPTION} characters"
    return None


def storable(name: str) -> str:
    """A file's name as it can be stored and shown: what UTF-8 or a line cannot hold, and what
    nobody sees, is escaped."""
    safe = name.encode("utf-8", "backslashreplace").decode()
    return "".join(
        c.encode("unicode_escape").decode()
        if c in UNSEEN or unicodedata.category(c) in ("Cc", "Zl", "Zp")
        else c
        for c in safe
    )
