"""A small run with captions that try to be markup, and the site that is written of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import yaml
from report_helpers import contrastive, write_cell, write_sweep

from winnow.data.files import digest_bytes, write_json
from winnow.data.images import encode_png
from winnow.data.metrics import Cell, read_metrics
from winnow.data.shards import ShardWriter
from winnow.data.tables import (
    CAPTIONS,
    COMPARED,
    ECHOED,
    ECHOES,
    LEAKS,
    PROMPTS,
    SAMPLES,
    SCORES,
    SUBSET,
    TRUTH,
    read_table,
    write_table,
)
from winnow.reporting.cells import cell_folder
from winnow.reporting.settings import SiteSettings
from winnow.reporting.site.build import Sources, build
from winnow.reporting.site.samples import Folders
from winnow.reporting.values import PERCENT, Value
from winnow.terrarium.settings import Noise

EVIL = '</script><script>window.stolen = 1</script><img src=x onerror="window.stolen = 2">'
SCENES = ("harbor", "lake & <b>pond</b>")
KINDS = ("clean", "mismatch")
PAIRS = 80
RATIOS = (0.3, 0.5)
IMAGE = "<img src=x onerror=window.stolen=3>"  # the name of a scorer
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
        cards = sorted((f / "submissions").glob("*/card.yaml"))
        audit = f / "audit" if (f / "audit").is_dir() else None
        places = (f / name for name in ("cells", "sweep.csv", "papers", "pool"))
        return Sources(*places, tables, f / "generated", None, audit, f / "recipes.json", cards)

    def site(
        self,
        name: str = "site",
        most: int = 1000,
        scale: str = "mini",
        standins: Sequence[str] = (),
        noise: Mapping[Noise, float] | None = None,
        untrained: Sequence[str] = ("none",),
    ) -> Path:
        """Write the site and return its folder."""
        told = {"scale": scale, "standins": standins, "noise": noise, "untrained": untrained}
        asked = SiteSettings(**told, resamples=100, samples=most)
        build(self.sources, self.folder / name, asked)
        return self.folder / name

    def shown(self, scorer: str, ratio: float, captions: str = "raw") -> str:
        """The mean recall of a cell, as every page shows it."""
        place = cell_folder(self.folder / "cells", contrastive(scorer, ratio, captions=captions))
        record = read_metrics(place / "metrics.json")
        value = record.metrics["mean_recall"]
        return PERCENT(Value(value, *record.intervals["mean_recall"]))


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
    """A pool of PAIRS images with one caption each, scores, subsets, images that were drawn, cells,
    a paper and an audit."""
    _pool(folder)
    _tables(folder)
    _generated(folder)
    _paper(folder / "papers/scorers.yaml")
    _audit(folder / "audit")
    measured = [contrastive(scorer, float(r), captions=c) for c, scorer, r, _ in MEASURED]
    found = Cell(track="detection", captions="raw", scorer=IMAGE, ratio=1.0, seed=0)
    lost = [_drawing(scorer) for scorer in ("none", "pretrained")]
    write_sweep(folder / "sweep.csv", [*measured, *lost, found])
    for cell, (*_, value) in zip(measured, MEASURED, strict=True):
        write_cell(folder / "cells", cell, value / 100)
    write_cell(folder / "cells", found, 0.6)
    clip = cell_folder(folder / "cells", contrastive("clip", 0.3))
    write_json(clip / "cost.json", {"cpu_s": 12.5})
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


def _paper(path: Path) -> None:
    places = {key: {"scorer": key, "ratio": r} for key, r in (("domain_clip", 0.3), ("none", 1.0))}
    rows = [{"label": "CLIP", "published": [29.44], "cell": places["domain_clip"]}]
    rows += [{"label": f"GRPO {EVIL}", "published": [30.0], "not_run": EVIL}]
    table = {"title": "Retrieval of <b>CLIP_L</b>", "verified": "here", "track": "contrastive"}
    table |= {"columns": [{"key": "r", "label": "R@1"}], "rows": rows}
    table |= {"measured": [{"label": "R@1", "metric": "mean_recall"}]}
    a, b = places.values()
    compared = {"label": "mR", "track": "contrastive", "metric": "mean_recall"}
    compared |= {"a": a, "b": [b], "direction": "up"}
    said = {"published": "58.35 > 56.90", "verified": "here"}
    claims = {"C1": said | {"statement": EVIL, "comparisons": [compared]}}
    claims["C9"] = said | {"statement": "GRPO", "not_run": "no GPU"}
    citation = {"title": "Scores", "short": "ScoreRS", "venue": "here", "url": "https://x.org"}
    paper = {"paper": "scorers", "citation": citation, "claims": claims}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(paper | {"tables": {"table2": table}}), encoding="utf-8")


def _audit(folder: Path) -> None:
    """Three images that `clip` keeps at 0.5, but not at 0.3, nor does another scorer."""
    subsets = folder.parent / "subsets/raw"
    kept = {path: set(read_table(path, SUBSET)["uid"]) for path in subsets.glob("*/*.parquet")}
    others = (uids for path, uids in kept.items() if path != subsets / "clip/0.5.parquet")
    alone = sorted(kept[subsets / "clip/0.5.parquet"].difference(*others))[:3]
    leaks = pd.DataFrame({"trained": "pool", "uid": alone, "evaluation": "test", "other": EVIL})
    leaks = leaks.assign(kind="same", similarity=1.0)
    empty = {"compared": COMPARED, "echoes": ECHOES, "echoed": ECHOED}
    write_table(folder / "pairs.parquet", leaks, LEAKS)
    for name, schema in empty.items():
        write_table(folder / f"{name}.parquet", pd.DataFrame(columns=list(schema)), schema)


def write_card(path: Path, **changes: object) -> Path:
    """A submission's card whose texts try to be markup."""
    card = {"name": "theirs", "authors": ["A | B", EVIL], "licence": "*any* | [x](y)"}
    card |= {"description": f"a `b` _c_\n\n# no heading\n{EVIL}", "link": "https://x.org/|)`*a_b"}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(card | changes), encoding="utf-8")
    return path
