"""The leaderboard's page: a section for each track."""

from collections.abc import Container, Mapping, Sequence
from itertools import groupby
from urllib.parse import quote

from winnow.evaluation.statistics import VERSION
from winnow.params.submissions import Card
from winnow.reporting.caption_sets import meanings
from winnow.reporting.emit.markdown import bullets, markdown
from winnow.reporting.leaderboard import MAIN, elsewhere, track_leaderboard_rows
from winnow.reporting.method_results import Method
from winnow.reporting.results import CONTROLS, Results
from winnow.reporting.row_notes import LINK, struck_out
from winnow.reporting.table import Cell, Column, Image, Page, Row, Style, Table
from winnow.reporting.track_leaderboards import TrackLeaderboard
from winnow.reporting.values import GAINS, INDISTINCT, LEVEL, LEVELS, Value, kept
from winnow.terrarium.settings import Noise, noise_told
from winnow.tracks.registry import TRACKS, UNMEASURED
from winnow.tracks.track import Metric

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


# As the README has it: so many of the best, and the controls of these caption sets.
BEST = 10
CONTROLLED = ("human", "raw")
SUMMARY = ("rank", "captions", "scorer", "kept", "value", "none", "acc1", "average_precision")


def leaderboard_page(
    results: Results,
    boards: Sequence[TrackLeaderboard],
    cards: Sequence[Card] = (),
    noise: Mapping[Noise, float] | None = None,
) -> Page:
    """A section for each track and, where sets do not compete, caption set, then the `cards` of the
    submissions. It holds no measured time, so that equal runs give equal bytes.
    `noise` is the share of people's captions that got each kind.
    """
    page: list[str | Table | Image] = [f"# Leaderboard (scale `{markdown(results.scale)}`)"]
    for own in _sections(boards):
        track, captions = own[0].track, own[0].captions
        title = f"{track.title}: {markdown(captions)}" if captions else track.title
        page += [f"## {title}", *_section(results, own, boards)]
    ran = {board.track.name for board in boards}
    ranked = [track.name for track in TRACKS if track.headlines]
    missing = {name: "no cell of it is in this sweep" for name in ranked if name not in ran}
    page += [f"Track `{name}`: not run, {why}." for name, why in (missing | UNMEASURED).items()]
    return [*page, *_legend(results, noise), *submissions(cards)]


def summary(results: Results, boards: Sequence[TrackLeaderboard]) -> Page:
    """The best methods of the first section and the controls of CONTROLLED that have a value, below
    the section's warnings, as the README has them."""
    own = next(iter(_sections(boards)), [])
    if not own:
        return []
    table = _table(results, own, boards)
    shown = {column.key for column in table.columns} & set(SUMMARY)
    rows = [row for row in table.rows if _is_summed_up(row, shown)]
    columns = [column for column in table.columns if column.key in shown]
    return [*_warnings(own), Table(columns, rows)]


def _is_summed_up(row: Row, shown: Container[str]) -> bool:
    if row.get("rank") is not None:
        return bool(row["rank"] <= BEST)
    values = (row.get(key) for key in SUMMARY[4:] if key in shown)
    told = any((v.value if isinstance(v, Cell) else v) is not None for v in values)
    return told and row["control"] and row["captions"] in CONTROLLED


def _sections(boards: Sequence[TrackLeaderboard]) -> list[list[TrackLeaderboard]]:
    """The boards of one track and caption set each."""
    return [list(own) for _, own in groupby(boards, lambda board: (board.track, board.captions))]


def _section(
    results: Results, own: Sequence[TrackLeaderboard], boards: Sequence[TrackLeaderboard]
) -> Page:
    lower = [b.headline.label for b in own if not b.headline.higher_is_better]
    return [
        *_warnings(own),
        _table(results, own, boards),
        f"Lower is better: {', '.join(lower)}." if lower else "",
        own[0].track.legend,
        *_notes(results, own[0]),
    ]


def _warnings(own: Sequence[TrackLeaderboard]) -> list[str]:
    texts = dict.fromkeys(text for board in own for text in board.warnings.values())
    return [f"> **Warning:** {markdown(text)}" for text in texts]


