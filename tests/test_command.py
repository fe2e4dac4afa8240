"""Commands: how a signature describes one, the way through the shell, help, and errors."""

import math
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field

from winnow.command.code import command_files
from winnow.command.description import Given, Output, describe, find
from winnow.command.help import describe_settings
from winnow.command.line import LONGEST, _line, main
from winnow.command.options import options
from winnow.command.rules import command_text
from winnow.data.errors import WinnowError
from winnow.params.load import read, resolve
from winnow.reporting.verbs import Planned
from winnow.scoring.verbs import ScoreSettings
from winnow.sources.registry import Source
from winnow.sources.verbs import PoolSettings
from winnow.tracks.registry import cells, expected, methods

ROOT = Path(__file__).parents[1]
pytestmark = pytest.mark.usefixtures("same_environment")
COMMANDS = {name: find(name) for name in command_files()}


class Content(BaseModel):
    """A section that takes anything."""

    model_config = ConfigDict(extra="forbid")
    some_key: Any = None
    other: Any = None


class Numbers(BaseModel):
    """A section with limits."""

    model_config = ConfigDict(extra="forbid")
    ratio: float = Field(0.5, gt=0, le=1, description="how much to keep")
    count: int = 1
    how: Literal["fast", "slow"] = "fast"


def parse(words: list[str], model: Any) -> Any:
    """The section that a command with such settings gets from these words."""

    def some_command(settings: Any) -> None:
        """Do something."""

    some_command.__annotations__["settings"] = model
    return describe(some_command).parse(words)["settings"]


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


def trip(value: Any) -> Any:
    """A value after its way through the shell."""
    words = shlex.split(options({"some_key": value}))
    return parse(words, Content).some_key


@given(values)
@example("null").via("YAML")
@example("1e5").via("YAML reads it as a string, JSON as a number")
@example("1_000").via("YAML reads a number")
@example("yes").via("YAML reads a boolean")
@example("2024-01-31").via("YAML reads a date")
@example("2024-13-45").via("YAML fails on it")
@example("0x1f").via("YAML reads a number")
@example(1e-05).via("YAML reads JSON's form as a string")
@example("🛰 vue d'en haut").via("JSON escapes it as two")
@example('it\'s "quoted" and $HOME `id` \\ ; # !').via("shell")
@example("").via("empty")
@example(" a=b --c=d ").via("looks like an option")
@example({"a": {"b": None}}).via("null inside")
@example(math.inf).via("no JSON")
def test_any_value_survives_the_shell(value: Any) -> None:
    back = trip(value)
    assert back == value and type(back) is type(value)


@given(st.text(), st.text())
def test_strings_survive_beside_each_other(one: str, two: str) -> None:
    words = shlex.split(options({"some_key": one, "other": two}))
    assert len(words) == 2
    found = parse(words, Content)
    assert (found.some_key, found.other) == (one, two)


def test_a_real_shell_agrees() -> None:
    value = 'it\'s "quoted"  and $HOME `id` \\n ; # ! * 🛰'
    shell = subprocess.run(
        f"printf '%s\\0' {options({'some_key': value, 'other': [value]})}",
        shell=True, capture_output=True, text=True, check=True,
    )  # fmt: skip
    found = parse(shell.stdout.split("\0")[:-1], Content)
    assert found.some_key == value and found.other == [value]


def test_plain_values_look_plain() -> None:
    assert options({"batch_size": 3, "how": "fast", "path": "/a/b-c.d"}) == (
        "--batch-size=3 --how=fast --path=/a/b-c.d"
    )
    assert options({"some_key": None}) == ""


@pytest.mark.parametrize("scale", ["smoke", "mini", "paper"])
def test_sections_of_params_yaml_come_through(scale: str) -> None:
    params = resolve({**read(ROOT / "params.yaml"), "scale": scale}, ROOT)
    planned = Planned(methods=methods(cells(params)), expected=expected(params))
    parts: list[Any] = [
        params.captions, params.scoring, params.curation, params.contrastive, params.zeroshot,
        params.statistics, params.pool, params.foundry, planned, *params.models.values(),
        *params.scorers.values(),
    ]  # fmt: skip
    for part in parts:
        assert parse(shlex.split(options(part)), type(part)) == part


