"""Who submitted the scorers of others, as their cards say (docs/submissions.md)."""

from collections.abc import Sequence
from urllib.parse import quote

from winnow.params.submissions import Card
from winnow.reporting.text import EMPTY, markdown, markdown_table

HEADER = ["name", "authors", "licence", "description", "link"]
_SAFE = ":/?#@!&'()*+,;=%~"  # of a link; what could end it or be markup is not among them


def address(card: Card) -> str:
    """The link of a card, http or https, without characters that mean something in a page."""
    return quote(card.link or "", safe=_SAFE)


def submissions_md(cards: Sequence[Card]) -> str:
    """A section with a row a submission; empty without any."""
    if not cards:
        return ""
    return f"\n## Submissions\n\n{markdown_table(HEADER, [_row(c) for c in cards], len(HEADER))}"


def _row(card: Card) -> list[str]:
    words = (card.name, ", ".join(card.authors), card.licence, card.description)
    return [*map(markdown, words), f"<{address(card)}>" if card.link else EMPTY]
