"""What servers say beside an answer: thoughts, errors, limits; what is sent to them; the key."""

import asyncio
import json
import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from asking import Stream, run
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from winnow.captioning.completions import Failure, failure, read_completion, wait_of
from winnow.captioning.engine import FIRST, ROW, ask
from winnow.captioning.openai_backend import KEY, OpenAIBackend
from winnow.captioning.request_queue import Reply, Request
from winnow.captioning.responses import Responses
from winnow.captioning.settings import TextGeneration
from winnow.command.line import main
from winnow.command.options import options
from winnow.data.errors import WinnowError
from winnow.data.secrets import redacted, shown
from winnow.models.settings import Model, Server

ROAD = "A road crosses a green field."
SECRET = "sk-EXAMPLE-0123456789"
Given = tuple[int, Any, dict[str, str]]  # status, JSON, headers


@pytest.fixture(autouse=True)
def surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("NO_PROXY", "localhost,127.0.0.1")
    monkeypatch.delenv(KEY, raising=False)


class Scripted(ThreadingHTTPServer):
    """Answers by a function of the request's body and of how many came before."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.seen, self.keys = list[dict[str, Any]](), list[str | None]()
        self.script: Callable[[dict[str, Any], int], Given] = lambda body, n: says(ROAD)
        self.lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"


class Handler(BaseHTTPRequestHandler):
    server: Scripted

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_GET(self) -> None:
        self.give(200, {"data": []}, {})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with self.server.lock:
            before = len(self.server.seen)
            self.server.seen.append(body)
            self.server.keys.append(self.headers.get("Authorization"))
        self.give(*self.server.script(body, before))

    def give(self, status: int, content: Any, headers: dict[str, str]) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def server() -> Iterator[Scripted]:
    with Scripted() as scripted:
        threading.Thread(target=scripted.serve_forever, args=(0.02,), daemon=True).start()
        yield scripted
        scripted.shutdown()


class Clock:
    """Time that passes only where somebody sleeps."""

    def __init__(self) -> None:
        self.time, self.slept = 0.0, list[float]()

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += seconds
        await asyncio.sleep(0)

    def now(self) -> float:
        return self.time


def says(content: Any, reason: str = "stop", **beside: Any) -> Given:
    message = {"role": "assistant", "content": content, **beside}
    return 200, {"choices": [{"index": 0, "message": message, "finish_reason": reason}]}, {}


def fails(status: int, message: str = "no", headers: Any = None, **error: Any) -> Given:
    return status, {"error": {"message": message, **error}}, headers or {}


def backend_of(
    server: Scripted,
    clock: Clock | None = None,
    sending: dict[str, Any] | None = None,
    **changes: Any,
) -> OpenAIBackend:
    clock = clock or Clock()
    settings = TextGeneration.model_validate(
        {"concurrency": 2, "retries": 2, "timeout": 20, **changes}
    )
    at = Server(url=server.url, model="m", **(sending or {}))
    return OpenAIBackend(at, settings, clock.sleep, clock.now)


def questions(count: int) -> list[Request]:
    return [Request(f"k{i}", f"what is {i}?", None, 20) for i in range(count)]


# what stands beside an answer


@pytest.mark.parametrize(
    "given, text, fault",
    [
        (says(ROAD), ROAD, ""),
        (says(f"<think>hm</think>{ROAD}"), ROAD, ""),
        (says(ROAD, reasoning_content="I see", reasoning="I see"), ROAD, ""),
        (says([{"type": "text", "text": ROAD}]), ROAD, ""),
        (says([{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": ROAD}]), ROAD, ""),
        (says(["A road crosses ", {"text": "a green field."}, {"type": "image_url"}]), ROAD, ""),
        (says("<think>The user wants", "length"), "", "thought cut off"),
        (says(None, reasoning_content="I see a grey line."), "", "only reasoning"),
        (says("", reasoning="I see a grey line."), "", "only reasoning"),
        (says([{"type": "thinking", "thinking": "hm"}]), "", "only reasoning"),
        (says(None, "length", reasoning_content="I see a"), "", "thought cut off"),
        (says(None, refusal="I am not able to do that."), "", "refusal"),
        (says([{"type": "refusal", "refusal": "No."}]), "", "refusal"),
        (says(None, "content_filter"), "", "refusal"),
        (says("I'm sorry, but I can't."), "", "refusal"),
        (says("There is no image attached. Please provide the image."), "", "no image"),
        (says("a road and " * 300), "", "repeats itself without end"),
        (
            says("a road, " + " ".join(f"w{i}" for i in range(600))),
            "",
            "longer than 2000 characters",
        ),
        (says(f"Sure! Here is a one-sentence description:\n{ROAD}"), ROAD, ""),
        (says(None), "", "malformed reply (no text)"),
        (says([]), "", "malformed reply (no text)"),
        (says({"text": ROAD}), "", "malformed reply (no text)"),
        (fails(200, "overloaded, try later", code=502), "", "server answered 502"),
        ((200, {"choices": [{"error": {"message": "overloaded"}}]}, {}), "", "server answered 500"),
    ],
)
def test_what_stands_beside_an_answer(
    server: Scripted, tmp_path: Path, given: Given, text: str, fault: str
) -> None:
    server.script = lambda body, n: given
    (answer,) = run(backend_of(server), questions(1), tmp_path, attempts=2).values()
    assert answer.text == text and answer.fault.startswith(fault) and bool(fault) != bool(text)
    if "server" in fault:
        assert answer.fault.endswith("(3 attempts): overloaded, try later") or "500" in fault
    elif fault and "malformed" not in fault:  # kept as it came: it is not asked for again
        asked = len(server.seen)
        again = run(backend_of(server), questions(1), tmp_path, attempts=2)
        assert again["k0"].fault == answer.fault and len(server.seen) == asked == 2


def test_what_an_older_run_kept_is_read_anew(tmp_path: Path) -> None:
    kept = Stream(lambda request, n: Reply(f"<think>hm</think>{ROAD}</s>" if n else "<think>The"))
    found = run(kept, questions(3), tmp_path, attempts=2)
    assert {answer.text for answer in found.values()} == {ROAD}
    assert b"<think>" in (tmp_path / "responses.sqlite").read_bytes()
    assert run(kept, questions(3), tmp_path, attempts=2) == found and len(kept.asked) == 6


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(
            ["choices", "message", "content", "text", "type", "error", "code", "refusal", "detail",
             "reasoning", "finish_reason", "loc", "param", "msg", ""]
        ),
        inner, max_size=4,
    ),
    max_leaves=12,
)  # fmt: skip
parts = st.sampled_from([ROAD, "<think>", "</think>", "I'm sorry", "</s>", "", None]) | json_values
completions = st.builds(
    lambda content, beside, choice: {
        "choices": [{"message": {"content": content, **beside}, **choice}]
    },
    parts | st.lists(parts | st.fixed_dictionaries({"type": parts, "text": parts}), max_size=3),
    st.dictionaries(st.sampled_from(["refusal", "reasoning", "reasoning_content"]), parts),
    st.dictionaries(st.sampled_from(["finish_reason", "error"]), parts | st.just("length")),
)
bodies = st.binary(max_size=40) | (json_values | completions).map(lambda c: json.dumps(c).encode())


@given(bodies)
def test_any_body_is_a_reply_or_a_failure(body: bytes) -> None:
    found = read_completion(body)
    assert isinstance(found, Reply | Failure)
    for status in (400, 429, 500):
        error = failure(status, body)
        assert isinstance(error.words, str) and error.status == status
        assert isinstance(error.refused(["seed", "temperature"]), str)
        assert {error.spent, error.passing, error.of_model, error.of_content} <= {True, False}


@given(st.lists(bodies, min_size=1, max_size=6), st.integers(1, 3))
def test_each_request_ends_answered_or_quarantined(given: list[bytes], attempts: int) -> None:
    def script(request: Request, n: int) -> Reply:
        found = read_completion(given[(int(request.key[1:]) + n) % len(given)])
        return found if isinstance(found, Reply) else Reply(fault="server", final=True)

    with TemporaryDirectory() as folder:
        found = run(Stream(script), questions(len(given)), Path(folder), attempts=attempts)
    assert found.keys() == {f"k{i}" for i in range(len(given))}
    assert all(bool(answer.text) != bool(answer.fault) for answer in found.values())


# what ends a run


@pytest.mark.parametrize(
    "given, told",
    [
        (fails(429, "You have no quota left", code="insufficient_quota"),
         "gives nothing more (429): You have no quota left; see to the account"),
        (fails(402, "Insufficient credits"), "gives nothing more (402): Insufficient credits"),
        (fails(403, "Billing is off", code="billing_not_active"), "gives nothing more (403)"),
        (fails(200, "No quota", code="insufficient_quota"), "gives nothing more (402): No quota"),
        (fails(403, "Insufficient balance"),
         "gives nothing more (403): Insufficient balance; see to the account"),
        (fails(403, "Your balance is insufficient", code=30001), "nothing more (403)"),
        (fails(401, "Your credits are used up"), "gives nothing more (401)"),
        (fails(403, "Insufficient permissions"), "refuses the key (403)"),
        (fails(403, "Your country is not supported"), "refuses the key (403); set OPENAI_API_KEY"),
        (fails(404, "No endpoints found that support image input"),
         "404 for the model 'm': No endpoints found that support image input; see "),
        (fails(400, "The model `m` does not exist", code="model_not_found"),
         "400 for the model 'm': The model `m` does not exist"),
        (fails(400, "'max_tokens' is not supported; use 'max_completion_tokens'",
               param="max_tokens", code="unsupported_parameter"),
         "refuses the field 'max_tokens' (400): 'max_tokens' is not supported; use "
         "'max_completion_tokens'; rename it or leave it out by the model's `parameters`, such as "
         "{max_tokens: null}"),
        (fails(400, "'temperature' does not support 0, only 1"), "{temperature: null}"),
        ((422, {"detail": [{"loc": ["body", "seed"], "msg": "Extra inputs not permitted"}]}, {}),
         "'seed' (422): body.seed: Extra inputs not permitted; rename it"),
        (([{"error": {"code": 400, "message": "Unknown name \"seed\""}}]), "refuses the field"),
        (fails(400, "two\nlines \x1b[31m" + "x" * 999, param="seed"), "two lines xxx"),
    ],
)  # fmt: skip
def test_what_no_request_can_get_past(
    server: Scripted, tmp_path: Path, given: Any, told: str
) -> None:
    clock = Clock()
    server.script = lambda body, n: given if isinstance(given, tuple) else (400, given, {})
    with pytest.raises(WinnowError) as error:
        run(backend_of(server, clock), questions(40), tmp_path)
    line = str(error.value)
    assert line.startswith(f"{server.url}: ") and told in line
    assert line.isprintable() and len(line) < 500
    assert len(server.seen) <= 4 and not clock.slept


@pytest.mark.parametrize(
    "given",
    [
        fails(400, "invalid image: too large", param="messages"),
        fails(400, "This model's maximum context length is 40 tokens; max_tokens is invalid"),
        fails(403, "Your input was flagged by moderation"),
        fails(413, "Request is too large"),
        fails(500, "out of memory"),
    ],
)
def test_what_is_about_one_request_is_quarantined(
    server: Scripted, tmp_path: Path, given: Given
) -> None:
    server.script = lambda body, n: (
        given if "bad" in str(body["messages"][0]["content"]) else says(ROAD)
    )
    kinds = ["good", *["bad", "good"] * 10, *["bad"] * 20]
    asked = [Request(f"k{i}", f"{i} {kind}", None, 20) for i, kind in enumerate(kinds)]
    found = run(backend_of(server, concurrency=1), asked, tmp_path)
    assert len(found) == 41 and sum(bool(answer.fault) for answer in found.values()) == 30
    rest = [request for request in asked if found[request.key].fault]
    whole = [*asked[:1], *rest]  # what is known speaks for the server
    again = run(backend_of(server, concurrency=1), whole, tmp_path)
    assert sum(bool(answer.fault) for answer in again.values()) == 30


def test_the_first_requests_that_fail_alike_end_the_run(server: Scripted, tmp_path: Path) -> None:
    server.script = lambda body, n: fails(400, f"image {n} cannot be taken")
    with pytest.raises(WinnowError, match=f"the first {FIRST} requests failed: .*cannot be taken"):
        run(backend_of(server), questions(100), tmp_path)
    assert len(server.seen) <= FIRST + 2


def test_a_row_of_failures_ends_the_run(server: Scripted, tmp_path: Path) -> None:
    server.script = lambda body, n: says(ROAD) if n == 0 else fails(400, "image is bad")
    found = []
    with (
        pytest.raises(WinnowError, match=f"{ROW} requests in a row failed, .*image is bad"),
        closing(ask(backend_of(server), questions(500), Responses(tmp_path))) as answers,
    ):
        found += answers
    assert len(server.seen) <= ROW + 4


# waiting


@pytest.mark.parametrize("form", ["seconds", "date", "ms"])
def test_it_waits_as_the_server_says(server: Scripted, tmp_path: Path, form: str) -> None:
    clock = Clock()
    said = {
        "seconds": {"Retry-After": "200"},
        "date": {"Retry-After": formatdate(time.time() + 200, usegmt=True)},
        "ms": {"Retry-After-Ms": "200000"},
    }[form]
    server.script = lambda body, n: fails(429, "limit", said) if n < 2 else says(ROAD)
    found = run(backend_of(server, clock, concurrency=1), questions(5), tmp_path)
    assert {answer.text for answer in found.values()} == {ROAD}
    assert len(clock.slept) == 2 and all(195 < seconds <= 200 for seconds in clock.slept)
    assert len(server.seen) == 7


def test_all_wait_where_one_is_told_to(server: Scripted, tmp_path: Path) -> None:
    clock = Clock()
    server.script = lambda body, n: (
        fails(503, "busy", {"Retry-After": "60"}) if n < 1 else says(ROAD)
    )
    run(backend_of(server, clock, concurrency=1), questions(4), tmp_path)
    assert clock.time == 60 and len(server.seen) == 5


def test_longer_than_the_limit_ends_the_run(server: Scripted, tmp_path: Path) -> None:
    clock = Clock()
    server.script = lambda body, n: (
        says(ROAD) if n < 2 else fails(429, "limit of the day", {"Retry-After": "4000"})
    )
    with pytest.raises(WinnowError, match="limit of the day; it says to wait 4000 s, more than"):
        run(backend_of(server, clock, max_wait=90), questions(40), tmp_path)
    assert not clock.slept and len(server.seen) <= 6
    server.script = lambda body, n: says(ROAD)
    server.seen.clear()
    assert len(run(backend_of(server), questions(40), tmp_path)) == 40 and len(server.seen) <= 40


def test_retries_of_a_request_are_its_own(server: Scripted, tmp_path: Path) -> None:
    server.script = lambda body, n: (
        fails(429, "busy") if "bad" in str(body["messages"]) else says(ROAD)
    )
    kinds = ["bad", *["good"] * 9] * 3
    asked = [Request(f"k{i}", f"{i} {kind}", None, 20) for i, kind in enumerate(kinds)]
    found = run(backend_of(server, retries=3), asked, tmp_path)
    assert sum(bool(answer.fault) for answer in found.values()) == 3
    sent = Counter(str(body["messages"]) for body in server.seen)
    assert sorted(sent.values())[-4:] == [1, 4, 4, 4]


@pytest.mark.parametrize(
    "said", ["", "soon", "-5", "nan", "inf", "1e999", "Wed, 99 Foo", "0", "9" * 999]
)
def test_no_wait_is_read_from_nonsense(said: str) -> None:
    assert wait_of({"retry-after": said}) is None
    assert wait_of({"retry-after-ms": said}) is None


@given(st.text())
def test_any_header_is_a_wait_or_none(said: str) -> None:
    wait = wait_of({"retry-after": said})
    assert wait is None or 0 < wait < float("inf")


# what is sent


def test_names_and_further_fields(server: Scripted, tmp_path: Path) -> None:
    sending = {
        "extra_body": {"chat_template_kwargs": {"enable_thinking": False}, "n": None},
        "parameters": {"temperature": None, "seed": None, "max_tokens": "max_completion_tokens"},
    }
    run(backend_of(server, sending=sending, temperature=0.5), questions(1), tmp_path)
    (body,) = server.seen
    assert body.pop("messages") and body == {
        "model": "m", "max_completion_tokens": 20, **sending["extra_body"],
    }  # fmt: skip
    run(backend_of(server, sending=sending), questions(1), tmp_path)
    assert len(server.seen) == 1  # known
    run(backend_of(server), questions(1), tmp_path)
    run(backend_of(server, sending={"extra_body": {"n": 1}}), questions(1), tmp_path)
    run(backend_of(server, sending={"parameters": {"seed": None}}), questions(1), tmp_path)
    assert len(server.seen) == 4
    assert backend_of(server).identity == backend_of(server, sending={"extra_body": {}}).identity


def test_a_model_says_how_its_server_is_asked() -> None:
    given = {
        "loader": "openai", "id": "m", "url": "http://host:8000/v1",
        "extra_body": {"a": None}, "parameters": {"seed": None},
    }  # fmt: skip
    asked = Model.model_validate(given).server
    assert asked is not None and asked.names().keys() == {"max_tokens", "temperature", "top_p"}
    told = options({"server": asked.model_dump(exclude_defaults=True)})
    assert '"extra_body": {"a": null}' in told and '"parameters": {"seed": null}' in told
    assert Model().server is None


@pytest.mark.parametrize(
    "changes, told",
    [
        ({"extra_body": {"temperature": 1}}, "sent anyway"),
        ({"extra_body": {"stream": True}}, "sent anyway"),
        ({"extra_body": {"messages": []}}, "sent anyway"),
        ({"extra_body": {"provider": [{"api_key": SECRET}]}}, "'api_key'.*OPENAI_API_KEY"),
        ({"extra_body": {"top": float("inf")}}, "number"),
        ({"extra_body": ["a"]}, "dictionary"),
        ({"parameters": {"max_tokens": "seed"}}, "two things"),
        ({"parameters": {"max_tokens": "model"}}, "two things"),
        ({"parameters": {"max_tokens": "a b"}}, "no name of a field"),
        ({"parameters": {"width": "w"}}, "width"),
        ({"loader": "transformers", "url": None, "extra_body": {"a": 1}}, "the loader openai"),
        ({"url": f"http://me:{SECRET}@host/v1"}, "no name, password or query"),
        ({"url": f"http://host/v1?key={SECRET}"}, "no name, password or query"),
        ({"url": f"http://me:a/{SECRET}@host/v1"}, "no address"),
        ({"url": "http://[::1/v1"}, "no address"),
        ({"url": "http://host:99999/v1"}, "no address"),
        ({"url": "http://:80/v1"}, "no address"),
    ],
)
def test_what_a_model_may_not_ask(changes: dict[str, Any], told: str) -> None:
    given = {"loader": "openai", "id": "m", "url": "http://host/v1"}
    with pytest.raises(ValidationError, match=told):
        Model.model_validate(given | changes)


# the key


def test_a_key_is_stripped_and_never_said(
    server: Scripted,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv(KEY, f" {SECRET}\r\n")
    echo = [
        fails(401, f"Incorrect key {SECRET}"),
        fails(400, f"the header Bearer {SECRET} is odd"),
        (200, {"error": f"{SECRET} is overloaded"}, {}),
    ]
    with caplog.at_level(logging.DEBUG):
        for number, given in enumerate(echo):
            server.script = lambda body, n, given=given: given  # type: ignore[misc]
            try:
                found = run(backend_of(server), questions(1), tmp_path / str(number))
                told = found["k0"].fault
            except WinnowError as error:
                told = str(error)
            assert SECRET not in told and "***" in told
    assert set(server.keys) == {f"Bearer {SECRET}"} and SECRET not in caplog.text
    assert not any(SECRET.encode() in path.read_bytes() for path in tmp_path.rglob("*.sqlite"))


@pytest.mark.parametrize(
    "key", [f"{SECRET}\u2013x", f"{SECRET}\nx", f"{SECRET} x", "\ufeff" + SECRET]
)
def test_a_key_that_can_be_none_is_one_line(
    server: Scripted, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(KEY, key)
    with pytest.raises(WinnowError, match=f"{KEY}: the key in this environment variable") as error:
        backend_of(server)
    assert SECRET not in str(error.value) and not server.seen


@pytest.mark.parametrize(
    "given",
    [
        {"url": f"http://me:{SECRET}@host/v1", "model": "m"},
        {"url": f"http://me:{SECRET}/x@host/v1", "model": "m"},
        {"url": f"http://host/v1?api-key={SECRET}", "model": "m"},
        {"url": f"http://me:{SECRET}@host/v1", "model": ""},
        {"url": "http://host/v1", "model": "m", "api_key": SECRET},
        {"url": "http://host/v1", "model": "m", "extra_body": {"api_key": SECRET}},
    ],
)
def test_a_refused_setting_does_not_say_a_secret(
    given: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["rate", "--pool=p", "--rubric=r", "--output=o", "--quarantine=q", "--judge=openai"]
    assert main([*words, f"--server={json.dumps(given)}"]) == 2
    told = capsys.readouterr()
    assert SECRET not in told.err + told.out and "--server" in told.err


def test_redaction() -> None:
    assert redacted("see http://me:pw@host/v1 and x") == "see http://***@host/v1 and x"
    assert redacted("a http://h/v1?a=1&key=abc&b=2") == "a http://h/v1?a=1&key=***&b=2"
    assert redacted("Illegal header value b'Bearer abc\\n'") == "Illegal header value ***"
    assert redacted("max_tokens: 5, seed: 3") == "max_tokens: 5, seed: 3"
    assert shown("abc", "models.judge.api_key") == "***" and shown("abc", "url") == "'abc'"
