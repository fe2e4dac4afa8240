"""Ask a model about images: cached, asked again where an answer is none, with progress.

Two kinds of model answer. A server takes requests as a stream, several in flight, and each reply
is cached by its request. A model in this process takes them in passes of `batch_size`, and each
pass is cached as one: a reply may depend on what shares its pass, and which requests do depends on
the list of them alone. So the answers are the same whatever the cache holds.
"""

import re
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Protocol, runtime_checkable

from tqdm import tqdm

from winnow.captioning.answers import check_answer
from winnow.captioning.request_queue import Answer, Pass, Read, Reply, Request, RequestQueue
from winnow.captioning.responses import Responses
from winnow.captioning.settings import TextGeneration
from winnow.data.errors import WinnowError
from winnow.models.settings import Server

FIRST = 3  # the first requests of a run, none of them answered, that fail alike
ROW = 100  # requests that fail one after the other, in whatever way


class Backend(Protocol):
    """What answers requests."""

    identity: str  # model and digest of its weights, or server and model; part of the cache key

    def replies(self, requests: Iterable[Request]) -> Iterator[tuple[Request, Reply]]:
        """Answer requests in any order, taking further ones as there is room for them."""
        ...


@runtime_checkable
class Batched(Backend, Protocol):
    """A backend that answers in passes. `replies` gets one pass, at most `batch_size` requests."""

    batch_size: int

    def prepare(self, requests: Sequence[Request]) -> None:
        """Be told the next pass, to make it ready while the present one runs."""
        ...


def backend_for(model: Path | Server, settings: TextGeneration) -> Backend:
    """The backend of a transformers folder or of a server."""
    if isinstance(model, Server):
        from winnow.captioning.openai_backend import OpenAIBackend

        return OpenAIBackend(model, settings)
    from winnow.captioning.transformers_backend import TransformersBackend

    return TransformersBackend(model, settings.batch_size)


def ask(
    backend: Backend,
    requests: Iterable[Request],
    responses: Responses,
    *,
    attempts: int = 3,
    total: int | None = None,
    describe: str = "asking",
    accept_empty: bool = False,
    read: Read = check_answer,
) -> Iterator[Answer]:
    """Stream one Answer for each request, not always in their order.

    `read` tells what a reply is worth; by default one without words, of garbage, that declines,
    repeats itself or is longer than a caption may be is worth nothing. Such a reply is asked for
    again, with another seed and some temperature, up to `attempts` in all; then the Answer has the
    fault. With `accept_empty` one that `read` finds empty is an answer, "". `total` is for the
    progress bar, which `describe` names. What no request can get past is a WinnowError.
    """
    queue = RequestQueue(backend.identity, responses, attempts, accept_empty, read)
    if isinstance(backend, Batched):
        answers = _in_passes(backend, requests, queue)
    else:
        answers = _as_stream(backend, requests, queue)
    bar = tqdm(total=total, unit="answer", mininterval=2, desc=describe)
    with bar as progress, closing(answers):
        for answer in answers:
            progress.update()
            yield answer
    if queue.cases:
        raise RuntimeError(f"the backend left {len(queue.cases)} requests without a reply")


def collect(
    backend: Backend,
    requests: Iterable[Request],
    responses: Responses,
    *,
    attempts: int,
    total: int,
    describe: str,
    empty: str,
) -> tuple[dict[str, str], dict[str, str]]:
    """Ask all, as `ask` does; returns texts and faults by the key of their request.

    `empty` says what an answer without words means, as in a Perspective: "retry", it is asked for
    again; "drop", it is in neither; any other is the text that stands for it.
    """
    texts: dict[str, str] = {}
    faults: dict[str, str] = {}
    for answer in ask(
        backend,
        requests,
        responses,
        attempts=attempts,
        total=total,
        describe=describe,
        accept_empty=empty != "retry",
    ):
        if answer.fault:
            faults[answer.key] = answer.fault
        elif answer.text or empty != "drop":
            texts[answer.key] = answer.text or empty
    return texts, faults


