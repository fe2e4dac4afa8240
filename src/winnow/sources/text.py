"""Captions and names as people's files hold them, made safe to store: NFC, one line."""

import ast
import codecs
import io
import re
import tokenize
import unicodedata
from collections.abc import Sequence
from typing import Any

MAX_CAPTION = 2000  # characters
# How pandas, NumPy and people write that a cell of a table has no value.
MISSING = frozenset({"", "nan", "none", "null", "<na>", "n/a", "#n/a"})
LIST = re.compile(r"""\[\s*(['"]|nan\b|None\b|null\b)""")
LIST_MARKS = frozenset({",", "]", "", "\n", "nan", "None", "null"})  # what stands between texts
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


def given_captions(values: Sequence[Any]) -> list[str]:
    """The captions in the values of a row or an object; what two of the values hold comes once.

    A value is missing (None, NaN, blank), a text, a list of texts, or a text that pandas or NumPy
    wrote of a list. Raises ValueError, with the reason, for anything else.
    """
    captions: list[str] = []
    for value in values:
        blank = isinstance(value, str) and not value.strip()
        if value is None or blank or value != value:  # NaN is not itself
            continue
        found = value
        if isinstance(value, str):
            texts = listed(value)
            found = [value] if texts is None else texts
        if not isinstance(found, list) or not all(isinstance(c, str) for c in found):
            raise ValueError("captions are not text")
        known = {clean(caption) for caption in captions}
        captions += [c for c in found if clean(c) not in known]
    return captions


def listed(text: str) -> list[str] | None:
    """The texts of a list literal, `['a', nan]` or, as NumPy writes it, `['a' 'b']`; else None.

    Raises ValueError for a text that begins and ends as such a list and is none.
    """
    text = text.strip()
    if not (LIST.match(text) and text.endswith("]")):
        return None
    try:
        tokens = list(tokenize.generate_tokens(io.StringIO(text).readline))
        texts = [ast.literal_eval(t.string) for t in tokens if t.type == tokenize.STRING]
        marks = {t.string for t in tokens[1:] if t.type != tokenize.STRING} - LIST_MARKS
    except (tokenize.TokenError, SyntaxError, ValueError, MemoryError, RecursionError) as error:
        raise ValueError("captions are a list that cannot be read") from error
    if marks or not all(isinstance(t, str) for t in texts):
        raise ValueError("captions are a list that cannot be read")
    return texts


def clean(text: str) -> str:
    """NFC, whitespace collapsed, control characters and lone surrogates removed.

    Text in any script, joiners and emoji included, is otherwise left as it is.
    """
    kept = (" " if c.isspace() else c for c in text if c.isspace() or not _control(c))
    return " ".join(unicodedata.normalize("NFC", "".join(kept)).split())


def _control(character: str) -> bool:
    return unicodedata.category(character) in ("Cc", "Cs")


def caption_fault(caption: str) -> str | None:
    """Why a cleaned caption cannot be used, or None."""
    if not any(unicodedata.category(c)[0] not in "ZC" for c in caption):
        return "empty caption"
    if len(caption) > MAX_CAPTION:
        return f"caption longer than {MAX_CAPTION} characters"
    return None


def printable(name: str) -> str:
    """A file's name as it can be stored and shown; what UTF-8 or a line cannot hold is escaped."""
    safe = name.encode("utf-8", "backslashreplace").decode()
    return "".join(
        c.encode("unicode_escape").decode() if unicodedata.category(c) == "Cc" else c for c in safe
    )
