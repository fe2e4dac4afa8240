"""How far long jobs are, as the terminal tells it."""

import os
import sys
from pathlib import Path

import pytest
from tqdm import tqdm

from winnow import progress


def test_the_last_bar_of_each_log_that_moves(tmp_path: Path) -> None:
    (tmp_path / "train/raw/clip").mkdir(parents=True)
    with (tmp_path / "train/raw/clip/0.3.log").open("w") as log:
        for _ in tqdm(range(4), unit="step", file=log, mininterval=0):
            pass
    (tmp_path / "pool.log").write_text("240 of 240 images kept\n")
    (line,) = progress.bars(tmp_path, since=0)
    assert line.startswith("train/raw/clip/0.3: 100%|") and "4/4 [" in line and "step/s" in line
    os.utime(tmp_path / "train/raw/clip/0.3.log", (1, 1))
    assert progress.bars(tmp_path, since=2) == []


def test_a_job_that_ended_or_failed_has_no_bar(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text("50%|#####     | 2/4 [00:01<00:01]\nwinnow: it failed\n")
    (tmp_path / "b.log").write_bytes(b"")
    (tmp_path / "c.log").write_bytes(b"\x1b[31m 50%|##| 2/4 [00:01<00:01, 1step/s]\xff\x07")
    (line,) = progress.bars(tmp_path, since=0)
    assert line.startswith("c: [31m 50%") and line.isprintable()


def test_nothing_is_told_where_no_terminal_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress.threading, "Thread", lambda **_: pytest.fail("it watches"))
    assert not sys.stderr.isatty()
    progress.start(tmp_path)
