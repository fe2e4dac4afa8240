"""Commands `pool`, `raw-captions` and `zeroshot`."""

from pathlib import Path

from pydantic import Field

from winnow.command.description import Output, command
from winnow.data.files import write_signed
from winnow.data.tables import CAPTIONS, LAYOUTS, NOISE, SAMPLES, TRUTH, read_table, write_table
from winnow.sources.registry import Source
from winnow.sources.settings import Captions, Pool, Zeroshot


class PoolSettings(Pool):
    """How the pool is made, and from what."""

    source: Source = Field(description="What becomes the pool")


@command
def pool(
    output: Output, human: Output, layouts: Output, threads: int, settings: PoolSettings
) -> None:
    """Make the pool from a source: shards, samples, human captions, quarantine."""
    from winnow.sources.pool import build_pool, describe
    from winnow.sources.read import read_source

    reference, test = settings.source.shares()
    summary = build_pool(
        read_source(settings.source, threads),
        output,
        human,
        layouts,
        shard_size=settings.shard_size,
        quarantine_limit=settings.quarantine_limit,
        reference=reference,
        test=test,
        rendering=settings.source.rendering(),
        workers=threads,
    )
    print(describe(summary))


@command
def raw_captions(
    pool: Path,
    human: Path,
    layouts: Path,
    output: Output,
    truth: Output,
    settings: Captions,
) -> None:
    """Make the caption set `raw`: human captions, with noise of known kind if it is asked for."""
    from winnow.sources.raw_caption_set import describe, raw_captions

    samples = read_table(pool / "samples.parquet", SAMPLES)
    known = read_table(human, CAPTIONS), read_table(layouts, LAYOUTS)
    captions, kinds = raw_captions(samples, *known, settings)
    told = describe(captions, kinds, settings)
    write_table(output, captions, CAPTIONS)
    write_table(truth, kinds, TRUTH)
    rates = {str(kind): rate for kind, rate in settings.noise.items()}
    write_signed(output.with_suffix(NOISE), rates)
    print(told)


class ZeroshotSettings(Zeroshot):
    """The zero-shot sets; `size` in pixels."""

    size: int = Field(64, description="Width and height of Terrarium's images in pixels")


@command
def zeroshot(output: Output, pool: Path | None, settings: ZeroshotSettings) -> None:
    """Make the zero-shot sets: Terrarium's, or with --pool that of a real pool, and your own."""
    from winnow.sources.zeroshot import write_sets
    from winnow.sources.zeroshot_sets import own_sets, scene_set, terrarium_sets

    drawing = settings.images, settings.seed, settings.size
    if pool is None:
        sets = terrarium_sets(*drawing)
    else:
        sets = scene_set(pool, read_table(pool / "samples.parquet", SAMPLES))
    counts = write_sets(output, sets | own_sets(settings.folders, settings.sets, *drawing))
    print("\n".join(f"{name}: {count} images" for name, count in counts.items()) or "no set")
