"""Models: saved and loaded, published checkpoints by name, tokenizers; nothing in them is run."""

import json
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import open_clip
import pytest
import torch
from conftest import World
from safetensors.torch import load_file, save_file

from winnow.cli import main
from winnow.data.errors import WinnowError
from winnow.data.files import digest_files
from winnow.models import clip as models
from winnow.models.tokenizer import train_tokenizer
from winnow.training.foundry import architecture

TEXTS = ["a river", "two white planes beside a runway", ""]
NAME = "winnow-tiny-vit"
TINY: dict[str, Any] = {
    "embed_dim": 16,
    "quick_gelu": True,
    "vision_cfg": {
        "image_size": 32, "layers": 1, "width": 32, "head_width": 16, "patch_size": 16,
    },
    "text_cfg": {
        "context_length": 16, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 1,
    },
}  # fmt: skip

pytestmark = pytest.mark.usefixtures("same_environment")


def features(clip: models.Clip) -> tuple[np.ndarray, np.ndarray]:
    """Features of four fixed images and of TEXTS."""
    pixels = np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3), dtype=np.uint8)
    with torch.inference_mode():
        return clip.encode_images(pixels).numpy(), clip.encode_texts(TEXTS).numpy()


def preprocessing(clip: models.Clip) -> Any:
    """How a model wants its images, as JSON has it: lists for tuples."""
    return json.loads(json.dumps(asdict(clip.preprocess)))


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state dict as RemoteCLIP ships its own, and its architecture made known to open_clip."""
    folder = tmp_path_factory.mktemp("published")
    (folder / f"{NAME}.json").write_text(json.dumps(TINY))
    open_clip.add_model_config(folder / f"{NAME}.json")
    torch.manual_seed(1)
    torch.save(open_clip.create_model(NAME).state_dict(), folder / "tiny.pt")
    return folder / "tiny.pt"


# folders of our own


@pytest.mark.parametrize("half", [False, True])
def test_saved_and_loaded(standin: Path, tmp_path: Path, half: bool) -> None:
    clip = models.load(standin)
    models.save(clip, tmp_path / "copy", half)
    again = models.load(tmp_path / "copy")
    for before, after in zip(features(clip), features(again), strict=True):
        assert np.abs(before - after).max() < (2e-3 if half else 1e-7)
        assert np.linalg.norm(after, axis=1) == pytest.approx(1, abs=1e-5)
    assert preprocessing(again) == preprocessing(clip) and again.config == clip.config
    weights = load_file(tmp_path / "copy" / models.WEIGHTS)
    kinds = {value.dtype for value in weights.values() if value.is_floating_point()}
    assert kinds == {torch.float16 if half else torch.float32}
    loaded = {value.dtype for value in again.model.state_dict().values()}
    assert torch.float16 not in loaded


def test_halves_do_not_wear_out(standin: Path, tmp_path: Path) -> None:
    models.save(models.load(standin), tmp_path / "a", half=True)
    models.save(models.load(tmp_path / "a"), tmp_path / "b", half=True)
    assert digest_files([tmp_path / "a"]) == digest_files([tmp_path / "b"])


def test_open_clip_loads_the_folder_by_itself(standin: Path) -> None:
    clip = models.load(standin)
    model, _, transform = open_clip.create_model_and_transforms(f"local-dir:{standin}")
    state = clip.model.state_dict()
    assert all(torch.equal(value, state[key]) for key, value in model.state_dict().items())
    assert transform.transforms[0].size == clip.size == 32


def test_loading_gives_a_model_for_evaluation(standin: Path) -> None:
    clip = models.load(standin)
    assert not clip.model.training
    first, second = features(clip), features(clip)
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


def test_building_goes_by_seed(world: World, tmp_path: Path) -> None:
    size = train_tokenizer(world.human["text"], 300, tmp_path)
    config = architecture("evaluator_clip", size)
    one, same, other = (models.build(config, tmp_path, seed) for seed in (1, 1, 2))
    state, equal, different = (c.model.state_dict() for c in (one, same, other))
    assert all(torch.equal(value, equal[key]) for key, value in state.items())
    weight = "visual.attnpool.q_proj.weight"
    assert not torch.equal(state[weight], different[weight])


def test_the_evaluator_is_of_another_architecture() -> None:
    scorer, evaluator = (architecture(role, 500) for role in ("domain_clip", "evaluator_clip"))
    assert architecture("clip", 500) == scorer
    assert evaluator["vision_cfg"] != scorer["vision_cfg"]
    assert evaluator["text_cfg"] != scorer["text_cfg"]


# broken folders


def broken(standin: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "broken"
    shutil.copytree(standin, folder)
    return folder


@pytest.mark.parametrize("name", [models.CONFIG, models.WEIGHTS])
def test_a_missing_file_is_named(standin: Path, tmp_path: Path, name: str) -> None:
    folder = broken(standin, tmp_path)
    (folder / name).unlink()
    with pytest.raises(WinnowError, match=rf"broken: no {name}"):
        models.load(folder)


@pytest.mark.parametrize("name", [models.CONFIG, models.WEIGHTS, "tokenizer.json"])
def test_a_truncated_file(standin: Path, tmp_path: Path, name: str) -> None:
    folder = broken(standin, tmp_path)
    content = (folder / name).read_bytes()
    (folder / name).write_bytes(content[: len(content) // 2])
    with pytest.raises(WinnowError, match=r"broken: cannot be loaded"):
        models.load(folder)


def test_weights_of_another_architecture(standin: Path, tmp_path: Path) -> None:
    folder = broken(standin, tmp_path)
    weights = load_file(folder / models.WEIGHTS)
    weights.pop("visual.conv1.weight")
    save_file(weights, folder / models.WEIGHTS)
    with pytest.raises(WinnowError, match=r"(?s)broken.*visual\.conv1\.weight"):
        models.load(folder)


# published checkpoints


def test_a_published_state_dict(checkpoint: Path, tmp_path: Path) -> None:
    clip = models.load_published(NAME, str(checkpoint))
    original = torch.load(checkpoint, weights_only=True)
    assert all(torch.equal(v, original[k]) for k, v in clip.model.state_dict().items())
    models.save(clip, tmp_path / "role")
    again = models.load(tmp_path / "role")
    for before, after in zip(features(clip), features(again), strict=True):
        assert np.array_equal(before, after)
    assert preprocessing(again) == preprocessing(clip)
    assert again.config["quick_gelu"] is True
    assert type(again.tokenizer) is type(clip.tokenizer)
    published = open_clip.get_tokenizer(NAME)
    assert torch.equal(again.tokenizer(TEXTS), published(TEXTS))


def test_fetching_as_a_verb(checkpoint: Path, tmp_path: Path) -> None:
    words = [f"--output={tmp_path / 'clip'}", "--loader=open_clip", f"--id={NAME}"]
    assert main(["fetch-model", *words, f"--pretrained={checkpoint}", "--threads=1"]) == 0
    expected = features(models.load_published(NAME, str(checkpoint)))
    found = features(models.load(tmp_path / "clip"))
    assert all(np.array_equal(a, b) for a, b in zip(expected, found, strict=True))


def test_fetching_a_folder(standin: Path, tmp_path: Path) -> None:
    words = [f"--output={tmp_path / 'clip'}", "--loader=open_clip", f"--id={standin}"]
    assert main(["fetch-model", *words, "--threads=1"]) == 0
    expected, found = features(models.load(standin)), features(models.load(tmp_path / "clip"))
    assert all(np.array_equal(a, b) for a, b in zip(expected, found, strict=True))


def hub(monkeypatch: pytest.MonkeyPatch, folder: Path, weights: bool = True) -> None:
    """Let open_clip find a repository of the hub in a local folder."""

    def download(model_id: str, filename: str | None = None, **_: Any) -> str:
        if filename is None and not weights:
            raise FileNotFoundError("no weights there")
        return str(folder / (filename or models.WEIGHTS))

    monkeypatch.setattr(open_clip.factory, "download_pretrained_from_hf", download)


@pytest.fixture
def repository(checkpoint: Path, tmp_path: Path) -> Path:
    """What GeoRSCLIP's repository on the hub looks like to open_clip."""
    models.save(models.load_published(NAME, str(checkpoint)), tmp_path / "repository")
    return tmp_path / "repository"


