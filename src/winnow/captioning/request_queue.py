"""Requests, what is known of them, and what to ask next."""

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from winnow.captioning.answers import EMPTY, check_answer
from winnow.captioning.cleaning import CUT_THOUGHT, ONLY_THOUGHT, REFUSAL
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
    thought: str = ""  # told apart from the text by the server
    refusal: str = ""  # likewise
    failed_at: str = ""  # the server at fault


@dataclass(frozen=True)
class Answer:
    """What came of a request in the end."""

    key: str
    text: str  # "" where fault
    fault: str = ""  # why there is no text: quarantine reason


@dataclass(frozen=True)
class Pass:
    """Requests that share a pass of a model in this process."""

    requests: list[Request]
    digest: str
    replies: list[Reply] | None  # in that order; None where they are not known


@dataclass
class Case:
    """A request that has no answer yet."""

    request: Request
    digests: list[str] = field(default_factory=list)  # one an attempt, where it is asked by itself
    faults: dict[int, str] = field(default_factory=dict)  # of the attempts that were made
    attempt: int = 0  # under way


class RequestQueue:
    """Looks requests up, keeps replies, and says what to ask next."""

    def __init__(
        self,
        identity: str,
        responses: Responses,
        attempts: int,
        accept_empty: bool,
        read: Read = check_answer,
    ):
        self.identity, self.responses = identity, responses
        self.attempts, self.accept_empty, self.read = attempts, accept_empty, read
        self.cases: dict[str, Case] = {}

    def enter(self, request: Request) -> Case:
        """Begin a case. Raises ValueError for a key that is in use."""
        if request.key in self.cases:
            raise ValueError(f"two requests have the key {request.key!r}")
        self.cases[request.key] = case = Case(request)
        return case

    def look_up(self, request: Request) -> tuple[list[Answer], list[Request]]:
        """Begin a case: its answer where one is known, else what to ask."""
        case = self.enter(request)
        case.digests = request_digests(self.identity, request, self.attempts)
        found = self.responses.find(case.digests)
        given = [(n, _restored(found.get(digest))) for n, digest in enumerate(case.digests)]
        read = (self._read(case, n, reply) for n, reply in given if reply is not None)
        return _sorted([next(filter(None, read), None) or self._next(case)])

    def take(self, request: Request, reply: Reply) -> tuple[list[Answer], list[Request]]:
        """Keep the reply of a request that was asked by itself, and read it."""
        case = self.cases[request.key]
        if not reply.fault:  # a server may do better in the next run
            beside = {"thought": reply.thought, "refusal": reply.refusal}
            record = {"text": reply.text, "cut": reply.cut}
            record |= {name: said for name, said in beside.items() if said}
            self.responses.keep({case.digests[case.attempt]: record})
        return self.read_replies([(request, reply)])

    def look_up_pass(self, requests: list[Request]) -> Pass:
        """The pass that requests with a case make up."""
        digest = pass_digest(self.identity, requests)
        record = self.responses.find([digest]).get(digest)
        replies = [_restored(reply) for reply in record] if isinstance(record, list) else []
        known = [reply for reply in replies if reply is not None]
        return Pass(requests, digest, known if len(known) == len(requests) else None)

    def keep_pass(self, answered: Pass, replies: Sequence[Reply]) -> None:
        """Keep the replies to a pass as one, faults too: that model gives them again."""
        self.responses.keep({answered.digest: [asdict(reply) for reply in replies]})

    def read_replies(
        self, replies: Iterable[tuple[Request, Reply]]
    ) -> tuple[list[Answer], list[Request]]:
        """The answers in replies, and what to ask again."""
        given = [(self.cases[request.key], reply) for request, reply in replies]
        return _sorted(
            [self._read(case, case.attempt, reply) or self._next(case) for case, reply in given]
        )

    def _read(self, case: Case, attempt: int, reply: Reply) -> Answer | None:
        """The answer in a reply; None where it has to be asked for again."""
        text, fault = self._worth(reply)
        if reply.final or not fault or (self.accept_empty and fault == EMPTY):
            del self.cases[case.request.key]
            return Answer(case.request.key, text, fault if reply.final else "")
        case.faults[attempt] = fault
        return None

    def _worth(self, reply: Reply) -> tuple[str, str]:
        if reply.fault:
            return "", reply.fault
        if reply.refusal:
            return "", REFUSAL
        if reply.thought and not reply.text.strip():
            return "", CUT_THOUGHT if reply.cut else ONLY_THOUGHT
        return self.read(reply.text, reply.cut)

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
    """SHA-256 of all that decides a server's reply, for each attempt."""
    content = {"backend": identity, **_content(request)}
    return [_digest({**content, "attempt": attempt}) for attempt in range(attempts)]


def pass_digest(identity: str, requests: Sequence[Request]) -> str:
    """SHA-256 of all that decides the replies to requests that share a pass.

    The other requests do, too: samples are drawn for the pass, and the last digits of a sum depend
    on the shape of the batch.
    """
    return _digest({"backend": identity, "pass": [_content(request) for request in requests]})


def _content(request: Request) -> dict[str, Any]:
    image = None if request.image is None else hashlib.sha256(request.image).hexdigest()
    return {
        "prompt": request.prompt,
        "image": image,
        "max_tokens": request.max_tokens,
        "temperature": float(request.temperature),
        "seed": request.seed,
    }


def _digest(content: Any) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


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
    if not isinstance(record, dict):
        return None
    words = [record.get("text")]
    words += [record.get(name, "") for name in ("fault", "thought", "refusal")]
    if not all(isinstance(word, str) for word in words):
        return None
    text, fault, thought, refusal = map(str, words)
    cut, final = bool(record.get("cut")), bool(record.get("final"))
    return Reply(text, cut, fault, final, thought, refusal)
