"""Verbs `deduplicate`, `select` and `export`."""

from pathlib import Path

from winnow.command import verb
from winnow.data.errors import WinnowError
from winnow.data.files import atomic_path
from winnow.data.tables import (
    CAPTIONS,
    DEDUPLICATED,
    PAIR,
    SAMPLES,
    SCORES,
    SUBSET,
    read_arrow,
    read_table,
    require_unique,
    schema,
    write_table,
)
from winnow.params import sections


@verb("pool", "model", "output", values={"threshold": float})
def deduplicate(pool: Path, model: Path, output: Path, threshold: float, threads: int) -> None:
    """Find images of the reference split that are too much alike, and keep one of each kind."""
    from winnow.curation import deduplicate as duplicates
    from winnow.models import clip

    samples = read_table(pool / "samples.parquet", SAMPLES)
    samples = samples[samples["split"] == "reference"]
    seen = clip.load(model)
    describe = duplicates.descriptors(seen)
    features = duplicates.image_features(pool, samples, seen, describe, threads)
    table = duplicates.deduplicate(samples, features, threshold)
    write_table(output, table, DEDUPLICATED)
    print(f"kept {int(table['kept'].sum())} of {len(table)} images")


class SelectSettings(sections.Curation):
    """Which part to keep: `ratio`, or `threshold` in its place."""

    ratio: sections.Ratio | None = None
    threshold: float | None = None


@verb("scores", "pool", "output", settings=SelectSettings)
def select(scores: Path, pool: Path, output: Path, threads: int, settings: SelectSettings) -> None:
    """Keep the best pairs: by ratio (of the pool or of each scene), or by threshold."""
    import pyarrow.parquet as pq

    from winnow.curation.select import keep_above, keep_ratio, scene_codes

    table = read_arrow(scores, SCORES)
    if (settings.ratio is None) == (settings.threshold is None):
        raise WinnowError("give either --ratio or --threshold")
    if settings.threshold is not None:
        kept = keep_above(table, settings.threshold)
    else:
        groups = None
        if settings.within == "scene":
            columns = {name: SAMPLES[name] for name in ("uid", "scene?")}  # the others take seconds
            groups = scene_codes(table, read_arrow(pool / "samples.parquet", columns))
        assert settings.ratio is not None
        kept = keep_ratio(table, settings.ratio, groups)
    with atomic_path(output) as temporary:
        pq.write_table(table.select(PAIR).take(kept).cast(schema(SUBSET)), temporary)
    print(f"kept {len(kept)} of {table.num_rows} pairs")


@verb("pool", "captions", "subset", "output", settings=sections.Pool)
def export(
    pool: Path, captions: Path, subset: Path, output: Path, threads: int, settings: sections.Pool
) -> None:
    """Write a subset as a cleaned WebDataset: image, txt and json in tars."""
    from winnow.curation.export import export_subset

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
