"""Servers that mean harm: what they send is bounded in time, bytes and characters, goes nowhere
else, and never brings the key into a caption, a quarantine, a cache, a log or a message."""

import base64
import gzip
import html
import json
import logging
import socket
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import closing
from email.utils import formatdate
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from asking import run
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from winnow.captioning import completions, http_client
from winnow.captioning.answers import check_answer, tidy
from winnow.captioning.completions import wait_of
from winnow.captioning.openai_backend import ECHO, KEY, OpenAIBackend
from winnow.captioning.request_queue import Answer, Request
from winnow.captioning.settings import TextGeneration
from winnow.command.line import main
from winnow.data.errors import WinnowError
from winnow.data.secrets import gives_away, redacted, without_login
from winnow.models.settings import Model, Server
from winnow.sources.formats.folder import FolderSource

ROAD = "A road crosses a green field."
SECRET = "sk-proj-AbC/dE+f0123456789_xyz-wxyz"
Script = Callable[[socket.socket], None]


@pytest.fixture(autouse=True)
def surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("NO_PROXY", "localhost,127.0.0.1")
    monkeypatch.setenv(KEY, SECRET)
    monkeypatch.setattr("winnow.captioning.openai_backend.PAUSE", 0.01)


class Raw:
    """A server that reads a request, and then does with the socket what its script says."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.requests = list[bytes]()
        self.probe: Script = lambda peer: peer.sendall(http(b"{}"))
        self.script: Script = lambda peer: peer.sendall(says(ROAD))
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.listener.getsockname()[1]}/v1"

    def _accept(self) -> None:
        while True:
            try:
                peer, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(peer,), daemon=True).start()

    def _serve(self, peer: socket.socket) -> None:
        try:
            with closing(peer):
                request = read_request(peer)
                self.requests.append(request)
                (self.probe if request.startswith(b"GET") else self.script)(peer)
        except OSError:
            pass  # it hung up, as it should

    @property
    def asked(self) -> list[bytes]:
        return [request for request in self.requests if request.startswith(b"POST")]


def read_request(peer: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data and (part := peer.recv(65536)):
        data += part
    head, _, body = data.partition(b"\r\n\r\n")
    length = next((line for line in head.lower().split(b"\r\n") if b"content-length" in line), b"")
    while length and len(body) < int(length.split(b":")[1]) and (part := peer.recv(65536)):
        body += part
    return head + b"\r\n\r\n" + body


def http(body: bytes, status: str = "200 OK", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", "Connection: close", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def says(text: Any, *headers: str, **beside: Any) -> bytes:
    message = {"role": "assistant", "content": text, **beside}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    return http(json.dumps({"choices": [choice]}).encode(), "200 OK", *headers)


def fails(status: str, message: str, *headers: str) -> bytes:
    return http(json.dumps({"error": {"message": message}}).encode(), status, *headers)


def sends(content: bytes) -> Script:
    return lambda peer: peer.sendall(content)


@pytest.fixture
def server() -> Iterator[Raw]:
    raw = Raw()
    yield raw
    raw.listener.close()


def asked(server: Raw, folder: Path, count: int = 1, **changes: Any) -> dict[str, Answer]:
    settings = {"concurrency": 4, "retries": 0, "timeout": 10, "attempts": 1, **changes}
    backend = OpenAIBackend(
        Server(url=server.url, model="m"), TextGeneration.model_validate(settings)
    )
    questions = [Request(f"k{i}", f"what is {i}?", None, 20) for i in range(count)]
    return run(backend, questions, folder, attempts=settings["attempts"])


def outcome(server: Raw, folder: Path, **changes: Any) -> str:
    """The text, the fault or the error of one request: one line in any case."""
    try:
        (answer,) = asked(server, folder, **changes).values()
    except WinnowError as error:
        told = str(error)
    else:
        told = answer.text or answer.fault
    assert told and told.isprintable() and len(told) < 2500
    return told


# time


def drip(before: bytes, after: bytes) -> Script:
    """One byte after the other, for ever; no wait is long."""

    def script(peer: socket.socket) -> None:
        peer.sendall(before)
        while True:
            peer.sendall(after)
            time.sleep(0.05)

    return script


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    "script",
    [
        drip(b"", b"H"),
        drip(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n"),
        drip(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        drip(HEAD + b"Content-Length: 100000\r\n\r\n", b" "),
        drip(CHUNKED, b"1\r\n \r\n"),
        drip(CHUNKED + b"1;", b"x"),
        drip(CHUNKED + b"0\r\n", b"A: b\r\n"),
        drip(HEAD.replace(b"200", b"500") + b"Content-Length: 100000\r\n\r\n", b" "),
    ],
)
def test_the_timeout_is_for_all_of_a_request(script: Script, server: Raw, tmp_path: Path) -> None:
    server.script = server.probe = script
    start = time.monotonic()
    told = outcome(server, tmp_path, timeout=0.3, retries=1)
    assert told.startswith(("no answer within 0.3 s (2 attempts)", "connection failed"))
    assert time.monotonic() - start < 2.5 and len(server.asked) == 2


@pytest.mark.parametrize(
    "said, expected",
    [
        *[(said, None) for said in ("-5", "-1e300", "nan", "-nan", "inf", "1e999", "0x10", "\ud800",
                                    "1, 2", "Wed, 21 Oct 2015 07:28:00 GMT", "Mon, 00 Jan 0000",
                                    "Fri, 31 Dec 99999 23:59:59 GMT", "x" * 100_000, "1" * 5000)],
        ("1e300", 1e300),
    ],
)  # fmt: skip
def test_waits_that_are_none(said: str, expected: float | None) -> None:
    found = wait_of({"retry-after": said})
    assert found is None if expected is None else found == pytest.approx(expected, rel=1e-4)


def test_a_wait_until_a_date() -> None:
    said = formatdate(time.time() + 10**6, usegmt=True)
    assert wait_of({"retry-after": said}) == pytest.approx(10**6, rel=1e-4)


def test_a_wait_for_ever_is_told_and_not_kept(server: Raw, tmp_path: Path) -> None:
    server.script = sends(fails("429 Later", "busy", "Retry-After: 1e300"))
    told = outcome(server, tmp_path, retries=3)
    assert "it says to wait 1e+300 s, more than the 300 s of --max-wait" in told


# bytes


def flood(head: bytes, size: int, part: bytes = b"x" * 2**16) -> Script:
    def script(peer: socket.socket) -> None:
        peer.sendall(head)
        for _ in range(size // len(part)):
            peer.sendall(part)

    return script


ENDLESS = b"HTTP/1.1 %s\r\nContent-Length: 1000000000\r\n\r\n"


def outcome_and_peak(server: Raw, folder: Path) -> tuple[str, int]:
    """What comes of a request, and the most bytes that Python held meanwhile."""
    tracemalloc.start()
    try:
        return outcome(server, folder), tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("status", [b"200 OK", b"400 No", b"401 No", b"429 Later", b"503 Down"])
def test_large_replies_are_cut_off(
    status: bytes, server: Raw, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_client, "LARGEST", 2**20)
    server.script = flood(ENDLESS % status, 10**9)
    told, peak = outcome_and_peak(server, tmp_path)
    assert "the reply has more than 1048576 bytes" in told and peak < 2**24
    assert status[:3].decode() in told


def test_a_large_list_of_models_is_not_read(
    server: Raw, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_client, "LARGEST", 2**20)
    server.probe = flood(ENDLESS % b"200 OK", 10**9)
    assert outcome(server, tmp_path) == ROAD


def test_headers_without_end(server: Raw, tmp_path: Path) -> None:
    server.script = flood(b"HTTP/1.1 200 OK\r\nX: ", 10**8)
    assert outcome(server, tmp_path).startswith("connection failed")
    server.script = flood(b"HTTP/1.1 200 OK\r\n", 10**8, b"X: yyyyyyyyyyyyyyyyyyyyyyyyy\r\n" * 500)
    assert outcome(server, tmp_path).startswith("connection failed")


@pytest.mark.parametrize("named", ["gzip", "GZIP ", "deflate", "br", "zstd", "identity, gzip", "?"])
def test_what_is_compressed_is_not_unpacked(named: str, server: Raw, tmp_path: Path) -> None:
    bomb = gzip.compress(b" " * 10**7)
    server.script = sends(http(bomb, "200 OK", f"Content-Encoding: {named}"))
    told, peak = outcome_and_peak(server, tmp_path)
    assert "the reply is compressed, which was not asked for" in told and peak < 5 * 10**6
    assert all(b"\r\naccept-encoding: identity\r\n" in r.lower() for r in server.requests)


def test_a_named_identity_is_read(server: Raw, tmp_path: Path) -> None:
    server.script = sends(says(ROAD, "Content-Encoding: Identity"))
    assert outcome(server, tmp_path) == ROAD


@pytest.mark.parametrize(
    "message",
    [
        {"text": "A road. " + "x" * 1_100_000},
        {"text": "<think>" + "hm " * 400_000 + f"</think>{ROAD}"},
        {"text": "\u200b" * 1_100_000 + ROAD},
        {"text": ROAD, "reasoning_content": "x" * 1_100_000},
        {"text": None, "refusal": "x" * 1_100_000},
        {"text": ["x" * 600_000, "y" * 600_000]},
    ],
)
def test_an_endless_answer_is_none(
    message: dict[str, Any], server: Raw, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_client, "LARGEST", 2**24)
    server.script = sends(says(**message))
    told = outcome(server, tmp_path)
    assert told.startswith(f"longer than {completions.LONGEST} characters")
    assert (tmp_path / "responses.sqlite").stat().st_size < 10**5


MARKS = [
    "</s>", "<|x|>", "assistant:", "assistant\n", "<answer>", "<think>a</think>", "[INST]", "\n",
    "\t", " \n", "sure, ", "Here is a caption:\n", "caption: ", "USER: ", "_", "<|im_end|> \n",
    "<|im_end|>user ", "<|", "x assistant final ", '{"text": "', "```\n", "\x1b[", "- a\n",
]  # fmt: skip


@pytest.mark.parametrize("mark", [*MARKS, "nested"])
def test_an_answer_is_read_in_little_time(mark: str) -> None:
    size = completions.LONGEST
    text = "<|" * (size // 4) + "x" + "|>" * (size // 4) if mark == "nested" else ""
    start = time.process_time()
    for reply in (
        [text] if text else [mark * (size // len(mark)), "x " + mark * (size // len(mark))]
    ):
        caption, fault = check_answer(reply, False)
        assert bool(caption) != bool(fault)
        assert tidy(tidy(reply)) == tidy(reply)
    assert time.process_time() - start < 6  # minutes and hours before


# what a body holds


def choices(inside: str) -> bytes:
    return http(f'{{"choices": [{{"message": {{"content": {inside}}}}}]}}'.encode("latin-1"))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    "reply",
    [
        http(b"[" * 100_000),
        http(b'{"choices":' * 100_000),
        http(b'{"error": ' * 50_000 + b"1" + b"}" * 50_000, "400 No"),
        http(b'{"error": {"code": ' + b"9" * 10_000 + b"}}", "400 No"),
        choices("9" * 10_000),
        choices("1e999"),
        choices("NaN"),
        choices("-Infinity"),
        choices("true"),
        choices('{"text": []}'),
        choices('[{"type": {}, "text": 3}, [], null, 1e5]'),
        choices('"\\u0000\\ud800\\udfff\\u200b"'),
        choices('"\xff\xfe"'),
        http(b"\xff\xfe" + '{"choices": []}'.encode("utf-16-le")),
        http(b"\x00" * 1000),
        http(b'{"choices": [' + b"{}," * 999_999 + b"{}]}"),
        http(b'{"choices": [], "choices": {}, "choices": [{"message": 1}]}'),
        http(b'{"choices": [{"message": {"content": "x"}, "error": {"code": NaN}}]}'),
        http(b'{"choices": [{"finish_reason": {}, "message": {"reasoning": [1], "refusal": 2}}]}'),
        http(b'{"error": [[[[[["x"]]]]]]}', "500 No"),
        http(b'{"detail": [{"loc": [NaN, {}, "\\ud800"], "msg": "\\ud800\\u0000\\n"}]}', "422 No"),
        http(b'{"error": {"message": "' + b"no " * 500_000 + b'"}}', "403 No"),
        http(b'{"error": {"message": "' + b"<|" * 9000 + b"|>" * 9000 + b'"}}', "404 No"),
        http(b"", "204 Empty"),
        http(b"{}", "999 Odd"),
        http(b"{}", "299 Odd", "Content-Type: \xff\xfe"),
        b"HTTP/9.9 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n{}",
        CHUNKED + b"zz\r\n",
        CHUNKED + b"f" * 30 + b"\r\n",
        b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n",
        b"SSH-2.0-x\r\n",
        b"\x16\x03\x01\x02\x00\x01",
        b"",
        http(b"{}", "200 OK", "Set-Cookie: \xff=; expires=99999; max-age=" + "9" * 400),
    ],
)
def test_a_hostile_reply_is_one_line(reply: bytes, server: Raw, tmp_path: Path) -> None:
    server.script = server.probe = sends(reply)
    start = time.monotonic()
    told = outcome(server, tmp_path)
    assert told != ROAD and time.monotonic() - start < 3


@pytest.mark.parametrize("status", ["500 Down", "401 No", "200 OK"])
@pytest.mark.parametrize("named", ["rot13", "hex", "idna", "undefined", "utf-16", "none"])
def test_no_encoding_that_a_server_names_is_used(
    named: str, status: str, server: Raw, tmp_path: Path
) -> None:
    """Some of Python's give no text, or an error of their own."""
    server.script = sends(http(b"out of order", status, f"Content-Type: text/x; charset={named}"))
    told = outcome(server, tmp_path)
    assert ("out of order" in told) == (status != "200 OK") and "codec" not in told


