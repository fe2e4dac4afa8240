"""Around a run: a clone is moved, a cache cleared, a scorer edited, a plan looked at first."""

import os
import re
import shlex
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import fakes
import pandas as pd
import pytest
import yaml
from workflow_helpers import ROOT, Clone, clone, contents, shrink

from winnow.data.tables import CAPTIONS, read_table

NOTHING = "Nothing to be done"
SCORER = """
import numpy as np
from winnow.scoring.scorers import Scorer
from my_words import weight

class Mine(Scorer):
    sees_images = False

    def __init__(self, context, factor):
        super().__init__(context)
        self.factor = float(open(factor).read()) * weight

    def score(self, batch):
        return np.array([self.factor * len(text) for text in batch.text])
"""


def files(folder: Path) -> set[Path]:
    return set(folder.rglob("*"))


def test_a_run_ends_with_what_it_found_and_where(small: Clone) -> None:
    text = small.snakemake().text
    end = text[text.index("Controls  ") :]  # this run has no method
    assert "raw/random at 30%" in end and "raw/none at 100%" in end and "Claims  " in end
    assert "results/leaderboard.md" in end and "results/site/index.html" in end
    assert "input: results/leaderboard.csv" not in text
    assert "images kept" in (small.folder / "logs/pool.log").read_text()  # it came from the cache
    shutil.rmtree(small.folder / "artifacts/pool")
    (small.folder / "logs/pool.log").unlink()
    small.snakemake("--", "artifacts/pool")
    assert "images kept" in (small.folder / "logs/pool.log").read_text()


def test_a_dry_run_creates_nothing(tmp_path: Path) -> None:
    made = clone(tmp_path / "clone", tmp_path / "state")
    before = files(made.folder)
    made.snakemake("--dry-run", "--config", "scale=smoke", "folder=runs/a/b")
    made.snakemake("--dry-run")
    assert files(made.folder) == before
    assert not made.cache.exists()


def test_a_moved_clone_has_nothing_to_do_and_lost_files_are_made_again(
    small: Clone, tmp_path: Path
) -> None:
    small.snakemake("--quiet", "all")
    before = small.results()
    place = tmp_path / "moved here"
    shutil.copytree(small.folder, place, symlinks=True)
    environment = small.environment | {"PYTHONPATH": str(place / "src")}
    moved = Clone(place, environment)
    assert NOTHING in moved.snakemake().text
    lost = place / "artifacts/models/contrastive/raw/random/0.3/0/open_clip_model.safetensors"
    for path in (lost, place / "artifacts/scores/raw/random.parquet"):
        path.unlink()
        path.symlink_to(tmp_path / "a cache that is gone")
    assert "2 files of" in moved.snakemake("--dry-run").text and lost.is_symlink()
    asked = (str(lost.parent.relative_to(place)), "artifacts/scores/raw/random.parquet")
    text = moved.snakemake("--", *asked).text
    assert "2 files of" in text and "lost them" in text and NOTHING not in text
    assert lost.stat().st_size > 1000
    moved.snakemake("--quiet", "all")
    assert moved.results() == before


def test_two_cold_runs_at_once_leave_a_cache_that_is_whole(tmp_path: Path) -> None:
    made = [clone(tmp_path / name, tmp_path / "state") for name in ("one", "two")]
    for one in made:
        one.change(shrink)
    targets = ("artifacts/scores/raw/random.parquet", "artifacts/scores/raw/none.parquet")
    with ThreadPoolExecutor() as pool:
        texts = [
            result.text for result in pool.map(lambda one: one.snakemake("--", *targets), made)
        ]
    moved = [set(re.findall(r"Moving output file (\S+) to cache", text)) for text in texts]
    assert "artifacts/pool" in moved[0] & moved[1], "they did not store the same at once"
    first, second = (contents(one.folder / "artifacts") for one in made)
    assert first == second and len(first) > 10
    checked = made[0].expect("winnow", "cache", "check").text
    assert "none is damaged" in checked and "earlier" not in checked
    assert sorted({path.name for path in made[0].cache.rglob("*") if path.is_symlink()}) == []
    entries = {
        path.resolve().relative_to(made[0].cache).parts[0]
        for one in made
        for path in (one.folder / "artifacts").rglob("*")
        if path.is_symlink()
    }
    assert {path.name for path in made[0].cache.iterdir()} == entries


