"""Scorer `text`: the caption alone."""

import re

import numpy as np

from winnow.data.language import ENGLISH, language, words
from winnow.scoring.scorer import Batch, Scorer


class TextScore(Scorer):
    """Caption heuristics: looks at the text alone.

    Rewards length up to 12 words and distinct words (characters in scripts without blanks);
    punishes stock phrases, an unfinished last word, and words about what cannot be seen from above,
    all of which are known of English alone. In the manner of the text filters of DataComp (Gadre et
    al. 2023) and of data-juicer's operators.
    """

    sees_images = False
    STOCK = re.compile(r"\b(some|several|various|many|things|area|image|picture|view|place)\b")
    UNFINISHED = re.compile(r"\b(a|an|the|and|or|of|in|on|at|by|to|with|near|next|is|are)\W*$")
    UNSEEN = re.compile(
        r"\b(sound|smell|noise|music|name[ds]?|owner|century|history|historic|famous|festival|"
        r"feel|happy|peaceful|inside|indoors?|year|built in|yesterday|tomorrow|voices?)\b|\d{4}"
    )

    def score(self, batch: Batch) -> np.ndarray:
        """Sum of rewards and punishments, about -3 to 2."""
        return np.array([self._score(text.lower()) for text in batch.text])

    def _score(self, text: str) -> float:
        found = words(text)
        if not found:
            return -3.0
        length = min(len(found), 12) / 12 - max(0, len(found) - 40) / 40
        distinct = len(set(found)) / len(found)
        stock, unfinished, unseen = self._faults(text)
        return max(-3.0, length + distinct - stock - unfinished - unseen)

    def _faults(self, text: str) -> tuple[float, float, float]:
        """Punishments, each 0 to 1; none where what looks like a fault is not English."""
        stock = min(1.0, len(self.STOCK.findall(text)) / 3)
        unfinished = 1.0 if self.UNFINISHED.search(text) else 0.0
        unseen = 1.0 if self.UNSEEN.search(text) else 0.0
        foreign = (stock or unfinished or unseen) and language(text) != ENGLISH
        return (0.0, 0.0, 0.0) if foreign else (stock, unfinished, unseen)


SCORER = TextScore
