"""What `dvc metrics show` and `dvc plots show` read."""

from typing import Any

from winnow.reporting.results import Results
from winnow.reporting.text import csv_text

HEADLINES = ("mean_recall", "acc1", "average_precision", "auroc")


def metrics_json(results: Results) -> dict[str, Any]:
    """Headline numbers: track, captions, scorer, keep ratio (as `keep30`), metric."""
    tree: dict[str, Any] = {}
    for method, values in results.values.items():
        found = {name: round(values[name].value, 6) for name in HEADLINES if name in values}
        ratio = [] if method.track == "detection" else [f"keep{100 * method.ratio:.6g}"]
        leaf = tree
        for key in [method.track, method.captions, method.scorer, *ratio]:
            leaf = leaf.setdefault(key, {})
        leaf.update(found)
    return tree


def ratio_plot_csv(results: Results) -> str:
    """The ratio curves: ratio, mean_recall, acc1, scorer, captions."""
    rows = []
    for method in results.expected("contrastive"):
        recall, accuracy = (results.value(method, name) for name in ("mean_recall", "acc1"))
        if recall:
            value = accuracy.value if accuracy else None
            rows.append([method.ratio, recall.value, value, method.scorer, method.captions])
    return csv_text(["ratio", "mean_recall", "acc1", "scorer", "captions"], rows)


def detection_plot_csv(results: Results) -> str:
    """Average precision by scorer and kind of noise: kind, average_precision, scorer, captions."""
    rows = []
    for method in results.expected("detection"):
        for kind in ["all", *results.zero_shot_sets("detection")]:
            metric = "average_precision" if kind == "all" else f"{kind}/average_precision"
            if value := results.value(method, metric):
                rows.append([kind, value.value, method.scorer, method.captions])
    return csv_text(["kind", "average_precision", "scorer", "captions"], rows)
