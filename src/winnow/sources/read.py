"""Any source, as one stream of records."""

from collections.abc import Iterable, Iterator

from winnow.data.errors import WinnowError
from winnow.data.records import Record, Rejected
from winnow.sources.source import AnySource


def read_source(source: AnySource, workers: int = 1) -> Iterator[Record | Rejected]:
    """The `records` of a source. Raises WinnowError as they do, and where there is none at all."""
    return _something(source.records(workers), source)


def _something(
    items: Iterator[Record | Rejected], source: AnySource
) -> Iterator[Record | Rejected]:
    nothing = True
    for item in items:
        nothing = False
        yield item
    if nothing:
        raise WinnowError(source.remedy())


def lacking_splits(source: AnySource, needed: Iterable[str]) -> set[str]:
    """Those of the `needed` splits (reference, test) that the pool of a real source will not have.

    A share that is set apart gives a split. Otherwise the source has to name it, and is read until
    all were found.
    """
    shares = dict(zip(("reference", "test"), source.shares(), strict=True))
    missing = {split for split in needed if not shares[split]}
    for record in read_source(source) if missing else ():
        if isinstance(record, Record):
            missing.discard(record.split)
        if not missing:
            break
    return missing