class CircuitBreaker:
    """Counts the requests that a server let fail, one after the other, and says when that ends the
    run: no answer is lost by that."""

    def __init__(self) -> None:
        self.ever = False  # whether any request was answered, or known from before
        self.alike = self.row = 0
        self.last = ""

    def answered(self) -> None:
        """A request was answered, or its answer was known."""
        self.ever, self.row = True, 0

    def see(self, reply: Reply) -> None:
        """Count a reply. Raises WinnowError where the next ones cannot be hoped to be better."""
        if not reply.failed_at:
            if not reply.fault:
                self.answered()
            return
        kind = re.sub(r"\d+", "#", reply.fault)  # sizes and the like
        self.alike = self.alike + 1 if kind == self.last else 1
        self.row, self.last = self.row + 1, kind
        if not self.ever and self.alike >= FIRST:
            raise WinnowError(
                f"{reply.failed_at}: the first {FIRST} requests failed: {reply.fault}"
            )
        if self.row >= ROW:
            raise WinnowError(
                f"{reply.failed_at}: {ROW} requests in a row failed, the last: {reply.fault}; the "
                "answers before them are kept, so a further run goes on from there"
            )


def _as_stream(
    backend: Backend, requests: Iterable[Request], queue: RequestQueue
) -> Generator[Answer, None, None]:
    source, again = iter(requests), deque[Request]()
    known, patience = deque[Answer](), CircuitBreaker()

    def pending() -> Iterator[Request]:
        while True:
            if again:
                yield again.popleft()
            elif (request := next(source, None)) is not None:
                answers, missing = queue.look_up(request)
                known.extend(answers)
                if answers:
                    patience.answered()
                yield from missing
            else:
                return

    while True:
        stream = backend.replies(pending())
        try:
            for request, reply in stream:
                answers, retries = queue.take(request, reply)
                again.extend(retries)
                yield from answers
                patience.see(reply)
                while known:
                    yield known.popleft()
        finally:
            if isinstance(stream, Generator):
                stream.close()  # now, and not when it is collected: requests may be in flight
        yield from known
        known.clear()
        if not again:
            return


def _in_passes(
    backend: Batched, requests: Iterable[Request], queue: RequestQueue
) -> Generator[Answer, None, None]:
    again: list[Request] = []
    passes = _passes(backend.batch_size, requests, queue, again)
    upcoming = next(passes, None)
    while upcoming is not None:
        present = upcoming
        upcoming = next(passes, None)  # before the present one is read, be it known or not
        if upcoming is not None and upcoming.replies is None:
            backend.prepare(upcoming.requests)
        answers, retries = queue.read_replies(_replies(backend, present, queue))
        again += retries
        yield from answers
        if upcoming is None:  # nothing was left then: now there may be retries
            upcoming = next(_passes(backend.batch_size, (), queue, again), None)


def _replies(backend: Batched, asked: Pass, queue: RequestQueue) -> list[tuple[Request, Reply]]:
    """The replies to a pass, from the cache or the model."""
    replies = asked.replies
    if replies is None:
        given = {request.key: reply for request, reply in backend.replies(asked.requests)}
        replies = [given[request.key] for request in asked.requests]
        queue.keep_pass(asked, replies)
    return list(zip(asked.requests, replies, strict=True))


def _passes(
    size: int, requests: Iterable[Request], queue: RequestQueue, again: list[Request]
) -> Iterator[Pass]:
    """The passes of `size` requests. Retries wait until they fill one, or nothing else is left."""
    source = iter(requests)
    while True:
        if len(again) < size and (chunk := list(islice(source, size))):
            for request in chunk:
                queue.enter(request)
        elif again:
            chunk = again[:size]
            del again[:size]
        else:
            return
        yield queue.look_up_pass(chunk)
