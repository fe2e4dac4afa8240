"""Parameters and the command line: files cut anywhere, and values that no parser can hold."""

import codecs
import inspect
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from winnow.command.code import command_files
from winnow.command.description import Output, find
from winnow.command.line import LONGEST, main
from winnow.command.options import option
from winnow.data.errors import WinnowError
from winnow.params.layers import base_layer, given_layers, join
from winnow.params.load import resolve

pytestmark = pytest.mark.usefixtures("same_environment", "elsewhere")

ROOT = Path(__file__).parents[2]
WHOLE = (ROOT / "params.yaml").read_bytes()
ENDS = [place for place, byte in enumerate(WHOLE, 1) if byte == ord("\n")]
LAST = range(len(WHOLE) - 120, len(WHOLE))
# What a parser of numbers, dates, texts or trees may end with another error on
HARD = [
    "", "\0", "a\0b", "1e999", "-1e999", ".inf", ".nan", "9" * 5000, "0x" + "f" * 5000, "1" * 400,
    "[" * 100_000, "{a: " * 100, "[" * 40 + "]" * 40, "&a [*a]", "!!python/name:os.system",
    "2024-13-45", "1:30", "!!binary aGk=", "!!set {a}", "? [a]\n: b", "\ud800", "\udcff", "\ufeff1",
    "\t", "a:\tb", "--", "=", "-", "a" * 100_000, "nope/" * 2000, "/dev/full", "/proc/self/mem",
    "😀", "\x1b[31m", "\u202e", "999999999999999999999",
]  # fmt: skip
LAUGHS = "\n".join(
    ["a: &a [x, x, x, x, x, x, x, x, x]"]
    + [f"{b}: &{b} [{', '.join([f'*{a}'] * 9)}]" for a, b in zip("abcdefgh", "bcdefghi", strict=1)]
)


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a relative path that is taken does no harm."""
    monkeypatch.chdir(tmp_path)


def refusal(folder: Path, content: bytes) -> str:
    """What is said of a params.yaml with this content."""
    path = folder / "params.yaml"
    path.write_bytes(content)
    with pytest.raises(WinnowError) as caught:
        resolve(join(given_layers([path])), ROOT)
    return str(caught.value)


def test_a_file_that_is_cut_is_refused_or_has_the_same_parameters(tmp_path: Path) -> None:
    """At the end of each line, before it, and at each byte of the last lines. Most cuts are refused
    by the first check; what passes it has equal parameters."""
    whole = base_layer(ROOT / "params.yaml").tree
    path = tmp_path / "params.yaml"
    passed = 0
    for place in sorted({*ENDS, *(end - 1 for end in ENDS), *LAST, 0}):
        path.write_bytes(WHOLE[:place])
        try:
            found = base_layer(path).tree
        except WinnowError as error:
            assert "params.yaml" in str(error) and "\n" not in str(error)
            continue
        assert found == whole, f"cut at byte {place}"
        passed += 1
    assert 1 < passed < 100  # the last line's comment may be cut


def test_the_closing_line_is_asked_for_by_name(tmp_path: Path) -> None:
    cut = WHOLE[: WHOLE.rindex(b"\ncomplete:")]
    assert "its last line is not `complete: true`" in refusal(tmp_path, cut)
    later = WHOLE.replace(b"\nsite:", b"\ncomplete: true\nsite:").removesuffix(WHOLE[len(cut) :])
    assert "its last line is not" in refusal(tmp_path, later)
    assert "complete" in refusal(tmp_path, cut + b"\ncomplete: false\n")
    override = cut.replace(b"  mini: {}", b"  mini: { complete: true }") + b"\ncomplete: true\n"
    assert "scales.mini: complete: unknown key" in refusal(tmp_path, override)


def test_a_file_with_only_what_differs_needs_no_closing_line(tmp_path: Path) -> None:
    mine = tmp_path / "mine.yaml"
    mine.write_text("ratio: 0.5\n")
    given = join(given_layers([ROOT / "params.yaml", mine]))
    assert resolve(given, ROOT).ratio == 0.5


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (WHOLE.decode().encode("utf-16"), "no text in UTF-8"),
        (WHOLE.replace(b"\n", b"\n\t", 1), "not valid YAML"),
        (WHOLE.replace(b"ratio: 0.3", b"ratio: 0x" + b"f" * 5000), "is no int"),
        (WHOLE.replace(b"ratio: 0.3", b"ratio: 1e999"), "ratio"),
        (WHOLE.replace(b"ratio: 0.3", b"ratio: 2024-13-45"), "is no timestamp"),
        (LAUGHS.encode() + b"\ncomplete: true\n", "too many values"),
        (b"a: " + b"[" * 100_000, "nested more than"),
        (b"a: \0", "cannot stand in a text"),
    ],
)
def test_what_no_parameters_can_be_is_one_line(tmp_path: Path, content: bytes, told: str) -> None:
    said = refusal(tmp_path, content)
    assert told in said and len(said) < LONGEST
    assert all("params.yaml" in line for line in said.splitlines())  # one for each key


def test_a_mark_of_byte_order_is_no_other_content(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    path.write_bytes(codecs.BOM_UTF8 + WHOLE)
    assert base_layer(path).tree == base_layer(ROOT / "params.yaml").tree


def run(words: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """What the command line says of words that are refused: one line, whatever they are."""
    status = main(words)
    said = capsys.readouterr().err
    assert (status, said.count("\n")) == (2, 1), said[:1000]
    assert said.startswith(f"winnow {words[0]}: ") and len(said) < LONGEST + 100
    return said


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_option_of_any_command_is_refused_in_one_line(
    data: st.DataObject, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = data.draw(st.sampled_from(sorted(set(command_files()) - {"schema-json"})))
    known = find(name)
    arguments = {option(one.name): one for one in known.arguments}
    signature = inspect.signature(known.function, eval_str=True).parameters.values()
    outputs = {
        one.name for one in signature if Output in (one.annotation, *get_args(one.annotation))
    }
    value = st.sampled_from(HARD) | st.text(max_size=20)
    words = [name, "--threads=1"]
    for named in known.options():
        one = arguments.get(named)
        if named in ("--threads", "--help") or (one is not None and one.kind is bool):
            continue
        if one is not None and one.name in outputs:  # nothing is written anywhere else
            words.append(f"{named}={tmp_path / one.name}")
        elif (one is not None and one.required) or data.draw(st.booleans()):
            words.append(f"{named}={data.draw(value)}")
    run([*words, f"--no-such={data.draw(value)}"] if len(words) == 2 else words, capsys)


@pytest.mark.parametrize("text", ["0", "-1", "9" * 30, "1e3", "x", "", "²"])
def test_a_number_of_threads_is_one(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    said = run(["schema-json", "--output=x", f"--threads={text}"], capsys)
    assert said.startswith("winnow schema-json: --threads: ")


@pytest.mark.parametrize("text", [text for text in HARD if "\0" not in text])
def test_a_hard_value_of_a_setting_is_one_line(
    text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    run(["recipes", "--output=x", f"--seeds={text}"], capsys)


def test_dashes_are_no_option(capsys: pytest.CaptureFixture[str]) -> None:
    assert "unknown option '--'" in run(["concatenate", "--parts=x", "--output", "--"], capsys)
