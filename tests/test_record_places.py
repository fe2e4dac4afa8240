"""What is saved and recorded names no folder of the user's, and what moves later digits."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import yaml

from winnow.data import hardware as machine
from winnow.data.hardware import hardware
from winnow.data.provenance import provenance
from winnow.models import clip, diffusion, mllm, score, segmentor, transformers_folder
from winnow.models.segmentation_networks import configuration
from winnow.params.load import read, resolve
from winnow.tracks.registry import expected
from winnow.training.model_record import SCORE_MODEL, SEGMENTOR, write_trained

ROOT = Path(__file__).parents[1]
pytestmark = pytest.mark.usefixtures("same_environment")


def save_clip(start: Path, folder: Path) -> None:
    clip.save(clip.load(start), folder)


def save_generator(start: Path, folder: Path) -> None:
    diffusion.save(diffusion.load(start), folder)


def save_mllm(start: Path, folder: Path) -> None:
    mllm.save(*transformers_folder.load(start, torch.float32), folder)


def save_score_model(start: Path, folder: Path) -> None:
    first, second = score.start_from(start, 0), folder.with_name("stage")
    second.mkdir()
    score.save(first, second)
    score.save(score.start_from(second, 0), folder)


def save_segmentor(start: Path, folder: Path) -> None:
    network = str(start / "mine.yaml")
    made = segmentor.build(network, ["water", "road"], 0)
    segmentor.save(made, folder)
    parameters = {"network": network, "start": Path("~/weights.pt"), "parts": [network]}
    write_trained(folder, SEGMENTOR, parameters, {"own": start / "mine.yaml"}, loss=1.0)


def test_a_record_of_a_users_file_is_what_the_run_asks_for() -> None:
    given = resolve(read(ROOT / "params.yaml"), ROOT)
    mine = given.segmentation.model_copy(update={"network": "/home/me/nets/mine.yaml"})
    wanted = expected(given.model_copy(update={"segmentation": mine}))
    parameters = {"network": mine.network, "fraction": 0.5}
    recorded = provenance(parameters, {})["parameters"]
    assert wanted["segmentation"]["training"]["network"] == recorded["network"] == "mine.yaml"


@pytest.fixture
def own_network(tmp_path: Path) -> Path:
    folder = tmp_path / "networks"
    folder.mkdir()
    content = {"model": configuration("unet", 2)}
    (folder / "mine.yaml").write_text(yaml.safe_dump(json.loads(json.dumps(content))))
    return folder


@pytest.mark.parametrize(
    "save, start",
    [
        (save_clip, "standin"),
        (save_generator, "tiny_generator"),
        (save_mllm, "mllm"),
        (save_score_model, "mllm"),
        (save_segmentor, "own_network"),
    ],
)
def test_a_saved_model_does_not_say_where_it_came_from(
    save: Callable[[Path, Path], None], start: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    torch.set_num_threads(1)
    source: Path = request.getfixturevalue(start)
    folder = tmp_path / "saved"
    folder.mkdir()
    save(source, folder)
    places = [str(place).encode() for place in (source, tmp_path, Path.home() / "weights.pt")]
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        content = file.read_bytes()
        assert not [place for place in places if place in content], file
    if save is save_segmentor:
        told = json.loads((folder / "training.json").read_text())["parameters"]
        assert told == {"network": "mine.yaml", "start": "weights.pt", "parts": ["mine.yaml"]}


def test_a_record_names_what_moves_later_digits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ATEN_CPU_CAPABILITY", "avx2")
    monkeypatch.delenv("MKL_CBWR", raising=False)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    write_trained(tmp_path, SCORE_MODEL, {"steps": 1}, {}, loss=1.0)
    training = json.loads((tmp_path / "training.json").read_text())
    for found in (provenance({}, {})["hardware"], training["hardware"]):
        assert found["threads"] == 1 and found["cores"] == os.cpu_count()
        assert found["cpu"] and found["instructions"] == sorted(found["instructions"])
        assert found["blas"].startswith("openblas ") and "/" not in found["blas"]
        assert found["switches"] == {"ATEN_CPU_CAPABILITY": "avx2"}


@pytest.mark.parametrize(
    "text, expected",
    [
        ("model name\t: A CPU @ 2 GHz \nflags\t\t: fpu avx2 sse4_1 rtm fma\nflags: mmx\n",
         ("A CPU @ 2 GHz", ["avx2", "fma", "sse4_1"])),
        ("processor : 0\nFeatures : fp asimd sve aes\n", (None, ["asimd", "sve"])),
        ("\xff", (None, [])),
        (None, (None, [])),
    ],
)  # fmt: skip
def test_processors(
    text: str | None, expected: tuple[str | None, list[str]], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    if text is not None:
        (tmp_path / "cpuinfo").write_text(text, encoding="latin-1")
    monkeypatch.setattr(machine, "CPUINFO", tmp_path / "cpuinfo")
    machine._processor.cache_clear()
    found = hardware()
    machine._processor.cache_clear()
    assert found["instructions"] == expected[1]
    assert found["cpu"] == expected[0] if expected[0] else found["cpu"]