def test_a_damaged_output_is_made_again_as_its_reader_says(small: Clone) -> None:
    small.snakemake("--quiet", "all", "--", "artifacts/pool")
    table = small.folder / "artifacts/pool/samples.parquet"
    whole = table.read_bytes()

    def damage() -> None:
        place = table.resolve()
        place.unlink()  # the cache has hard links
        place.write_bytes(whole[:-10])

    damage()
    inputs = ("--pool", "artifacts/pool", "--human", "artifacts/captions/human.parquet")
    words = ("list-prompts", *inputs, "--images", "4", "--output", "prompts.csv")
    refused = small.run("winnow", *words)
    assert refused.code == 2 and refused.text.count("\n") == 1 and "is damaged" in refused.text
    small.expect(*shlex.split(re.findall("`(winnow cache evict [^`]+)`", refused.text)[0]))
    assert "lost them" in small.snakemake("--", "artifacts/pool").text
    assert table.read_bytes() == whole
    small.expect("winnow", *words)
    damage()
    shutil.rmtree(table.parent)
    assert "the job runs again" in small.snakemake("--", "artifacts/pool").text
    assert table.read_bytes() == whole
    assert "none is damaged" in small.expect("winnow", "cache", "check").text


def test_an_edited_scorer_scores_anew_and_no_other_does(small: Clone) -> None:
    modules = small.folder / "modules"
    modules.mkdir()
    own = {"use": "my_scorers:Mine", "files": {"factor": "factor.txt"}}
    small.change(lambda content: content["scorers"].update(mine=own))
    factor = small.folder / "factor.txt"
    factor.write_text("1")
    (modules / "my_scorers.py").write_text(SCORER)
    small.change(lambda content: content.update(folder="runs/mine"))  # where `modules` is not
    path = f"modules{os.pathsep}{small.environment['PYTHONPATH']}"
    table = "artifacts/scores/raw/mine.parquet"

    def scored(weight: str) -> tuple[float, list[str]]:
        (modules / "my_words.py").write_text(f"weight = {weight}\n")
        text = small.snakemake("--", table, PYTHONPATH=path).text
        return pd.read_parquet(small.folder / "runs/mine" / table)["score"].abs().sum(), re.findall(
            r"Moving output file (artifacts/scores/\S+)\.parquet", text
        )

    first, made = scored("1")
    assert made == ["artifacts/scores/raw/mine"]
    second, made = scored("2")
    assert second == 2 * first and made == ["artifacts/scores/raw/mine"]
    again, made = scored("1")
    assert again == first and made == []  # from the cache
    factor.write_text("3")
    third, made = scored("1")
    assert third == 3 * first and made == ["artifacts/scores/raw/mine"]
    planned = small.snakemake("--dry-run", "--forcerun", table, "--", table, PYTHONPATH=path).text
    assert re.search(r"^score +1$", planned, re.MULTILINE)
    (modules / "my_scorers.py").unlink()
    refused = small.run("snakemake", "--cores", "1", "--", table, PYTHONPATH=path)
    assert "scorers.mine: " in refused.text and "PYTHONPATH" in refused.text
    assert "Traceback" not in refused.text


