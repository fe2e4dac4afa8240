"""Any source, as one stream of records."""

from collections.abc import Iterable, Iterator

from winnow.data.errors import WinnowError
from winnow.data.records import Record, Rejected
from winnow.data.rendering import Rendering
from winnow.params.source import (
    ClassesSource,
    FilesSource,
    FolderSource,
    KarpathySource,
    RealSource,
    Source,
    TerrariumSource,
    WebdatasetSource,
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
    return _something(_read_real(source), source)


def _read_real(source: RealSource) -> Iterator[Record | Rejected]:
    if isinstance(source, KarpathySource):
        return read_karpathy(source)
    if isinstance(source, FolderSource):
        return read_folder(source)
    if isinstance(source, ClassesSource):
        return read_classes(source)
    if isinstance(source, FilesSource):
        return read_beside(source)
    assert isinstance(source, WebdatasetSource)
    return read_webdataset(source)


def _something(
    items: Iterator[Record | Rejected], source: RealSource
) -> Iterator[Record | Rejected]:
    """The items of a source. Raises WinnowError where there is none at all."""
    nothing = True
    for item in items:
        nothing = False
        yield item
    if nothing:
        raise WinnowError(_remedy(source))


def _remedy(source: RealSource) -> str:
    if isinstance(source, KarpathySource):
        return f"source.annotations: {source.annotations}: its list 'images' is empty; add entries"
    if isinstance(source, FolderSource):
        return f"source.metadata: {source.metadata}: has no row; add one for each caption"
    if isinstance(source, WebdatasetSource):
        return f"source.shards: {source.shards}: no file in any tar; put images and texts there"
    assert isinstance(source, ClassesSource | FilesSource)
    return f"source.images: {source.images}: holds no file; put the images there"


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
