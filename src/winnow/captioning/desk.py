"""Requests, what is known of them, and what to ask next."""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from winnow.captioning.answers import EMPTY, judge
from winnow.captioning.responses import Responses

WARM = 0.7  # least temperature of an attempt after the first

# From a reply, and whether it was cut at the token limit: (text, "") or ("", fault).
Read = Callable[[str, bool], tuple[str, str]]


@dataclass(frozen=True)
class Request:
    """One question, about an image or about nothing but its own text."""

    key: str  # unique in one run; names the request in the quarantine
    prompt: str
    image: bytes | None  # encoded PNG, JPEG or WebP; None: text alone
    max_tokens: int
    temperature: float = 0.0  # 0: greedy
    seed: int = 0


@dataclass(frozen=True)
class Reply:
    """What a model gave back, word for word, or why it gave no text."""

    text: str = ""
    cut: bool = False  # it ended at the token limit
    fault: str = ""
    final: bool = False  # a fault that asking again would not mend


@dataclass(frozen=True)
class Answer:
    """What came of a request in the end."""

    key: str
    text: str  # "" where fault
    fault: str = ""  # why there is no text: quarantine reason


@dataclass
class Case:
    """A request that has no answer yet."""

    request: Request
    digests: list[str]  # one an attempt
    faults: dict[int, str] = field(default_factory=dict)  # of the attempts that were made
    attempt: int = 0  # under way


class Desk:
    """Looks requests up, keeps replies, and says what to ask next."""

    def __init__(
        self,
        identity: str,
        responses: Responses,
        attempts: int,
        accept_empty: bool,
        read: Read = judge,
    ):
        self.identity, self.responses = identity, responses
        self.attempts, self.accept_empty, self.read = attempts, accept_empty, read
        self.cases: dict[str, Case] = {}

    def open(self, requests: Sequence[Request]) -> tuple[list[Answer], list[Request]]:
        """The answers that are known, and what to ask for the others."""
        cases = []
        for request in requests:
            if request.key in self.cases:
                raise ValueError(f"two requests have the key {request.key!r}")
            digests = request_digests(self.identity, request, self.attempts)
            self.cases[request.key] = Case(request, digests)
            cases.append(self.cases[request.key])
        found = self.responses.find([digest for case in cases for digest in case.digests])
        results = []
        for case in cases:
            given = [(n, _restored(found.get(digest))) for n, digest in enumerate(case.digests)]
            read = (self._read(case, n, reply) for n, reply in given if reply is not None)
            results.append(next(filter(None, read), None) or self._next(case))
        return _sorted(results)

    def close(self, replies: Sequence[tuple[Request, Reply]]) -> tuple[list[Answer], list[Request]]:
        """Keep replies, all in one commit; the answers in them, and what to ask again."""
        given = [(self.cases[request.key], reply) for request, reply in replies]
        self.responses.keep(
            {
                case.digests[case.attempt]: {"text": reply.text, "cut": reply.cut}
                for case, reply in given
                if not reply.fault  # a server may do better in the next run
            }
        )
        return _sorted(
            [self._read(case, case.attempt, reply) or self._next(case) for case, reply in given]
        )

    def is_retry(self, request: Request) -> bool:
        """Whether a request that waits for its answer was asked before."""
        return bool(self.cases[request.key].faults)

    def _read(self, case: Case, attempt: int, reply: Reply) -> Answer | None:
        """The answer in a reply; None where it has to be asked for again."""
        text, fault = ("", reply.fault) if reply.fault else self.read(reply.text, reply.cut)
        if reply.final or not fault or (self.accept_empty and fault == EMPTY):
            del self.cases[case.request.key]
            return Answer(case.request.key, text, fault if reply.final else "")
        case.faults[attempt] = fault
        return None

    def _next(self, case: Case) -> Answer | Request:
        """The first attempt that was not made; without one the case ends in its last fault."""
        left = [attempt for attempt in range(self.attempts) if attempt not in case.faults]
        if left:
            case.attempt = left[0]
            return _varied(case.request, case.attempt)
        del self.cases[case.request.key]
        last = case.faults[self.attempts - 1]
        return Answer(case.request.key, "", f"{last} ({counted(self.attempts)})")


def _sorted(results: Sequence[Answer | Request]) -> tuple[list[Answer], list[Request]]:
    answers = [result for result in results if isinstance(result, Answer)]
    return answers, [result for result in results if isinstance(result, Request)]


def counted(attempts: int) -> str:
    """The number of attempts, as reasons give it."""
    return f"{attempts} attempt" if attempts == 1 else f"{attempts} attempts"


def request_digests(identity: str, request: Request, attempts: int) -> list[str]:
    """SHA-256 of all that decides the reply, for each attempt."""
    image = None if request.image is None else hashlib.sha256(request.image).hexdigest()
    content = {
        "backend": identity,
        "prompt": request.prompt,
        "image": image,
        "max_tokens": request.max_tokens,
        "temperature": float(request.temperature),
        "seed": request.seed,
    }
    texts = (
        json.dumps({**content, "attempt": attempt}, sort_keys=True) for attempt in range(attempts)
    )
    return [hashlib.sha256(text.encode()).hexdigest() for text in texts]


def _varied(request: Request, attempt: int) -> Request:
    """The request as it is asked in an attempt."""
    if attempt == 0:
        return request
    seed = hashlib.sha256(f"{request.seed} {attempt}".encode()).digest()
    return replace(
        request,
        temperature=max(request.temperature, WARM),
        seed=int.from_bytes(seed[:4]) >> 1,
    )


def _restored(record: object) -> Reply | None:
    """A reply from the cache; None for a record that is none."""
    if not isinstance(record, dict) or not isinstance(record.get("text"), str):
        return None
    return Reply(record["text"], bool(record.get("cut")))
