"""Work spread over threads or processes, results in order, memory bounded."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future
from typing import TypeVar

In = TypeVar("In")
Out = TypeVar("Out")


def ordered(
    executor: Executor, function: Callable[[In], Out], items: Iterable[In], depth: int
) -> Iterator[Out]:
    """Apply `function` to `items`, at most `depth` at a time, and yield in the items' order.

    Unlike `Executor.map` it draws an item only when there is room for it.
    """
    waiting: deque[Future[Out]] = deque()
    try:
        for item in items:
            waiting.append(executor.submit(function, item))
            if len(waiting) >= depth:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        for future in waiting:
            future.cancel()
