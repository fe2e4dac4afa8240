"""Asking models: what a reply is worth, the cache, what is asked again."""

import json
import signal
import sqlite3
import subprocess
import sys
import threading
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from asking import Passes, Stream, requests, run
from conftest import World
from hypothesis import given
from hypothesis import strategies as st

from winnow.captioning import answers
from winnow.captioning.request_queue import Answer, Reply, Request, pass_digest, request_digests
from winnow.captioning.responses import Responses, _checksum
from winnow.data.errors import WinnowError

LOOP = "a small plane and " * 5
BACKENDS = pytest.mark.parametrize("kind", [Stream, Passes])


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


# what a reply is worth


@given(st.text())
def test_tidy_text_is_one_clean_line(text: str) -> None:
    line = answers.tidy(text)
    assert line == " ".join(line.split()) == answers.tidy(line)
    assert line.isprintable() or not line.isascii()
    line.encode()
    assert "<|im_end|>" not in answers.tidy(f"{text}<|im_<|im_end|>end|>{text}")


@pytest.mark.parametrize(
    "reply, line",
    [
        ("two\n\nplanes\t on  a runway ", "two planes on a runway"),
        ("a river<|im_end|><|endoftext|>", "a river"),
        ("a \x00ri\x1bver\x7f\ud800", "a river"),
        ("\x1b[1;31ma river\x1b[0m \x1b]0;title\x07by\x1b(B a \x9b4mtown", "a river by a town"),
        ("\ufeffa\u200b river\u2028in\u202ewinter", "a river inwinter"),
        ("\u0645\u06cc\u200c\u062e", "\u0645\u06cc\u200c\u062e"),
        ("3 < 4 and |a| > <b>", "3 < 4 and |a| > <b>"),
    ],
)
def test_tidy(reply: str, line: str) -> None:
    assert answers.tidy(reply) == line