def test_braces_and_blanks_in_what_a_user_names_are_taken_as_they_are(
    small: Clone, tmp_path: Path
) -> None:
    folder = tmp_path / "my {data}; $(touch hacked)"
    folder.mkdir()
    for first, name in enumerate(("pub", "rs")):
        members = [
            (f"farm_{number}.{suffix}", content)
            for number in range(6)
            for suffix, content in (
                ("png", fakes.picture(10 * first + number)),
                ("txt", f"{name} {number}".encode()),
            )
        ]
        fakes.write_tar(folder / f"{name}-0000.tar", members)
    perspectives = folder / "asked.yaml"
    shutil.copy(ROOT / "workflow/perspectives.yaml", perspectives)
    content = {
        "folder": str(tmp_path / "runs {here}"),
        "source": {
            "kind": "webdataset",
            "shards": f"{folder}/{{pub,rs}}-{{0000..0000}}.tar",
            "scene_pattern": "^([a-z]{3,9})_",
        },
    }
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(content))
    named = ("--configfile", str(tmp_path / "mine.yaml"))
    small.snakemake(*named, "--", "artifacts/captions/human.parquet")
    captions = read_table(tmp_path / "runs {here}/artifacts/captions/human.parquet", CAPTIONS)
    assert set(captions["text"]) == {f"{name} {n}" for name in ("pub", "rs") for n in range(6)}
    given = captions[["uid", "caption_id"]].assign(score=range(len(captions)))
    given.to_parquet(folder / "scores.parquet")
    content["captioning"] = {"perspectives": str(perspectives)}
    content["scorers"] = {"given": {"scores": str(folder / "scores.parquet")}}
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(content))
    table = "artifacts/scores/human/given.parquet"
    small.snakemake(*named, "--", table)
    scores = pd.read_parquet(tmp_path / "runs {here}" / table)["score"]
    assert sorted(scores) == list(range(len(captions)))
    asked = ("--dry-run", "--printshellcmds", "--", "artifacts/captions/mllm.parquet")
    assert shlex.quote(str(perspectives)) in small.snakemake(*named, *asked).text
    assert not list(tmp_path.rglob("hacked"))


def test_a_source_is_read_again_when_its_images_change(small: Clone, tmp_path: Path) -> None:
    farm = tmp_path / "images/farm"
    farm.mkdir(parents=True)
    for number in range(4):
        (farm / f"{number}.png").write_bytes(fakes.picture(number))
    source = {"kind": "classes", "images": str(tmp_path / "images"), "reference": 0, "test": 0}
    small.change(lambda content: content.update(source=source))
    small.snakemake("--", "artifacts/pool")
    assert NOTHING in small.snakemake("--", "artifacts/pool").text
    (farm / "0.png").write_bytes(fakes.picture(5))
    assert "pool" in small.snakemake("--dry-run", "--", "artifacts/pool").text


def test_what_the_judge_cannot_rate_is_said_before_the_first_job(
    small: Clone, tmp_path: Path
) -> None:
    for number in range(12):
        image = tmp_path / f"images/{('farm', 'port')[number % 2]}/{number}.png"
        image.parent.mkdir(parents=True, exist_ok=True)
        image.write_bytes(fakes.picture(number))
    source = {"kind": "classes", "images": str(tmp_path / "images"), "reference": 0.4, "test": 0.3}
    small.change(lambda content: content.update(source=source))
    table = "artifacts/score_model/preferences/rated.parquet"
    told = small.run("snakemake", "--cores", "1", "--", table)
    assert told.code and "the judge `truth` cannot rate them" in told.text
    assert "neighbours, overview" in told.text and "Traceback" not in told.text
    assert not (small.folder / "artifacts/pool").exists()


def test_a_downloaded_archive_without_git_gets_its_stand_ins(tmp_path: Path) -> None:
    made = clone(tmp_path / "clone", tmp_path / "state")
    shutil.rmtree(made.folder / ".git")
    made.snakemake("--", "released/standins/clip")
    assert (made.folder / "released/standins/clip").is_dir()


@pytest.mark.parametrize("scale", ["smoke", "paper"])
def test_other_scales_leave_the_committed_results_alone(scale: str) -> None:
    content = yaml.safe_load((ROOT / "params.yaml").read_text())
    assert content["scales"][scale]["folder"] == f"runs/{scale}" != content["folder"]