@pytest.mark.parametrize(
    "source",
    [
        {"kind": "terrarium", "pool": 3, "reference": 1, "test": 1},
        {"kind": "karpathy", "annotations": "a b.json", "images": "c'd", "scene_pattern": None},
        {"kind": "webdataset", "shards": "tars/{000..012}.tar", "limit": 5},
        {"kind": "folder", "images": "x", "metadata": "y.csv", "scene_pattern": r"^(\w+)_\d+$"},
    ],
)
def test_sources_come_through(source: dict[str, Any]) -> None:
    found = parse(shlex.split(options({"source": source})), PoolSettings)
    again = {"source": found.source.model_dump(mode="json"), "shard_size": 7}
    assert parse(shlex.split(options(again)), PoolSettings).source == found.source
    for key, value in source.items():
        assert str(getattr(found.source, key)) == str(value)


def test_options_of_a_users_scorer_come_through() -> None:
    mine = {"use": "mine:Scorer", "options": {"rate": 1e-5, "word": "1e5", "deep": [{"a": None}]}}
    found = parse(shlex.split(options(mine)), ScoreSettings)
    assert found.use == "mine:Scorer" and found.options == mine["options"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--rate=1"], ["--rate", "unknown option", "'--ratio'"]),
        (["--ratio=0"], ["--ratio", "greater than 0", "0"]),
        (["--ratio=1.5"], ["--ratio", "less than or equal to 1", "1.5"]),
        (["--ratio=abc"], ["--ratio", "number", "'abc'"]),
        (["--ratio="], ["--ratio", "number", "''"]),
        (["--ratio"], ["'--ratio'", "no value", "--key=value"]),
        (["--ratio", "--count=2"], ["'--ratio'", "no value"]),
        (["--count", "-3", "-4"], ["'-4'", "is not an option"]),
        (["--count=1", "--count=2"], ["--count", "twice"]),
        (['--ratio="0.5"'], ["--ratio", "number", "'0.5'"]),
        (["--ratio=true"], ["--ratio", "number", "True"]),
        (["--raito=0.5"], ["--raito", "did you mean '--ratio'"]),
        (["ratio=0.5"], ["'ratio=0.5'", "--key=value"]),
        (["--count=1.5"], ["--count", "integer", "1.5"]),
        (["--how=often"], ["--how", "'fast' or 'slow'", "'often'"]),
    ],
)
def test_wrong_words_are_refused(words: list[str], told: list[str]) -> None:
    with pytest.raises(WinnowError) as caught:
        parse(words, Numbers)
    assert [part for part in told if part not in str(caught.value)] == [], str(caught.value)


@pytest.mark.parametrize("value", ["0.5", "5e-1"])
def test_a_value_may_be_a_word_of_its_own(value: str) -> None:
    found = parse(["--ratio", value, "--count", "-3", "--how=slow"], Numbers)
    assert found == Numbers(ratio=0.5, count=-3, how="slow")
    assert parse(["--some-key", "-1e-5", "--other", "[a, -b]"], Content) == Content(
        some_key=-1e-5, other=["a", "-b"]
    )


def test_a_verb_takes_values_as_words_of_their_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = run(select(tmp_path, "--threshold", "-1e-3", "--ratio", "-0.5"), capsys)
    assert "--ratio" in told and "greater than 0 (is -0.5)" in told
    told = run(select(tmp_path, "--threshold", "-1e-3"), capsys)
    assert "scores.parquet: no such table" in told


def test_people_may_write_yaml_and_underscores() -> None:
    assert parse(["--some_key=[a, b]"], Content).some_key == ["a", "b"]
    assert parse(["--ratio=1e-1", "--count=2"], Numbers).ratio == 0.1


# the command line


def test_every_rule_has_the_name_of_its_command() -> None:
    files = (ROOT / "workflow/rules").glob("*.smk")
    text = "".join(path.read_text() for path in files)
    called = set(re.findall(r'(?:command_text|render)\(\s*"([a-z-]+)"', text))
    rules = {name.replace("_", "-") for name in re.findall(r"^ *rule (\w+):", text, re.M)}
    assert called <= rules & set(COMMANDS)
    assert len(called) > 50


def join_texts(
    action: Literal["one", "all"],
    texts: list[Path],
    /,
    pool: Path,
    model: Path | None,
    parts: list[Path],
    rubric: Given | None,
    output: Output,
    quarantine: Output,
    number: int,
    share: float | None,
    quiet: bool,
    threads: int,
    settings: Numbers,
) -> None:
    """Join texts."""


