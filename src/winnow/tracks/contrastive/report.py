"""The sweep over keep ratios: mean recall by scorer and ratio."""

from collections.abc import Container

from winnow.reporting.caption_sets import in_order, main_set
from winnow.reporting.emit.markdown import markdown
from winnow.reporting.method_results import Method
from winnow.reporting.results import Results
from winnow.reporting.table import Cell, Column, Image, Page, Style, Table, plain, spread
from winnow.reporting.values import PERCENT, Value, kept

TRACK, HEADLINE = "contrastive", "mean_recall"
Curves = dict[tuple[str, str], dict[float, Value]]  # (captions, scorer) -> ratio -> mean recall
Struck = Container[Method]  # those that the audit strikes out


def _curves(results: Results) -> Curves:
    """In the order of the sweep."""
    curves: Curves = {}
    for method in results.expected(TRACK):
        curve = curves.setdefault((method.captions, method.scorer), {})
        if value := results.value(method, HEADLINE):
            curve[method.ratio] = value
    return curves


def _ratios(results: Results) -> list[float]:
    return sorted({method.ratio for method in results.expected(TRACK)})


def _struck_ratios(key: tuple[str, str], curve: dict[float, Value], struck: Struck) -> set[float]:
    return {ratio for ratio in curve if Method(TRACK, *key, ratio) in struck}


def _best(curve: dict[float, Value], struck: set[float]) -> float | None:
    """The ratio with the highest value that is not struck out; of equals the lowest."""
    left = [ratio for ratio in curve if ratio not in struck]
    return max(left, key=lambda ratio: (curve[ratio].estimate, -ratio), default=None)


def sweep_table(results: Results, struck: Struck = ()) -> Table:
    """Mean recall by scorer (rows) and keep ratio (columns), with intervals."""
    rows = [
        {
            "captions": key[0],
            "scorer": key[1],
            "best_ratio": _best(curve, _struck_ratios(key, curve, struck)),
            **{repr(ratio): value for ratio, value in curve.items()},
        }
        for key, curve in _curves(results).items()
    ]
    columns = [spread(repr(ratio)) for ratio in _ratios(results)]
    return Table([*plain("captions", "scorer", "best_ratio"), *columns], rows)


def sweep_page(results: Results, struck: Struck = ()) -> Page:
    """The sweep for people: every scorer of the main caption set, all pairs of the others. The best
    of several ratios is bold; what is struck out has a line through it and is no scorer's best."""
    curves = _curves(results)
    sets = [captions for captions, _ in curves]
    main = main_set(sets)
    others = [(captions, "none") for captions in in_order(sets) if captions != main]
    shown = [key for key in curves if key[0] == main] + [key for key in others if key in curves]
    columns = [Column("captions", "captions"), Column("scorer", "scorer")]
    for ratio in _ratios(results):
        head = f"keep {kept(ratio)} / cleaned {kept(1 - ratio)}"
        columns.append(Column(repr(ratio), head, PERCENT))
    rows, lined = [], False
    for key in shown:
        curve = curves[key]
        out = _struck_ratios(key, curve, struck)
        styles: dict[float | None, Style] = dict.fromkeys(out, "struck")
        if len(curve) > 1 and (best := _best(curve, out)) is not None:
            styles[best] = "bold"
        cells = {repr(r): Cell(value, styles.get(r, "")) for r, value in curve.items()}
        rows.append({"captions": key[0], "scorer": key[1], **cells})
        lined = lined or bool(out)
    shares = {m: results.share_kept(m) for m in results.expected(TRACK)}
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
        "Struck out: learned from [leaking pairs](leakage.md)." if lined else "",
        "Of the other caption sets, all pairs; what scorers keep of them is in the leaderboard."
        if len(shown) < len(curves) or others
        else "",
    ]
    return [
        f"# Mean recall by keep ratio (scale `{markdown(results.scale)}`)",
        Table(columns, rows),
        "\n".join(filter(None, notes)),
        Image("Mean recall and zero-shot accuracy by keep ratio", "figures/contrastive.svg"),
    ]