# elsewhere


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 Other", "307 T", "308 P"])
@pytest.mark.parametrize("to", ["other", "same", "https://localhost:1/v1", "//localhost:1/", None])
def test_no_redirect_is_followed(status: str, to: str | None, server: Raw, tmp_path: Path) -> None:
    other = Raw()
    place = {"other": f"{other.url}/chat/completions", "same": "/v2"}.get(to or "", to)
    server.script = sends(http(b"", status, *([f"Location: {place}"] if place else [])))
    told = outcome(server, tmp_path, retries=3)
    assert told.startswith(f"{server.url}: the server redirects ({status[:3]}), which is not ")
    assert (place or "") in told and "give the address that answers by itself" in told
    assert len(server.asked) == 1 and not other.requests
    other.listener.close()


def test_where_a_redirect_leads_is_told_without_secrets(server: Raw, tmp_path: Path) -> None:
    for place in (
        "http://me:hunter2@localhost:1/v1", "http://me:hun/ter2@localhost", f"/{quote(SECRET)}",
        f"http://localhost:1/?api_key={SECRET}", "http://[::1/", "\x7f\xff", "x" * 50_000,
    ):  # fmt: skip
        server.script = sends(http(b"", "308 Permanent", f"Location: {place}"))
        told = outcome(server, tmp_path)
        assert "redirects (308)" in told and len(told) < 500
        assert not any(part in told for part in ("hunter2", "hun/ter2", SECRET, quote(SECRET)))


