"""The page of the text-to-image track."""

from collections.abc import Container, Mapping, Sequence

import pandas as pd

from winnow.evaluation.statistics import VERSION
from winnow.reporting.caption_sets import meanings
from winnow.reporting.emit.markdown import bullets, markdown
from winnow.reporting.generation import (
    ALL,
    DISTANCES,
    HEADLINE,
    PRETRAINED,
    REAL,
    TRACK,
    Plan,
    chosen_method,
    names,
    rows,
    scenes,
)
from winnow.reporting.methods import Method
from winnow.reporting.notes import noted, notes
from winnow.reporting.regret_page import by_scene, choice
from winnow.reporting.relative import change
from winnow.reporting.results import Results
from winnow.reporting.standins import standins_named
from winnow.reporting.table import Cell, Column, Image, Page, Row, Table, plain, spread
from winnow.reporting.values import GAINS, NUMBER, Value

KEYS = (
    Column("captions", "captions"),
    Column("scorer", "scorer"),
    Column("keep", "ratio", "{}".format),
)
MASKED = "controlnet"  # the role that is shown more than captions
BASES = {"change_pretrained": PRETRAINED, "change_none": ALL}
VALUE = Column("value", parts=("value", "low", "high", "n", "seeds"))


def generation_table(results: Results, plan: Plan, struck: Mapping[Method, int]) -> Table:
    """One row a method and headline metric, with its relative changes to `pretrained` and to all
    of `raw` (`none`); what was not measured has one row, whose note says why. Notes say of what is
    among `struck` that it is struck out."""
    columns = [*plain("captions", "scorer", "ratio", "metric"), VALUE]
    for name in BASES:
        columns += [spread(name), *plain(f"{name}_verdict")]
    body: list[Row] = []
    for method in rows(results, plan):
        row = {**method._asdict(), "scale": results.scale, "note": noted(results, method, struck)}
        for metric in HEADLINE:
            if (value := results.value(method, metric)) is None:
                continue
            own: dict[str, object] = {"metric": metric, "value": value}
            for name, base in BASES.items():
                found, _ = change(results, method, base, metric)
                own |= {name: found, f"{name}_verdict": _verdict(found, metric)}
            body.append(row | own)
        if method not in results.values:
            body.append(row)
    return Table([*columns, *plain("scale", "note")], body)


def _verdict(value: Value | None, metric: str) -> str:
    """What a change of a metric means; empty without an interval."""
    if value is None or value.ends is None:
        return ""
    if not value.apart:
        return "not told apart"
    return "better" if (value.estimate > 0) != (metric in DISTANCES) else "worse"


def scenes_table(results: Results, plan: Plan) -> Table:
    """One row a method, scene and metric of that scene."""
    body = [
        {**method._asdict(), "scene": scene, "metric": metric, "value": value}
        for method in rows(results, plan)
        for scene in scenes(results)
        for metric in HEADLINE
        if (value := results.value(method, f"{metric}/{scene}"))
    ]
    return Table([*plain("captions", "scorer", "ratio", "scene", "metric"), VALUE], body)


def generation_page(
    results: Results,
    plan: Plan,
    chosen: pd.DataFrame,
    prompts: Sequence[tuple[str, str]],
    struck: Mapping[Method, int],
) -> Page:
    """Tables on quality, changes, baselines, ratios by scene and the choice, then the gallery with
    its `prompts` (scene, text). Methods among `struck`, the numbers of leaking pairs that they
    learned from, have a line through them."""
    methods = rows(results, plan)
    named = {method: _named(method, plan, struck) for method in methods}
    fine_tuned = {m: row for m, row in named.items() if names(m, plan)[0]}
    return [
        f"# Text-to-image (scale `{markdown(results.scale)}`)",
        meanings(method.captions for method in methods),
        "## How good are the images?",
        _quality(results, named),
        _how(results, [m.scorer for m in methods if plan.baselines.get(m.scorer, "") is None]),
        "## Does fine-tuning help?",
        _changes(results, named, PRETRAINED),
        "Relative change to the model before fine-tuning, per cent, with 95 % intervals from "
        "resamples of the same prompts for both. What is published: "
        "[tables/dldc/generation.md](tables/dldc/generation.md) (claims A1 to A3).",
        "## Does cleaning help?",
        _changes(results, fine_tuned, ALL),
        "Relative change to the model fine-tuned on all pairs of raw, as above.",
        "## Is it better than the baselines?",
        *_baselines(results, plan, named),
        "## Which keep ratio for which scene?",
        *by_scene(results, plan, struck),
        "## Was the ratio chosen well?",
        *choice(results, plan, chosen, struck),
        "## Gallery",
        Image("Same prompts, a row a method", "figures/generation.png"),
        bullets(f"{scene}: {text}" for scene, text in prompts),
        *notes(results, {method: " ".join(map(str, method[1:])) for method in methods}, struck),
    ]


