"""How many captions are longer than what a model reads of them."""

from typing import NamedTuple


class Cuts(NamedTuple):
    """Of so many captions, so many are cut, since they have more tokens than the context."""

    captions: int
    cut: int
    context: int

    def __str__(self) -> str:
        return f"{self.cut} of {self.captions} captions are cut at {self.context} tokens"
