"""The first page's summary: what became of the claims, leaks, and how much of the run is there."""

from collections import Counter
from collections.abc import Iterable

from winnow.reporting.cells import NOT_RUN
from winnow.reporting.site.claims import VERDICTS
from winnow.reporting.site.rows import Rows


def summary(claims: Rows, leakage: Rows, states: Iterable[str]) -> str:
    """A list of links, one for each of what there is; `states` are as `cells.states` has them."""
    entries = [_claims(claims), _leakage(leakage), _cells(Counter(map(_state, states)))]
    return f'<ul class="summary">{"".join(entries)}</ul>' if any(entries) else ""


def _state(reason: str) -> str:
    return "finished" if not reason else "not run" if reason == NOT_RUN else "refused"


def _entry(page: str, title: str, told: str, drawing: str = "") -> str:
    return (
        f'<li><a href="{page}.html"><span class="title">{title}</span>'
        f'{drawing}<span class="told">{told}</span></a></li>'
    )


def _claims(rows: Rows) -> str:
    if not rows:
        return ""
    count = Counter(row["verdict"] for row in rows)
    told = ", ".join(
        f'<span class="{kind}">{count[name]} {name}</span>' for name, kind in VERDICTS.items()
    )
    return _entry("claims", f"{len(rows)} claims of the papers", told, bar(count))


def bar(count: Counter[str]) -> str:
    """Verdicts as a bar; the numbers stand beside it, so screen readers pass over it."""
    parts, x = "", 0.0
    whole = sum(count[name] for name in VERDICTS) or 1
    for name, kind in VERDICTS.items():
        width = 100 * count[name] / whole
        parts += f'<rect class="{kind}" x="{x:.2f}" y="0" width="{width:.2f}" height="8"/>'
        x += width
    return (
        '<svg class="verdicts" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">'
        f"{parts}</svg>"
    )


def _leakage(rows: Rows) -> str:
    if not rows:
        return ""
    struck = sum(row["struck"] == "yes" for row in rows)
    told = f"{struck or 'none'} of {len(rows)} rows struck out"
    return _entry("leakage", "Leaks into evaluation sets", told)


def _cells(count: Counter[str]) -> str:
    whole = sum(count.values())
    missing = ", ".join(f"{count[name]} {name}" for name in ("not run", "refused") if count[name])
    told = f"{count['finished']} of {whole} finished" + (f", {missing}" if missing else "")
    return _entry("cells", "Experiments", told)
