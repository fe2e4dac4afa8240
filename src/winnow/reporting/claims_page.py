"""The page of the papers' claims."""

from collections import Counter
from collections.abc import Sequence
from itertools import groupby

from winnow.evaluation.statistics import VERSION
from winnow.reporting.claims import SHOWN, STAND_INS, Judged, Judgement, tally
from winnow.reporting.decisions import NO_POWER, NOT_RUN, VERDICTS
from winnow.reporting.emit.markdown import bullets, markdown
from winnow.reporting.standins import standins_named
from winnow.reporting.table import Cell, Column, Footnotes, Page, Row, Table, plain
from winnow.reporting.values import NOT_REPLICATED, ONE_SEED, Show, count

MEASURED = Column("measured", parts=("measured", "low", "high", "n", "seeds"))
CLAIMED = {"up": "higher", "down": "lower"}
EFFECT: Show = SHOWN["points"]  # of a column; a cell has its own
LEGEND = (
    "Measured: a minus b, or the change relative to b (%), with its 95 % interval over images and "
    f"seeds, both from the same resamples (statistics version {VERSION}); of a claim with several "
    "comparisons the one that decides. Held: the whole interval lies in the claimed direction; not "
    "held: in the other; no effect: the 90 % interval lies within a margin of 0, a share of what "
    "the control oracle gains over random; inconclusive: none of these; no power: the metric does "
    "not tell the controls apart ([power](power.md)). A claim of several comparisons holds if all "
    "do, and does not if one does not. Not replicated: one side has a single training seed. Claims "
    "are judged one by one, without correction for their number; the comparisons of a claim are "
    "corrected where it says so. How: docs/claims.md."
)
# What the verdict of a comparison is based on
BASIS = plain("direction", "size", "verdict", "power", "replicated", "margin", "p_holm")


def claims_table(judgements: Sequence[Judgement], scale: str) -> Table:
    """One row a claim, with the effect of the comparison that decides."""
    columns = plain("claim", "paper", "statement", "published", "verified", "comparison", "metric")
    columns += [*plain("a", "b", "unit"), MEASURED]
    columns += [*BASIS, *plain("scale", "reason")]
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
            "replicated": found.replicated,
            "scale": scale,
            "reason": reason(found),
        }
        for found in judgements
    ]
    return Table(columns, rows)


def comparisons_table(judgements: Sequence[Judgement], scale: str) -> Table:
    """One row a comparison of a claim."""
    columns = plain("claim", "paper", "comparison", "track", "metric", "a", "b", "unit", "claimed")
    columns += [MEASURED, *BASIS, *plain("scale", "reason")]
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
        "replicated": part.replicated,
        "p_holm": part.p,
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
    told = tally(judgements)
    return f"{len(judgements)} claims: {', '.join(told[verdict] for verdict in VERDICTS)}."


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
            "verdict": Cell(found.verdict, "bold", _limits(found)),
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


def _limits(judgement: Judgement) -> str:
    """What a verdict leaves out: the size, other seeds."""
    part = judgement.deciding
    unsized = (NOT_RUN, NO_POWER)
    alone = part and part.size in unsized and judgement.verdict not in unsized
    told = ["direction" if alone else "", NOT_REPLICATED if judgement.replicated is False else ""]
    return f"({', '.join(filter(None, told))})" if any(told) else ""


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
            alone = f"; {NOT_REPLICATED}" if part.replicated is False else ""
            own = {
                "claim": found.name,
                "claimed": CLAIMED[about.claimed],
                "verdict": f"{part.direction}{sized}{alone}",
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
        | {v: ", ".join(_named(f) for f in own if f.verdict == v) for v in VERDICTS}
        for paper, group in groupby(judgements, key=lambda found: found.paper.paper)
        for own in [list(group)]
    ]
    columns = [Column("paper", "paper"), *(Column(verdict, verdict) for verdict in VERDICTS)]
    alone = any(found.replicated is False for found in judgements)
    told = f"{ONE_SEED}: {NOT_REPLICATED}, one training seed." if alone else ""
    return [counted(judgements), Table(columns, rows), told]


def _named(judgement: Judgement) -> str:
    return f"{judgement.name}{ONE_SEED if judgement.replicated is False else ''}"
