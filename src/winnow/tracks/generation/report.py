"""Text-to-image by keep ratio: methods, scenes, tables and page."""

from collections.abc import Container, Mapping, Sequence
from typing import NamedTuple

import pandas as pd

from winnow.evaluation.statistics import VERSION
from winnow.params.names import PRETRAINED
from winnow.reporting.caption_sets import MAIN, in_order, meanings
from winnow.reporting.emit.markdown import bullets, markdown
from winnow.reporting.method_results import Method
from winnow.reporting.paired import change
from winnow.reporting.ratio_regret import Regret, Sweep, overall, regrets
from winnow.reporting.results import Results
from winnow.reporting.row_notes import page_notes, row_note, struck_through
from winnow.reporting.standins import standins_named
from winnow.reporting.table import VALUE, Cell, Column, Image, Page, Row, Table, plain, spread
from winnow.reporting.values import GAINS, LEVELS, NUMBER, SAME, Value
from winnow.tracks.generation.metrics import METRICS

TRACK = "generation"
BY_KEY = {metric.key: metric for metric in METRICS}
DISTANCES = ("fid", "kid")
START = Method(TRACK, MAIN, PRETRAINED, 1.0)
ALL = Method(TRACK, MAIN, "none", 1.0)
BASES = {"change_pretrained": START, "change_none": ALL}
MASKED = "controlnet"  # the role that is shown more than captions
KEYS = (
    Column("captions", "captions"),
    Column("scorer", "scorer"),
    Column("keep", "ratio", "{}".format),
)


class Plan(NamedTuple):
    """Which scorers the report is about: whose ratios are compared by scene, the one that has its
    ratio chosen, and the baselines: of each the role that draws, None where somebody generated its
    images."""

    scorer: str
    chosen: str
    baselines: Mapping[str, str | None]

    def sweep(self, results: Results) -> Sweep:
        """The ratios that are compared by scene."""
        return Sweep.of(results, TRACK, self.scorer)


def rows(results: Results, plan: Plan) -> list[Method]:
    """The planned methods in the order of the tables: before fine-tuning, the baselines, all of
    `raw`, what is kept of it, then the other caption sets."""
    planned = results.expected(TRACK)
    sets = in_order(method.captions for method in planned)
    kinds = [PRETRAINED, *plan.baselines, "none"]

    def place(method: Method) -> tuple[int, int, int]:
        kind = kinds.index(method.scorer) if method.scorer in kinds else len(kinds)
        return (method.captions != MAIN, sets.index(method.captions), kind)

    return sorted(planned, key=place)


def names(method: Method, plan: Plan) -> tuple[str, str, str]:
    """Captions, scorer and ratio as they are shown: nothing fine-tunes a baseline, and the ratio of
    what is chosen by scene is no number."""
    if method.scorer in (PRETRAINED, *plan.baselines):
        return "", method.scorer, ""
    ratio = "chosen" if method.scorer == plan.chosen else f"{method.ratio:g}"
    return method.captions, method.scorer, ratio


def generation_table(results: Results, plan: Plan, struck: Mapping[Method, int]) -> Table:
    """One row a method and metric, with its relative changes to `pretrained` and to all of `raw`
    (`none`); what was not measured has one row, whose note says why. Notes say of what is among
    `struck` that it is struck out."""
    columns = [*plain("captions", "scorer", "ratio", "metric"), VALUE]
    for name in BASES:
        columns += [spread(name), *plain(f"{name}_verdict")]
    body: list[Row] = []
    for method in rows(results, plan):
        row = {
            **method._asdict(),
            "scale": results.scale,
            "note": row_note(results, method, struck),
        }
        for metric in METRICS:
            if (value := results.value(method, metric.key)) is None:
                continue
            own: dict[str, object] = {"metric": metric.key, "value": value}
            for name, base in BASES.items():
                found, _ = change(results, method, base, metric.key)
                verdict = found.verdict(metric.higher_is_better) if found else ""
                own |= {name: found, f"{name}_verdict": verdict}
            body.append(row | own)
        if method not in results.values:
            body.append(row)
    return Table([*columns, *plain("scale", "note")], body)


def scenes_table(results: Results, plan: Plan) -> Table:
    """One row a method, scene and metric of that scene."""
    scenes = plan.sweep(results).scenes(results)
    body = [
        {**method._asdict(), "scene": scene, "metric": metric, "value": value}
        for method in rows(results, plan)
        for scene in scenes
        for metric in BY_KEY
        if (value := results.value(method, f"{metric}/{scene}"))
    ]
    return Table([*plain("captions", "scorer", "ratio", "scene", "metric"), VALUE], body)


