"""A stream in batches."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

Item = TypeVar("Item")


def batches(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """Lists of `size` items, of which the last may have fewer."""
    rest = iter(items)
    while batch := list(islice(rest, size)):
        yield batch
