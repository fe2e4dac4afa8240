"""Who submitted the scorers of others, as their cards say (docs/submissions.md)."""

from collections.abc import Sequence
from urllib.parse import quote

from winnow.params.submissions import Card
from winnow.reporting.table import Cell, Column, Page, Table

_SAFE = ":/?#@!&'()*+,;=%~"  # of a link; what could end it or be markup is not among them


def address(card: Card) -> str:
    """The link of a card, http or https, without characters that mean something in a page."""
    return quote(card.link or "", safe=_SAFE)


def submissions(cards: Sequence[Card]) -> Page:
    """A section with a row a submission; empty without any."""
    rows = [
        card.model_dump()
        | {"authors": ", ".join(card.authors), "link": Cell("", link=address(card))}
        for card in cards
    ]
    keys = ("name", "authors", "licence", "description", "link")
    return ["## Submissions", Table([Column(key, key) for key in keys], rows)] if cards else []