JOIN = describe(join_texts)
NEEDED = ["one", "--pool=p", "--output=o", "--quarantine", "q", "--number=3"]


def test_a_signature_is_the_description() -> None:
    found = JOIN.parse([*NEEDED, "--threads=2"])
    assert found.pop("settings") == Numbers()
    assert found == {
        "action": "one", "texts": [], "pool": Path("p"), "model": None, "parts": [],
        "rubric": None, "output": Path("o"), "quarantine": Path("q"), "number": 3, "share": None,
        "quiet": False, "threads": 2,
    }  # fmt: skip
    more = ["--parts", "a", "b", "--model", "m", "--quiet", "x", "--share", "-0.5", "--how=slow"]
    found = JOIN.parse([*NEEDED, *more, "y"])
    assert found["parts"] == [Path("a"), Path("b")] and found["model"] == Path("m")
    assert found["quiet"] is True and found["texts"] == [Path("x"), Path("y")]
    assert JOIN.parse([*NEEDED, "--number=4"])["number"] == 4  # the last counts
    assert found["share"] == -0.5 and found["settings"].how == "slow"


def test_a_path_without_a_value_is_absent() -> None:
    for words in (["--model", "--quiet"], ["--model=", "--parts"], ["--parts=", "--rubric="]):
        found = JOIN.parse([*NEEDED, *words])
        assert (found["model"], found["parts"], found["rubric"]) == (None, [], None)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["one", "--pool=", "--output=o"], "--pool, --quarantine, --number: missing"),
        ([*NEEDED, "--how=fast", "--how=slow"], "--how is given twice"),
        ([*NEEDED[1:]], "action: missing"),
        (["two", *NEEDED[1:]], "action: Input should be 'one' or 'all' (is 'two')"),
        ([*NEEDED, "--share="], "--share: Input should be a valid number"),
        ([*NEEDED, "--share"], "'--share' has no value"),
        ([*NEEDED, "--quiet=1"], "--quiet takes no value"),
        ([*NEEDED, "--part=1"], "unknown option '--part=1' (did you mean '--parts'?)"),
    ],
)
def test_what_does_not_fit_a_signature_is_named(words: list[str], told: str) -> None:
    with pytest.raises(WinnowError) as caught:
        JOIN.parse(words)
    assert told in str(caught.value)


def test_a_rule_has_its_text_from_the_description() -> None:
    text, _, remark = command_text("describe", model="{params.folder:q}").partition(" # ")
    assert text == (
        "winnow describe --pool={input.pool:q} --perspectives={params.perspectives:q} "
        "--output={output[0]:q} --quarantine={output.quarantine:q} --model={params.folder:q} "
        "--rule={input.rule:q} --perspective={params.perspective:q} --threads={threads} "
        "{params.options} > {log} 2>&1"
    )
    assert remark.startswith("code ")
    assert "--parts {input.parts:q} " in command_text("concatenate")


@pytest.mark.parametrize("name", COMMANDS)
def test_no_setting_is_hidden_by_an_argument(name: str) -> None:
    options = COMMANDS[name].options()
    assert len(options) == len(set(options))


