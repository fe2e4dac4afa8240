"""The papers' claims as CSV and Markdown."""

from collections import Counter
from collections.abc import Sequence
from itertools import groupby

from winnow.evaluation.statistics import VERSION
from winnow.reporting.judgement import STAND_INS, Judged, Judgement, Kind
from winnow.reporting.methods import Value
from winnow.reporting.standins import standins_named
from winnow.reporting.text import EMPTY, csv_text, markdown, markdown_table
from winnow.reporting.verdicts import HELD, INCONCLUSIVE, NOT_HELD, NOT_RUN

VALUES = ["measured", "low", "high", "n", "seeds"]
VERDICTS = ["direction", "size", "verdict"]
ORDER = (HELD, NOT_HELD, INCONCLUSIVE, NOT_RUN)
SHOWN: dict[str, tuple[float, str]] = {
    "points": (100, " points"),
    "percent": (100, " %"),
    "number": (1, ""),
}
CLAIMED = {"up": "higher", "down": "lower"}
LEGEND = (
    "Measured: a minus b, or the change relative to b (%), with its 95 % bootstrap interval over "
    f"images, both from the same resamples (statistics version {VERSION}); of a claim with several "
    "comparisons the one that decides. Held: the whole interval lies in the claimed direction; not "
    "held: in the other; inconclusive: it holds zero. A claim of several comparisons holds if all "
    "do, and does not if one does not. Intervals cover the choice of test images, not the variance "
    "of training. Claims are judged one by one, without correction for their number. How: "
    "docs/claims.md."
)


def claims_csv(judgements: Sequence[Judgement], scale: str) -> str:
    """One row a claim, with the effect of the comparison that decides."""
    header = ["claim", "paper", "statement", "published", "verified", "comparison", "metric"]
    header += ["a", "b", "unit", *VALUES, *VERDICTS, "scale", "reason"]
    rows = []
    for found in judgements:
        claim, part = found.claim, found.deciding
        row = [found.name, found.paper.paper, claim.statement, claim.published, claim.verified]
        cells: list[object] = [None] * (len(VALUES) + 5) + [NOT_RUN, None]
        if part is not None:
            about = part.about
            cells = [about.label, about.metric, about.a, about.b, about.kind, *_values(part)]
            cells += [part.direction, part.size]
        rows.append([*row, *cells, found.verdict, scale, _reason(found)])
    return csv_text(header, rows)


def comparisons_csv(judgements: Sequence[Judgement], scale: str) -> str:
    """One row a comparison of a claim."""
    header = ["claim", "paper", "comparison", "track", "metric", "a", "b", "unit", "claimed"]
    header += [*VALUES, *VERDICTS, "scale", "reason"]
    rows = [
        [found.name, found.paper.paper, *part.about, *_values(part), *part[2:5], scale, part.reason]
        for found in judgements
        for part in found.parts
    ]
    return csv_text(header, rows)


def _values(part: Judged) -> list[float | int | None]:
    return list(part.effect) if part.effect else [None] * len(VALUES)


def _reason(found: Judgement) -> str:
    """Why a claim was not run, or what its deciding comparison says and how the others ended."""
    if found.claim.not_run is not None:
        return found.claim.not_run
    parts = Counter(part.verdict for part in found.parts)
    reason = found.deciding.reason if found.deciding else ""
    if len(found.parts) == 1:
        return reason
    ended = ", ".join(f"{parts[verdict]} {verdict}" for verdict in ORDER if parts[verdict])
    return "; ".join(filter(None, [reason, f"{len(found.parts)} comparisons: {ended}"]))


def claims_md(judgements: Sequence[Judgement], scale: str, standins: Sequence[str]) -> str:
    """A table of claims for each paper, one of all comparisons, and how to read them; `standins`
    are the models because of which no size was judged."""
    counts = Counter(found.verdict for found in judgements)
    told = ", ".join(f"{counts[verdict]} {verdict}" for verdict in ORDER)
    lines = [f"# Claims (scale `{markdown(scale)}`)", f"{len(judgements)} claims: {told}."]
    if standins:
        lines.append(
            "Models are stand-ins, so only the direction of a claim is judged here; its size is "
            f"judged where none is. {markdown(standins_named(standins))}"
        )
    for _, group in groupby(judgements, key=lambda found: found.paper.paper):
        lines += _paper_md(list(group))
    body = [_part(found, part) for found in judgements for part in found.parts]
    header = ["claim", "comparison", "a", "b", "claimed", "verdict", "measured", "n", "seeds"]
    lines += ["## Comparisons", markdown_table(header, body, 6).rstrip(), LEGEND]
    return "\n\n".join(lines) + "\n"


def _paper_md(judgements: list[Judgement]) -> list[str]:
    citation = judgements[0].paper.citation
    footnotes: dict[str, int] = {}

    def mark(found: Judgement) -> str:
        reason = _reason(found).removeprefix(STAND_INS).removeprefix("; ")
        if not reason:
            return ""
        return f" \\[{footnotes.setdefault(reason, len(footnotes) + 1)}\\]"

    body = [
        [
            found.name,
            markdown(found.claim.statement),
            markdown(found.claim.published),
            f"{_decided(found)}{mark(found)}",
            _verdict(found),
        ]
        for found in judgements
    ]
    notes = [f"- \\[{i}\\] {markdown(reason)}" for reason, i in footnotes.items()]
    notes += [f"- {f.name}: {markdown(f.claim.note)}" for f in judgements if f.claim.note]
    header = ["claim", "statement", "published", "measured", "verdict"]
    return [
        f"## {markdown(citation.short)}",
        f"{markdown(citation.title)} ({markdown(citation.venue)}).",
        markdown_table(header, body, 5).rstrip(),
        *(["\n".join(notes)] if notes else []),
    ]


def _decided(found: Judgement) -> str:
    part = found.deciding
    if part is None or part.effect is None:
        return EMPTY
    return f"{markdown(part.about.label)}: {shown(part.effect, part.about.kind)}"


def _verdict(found: Judgement) -> str:
    alone = found.deciding is not None and found.deciding.size == NOT_RUN != found.verdict
    return f"**{found.verdict}**" + (" (direction)" if alone else "")


def _part(found: Judgement, part: Judged) -> list[str]:
    about, effect = part.about, part.effect
    words = (about.label, about.a, about.b, CLAIMED[about.claimed])
    sized = f"; size {part.size}" if part.size not in (None, NOT_RUN) else ""
    value = shown(effect, about.kind) if effect else EMPTY
    counts = (effect.n, effect.seeds) if effect else (None, None)
    numbers = [EMPTY if count is None else f"{count:,}" for count in counts]
    return [found.name, *map(markdown, words), f"{part.direction}{sized}", value, *numbers]


def shown(effect: Value, kind: Kind) -> str:
    """An effect with sign, interval and unit: `+7.45 points (+5.02 to +9.87)`."""
    scale, unit = SHOWN[kind]
    ends = effect.value, effect.low, effect.high
    small = kind == "number" and all(abs(end) < 1 for end in ends if end is not None)
    digits = 4 if small else 2
    value, low, high = (None if end is None else f"{scale * end:+.{digits}f}" for end in ends)
    return f"{value}{unit}" if low is None else f"{value}{unit} ({low} to {high})"
