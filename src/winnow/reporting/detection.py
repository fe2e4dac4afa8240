"""The table of the detection track."""

from winnow.evaluation.statistics import VERSION
from winnow.reporting.caption_sets import MAIN
from winnow.reporting.results import Results
from winnow.reporting.text import EMPTY, csv_text, interval, markdown, markdown_table

METRICS = (("average_precision", "AP"), ("auroc", "AUROC"))


def detection_csv(results: Results) -> str:
    """One row a scorer, kind of noise and metric, with interval and number of pairs."""
    rows = [
        [method.captions, method.scorer, kind, metric, v.value, v.low, v.high, v.n]
        for method in results.expected("detection")
        for kind in _kinds(results)
        for metric, _ in METRICS
        if (v := results.value(method, _name(kind, metric)))
    ]
    header = ["captions", "scorer", "kind", "metric", "value", "low", "high", "n"]
    return csv_text(header, rows)


def detection_md(results: Results) -> str:
    """For each metric a table: rows are scorers, columns are all noise and each kind of it."""
    parts = [f"# Finding the known noise (scale `{markdown(results.scale)}`)\n"]
    kinds = _kinds(results)
    for metric, label in METRICS:
        body = []
        for method in results.expected("detection"):
            values = [results.value(method, _name(kind, metric)) for kind in kinds]
            shown = [interval(v.value, v.low, v.high) if v else EMPTY for v in values]
            body.append([markdown(method.captions), markdown(method.scorer), *shown])
        table = markdown_table(["captions", "scorer", *kinds], body, left=2)
        parts.append(f"## {label}\n\n{table}")
    parts.append(
        "Per cent, with 95 % bootstrap intervals over images. Noisy pairs against clean ones, "
        "ranked by minus the score. Chance is 50 for AUROC, and for AP the share of noise, which "
        f"differs between caption sets (statistics version {VERSION}).\n"
    )
    if len({method.captions for method in results.expected("detection")}) > 1:
        parts.append(
            f"The noise of `{MAIN}` was put in; in other caption sets it is what their model got "
            "wrong, judged by the truth. A kind that a set does not have is empty.\n"
        )
    return "\n".join(parts)


def _kinds(results: Results) -> list[str]:
    return ["all", *results.zero_shot_sets("detection")]


def _name(kind: str, metric: str) -> str:
    return metric if kind == "all" else f"{kind}/{metric}"
