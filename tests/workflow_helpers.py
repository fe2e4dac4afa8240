"""Copies of the repository to run in, and the session's one smoke run, whose cache others take."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml
from filelock import FileLock

ROOT = Path(__file__).resolve().parents[1]
SECONDS = 1700  # for one command, on a busy machine
ODD = "a b$(touch x)'é"  # where clones lie: whatever of this reaches a shell unquoted is executed
# They hold measured times.
UNSTABLE = {"cost.csv", "cost.js", "cost.json"}


@dataclass
class Result:
    """How a command ended, and all that it printed."""

    code: int
    text: str
    seconds: float


@dataclass
class Clone:
    """A copy of the repository with a git history of its own, and the environment to run it."""

    folder: Path
    environment: dict[str, str] = field(repr=False)

    @property
    def cache(self) -> Path:
        """Snakemake's cache of outputs."""
        return Path(self.environment["SNAKEMAKE_OUTPUT_CACHE"])

    def start(self, *words: str, **changes: str) -> subprocess.Popen[str]:
        """Start a command in a process group of its own, so that it can be killed with its jobs."""
        return subprocess.Popen(
            words,
            cwd=self.folder,
            env=self.environment | changes,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def run(self, *words: str, **changes: str) -> Result:
        """Run a command, whatever its exit status."""
        start = time.monotonic()
        with self.start(*words, **changes) as process:
            try:
                text, _ = process.communicate(timeout=SECONDS)
            except BaseException:
                kill(process)
                raise
        return Result(process.returncode, text, time.monotonic() - start)

    def expect(self, *words: str, **changes: str) -> Result:
        """Run a command that must succeed."""
        result = self.run(*words, **changes)
        assert result.code == 0, f"{' '.join(words)}\n{result.text}"
        return result

    def snakemake(self, *words: str, **changes: str) -> Result:
        """Run Snakemake on two cores; it must succeed."""
        return self.expect("snakemake", "--cores", "2", *words, **changes)

    def git(self, *words: str) -> str:
        """Run git, which must succeed, and give back what it printed."""
        return self.expect("git", *words).text

    def commit(self) -> None:
        """Commit everything."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", "state of a test")

    def change(self, edit: Callable[[dict[str, Any]], None]) -> None:
        """Edit params.yaml."""
        path = self.folder / "params.yaml"
        content = yaml.safe_load(path.read_text())
        edit(content)
        path.write_text(yaml.safe_dump(content, sort_keys=False))

    def results(self) -> dict[str, bytes]:
        """The bytes of every file under results/ that must not differ between runs."""
        return contents(self.folder / "results")


def kill(process: subprocess.Popen[str]) -> None:
    """End a command and its jobs at once, so that none outlives a test."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def contents(folder: Path) -> dict[str, bytes]:
    """The bytes of every file below a folder by relative path, without those of measured times."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not any(path.as_posix().endswith(name) for name in UNSTABLE)
    }


def clone(folder: Path, state: Path, output_cache: Path | None = None) -> Clone:
    """Copy what git tracks or would track here, as it is now, into a repository in `folder`.

    `state` holds the user's caches: the one of outputs too, if `output_cache` names no other.
    """
    listed = subprocess.run(
        [
            "git",
            "-c",
            "safe.directory=*",
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ],
        cwd=ROOT,
        capture_output=True,
        check=True,
    ).stdout.decode()
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file() and not name.startswith("results/") and name != "dvc.lock":
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    made = Clone(folder, _environment(folder, state, output_cache))
    made.git("init", "--quiet", "--initial-branch", "main")
    made.commit()
    return made


def _environment(folder: Path, state: Path, output_cache: Path | None) -> dict[str, str]:
    """This process's, but: the clone's own package, private caches, a committer, no settings."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("SNAKEMAKE_", "DVC_", "GIT_"))}
    names = {f"GIT_{role}_NAME": "A tester" for role in ("AUTHOR", "COMMITTER")}
    mails = {f"GIT_{role}_EMAIL": "tester@example.org" for role in ("AUTHOR", "COMMITTER")}
    own = {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(folder / "src"),
        "XDG_CACHE_HOME": str(state),
        "SNAKEMAKE_OUTPUT_CACHE": str(output_cache or state / "winnow/snakemake"),
        "DVC_SITE_CACHE_DIR": str(state / "dvc"),
        "DVC_NO_ANALYTICS": "1",
    }
    return kept | names | mails | own


def smoke_in_place(content: dict[str, Any]) -> None:
    """The smoke scale, in the default folder, where DVC looks for its results."""
    content["scale"] = "smoke"
    del content["scales"]["smoke"]["folder"]


def shrink(content: dict[str, Any]) -> None:
    """The smoke scale with the controls and `raw` alone, at one keep ratio: part of the smoke."""
    smoke_in_place(content)
    content["scorers"] = {name: {} for name in ("none", "random", "oracle")}
    content["score_model"] |= {"recipes": {}, "tuned": {}}
    content["generation"] |= {"scorers": [], "captions": [], "baselines": {}}
    content["segmentation"] |= {"scorers": []}
    content["sweep"] |= {"ratios": [0.3], "scorers": ["oracle"], "captions": [], "curated": []}
    del content["scales"]["smoke"]["sweep"]


def _once(factory: pytest.TempPathFactory, name: str, fill: Callable[[Path], object]) -> Path:
    """A folder that `fill` fills once in a session: one worker does, the others wait."""
    base = factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    folder = shared / name
    with FileLock(shared / f"{name}.lock"):
        if not (folder / "done").exists():
            shutil.rmtree(folder, ignore_errors=True)  # another worker's, which failed
            folder.mkdir()
            fill(folder)
            (folder / "done").touch()
    return folder


@pytest.fixture(scope="session")
def smoke(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """A fresh clone after its first `snakemake`, at the smoke scale. Tests leave it as it is."""

    def fill(folder: Path) -> None:
        made = clone(folder / "clone", folder / "state")
        made.change(smoke_in_place)
        made.commit()
        print(f"smoke, cold: {made.snakemake().seconds:.1f} s")

    folder = _once(tmp_path_factory, ODD, fill)
    return Clone(folder / "clone", _environment(folder / "clone", folder / "state", None))


@pytest.fixture(scope="session")
def state(smoke: Clone, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The user's caches that the runs of one worker share, with all that the smoke run left."""
    folder = tmp_path_factory.mktemp("state")
    caches = Path(smoke.environment["XDG_CACHE_HOME"])
    shutil.copytree(caches, folder, ignore=lambda *_: [smoke.cache.name], dirs_exist_ok=True)
    own = folder / smoke.cache.relative_to(caches)
    shutil.copytree(smoke.cache, own, copy_function=os.link)
    return folder


@pytest.fixture
def small(smoke: Clone, tmp_path: Path, state: Path) -> Iterator[Clone]:
    """A fresh clone with `shrink`'s parameters, all of whose cells the smoke run left in the cache.

    Its own outputs are removed at the end: they are most of what the tests write.
    """
    folder = tmp_path / ODD
    made = clone(folder, state)
    made.change(shrink)
    made.commit()
    yield made
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def undisturbed(smoke: Clone, tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """A finished run whose trainings no other run did, with a cache of its own."""

    def fill(folder: Path) -> None:
        _altered(smoke, folder).snakemake("--quiet", "all")

    folder = _once(tmp_path_factory, "undisturbed", fill)
    state = Path(smoke.environment["XDG_CACHE_HOME"])
    return Clone(folder / "clone", _environment(folder / "clone", state, folder / "outputs"))


@pytest.fixture
def victim(smoke: Clone, undisturbed: Clone, tmp_path: Path) -> Clone:
    """A clone about to do what `undisturbed` did, in which things go wrong."""
    return _altered(smoke, tmp_path)


def _altered(smoke: Clone, folder: Path) -> Clone:
    """A fresh clone whose trainings differ from the smoke run's, with a copy of its cache."""
    shutil.copytree(smoke.cache, folder / "outputs", copy_function=os.link)
    state = Path(smoke.environment["XDG_CACHE_HOME"])
    made = clone(folder / "clone", state, folder / "outputs")

    def edit(content: dict[str, Any]) -> None:
        shrink(content)
        content["contrastive"]["learning_rate"] *= 1.5

    made.change(edit)
    return made