@given(st.text(max_size=40), st.text(min_size=1, max_size=30), st.integers(3, 9), st.data())
def test_repetition_is_found(before: str, gram: str, copies: int, data: st.DataObject) -> None:
    copies = max(copies, -(-answers.SPAN // len(gram)))
    cut = data.draw(st.integers(0, len(gram) - 1))
    assert answers.repeats(before + gram * copies + gram[:cut])


@given(st.lists(st.integers(0, 10**6), unique=True, max_size=60))
def test_different_words_are_no_repetition(numbers: list[int]) -> None:
    assert not answers.repeats(" ".join(f"word{number}." for number in numbers))


def test_captions_are_no_repetition(world: World) -> None:
    assert not any(map(answers.repeats, world.human["text"]))
    assert not answers.repeats("a very very very green field")
    assert answers.repeats("Planes. " + LOOP + "a sm")


@pytest.mark.parametrize(
    "text, kept",
    [
        ("A river. Two pla", "A river."),
        ("A river? Yes! About 3.5 km of", "A river? Yes!"),
        ('It says "no." And th', 'It says "no."'),
        ("一条河。两架飞", "一条河。"),
        ("no end at all", "no end at all"),
    ],
)
def test_a_cut_text_goes_back_to_its_last_sentence(text: str, kept: str) -> None:
    assert answers.check_answer(text, cut=True) == (kept, "")
    assert answers.check_answer(text, cut=False) == (text, "")


@pytest.mark.parametrize(
    "reply, cut, fault",
    [
        ("", False, "empty answer"),
        (" \n\x00<|im_end|>", False, "empty answer"),
        ("?!... --", True, "empty answer"),
        ("🛰🛰", False, "empty answer"),
        ("{}}a{[[](}#$%^&*", False, "garbage"),
        ("\ufffd\ufffda\ufffd", False, "garbage"),
        ("river " * 20, True, "repeats itself without end"),
        ("飞机" * 30, True, "repeats itself without end"),
        ("river " * 20, False, "repeats itself without end"),
        ("The road is grey. " * 3, False, "repeats itself without end"),
        ("a road and " * 300, False, "repeats itself without end"),
        ("a road and " * 300 + "a field.", False, "longer than 2000 characters"),
        ("x1 " + " ".join(f"w{i}" for i in range(600)), False, "longer than 2000 characters"),
        ("A road. " + " ".join(f"w{i}" for i in range(600)), True, ""),
        ("a very very very green field", False, ""),
        ("a river by a town\ufffd", True, ""),
        ("यह एक नदी है", False, ""),
    ],
)
def test_faults(reply: str, cut: bool, fault: str) -> None:
    text, found = answers.check_answer(reply, cut)
    assert found == fault and bool(text) != bool(fault) and "\ufffd" not in text


# the cache


@BACKENDS
def test_an_answered_request_is_never_asked_again(kind: type[Stream], tmp_path: Path) -> None:
    first, second = kind(), kind()
    before = run(first, requests(10), tmp_path)
    assert before == {f"k{i}": Answer(f"k{i}", f"a k{i}") for i in range(10)}
    assert sorted(first.keys) == sorted(before)
    assert run(second, requests(10), tmp_path) == before and not second.asked
    assert run(second, requests(12), tmp_path).keys() == {f"k{i}" for i in range(12)}
    new = 8 if kind is Passes else 10  # of a pass, all are asked
    assert sorted(second.keys) == sorted(f"k{i}" for i in range(new, 12))


def test_whatever_changes_the_question_asks_again(tmp_path: Path) -> None:
    one = requests(1)[0]
    variants = [
        one,
        replace(one, prompt="where?"),
        replace(one, image=b"other"),
        replace(one, image=None),
        replace(one, max_tokens=21),
        replace(one, temperature=0.5),
        replace(one, seed=1),
    ]
    digests = [digest for v in variants for digest in request_digests("fake", v, 3)]
    assert len({*digests, *request_digests("other", one, 3)}) == 3 * (len(variants) + 1)
    assert request_digests("fake", replace(one, key="other"), 3) == digests[:3]
    passes = {pass_digest("fake", [one, variant]) for variant in variants}
    assert len({*passes, pass_digest("fake", [one]), pass_digest("other", [one, one])}) == 9
    backend = Stream()
    for variant in variants * 2:
        run(backend, [variant], tmp_path)
    assert len(backend.asked) == len(variants)


KILLED = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from asking import Passes, Reply, Responses, Stream, ask, requests
def script(request, n):
    if request.key == "k9":
        os.kill(os.getpid(), signal.SIGKILL)
    return Reply("a river")
for kind in (Passes, Stream):
    if sys.argv[3] == kind.__name__:
        list(ask(kind(script), requests(20), Responses(Path(sys.argv[1]))))
"""


@BACKENDS
def test_a_killed_run_goes_on_where_it_stopped(kind: type[Stream], tmp_path: Path) -> None:
    words = [sys.executable, "-c", KILLED, str(tmp_path), str(Path(__file__).parent), kind.__name__]
    killed = subprocess.run(words, capture_output=True, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    backend = kind()
    assert len(run(backend, requests(20), tmp_path)) == 20
    assert backend.keys == [f"k{i}" for i in range(8 if kind is Passes else 9, 20)]


def test_passes_do_not_depend_on_what_is_cached(tmp_path: Path) -> None:
    def script(request: Request, n: int) -> Reply:
        return Reply("" if int(request.key[1:]) % 3 == 0 and request.temperature == 0 else "a town")

    def broken(request: Request, n: int) -> Reply:
        if len(interrupted.passes) == 5:
            raise KeyboardInterrupt
        return script(request, n)

    whole = Passes(script)
    run(whole, requests(22), tmp_path / "whole")
    assert whole.passes[0] == ["k0", "k1", "k2", "k3"] and whole.announced == whole.passes[1:]
    assert ["k0", "k3", "k6", "k9"] in whole.passes  # retries wait for one another
    interrupted, resumed = Passes(broken), Passes(script)
    with pytest.raises(KeyboardInterrupt):
        run(interrupted, requests(22), tmp_path / "part")
    run(resumed, requests(22), tmp_path / "part")
    assert interrupted.passes[:4] + resumed.passes == whole.passes
    assert list(run(resumed, requests(22), tmp_path / "part")) == list(
        run(whole, requests(22), tmp_path / "whole")
    )


class Company(Passes):
    """Answers that depend on what shares the pass; some are empty."""

    def replies(self, requests: Iterable[Request]) -> Iterator[tuple[Request, Reply]]:
        for request, _ in (taken := list(super().replies(requests))):
            shared = "".join(f"{other.key} {other.temperature} " for other, _ in taken)
            yield request, Reply("" if zlib.crc32(shared.encode()) % 5 == 0 else shared)


@given(st.lists(st.lists(st.integers(0, 21), unique=True), max_size=3), st.integers(0, 9))
def test_answers_do_not_depend_on_what_is_cached(others: list[list[int]], killed: int) -> None:
    class Killed(Company):
        def replies(self, requests: Iterable[Request]) -> Iterator[tuple[Request, Reply]]:
            if len(self.passes) == killed:
                raise KeyboardInterrupt
            return super().replies(requests)

    with TemporaryDirectory() as cold, TemporaryDirectory() as warm:
        for some in others:
            run(Company(), [requests(22)[number] for number in some], Path(warm))
        with suppress(KeyboardInterrupt):
            run(Killed(), requests(22), Path(warm))
        expected = run(Company(), requests(22), Path(cold))
        assert list(run(Company(), requests(22), Path(warm)).items()) == list(expected.items())
        nothing = Company()
        assert run(nothing, requests(22), Path(warm)) == expected and not nothing.asked


def test_processes_share_the_cache(tmp_path: Path) -> None:
    """Threads with connections of their own: to SQLite they are as processes."""
    failed: list[BaseException] = []

    def work(first: int) -> None:
        try:
            run(Stream(), requests(60)[first:], tmp_path)
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=work, args=(first,)) for first in (0, 10, 20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    backend = Stream()
    assert not failed and len(run(backend, requests(60), tmp_path)) == 60 and not backend.asked


def test_a_damaged_cache_is_moved_aside(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(Stream(), requests(400), tmp_path)
    path = tmp_path / "responses.sqlite"
    whole = path.read_bytes()
    for number, content in enumerate([b"not a database" * 100, whole[: len(whole) // 2]], 1):
        path.write_bytes(content)
        backend = Stream()
        assert len(run(backend, requests(5), tmp_path)) == 5
        warning = capsys.readouterr().err
        assert f"{path} is damaged" in warning and f"moved to responses.damaged{number}" in warning
        assert (tmp_path / f"responses.damaged{number}").read_bytes() == content
        assert len(backend.asked) == 5
        assert run(backend, requests(5), tmp_path) and len(backend.asked) == 5


def test_damage_while_it_is_open(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    responses = Responses(tmp_path)
    responses.keep({f"{i:064d}": {"text": "a river" * 50, "cut": False} for i in range(500)})
    content = bytearray(responses.path.read_bytes())
    content[:] = b"\xff" * len(content)
    responses.path.write_bytes(content)
    assert responses.find(["1" * 64]) == {}
    responses.keep({"1" * 64: {"text": "a town", "cut": False}})
    assert responses.find(["1" * 64]) == {"1" * 64: {"text": "a town", "cut": False}}
    assert capsys.readouterr().err.count("is damaged") == 1


def test_the_cache_holds_nothing_but_json(tmp_path: Path) -> None:
    run(Stream(), requests(6), tmp_path)
    database = sqlite3.connect(tmp_path / "responses.sqlite")
    rows = database.execute("SELECT digest, reply FROM answers ORDER BY digest").fetchall()
    assert all(json.loads(reply).keys() == {"text", "cut"} for _, reply in rows)
    bad = [b"\x80\x04.", "{", "[]", '{"text": 3}', "null", '"text"']
    for (digest, _), reply in zip(rows, bad, strict=True):
        change = (reply, _checksum(digest, reply), digest)
        database.execute("UPDATE answers SET reply = ?, checksum = ? WHERE digest = ?", change)
    database.commit()
    backend = Stream()
    assert len(run(backend, requests(6), tmp_path)) == len(backend.asked) == 6


@pytest.mark.parametrize("record", ["{}", "[]", "null", "[1, 2]", '[{"text": 1}, {"text": ""}]'])
def test_a_pass_that_is_none_is_asked_again(record: str, tmp_path: Path) -> None:
    run(Passes(), requests(2), tmp_path)
    with sqlite3.connect(tmp_path / "responses.sqlite") as database:
        database.create_function("checksum", 2, _checksum)
        change = "UPDATE answers SET reply = ?1, checksum = checksum(digest, ?1)"
        assert database.execute(change, (record,)).rowcount == 1
    backend = Passes()
    assert len(run(backend, requests(2), tmp_path)) == len(backend.asked) == 2


def test_a_cache_that_cannot_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(WinnowError, match=r"file/.*XDG_CACHE_HOME"):
        Responses(tmp_path / "file")
    monkeypatch.setattr("winnow.captioning.responses.PATIENCE", 0.05)
    responses = Responses(tmp_path)
    other = sqlite3.connect(responses.path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(WinnowError, match="locked"):
        responses.keep({"a": 1})


def test_the_default_folder_is_the_users_cache(tmp_path: Path) -> None:
    assert Responses().path == tmp_path / "cache" / "winnow" / "responses" / "responses.sqlite"


# asked again


@BACKENDS
def test_bad_replies_are_asked_for_again(kind: type[Stream], tmp_path: Path) -> None:
    bad = {
        "k0": [Reply("")],
        "k1": [Reply("{[}]#a%"), Reply(LOOP, cut=True)],
        "k2": [Reply(fault="malformed reply (not JSON)")],
        "k3": [Reply("", cut=True)] * 3,
        "k4": [Reply(fault="unreadable image: not an image", final=True)] * 3,
        "k5": [Reply(fault="malformed reply (no text)")] * 3,
    }

    def script(request: Request, n: int) -> Reply:
        return [*bad.get(request.key, []), Reply("a town"), Reply("another")][n]

    backend = kind(script)
    found = run(backend, requests(9), tmp_path, attempts=3)
    assert {key: answer.text for key, answer in found.items() if not answer.fault} == dict.fromkeys(
        ["k0", "k1", "k2", "k6", "k7", "k8"], "a town"
    )
    assert {key: answer.fault for key, answer in found.items() if answer.fault} == {
        "k3": "empty answer (3 attempts)",
        "k4": "unreadable image: not an image",
        "k5": "malformed reply (no text) (3 attempts)",
    }
    assert Counter(backend.keys) == {"k1": 3, "k3": 3, "k5": 3, "k0": 2, "k2": 2} | dict.fromkeys(
        ["k4", "k6", "k7", "k8"], 1
    )
    variants = [request for request in backend.asked if request.key == "k3"]
    assert [request.temperature for request in variants] == [0.0, 0.7, 0.7]
    assert len({request.seed for request in variants}) == 3
    again = kind(script)
    assert run(again, requests(9), tmp_path, attempts=3).keys() == found.keys()
    unanswered = {"k4": 1, "k5": 3}  # a server may do better now, the same model does not
    assert Counter(again.keys) == (unanswered if kind is Stream else {})


def test_one_attempt(tmp_path: Path) -> None:
    found = run(Stream(lambda request, n: Reply("")), requests(2), tmp_path, attempts=1)
    assert {answer.fault for answer in found.values()} == {"empty answer (1 attempt)"}


@BACKENDS
def test_an_empty_answer_may_be_an_answer(kind: type[Stream], tmp_path: Path) -> None:
    backend = kind(lambda request, n: Reply("<|im_end|>"))
    for _ in range(2):
        found = run(backend, requests(5), tmp_path, accept_empty=True)
        assert set(found.values()) == {Answer(f"k{i}", "") for i in range(5)}
    assert len(backend.asked) == 5


def test_keys_must_differ(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="'k0'"):
        run(Passes(), requests(1) * 2, tmp_path)
