"""What a model's reply is worth: one clean line of text, or the reason why it is none."""

import re
import unicodedata
from itertools import takewhile
from operator import eq

from winnow.captioning.cleaning import ANSI, NESTED, ROUNDS, SPECIAL, declines, final_text
from winnow.captioning.wrapping import unwrapped
from winnow.sources.caption_text import MAX_CAPTION

EMPTY, GARBAGE, ENDLESS = "empty answer", "garbage", "repeats itself without end"
TOO_LONG = f"longer than {MAX_CAPTION} characters"
COPIES = 3  # of what ends a text, to call it a repetition
SPAN = 30  # characters that the copies cover at least; shorter ones occur in good captions

_JOINERS = "\u200c\u200d"  # format characters that Persian and Indic scripts need
_ENDS = " .!?;,\"'\u2019\u201d\u3002\uff01\uff1f"  # what may follow the last copy
_SENTENCE_END = re.compile(r"[.!?][\"'\u2019\u201d)]*(?=\s|$)|[\u3002\uff01\uff1f]")


def tidy(text: str) -> str:
    """One line: special tokens and control characters left out, whitespace as single spaces."""
    plain = text.isascii() and text.isprintable()
    kept = text if plain else "".join(map(_printable, ANSI.sub("", text)))
    for _ in range(ROUNDS):  # what is left may spell another one
        if (shorter := SPECIAL.sub(" ", kept)) == kept:
            break
        kept = shorter
    else:
        kept = re.sub(r"[<>\[\]]", " ", kept)  # none is spelled without these
    return " ".join(kept.split())


def _printable(character: str) -> str:
    if character.isspace():
        return " "
    dropped = unicodedata.category(character) in ("Cc", "Cf", "Cs")
    return "" if dropped and character not in _JOINERS else character


def repeats(text: str) -> bool:
    """Whether `text` ends in copies of one n-gram: `COPIES` or more (the last may be cut) that
    cover `SPAN` characters or more.
    """
    turned = text[::-1]
    for period in range(1, len(turned) // COPIES + 1):
        same = takewhile(bool, map(eq, turned, turned[period:]))
        if period + sum(same) >= max(COPIES * period, SPAN):
            return True
    return False


def finished(text: str) -> str:
    """A text that was cut, back to its last finished sentence; as it is where it has none."""
    ends = [match.end() for match in _SENTENCE_END.finditer(text)]
    return text[: ends[-1]] if ends else text


def clean_line(reply: str) -> tuple[str, str]:
    """What a reply says in the end, as one clean line, or why it says nothing
    (`cleaning.final_text`).

    What is around it (`wrapping.unwrapped`) is off.
    """
    text = reply
    # A line may spell a mark that control characters or line ends had hidden
    for _ in range(ROUNDS):
        line = text
        text, fault = final_text(text)
        if fault:
            return "", fault
        text = tidy(unwrapped(text))
        if text == line:
            return text, ""
    return "", NESTED


def check_answer(reply: str, cut: bool) -> tuple[str, str]:
    """The caption in a reply that was `cut` at the token limit or not, and what is wrong with it.

    One of the two is empty: (text, "") or ("", fault). Of a text that was cut the last finished
    sentence is the end; a thought that was cut leaves none. A text may be as long as a caption of
    people.
    """
    text, fault = clean_line(reply)
    if fault:
        return "", fault
    if cut:
        text = text.rstrip("\ufffd ")  # half a character
    letters = sum(map(str.isalnum, text))
    if not letters:
        return "", EMPTY
    if not text.isascii():  # vowel signs and the like belong to letters
        letters += sum(unicodedata.category(character) in ("Mn", "Mc") for character in text)
    if 2 * letters < len(text) - text.count(" "):
        return "", GARBAGE
    if fault := declines(text):
        return "", fault
    end = text[-MAX_CAPTION:]
    if repeats(f"{end} ") or repeats(end.rstrip(_ENDS)):  # the last copy whole, or cut
        return "", ENDLESS
    text = finished(text) if cut else text
    return ("", TOO_LONG) if len(text) > MAX_CAPTION else (text, "")
