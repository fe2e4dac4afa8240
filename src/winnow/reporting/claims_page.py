"""The page of the papers' claims."""

from collections import Counter
from collections.abc import Sequence
from itertools import groupby

from winnow.evaluation.statistics import VERSION
from winnow.reporting.claims import NOT_RUN, SHOWN, STAND_INS, VERDICTS, Judged, Judgement
from winnow.reporting.emit.markdown import bullets, markdown
from winnow.reporting.standins import standins_named
from winnow.reporting.table import Cell, Column, Footnotes, Page, Row, Table, plain
from winnow.reporting.values import Show, count

MEASURED = Column("measured", parts=("measured", "low", "high", "n", "seeds"))
CLAIMED = {"up": "higher", "down": "lower"}
EFFECT: Show = SHOWN["points"]  # of a column; a cell has its own
LEGEND = (
    "Measured: a minus b, or the change relative to b (%), with its 95 % bootstrap interval over "
    f"images, both from the same resamples (statistics version {VERSION}); of a claim with several "
    "comparisons the one that decides. Held: the whole interval lies in the claimed direction; not "
    "held: in the other; inconclusive: it holds zero. A claim of several comparisons holds if all "
    "do, and does not if one does not. Intervals cover the choice of test images, not the variance "
    "of training. Claims are judged one by one, without correction for their number. How: "
    "docs/claims.md."
)


def claims_table(judgements: Sequence[Judgement], scale: str) -> Table:
    """One row a claim, with the effect of the comparison that decides."""
    columns = plain("claim", "paper", "statement", "published", "verified", "comparison", "metric")
    columns += [*plain("a", "b", "unit"), MEASURED]
    columns += plain("direction", "size", "verdict", "scale", "reason")
    rows = [
        {"direction": NOT_RUN}
        | (_comparison(found.deciding) if found.deciding else {})
        | {
            "claim": found.name,
            "paper": found.paper.paper,
            "statement": found.claim.statement,
            "published": found.claim.published,
            "verified": found.claim.verified,
            "verdict": found.verdict,
            "scale": scale,
            "reason": reason(found),
        }
        for found in judgements
    ]
    return Table(columns, rows)


def comparisons_table(judgements: Sequence[Judgement], scale: str) -> Table:
    """One row a comparison of a claim."""
    columns = plain("claim", "paper", "comparison", "track", "metric", "a", "b", "unit", "claimed")
    columns += [MEASURED, *plain("direction", "size", "verdict", "scale", "reason")]
    rows = [
        {"claim": found.name, "paper": found.paper.paper, "scale": scale, **_comparison(part)}
        for found in judgements
        for part in found.parts
    ]
    return Table(columns, rows)


def _comparison(part: Judged) -> dict[str, object]:
    about = part.about
    return {
        **part._asdict(),
        **about._asdict(),
        "comparison": about.label,
        "unit": about.kind,
        "measured": part.effect,
    }


def reason(judgement: Judgement) -> str:
    """Why a claim was not run, or what its deciding comparison says and how the others ended."""
    if judgement.claim.not_run is not None:
        return judgement.claim.not_run
    told = judgement.deciding.reason if judgement.deciding else ""
    if len(judgement.parts) == 1:
        return told
    parts = Counter(part.verdict for part in judgement.parts)
    ended = ", ".join(f"{parts[verdict]} {verdict}" for verdict in VERDICTS if parts[verdict])
    return "; ".join(filter(None, [told, f"{len(judgement.parts)} comparisons: {ended}"]))


def counted(judgements: Sequence[Judgement]) -> str:
    """How many claims have which verdict."""
    counts = Counter(found.verdict for found in judgements)
    told = ", ".join(f"{counts[verdict]} {verdict}" for verdict in VERDICTS)
    return f"{len(judgements)} claims: {told}."


def claims_page(judgements: Sequence[Judgement], scale: str, standins: Sequence[str]) -> Page:
    """A table of claims for each paper, one of all comparisons, and how to read them; `standins`
    are the models because of which no size was judged."""
    page: list[str | Table] = [
        f"# Claims (scale `{markdown(scale)}`)",
        counted(judgements),
        "Models are stand-ins, so only the direction of a claim is judged here; its size is "
        f"judged where none is. {markdown(standins_named(standins))}"
        if standins
        else "",
    ]
    for _, group in groupby(judgements, key=lambda found: found.paper.paper):
        page += _paper(list(group))
    return [*page, "## Comparisons", _comparisons(judgements), LEGEND]


def _paper(judgements: list[Judgement]) -> list[str | Table]:
    citation = judgements[0].paper.citation
    footnotes = Footnotes()
    columns = [Column("claim", "claim"), Column("statement", "statement")]
    columns += [Column("published", "published"), Column("measured", "measured")]
    rows = [
        {
            "claim": found.name,
            "statement": found.claim.statement,
            "published": found.claim.published,
            "measured": Cell(
                _decided(found),
                mark=footnotes.mark(reason(found).removeprefix(STAND_INS).removeprefix("; ")),
            ),
            "verdict": Cell(found.verdict, "bold", "(direction)" if _alone(found) else ""),
        }
        for found in judgements
    ]
    notes = [f"{found.name}: {found.claim.note}" for found in judgements if found.claim.note]
    return [
        f"## {markdown(citation.short)}",
        f"{markdown(citation.title)} ({markdown(citation.venue)}).",
        Table([*columns, Column("verdict", "verdict")], rows),
        bullets([*footnotes.lines(), *notes]),
    ]


def _decided(judgement: Judgement) -> str | None:
    part = judgement.deciding
    if part is None or part.effect is None:
        return None
    return f"{part.about.label}: {SHOWN[part.about.kind](part.effect)}"


def _alone(judgement: Judgement) -> bool:
    """Whether a claim was judged by its direction alone."""
    return (
        judgement.deciding is not None and judgement.deciding.size == NOT_RUN != judgement.verdict
    )


def _comparisons(judgements: Sequence[Judgement]) -> Table:
    columns = [Column("claim", "claim"), Column("label", "comparison"), Column("a", "a")]
    columns += [Column("b", "b"), Column("claimed", "claimed"), Column("verdict", "verdict")]
    columns += [Column("measured", "measured", EFFECT)]
    columns += [Column("n", "n", count), Column("seeds", "seeds", count)]
    rows: list[Row] = []
    for found in judgements:
        for part in found.parts:
            about, effect = part.about, part.effect
            sized = f"; size {part.size}" if part.size not in (None, NOT_RUN) else ""
            own = {
                "claim": found.name,
                "claimed": CLAIMED[about.claimed],
                "verdict": f"{part.direction}{sized}",
                "measured": Cell(effect, show=SHOWN[about.kind]),
                "n": effect and effect.n,
                "seeds": effect and effect.seeds,
            }
            rows.append(about._asdict() | own)
    return Table(columns, rows)


def summary(judgements: Sequence[Judgement]) -> Page:
    """How many claims have which verdict, and which of each paper, as the README has them."""
    rows = [
        {"paper": paper}
        | {verdict: ", ".join(f.name for f in own if f.verdict == verdict) for verdict in VERDICTS}
        for paper, group in groupby(judgements, key=lambda found: found.paper.paper)
        for own in [list(group)]
    ]
    columns = [Column("paper", "paper"), *(Column(verdict, verdict) for verdict in VERDICTS)]
    return [counted(judgements), Table(columns, rows)]
