"""Whoever joins all that lies open of a pool does not find its noise; with the truth they do.

The attacker knows nothing of the formats. From every table, record, tar and file name they make
tables of cells, and join each with the caption set `raw` by every column that it has and by pairs
of columns. What a join tells of a pair is a guess at its noise. The one that does best on one half
of the images is tried on the other.
"""

import json
import re
import tarfile
from collections.abc import Iterable, Iterator
from itertools import permutations
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import yaml

from winnow.command.line import main
from winnow.data.tables import TRUTH, read_table
from winnow.evaluation.detection import ranking_metrics
from winnow.terrarium.captions import human_captions
from winnow.terrarium.layout import draw_layout
from winnow.terrarium.noise import corrupt
from winnow.terrarium.world import sample_seeds

ROOT = Path(__file__).resolve().parents[2]
POOL, PER_IMAGE, SEED = 600, 2, 11  # images, their captions, and the seed of their world
CHANCE = 0.05
KEYS = (("uid",), ("text",), ("caption_id",), ("row",), ("uid", "caption_id"), ("uid", "text"))
WORDS = 30  # different ones in a column of which each is a guess
LAST_NUMBER = re.compile(r"(\d{1,9})(?:\.0)?$")


@pytest.fixture(scope="module")
def artifacts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the rules up to the first scores write, and an export, in the places that they have."""
    place = tmp_path_factory.mktemp("sealed") / "artifacts"
    known = yaml.safe_load((ROOT / "params.yaml").read_text())["terrarium"]
    world = {"pool": POOL, "reference": 40, "test": 40, "size": 32, "seed": SEED}
    truth, raw = place / "truth", f"{place}/captions/raw.parquet"
    scores, subset = f"{place}/scores/raw/none.parquet", f"{place}/subsets/raw/none/1.0.parquet"

    def run(verb: str, **given: object) -> None:
        words = [f"--{key.replace('_', '-')}={value}" for key, value in given.items()]
        assert main([verb, *words, "--threads=1"]) == 0

    pool, human = place / "pool", truth / "captions/human.parquet"
    run(
        *("pool",), output=pool, human=place / "captions/human.parquet", sealed=human,
        truth=truth / "pool", source=json.dumps({"kind": "terrarium", **world}), shard_size=100,
    )  # fmt: skip
    run(
        *("raw-captions",), pool=pool, human=human, layouts=truth / "pool/layouts.parquet",
        output=raw, truth=truth / "raw.parquet", noise=json.dumps(known["noise"]),
        per_image=PER_IMAGE,
    )  # fmt: skip
    run("zeroshot", output=place / "zeroshot", images=12, size=32, seed=7)
    run("score", pool=pool, captions=raw, output=scores, scorer="none")
    run("select", pool=pool, scores=scores, output=subset, ratio=1.0)
    run("export", pool=pool, captions=raw, subset=subset, output=place / "export")
    return place


def found_tables(seen: list[Path]) -> Iterator[pd.DataFrame]:
    """All that stands in some files."""
    yield pd.DataFrame({"path": map(str, seen), "name": [path.stem for path in seen]})
    for path in seen:
        if path.suffix == ".parquet":
            yield pd.read_parquet(path)
            told = pq.read_metadata(path).metadata or {}
            yield pd.DataFrame([(k.decode(), v.decode("latin-1")) for k, v in told.items()])
        elif path.suffix in (".json", ".jsonl", ".txt", ".md", ".csv"):
            text = path.read_text("utf-8")
            yield pd.DataFrame({"line": text.splitlines()})
            if path.suffix == ".json":
                yield pd.DataFrame(_leaves(json.loads(text)))
    for place in sorted({path.parent for path in seen if path.suffix == ".tar"}):
        yield from _members(sorted(place.glob("*.tar")))


def _members(tars: list[Path]) -> Iterator[pd.DataFrame]:
    """What tars of a folder say of their members, and the records and texts among these."""
    members, records, texts = [], [], []
    for path in tars:
        with tarfile.open(path) as tar:
            for info in tar:
                content = tar.extractfile(info).read()  # type: ignore[union-attr]
                name, suffix = info.name.split(".", 1)
                described = (info.offset, info.size, info.mtime, info.uid, info.gid, info.mode)
                members.append((path.stem, name, suffix, *described, info.uname, info.gname))
                if suffix == "json":
                    records.append(dict(_leaves(json.loads(content))))
                elif suffix == "txt":
                    texts.append((name, content.decode()))
    yield from map(pd.DataFrame, (members, records, texts))


def _leaves(content: object, place: str = "") -> list[tuple[str, object]]:
    if isinstance(content, dict | list):
        pairs = content.items() if isinstance(content, dict) else enumerate(content)
        return [leaf for key, value in pairs for leaf in _leaves(value, f"{place}/{key}")]
    return [(place, content)]


def guesses(raw: pd.DataFrame, tables: Iterable[pd.DataFrame]) -> list[np.ndarray]:
    """Every guess at the pairs of `raw`, from joins with each table: numbers [rows]."""
    asked = {
        given: [*zip(*(raw[name].astype(str) for name in given), strict=True)] for given in KEYS
    }
    found: dict[bytes, np.ndarray] = {}
    for table in tables:
        columns = [table[name].map(str).to_numpy() for name in table.columns]
        for given, keys in asked.items():
            wanted = set(keys)
            for chosen in permutations(columns, len(given)):
                places: dict[tuple[str, ...], list[int]] = {}
                for place, key in enumerate(zip(*chosen, strict=True)):
                    if key in wanted:
                        places.setdefault(key, []).append(place)
                if places:
                    rows = [places.get(key, []) for key in keys]
                    told = _told(rows, raw["text"].tolist(), columns)
                    found |= {guess.tobytes(): guess for guess in told if len(set(guess)) > 1}
    return list(found.values())


def _told(
    rows: list[list[int]], texts: list[str], columns: list[np.ndarray]
) -> Iterator[np.ndarray]:
    """What a join tells of each pair: how many rows of the table belong to it, where the first is,
    what number or word that has, whether one of them has the pair's text, and whether the generator
    writes that text for the number."""
    yield np.array([len(own) for own in rows], float)
    yield np.array([own[0] if own else -1 for own in rows], float)
    for words in columns:
        yield np.array(
            [any(words[i] == text for i in own) for own, text in zip(rows, texts, strict=True)],
            float,
        )
        firsts = [words[own[0]] if own else "" for own in rows]
        values = set(firsts)
        for value in values if len(values) <= WORDS else ():
            yield np.array([first == value for first in firsts], float)
        numbers = [int(n[1]) if (n := LAST_NUMBER.search(first)) else -1 for first in firsts]
        yield np.array(numbers, float)
        yield np.array([text in drawn(n) for n, text in zip(numbers, texts, strict=True)], float)


CAPTIONS: dict[int, set[str]] = {}


def drawn(number: int) -> set[str]:
    """The captions that the generator writes for an image of the pool, if a number is one's."""
    if not 0 <= number < POOL:
        return set()
    if number not in CAPTIONS:
        for_layout, _, for_text = sample_seeds(SEED, number)
        CAPTIONS[number] = set(human_captions(draw_layout(for_layout), for_text))
    return CAPTIONS[number]


