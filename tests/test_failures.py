"""What goes wrong: wrong parameters, killed runs, full disks. Clear words, and nothing lost."""

import json
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pandas as pd
import psutil
import pytest
from workflow_helpers import SECONDS, Clone, clone, contents, kill

SUBSET = "artifacts/subsets/raw/random/0.3.parquet"
MODEL = "artifacts/models/contrastive/raw/random/0.3/0"
SPOILT = {  # a table of scores, and what is said of it
    "short": (lambda t: t.drop(columns="score"), "column 'score' is missing"),
    "empty": (lambda t: t.assign(score=float("nan")), "no value (null or NaN) in row 0"),
    "partial": (lambda t: t.iloc[1:], "no score for uid"),
    "doubled": (lambda t: pd.concat([t, t.iloc[:1]]), "occurs again in row"),
}


@pytest.fixture(scope="module")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """A clone in which no job ever runs."""
    folder = tmp_path_factory.mktemp("untouched")
    return clone(folder / "clone", folder / "state")


def one_line(text: str) -> str:
    """What a run that stopped before any job said, after Snakemake's own notes on its files."""
    assert "Traceback" not in text and "Building DAG" not in text
    lines = [line for line in text.splitlines() if line]
    notes = ("Using workflow specific profile", "Config file")
    (line,) = [line for line in lines if not line.startswith(notes)]
    return line


# wrong parameters


def test_a_wrong_setting_stops_the_run_in_one_line(untouched: Clone) -> None:
    """What each kind of fault is told is in test_layers and test_params."""
    result = untouched.run("snakemake", "--cores", "1", "--config", "ratio=1.5")
    assert result.code != 0
    line = one_line(result.text)
    assert line.startswith("the command line: ratio") and "is 1.5" in line


def test_a_wrong_file_stops_the_run_in_one_line(untouched: Clone) -> None:
    (untouched.folder / "mine.yaml").write_text("pool:\n  shardsize: 5\n")
    result = untouched.run("snakemake", "--cores", "1", "--configfile", "mine.yaml")
    assert result.code != 0
    line = one_line(result.text)
    assert line.startswith("mine.yaml:2: pool.shardsize") and "did you mean 'shard_size'" in line


