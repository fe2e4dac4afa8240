"""Commands `segmentation-set` and `import-segmentation`."""

from collections import Counter
from pathlib import Path

from pydantic import Field, PositiveInt

from winnow.command.description import Output, command
from winnow.data.files import atomic_path
from winnow.data.tables import SAMPLES, read_table
from winnow.params.fields import Fraction, Section, Seed
from winnow.sources.settings import SegmentationData


class LabelSettings(Section):
    """Which images of the pool are labelled."""

    labels: PositiveInt = Field(description="Images with a mask")
    seed: Seed = Field(0, description="Draws which images")


@command
def segmentation_set(pool: Path, output: Output, settings: LabelSettings) -> None:
    """Make a segmentation set from the pool's images and land-cover masks."""
    from winnow.sources.pool_segmentation import pool_set

    samples = read_table(pool / "samples.parquet", SAMPLES)
    with atomic_path(output) as folder:
        folder.mkdir()
        pool_set(pool, samples, settings.labels, settings.seed, folder)
    print(f"{output}: {settings.labels} labelled images")


class ImportSettings(SegmentationData):
    """Where real images and masks are."""

    seed: Seed = Field(0, description="Draws which images only measure")
    quarantine_limit: Fraction = Field(
        0.05, description="The command fails when more than this share of the images is unusable"
    )


@command
def import_segmentation(output: Output, settings: ImportSettings) -> None:
    """Make a segmentation set from real images and masks; what is left out is reported by file."""
    from winnow.data.segmentation_set import read_items
    from winnow.sources.segmentation import real_set

    with atomic_path(output) as folder:
        folder.mkdir()
        faults = real_set(settings, settings.seed, settings.quarantine_limit, folder)
    counts = Counter(read_items(output)["split"])
    print(f"{output}: {counts['train']} training tiles, {counts['test']} test tiles")
    for name, reason in faults:
        print(f"left out: {name}: {reason}")