def choice_table(found: Sequence[Regret]) -> Table:
    """One row a scene: what was chosen and why, the best ratio of the sweep, the regret."""
    keys = ["scene", "pairs", "clean_share", "source", "chosen_ratio", "best_ratio", "prompts"]
    body = [
        {
            **row._asdict(),
            **{"clean_share": row.share, "chosen_ratio": row.chosen, "best_ratio": row.best},
            **{"regret": _regret(row), "p_holm": row.adjusted},
            "p": row.difference.p if row.difference else None,
        }
        for row in found
    ]
    regret = Column("regret", parts=("regret", "low", "high"))
    return Table([*plain(*keys), regret, *plain("p", "p_holm", "verdict", "reason")], body)


def _regret(row: Regret) -> Value | None:
    return Value(*row.difference[:3]) if row.difference else None


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
        _changes(results, {(m, START): row for m, row in named.items() if m != START}),
        "Relative change to the model before fine-tuning, per cent, with 95 % intervals from "
        "resamples of the same prompts for both. Published values: [the paper's "
        "table](tables/dldc/generation.md) (claims A1 to A3).",
        "## Does cleaning help?",
        _changes(results, {(m, ALL): row for m, row in fine_tuned.items() if m != ALL}),
        "Relative change to the model fine-tuned on all pairs of raw, as above.",
        "## Is it better than the baselines?",
        *_baselines(results, plan, named),
        "## Which keep ratio for which scene?",
        *_by_scene(results, plan, struck),
        "## Was the ratio chosen well?",
        *_choice(results, plan, chosen, struck),
        "## Gallery",
        Image("Same prompts, a row a method", "figures/generation.jpg"),
        bullets(f"{scene}: {text}" for scene, text in prompts),
        *page_notes(
            results, {method: " ".join(map(str, method[1:])) for method in methods}, struck
        ),
    ]


def _named(method: Method, plan: Plan, struck: Container[Method]) -> dict[str, object]:
    captions, _, ratio = names(method, plan)
    return {"captions": captions, "scorer": struck_through(method, struck), "keep": ratio}


def _quality(results: Results, named: Mapping[Method, Row]) -> Table:
    body = [
        {**row, **{metric: results.value(method, metric) for metric in BY_KEY}}
        for method, row in named.items()
    ]
    known = next((m for m in named if m in results.values), None)
    # Of as many images of the reference split, and of the test split's own
    ends = {m: "floor" if m in DISTANCES else "real" for m in BY_KEY}
    real = {m: results.value(known, f"{m}_{end}") if known else None for m, end in ends.items()}
    columns = [Column(m.key, m.titled, LEVELS[m.unit]) for m in METRICS]
    return Table([*KEYS, *columns], [*body, {"captions": "real images", **real}])


def _how(results: Results, folders: Sequence[str]) -> str:
    """What measured the images; `folders` are the methods whose images somebody generated."""
    records = [results.sweep.records[cell] for cell in results.sweep.cells(TRACK)]
    settings = [record.provenance.get("parameters", {}) for record in records]
    features = sorted({str(s["features"]) for s in settings if "features" in s})
    models = sorted({f"{record.model} on {record.dataset}" for record in records})
    counts = sorted({record.n["fid"] for record in records if "fid" in record.n})
    told = ", ".join(map(markdown, folders))
    apart = f" ({told}: the same prompts alone, as the images were generated elsewhere)"
    return (
        "FID and KID from the test split's images, by features of "
        f"{markdown(', '.join(features) or 'no run')}; scores are cosines of image and prompt "
        "by the roles evaluator_general (CLIP score) and evaluator_clip (RemoteCLIP score), which "
        f"no scorer uses. {' or '.join(map(str, counts)) or 'No'} images a method, "
        f"the same prompts and seeds for all{apart if folders else ''}. Real images: FID and KID "
        "of as many of the reference split, scores of the test split's own. 95 % bootstrap "
        f"intervals over images. Measured with {markdown('; '.join(models) or 'nothing yet')} "
        f"(statistics version {VERSION}). {markdown(standins_named(results.standins))}".rstrip()
    )


def _changes(results: Results, pairs: Mapping[tuple[Method, Method], Row]) -> Table:
    """The relative change in each metric of a method from a base."""
    body = []
    for (method, base), row in pairs.items():
        found = {m: change(results, method, base, m)[0] for m in BY_KEY}
        cells = {
            m: Cell(value, mark=value.verdict(BY_KEY[m].higher_is_better) if value else "")
            for m, value in found.items()
        }
        body.append({**row, **cells})
    return Table([*KEYS, *(Column(m.key, m.titled, GAINS["percent"]) for m in METRICS)], body)


