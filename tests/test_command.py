"""Verbs and their settings: the round trip through the shell, help, and how errors end."""

import importlib
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

from winnow.cli import LONGEST, STAGES, _line, main
from winnow.command import VERBS, options, parse
from winnow.data.errors import WinnowError
from winnow.option_help import describe
from winnow.params.load import read, resolve
from winnow.params.source import Source
from winnow.reporting.verbs import Planned
from winnow.scoring.verbs import ScoreSettings
from winnow.sources.verbs import PoolSettings
from winnow.tracks.registry import cells, expected, methods

ROOT = Path(__file__).parents[1]
pytestmark = pytest.mark.usefixtures("same_environment")
for stage in STAGES:
    importlib.import_module(f"winnow.{stage}.verbs")


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


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


def trip(value: Any) -> Any:
    """A value after its way through the shell."""
    words = shlex.split(options({"some_key": value}))
    return parse(words, Content, "verb").some_key


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
    found = parse(words, Content, "verb")
    assert (found.some_key, found.other) == (one, two)


def test_a_real_shell_agrees() -> None:
    value = 'it\'s "quoted"  and $HOME `id` \\n ; # ! * 🛰'
    shell = subprocess.run(
        f"printf '%s\\0' {options({'some_key': value, 'other': [value]})}",
        shell=True, capture_output=True, text=True, check=True,
    )  # fmt: skip
    found = parse(shell.stdout.split("\0")[:-1], Content, "verb")
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
        assert parse(shlex.split(options(part)), type(part), "verb") == part


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
    found = parse(shlex.split(options({"source": source})), PoolSettings, "pool")
    again = {"source": found.source.model_dump(mode="json"), "shard_size": 7}
    assert parse(shlex.split(options(again)), PoolSettings, "pool").source == found.source
    for key, value in source.items():
        assert str(getattr(found.source, key)) == str(value)


def test_options_of_a_users_scorer_come_through() -> None:
    mine = {"use": "mine:Scorer", "options": {"rate": 1e-5, "word": "1e5", "deep": [{"a": None}]}}
    found = parse(shlex.split(options(mine)), ScoreSettings, "score")
    assert found.use == "mine:Scorer" and found.options == mine["options"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--rate=1"], ["--rate", "Extra inputs", "1"]),
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
        (["--raito=0.5"], ["--raito", "did you mean 'ratio'"]),
        (["ratio=0.5"], ["'ratio=0.5'", "--key=value"]),
        (["--count=1.5"], ["--count", "integer", "1.5"]),
        (["--how=often"], ["--how", "'fast' or 'slow'", "'often'"]),
    ],
)
def test_wrong_words_are_refused(words: list[str], told: list[str]) -> None:
    with pytest.raises(WinnowError) as caught:
        parse(words, Numbers, "verb")
    assert [part for part in told if part not in str(caught.value)] == [], str(caught.value)


@pytest.mark.parametrize("value", ["0.5", "5e-1"])
def test_a_value_may_be_a_word_of_its_own(value: str) -> None:
    found = parse(["--ratio", value, "--count", "-3", "--how=slow"], Numbers, "verb")
    assert found == Numbers(ratio=0.5, count=-3, how="slow")
    assert parse(["--some-key", "-1e-5", "--other", "[a, -b]"], Content, "verb") == Content(
        some_key=-1e-5, other=["a", "-b"]
    )


def test_a_verb_takes_values_as_words_of_their_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = run(select(tmp_path, "--threshold", "-1e-3", "--ratio", "-0.5"), capsys)
    assert "--ratio" in told and "greater than 0 (is -0.5)" in told
    told = run(select(tmp_path, "--threshold", "-1e-3"), capsys)
    assert "scores.parquet: no such table" in told


def test_unions_are_parsed() -> None:
    found = parse(["--kind=classes", "--images=a"], Source, "verb")
    assert found.kind == "classes"


def test_people_may_write_yaml_and_underscores() -> None:
    assert parse(["--some_key=[a, b]"], Content, "verb").some_key == ["a", "b"]
    assert parse(["--ratio=1e-1", "--count=2"], Numbers, "verb").ratio == 0.1


# the command line


