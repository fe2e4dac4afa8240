"""Cells that look as if they had run, and readers of what the reports make of them."""

import csv
import hashlib
import io
import json
from pathlib import Path

import numpy as np
import pandas as pd

from winnow.data.files import write_json
from winnow.data.metrics import Cell, Metrics, signed, write_metrics
from winnow.data.tables import OUTCOMES, write_table
from winnow.evaluation.preference import pair_outcomes, summary
from winnow.evaluation.settings import Statistics
from winnow.evaluation.statistics import RESAMPLES, bootstrap, estimates, headline_means
from winnow.reporting.cells import cell_folder
from winnow.reporting.settings import LeaderboardSettings, RenderSettings
from winnow.reporting.verbs import leaderboard
from winnow.tracks.contrastive.page import contrastive as contrastive_page

SETS = ("terra-mixed", "terra-winter")
KINDS = ("count", "mismatch")
LOWER_IS_BETTER = ("hallucination_rate",)
SAID_BY_SOME = ("count_accuracy", "attribute_accuracy", "relation_accuracy")


def render_tables(
    cells, sweep, papers, results, scale, resamples=RESAMPLES, seed=0, leakage=None, cards=(),
    standins=(), noise=None,
):  # fmt: skip
    """Leaderboard and papers' tables."""
    asked = {"scale": scale, "resamples": resamples, "seed": seed, "noise": noise}
    settings = LeaderboardSettings(**asked, standins=list(standins))
    leaderboard(cells, sweep, papers, Path(results), None, leakage, list(cards), settings)


def render(cells, sweep, papers, results, scale, resamples=RESAMPLES, seed=0, leakage=None, **told):
    """Leaderboard, papers' tables and the page of the main track."""
    render_tables(cells, sweep, papers, results, scale, resamples, seed, leakage, **told)
    asked = RenderSettings(scale=scale, resamples=resamples, seed=seed)
    contrastive_page(cells, sweep, Path(results), None, leakage, asked)


def queries(images=60, captions=5):
    """The (metric, query, group) rows that every contrastive cell shares."""
    names = [f"u{i:03d}" for i in range(images)]
    pairs = [(f"{name}#{c}", name) for name in names for c in range(captions)]
    rows = [(f"image_retrieval_recall@{k}", *pair) for k in (1, 5, 10) for pair in pairs]
    rows += [(f"text_retrieval_recall@{k}", name, name) for k in (1, 5, 10) for name in names]
    rows += [(f"{s}/acc{k}", f"{s}{i}", f"{s}{i}") for s in SETS for k in (1, 5) for i in range(50)]
    return pd.DataFrame(rows, columns=["metric", "query", "group"])


ROWS = queries()


def seed_of(*parts):
    return int.from_bytes(hashlib.sha256(repr(parts).encode()).digest()[:4], "big")


def write_cell(folder, cell, skill, rows=ROWS, resamples=100, pairs=None):
    """A cell whose queries succeed at a rate of `skill`, trained on so many `pairs`."""
    if cell.track == "detection":
        metrics = {"average_precision": skill, "auroc": skill}
        metrics |= {f"{kind}/{name}": skill for kind in KINDS for name in list(metrics)[:2]}
        intervals = dict.fromkeys(metrics, (skill - 0.05, skill + 0.05))
        n = dict.fromkeys(metrics, 4000)
    else:
        luck = np.random.default_rng(seed_of("query")).random(len(rows)) * 0.7
        own = np.random.default_rng(seed_of(cell)).random(len(rows)) * 0.3
        outcomes = rows.assign(value=(luck + own < skill).astype(float))
        means = headline_means(outcomes["metric"])
        metrics = estimates(outcomes, means)
        intervals = bootstrap(outcomes, resamples, means=means)
        n = {name: int((rows["metric"] == name).sum()) or len(rows) for name in metrics}
        write_table(cell_folder(folder, cell) / "outcomes.parquet", outcomes, OUTCOMES)
    write_record(folder, cell, metrics, intervals, n, pairs)


def write_record(folder, cell, metrics, intervals, n, pairs=None, **other):
    record = {
        "cell": cell,
        "dataset": "terrarium",
        "model": "stand-in ViT",
        "pretrained": "foundry",
        "task": cell.track,
        "metrics": metrics,
        "intervals": intervals,
        "n": n,
        "higher_is_better": {name: name not in LOWER_IS_BETTER for name in metrics},
        "provenance": {
            "parameters": {"resamples": 100},
            "training": {
                "parameters": {"samples_seen": 1200} | ({"pairs": pairs} if pairs else {})
            },
            "inputs": {"pool": "ab"},
            "code": "cd",
        },
    }
    write_metrics(cell_folder(folder, cell) / "metrics.json", Metrics(**record | other))
    write_json(cell_folder(folder, cell) / "cost.json", {"wall_s": 1.5, "samples": 1200})


def captioning(captions):
    return Cell(track="captioning", captions=captions, scorer="none", ratio=1.0, seed=0)


