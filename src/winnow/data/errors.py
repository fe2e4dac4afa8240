"""The one exception that users are meant to read."""

import difflib
from collections.abc import Iterable


class WinnowError(Exception):
    """Something a user can mend. The message names the file, the key or row, and the remedy."""


class BadImageError(ValueError):
    """An image that cannot be used; the message is the quarantine reason."""


def printable(text: str) -> str:
    """`text` on one line, whatever is in it: control characters and lone surrogates escaped."""
    line = " ".join(part.strip() for part in text.splitlines())
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in line)


def did_you_mean(word: str, choices: Iterable[str]) -> str:
    """The end of a message about a word that is not known: the one it is most like, if any."""
    close = {_plain(name): name for name in choices}
    found = difflib.get_close_matches(_plain(word), close, 1)
    return f" (did you mean {close[found[0]]!r}?)" if found else ""


def _plain(word: str) -> str:
    return word.lower().replace("-", "_")
