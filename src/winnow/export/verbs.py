"""Verb `export`."""

from pathlib import Path

from winnow.command import verb
from winnow.data.errors import WinnowError
from winnow.data.tables import CAPTIONS, PAIR, SAMPLES, SUBSET, read_table, require_unique
from winnow.params import sections


@verb("pool", "captions", "subset", "output", settings=sections.Pool)
def export(
    pool: Path, captions: Path, subset: Path, output: Path, threads: int, settings: sections.Pool
) -> None:
    """Write a subset as a cleaned WebDataset: image, txt and json in tars."""
    from winnow.export.webdataset import export_subset

    kept = read_table(subset, SUBSET)
    require_unique(kept, PAIR, subset)
    pairs = kept.merge(read_table(captions, CAPTIONS), on=PAIR, how="left")
    unknown = pairs[pairs["text"].isna()]
    if len(unknown):
        first = unknown.iloc[0]
        raise WinnowError(
            f"{subset}: uid {first['uid']}, caption_id {first['caption_id']} is not in {captions} "
            f"({len(unknown)} such pairs)"
        )
    samples = read_table(pool / "samples.parquet", SAMPLES)
    count = export_subset(pool, samples, pairs, output, settings.shard_size)
    print(f"{output}: {count} pairs")
