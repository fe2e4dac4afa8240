"""The sweep over keep ratios: mean recall by scorer and ratio."""

from typing import Any

from winnow.reporting.caption_sets import in_order, main_set
from winnow.reporting.methods import HEADLINE, Value
from winnow.reporting.results import Results
from winnow.reporting.text import EMPTY, csv_text, interval, markdown, markdown_table

Curves = dict[tuple[str, str], dict[float, Value]]  # (captions, scorer) -> ratio -> mean recall


def _curves(results: Results) -> Curves:
    """In the order of the sweep."""
    curves: Curves = {}
    for method in results.expected("contrastive"):
        curve = curves.setdefault((method.captions, method.scorer), {})
        if value := results.value(method, HEADLINE):
            curve[method.ratio] = value
    return curves


def _best(curve: dict[float, Value]) -> float | None:
    return max(curve, key=lambda ratio: (curve[ratio].value, -ratio)) if curve else None


def sweep_csv(results: Results) -> str:
    """Mean recall by scorer (rows) and keep ratio (columns), with intervals."""
    ratios = sorted({method.ratio for method in results.expected("contrastive")})
    spread = [f"{ratio!r}{end}" for ratio in ratios for end in ("", "_low", "_high")]
    rows = []
    for (captions, scorer), curve in _curves(results).items():
        row: list[Any] = [captions, scorer, _best(curve)]
        for ratio in ratios:
            value = curve.get(ratio)
            row += [value.value, value.low, value.high] if value else [None] * 3
        rows.append(row)
    return csv_text(["captions", "scorer", "best_ratio", *spread], rows)


def sweep_md(results: Results) -> str:
    """The sweep for people: every scorer of the main caption set, all pairs of the others. The best
    of several ratios is bold."""
    ratios = sorted({method.ratio for method in results.expected("contrastive")})
    curves = _curves(results)
    sets = [captions for captions, _ in curves]
    main = main_set(sets)
    others = [(captions, "none") for captions in in_order(sets) if captions != main]
    shown = [key for key in curves if key[0] == main] + [key for key in others if key in curves]
    header = ["captions", "scorer", *(f"keep {kept(r)} / clean {kept(1 - r)}" for r in ratios)]
    body = []
    for key in shown:
        curve = curves[key]
        best = _best(curve) if len(curve) > 1 else None
        cells = [interval(v.value, v.low, v.high) if (v := curve.get(r)) else EMPTY for r in ratios]
        bold = [f"**{s}**" if r == best else s for r, s in zip(ratios, cells, strict=True)]
        body.append([markdown(name) for name in key] + bold)
    return (
        f"# Mean recall by keep ratio (scale `{markdown(results.scale)}`)\n\n"
        + markdown_table(header, body, left=2)
        + "\nPer cent, with 95 % bootstrap intervals over images. Bold: a scorer's best ratio.\n"
        + (
            "Of the other caption sets, all pairs; what scorers keep of them is in the "
            "leaderboard.\n"
            if len(shown) < len(curves) or others
            else ""
        )
    )


def kept(ratio: float) -> str:
    """A keep ratio as `30 %`."""
    return f"{100 * ratio:.6g} %"