def test_the_list_of_models_may_be_elsewhere_and_is_not_looked_for(
    server: Raw, tmp_path: Path
) -> None:
    other = Raw()
    server.probe = sends(http(b"", "307 Elsewhere", f"Location: {other.url}/models"))
    assert outcome(server, tmp_path) == ROAD and not other.requests
    other.listener.close()


# the key

WIDE = "".join(f"\\u{ord(c):04x}" for c in SECRET)
FORMS = {
    "itself": SECRET,
    "capitals": SECRET.upper(),
    "percent": quote(SECRET, safe=""),
    "percent twice": quote(quote(SECRET, safe=""), safe=""),
    "every character": "".join(f"%{ord(c):02x}" for c in SECRET),
    "json": json.dumps(SECRET).replace("/", "\\/"),
    "escapes": WIDE,
    "html": "".join(f"&#{ord(c)};" for c in SECRET),
    "html names": html.escape(SECRET).replace("/", "&sol;"),
    "base64": base64.b64encode(SECRET.encode()).decode(),
    "base64 of more": base64.b64encode(b"Bearer " + SECRET.encode() + b" end").decode(),
    "base64 of a user": base64.urlsafe_b64encode(b"me:" + SECRET.encode()).decode(),
    "hexadecimal": SECRET.encode().hex(),
    "spread": " ".join(SECRET),
    "invisible": "\u200b".join(SECRET),
    "coloured": "\x1b[1m".join([SECRET[:9], SECRET[9:]]),
    "marked": "<|x|>".join([SECRET[:9], SECRET[9:]]),
    "ends": f"{SECRET[:6]}...{SECRET[-4:]}",
    "stars": f"{SECRET[:8]}********{SECRET[-4:]}",
    "one dot": f"{SECRET[:6]}\u2026{SECRET[-4:]}",
    "cut": SECRET[:20],
    "middle": SECRET[8:26],
}


