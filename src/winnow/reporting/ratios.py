"""The sweep over keep ratios: mean recall by scorer and ratio."""

from collections.abc import Container
from typing import Any

from winnow.reporting.caption_sets import in_order, main_set
from winnow.reporting.methods import HEADLINE, Method, Value
from winnow.reporting.results import Results
from winnow.reporting.shares import share_kept
from winnow.reporting.text import EMPTY, csv_text, interval, markdown, markdown_table

Curves = dict[tuple[str, str], dict[float, Value]]  # (captions, scorer) -> ratio -> mean recall
Struck = Container[Method]  # those that the audit strikes out


def _curves(results: Results) -> Curves:
    """In the order of the sweep."""
    curves: Curves = {}
    for method in results.expected("contrastive"):
        curve = curves.setdefault((method.captions, method.scorer), {})
        if value := results.value(method, HEADLINE):
            curve[method.ratio] = value
    return curves


def _struck_ratios(key: tuple[str, str], curve: dict[float, Value], struck: Struck) -> set[float]:
    return {ratio for ratio in curve if Method("contrastive", *key, ratio) in struck}


def _best(curve: dict[float, Value], struck: set[float]) -> float | None:
    left = [ratio for ratio in curve if ratio not in struck]
    return max(left, key=lambda ratio: (curve[ratio].value, -ratio), default=None)


def sweep_csv(results: Results, struck: Struck = ()) -> str:
    """Mean recall by scorer (rows) and keep ratio (columns), with intervals."""
    ratios = sorted({method.ratio for method in results.expected("contrastive")})
    spread = [f"{ratio!r}{end}" for ratio in ratios for end in ("", "_low", "_high")]
    rows = []
    for key, curve in _curves(results).items():
        row: list[Any] = [*key, _best(curve, _struck_ratios(key, curve, struck))]
        for ratio in ratios:
            value = curve.get(ratio)
            row += [value.value, value.low, value.high] if value else [None] * 3
        rows.append(row)
    return csv_text(["captions", "scorer", "best_ratio", *spread], rows)


def sweep_md(results: Results, struck: Struck = ()) -> str:
    """The sweep for people: every scorer of the main caption set, all pairs of the others. The best
    of several ratios is bold; what is struck out has a line through it and is no scorer's best."""
    ratios = sorted({method.ratio for method in results.expected("contrastive")})
    curves = _curves(results)
    sets = [captions for captions, _ in curves]
    main = main_set(sets)
    others = [(captions, "none") for captions in in_order(sets) if captions != main]
    shown = [key for key in curves if key[0] == main] + [key for key in others if key in curves]
    header = ["captions", "scorer", *(f"keep {kept(r)} / cleaned {kept(1 - r)}" for r in ratios)]
    body, lined = [], False
    for key in shown:
        curve = curves[key]
        out = _struck_ratios(key, curve, struck)
        marks = dict.fromkeys(out, "~~")
        if len(curve) > 1 and (best := _best(curve, out)) is not None:
            marks[best] = "**"
        cells = {r: interval(v.value, v.low, v.high) for r, v in curve.items()}
        marked = {r: f"{marks.get(r, '')}{cell}{marks.get(r, '')}" for r, cell in cells.items()}
        body.append([markdown(name) for name in key] + [marked.get(r, EMPTY) for r in ratios])
        lined = lined or bool(out)
    shares = {m: share_kept(results, m) for m in results.expected("contrastive")}
    other = [
        f"{markdown(m.scorer)} keeps {kept(share)}"
        for m, share in shares.items()
        if share != m.ratio and (m.captions, m.scorer) in shown
    ]
    notes = [
        "Per cent, with 95 % bootstrap intervals over images. Bold: a scorer's best ratio.",
        f"Not by a ratio: {', '.join(other)}; they stand under the ratio of their cells."
        if other
        else "",
        "Struck out: learned from leaking pairs, see [leakage.md](leakage.md)." if lined else "",
        "Of the other caption sets, all pairs; what scorers keep of them is in the leaderboard."
        if len(shown) < len(curves) or others
        else "",
    ]
    return (
        f"# Mean recall by keep ratio (scale `{markdown(results.scale)}`)\n\n"
        + markdown_table(header, body, left=2)
        + "\n"
        + "".join(f"{note}\n" for note in notes if note)
    )


def kept(ratio: float) -> str:
    """A keep ratio as `30 %`."""
    return f"{100 * ratio:.6g} %"
