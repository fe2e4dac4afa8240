"""Words of a caption in any script, and which language it is in."""

from functools import cache, lru_cache
from typing import Any

import regex

# A letter of a script that puts no blanks between words stands for itself, with its marks: Han,
# Hiragana, Thai, Lao, Khmer, Burmese. These are the letters that Unicode's word boundaries (UAX 29)
# put into no word. Other letters and digits form runs, which hyphens and apostrophes join.
_UNSPACED = r"(?=[\w&&\p{Word_Break=Other}])\X"
_RUN = r"(?!\p{M})[[\w--_]--\p{Word_Break=Other}]+"
WORD = regex.compile(rf"{_UNSPACED}|{_RUN}(?:['-]{_RUN})*", regex.V1)
_LETTER = regex.compile(_UNSPACED, regex.V1)

ENGLISH = "en"
_CERTAIN = 20  # times as likely as English; of short English captions others are up to 7


def words(text: str) -> list[str]:
    """The words of a caption, in lower case; single characters in scripts without blanks."""
    return WORD.findall(text.lower())


def is_unspaced(text: str) -> bool:
    """Whether a caption has letters of a script that puts no blanks between words."""
    return _LETTER.search(text) is not None


@lru_cache(maxsize=1024)  # a caption is asked about several times in a row
def language(text: str) -> str:
    """The ISO 639 code of a caption's language, by py3langid (Lui & Baldwin 2012).

    English, unless another language is `_CERTAIN` times as likely: captions are short, and most
    are English.
    """
    likely = _identifier().rank(text)
    best, share = likely[0]
    return str(best) if share > _CERTAIN * dict(likely)[ENGLISH] else ENGLISH


@cache
def _identifier() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
