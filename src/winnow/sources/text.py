"""Captions and names made safe to store: NFC, no control characters, one line."""

import unicodedata

MAX_CAPTION = 2000  # characters


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
