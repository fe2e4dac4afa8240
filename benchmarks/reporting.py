"""Time of the tables, claims, leaderboard and figures of 1,000 cells, against a plain reading of
the cells' files, in one process; importing, and writing the synthetic cells, do not count.

The cells are as large as those of the scale `mini`; what they say is random.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from winnow.data.metrics import Cell, Metrics
from winnow.evaluation.cell_results import write_cell
from winnow.evaluation.statistics import estimates, headline_means
from winnow.reporting.cells import KEYS
from winnow.reporting.emit.csv import csv_text
from winnow.reporting.settings import LeaderboardSettings, Page, RenderSettings
from winnow.reporting.table import Table, plain
from winnow.reporting.verbs import claims, leaderboard
from winnow.tracks.captioning.page import captions
from winnow.tracks.contrastive.page import contrastive
from winnow.tracks.detection.page import detection
from winnow.tracks.preference.page import score_models

PAPERS = Path(__file__).parents[1] / "workflow" / "papers"
IMAGES, CAPTIONS, SETS, SCENES = 400, 5, 6, 20
RATIOS = (0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8)
SEEDS = 4
OTHERS = (  # track, caption sets, cells: the rest of a thousand is contrastive
    ("detection", 1, 40),
    ("captioning", 12, 12),
    ("preference", 1, 12),
    ("generation", 1, 24),
    ("segmentation", 1, 12),
)


def cells(count: int) -> Iterator[Cell]:
    """About as many cells as asked for, of every track, with the controls; the methods of the track
    `contrastive` have several seeds."""
    for track, sets, number in OTHERS:
        for i in range(number):
            captions = "raw" if sets == 1 else f"mllm_{i}"
            scorer = ["none", "random", "oracle", "judge"][i] if i < 4 < number else f"scorer_{i}"
            scorer, ratio = ("none", 1.0) if sets > 1 else (scorer, 1.0)
            captions = "reference" if track == "preference" else captions
            yield Cell(track=track, captions=captions, scorer=scorer, ratio=ratio, seed=0)
    left = count - sum(number for _, _, number in OTHERS)
    methods = [("none", 1.0)]
    methods += [(s, r) for s in ("random", "oracle") for r in RATIOS]
    methods += [(f"scorer_{i}", r) for i in range(left) for r in RATIOS]
    for scorer, ratio in methods[: left // SEEDS]:
        for seed in range(SEEDS):
            yield Cell(track="contrastive", captions="raw", scorer=scorer, ratio=ratio, seed=seed)


def queries(track: str) -> pd.DataFrame:
    """The rows (metric, query, group) of a track's cells."""
    images = [f"{i:032x}" for i in range(IMAGES)]
    if track == "contrastive":
        asked = [(f"{name}#{c}", name) for name in images for c in range(CAPTIONS)]
        rows = [(f"image_retrieval_recall@{k}", *pair) for k in (1, 5, 10) for pair in asked]
        rows += [(f"text_retrieval_recall@{k}", name, name) for k in (1, 5, 10) for name in images]
        for name in (f"set-{i}" for i in range(SETS)):
            rows += [
                (f"{name}/acc{k}", f"{name}-{i}", f"{name}-{i}") for k in (1, 5) for i in range(240)
            ]
    elif track == "captioning":
        pool = [f"{i:032x}" for i in range(10 * IMAGES)]
        metrics = ("evaluator_score", "object_recall", "hallucination_rate", "length")
        rows = [(metric, f"{name}#0", name) for metric in metrics for name in pool]
    elif track == "generation":
        rows = [
            (f"{metric}{scene}", name, name)
            for metric in ("clip_score", "remoteclip_score")
            for i, name in enumerate(images)
            for scene in ("", f"/scene {i % SCENES}")
        ]
    else:
        metric = {"detection": "clean", "preference": "accuracy/caption"}.get(track, "area/water")
        rows = [(metric, f"{name}#{c}", name) for name in images for c in range(10)]
    return pd.DataFrame(rows, columns=["metric", "query", "group"])