def test_every_rule_is_a_verb() -> None:
    files = (ROOT / "workflow/rules").glob("*.smk")
    text = "".join(path.read_text() for path in files)
    called = set(re.findall(r'"winnow ([a-z-]+) ', text))
    rules = {name.replace("_", "-") for name in re.findall(r"^ *rule (\w+):", text, re.M)}
    assert called <= rules & set(VERBS)
    assert len(called) > 20


@pytest.mark.parametrize("name", VERBS)
def test_no_setting_is_hidden_by_an_argument(name: str) -> None:
    verb = VERBS[name]
    paths = {*verb.paths, *verb.optional_paths, *verb.path_lists}
    arguments = {*paths, *verb.values, "threads", "help"}
    fields = verb.settings.model_fields if verb.settings is not None else {}
    assert arguments & set(fields) == set()


@pytest.mark.parametrize("name", VERBS)
def test_help_names_everything(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main([name, "--help"])
    assert caught.value.code == 0
    verb, text = VERBS[name], capsys.readouterr().out
    fields = verb.settings.model_fields if verb.settings is not None else {}
    wanted = [*verb.paths, *verb.optional_paths, *verb.path_lists, *verb.values, *fields]
    assert [key for key in wanted if f"--{key.replace('_', '-')}" not in text] == []
    assert (verb.run.__doc__ or "").strip() and verb.run.__doc__ in text


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
    text = "\n".join(describe(Outer))
    for told in (
        "--part: mapping of what follows or null (default null)\n      What is inside\n"
        "      seconds: number over 0 (default 1.5)\n          Seconds to wait\n"
        "      side: whole number (required)\n          Side in pixels\n",
        "--parts: mapping from name to mapping of what follows (may be left out)\n      seconds:",
        "--source: mapping with kind: classes, files, folder, karpathy, terrarium, webdataset\n",
        "with kind: karpathy -- Captions in Karpathy's JSON layout",
        "limit: whole number at least 1 or null (default null)\n            most images to take",
        '--many: list of one of a, b (default ["a"])',
        "--path: path (required)",
        "--anything: anything (default null)",
    ):
        assert told in text, text


def test_help_describes_every_setting_at_every_depth() -> None:
    """What a number counts or measures stands in its description."""
    lacking = set()
    for name, verb in VERBS.items():
        if verb.settings is None:
            continue
        schema = verb.settings.model_json_schema()
        for part in (schema, *schema.get("$defs", {}).values()):
            for key, entry in part.get("properties", {}).items():
                if "description" not in entry and "const" not in entry and "$ref" not in entry:
                    lacking.add((name, part["title"], key))
    assert not lacking


def test_help_lists_the_verbs(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--help"])
    text = capsys.readouterr().out
    assert caught.value.code == 0 and all(name in text for name in VERBS)


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
    with pytest.raises(SystemExit) as caught:
        main(["select", "--ratio", "0.5"])
    told = capsys.readouterr().err
    assert caught.value.code == 2 and told.count("\n") == 1
    assert told.startswith("winnow select: ") and "--scores" in told
    assert "did you mean 'select'?" in run(["selct", "--ratio=0.5"], capsys)


def test_an_unknown_role_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths = [f"--{name}={tmp_path}" for name in ("pool", "human", "output")]
    with pytest.raises(SystemExit) as caught:
        main(["train-standin", *paths, "--role=clap", "--samples-seen=1"])
    assert caught.value.code == 2
    assert "domain_clip" in capsys.readouterr().err


def test_a_place_that_cannot_be_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    told = run(["schema-json", "--output", str(tmp_path / "file" / "a.json")], capsys)
    assert "a.json" in told


def test_the_installed_command() -> None:
    """Exit status 2, one line, no traceback; help comes without loading torch."""
    code = "import sys; from winnow.cli import main; sys.exit(main(sys.argv[1:]))"
    words = ["select", "--scores=no.parquet", "--pool=no", "--output=no.out", "--ratio=0.5"]
    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True)
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr == "winnow select: no.parquet: no such table\n"
    light = (
        "import sys, contextlib; from winnow.cli import main\n"
        "with contextlib.suppress(SystemExit): main(['score', '--help'])\n"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", light], capture_output=True).returncode == 0
