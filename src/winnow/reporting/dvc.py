"""What `dvc metrics show` and `dvc plots show` read."""

from collections.abc import Container
from typing import Any

from winnow.reporting.caption_sets import main_set
from winnow.reporting.method_results import Method
from winnow.reporting.results import Results
from winnow.reporting.table import Table, plain
from winnow.reporting.track_leaderboards import metric_name
from winnow.tracks.registry import BY_NAME


def metrics_json(results: Results) -> dict[str, Any]:
    """Headline numbers: track, captions, metric; scorer and keep ratio (as `keep30`) come before
    the metric where a track has several."""
    tree: dict[str, Any] = {}
    for method, values in results.values.items():
        track = BY_NAME[method.track]
        recorded = [metric.key for metric in track.metrics if metric.recorded]
        found = {name: round(values[name].estimate, 6) for name in recorded if name in values}
        keys = [method.track, method.captions]
        keys += [] if track.base_captions else [method.scorer]
        keys += [f"keep{100 * method.ratio:.6g}"] if track.by_ratio else []
        leaf = tree
        for key in keys:
            leaf = leaf.setdefault(key, {})
        leaf.update(found)
    return tree


def ratio_plot(results: Results, track: str, struck: Container[Method] = ()) -> Table:
    """A track's curves over the share kept on the main caption set: ratio, its headline metrics
    (those of the leaderboard), scorer, captions; a row a method that the first was measured of and
    that is not struck out."""
    headlines = BY_NAME[track].headlines
    metrics = [headline.key for headline in headlines]
    rows = []
    methods = results.expected(track)
    main = main_set(method.captions for method in methods)
    for method in (m for m in methods if m.captions == main and m not in struck):
        found = [results.value(method, metric_name(results, method, head)) for head in headlines]
        if found[0]:
            values = [value and value.estimate for value in found]
            own = {"ratio": results.share_kept(method)}
            rows.append(method._asdict() | own | dict(zip(metrics, values, strict=True)))
    return Table(plain("ratio", *metrics, "scorer", "captions"), rows)
