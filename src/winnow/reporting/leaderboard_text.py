"""The leaderboard for people: a section for each track."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import NamedTuple

from winnow.evaluation.statistics import VERSION
from winnow.params.sections import Noise, noise_told
from winnow.params.submissions import Card
from winnow.reporting.boards import Row, Table
from winnow.reporting.caption_sets import meanings
from winnow.reporting.groups import Comparison
from winnow.reporting.leaderboard import MAIN, NOT_IN_SWEEP, samples_seen
from winnow.reporting.methods import Method, Value
from winnow.reporting.notes import LINK, crossed, struck_out
from winnow.reporting.ratios import kept
from winnow.reporting.results import CONTROLS, Results
from winnow.reporting.shares import share_kept
from winnow.reporting.submissions import submissions_md
from winnow.reporting.text import EMPTY, interval, markdown, markdown_table, number, percent
from winnow.tracks.registry import TRACKS, UNMEASURED
from winnow.tracks.track import Metric, Unit

INDISTINCT = "≈"  # stands by a difference that is not distinguishable


class Further(NamedTuple):
    """A column beside those of the metric that ranks."""

    label: str
    unit: Unit
    values: Mapping[Method, Value | None]


def leaderboard_md(
    results: Results,
    tables: Sequence[Table],
    cards: Sequence[Card] = (),
    noise: Mapping[Noise, float] | None = None,
) -> str:
    """A section for each track and, where sets do not compete, caption set, then the `cards` of the
    submissions. It holds no measured time, so that equal runs give equal bytes.
    `noise` is the share of people's captions that got each kind.
    """
    parts = [f"# Leaderboard (scale `{markdown(results.scale)}`)\n\n"]
    for (track, captions), found in groupby(tables, lambda table: (table.track, table.captions)):
        title = f"{track.title}: {markdown(captions)}" if captions else track.title
        own = list(found)
        detected = [t for t in tables if track.name == MAIN and t.track.apart]
        parts += [f"## {title}\n\n", _section(results, own, detected)]
    ran = {table.track.name for table in tables}
    ranked = [track.name for track in TRACKS if track.headlines]
    missing = {name: "no cell of it is in this sweep" for name in ranked if name not in ran}
    parts += [
        f"Track `{name}`: not run, {why}.\n\n" for name, why in (missing | UNMEASURED).items()
    ]
    return "".join([*parts, _legend(results, noise), submissions_md(cards)])


def _section(
    results: Results,
    tables: Sequence[Table],
    detected: Sequence[Table],
) -> str:
    first, track = tables[0], tables[0].track
    names: tuple[str, ...] = ("captions", "scorer", "keep", "cleaned")
    names = names[: 1 if track.base_captions else 2 if track.apart else 4]
    further = _further(tables, detected)
    pairs = {row.method: samples_seen(results, row.method) for row in first.rows}
    seen = any(count is not None for count in pairs.values())
    base = track.base_captions or track.base
    header = [
        *("rank", "group", *names),
        *(first.headline.label, f"minus {base}", "minus the best"),
        *(column.label for column in further),
        *(("pairs seen",) if seen else ()),
    ]
    body = []
    for row in first.rows:
        unit = first.headline.unit
        body.append(
            [
                *(str(row.rank or EMPTY), row.group or EMPTY, *_named(results, row)[: len(names)]),
                *(_shown(row.value, unit), _difference(row.to_base, unit)),
                _difference(row.to_best, unit),
                *(_shown(column.values[row.method], column.unit) for column in further),
                *([str(EMPTY if pairs[row.method] is None else pairs[row.method])] if seen else ()),
            ]
        )
    for captions, control in first.absent:
        named = [EMPTY, EMPTY, markdown(captions), f"_{markdown(control)}_ (control)"]
        body.append(named + [EMPTY] * (len(header) - len(named)))
    warnings = dict.fromkeys(text for table in tables for text in table.warnings.values())
    table = markdown_table(header, body, left=min(len(names), 2) + 2)
    return (
        "".join(f"> **Warning:** {markdown(text)}\n\n" for text in warnings)
        + f"{table}{_direction(tables)}{_notes(results, first)}\n"
    )


def _further(tables: Sequence[Table], detected: Sequence[Table]) -> list[Further]:
    """The metrics that do not rank, and what the scorers of the methods detect."""
    methods = [row.method for row in tables[0].rows]
    scorers = {m: m._replace(track="detection", ratio=1.0) for m in methods}
    found: dict[Metric, dict[Method, Value | None]] = {}
    for table in (*tables[1:], *detected):
        found.setdefault(table.headline, {}).update({r.method: r.value for r in table.rows})
    return [
        Further(
            headline.label,
            headline.unit,
            {method: values.get(method) or values.get(scorers[method]) for method in methods},
        )
        for headline, values in found.items()
    ]


def _named(results: Results, row: Row) -> list[str]:
    _, captions, scorer, _ = row.method
    share = share_kept(results, row.method)
    name = f"_{markdown(scorer)}_ (control)" if scorer in CONTROLS else markdown(scorer)
    return [markdown(captions), crossed(name, row.leaks is not None), kept(share), kept(1 - share)]


def _shown(value: Value | None, unit: Unit) -> str:
    show = percent if unit == "percent" else number
    return interval(value.value, value.low, value.high, show) if value else EMPTY


def _difference(found: Comparison | None, unit: Unit) -> str:
    if found is None:
        return EMPTY
    show = percent if unit == "percent" else number
    value, low, high = (
        f"{'-' if part < 0 else '+'}{show(abs(part))}" for part in found.difference[:3]
    )
    return f"{value} ({low} to {high}){'' if found.distinguishable else f' {INDISTINCT}'}"


def _direction(tables: Sequence[Table]) -> str:
    lower = [t.headline.label for t in tables if not t.headline.higher_is_better]
    return f"\nLower is better: {', '.join(lower)}.\n" if lower else ""


def _notes(results: Results, table: Table) -> str:
    """Why rows are empty, incomplete or struck out."""
    notes = []
    for row in table.rows:
        told = (results.caveat(row.method), struck_out(row.leaks))
        name = f"{row.method.captions} / {row.method.scorer} / {row.method.ratio:g}"
        notes += [f"{name}: {text}" for text in told if text]
    notes += [f"{captions} / {control}: {NOT_IN_SWEEP}" for captions, control in table.absent]
    if not notes:
        return ""
    struck = any(row.leaks is not None for row in table.rows)
    link = f"\n{LINK}\n" if struck else ""
    return "\nNotes:\n\n" + "".join(f"- {markdown(note)}\n" for note in notes) + link


def _legend(results: Results, noise: Mapping[Noise, float] | None) -> str:
    planned = [m for t in ("contrastive", "captioning") for m in results.expected(t)]
    lines = [
        "Shares are in per cent, scores as they are, with 95 % bootstrap intervals over images. "
        "mR: mean of the six retrieval recalls. Keep and cleaned: the share of the pairs kept, and "
        "of those cleaned away. mIoU and mAcc: at the largest share of the labels, generated "
        "images with exact labels. Differences are paired over the same images: to `none` (all "
        "pairs) of the same caption set, to the set or scorer that the column names, and to the "
        "best. "
        f"{INDISTINCT}: not distinguishable from it at 5 % (Holm's correction over the table). "
        "Group: methods that share a number cannot be told apart (Holm's correction over all pairs "
        "of methods). Intervals cover the choice of test images, not the variance of training: "
        "differences of a few points, of one seed, may turn with another. Noise AP and AUROC: how "
        "well the scorer finds noisy pairs. Controls bracket the others and have no rank. "
        f"Statistics version {VERSION}; see `docs/leaderboard.md`.",
        meanings(m.captions for m in planned),
        "" if noise is None else noise_told(noise),
        "Caption sets are ranked together where they are measured on the same test images.",
        "What every cell cost, and on what, is in `results/cost.csv` and on the site after a run: "
        "times differ from run to run, so they are not committed.",
    ]
    return "\n\n".join(filter(None, lines)) + "\n"