def test_cache_that_cannot_be_written_is_one_line(untouched: Clone, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("a file is no folder")
    place = str(tmp_path / "file/cache")
    result = untouched.run("snakemake", "--cores", "1", SNAKEMAKE_OUTPUT_CACHE=place)
    assert result.code != 0
    line = one_line(result.text)
    assert line.startswith(place) and "SNAKEMAKE_OUTPUT_CACHE" in line


# a table of scores that somebody brings


def test_wrong_scores_are_named(small: Clone) -> None:
    good = "artifacts/scores/raw/random.parquet"
    small.snakemake("--quiet", "all", "--", good)
    for name, (spoil, _) in SPOILT.items():
        spoil(pd.read_parquet(small.folder / good)).to_parquet(small.folder / f"{name}.parquet")
    scorers = ", ".join(f"{name}: {{scores: {name}.parquet}}" for name in SPOILT)
    targets = [f"artifacts/scores/raw/{name}.parquet" for name in SPOILT]
    config = ["--config", f"scorers={{{scorers}}}", "--keep-going"]
    result = small.run("snakemake", "--cores", "2", *config, "--", *targets)
    assert result.code != 0 and "Traceback" not in result.text
    lines = [line for line in result.text.splitlines() if line.startswith("winnow score:")]
    assert len(lines) == len(SPOILT)
    for name, (_, expected) in SPOILT.items():
        (line,) = [line for line in lines if f"{name}.parquet: " in line]
        assert expected in line
    assert not [target for target in targets if (small.folder / target).exists()]


def test_scores_that_are_not_there_are_named(small: Clone) -> None:
    config = ["--config", "scorers={mine: {scores: nowhere.parquet}}"]
    result = small.run("snakemake", "--cores", "2", *config)
    assert result.code != 0
    line = one_line(result.text)
    assert line.startswith("the command line: scorers.mine.scores: ")
    assert "nowhere.parquet: no such file or folder" in line
    assert not (small.folder / "artifacts/scores").exists()


# killed runs


def training(made: Clone) -> tuple[subprocess.Popen[str], psutil.Process]:
    """Start Snakemake, wait until a job has begun to train; returns both processes."""
    shutil.rmtree(made.folder / "logs", ignore_errors=True)
    run = made.start("snakemake", "--cores", "2")
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and run.poll() is None:
        for log in made.folder.glob("logs/train_contrastive/**/*.log"):
            if "step/s" in log.read_text():
                return run, _job(run, str(log.relative_to(made.folder)))
        time.sleep(0.01)
    kill(run)
    pytest.fail(f"no training began\n{run.communicate()[0]}")


def _job(run: subprocess.Popen[str], log: str) -> psutil.Process:
    """The `winnow` process that writes to a log."""
    output = log.removeprefix("logs/train_contrastive/").removesuffix(".log")
    for process in psutil.Process(run.pid).children(recursive=True):
        words = process.cmdline()
        if "train-contrastive" in words and any(word.endswith(output) for word in words):
            return process
    raise AssertionError(f"no process trains {output}")


def finished_looking(made: Clone) -> list[str]:
    """Files that lie where finished ones do, and are not."""
    return [
        str(path)
        for path in (made.folder / "artifacts").rglob("*")
        if path.is_file() and not path.stat().st_size and path.name != ".snakemake_timestamp"
    ]


def entries(made: Clone) -> dict[str, bytes]:
    """What a run can find in a clone's cache; manifests list measured times, too."""
    found = contents(made.cache).items()
    return {name: content for name, content in found if re.match("[0-9a-f]{32}/outputs/", name)}


def test_killed_jobs_and_runs_end_as_an_undisturbed_one(
    smoke: Clone, victim: Clone, undisturbed: Clone
) -> None:
    # a job
    run, job = training(victim)
    job.send_signal(signal.SIGKILL)
    text, _ = run.communicate(timeout=SECONDS)
    assert run.returncode != 0 and "Error in rule train_contrastive" in text
    assert "Traceback" not in text and not finished_looking(victim)

    # the whole run
    run, _ = training(victim)
    kill(run)
    run.communicate(timeout=SECONDS)
    assert not finished_looking(victim)

    # what Snakemake says to do
    refused = victim.run("snakemake", "--cores", "2")
    assert refused.code != 0 and "--unlock" in refused.text
    victim.expect("snakemake", "--unlock")

    # to the end, with another run in the same folder
    run, _ = training(victim)
    second = victim.run("snakemake", "--cores", "2")
    assert second.code != 0 and "Directory cannot be locked" in second.text
    text, _ = run.communicate(timeout=SECONDS)
    assert run.returncode == 0, text
    assert victim.results() == undisturbed.results()
    expected, found = entries(undisturbed), entries(victim)
    assert {name: found.get(name) for name in expected} == expected
    assert found.keys() <= expected.keys() | entries(smoke).keys()


def test_full_disk_leaves_nothing_that_looks_finished(
    smoke: Clone, victim: Clone, undisturbed: Clone
) -> None:
    """A limit on the size of files stands in for it: the answer comes at the same place."""
    victim.snakemake("--quiet", "all", "--", SUBSET, "released/standins/clip")
    blocks = 1024  # KiB, less than the weights need
    full = victim.run("bash", "-c", f"ulimit -f {blocks}; snakemake --cores 2 -- {MODEL}")
    assert full.code != 0 and "Traceback" not in full.text
    assert [line for line in full.text.splitlines() if "cannot write" in line], full.text
    assert not (victim.folder / MODEL).exists() and not finished_looking(victim)
    assert entries(victim).keys() <= entries(smoke).keys()
    victim.snakemake("--", MODEL)
    assert contents(victim.folder / MODEL) == contents(undisturbed.folder / MODEL)
    assert json.loads((victim.folder / MODEL / "training.json").read_text())["parameters"]
