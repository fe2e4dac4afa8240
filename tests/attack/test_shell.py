"""What people name: folders and files whose names a shell would run, did they reach it bare."""

import json
import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import fakes
import pandas as pd
import pytest
import yaml
from workflow_helpers import ODD, ROOT, Clone, clone

from winnow.command.code import command_files
from winnow.command.rules import command_text

ODD_NAMES = "p $(touch X)`touch X`;touch X&'\" é"  # of files, to which their ending is added
PLACEHOLDER = re.compile(r"\{(input|output|log|threads|params|wildcards)([^}]*)\}")
# Instead of the commands themselves: a shell splits each line, and each word is noted.
STUB = "note() { printf '%s\\0' \"$@\" >&9; printf '\\n\\0' >&9; }\n" + "\n".join(
    f'{name}() {{ note {name} "$@"; }}' for name in ("winnow", "dvc")
)


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """A clone in an odd folder in which no job ever runs."""
    base = tmp_path_factory.mktemp("odd")
    return clone(base / ODD, base / f"{ODD}.caches")


def commands(made: Clone, content: dict[str, Any], targets: list[str]) -> list[str]:
    """What a run with these parameters would give to a shell."""
    (made.folder / "mine.yaml").write_text(yaml.safe_dump(content, allow_unicode=True))
    words = ["--dry-run", "--printshellcmds", "--configfile", "mine.yaml", "--", *targets]
    text = made.snakemake(*words).text
    found = re.findall(r"^Shell command: (?!None$)(.*)$", text, re.MULTILINE)  # None: a target
    assert found, text
    return list(
        dict.fromkeys(re.sub(r" > \S+ 2>&1( # code \w+)?$", "", line.strip()) for line in found)
    )


def split_by_a_shell(lines: list[str], folder: Path) -> list[list[str]]:
    """The words of each line, as bash has them after all that it expands and runs."""
    folder.mkdir(parents=True)
    script, out = folder / "script", folder / "words"
    script.write_text("\n".join([STUB, *lines, ""]))
    with out.open("wb") as noted:
        subprocess.run(
            ["bash", "-c", 'exec 9>&1; . "$0"', str(script)],
            cwd=folder,
            stdout=noted,
            check=True,
            timeout=60,
        )
    commands = out.read_bytes().decode().split("\n\0")[:-1]
    assert {path.name for path in folder.iterdir()} == {"script", "words"}, "something was run"
    return [command.split("\0")[:-1] for command in commands]


def named_in(words: list[list[str]], path: Path | str) -> bool:
    """Whether a path, by its end, is a word, the value of an option, or in a value in JSON."""
    name = Path(path).name
    ends = (name, json.dumps(name)[1:-1])
    return any(end in word for command in words for word in command for end in ends)


def test_nothing_of_a_users_files_is_run(planned: Clone, tmp_path: Path) -> None:
    place = tmp_path / ODD_NAMES
    place.mkdir()
    for name in ("perspectives", "rubric", "questions"):
        shutil.copy(ROOT / f"workflow/{name}.yaml", place / f"{name} {ODD_NAMES}.yaml")
    text_pairs = place / f"texts {ODD_NAMES}.jsonl"
    text_pairs.write_text('{"prompt": "a", "preferred": "b", "other": "c"}\n')
    scores = place / f"scores {ODD_NAMES}.parquet"
    pd.DataFrame({"uid": ["a"], "caption_id": [0], "score": [0.5]}).to_parquet(scores)
    models = place / f"model {ODD_NAMES}"
    models.mkdir()
    images = place / f"images {ODD_NAMES}"
    images.mkdir()
    content = {
        "captioning": {"perspectives": str(place / f"perspectives {ODD_NAMES}.yaml")},
        "preferences": {
            "rubric": str(place / f"rubric {ODD_NAMES}.yaml"),
            "questions": str(place / f"questions {ODD_NAMES}.yaml"),
            "text_pairs": str(text_pairs),
        },
        "scorers": {"mine": {"scores": str(scores)}},
        "models": {
            "siglip": {"loader": "open_clip", "id": "ViT-B-32", "pretrained": str(models)},
            "mllm_small": {"loader": "transformers", "id": str(models)},
        },
        "generation": {"baselines": {"theirs": {"images": str(images)}}},
    }
    lines = commands(planned, content, ["all", "released/standins/clip"])
    words = split_by_a_shell(lines, tmp_path / "shell")
    assert len(words) == len(lines)
    assert words == [
        shlex.split(re.sub(r"^DVC_SYSTEM_CONFIG_DIR=\S+ ", "", line)) for line in lines
    ]
    named = [*place.glob("*.yaml"), text_pairs, scores, models, images]
    assert [path for path in named if not named_in(words, path)] == []


