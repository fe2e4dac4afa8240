"""A small run with captions that try to be markup, and the site that is written of it."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import yaml
from report_helpers import contrastive, write_cell, write_sweep

from winnow.data.files import digest_bytes
from winnow.data.images import encode_png
from winnow.data.metrics import Cell
from winnow.data.shards import ShardWriter
from winnow.data.tables import CAPTIONS, PROMPTS, SAMPLES, SCORES, SUBSET, TRUTH, write_table
from winnow.params.sections import Noise
from winnow.reporting.site.build import Sources, build
from winnow.reporting.site.samples import Folders

EVIL = '</script><script>window.stolen = 1</script><img src=x onerror="window.stolen = 2">'
SCENES = ("harbor", "lake & <b>pond</b>")
KINDS = ("clean", "mismatch")
PAIRS = 80
RATIOS = (0.3, 0.5)
BOARDS = [
    *("track", "metric", "higher_is_better", "unit", "captions", "scorer", "ratio", "kept"),
    *("control", "rank", "group", "value", "low", "high", "n", "seeds"),
    *("none", "none_low", "none_high"),
    *("none_p", "best", "best_low", "best_high", "best_p", "leaks", "warning", "note"),
]
CLAIMS = [
    *("claim", "paper", "statement", "published", "comparison", "a", "b", "unit"),
    *("measured", "low", "high", "n", "verdict", "scale", "reason"),
]
# captions, scorer, ratio, value in per cent
MEASURED = [
    ("raw", "domain_clip", "0.3", 41.0),
    ("raw", "domain_clip", "0.5", 36.5),
    ("raw", "clip", "0.3", 20.9),
    ("raw", "clip", "0.5", 25.5),
    ("raw", "random", "0.3", 24.7),
    ("raw", "none", "1.0", 26.7),
    ("human", "none", "1.0", 34.8),
]


@dataclass(frozen=True)
class Run:
    """What the site is written from; tests may change a copy of it."""

    folder: Path

    @property
    def sources(self) -> Sources:
        """The places of the run, as the rule names them."""
        f = self.folder
        tables = Folders(f / "captions", f / "scores", f / "subsets", f / "truth")
        places = (f / name for name in ("results", "cells", "sweep.csv", "pool"))
        cards = sorted((f / "submissions").glob("*/card.yaml"))
        return Sources(*places, tables, f / "generated", cards)

    def site(
        self,
        name: str = "site",
        most: int = 1000,
        scale: str = "mini",
        standins: Sequence[str] = (),
        noise: Mapping[Noise, float] | None = None,
    ) -> Path:
        """Write the site and return its folder."""
        build(self.sources, self.folder / name, scale, standins, most, noise=noise)
        return self.folder / name


@cache
def pictures() -> list[bytes]:
    """The images of the pool, in the order of their uids; some are not square."""
    draw = np.random.default_rng(0)
    sides = [(64, 48) if number % 10 == 0 else (64, 64) for number in range(PAIRS)]
    images = (draw.integers(0, 255, (*side, 3), dtype=np.uint8) for side in sides)
    return sorted(map(encode_png, images), key=digest_bytes)


@cache
def uid(number: int) -> str:
    return digest_bytes(pictures()[number])


def write_run(folder: Path) -> Run:
    """A pool of PAIRS images with one caption each, scores, subsets, images that were drawn, and
    the tables of `results/`."""
    _pool(folder)
    _tables(folder)
    _generated(folder)
    _results(folder / "results")
    cells = [contrastive(scorer, float(r), captions=c) for c, scorer, r, _ in MEASURED]
    cells += [_drawing(scorer) for scorer in ("none", "pretrained")]
    write_sweep(folder / "sweep.csv", cells)
    for cell, (*_, value) in zip(cells[:-3], MEASURED, strict=False):  # the last did not run
        write_cell(folder / "cells", cell, value / 100)
    return Run(folder)


def _drawing(scorer: str) -> Cell:
    return Cell(track="generation", captions="raw", scorer=scorer, ratio=1.0, seed=0)


def _pool(folder: Path) -> None:
    writer = ShardWriter(folder / "pool/shards", 50)
    shards = [writer.add(uid(n), {"png": image}) for n, image in enumerate(pictures())]
    writer.close()
    numbers = np.arange(PAIRS)
    samples = {"uid": [uid(n) for n in numbers], "split": "pool", "source": "x", "shard": shards}
    samples |= {"scene": [SCENES[n % 2] for n in numbers], "width": 64, "height": 64}
    write_table(folder / "pool/samples.parquet", pd.DataFrame(samples), SAMPLES)


def _tables(folder: Path) -> None:
    pairs = pd.DataFrame({"uid": [uid(n) for n in range(PAIRS)], "caption_id": 0})
    captions = pairs.assign(perspective="human", generator="human")
    captions["text"] = [
        f"{EVIL} boats no. {n}" if n == 7 else f"boats no. {n}" for n in range(PAIRS)
    ]
    write_table(folder / "captions/raw.parquet", captions, CAPTIONS)
    kinds = [KINDS[n % 4 == 0] for n in range(PAIRS)]
    write_table(folder / "truth/raw.parquet", pairs.assign(kind=kinds), TRUTH)
    for place, scorer in enumerate(("domain_clip", "clip", "random")):
        scores = np.random.default_rng(place).normal(size=PAIRS)
        if scorer == "domain_clip":
            scores[7] = 9.0  # the caption that is markup comes first
        table = pairs.assign(score=scores)
        write_table(folder / f"scores/raw/{scorer}.parquet", table, SCORES)
        for ratio in RATIOS:
            kept = table.nlargest(round(ratio * PAIRS), "score")
            write_table(folder / f"subsets/raw/{scorer}/{ratio}.parquet", kept, SUBSET)


def _generated(folder: Path) -> None:
    prompts = pd.DataFrame({"row": range(6), "uid": [uid(n) for n in range(6)]})
    prompts = prompts.assign(scene=[SCENES[n % 2] for n in range(6)], prompt=f"a lake {EVIL}")
    for shade, scorer in enumerate(("none", "pretrained")):
        place = folder / f"generated/raw/{scorer}/1.0/0"
        write_table(place / "prompts.parquet", prompts, PROMPTS)
        for row in range(6):
            image = np.full((64, 64, 3), 60 * shade + 20 * row, np.uint8)
            (place / f"{row:05d}.png").write_bytes(encode_png(image))


def _results(folder: Path) -> None:
    rows = []
    ranked = sorted(MEASURED, key=lambda row: -row[3])
    for rank, (captions, scorer, ratio, value) in enumerate(ranked, 1):
        row = dict.fromkeys(BOARDS, "") | {"track": "contrastive", "metric": "mean_recall"}
        row |= {"higher_is_better": "yes", "unit": "percent", "captions": captions}
        row |= {"scorer": scorer, "ratio": ratio, "kept": ratio}
        control = scorer in ("none", "random")
        row |= {"rank": "" if control else rank, "group": "1" if rank < 3 else "2"}
        row |= {"value": value / 100, "low": value / 100 - 0.02, "high": value / 100 + 0.02}
        if (scorer, ratio) == ("clip", "0.5"):
            row["leaks"] = 3
        row |= {"control": "yes" if control else "no", "note": EVIL}
        rows.append(row)
    absent = {
        "scorer": "oracle",
        "control": "yes",
        "rank": "",
        "ratio": "",
        "kept": "",
        "value": "",
    }
    rows.append(rows[0] | absent | {"low": "", "high": "", "note": "not in this sweep"})
    write_csv(folder / "boards.csv", BOARDS, rows)
    wide = {"captions": "raw", "scorer": "domain_clip", "ratio": 0.3, "control": "no", "rank": 1}
    wide |= {"kept": 0.3, "mean_recall": 0.41, "mean_recall_low": 0.39, "mean_recall_high": 0.43}
    wide |= {"fid": 40.5, "fid_low": "", "fid_high": ""}
    write_csv(folder / "leaderboard.csv", list(wide), [wide])
    claim = {"claim": "C1", "paper": "scorers", "statement": EVIL, "published": "58.35 > 56.90"}
    claim |= {"comparison": "mR", "a": "raw / clip", "b": "raw / none", "unit": "points"}
    held = claim | {"measured": 0.05, "low": 0.02, "high": 0.08, "n": 400, "verdict": "held"}
    late = dict.fromkeys(CLAIMS, "") | {"claim": "C9", "statement": "GRPO", "verdict": "not run"}
    write_csv(folder / "claims.csv", CLAIMS, [dict.fromkeys(CLAIMS, "") | held, late])
    cost = {"track": "contrastive", "captions": "raw", "scorer": "clip", "ratio": 0.3, "seed": 0}
    write_csv(folder / "cost.csv", [*cost, "cpu_s"], [cost | {"cpu_s": 12.5}])
    audit = {"track": "contrastive", "captions": "raw", "scorer": "clip", "ratio": 0.5}
    audit |= {"trained": 40, "pairs": 3, "struck": "yes", "sets": "test", "named": EVIL}
    write_csv(folder / "leakage.csv", list(audit), [audit])
    table = {"row": "CLIP", "ours": "no", "published: R@1": "29.44", "measured: R@1": "30.1234567"}
    table |= {"measured: R@1 low": "28.5", "measured: R@1 high": "32", "reason": EVIL}
    write_csv(folder / "tables/scorers/table2.csv", list(table), [table])


def write_card(path: Path, **changes: object) -> Path:
    """A submission's card whose texts try to be markup."""
    card = {"name": "theirs", "authors": ["A | B", EVIL], "licence": "*any* | [x](y)"}
    card |= {"description": f"a `b` _c_\n\n# no heading\n{EVIL}", "link": "https://x.org/|)`*a_b"}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(card | changes), encoding="utf-8")
    return path


def write_csv(path: Path, header: list[str], rows: list[dict]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.DictWriter(handle, header, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
