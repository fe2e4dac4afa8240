"""Work spread over threads or processes, results in order, memory bounded."""

import multiprocessing
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
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


def in_processes(function: Callable[[In], Out], items: Iterable[In], workers: int) -> Iterator[Out]:
    """Apply `function` to `items` in `workers` processes, and yield in the items' order; in this
    process where there is one worker, or no shared memory."""
    if workers <= 1:
        yield from map(function, items)
        return
    try:
        executor = ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn"))
    except OSError as error:  # no semaphores
        told = f"no shared memory (/dev/shm: {error.strerror}): drawing in this process alone"
        print(told, file=sys.stderr)
        yield from map(function, items)
        return
    with executor:
        yield from ordered(executor, function, items, 2 * workers)
