"""Who submitted the scorers of others, on the leaderboard's page."""

from collections.abc import Sequence

from winnow.params.submissions import Card
from winnow.reporting.site.markup import text
from winnow.reporting.submissions import address


def submissions(cards: Sequence[Card]) -> str:
    """A section with what each card says; empty without any."""
    told = "".join(f"<dt>{text(card.name)}</dt><dd>{_facts(card)}</dd>" for card in cards)
    return (
        f'<section id="submissions"><h2>Submissions</h2><dl>{told}</dl></section>' if told else ""
    )


def _facts(card: Card) -> str:
    facts = f"{text(', '.join(card.authors))}. Licence: {text(card.licence)}."
    if card.link:
        link = text(address(card))
        facts += f' <a href="{link}" rel="noopener">{link}</a>'
    return f"{facts}<br>{text(card.description)}"
