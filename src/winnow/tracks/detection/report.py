"""Tables and page of the track `detection`."""

from winnow.evaluation.statistics import VERSION
from winnow.reporting.caption_sets import MAIN, main_set
from winnow.reporting.emit.markdown import markdown
from winnow.reporting.results import Results
from winnow.reporting.table import Column, Image, Page, Table, plain
from winnow.reporting.values import LEVELS
from winnow.tracks.detection.metrics import METRICS

TRACK = "detection"


def kinds(results: Results) -> list[str]:
    """All noise, and each kind of it."""
    return ["all", *results.zero_shot_sets(TRACK)]


def called(kind: str, metric: str) -> str:
    """What the cells call a metric of a kind of noise."""
    return metric if kind == "all" else f"{kind}/{metric}"


def detection_table(results: Results) -> Table:
    """One row a scorer, kind of noise and metric, with interval and number of pairs."""
    rows = [
        {**method._asdict(), "kind": kind, "metric": metric.key, "value": value}
        for method in results.expected(TRACK)
        for kind in kinds(results)
        for metric in METRICS
        if (value := results.value(method, called(kind, metric.key)))
    ]
    columns = plain("captions", "scorer", "kind", "metric")
    columns.append(Column("value", parts=("value", "low", "high", "n")))
    return Table(columns, rows)


def detection_plot(results: Results) -> Table:
    """What DVC plots: kind of noise, average_precision, scorer, captions. The scorer of a caption
    set other than the main one has the set's name before its own."""
    metric, methods = METRICS[0].key, results.expected(TRACK)
    main = main_set(method.captions for method in methods)
    names = {m: m.scorer if m.captions == main else f"{m.captions}: {m.scorer}" for m in methods}
    rows = [
        {"kind": kind, metric: value.estimate, "scorer": name, "captions": method.captions}
        for method, name in names.items()
        for kind in kinds(results)
        if (value := results.value(method, called(kind, metric)))
    ]
    return Table(plain("kind", metric, "scorer", "captions"), rows)


def detection_page(results: Results) -> Page:
    """For each metric a table: rows are scorers, columns are all noise and each kind of it."""
    methods = results.expected(TRACK)
    page: list[str | Table | Image] = [
        f"# Finding the known noise (scale `{markdown(results.scale)}`)"
    ]
    for metric in METRICS:
        columns = [Column("captions", "captions"), Column("scorer", "scorer")]
        columns += [Column(f"kind {k}", k, LEVELS[metric.unit]) for k in kinds(results)]
        rows = [
            method._asdict()
            | {f"kind {k}": results.value(method, called(k, metric.key)) for k in kinds(results)}
            for method in methods
        ]
        page += [f"## {metric.title}", Table(columns, rows)]
    page.append(
        "Per cent, with 95 % bootstrap intervals over images. Noisy pairs against clean ones, "
        "ranked by minus the score. Chance is 50 for AUROC, and for AP the share of noise, which "
        f"differs between caption sets (statistics version {VERSION})."
    )
    if len({method.captions for method in methods}) > 1:
        page.append(
            f"The noise of `{MAIN}` was added; in other caption sets it is what their model got "
            "wrong, judged by the truth. A kind that a set does not have is empty."
        )
    return [*page, Image("Average precision by kind of noise", "figures/detection.svg")]