def write_captions(folder, captions, quality, truth=True, images=200, per_image=1, resamples=100):
    """A cell of a caption set whose claims are right at a rate of `quality`; half of the images
    have no claim of the kinds SAID_BY_SOME."""
    cell = captioning(captions)
    rng = np.random.default_rng(seed_of(captions))
    keys = [(f"u{i:03d}#{c}", f"u{i:03d}") for i in range(images) for c in range(per_image)]
    queries, groups = (list(column) for column in zip(*keys, strict=True))
    tables = {}
    for metric, rate in shares(quality).items() if truth else ():
        tables[metric] = (rng.random(len(keys)) < rate).astype(float)
    tables["length"] = rng.normal(12, 2, len(keys))
    tables["evaluator_score"] = rng.normal(quality, 0.1, len(keys))
    frames = [
        pd.DataFrame({"metric": metric, "query": queries, "group": groups, "value": values})
        for metric, values in tables.items()
    ]
    outcomes = pd.concat(frames, ignore_index=True)
    unsaid = outcomes["metric"].isin(SAID_BY_SOME) & outcomes["query"].str.contains("[02468]#")
    outcomes = outcomes[~unsaid].reset_index(drop=True)
    write_table(cell_folder(folder, cell) / "outcomes.parquet", outcomes, OUTCOMES)
    metrics = estimates(outcomes) | {
        "images": images,
        "captions": len(keys),
        "captions_per_image": per_image,
        "vocabulary": 640,
        "distinct_1": 0.125,
        "distinct_2": 0.5,
        "self_bleu": 0.4375,
    }
    n = dict.fromkeys(metrics, len(keys))
    named = {"model": "mllm, relay", "pretrained": "evaluator_clip", "unit": "mixed"}
    write_record(folder, cell, metrics, bootstrap(outcomes, resamples), n, **named)


def preference(recipe, seed=0):
    return Cell(track="preference", captions="reference", scorer=recipe, ratio=1.0, seed=seed)


def write_preferences(folder, cell, skill, images=80, steps=60, missing=()):
    """A cell of a score model that prefers the better text at a rate of `skill`."""
    rng = np.random.default_rng(seed_of(cell))
    kinds = [kind for kind in ("caption", "closed", "open", "text") if kind not in missing]
    uids = [None if kind == "text" else f"u{i:03d}" for i in range(images) for kind in kinds]
    prompts = [f"{kind} {i}" for i in range(images) for kind in kinds]
    pairs = pd.DataFrame({"uid": uids, "kind": kinds * images, "prompt": prompts})
    chosen = (rng.random(len(pairs)) < skill).astype(float)
    outcomes = pair_outcomes(pairs, chosen, np.full(len(pairs), 0.5))
    write_preference_cell(folder, cell, outcomes, "pair_accuracy")
    losses = [0.2 + 0.5 / (1 + i / 9) + 0.05 * rng.normal() for i in range(steps)]
    write_json(cell_folder(folder, cell) / "training.json", {"losses": losses})


def write_judge(folder, skill, images=80):
    """The cell of a judge that tells count and mismatch at a rate of `skill`."""
    rng = np.random.default_rng(seed_of("judge"))
    names = [f"u{i:03d}" for i in range(images)]
    rows = [(f"agreement/{k}", f"{n}#{k}", n, rng.random() < skill) for k in KINDS for n in names]
    rows += [("agreement/caption", *row[1:]) for row in rows]
    outcomes = pd.DataFrame(rows, columns=["metric", "query", "group", "value"])
    outcomes["value"] = outcomes["value"].astype(float)
    write_preference_cell(folder, preference("judge"), outcomes, "agreement")


def write_preference_cell(folder, cell, outcomes, task):
    found = summary(outcomes, Statistics(resamples=100))
    write_record(folder, cell, *found, task=task)
    write_table(cell_folder(folder, cell) / "outcomes.parquet", outcomes, OUTCOMES)


def shares(quality):
    """What the truth says of captions that are right at a rate of `quality`."""
    names = ["scene_accuracy", "object_precision", "object_recall", "count_accuracy"]
    names += ["attribute_accuracy", "relation_accuracy"]
    return dict.fromkeys(names, quality) | {
        "hallucination_rate": 1 - quality,
        "clean_rate": quality / 2,
    }


def write_sweep(path, cells):
    lines = ["track,captions,scorer,ratio,seed"]
    for cell in cells:
        names = (f'"{name}"' for name in (cell.track, cell.captions, cell.scorer))
        lines.append(",".join([*names, repr(cell.ratio), str(cell.seed)]))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def write_struck(path, cells):
    """What the audit says of the methods of cells: the number of their leaking pairs."""
    lines = ["track,captions,scorer,ratio,pairs,struck"]
    for cell, pairs in cells.items():
        lines.append(f"{cell.track},{cell.captions},{cell.scorer},{cell.ratio!r},{pairs},yes")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def contrastive(scorer, ratio=0.3, seed=0, captions="raw"):
    return Cell(track="contrastive", captions=captions, scorer=scorer, ratio=ratio, seed=seed)


def rows_of(path):
    return list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"))))


def contents(folder):
    return {
        p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()
    }


def damage(path, change):
    """Change a record, whose digest is then that of what it holds."""
    record = json.loads(path.read_text(encoding="utf-8"))
    change(record)
    path.write_text(json.dumps(signed(record)), encoding="utf-8")
