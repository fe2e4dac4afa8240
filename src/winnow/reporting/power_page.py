"""The page of what each metric can tell apart, and the plan of a larger run."""

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

from winnow.evaluation.statistics import VERSION
from winnow.reporting.emit.markdown import bullets, markdown
from winnow.reporting.papers import Claim, Paper
from winnow.reporting.power import DECIDES, GAIN, NO_POWER, Power, headline_power, power_of
from winnow.reporting.results import Results
from winnow.reporting.table import Cell, Column, Page, Row, Table, plain, spread
from winnow.reporting.values import GAINS, LEVELS, NUMBER, count, shown
from winnow.tracks.registry import BY_NAME

CONTRASTS = {"oracle_random": "oracle minus random", "human_none": "human minus none"}
BOUNDS = {"floor": "real images", "real": "real images"}  # how the keys of such metrics end
LEGEND = (
    "Floor: the control `random`, which keeps pairs by chance. Ceiling: the better one of the "
    "controls `oracle`, which reads the sealed truth, and all pairs with people's captions. A "
    "metric decides if oracle minus random (of caption sets: human minus none) is significantly "
    "better than zero, by its 95 % interval over images and seeds. One that does not is marked "
    f"`{NO_POWER}` on every table, curve and claim. Told apart: the smallest difference between "
    "two methods with as many images and seeds that is significant with a chance of 80 %. `winnow "
    "plan-power` says how many of them a smaller difference needs. Statistics version "
    f"{VERSION}; see `docs/protocol.md`."
)


class Line(NamedTuple):
    """A metric of a track with its label, whether it is a headline, and the claims that use it."""

    power: Power
    label: str
    headline: bool
    claims: Sequence[str]


def power_lines(results: Results, papers: Sequence[Paper]) -> list[Line]:
    """The headline metrics of each planned track, then the other metrics that claims use."""
    uses = claimed(results, papers)
    lines: dict[tuple[str, str], Line] = {}
    for track in (BY_NAME[name] for name in BY_NAME if results.expected(name)):
        for metric in track.headlines:
            power = headline_power(results, track.name, metric)
            claims = uses.get((track.name, power.metric), [])
            lines[track.name, power.metric] = Line(power, metric.label, True, claims)
        labels = {metric.key: metric.label for metric in track.metrics}
        for (name, key), claims in uses.items():
            if name == track.name and (name, key) not in lines:
                label = labels.get(key, labels.get(key.rsplit("/", 1)[-1], key))
                lines[name, key] = Line(power_of(results, name, key), label, False, claims)
    return list(lines.values())


def claimed(results: Results, papers: Sequence[Paper]) -> dict[tuple[str, str], list[str]]:
    """The claims that use a metric of a planned track, as its cells call it."""
    found: dict[tuple[str, str], list[str]] = {}
    for paper in papers:
        for name, claim in paper.claims.items():
            for track, metric in _metrics(claim):
                if results.expected(track):
                    found.setdefault((track, metric), []).append(name)
    return {key: list(dict.fromkeys(names)) for key, names in found.items()}


def _metrics(claim: Claim) -> list[tuple[str, str]]:
    compared = [(c, name) for c in claim.comparisons for name in (c.name, c.beyond) if name]
    judged = [(choice.track, BY_NAME[choice.track].judged) for choice in claim.choices]
    return [(c.track, c.a.metric(name)) for c, name in compared] + judged


def bounds(results: Results, power: Power) -> dict[str, float]:
    """What else is known of how far a metric goes, by name."""
    cell = next(results.sweep.cells(power.track), None)
    if cell is None:
        return {}
    record = results.sweep.records[cell]
    found = {
        told: value
        for end, told in BOUNDS.items()
        if (value := record.metrics.get(f"{power.metric}_{end}")) is not None
    }
    if floor := results.floor(power.track, power.metric):
        found[BY_NAME[power.track].floor or "bound"] = floor.estimate
    return found


