"""The `openai` engine: against a real `transformers serve`, and against servers that misbehave."""

import json
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from asking import requests, run
from conftest import World
from fakes import encode, picture, pixels

from winnow.captioning.engine import ask
from winnow.captioning.openai_backend import KEY, OpenAIBackend
from winnow.captioning.request_queue import Request
from winnow.captioning.responses import Responses
from winnow.captioning.settings import TextGeneration
from winnow.command.line import main
from winnow.data.errors import WinnowError
from winnow.data.tables import CAPTIONS, QUARANTINE, read_table
from winnow.models.settings import Server

ROOT = Path(__file__).parents[1]
LOOP = "a small plane and " * 5


@pytest.fixture(autouse=True)
def surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cache of its own, no proxy, no key, and short pauses between tries."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("NO_PROXY", "localhost,127.0.0.1")
    monkeypatch.delenv(KEY, raising=False)
    monkeypatch.setattr("winnow.captioning.openai_backend.PAUSE", 0.01)


# a real server


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def served(mllm: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """`transformers serve` with the tiny model; it knows a local model by its path."""
    port, log = free_port(), tmp_path_factory.mktemp("serve") / "log"
    words = [str(Path(sys.executable).with_name("transformers")), "serve", str(mllm)]
    words += ["--port", str(port), "--host", "127.0.0.1", "--device", "cpu", "--dtype", "float32"]
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    with log.open("w") as output:
        server = subprocess.Popen(words, stdout=output, stderr=output, env=environment)
    try:
        deadline = time.monotonic() + 240
        while time.monotonic() < deadline and server.poll() is None:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        else:
            pytest.fail(f"transformers serve did not start:\n{log.read_text()}")
        yield Server(url=f"http://127.0.0.1:{port}/v1", model=str(mllm))
    finally:
        server.send_signal(signal.SIGINT)
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def test_a_real_server_answers_as_the_model_in_process(
    served: Server, mllm: Path, tmp_path: Path
) -> None:
    from winnow.captioning.transformers_backend import TransformersBackend

    kinds = ("PNG", "JPEG", "WEBP", "TIFF")  # the last is sent as PNG
    asked = [
        Request(f"k{i}", "what is it? " * (1 + i % 3), encode(pixels(i, 64), kinds[i % 4]), 10)
        for i in range(6)
    ]
    asked += [Request("text", "a {town} by a\nriver", None, 10)]
    expected = run(TransformersBackend(mllm), asked, tmp_path / "process", attempts=1)
    backend = OpenAIBackend(served, TextGeneration(concurrency=3))
    assert run(backend, asked, tmp_path / "server", attempts=1) == expected
    assert len({answer.text for answer in expected.values()}) > 3


@pytest.mark.usefixtures("same_environment")
def test_describing_by_a_real_server(served: Server, world: World, tmp_path: Path) -> None:
    words = ["describe", f"--pool={world.pool}", "--perspective=scene", "--threads=1"]
    words += [f"--perspectives={ROOT / 'workflow' / 'perspectives.yaml'}", "--attempts=1"]
    words += [f"--output={tmp_path / 'out.parquet'}", "--quarantine-limit=1"]
    words += [f"--quarantine={tmp_path / 'bad.parquet'}", f"--server={served.model_dump_json()}"]
    assert main(words) == 0
    captions = read_table(tmp_path / "out.parquet", CAPTIONS)
    quarantine = read_table(tmp_path / "bad.parquet", QUARANTINE)
    assert len(captions) + len(quarantine) == 48 and len(captions) > 24


# a server that does what the prompt says


class Hostile(ThreadingHTTPServer):
    """Answers by the words of the prompt, one for each time it is asked, the last one for ever."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.seen = list[dict[str, Any]]()
        self.keys = list[str | None]()
        self.lock = threading.Lock()
        self.flying = self.most = 0
        self.over = threading.Event()
        self.probe = 200

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"

    @property
    def asked(self) -> Counter[str]:
        return Counter(prompt_of(body) for body in self.seen)


def prompt_of(body: dict[str, Any]) -> str:
    content = body["messages"][0]["content"]
    return str(content if isinstance(content, str) else content[-1]["text"])


class Handler(BaseHTTPRequestHandler):
    server: Hostile

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_GET(self) -> None:
        self.give(self.server.probe, b"{}")

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        prompt = prompt_of(body)
        with self.server.lock:
            words = prompt.partition(":")[2].split()
            word = words[min(self.server.asked[prompt], len(words) - 1)]
            self.server.seen.append(body)
            self.server.keys.append(self.headers.get("Authorization"))
            self.server.flying += 1
            self.server.most = max(self.server.most, self.server.flying)
        try:
            self.act(word)
        finally:
            with self.server.lock:
                self.server.flying -= 1

    def act(self, word: str) -> None:
        if word == "hang":
            self.server.over.wait(60)
        elif word == "slow":
            time.sleep(0.05)
            self.say("a town")
        elif word == "close":
            self.connection.close()
        elif word == "part":
            self.give(200, b'{"choices": [', length=500)
            self.connection.close()
        elif word == "wait":
            self.give(429, b"{}", {"Retry-After": "0.3"})
        elif word.isdigit():
            self.give(int(word), json.dumps({"error": {"message": f"no\n{word}"}}).encode())
        elif word == "garbage":
            self.give(200, b"\x00\xff<html>oops")
        elif word == "plain":
            self.give(200, b"a river", {"Content-Type": "text/plain"})
        elif word == "json":
            self.give(200, b"[" * 100_000)
        elif word == "none":
            self.give(200, b'{"choices": []}')
        elif word == "null":
            self.say(None)
        elif word == "empty":
            self.say(" \n ")
        elif word == "loop":
            self.say(LOOP, "length")
        elif word == "cut":
            self.say("A town. A riv", "length")
        elif word == "odd":
            self.say("a \ud800\x00<|im_end|>river")
        else:
            self.say("a town")

    def say(self, text: str | None, reason: str = "stop") -> None:
        choice = {"index": 0, "message": {"role": "assistant", "content": text}}
        self.give(200, json.dumps({"choices": [{**choice, "finish_reason": reason}]}).encode())

    def give(
        self,
        status: int,
        body: bytes,
        headers: dict[str, str] | None = None,
        length: int | None = None,
    ) -> None:
        given = {"Content-Type": "application/json", **(headers or {})}
        self.send_response(status)
        for name, value in given.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(length or len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def hostile() -> Iterator[Hostile]:
    with Hostile() as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield server
        server.over.set()
        server.shutdown()


def backend_of(server: Hostile, **changes: Any) -> OpenAIBackend:
    settings = {"concurrency": 4, "timeout": 20, "retries": 2, **changes}
    return OpenAIBackend(Server(url=server.url, model="m"), TextGeneration.model_validate(settings))


def orders(*lines: str) -> list[Request]:
    """A request for each line, what the server is to do at the first asking, at the second, ..."""
    return [Request(f"{i} {line}", f"{i}: {line}", None, 20) for i, line in enumerate(lines)]


@pytest.mark.parametrize(
    "order, asked, text, fault",
    [
        ("good", 1, "a town", ""),
        ("500 503 good", 3, "a town", ""),
        ("429 wait good", 3, "a town", ""),
        ("close good", 2, "a town", ""),
        ("part good", 2, "a town", ""),
        ("garbage good", 2, "a town", ""),
        ("null none good", 3, "a town", ""),
        ("empty good", 2, "a town", ""),
        ("loop empty good", 3, "a town", ""),
        ("cut", 1, "A town.", ""),
        ("odd", 1, "a river", ""),
        ("500", 3, "", "server answered 500 (3 attempts)"),
        ("429", 3, "", "server answered 429 (3 attempts): no 429"),
        ("close", 3, "", "connection failed (3 attempts)"),
        ("400", 1, "", "server answered 400 (1 attempt): no 400"),
        ("422", 1, "", "server answered 422 (1 attempt): no 422"),
        ("garbage", 3, "", "malformed reply (not JSON) (3 attempts)"),
        ("plain", 3, "", "malformed reply (not JSON) (3 attempts)"),
        ("json", 3, "", "malformed reply (not JSON) (3 attempts)"),
        ("none", 3, "", "malformed reply (no message) (3 attempts)"),
        ("null", 3, "", "malformed reply (no text) (3 attempts)"),
        ("empty", 3, "", "empty answer (3 attempts)"),
        ("loop", 3, "", "repeats itself without end (3 attempts)"),
    ],
)
def test_what_a_server_may_do(
    hostile: Hostile, tmp_path: Path, order: str, asked: int, text: str, fault: str
) -> None:
    (answer,) = run(backend_of(hostile), orders(order), tmp_path, attempts=3).values()
    assert answer.text == text and answer.fault.startswith(fault) and bool(fault) != bool(text)
    assert hostile.asked == {f"0: {order}": asked}


def test_a_server_that_does_not_answer(hostile: Hostile, tmp_path: Path) -> None:
    found = run(backend_of(hostile, timeout=0.5), orders("hang", "hang good"), tmp_path)
    assert found["0 hang"].fault == "no answer within 0.5 s (3 attempts)"
    assert found["1 hang good"].text == "a town"
    assert hostile.asked["0: hang"] == 3


def test_it_waits_as_long_as_it_is_told(hostile: Hostile, tmp_path: Path) -> None:
    start = time.monotonic()
    run(backend_of(hostile), orders("wait wait good"), tmp_path)
    assert time.monotonic() - start > 0.6


def test_all_at_once_and_counted(hostile: Hostile, tmp_path: Path) -> None:
    lines = ["good", "500", "garbage good", "part", "slow", "null", "close good", "cut"] * 4
    found = run(backend_of(hostile), orders(*lines), tmp_path, attempts=2)
    faults = Counter(answer.fault.partition(": ")[0] for answer in found.values())
    assert faults == {
        "": 20,
        "server answered 500 (3 attempts)": 4,
        "connection failed (3 attempts)": 4,
        "malformed reply (no text) (2 attempts)": 4,
    }
    assert 2 <= hostile.most <= 4


def test_answers_come_as_they_are_ready(hostile: Hostile, tmp_path: Path) -> None:
    asked = orders("hang", *["slow"] * 12)
    found = ask(backend_of(hostile, retries=0), asked, Responses(tmp_path), attempts=1)
    first = [next(found) for _ in range(12)]
    assert {answer.key for answer in first} == {request.key for request in asked[1:]}
    hostile.over.set()
    assert next(found).fault.startswith("connection failed")


def test_requests_are_taken_as_there_is_room(hostile: Hostile, tmp_path: Path) -> None:
    taken = []

    def source() -> Iterator[Request]:
        for request in orders(*["slow"] * 12):
            taken.append(request.key)
            yield request

    found = ask(backend_of(hostile), source(), Responses(tmp_path))
    next(found)
    assert len(taken) <= 6
    found.close()
    time.sleep(0.1)
    assert len(hostile.seen) <= 6


def test_a_cut_run_asks_nothing_twice(hostile: Hostile, tmp_path: Path) -> None:
    asked = orders(*["slow", "empty slow", "null slow"] * 8)
    found = ask(backend_of(hostile), asked, Responses(tmp_path))
    first = [next(found) for _ in range(13)]
    found.close()
    time.sleep(0.2)
    hostile.seen.clear()
    whole = run(backend_of(hostile), asked, tmp_path)
    assert len(whole) == 24 and {answer.text for answer in whole.values()} == {"a town"}
    again = {prompt.replace(":", "", 1) for prompt in hostile.asked}
    assert not again & {answer.key for answer in first}
    hostile.seen.clear()
    assert run(backend_of(hostile), asked, tmp_path) == whole and not hostile.seen


KILLED = """
import os, signal, sys
from pathlib import Path
from winnow.captioning.engine import Request, ask, backend_for
from winnow.captioning.responses import Responses
from winnow.captioning.settings import TextGeneration
from winnow.models.settings import Server
backend = backend_for(Server(url=sys.argv[1], model="m"), TextGeneration(concurrency=4))
asked = [Request(f"{i} slow", f"{i}: slow", None, 20) for i in range(30)]
for number, answer in enumerate(ask(backend, asked, Responses(Path(sys.argv[2])))):
    if number == 10:
        os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_killed_run_asks_nothing_twice(hostile: Hostile, tmp_path: Path) -> None:
    words = [sys.executable, "-c", KILLED, hostile.url, str(tmp_path)]
    killed = subprocess.run(words, capture_output=True, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    time.sleep(0.2)
    hostile.seen.clear()
    assert len(run(backend_of(hostile), orders(*["slow"] * 30), tmp_path)) == 30
    assert len(hostile.seen) == 30 - 11 and set(hostile.asked.values()) == {1}


def test_a_server_that_went_away_is_not_waited_for(hostile: Hostile, tmp_path: Path) -> None:
    lines = ["good", *["500"] * 20, *["good"] * 4, "500 good"]
    found = run(backend_of(hostile, concurrency=2), orders(*lines), tmp_path)
    faults = Counter(answer.fault for answer in found.values() if answer.fault)
    assert sum(faults.values()) == 20
    assert 4 <= faults["server answered 500 (3 attempts): no 500"] <= 6  # two always in flight
    assert faults["server answered 500 (1 attempt): no 500"] >= 14
    assert found["25 500 good"].text == "a town"  # after one good answer it is sent again


def test_what_is_sent(
    hostile: Hostile,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    image = picture(1, "JPEG")
    asked = [Request("a", "1: good", image, 33, 0.0, 7), Request("b", "2: empty", None, 5)]
    monkeypatch.setenv(KEY, "secret-key")
    with caplog.at_level(logging.DEBUG):
        run(backend_of(hostile, concurrency=1), asked, tmp_path / "one", attempts=2)
    first, second, third = hostile.seen
    assert {k: first[k] for k in ("model", "max_tokens", "temperature", "seed")} == {
        "model": "m", "max_tokens": 33, "temperature": 0.0, "seed": 7,
    }  # fmt: skip
    assert first["messages"][0]["content"][0]["image_url"]["url"].startswith("data:image/jpeg;")
    assert second["messages"] == [{"role": "user", "content": "2: empty"}]
    assert third["temperature"] == 0.7 and third["seed"] != second["seed"]
    assert set(hostile.keys) == {"Bearer secret-key"}
    stored = (tmp_path / "one" / "responses.sqlite").read_bytes()
    assert b"secret-key" not in stored and "secret-key" not in caplog.text
    monkeypatch.delenv(KEY)
    hostile.keys.clear()
    run(backend_of(hostile), asked[:1], tmp_path / "two")
    assert hostile.keys == ["Bearer none"]


def test_an_unreadable_image_is_not_sent(hostile: Hostile, tmp_path: Path) -> None:
    asked = [Request("bad", "1: good", b"no image", 5), Request("good", "2: good", picture(1), 5)]
    found = run(backend_of(hostile), asked, tmp_path)
    assert found["bad"].fault == "unreadable image: not an image"
    assert found["good"].text == "a town" and len(hostile.seen) == 1


@pytest.mark.parametrize(
    "order, message",
    [
        ("401", "refuses the key \\(401\\); set OPENAI_API_KEY"),
        ("403", "refuses the key \\(403\\); set OPENAI_API_KEY"),
        ("404", "404 for the model 'm': no 404; see .*/v1/models"),
    ],
)
def test_a_server_that_refuses(hostile: Hostile, tmp_path: Path, order: str, message: str) -> None:
    with pytest.raises(WinnowError, match=f"{hostile.url}: .*{message}"):
        run(backend_of(hostile), orders(*[order] * 8), tmp_path)
    assert len(hostile.seen) <= 4
    hostile.probe = int(order)
    hostile.seen.clear()
    if order == "404":  # a server need not have a list of models
        assert run(backend_of(hostile), orders("good"), tmp_path)
        return
    with pytest.raises(WinnowError, match=message):
        run(backend_of(hostile), orders("good"), tmp_path)
    assert not any("good" in str(asked) for asked in hostile.seen)  # older ones may come late


def test_no_server(tmp_path: Path) -> None:
    url = f"http://127.0.0.1:{free_port()}/v1"
    backend = OpenAIBackend(Server(url=url, model="m"), TextGeneration())
    start = time.monotonic()
    with pytest.raises(WinnowError, match=f"{url}: no server can be reached there .*--server"):
        run(backend, requests(3), tmp_path)
    assert time.monotonic() - start < 3


def test_what_is_known_needs_no_server(hostile: Hostile, tmp_path: Path) -> None:
    asked = orders(*["good"] * 5)
    whole = run(backend_of(hostile), asked, tmp_path)
    hostile.shutdown()
    hostile.server_close()
    assert run(backend_of(hostile), asked, tmp_path) == whole
