"""Command `audit`: which images and captions are in a training set and in an evaluation set."""

from pathlib import Path

import pandas as pd

from winnow.command.description import Output, command
from winnow.curation.image_sets import (
    Images,
    preference_images,
    segment_images,
    split_images,
    zeroshot_images,
)
from winnow.curation.settings import Leakage
from winnow.data.files import atomic_path
from winnow.data.tables import (
    CAPTIONS,
    COMPARED,
    ECHOED,
    ECHOES,
    LEAKS,
    SAMPLES,
    empty,
    read_table,
    write_table,
)


@command
def audit(
    pool: Path,
    human: Path,
    zeroshot: Path,
    captions: list[Path],
    segments: Path | None,
    preferences: Path | None,
    output: Output,
    threads: int,
    settings: Leakage,
) -> None:
    """Find images, exact or nearly so, and captions of training sets in evaluation sets."""
    from winnow.curation.leakage import find_leaks

    samples = read_table(pool / "samples.parquet", SAMPLES)
    limits = (settings.distance, settings.correlation, threads)
    wanted = (_sets(pool, samples, zeroshot, segments, preferences), _reference(pool, samples))
    parts = [find_leaks(*sets, *limits) for sets in wanted]
    found, compared = (pd.concat(tables, ignore_index=True) for tables in zip(*parts, strict=True))
    said = _echoes(samples, read_table(human, CAPTIONS), captions)
    with atomic_path(output) as folder:
        folder.mkdir()
        write_table(folder / "pairs.parquet", found, LEAKS)
        write_table(folder / "compared.parquet", compared, COMPARED)
        echoes = pd.concat([empty(ECHOES), *(table for table, _ in said)], ignore_index=True)
        write_table(folder / "echoes.parquet", echoes, ECHOES)
        echoed = pd.DataFrame([row for _, row in said], columns=list(ECHOED))
        write_table(folder / "echoed.parquet", echoed, ECHOED)
    print(f"{len(found)} pairs of images, {len(echoes)} captions")


Sets = tuple[dict[str, Images], dict[str, Images], dict[str, list[str]]]


def _sets(
    pool: Path,
    samples: pd.DataFrame,
    zeroshot: Path,
    segments: Path | None,
    preferences: Path | None,
) -> Sets:
    """Training sets and evaluation sets by name, and which of the latter each of the former must
    not share an image with."""
    trained = {name: split_images(pool, samples, name) for name in ("pool", "reference")}
    evaluation = {"test": split_images(pool, samples, "test"), **zeroshot_images(zeroshot)}
    against = {name: list(evaluation) for name in trained}
    if segments is not None:
        evaluation["segmentation"] = segment_images(segments, "test")
        trained["labels"] = segment_images(segments, "train")
        against = {name: [*against.get(name, []), "segmentation"] for name in trained}
    if preferences is not None:
        evaluation["preferences"] = preference_images(pool, samples, preferences, "test")
        trained["preferences"] = preference_images(pool, samples, preferences, "train")
        against["pool"].append("preferences")  # a score model may start from what read its captions
        against["preferences"] = ["preferences"]
    return trained, evaluation, against


def _reference(pool: Path, samples: pd.DataFrame) -> Sets:
    """The same of what scorers learn from and the pool, which they score: apart, so that nothing
    else is compared with so many images."""
    images = {name: split_images(pool, samples, name) for name in ("reference", "pool")}
    return {"reference": images["reference"]}, {"pool": images["pool"]}, {"reference": ["pool"]}


def _echoes(
    samples: pd.DataFrame, human: pd.DataFrame, captions: list[Path]
) -> list[tuple[pd.DataFrame, tuple[str, str, int, int, int]]]:
    """ECHOES of the test split, and a row of ECHOED: of each caption set of the pool, and of the
    reference split's human captions, which show how often they occur without a leak."""
    from winnow.curation.caption_overlap import find_overlaps

    split = samples.set_index("uid")["split"]
    test = human[human["uid"].map(split) == "test"]
    tables = [(path.stem, "pool", read_table(path, CAPTIONS)) for path in captions]
    found = []
    for name, part, table in [*tables, ("human", "reference", human)]:
        own = table[table["uid"].map(split) == part]
        rows = find_overlaps(name, own, test)
        kinds = rows["kind"].value_counts()
        counts = (int(kinds.get("equal", 0)), int(kinds.get("near", 0)))
        found.append((rows, (name, part, len(own), *counts)))
    return found