def test_a_repository_of_the_hub(
    checkpoint: Path, repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub(monkeypatch, repository)
    clip = models.load_published("hf-hub:somebody/TinyCLIP", None)
    models.save(clip, tmp_path / "role")
    expected = features(models.load_published(NAME, str(checkpoint)))
    for found in (features(clip), features(models.load(tmp_path / "role"))):
        assert all(np.array_equal(a, b) for a, b in zip(expected, found, strict=True))


def test_no_weights_is_an_error_and_no_random_model(
    checkpoint: Path, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(WinnowError, match=rf"'{NAME}' with pretrained=None cannot be loaded"):
        models.load_published(NAME, None)
    hub(monkeypatch, repository, weights=False)
    with pytest.raises(WinnowError, match="TinyCLIP"):
        models.load_published("hf-hub:somebody/TinyCLIP", None)


def test_errors_end_as_one_line(
    checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    torch.save({"a": torch.zeros(1)}, tmp_path / "other.pt")
    words = [f"--id={NAME}", f"--pretrained={tmp_path / 'other.pt'}", "--loader=open_clip"]
    assert main(["fetch-model", f"--output={tmp_path / 'clip'}", *words]) == 2
    error = capsys.readouterr().err.splitlines()[-1]  # open_clip itself may warn before it
    assert error.startswith("winnow fetch-model: ") and "other.pt" in error
    assert "visual.conv1.weight" in error and not (tmp_path / "clip").exists()


def test_names_that_are_none(checkpoint: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(WinnowError, match=r"'ViT-Z-99'.*architectures are"):
        models.load_published("ViT-Z-99", "openai")
    with pytest.raises(WinnowError, match=r"pretrained='no\.pt'"):
        models.load_published(NAME, "no.pt")
    assert main(["fetch-model", "--output=unused", "--loader=standin"]) == 2
    assert "--id" in capsys.readouterr().err


class Code:
    """An object whose unpickling would run a command."""

    def __init__(self, trace: Path):
        self.trace = trace

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.trace,))


def test_code_in_a_checkpoint_is_not_run(checkpoint: Path, tmp_path: Path) -> None:
    state = torch.load(checkpoint, weights_only=True)
    torch.save({**state, "extra": Code(tmp_path / "trace")}, tmp_path / "evil.pt")
    with pytest.raises(WinnowError, match=r"evil\.pt"):
        models.load_published(NAME, str(tmp_path / "evil.pt"))
    assert not (tmp_path / "trace").exists()
    torch.load(tmp_path / "evil.pt", weights_only=False)
    assert (tmp_path / "trace").exists()  # the file was as bad as intended


def test_a_state_dict_that_does_not_fit(checkpoint: Path, tmp_path: Path) -> None:
    state = torch.load(checkpoint, weights_only=True)
    state.pop("visual.conv1.weight")
    torch.save(state, tmp_path / "part.pt")
    with pytest.raises(WinnowError, match=r"visual\.conv1\.weight"):
        models.load_published(NAME, str(tmp_path / "part.pt"))


# releases


def test_release_gathers_standins_and_cards(standin: Path, tmp_path: Path) -> None:
    foundry = tmp_path / "foundry"
    shutil.copytree(standin, foundry / "clip")
    shutil.copytree(standin, foundry / "pool")  # no card: not a stand-in
    (foundry / "clip.md").write_text("# Stand-in `clip`\n")
    (foundry / "clip" / ".snakemake_timestamp").touch()
    words = [f"--standins={foundry}", f"--output={tmp_path / 'released'}"]
    assert main(["release", *words]) == 0
    assert [path.name for path in (tmp_path / "released").iterdir()] == ["clip"]
    assert (tmp_path / "released" / "clip" / "README.md").read_text().startswith("# Stand-in")
    assert not (tmp_path / "released" / "clip" / ".snakemake_timestamp").exists()
    models.load(tmp_path / "released" / "clip")


def test_release_without_cards(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["release", f"--standins={tmp_path}", f"--output={tmp_path / 'released'}"]) == 2
    assert "run `snakemake foundry`" in capsys.readouterr().err


# the tokenizer


def test_the_tokenizer_reads_everything(standin: Path) -> None:
    tokenizer = models.load(standin).tokenizer
    texts = ["", "   ", "两架白色飞机", "два самолёта", "طائرة", "🛰", "a river " * 5000, "\x00"]
    tokens = tokenizer(texts)
    assert tokens.shape == (len(texts), 32)
    assert (tokens[:, 0] == 1).all()  # start
    for row in tokens:
        assert (row == 2).sum() == 1  # one end, also where the text was cut
        end = int((row == 2).nonzero()[0])
        assert (row[end + 1 :] == 0).all()
    assert tokens[0].tolist()[:3] == [1, 2, 0]
    assert len({tuple(row.tolist()) for row in tokens[2:7]}) == 5  # scripts are told apart
    assert torch.equal(tokenizer(["A River"]), tokenizer(["a river"]))


def test_training_a_tokenizer_is_reproducible(world: World, tmp_path: Path) -> None:
    sizes = {train_tokenizer(world.human["text"], 350, tmp_path / name) for name in "ab"}
    assert sizes == {350}
    assert digest_files([tmp_path / "a"]) == digest_files([tmp_path / "b"])
