"""What `dvc metrics show` and `dvc plots show` read."""

from collections.abc import Container
from typing import Any

from winnow.reporting.boards import called
from winnow.reporting.caption_sets import main_set
from winnow.reporting.methods import Method
from winnow.reporting.results import Results
from winnow.reporting.shares import share_kept
from winnow.reporting.text import csv_text
from winnow.tracks.registry import BY_NAME


def metrics_json(results: Results) -> dict[str, Any]:
    """Headline numbers: track, captions, metric; scorer and keep ratio (as `keep30`) come before
    the metric where a track has several."""
    tree: dict[str, Any] = {}
    for method, values in results.values.items():
        track = BY_NAME[method.track]
        recorded = [metric.key for metric in track.metrics if metric.recorded]
        found = {name: round(values[name].value, 6) for name in recorded if name in values}
        keys = [method.track, method.captions]
        keys += [] if track.base_captions else [method.scorer]
        keys += [f"keep{100 * method.ratio:.6g}"] if track.by_ratio else []
        leaf = tree
        for key in keys:
            leaf = leaf.setdefault(key, {})
        leaf.update(found)
    return tree


def ratio_plot_csv(results: Results, track: str, struck: Container[Method] = ()) -> str:
    """A track's curves over the share kept on the main caption set: ratio, its headline metrics
    (those of the leaderboard), scorer, captions; a row a method that the first was measured of and
    that is not struck out."""
    headlines = BY_NAME[track].headlines
    rows = []
    methods = results.expected(track)
    main = main_set(method.captions for method in methods)
    for method in (m for m in methods if m.captions == main and m not in struck):
        found = [results.value(method, called(results, method, head)) for head in headlines]
        if found[0]:
            values = [value.value if value else None for value in found]
            rows.append([share_kept(results, method), *values, method.scorer, method.captions])
    return csv_text(["ratio", *(head.key for head in headlines), "scorer", "captions"], rows)


def detection_plot_csv(results: Results) -> str:
    """Average precision by scorer and kind of noise: kind, average_precision, scorer, captions. The
    scorer of a caption set other than the main one has the set's name before its own."""
    rows = []
    methods = results.expected("detection")
    main = main_set(method.captions for method in methods)
    for method in methods:
        name = method.scorer if method.captions == main else f"{method.captions}: {method.scorer}"
        for kind in ["all", *results.zero_shot_sets("detection")]:
            metric = "average_precision" if kind == "all" else f"{kind}/average_precision"
            if value := results.value(method, metric):
                rows.append([kind, value.value, name, method.captions])
    return csv_text(["kind", "average_precision", "scorer", "captions"], rows)
