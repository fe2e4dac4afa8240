"""The page of the caption sets: the truth, the text, the differences."""

from collections.abc import Mapping, Sequence

from winnow.evaluation.statistics import VERSION
from winnow.reporting.caption_sets import meanings
from winnow.reporting.captions import STATISTICS, TRACK, TRUTH, Compared, best, sets
from winnow.reporting.emit.markdown import bullets, markdown
from winnow.reporting.results import Results
from winnow.reporting.table import Cell, Column, Footnotes, Image, Page, Row, Table, plain, spread
from winnow.reporting.values import GAINS, NUMBER, PERCENT, Show, Value


def captions_table(results: Results) -> Table:
    """One row a caption set, each metric with its interval; shares are fractions."""
    columns = [spread(metric) for metric in (*TRUTH, *STATISTICS)]
    rows = [
        {key: _whole(cell) if isinstance(cell, Value) else cell for key, cell in row.items()}
        | {"scale": results.scale, "note": results.caveat(method)}
        for method, row in zip(sets(results), _rows(results), strict=True)
    ]
    return Table([*plain("caption_set"), *columns, *plain("scale", "note")], rows)


def _whole(value: Value) -> Value:
    """A count without a decimal point, however large."""
    whole = {
        name: int(part)
        for name, part in value._asdict().items()
        if isinstance(part, float) and part.is_integer()
    }
    return value._replace(**whole)


def _rows(results: Results) -> list[Row]:
    metrics = (*TRUTH, *STATISTICS)
    return [
        {"caption_set": method.captions}
        | {metric: results.value(method, metric) for metric in metrics}
        for method in sets(results)
    ]


def differences_table(compared: Sequence[Compared]) -> Table:
    """One row a pair of sets and metric: difference, interval, p, verdict, or why there is none."""
    rows = [
        row._asdict()
        | (row.difference._asdict() if row.difference else {"difference": None})
        | {"p_holm": row.adjusted}
        for row in compared
    ]
    keys = ["a", "b", "metric", "images"]
    keys += ["difference", "low", "high", "p", "p_holm", "verdict", "reason"]
    return Table(plain(*keys), rows)


def captions_page(results: Results, compared: Sequence[Compared]) -> Page:
    """Three tables, what they show, and what is missing."""
    methods = sets(results)
    graders = sorted({record.pretrained for record in results.sweep.records.values()})
    reasons = Footnotes()
    differences = _differences(results, compared, reasons)
    caveats = [f"{m.captions}: {note}" for m in methods if (note := results.caveat(m))]
    known = any(results.value(m, metric) for m in methods for metric in TRUTH)
    return [
        f"# Caption sets (scale `{markdown(results.scale)}`)",
        meanings(method.captions for method in methods),
        "## How good are the captions?",
        _truth(results) if known else "",
        "Per cent, with 95 % bootstrap intervals over images; the best in bold. Scene, count, "
        "attribute, relation: such assertions that are right. Object precision: objects named that "
        "are there; recall: things and named land there that a caption mentions. Hallucination: "
        "captions with an invented object. Clean: captions without a fault."
        if known
        else "The truth about these images is not known, or no cell has run.",
        "## What are they made of?",
        Table([Column("caption_set", "captions"), *_columns(STATISTICS, NUMBER)], _rows(results)),
        "Words: mean of a caption. Distinct-n: different n-grams as a share of all, which falls as "
        "a set grows. Self-BLEU: how much the captions repeat each other. Evaluator score: mean "
        "cosine of image and caption by a model that scores nothing else "
        f"({markdown('; '.join(graders) or 'not run')}). 95 % bootstrap intervals over images.",
        "## Differences",
        differences,
        "The first set minus the second, over the images that both describe; shares in percentage "
        "points. 95 % intervals and p by bootstrap over images, p after Holm's correction over the "
        f"table; at 5 %, else not told apart (statistics version {VERSION}).",
        Image("object recall against hallucination", "figures/captions.svg"),
        bullets([*reasons.lines(), *caveats]),
    ]


def _columns(labels: Mapping[str, str], show: Show) -> list[Column]:
    return [Column(metric, label, show) for metric, label in labels.items()]


def _truth(results: Results) -> Table:
    labels = {metric: f"{label} {_arrow(results, metric)}" for metric, label in TRUTH.items()}
    winners = {metric: best(results, metric) for metric in TRUTH}
    rows = [
        {
            **row,
            **{m: Cell(row[m], "bold" if method in winners[m] else "") for m in TRUTH},
        }
        for method, row in zip(sets(results), _rows(results), strict=True)
    ]
    return Table([Column("caption_set", "captions"), *_columns(labels, PERCENT)], rows)


def _arrow(results: Results, metric: str) -> str:
    return "↑" if results.higher_is_better(TRACK, metric) else "↓"


def _differences(results: Results, compared: Sequence[Compared], reasons: Footnotes) -> Table:
    labels = TRUTH | STATISTICS
    columns = [Column("a", "captions"), Column("b", "minus"), Column("label", "metric")]
    columns += [Column("verdict", "result"), Column("gain", "difference", GAINS["number"])]
    columns += [Column("adjusted", "p", "{:.4f}".format), Column("images", "images", "{:d}".format)]
    rows = []
    for row in compared:
        known = row.difference
        rows.append(
            row._asdict()
            | {
                "label": f"{labels[row.metric]} {_arrow(results, row.metric)}",
                "verdict": Cell(row.verdict, mark=reasons.mark(row.reason)),
                "gain": Cell(
                    Value(*known[:3]) if known else None,
                    show=GAINS["percent" if row.metric in TRUTH else "number"],
                ),
            }
        )
    return Table(columns, rows)