@pytest.mark.parametrize("name", COMMANDS)
def test_help_names_everything(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([name, "--help"]) == 0
    command, text = COMMANDS[name], capsys.readouterr().out
    missing = [one for one in command.options() if one not in text]
    assert missing in ([], ["--help"])
    first = (command.function.__doc__ or "").partition("\n")[0]
    assert first.strip() and first in text


class Inner(BaseModel):
    """A part."""

    seconds: float = Field(1.5, gt=0, description="Seconds to wait")
    side: int = Field(description="Side in pixels")


class Outer(BaseModel):
    """Settings of every shape."""

    part: Inner | None = Field(None, description="What is inside")
    parts: dict[str, Inner] = Field(default_factory=dict)
    source: Source
    many: list[Literal["a", "b"]] = ["a"]
    path: Path
    anything: Any = None


def test_help_tells_type_limits_and_default_of_each_setting() -> None:
    text = "\n".join(describe_settings(Outer))
    for told in (
        "--part: mapping of what follows or null (default null)\n      What is inside\n"
        "      seconds: number over 0 (default 1.5)\n          Seconds to wait\n"
        "      side: whole number (required)\n          Side in pixels\n",
        "--parts: mapping from name to mapping of what follows (may be left out)\n      seconds:",
        "--source: mapping with kind: classes, files, folder, karpathy, terrarium, webdataset\n",
        "with kind: karpathy -- Captions in Karpathy's JSON layout",
        "limit: whole number at least 1 or null (default null)\n"
        "            maximum number of images",
        '--many: list of one of a, b (default ["a"])',
        "--path: path (required)",
        "--anything: anything (default null)",
    ):
        assert told in text, text


def test_help_describes_every_setting_at_every_depth() -> None:
    """What a number counts or measures stands in its description."""
    lacking = set()
    for name, command in COMMANDS.items():
        if command.settings is None:
            continue
        schema = command.settings.model_json_schema()
        for part in (schema, *schema.get("$defs", {}).values()):
            for key, entry in part.get("properties", {}).items():
                if "description" not in entry and "const" not in entry and "$ref" not in entry:
                    lacking.add((name, part["title"], key))
    assert not lacking


def test_help_lists_the_commands(capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["--help"], ["-h"], []):
        assert main(words) == 0
        text = capsys.readouterr().out
        assert [name for name in COMMANDS if name not in text] == []


def run(words: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """The one line on stderr of a verb that fails."""
    assert main(words) == 2
    captured = capsys.readouterr()
    assert captured.out == "" and captured.err.count("\n") == 1, captured.err
    return captured.err


def select(tmp_path: Path, *more: str) -> list[str]:
    places = {"scores": "scores.parquet", "pool": "pool", "output": "subset.parquet"}
    return ["select", *(f"--{key}={tmp_path / name}" for key, name in places.items()), *more]


def test_a_mistake_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = run(select(tmp_path, "--ratio=0.3"), capsys)
    assert told.startswith("winnow select: ") and "scores.parquet: no such table" in told
    told = run(select(tmp_path, "--ratio=1.5"), capsys)
    assert "--ratio" in told and "1.5" in told and "less than or equal to 1" in told
    told = run(select(tmp_path, "--raito=0.5"), capsys)
    assert "--raito" in told
    told = run(select(tmp_path, "ratio", "0.5"), capsys)
    assert "'ratio'" in told


@pytest.mark.parametrize("character", ["a", "\0", "\n", "\U000e0001", "é"])
def test_an_endless_message_keeps_its_remedy(character: str) -> None:
    for count in (10, LONGEST - 9, LONGEST, 5000, 10**6):
        shown = _line(f"a.csv: {character * count}; write it again")
        assert shown.startswith("a.csv: ") and shown.endswith("; write it again")
        assert len(shown) <= LONGEST + 5 and shown.isprintable()


def test_a_verb_without_settings_takes_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = run(["schema-json", "--output", str(tmp_path / "a.json"), "--ratio=1"], capsys)
    assert "'--ratio=1'" in told
    assert not (tmp_path / "a.json").exists()


def test_options_are_never_guessed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = run(["schema-json", f"--out={tmp_path / 'a.json'}"], capsys)
    assert "--out=" in told and "did you mean '--output'?" in told


def test_what_is_missing_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    told = run(["select", "--ratio", "0.5"], capsys)
    assert told.startswith("winnow select: ") and "--scores" in told
    assert "did you mean 'select'?" in run(["selct", "--ratio=0.5"], capsys)


def test_an_unknown_role_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths = [f"--{name}={tmp_path}" for name in ("pool", "human", "output")]
    words = ["train-standin", *paths, "--role=clap", "--samples-seen=1"]
    assert "domain_clip" in run(words, capsys)


def test_a_place_that_cannot_be_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    told = run(["schema-json", "--output", str(tmp_path / "file" / "a.json")], capsys)
    assert "a.json" in told


def test_the_installed_command() -> None:
    """Exit status 2, one line, no traceback; help comes without loading torch."""
    code = "import sys; from winnow.command.line import main; sys.exit(main(sys.argv[1:]))"
    words = ["select", "--scores=no.parquet", "--pool=no", "--output=no.out", "--ratio=0.5"]
    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True)
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr == "winnow select: no.parquet: no such table\n"
    light = (
        "import sys; from winnow.command.line import main\n"
        "main(['score', '--help'])\n"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", light], capture_output=True).returncode == 0
