"""What a cache key holds of code and of people's files: all that is read, and nothing else."""

import os
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from workflow_helpers import ROOT

from winnow.command import code
from winnow.command.rules import command_text
from winnow.data import content_digests
from winnow.data.content_digests import content_digest
from winnow.data.errors import WinnowError
from winnow.scoring.scorers import NAMES, place

CACHED = (
    code.code_digest,
    code.command_files,
    code._modules,
    code._remembered,
    code._imported_by,
    code._find,
    code._parsed,
    code._file_digest,
)


def forget() -> None:
    """Files are read once in a process."""
    for function in CACHED:
        function.cache_clear()


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of winnow's sources that may be edited."""
    copy = tmp_path / "winnow"
    shutil.copytree(ROOT / "src/winnow", copy)
    monkeypatch.setattr(code, "ROOT", copy)
    forget()
    yield copy
    forget()


def edited(path: Path) -> None:
    path.write_text(path.read_text() + "# a remark\n")
    forget()


@pytest.mark.parametrize(
    ("module", "runs", "does_not"),
    [
        ("preferences/model_candidates.py", ("generate-candidates",), ("score", "pool", "select")),
        ("preferences/text_pairs.py", ("preference-pairs",), ("train-contrastive",)),
        ("preferences/rating.py", ("rate", "evaluate-judge"), ("score", "pool")),
        ("assertions/check.py", ("check-captions", "evaluate-mllm"), ("score", "pool")),
        ("assertions/lexicon.yaml", ("check-captions", "integrate"), ("score", "pool")),
        ("scoring/scorer.py", ("score",), ("pool", "select", "train-contrastive")),
        ("scoring/scorers/clip.py", ("evaluate-captions",), ("score", "pool")),
        ("models/mmsegmentation.py", ("train-segmentor",), ("score", "train-generator")),
        ("terrarium/noise.py", ("raw-captions",), ("select", "score")),
        ("params/__init__.py", ("score", "pool"), ()),
        (
            "tracks/generation/metrics.py",
            ("leaderboard", "claims", "generation"),
            ("train-generator", "evaluate-generation", "train-contrastive"),
        ),
    ],
)  # fmt: skip
def test_a_verb_is_new_when_a_module_is_that_it_runs(
    package: Path, module: str, runs: tuple[str, ...], does_not: tuple[str, ...]
) -> None:
    before = {verb: code.code_digest(verb) for verb in (*runs, *does_not)}
    edited(package / module)
    assert [verb for verb in runs if code.code_digest(verb) == before[verb]] == []
    assert [verb for verb in does_not if code.code_digest(verb) != before[verb]] == []


def test_scores_are_new_when_their_own_scorer_is(package: Path) -> None:
    before = {name: code.user_code(place(name)) for name in NAMES}
    edited(package / "scoring/scorers/clip.py")
    changed = {name for name in NAMES if code.user_code(place(name)) != before[name]}
    assert changed == {"clip", "siglip", "domain_clip", "rotation"}
    edited(package / "scoring/scorer.py")
    assert all(code.user_code(place(name)) != before[name] for name in NAMES)


def test_verbs_of_one_module_are_told_apart(package: Path) -> None:
    before = {verb: code.code_digest(verb) for verb in ("score", "combine-scores")}
    path = package / "scoring/verbs.py"
    path.write_text(path.read_text().replace("return 2 if torch", "return 3 if torch"))
    forget()
    assert code.code_digest("score") != before["score"]  # it calls the function
    assert code.code_digest("combine-scores") == before["combine-scores"]


def test_a_rule_has_the_digest_of_the_code_that_it_runs() -> None:
    for name in code.command_files():
        text = command_text(name)
        assert text.startswith(f"winnow {name} ")
        assert text.endswith(f"# code {code.code_digest(name)}")


def test_what_a_verb_imports_as_it_runs_is_in_its_digest(tmp_path: Path) -> None:
    """By hand, in another process: the modules that appear are among those found in the sources."""
    script = f"""
        import importlib, sys
        from winnow.command import code, line
        from winnow.scoring.scorers import place
        for path in code.command_files().values():
            importlib.import_module(code.module_name(path))
        def run(verb, *words):
            before = set(sys.modules)
            assert line.main([verb, "--threads=1", *words]) == 0
            new = {{n for n in set(sys.modules) - before if n.startswith("winnow.")}}
            module = code._parsed(code.command_files()[verb])
            reached = code._reached(module, verb.replace("-", "_"))
            own = [place("text").partition(":")[0]]  # whose digest the rule has beside it
            unseen = new - code._closure([*code._imports(module, reached), *own])
            assert new and not unseen, (verb, unseen)
        run("pool", "--output={tmp_path}/pool", "--human={tmp_path}/human.parquet",
            "--layouts={tmp_path}/layouts.parquet",
            "--source={{kind: terrarium, pool: 4, reference: 2, test: 2}}")
        run("raw-captions", "--pool={tmp_path}/pool", "--human={tmp_path}/human.parquet",
            "--layouts={tmp_path}/layouts.parquet", "--output={tmp_path}/raw.parquet",
            "--truth={tmp_path}/truth.parquet")
        run("score", "--pool={tmp_path}/pool", "--captions={tmp_path}/raw.parquet",
            "--output={tmp_path}/scores.parquet", "--scorer=text")
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(script)], check=True)


# a user's own class


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Write modules of a user's, and say what the digest of one is now."""
    monkeypatch.syspath_prepend(tmp_path)

    def write(**modules: str) -> str:
        for name, text in modules.items():
            (tmp_path / f"{name}.py").write_text(text)
        forget()
        return code.user_code("my_scorers:Mine")

    return write


