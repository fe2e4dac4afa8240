"""The report on text-to-image as CSV and Markdown."""

from collections.abc import Container, Mapping, Sequence

import pandas as pd

from winnow.evaluation.statistics import VERSION
from winnow.reporting.caption_sets import meanings
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
from winnow.reporting.methods import Method, Value
from winnow.reporting.notes import crossed, noted, notes_md
from winnow.reporting.regret_text import choice_md, shown, sweep_md
from winnow.reporting.relative import change, told_apart
from winnow.reporting.results import Results
from winnow.reporting.standins import standins_named
from winnow.reporting.text import EMPTY, csv_text, interval, markdown, markdown_table

KEYS = ["captions", "scorer", "ratio"]
MASKED = "controlnet"  # the role that is shown more than captions


def generation_csv(results: Results, plan: Plan, struck: Mapping[Method, int]) -> str:
    """One row a method and headline metric, with its relative changes to `pretrained` and to all
    of `raw` (`none`); what was not measured has one row, whose note says why. Notes say of what is
    among `struck` that it is struck out."""
    header = [*KEYS, "metric", "value", "low", "high", "n", "seeds"]
    ends = ["", "_low", "_high", "_verdict"]
    header += [f"{key}{end}" for key in ("change_pretrained", "change_none") for end in ends]
    body = []
    for method in rows(results, plan):
        keys, note = list(method[1:]), noted(results, method, struck)
        for metric in HEADLINE:
            value = results.value(method, metric)
            if value is None:
                continue
            changes = [change(results, method, base, metric)[0] for base in (PRETRAINED, ALL)]
            spread = [part for c in changes for part in _spread(c, metric)]
            body.append([*keys, metric, *value, *spread, results.scale, note])
        if method not in results.values:
            body.append([*keys, *[None] * 14, results.scale, note])
    return csv_text([*header, "scale", "note"], body)


def _spread(value: Value | None, metric: str) -> list[object]:
    return [None] * 4 if value is None else [*value[:3], _verdict(value, metric)]


def _verdict(value: Value, metric: str) -> str:
    """What a change of a metric means; empty without an interval."""
    if value.low is None:
        return ""
    if not told_apart(value):
        return "not told apart"
    return "better" if (value.value > 0) != (metric in DISTANCES) else "worse"


def generation_scenes_csv(results: Results, plan: Plan) -> str:
    """One row a method, scene and metric of that scene."""
    header = [*KEYS, "scene", "metric", "value", "low", "high", "n", "seeds"]
    body = [
        [*method[1:], scene, metric, *value]
        for method in rows(results, plan)
        for scene in scenes(results)
        for metric in HEADLINE
        if (value := results.value(method, f"{metric}/{scene}"))
    ]
    return csv_text(header, body)


def generation_md(
    results: Results,
    plan: Plan,
    choice: pd.DataFrame,
    prompts: Sequence[tuple[str, str]],
    struck: Mapping[Method, int],
) -> str:
    """Tables on quality, changes, baselines, ratios by scene and the choice, then the gallery with
    its `prompts` (scene, text). Methods among `struck`, the numbers of leaking pairs that they
    learned from, have a line through them."""
    methods = rows(results, plan)
    named = {method: _name(method, plan, struck) for method in methods}
    parts = [
        f"# Text-to-image (scale `{markdown(results.scale)}`)\n",
        f"{meanings(method.captions for method in methods)}\n",
        "## How good are the images?\n",
        _quality(results, named),
        _how(results, [named[m][1] for m in methods if plan.baselines.get(m.scorer, "") is None]),
        "## Does fine-tuning help?\n",
        _changes(results, named, PRETRAINED),
        "Relative change to the model before fine-tuning, per cent, with 95 % intervals from "
        "resamples of the same prompts for both. What is published: "
        "[tables/dldc/generation.md](tables/dldc/generation.md) (claims A1 to A3).\n",
        "## Does cleaning help?\n",
        _changes(results, {m: n for m, n in named.items() if names(m, plan)[0]}, ALL),
        "Relative change to the model fine-tuned on all pairs of raw, as above.\n",
        "## Is it better than the baselines?\n",
        _baselines(results, plan, named),
        "## Which keep ratio for which scene?\n",
        sweep_md(results, plan, struck),
        "## Was the ratio chosen well?\n",
        choice_md(results, plan, choice, struck),
        "## Gallery\n",
        "![Same prompts, a row a method](figures/generation.png)\n",
        "".join(f"- {markdown(scene)}: {markdown(text)}\n" for scene, text in prompts),
    ]
    called = {method: " ".join(map(str, method[1:])) for method in methods}
    return "\n".join(parts) + notes_md(results, called, struck)


def _name(method: Method, plan: Plan, struck: Container[Method]) -> list[str]:
    captions, scorer, ratio = (markdown(part) or EMPTY for part in names(method, plan))
    return [captions, crossed(scorer, method in struck), ratio]


def _quality(results: Results, named: Mapping[Method, list[str]]) -> str:
    body = [
        [*name, *(shown(results.value(method, metric)) for metric in HEADLINE)]
        for method, name in named.items()
    ]
    known = next((m for m in named if m in results.values), None)
    real = [shown(results.value(known, REAL[m])) if known else EMPTY for m in HEADLINE]
    return markdown_table(
        [*KEYS, *HEADLINE.values()], [*body, ["real images", EMPTY, EMPTY, *real]], 2
    )


def _how(results: Results, folders: Sequence[str]) -> str:
    """What measured the images; `folders` are the methods whose images somebody generated."""
    records = [results.sweep.records[cell] for cell in results.sweep.cells(TRACK)]
    settings = [record.provenance.get("parameters", {}) for record in records]
    features = sorted({str(s["features"]) for s in settings if "features" in s})
    models = sorted({f"{record.model} on {record.dataset}" for record in records})
    counts = sorted({record.n["fid"] for record in records if "fid" in record.n})
    told = f" ({', '.join(folders)}: the prompts alone, for somebody generated these images)"
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
        + "\n"
    )


def _changes(results: Results, named: Mapping[Method, list[str]], base: Method) -> str:
    body = [
        [*name, *(_change(results, m, base, metric) for metric in HEADLINE)]
        for m, name in named.items()
        if m != base
    ]
    return markdown_table([*KEYS, *HEADLINE.values()], body, 2)


def _change(results: Results, method: Method, base: Method, metric: str) -> str:
    value, _ = change(results, method, base, metric)
    if value is None:
        return EMPTY
    told = interval(value.value, value.low, value.high, _signed)
    return f"{told} {_verdict(value, metric)}".rstrip()


def _signed(value: float | None) -> str:
    return EMPTY if value is None else f"{100 * value:+.2f}"


def _baselines(results: Results, plan: Plan, named: Mapping[Method, list[str]]) -> str:
    ours = chosen_method(results, plan)
    known = [m for m in named if m.scorer in plan.baselines]
    if ours is None or not known:
        return "Not in this sweep.\n"
    body = [
        [*named[base], *(_change(results, ours, base, metric) for metric in HEADLINE)]
        for base in known
    ]
    masked = [named[m][1] for m in known if plan.baselines[m.scorer] == MASKED]
    unfair = "".join(
        f" {name} is shown the land-cover masks of the test images too, and so is no fair rival."
        for name in masked
    )
    return (
        markdown_table([*KEYS, *HEADLINE.values()], body, 2)
        + f"\nRelative change from each baseline to {named[ours][1]}, per cent, with 95 % "
        "intervals: DLDC is said to be better than CRS-Diff, GeoRSSD and DiffusionSat (claim A4; "
        f"its numbers were not found).{unfair}\n"
    )
