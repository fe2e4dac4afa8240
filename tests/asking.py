"""Backends that answer by a script and count what they are asked."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from winnow.captioning.engine import ask
from winnow.captioning.request_queue import Answer, Reply, Request
from winnow.captioning.responses import Responses

Script = Callable[[Request, int], Reply]  # what is answered, from the request and its attempt


class Stream:
    """A backend that answers one request after the other, and counts them."""

    identity = "fake"

    def __init__(self, script: Script = lambda request, n: Reply(f"a {request.key}")):
        self.script, self.asked = script, list[Request]()

    def replies(self, requests: Iterable[Request]) -> Iterator[tuple[Request, Reply]]:
        for request in requests:
            yield request, self.reply(request)

    def reply(self, request: Request) -> Reply:
        before = sum(other.key == request.key for other in self.asked)
        self.asked.append(request)
        return self.script(request, before)

    @property
    def keys(self) -> list[str]:
        return [request.key for request in self.asked]


class Passes(Stream):
    """The same in passes, as a model in this process answers."""

    batch_size = 4

    def __init__(self, script: Script = lambda request, n: Reply(f"a {request.key}")):
        super().__init__(script)
        self.passes, self.announced = list[list[str]](), list[list[str]]()

    def prepare(self, requests: Sequence[Request]) -> None:
        self.announced.append([request.key for request in requests])

    def replies(self, requests: Iterable[Request]) -> Iterator[tuple[Request, Reply]]:
        taken = list(requests)
        self.passes.append([request.key for request in taken])
        yield from [(request, self.reply(request)) for request in taken]


def requests(count: int, **changes: Any) -> list[Request]:
    return [Request(f"k{i}", "what?", b"image %d" % i, 20, **changes) for i in range(count)]


def run(backend: Any, asked: Iterable[Request], folder: Path, **options: Any) -> dict[str, Answer]:
    found = list(ask(backend, asked, Responses(folder), **options))
    assert len({answer.key for answer in found}) == len(found)
    return {answer.key: answer for answer in found}
