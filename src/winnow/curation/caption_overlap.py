"""Captions that say nearly what a caption of the test split says.

In a world of phrases most of them are no leaks: people who describe airports write like each other.
How often they occur where nothing leaks tells; the report compares.
"""

import re
from collections.abc import Iterator

import pandas as pd

from winnow.data.language import words
from winnow.data.tables import ECHOES, empty

ARTICLES = {"a", "an", "the"}
LEAST = 4  # words, without articles; a shorter caption says what anybody might

Words = tuple[str, ...]


def content_words(text: str) -> Words:
    """A caption's words without case, punctuation and articles; in scripts without blanks its
    characters."""
    plain = re.sub("['-]", " ", text.casefold())
    return tuple(word for word in words(plain) if word not in ARTICLES)


def find_overlaps(name: str, captions: pd.DataFrame, test: pd.DataFrame) -> pd.DataFrame:
    """ECHOES of `test` in `captions`, both with uid, caption_id, text: of each caption the first
    caption of the test split that has the same words, or as many words and one other.

    Memory is that of the test split's captions.
    """
    said: dict[Words, tuple[str, int]] = {}
    nearly: dict[tuple[int, Words], tuple[str, int]] = {}
    for uid, number, text in _rows(test):
        content = content_words(text)
        if len(content) >= LEAST:
            said.setdefault(content, (uid, number))
            for gap in _gaps(content):
                nearly.setdefault(gap, (uid, number))
    rows = []
    for uid, number, text in _rows(captions):
        content = content_words(text)
        if content in said:
            rows.append((name, uid, number, *said[content], "equal"))
        elif near := next((nearly[gap] for gap in _gaps(content) if gap in nearly), None):
            rows.append((name, uid, number, *near, "near"))
    return pd.DataFrame(rows, columns=list(ECHOES)) if rows else empty(ECHOES)


def _gaps(content: Words) -> Iterator[tuple[int, Words]]:
    """A caption with each of its words left open in turn."""
    for place in range(len(content)):
        yield place, content[:place] + content[place + 1 :]


def _rows(captions: pd.DataFrame) -> Iterator[tuple[str, int, str]]:
    return zip(captions["uid"], captions["caption_id"], captions["text"], strict=True)