def _table(
    results: Results, own: Sequence[TrackLeaderboard], boards: Sequence[TrackLeaderboard]
) -> Table:
    """The methods in the order of the first board; beside it those of the other boards, and what
    the scorers of the methods detect."""
    first, track = own[0], own[0].track
    detected = [b for b in boards if track.name == MAIN and b.track.apart]
    further = _further(first, [*own[1:], *detected])
    rows = []
    for row in track_leaderboard_rows(results, first):
        method = Method(row["track"], row["captions"], row["scorer"], row.get("ratio") or 1.0)
        planned = row.get("ratio") is not None
        more: dict[str, object] = {"control": row["scorer"] in CONTROLS}
        more |= {h.key: values.get(method) for h, values in further.items() if planned}
        more |= {"seen": results.trained_with(method, "samples_seen")} if planned else {}
        more["scorer"] = Cell(row["scorer"], _style(row), "(control)" if more["control"] else "")
        more["cleaned"] = 1 - row["kept"] if planned else None
        more |= {key: difference(row, key) for key in ("none", "best")}
        rows.append({**row, **more})
    unit = first.headline.unit
    base = track.base_captions or track.base
    names = [Column("captions", "captions"), Column("scorer", "scorer")]
    names += [Column("kept", "keep", kept), Column("cleaned", "cleaned", kept)]
    columns = [Column("rank", "rank"), Column("group", "group")]
    columns += names[: 1 if track.base_captions else 2 if track.apart else 4]
    columns += [Column("value", first.headline.label, LEVELS[unit])]
    columns += [Column("none", f"minus {base}", GAINS[unit])]
    columns += [Column("best", "minus the best", GAINS[unit])]
    columns += [Column(h.key, h.label, LEVELS[h.unit]) for h in further]
    if any(row.get("seen") is not None for row in rows):
        columns.append(Column("seen", "pairs seen", "{:d}".format))
    return Table(columns, rows)


def _style(row: Row) -> Style:
    if row.get("leaks") is not None:
        return "struck"
    return "italic" if row["scorer"] in CONTROLS else ""


def difference(row: Row, key: str) -> Cell:
    """A difference of a row of a board, with a mark where it is not significant."""
    p = row.get(f"{key}_p")
    return Cell(row.get(key), mark=INDISTINCT if p is not None and p >= LEVEL else "")


def _further(
    first: TrackLeaderboard, others: Sequence[TrackLeaderboard]
) -> dict[Metric, dict[Method, Value | None]]:
    """The values of the methods of the first board in other boards; of a board of scorers, what
    their scorer has there."""
    found: dict[Metric, dict[Method, Value | None]] = {}
    for board in others:
        values = {row.method: row.value for row in board.rows}
        own = found.setdefault(board.headline, {})
        for method in (row.method for row in first.rows):
            own[method] = own.get(method) or values.get(elsewhere(method, board.track))
    return found


def _notes(results: Results, board: TrackLeaderboard) -> list[str]:
    """Why rows are empty, incomplete or struck out."""
    lines = []
    for row in track_leaderboard_rows(results, board):
        ratio = f" / {row['ratio']:g}" if row.get("ratio") is not None else ""
        told = (row["note"], struck_out(row.get("leaks")))
        lines += [f"{row['captions']} / {row['scorer']}{ratio}: {text}" for text in told if text]
    struck = any(row.leaks is not None for row in board.rows)
    return ["Notes:", bullets(lines), LINK if struck else ""] if lines else []


def _legend(results: Results, noise: Mapping[Noise, float] | None) -> list[str]:
    planned = [m for track in TRACKS if track.by_captions for m in results.expected(track.name)]
    return [
        "Shares are in per cent, scores as they are, with 95 % bootstrap intervals over images. "
        "Keep: the share of the pairs that is kept; cleaned: the rest. Differences are paired over "
        "the same images: to `none` (all pairs) of the same caption set, to the set or scorer that "
        "the column names, and to the best. "
        f"{INDISTINCT}: not significantly different at 5 % (Holm's correction over the table). "
        "Group: methods that share a number are not significantly different (Holm's correction "
        "over all pairs of methods). Intervals cover the choice of test images, not the variance "
        "of training: differences of a few points, of one seed, may turn with another. Controls "
        f"bracket the other methods and have no rank. Statistics version {VERSION}; see "
        "`docs/leaderboard.md`.",
        meanings(m.captions for m in planned),
        "" if noise is None else noise_told(noise),
        "The cost and hardware of every cell are in `results/cost.csv` and on the site after a "
        "run: times differ from run to run, so they are not committed.",
    ]