def power_table(results: Results, lines: Sequence[Line]) -> Table:
    """A row a metric; fractions as they are."""
    columns = plain("track", "metric", "headline", "unit", "higher_is_better", "decides", "ratio")
    columns += [spread("floor"), *plain("ceiling_control"), spread("ceiling"), *plain("bounds")]
    for name in CONTRASTS:
        columns += [spread(name), *plain(f"{name}_p")]
    columns += plain("headroom", "smallest", "seeds", "images", "replication")
    return Table(
        [*columns, *plain("claims", "scale", "reason")], [_row(results, line) for line in lines]
    )


def _row(results: Results, line: Line) -> Row:
    power = line.power
    first = next(iter(power.contrasts), None)
    control, ceiling = power.ceiling or (None, None)
    told = [f"{name} {value:.6g}" for name, value in bounds(results, power).items()]
    return {
        **power._asdict(),
        **_contrasts(power),
        "headline": line.headline,
        "decides": DECIDES[power.decides],
        "floor": power.floor,
        **{"ceiling_control": control, "ceiling": ceiling, "bounds": "; ".join(told)},
        **{"ratio": first and first.upper.ratio, "headroom": power.headroom},
        "smallest": first and first.said.smallest,
        "seeds": first and first.difference.seeds,
        "images": first and first.images,
        "replication": first and first.difference.replication,
        **{"claims": ", ".join(line.claims), "scale": results.scale, "reason": power.reason},
    }


def _contrasts(power: Power) -> Row:
    found = dict(zip(CONTRASTS, (power.selection, power.captions), strict=True))
    values = {name: contrast and contrast.difference for name, contrast in found.items()}
    return values | {f"{name}_p": contrast and contrast.said.p for name, contrast in found.items()}


def power_page(results: Results, lines: Sequence[Line]) -> Page:
    """A table a track, and how to read it."""
    page: list[str | Table] = [
        f"# What can be told apart (scale `{markdown(results.scale)}`)",
        counted(lines),
    ]
    for name, track in BY_NAME.items():
        if own := [line for line in lines if line.power.track == name]:
            page += [f"## {track.title}", _shown(results, own)]
            page += [bullets(f"{line.label}: {told}" for line in own if (told := _told(line)))]
    return [*page, LEGEND]


def counted(lines: Sequence[Line]) -> str:
    """How many headline metrics decide."""
    own = [line.power.decides for line in lines if line.headline]
    known = ", ".join(f"{own.count(state)} {told}" for state, told in DECIDES.items())
    return f"{len(own)} headline metrics, whether they decide: {known}."


def _told(line: Line) -> str:
    """What a reader should know of a line: why it decides nothing, and what one seed leaves out."""
    alone = [contrast.difference.replication for contrast in line.power.contrasts[:1]]
    return "; ".join(filter(None, [line.power.reason, *alone]))


def _shown(results: Results, lines: Sequence[Line]) -> Table:
    rows = []
    for line in lines:
        row, power = _row(results, line), line.power
        level, gain = LEVELS[power.unit], GAINS[GAIN[power.unit]]
        arrow = "↑" if power.higher_is_better else "↓"
        ceiling = Cell(row["ceiling"], mark=f"({row['ceiling_control']})", show=level)
        own = {
            "label": Cell(f"{line.label} {arrow}", "" if line.headline else "italic"),
            "decides": Cell(row["decides"], "bold" if power.mark else ""),
            "floor": Cell(row["floor"], show=level),
            "ceiling": ceiling if power.ceiling else None,
            **{name: Cell(row[name], show=gain) for name in CONTRASTS},
            "smallest": Cell(row["smallest"], show=partial(shown, unit=GAIN[power.unit])),
            "bounds": ", ".join(f"{n} {level(v)}" for n, v in bounds(results, power).items()),
        }
        rows.append({**row, **own})
    columns = [Column("label", "metric"), Column("decides", "decides")]
    columns += [Column("floor", "floor", NUMBER), Column("ceiling", "ceiling", NUMBER)]
    columns += [Column(name, head, NUMBER) for name, head in CONTRASTS.items()]
    columns += [Column("smallest", "told apart", NUMBER)]
    columns += [Column("seeds", "seeds", count), Column("images", "images", count)]
    columns += [Column("bounds", "known bounds"), Column("claims", "claims")]
    return Table(columns, rows)