def _baselines(results: Results, plan: Plan, named: Mapping[Method, Row]) -> Page:
    ours = next((m for m in results.expected(TRACK) if m.scorer == plan.chosen), None)
    known = [m for m in named if m.scorer in plan.baselines]
    if ours is None or not known:
        return ["Not in this sweep."]
    unfair = "".join(
        f" {markdown(m.scorer)} is shown the land-cover masks of the test images too, so the "
        "comparison with it is not fair."
        for m in known
        if plan.baselines[m.scorer] == MASKED
    )
    return [
        _changes(results, {(ours, base): named[base] for base in known}),
        f"Relative change from each baseline to {markdown(ours.scorer)}, per cent, with 95 % "
        "intervals. DLDC is reported to be better than CRS-Diff, GeoRSSD and DiffusionSat (claim "
        f"A4; its numbers were not found).{unfair}",
    ]


def _by_scene(results: Results, plan: Plan, struck: Container[Method]) -> Page:
    """The metric that judges ratios and KID by scene and ratio; values of methods that are struck
    out have a line through them."""
    sweep = plan.sweep(results)
    shown = sweep.scenes(results)
    if not sweep.methods or not shown:
        return ["Not measured here."]
    page: list[str | Table] = []
    for metric in (sweep.metric, "kid"):
        columns = [Column("scene", f"{BY_KEY[metric].titled} at keep ratio")]
        columns += [Column(f"{ratio}", f"{ratio:g}", NUMBER) for ratio in sweep.methods]
        body = []
        for scene in shown:
            row: dict[str, object] = {"scene": scene}
            for ratio, method in sweep.methods.items():
                value = results.value(method, f"{metric}/{scene}")
                row[f"{ratio}"] = Cell(value, "struck" if method in struck else "")
            body.append(row)
        page.append(Table(columns, body))
    told = (
        "Of the prompts of each scene, by the generators fine-tuned on what "
        f"{markdown(plan.scorer)} keeps at that ratio; 1 is all of raw."
    )
    return [*page, told]


def _choice(results: Results, plan: Plan, chosen: pd.DataFrame, struck: Container[Method]) -> Page:
    """What was chosen for each scene, the best ratio, and the regret; ratios whose method is struck
    out have a line through them."""
    sweep = plan.sweep(results)
    found = regrets(results, sweep, chosen)
    if not found:
        return ["No ratio was chosen here."]

    def crossed(ratio: float | None) -> Cell:
        return Cell(ratio, "struck" if sweep.methods.get(ratio or 0.0) in struck else "")

    columns = [
        Column("scene", "scene"),
        Column("pairs", "pairs", "{:d}".format),
        Column("share", "clean share", "{:.3f}".format),
        Column("source", "by"),
        Column("chosen", "chosen", "{:g}".format),
        Column("best", "best", "{:g}".format),
        Column("regret", "regret", GAINS["number"]),
        Column("adjusted", "p", "{:.4f}".format),
        Column("result", "result"),
    ]
    body = [
        row._asdict()
        | {"chosen": crossed(row.chosen), "best": crossed(row.best), "regret": _regret(row)}
        | {"result": row.verdict or row.reason}
        for row in found
    ]
    several = len({row.best for row in found if row.best is not None})
    lines = [
        f"The best ratio of the sweep takes {several} values over the scenes (claim A7). Regret: "
        "what the best ratio gains over the chosen one, chosen on one half of a scene's prompts "
        f"and compared on the other, in {BY_KEY[sweep.metric].label}; 95 % intervals and p by "
        "bootstrap over prompts, p after Holm's correction over the scenes. The column best is "
        "chosen on all prompts, so it can be the chosen ratio and the regret not zero. The share "
        "is the weight of the better component in a mixture of two normal distributions of the "
        "scores, rounded to the nearest ratio: our choice, as the paper's rule could not be read."
    ]
    told = {
        "chosen": "Over all scenes the best ratio of each gains {} over the chosen ones",
        "one": "The best ratio of each scene gains {} over the one that is best for all",
        "choice": "The chosen ratios gain {} over that one",
    }
    for name, gain in overall(results, sweep, chosen).items():
        value = Value(*gain[:3])
        sentence = told[name].format(GAINS["number"](value))
        lines.append(f"{sentence}{'' if value.significant else f': {SAME}'}.")
    return [Table(columns, body), " ".join(lines)]