def leaks(text: str, form: str) -> bool:
    """Whether as much as eight characters of the key, or of its form, are there."""
    return any(
        whole[at : at + 8] in view
        for whole in (SECRET, form)
        for view in (text, text.replace(" ", ""), text.encode().decode("unicode_escape", "ignore"))
        for at in range(len(whole) - 7)
    )


@pytest.mark.parametrize("form", FORMS)
def test_an_echoed_key_is_taken_out(
    form: str, server: Raw, tmp_path: Path, caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    echo = FORMS[form]
    told = f"Incorrect key: {echo}. See the docs"
    header = f"X-Request-Id: {SECRET}"
    replies = [
        says(f"A road beside {echo} and a field.", header),
        says(ROAD, header, reasoning_content=f"the key is {echo}"),
        says(None, header, refusal=f"I refuse {echo}"),
        fails("401 No", told, header),
        fails("400 No", told, header),
        fails(f"503 {SECRET}", told, header),
        fails("404 No", told, header),
        http(json.dumps({"error": told}).encode(), "200 OK", header),
        b"HTTP/1.1 200 OK\r\nBroken " + SECRET.encode() + b"\r\n\r\n",
    ]
    for number, reply in enumerate(replies):
        server.script = sends(reply)
        with caplog.at_level(logging.DEBUG):
            found = outcome(server, tmp_path / str(number))
        assert not leaks(found, echo), found
        assert found != ROAD and (number > 2 or found.startswith(ECHO))
    said = capfd.readouterr()
    assert SECRET not in caplog.text + said.out + said.err
    for path in tmp_path.rglob("*.sqlite*"):
        assert not leaks(path.read_bytes().decode("latin-1"), echo)
    assert all(f"Bearer {SECRET}".encode() in request for request in server.requests)


def test_words_beside_a_key_stay() -> None:
    told = redacted(f"Incorrect key {SECRET[:7]}***{SECRET[-4:]}, see the docs", SECRET)
    assert told == "Incorrect key *** see the docs"
    whole = redacted(f"Incorrect key {SECRET}, see {quote(SECRET, safe='')} there", SECRET)
    assert whole == "Incorrect key ***, see *** there"


@pytest.mark.parametrize("key", ["none", "EMPTY", "road", "token", "a", "", "satellite-road-token"])
def test_a_key_of_words_takes_no_caption(
    key: str, server: Raw, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(KEY, key)
    text = "Satellite view... none of the EMPTY road, a token bridge....token there."
    server.script = sends(says(text))
    assert outcome(server, tmp_path) == text


@given(st.text(), st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=8))
def test_a_key_is_found_in_any_text(text: str, key: str) -> None:
    for form in (key, quote(key, safe=""), base64.b64encode(key.encode()).decode()):
        assert gives_away(f"{text} {form} {text}", key)
    assert not gives_away("a road crosses a field", key) or key in "aroadcrossesafield"
    assert key not in redacted(f"{text} {key} {text}", key)


# addresses


LOGINS = [
    "https://me:hunter2@host/v1", "http://me@host", "hub://:hunter2@host/x", "https:/a:b@c/d",
    "http://me:hunter2/w@host/x",
]  # fmt: skip


@pytest.mark.parametrize("place", LOGINS)
def test_a_login_is_found_inside_a_setting(place: str) -> None:
    for value in (place, {"a": place}, {"a": [{"b": ("c", place)}]}, [{}, [{"a": place}]]):
        with pytest.raises(ValueError, match="no name or password"):
            without_login(value)


@pytest.mark.parametrize(
    "place", ["http://h:8000/a@b", "http://h/a:b@c", "hf://org/name@main/a.csv", "me@host", "a:b@c"]
)
def test_what_is_no_login_is_taken(place: str) -> None:
    for value in (place, {"a": [place, 1, None]}):
        assert without_login(value) == value


@pytest.mark.parametrize("place", LOGINS)
def test_no_address_holds_a_password(
    place: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    openai = {"loader": "openai", "id": "m", "url": "http://host/v1"}
    for given_ in (
        {**openai, "id": place},
        {**openai, "extra_body": {"a": [{"callback": place}]}},
        {"loader": "transformers", "id": place},
        {"loader": "transformers", "id": "a/b", "revision": place},
        {"loader": "open_clip", "id": "a", "pretrained": place},
    ):
        with pytest.raises(ValidationError, match="no name or password"):
            Model.model_validate(given_)
    with pytest.raises(ValidationError, match="no name or password"):
        FolderSource.model_validate({"kind": "folder", "images": place, "metadata": "x"})
    output = f"--output={tmp_path / 'out'}"
    assert main(["fetch-model", "--loader=transformers", f"--id={place}", output]) == 2
    monkeypatch.setenv("HF_ENDPOINT", place)
    assert main(["fetch-model", "--loader=transformers", "--id=org/name", output]) == 2
    told = capsys.readouterr()
    first, second = told.err.strip().splitlines()
    assert "--id" in first and "HF_ENDPOINT" in second
    assert "hunter2" not in told.err + told.out and not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "proxy",
    ["foo://me:hunter2@host:1", "http://me:hunter2@[::1", "socks5://me:hunter2@localhost:1"],
)
def test_a_proxy_that_is_none_is_one_line(
    proxy: str, server: Raw, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALL_PROXY", proxy)
    told = outcome(server, tmp_path)
    assert "see to the proxy in the environment variables" in told and "hunter2" not in told


def test_a_proxy_is_used_and_kept_to_the_same_limits(
    server: Raw, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "")
    monkeypatch.setenv("HTTP_PROXY", server.url.removesuffix("/v1"))
    monkeypatch.setattr(http_client, "LARGEST", 2**16)
    server.script = flood(ENDLESS % b"200 OK", 10**8)
    assert "more than 65536 bytes" in outcome(server, tmp_path)
    assert server.asked[0].startswith(b"POST http://127.0.0.1:")
