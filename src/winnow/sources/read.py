"""Any source, as one stream of records."""

from collections.abc import Iterable, Iterator

from winnow.data.records import Record, Rejected
from winnow.data.rendering import Rendering
from winnow.params.source import (
    ClassesSource,
    FilesSource,
    FolderSource,
    KarpathySource,
    Source,
    TerrariumSource,
)
from winnow.sources.beside import read_beside
from winnow.sources.classes import read_classes
from winnow.sources.folder import read_folder
from winnow.sources.karpathy import read_karpathy
from winnow.sources.terrarium import read_terrarium
from winnow.sources.webdataset import read_webdataset


def read_source(source: Source, workers: int = 1) -> Iterator[Record | Rejected]:
    """Stream what a source holds, in an order that does not change, one image in memory at a time.

    `workers` processes draw Terrarium. Raises WinnowError, naming the key of params.yaml or the
    file and line, where the source as a whole cannot be read.
    """
    if isinstance(source, TerrariumSource):
        return read_terrarium(source, workers)
    if isinstance(source, KarpathySource):
        return read_karpathy(source)
    if isinstance(source, FolderSource):
        return read_folder(source)
    if isinstance(source, ClassesSource):
        return read_classes(source)
    if isinstance(source, FilesSource):
        return read_beside(source)
    return read_webdataset(source)


def set_apart(source: Source) -> tuple[float, float]:
    """Fractions (reference, test) that `build_pool` sets apart; Terrarium's splits are drawn."""
    if isinstance(source, TerrariumSource):
        return 0.0, 0.0
    return source.reference, source.test


def rendering_of(source: Source) -> Rendering:
    """How rasters of a source become pictures; Terrarium's images are pictures."""
    if isinstance(source, TerrariumSource):
        return Rendering()
    return Rendering(source.bands, source.stretch)


def lacking_splits(source: Source, needed: Iterable[str]) -> set[str]:
    """Those of the `needed` splits (reference, test) that the pool of a real source will not have.

    A share that is set apart gives a split. Otherwise the source has to name it, and is read until
    all were found.
    """
    shares = dict(zip(("reference", "test"), set_apart(source), strict=True))
    missing = {split for split in needed if not shares[split]}
    for record in read_source(source) if missing else ():
        if isinstance(record, Record):
            missing.discard(record.split)
        if not missing:
            break
    return missing