def attack(artifacts: Path, seen: list[Path]) -> float:
    """AUROC of the guess that does best on one half of the images, on the other; mean of both."""
    raw = pd.read_parquet(artifacts / "captions/raw.parquet").reset_index(names="row")
    truth = read_table(artifacts / "truth/raw.parquet", TRUTH)
    assert truth[["uid", "caption_id"]].equals(raw[["uid", "caption_id"]])
    noisy = (truth["kind"] != "clean").to_numpy()
    assert 0.5 < noisy.mean() < 0.7
    made = np.stack(guesses(raw, found_tables(seen)))
    half = (raw["uid"].str[-1] < "8").to_numpy()
    areas = []
    for chosen in (half, ~half):
        known = [ranking_metrics(noisy[chosen], guess)[1, 0] - 0.5 for guess in made[:, chosen]]
        best = int(np.argmax(np.abs(known)))
        tried = np.sign(known[best]) * made[best, ~chosen]
        areas.append(ranking_metrics(noisy[~chosen], tried)[1, 0])
    return float(np.mean(areas))


def files(*places: Path) -> list[Path]:
    """The files that lie in some folders."""
    return sorted(path for place in places for path in place.rglob("*") if path.is_file())


def test_what_lies_open_does_not_tell_the_noise(artifacts: Path) -> None:
    seen = files(*(place for place in artifacts.iterdir() if place.name != "truth"))
    assert {path.suffix for path in seen} >= {".parquet", ".tar", ".json", ".txt"}
    assert abs(attack(artifacts, seen) - 0.5) < CHANCE


def test_noise_cannot_be_drawn_again(artifacts: Path) -> None:
    """The rates and the seed are open: an unaltered caption must not be drawn as clean again."""
    raw = pd.read_parquet(artifacts / "captions/raw.parquet")
    rates = json.loads((artifacts / "captions/raw.noise.json").read_text())
    del rates["digest"]
    given = raw["text"].tolist(), [None] * len(raw), raw["uid"].tolist()
    _, kinds = corrupt(*given, rates, seed=0)
    truth = read_table(artifacts / "truth/raw.parquet", TRUTH)["kind"]
    guess = np.array([kind != "clean" for kind in kinds], float)
    assert abs(ranking_metrics((truth != "clean").to_numpy(), guess)[1, 0] - 0.5) < CHANCE


@pytest.mark.parametrize("known", ["raw.parquet", "captions/human.parquet", "pool/origins.parquet"])
def test_the_truth_tells_it(artifacts: Path, known: str) -> None:
    """The kinds; the captions that were altered; the numbers that images are drawn from."""
    assert attack(artifacts, [artifacts / "truth" / known]) > 0.95