def test_a_users_module_and_what_it_imports_beside_it(mine: Callable[..., str]) -> None:
    plain = mine(my_scorers="import numpy\nclass Mine: pass\n")
    assert mine(my_scorers="import numpy\nclass Mine: pass\n") == plain
    assert mine(unrelated="x = 1\n") == plain
    late = "class Mine:\n    def score(self):\n        import my_helpers\n"
    first = mine(my_scorers=late, my_helpers="from my_data import table\n", my_data="table = 1\n")
    assert first != plain
    assert mine(my_data="table = 2\n") != first


def test_a_users_package_with_relative_imports(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    package = tmp_path / "my_package"
    package.mkdir()
    for name, text in (
        ("__init__", ""),
        ("scorers", "from . import parts\n"),
        ("inner", "x = 1\n"),
    ):
        (package / f"{name}.py").write_text(text)
    (package / "parts.py").write_text("from .inner import x\n")
    forget()
    first = code.user_code("my_package.scorers:Mine")
    (package / "inner.py").write_text("x = 2\n")
    forget()
    assert code.user_code("my_package.scorers:Mine") != first


def test_a_users_code_is_read_and_not_run(mine: Callable[..., str]) -> None:
    assert mine(my_scorers="raise SystemExit('was run')\n")


@pytest.mark.parametrize("content", [b"class Mine(:\n", b"\0", b"x = '\xff'\n"])
def test_a_users_module_that_is_no_python_is_named(
    mine: Callable[..., str], tmp_path: Path, content: bytes
) -> None:
    mine(my_scorers="")
    (tmp_path / "my_scorers.py").write_bytes(content)
    forget()
    with pytest.raises(WinnowError, match=r"my_scorers.py: no Python"):
        code.user_code("my_scorers:Mine")


def test_a_module_that_is_not_there_is_named() -> None:
    with pytest.raises(WinnowError, match=r"no module nowhere_at_all.*PYTHONPATH"):
        code.user_code("nowhere_at_all:Mine")
    with pytest.raises(WinnowError, match="no command"):
        code.code_digest("nothing")


# people's files


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def test_content_is_names_and_bytes_wherever_they_lie(tmp_path: Path) -> None:
    folder = tmp_path / "a"
    (folder / "inner").mkdir(parents=True)
    (folder / "inner/x.bin").write_bytes(b"1")
    (folder / "y\udcff.bin").write_bytes(b"2")
    digest = content_digest([folder])
    shutil.copytree(folder, tmp_path / "b")
    assert content_digest([tmp_path / "b"]) == digest
    (folder / "inner/x.bin").rename(folder / "inner/z.bin")
    assert content_digest([folder]) != digest


def test_remembered_content_is_read_again_when_it_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        content_digests, "SETTLED_S", -1.0
    )  # else what was just written is not remembered
    file = tmp_path / "x.bin"
    file.write_bytes(b"1")
    first = content_digest([file])
    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", lambda *_: pytest.fail("it was read again"))
        assert content_digest([file]) == first
    file.write_bytes(b"2")
    second = content_digest([file])
    times = file.stat()
    file.write_bytes(b"3")  # the same size, and made to look as old
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert len({first, second, content_digest([file])}) == 3


def test_content_behind_links_counts_and_circles_end(tmp_path: Path) -> None:
    (tmp_path / "real/inner").mkdir(parents=True)
    (tmp_path / "real/inner/x.bin").write_bytes(b"1")
    (tmp_path / "real/inner/back").symlink_to(tmp_path / "real")
    (tmp_path / "seen").mkdir()
    (tmp_path / "seen/link").symlink_to(tmp_path / "real/inner")
    first = content_digest([tmp_path / "seen"])
    (tmp_path / "real/inner/x.bin").write_bytes(b"2")
    assert content_digest([tmp_path / "seen"]) != first


@pytest.mark.parametrize("damage", [b"no database", None])
def test_digests_are_made_where_none_can_be_remembered(
    tmp_path: Path, damage: bytes | None
) -> None:
    place = tmp_path / "cache/winnow/digests.sqlite"
    if damage:
        place.parent.mkdir(parents=True)
        place.write_bytes(damage)
    else:
        place.mkdir(parents=True)
    (tmp_path / "x.bin").write_bytes(b"1")
    assert content_digest([tmp_path / "x.bin"]) == content_digest([tmp_path / "x.bin"])


def test_content_that_is_not_there_is_no_error(tmp_path: Path) -> None:
    assert content_digest([tmp_path / "nothing"]) != content_digest([])
