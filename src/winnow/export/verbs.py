"""Command `export`."""

from dataclasses import replace
from pathlib import Path

from pydantic import Field, PositiveInt

from winnow.command.description import Output, command
from winnow.data.errors import WinnowError
from winnow.data.tables import CAPTIONS, PAIR, SAMPLES, SUBSET, read_table, require_unique
from winnow.export.subset_metadata import (
    About,
    noise_beside,
    scores_beside,
    selection_from_path,
    with_scores,
)


class ExportSettings(About):
    """What is said of the data set, and how it is cut."""

    shard_size: PositiveInt = Field(1000, description="Pairs in one tar")


@command
def export(
    pool: Path,
    captions: Path,
    subset: Path,
    output: Output,
    scores: Path | None,
    settings: ExportSettings,
) -> None:
    """Write a subset as a data set: WebDataset tars, their list, Croissant metadata and a card.
    --scores are by default those that the subset's place in artifacts/ tells of."""
    from winnow.export.webdataset import export_subset

    kept = read_table(subset, SUBSET)
    require_unique(kept, PAIR, subset)
    if kept.empty:
        raise WinnowError(f"{subset}: holds no pairs; name a subset that keeps some")
    known = read_table(captions, CAPTIONS)
    require_unique(known, PAIR, captions)
    pairs = kept.merge(known, on=PAIR, how="left")
    unknown = pairs[pairs["text"].isna()]
    if len(unknown):
        first = unknown.iloc[0]
        raise WinnowError(
            f"{subset}: uid {first['uid']}, caption_id {first['caption_id']} is not in {captions} "
            f"({len(unknown)} such pairs)"
        )
    samples = read_table(pool / "samples.parquet", SAMPLES)
    how = replace(
        selection_from_path(subset, known, samples, kept["uid"]), noise=noise_beside(captions)
    )
    pairs, how = with_scores(pairs, how, scores or scores_beside(subset))
    count = export_subset(pool, samples, pairs, output, settings.shard_size, settings, how)
    print(f"{output}: {count} pairs")
