"""The page of the detection track."""

from winnow.evaluation.statistics import VERSION
from winnow.reporting.caption_sets import MAIN
from winnow.reporting.emit.markdown import markdown
from winnow.reporting.results import Results
from winnow.reporting.table import Column, Image, Page, Table, plain
from winnow.reporting.values import PERCENT

METRICS = {"average_precision": "AP", "auroc": "AUROC"}


def kinds(results: Results) -> list[str]:
    """All noise, and each kind of it."""
    return ["all", *results.zero_shot_sets("detection")]


def called(kind: str, metric: str) -> str:
    """What the cells call a metric of a kind of noise."""
    return metric if kind == "all" else f"{kind}/{metric}"


def detection_table(results: Results) -> Table:
    """One row a scorer, kind of noise and metric, with interval and number of pairs."""
    rows = [
        {**method._asdict(), "kind": kind, "metric": metric, "value": value}
        for method in results.expected("detection")
        for kind in kinds(results)
        for metric in METRICS
        if (value := results.value(method, called(kind, metric)))
    ]
    columns = plain("captions", "scorer", "kind", "metric")
    columns.append(Column("value", parts=("value", "low", "high", "n")))
    return Table(columns, rows)


def detection_page(results: Results) -> Page:
    """For each metric a table: rows are scorers, columns are all noise and each kind of it."""
    methods = results.expected("detection")
    columns = [Column("captions", "captions"), Column("scorer", "scorer")]
    columns += [Column(f"kind {kind}", kind, PERCENT) for kind in kinds(results)]
    page: list[str | Table | Image] = [
        f"# Finding the known noise (scale `{markdown(results.scale)}`)"
    ]
    for metric, label in METRICS.items():
        rows = [
            method._asdict()
            | {f"kind {k}": results.value(method, called(k, metric)) for k in kinds(results)}
            for method in methods
        ]
        page += [f"## {label}", Table(columns, rows)]
    page.append(
        "Per cent, with 95 % bootstrap intervals over images. Noisy pairs against clean ones, "
        "ranked by minus the score. Chance is 50 for AUROC, and for AP the share of noise, which "
        f"differs between caption sets (statistics version {VERSION})."
    )
    if len({method.captions for method in methods}) > 1:
        page.append(
            f"The noise of `{MAIN}` was put in; in other caption sets it is what their model got "
            "wrong, judged by the truth. A kind that a set does not have is empty."
        )
    return page
