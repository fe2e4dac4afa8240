"""The sweep over keep ratios: mean recall and within-scene AUC by scorer and ratio."""

from collections.abc import Container, Sequence

from winnow.reporting.caption_sets import in_order, main_set
from winnow.reporting.cells import mapping
from winnow.reporting.emit.markdown import markdown
from winnow.reporting.method_results import Method
from winnow.reporting.power import power_warnings
from winnow.reporting.results import Results
from winnow.reporting.table import Cell, Column, Image, Page, Row, Style, Table, plain, spread
from winnow.reporting.values import PERCENT, Value, kept
from winnow.tracks.registry import BY_NAME

TRACK, HEADLINE, WITHIN = "contrastive", "mean_recall", "within_scene_auc"
Curves = dict[tuple[str, str], dict[float, Value]]  # (captions, scorer) -> ratio -> value
Struck = Container[Method]  # those that the audit strikes out


def _curves(results: Results, metric: str = HEADLINE) -> Curves:
    """In the order of the sweep."""
    curves: Curves = {}
    for method in results.expected(TRACK):
        curve = curves.setdefault((method.captions, method.scorer), {})
        if value := results.value(method, metric):
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
            **{f"{ratio!r}_replication": value.replication for ratio, value in curve.items()},
        }
        for key, curve in _curves(results).items()
    ]
    columns = [
        column
        for name in map(repr, _ratios(results))
        for column in (spread(name), *plain(f"{name}_replication"))
    ]
    return Table([*plain("captions", "scorer", "best_ratio"), *columns], rows)


def _replicated(results: Results, shown: Sequence[tuple[str, str]]) -> str:
    """Which of the shown values rest on several seeds, if not all do."""
    methods = [m for m in results.expected(TRACK) if (m.captions, m.scorer) in shown]
    known = {m: value for m in methods if (value := results.value(m, HEADLINE))}
    if not any(value.replication for value in known.values()):
        return ""
    several = [
        f"{markdown(m.captions)} / {markdown(m.scorer)} at {kept(m.ratio)}"
        for m, value in known.items()
        if value.seeds > 1
    ]
    return f"Several seeds: {', '.join(several) or 'none'}. What else is trained is not replicated."


def _cuts(results: Results, methods: Sequence[Method]) -> str:
    """Which caption sets training cuts at the model's context."""
    told = []
    for method in methods:
        records = [results.sweep.records.get(cell) for cell in results.cells(method)]
        trained = next((mapping(r.provenance.get("training")) for r in records if r), {})
        cuts = mapping(trained.get("cuts"))
        if cuts.get("cut"):
            told.append(f"{markdown(method.captions)} {cuts['cut']} of {cuts['captions']}")
    return f"Captions that training cuts at the model's context: {', '.join(told)}." if told else ""


def sweep_page(results: Results, struck: Struck = ()) -> Page:
    """The sweep for people: every scorer of the main caption set, all pairs of the others, by mean
    recall and by what is measured within scenes. The best of several ratios is bold; what is struck
    out has a line through it and is no scorer's best."""
    keys, curves = _shown(results), _curves(results)
    shares = {m: results.share_kept(m) for m in results.expected(TRACK)}
    other = [
        f"{markdown(m.scorer)} keeps {kept(share)}"
        for m, share in shares.items()
        if share != m.ratio and (m.captions, m.scorer) in keys
    ]
    lined = any(_struck_ratios(key, curves[key], struck) for key in keys)
    notes = [
        "Per cent, with 95 % intervals over images and seeds. Bold: a scorer's best ratio.",
        _replicated(results, keys),
        f"Not by a ratio: {', '.join(other)}; they stand under the ratio of their cells."
        if other
        else "",
        "Struck out: learned from [leaking pairs](leakage.md)." if lined else "",
        _cuts(results, [method for method in results.expected(TRACK) if method.scorer == "none"]),
        "Of the other caption sets, all pairs; what scorers keep of them is in the leaderboard."
        if len(keys) < len(curves) or len({captions for captions, _ in keys}) > 1
        else "",
    ]
    return [
        f"# Mean recall by keep ratio (scale `{markdown(results.scale)}`)",
        *power_warnings(results, TRACK),
        _by_ratio(results, keys, HEADLINE, struck),
        "\n".join(filter(None, notes)),
        "## Within-scene AUC by keep ratio",
        *_within_scene(results, keys, struck),
        Image("Retrieval and zero-shot accuracy by keep ratio", "figures/contrastive.svg"),
    ]


def _shown(results: Results) -> list[tuple[str, str]]:
    """Every scorer of the main caption set, then `none` of the others."""
    keys = list(dict.fromkeys((m.captions, m.scorer) for m in results.expected(TRACK)))
    sets = [captions for captions, _ in keys]
    main = main_set(sets)
    others = [(captions, "none") for captions in in_order(sets) if captions != main]
    return [key for key in keys if key[0] == main] + [key for key in others if key in keys]


def _by_ratio(
    results: Results, keys: Sequence[tuple[str, str]], metric: str, struck: Struck
) -> Table:
    """A metric by scorer (rows) and keep ratio (columns), and below what the scene alone gives."""
    curves = _curves(results, metric)
    columns = [Column("captions", "captions"), Column("scorer", "scorer")]
    for ratio in _ratios(results):
        head = f"keep {kept(ratio)} / cleaned {kept(1 - ratio)}"
        columns.append(Column(repr(ratio), head, PERCENT))
    rows: list[Row] = []
    for key in keys:
        curve = curves[key]
        out = _struck_ratios(key, curve, struck)
        styles: dict[float | None, Style] = dict.fromkeys(out, "struck")
        if len(curve) > 1 and (best := _best(curve, out)) is not None:
            styles[best] = "bold"
        cells = {repr(r): Cell(value, styles.get(r, "")) for r, value in curve.items()}
        rows.append({"captions": key[0], "scorer": key[1], **cells})
    if floor := results.floor(TRACK, metric):
        bound = Cell(BY_NAME[TRACK].floor, "italic", "(bound)")
        rows.append({"scorer": bound, repr(_ratios(results)[-1]): floor})
    return Table(columns, rows)


def _within_scene(results: Results, keys: Sequence[tuple[str, str]], struck: Struck) -> Page:
    """The table and what it leaves out; where nothing is measured, why."""
    counts = results.told(TRACK, "within_scene")
    if not any(_curves(results, WITHIN).values()):
        return ["Not measured: no scene is known of two test images."]
    left_out = {
        "alone in their scene": counts.get("alone", 0),
        "without a known scene": counts.get("unknown", 0),
    }
    told = " and ".join(f"{count} {why}" for why, count in left_out.items() if count)
    return [
        _by_ratio(results, keys, WITHIN, struck),
        f"Measured on {counts.get('images', 0)} test images of {counts.get('scenes', 0)} scenes"
        + (f"; left out are {told}." if told else "."),
    ]