def drawn(track: str, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """What a track's cells keep resamples of."""
    names, resamples, scale = {
        "detection": (["average_precision", "auroc"], 1000, 1.0),
        "generation": (["fid", "kid", *(f"kid/scene {i}" for i in range(SCENES))], 200, 40.0),
        "segmentation": ([f"mask/100/{name}" for name in ("miou", "macc")], 1000, 1.0),
    }.get(track, ([], 0, 1.0))
    return {name: scale * rng.uniform(0.3, 0.7) * rng.normal(1, 0.02, resamples) for name in names}


def write(folder: Path, planned: Sequence[Cell]) -> None:
    """The files of a finished run of some cells."""
    known: dict[str, pd.DataFrame] = {}
    for number, cell in enumerate(planned):
        rng = np.random.default_rng(number)
        rows = known.setdefault(cell.track, queries(cell.track))
        skill = rng.uniform(0.3, 0.7)
        outcomes = rows.assign(value=(rng.random(len(rows)) < skill).astype(float))
        draws = drawn(cell.track, rng)
        means = headline_means(rows["metric"]) if cell.track == "contrastive" else {}
        metrics = {} if cell.track in ("detection", "segmentation") else estimates(outcomes, means)
        metrics |= {name: float(np.mean(values)) for name, values in draws.items()}
        record = Metrics(
            cell=cell,
            dataset="synthetic",
            model="none",
            pretrained=cell.scorer,
            task=cell.track,
            metrics=metrics,
            intervals={name: (0.97 * value, 1.03 * value) for name, value in metrics.items()},
            n=dict.fromkeys(metrics, len(rows)),
            higher_is_better={name: name not in ("fid", "kid") for name in metrics},
            unit="mixed",
            provenance={"parameters": {"samples_seen": 16000}, "code": "0" * 32},
        )
        place = folder.joinpath("cells", *map(str, cell.model_dump().values()))
        cost = {"wall_s": 30.0, "cpu_s": 29.0, "gpu_s": 0.0, "peak_mb": 1000.0}
        curve = {"training.json": {"losses": [0.7, 0.6]}} if cell.track == "preference" else None
        write_cell(place, record, outcomes, cost, 16000, curve, draws)
    asked = Table(plain(*KEYS), [cell.model_dump() for cell in planned])
    (folder / "sweep.csv").write_text(csv_text(asked), encoding="utf-8")


def read(folder: Path) -> None:
    """A plain reading of all files."""
    for path in sorted(folder.rglob("*.json")):
        json.loads(path.read_bytes())
    for path in sorted(folder.rglob("*.parquet")):
        pq.read_table(path).to_pandas()


def timed(what: Callable[[], None]) -> tuple[float, float]:
    """Wall and processor seconds of one call."""
    wall, processor = time.perf_counter(), time.process_time()
    what()
    return time.perf_counter() - wall, time.process_time() - processor


def main() -> None:
    """Write the cells, then measure in turns and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cells", type=int, default=1000)
    parser.add_argument("--keep", type=Path, help="folder of the synthetic cells, made if missing")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.keep or Path(temporary)
        if not (folder / "sweep.csv").exists():
            write(folder, list(cells(given.cells)))
        places = (folder / "cells", folder / "sweep.csv")
        output, told = folder / "results", RenderSettings.model_validate({"scale": "mini"})
        named = LeaderboardSettings.model_validate({"scale": "mini", "standins": ["clip"]})
        steps: dict[str, Callable[[], None]] = {
            "plain reading": lambda: read(folder / "cells"),
            "leaderboard, tables": lambda: leaderboard(
                *places, PAPERS, output, None, None, [], named
            ),
            "ratio curves": lambda: contrastive(*places, output, None, None, told),
            "claims": lambda: claims(*places, PAPERS, output, None, None, None, named),
            "detection": lambda: detection(*places, output, None, Page(scale="mini")),
            "captions": lambda: captions(*places, output, None, told),
            "score models": lambda: score_models(*places, output, None, None, told),
        }
        spent = {}
        for name, step in steps.items():
            spent[name] = timed(step)
            print(f"{name}: {spent[name][0]:.1f} s wall, {spent[name][1]:.1f} s CPU", flush=True)
        plain = spent.pop("plain reading")
        wall, processor = (sum(part) for part in zip(*spent.values(), strict=True))
        print(
            f"all: {wall:.1f} s wall, {processor:.1f} s CPU, "
            f"{processor / plain[1]:.1f} times a plain reading"
        )


if __name__ == "__main__":
    main()