def _named(method: Method, plan: Plan, struck: Container[Method]) -> dict[str, object]:
    captions, scorer, ratio = names(method, plan)
    shown = Cell(scorer, "struck" if method in struck else "")
    return {"captions": captions, "scorer": shown, "keep": ratio}


def _quality(results: Results, named: Mapping[Method, Row]) -> Table:
    body = [
        {**row, **{metric: results.value(method, metric) for metric in HEADLINE}}
        for method, row in named.items()
    ]
    known = next((m for m in named if m in results.values), None)
    real = {m: results.value(known, REAL[m]) if known else None for m in HEADLINE}
    columns = [*KEYS, *(Column(metric, label, NUMBER) for metric, label in HEADLINE.items())]
    return Table(columns, [*body, {"captions": "real images", **real}])


def _how(results: Results, folders: Sequence[str]) -> str:
    """What measured the images; `folders` are the methods whose images somebody generated."""
    records = [results.sweep.records[cell] for cell in results.sweep.cells(TRACK)]
    settings = [record.provenance.get("parameters", {}) for record in records]
    features = sorted({str(s["features"]) for s in settings if "features" in s})
    models = sorted({f"{record.model} on {record.dataset}" for record in records})
    counts = sorted({record.n["fid"] for record in records if "fid" in record.n})
    told = (
        f" ({', '.join(map(markdown, folders))}: the prompts alone, for somebody generated these "
        "images)"
    )
    apart = told if folders else ""
    return (
        "FID and KID from the test split's images, by features of "
        f"{markdown(', '.join(features) or 'no run')}; scores are cosines of image and prompt "
        "by the roles evaluator_general (CLIP score) and evaluator_clip (RemoteCLIP score), which "
        f"no scorer uses. {' or '.join(map(str, counts)) or 'No'} images a method, "
        f"the same prompts and seeds for all{apart}. Real images: FID and KID of as many of the "
        "reference split, scores of the test split's own. 95 % bootstrap intervals over images. "
        f"Measured with {markdown('; '.join(models) or 'nothing yet')} (statistics version "
        f"{VERSION}). {markdown(standins_named(results.standins))}".rstrip()
    )


def _changes(results: Results, named: Mapping[Method, Row], base: Method) -> Table:
    return _change_table(results, {(m, base): row for m, row in named.items() if m != base})


def _change_table(results: Results, pairs: Mapping[tuple[Method, Method], Row]) -> Table:
    """The relative change in each headline metric of a method from a base."""
    body = []
    for (method, base), row in pairs.items():
        found = {metric: change(results, method, base, metric)[0] for metric in HEADLINE}
        cells = {m: Cell(value, mark=_verdict(value, m)) for m, value in found.items()}
        body.append({**row, **cells})
    columns = [Column(metric, label, GAINS["percent"]) for metric, label in HEADLINE.items()]
    return Table([*KEYS, *columns], body)


def _baselines(results: Results, plan: Plan, named: Mapping[Method, Row]) -> Page:
    ours = chosen_method(results, plan)
    known = [m for m in named if m.scorer in plan.baselines]
    if ours is None or not known:
        return ["Not in this sweep."]
    unfair = "".join(
        f" {markdown(m.scorer)} is shown the land-cover masks of the test images too, and so is no "
        "fair rival."
        for m in known
        if plan.baselines[m.scorer] == MASKED
    )
    return [
        _change_table(results, {(ours, base): named[base] for base in known}),
        f"Relative change from each baseline to {markdown(ours.scorer)}, per cent, with 95 % "
        "intervals: DLDC is said to be better than CRS-Diff, GeoRSSD and DiffusionSat (claim A4; "
        f"its numbers were not found).{unfair}",
    ]