def test_nothing_of_a_users_source_is_run(planned: Clone, tmp_path: Path) -> None:
    place = tmp_path / ODD_NAMES
    farm = place / "images" / ODD_NAMES
    farm.mkdir(parents=True)
    for number in range(4):
        (farm / f"{number}.png").write_bytes(fakes.picture(number))
    sets, masks = place / f"sets {ODD_NAMES}", place / f"masks {ODD_NAMES}"
    for folder in (sets, masks):
        shutil.copytree(place / "images", folder)
    content = {
        "folder": str(tmp_path / f"runs {ODD}"),
        "source": {"kind": "classes", "images": str(place / "images")},
        "annotations": {"masks": str(masks), "mask_classes": {1: "$(touch X)"}},
        "zeroshot": {"folders": {"theirs": str(sets)}},
        "segmentation": {
            "data": {
                "layout": "folder",
                "images": str(sets),
                "masks": str(masks),
                "classes": ["a $(touch X)", "b"],
            }
        },
    }
    lines = commands(planned, content, ["all"])
    words = split_by_a_shell(lines, tmp_path / "shell")
    assert words == [shlex.split(line) for line in lines]
    assert named_in(words, sets) and named_in(words, masks) and named_in(words, ODD_NAMES)
    assert any("a $(touch X)" in word for command in words for word in command)
    # The released stand-ins, which lie in the clone, as seen from this folder
    assert any(f"{ODD}/released/standins" in word for command in words for word in command)


def test_every_input_is_quoted_and_no_wildcard_reaches_a_shell() -> None:
    texts = [command_text(name) for name in command_files()]
    for rules in sorted((ROOT / "workflow/rules").glob("*.smk")):  # what stands in their place
        texts += re.findall(r"^ +shell:\n +(.*\n(?: {8}.*\n)*)", rules.read_text(), re.MULTILINE)
    found = [one for text in texts for one in PLACEHOLDER.findall(text)]
    for kind, rest in found:
        assert kind != "wildcards"
        assert kind in ("log", "threads") or rest == ".options" or rest.endswith(":q"), kind + rest
    assert len(found) > 200


def test_no_command_of_ours_is_given_to_a_shell_as_a_text() -> None:
    """`shell=True`, and whatever else of Python's starts one."""
    calls = re.compile(r"shell=True|os\.(system|popen)\(|getoutput\(|^\s*shell\(", re.MULTILINE)
    files = [*(ROOT / "src").rglob("*.py"), *(ROOT / "workflow").rglob("*.py"), ROOT / "Snakefile"]
    assert [path.name for path in files if calls.search(path.read_text())] == []


def test_make_refuses_a_folder_that_pip_would_have_a_shell_run(tmp_path: Path) -> None:
    for name, refused in ((ODD, True), ("a `touch x`", True), ("a b'é", False)):
        folder = tmp_path / name
        folder.mkdir()
        shutil.copy(ROOT / "Makefile", folder)
        for needed in ("requirements.txt", "pyproject.toml"):
            (folder / needed).touch()
        ended = subprocess.run(
            ["make", "--dry-run", "lint"], cwd=folder, capture_output=True, text=True
        )
        assert (ended.returncode != 0) == refused
        assert ("pip puts this path" in ended.stderr) == refused
        assert not (folder / "x").exists()
