"""Models: saved and loaded, published checkpoints by name, tokenizers; nothing in them is run."""

import argparse
import json
import shutil
import tempfile
import warnings
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import open_clip
import pytest
import torch
from conftest import World
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from winnow.command.line import main
from winnow.data.errors import WinnowError
from winnow.data.files import DIGESTS, digest_files
from winnow.models import clip as models
from winnow.models.tokenizer import train_tokenizer
from winnow.models.weights import read_state
from winnow.training.clip_standins import architecture

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
    """A copy without digests, which alone would tell of any change."""
    folder = tmp_path / "broken"
    shutil.copytree(standin, folder, ignore=shutil.ignore_patterns(DIGESTS))
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
    with pytest.raises(WinnowError, match=r"broken(: cannot be|/open_clip_config\.json: not)"):
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
    assert "missing (positional_embedding, " in error and "1 unexpected (a); " in error
    assert not (tmp_path / "clip").exists()


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


# state dicts as people store them

STATE_FORMS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "plain": lambda s: s,
    "module": lambda s: prefixed(s, "module."),
    "model": lambda s: {"model": s},
    "model_state_dict": lambda s: {"epoch": 1, "model_state_dict": s},
    "a name of its own": lambda s: {"epoch": 1, "clip_network": s},
    "deeper": lambda s: {"checkpoint": {"weights": {"student": prefixed(s, "net.clip.")}}},
    "lightning": lambda s: {
        "state_dict": prefixed(s, "model."), "pytorch-lightning_version": "2", "callbacks": {},
    },
    "parallel": lambda s: {"state_dict": prefixed(s, "module.model.")},
    "compiled": lambda s: prefixed(s, "_orig_mod."),
    "compiled parts": lambda s: {
        key.replace("visual.", "visual._orig_mod.", 1): value for key, value in s.items()
    },
    "sharded": lambda s: prefixed(s, "_fsdp_wrapped_module._orig_mod."),
    "half": lambda s: {key: value.half() for key, value in s.items()},
    "bfloat16": lambda s: {key: value.bfloat16() for key, value in s.items()},
    "buffers": lambda s: {
        **s, "attn_mask": torch.full((16, 16), -torch.inf), "position_ids": torch.arange(16)[None],
    },
    "openai": lambda s: {
        **s, "input_resolution": torch.tensor(32), "context_length": torch.tensor(16),
        "vocab_size": torch.tensor(49408),
    },
    "numbers of numpy": lambda s: {"state_dict": s, "best": np.float64(0.5), "at": np.int32(3)},
    "arguments": lambda s: {"state_dict": s, "args": argparse.Namespace(lr=0.1, model="x")},
    "optimizer": lambda s: {
        "state_dict": s,
        "optimizer": {"state": {0: {"exp_avg": torch.zeros(4), "step": torch.tensor(1.0)}}},
    },
    "averaged": lambda s: {"ema": zeros(s), "state_dict_ema": zeros(s), "state_dict": s},
    "averaged alone": lambda s: {"model_ema": s, "step": 1},
    "averaged by prefix": lambda s: {
        "state_dict": {**prefixed(zeros(s), "ema_model."), **prefixed(s, "model.")},
    },
    "a head beside": lambda s: {
        "state_dict": {**prefixed(s, "model."), "criterion.weight": torch.zeros(2)},
    },
}  # fmt: skip


def prefixed(state: dict[str, Any], prefix: str) -> dict[str, Any]:
    return {prefix + key: value for key, value in state.items()}


def zeros(state: dict[str, Any]) -> dict[str, Any]:
    return {key: torch.zeros_like(value) for key, value in state.items()}


@pytest.mark.parametrize("form", STATE_FORMS)
def test_forms_of_state_dicts(checkpoint: Path, tmp_path: Path, form: str) -> None:
    state = torch.load(checkpoint, weights_only=True)
    stored = STATE_FORMS[form](state)
    files = [tmp_path / "a.pt"]
    torch.save(stored, files[0])
    if all(isinstance(value, torch.Tensor) for value in stored.values()):
        files.append(tmp_path / "a.safetensors")
        save_file(stored, files[1])
    for file in files:
        loaded = models.load_published(NAME, str(file)).model.state_dict()
        for key, value in loaded.items():
            expected = stored[key] if form in ("half", "bfloat16") else state[key]
            assert value.dtype == torch.float32 and torch.equal(value, expected.float())


@pytest.mark.parametrize(
    ("form", "told"),
    [
        ("averaged", ["`state_dict`", "`ema`", "`state_dict_ema`"]),
        ("averaged by prefix", ["24 tensors beside the model (ema_model."]),
        ("a head beside", ["1 tensors beside the model (criterion.weight)"]),
        ("plain", []),
    ],
)
def test_what_is_left_aside_is_told(
    checkpoint: Path, tmp_path: Path, form: str, told: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    state = torch.load(checkpoint, weights_only=True)
    torch.save(STATE_FORMS[form](state), tmp_path / "a.pt")
    models.load_published(NAME, str(tmp_path / "a.pt"))
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == bool(told) and all(
        part.replace("24", str(len(state))) in lines[0] for part in told
    )


FAULTS: dict[str, tuple[Callable[[dict[str, Any]], Any], str]] = {
    "missing": (
        lambda s: without(s, "logit_scale"), r"1 missing \(logit_scale\); the architecture is right"
    ),
    "many missing": (
        lambda s: {key: s[key] for key in ("visual.conv1.weight", "text_projection")},
        r"\d+ missing \(\w+, \w+, [\w.]+, \.\.\.\); ",
    ),
    "unexpected": (
        lambda s: {**s, "classifier.weight": torch.zeros(2)},
        r"1 unexpected \(classifier\.weight\); ",
    ),
    "shape": (
        lambda s: {**s, "visual.proj": torch.zeros(3, 4)},
        r"1 of another shape \(visual\.proj \(3, 4\), not \(32, 16\)\); ",
    ),
    "nan": (
        lambda s: {**s, "visual.proj": s["visual.proj"] * torch.nan},
        r"1 with values that are not finite \(visual\.proj\); ",
    ),
    "quantised": (
        lambda s: {**s, "visual.proj": s["visual.proj"].to(torch.int8)},
        r"1 not of plain floats.* \(visual\.proj\); ",
    ),
    "transformers": (
        lambda s: {"vision_model.a.weight": torch.zeros(2), "logit_scale": torch.ones(())},
        r"\d+ missing.*1 unexpected.*names of transformers' CLIPModel",
    ),
    "both": (
        lambda s: {**without(s, "logit_scale"), "logit": torch.ones(())},
        r"1 missing \(logit_scale\); 1 unexpected \(logit\); ",
    ),
}  # fmt: skip


def without(state: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in state.items() if key != name}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_misfit_begins_with_its_cause(checkpoint: Path, tmp_path: Path, fault: str) -> None:
    make, cause = FAULTS[fault]
    torch.save(make(torch.load(checkpoint, weights_only=True)), tmp_path / "a.pt")
    with pytest.raises(WinnowError, match=rf"a\.pt: does not fit '{NAME}': {cause}") as error:
        models.load_published(NAME, str(tmp_path / "a.pt"))
    assert str(error.value).index("architectures are") > str(error.value).index("does not fit")
    assert "\n" not in str(error.value)


def test_the_architecture_of_weights_is_guessed(checkpoint: Path, tmp_path: Path) -> None:
    with pytest.raises(WinnowError, match=rf"as `id`: they look like those of {NAME}; archi"):
        models.load_published("ViT-B-32", str(checkpoint))


def test_files_that_are_no_weights(checkpoint: Path, tmp_path: Path) -> None:
    def refused(content: Any) -> str:
        path = tmp_path / "a.pt"
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            torch.save(content, path)
        with pytest.raises(WinnowError) as error:
            models.load_published(NAME, str(path))
        assert str(error.value).startswith(f"{path}: ") and "\n" not in str(error.value)
        return str(error.value)

    state = torch.load(checkpoint, weights_only=True)
    lora = {"base_model.model.visual.proj.lora_A.weight": torch.zeros(2, 2)}
    assert "LoRA adapter" in refused(lora) and "LoRA adapter" in refused({**state, **lora})
    assert "objects of open_clip.model.CLIP" in refused(open_clip.create_model(NAME))
    assert "Git LFS" in refused(b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n")
    assert "web page" in refused(b"\n<!DOCTYPE html><html></html>")
    assert "no state dict" in refused({"epoch": 1, "state_dict": {}})
    assert "no state dict" in refused([torch.zeros(2)])
    for broken in (b"", b"PK\x03\x04", checkpoint.read_bytes()[:5000], b"\x80\x02}q\x00."):
        refused(broken)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.save(torch.jit.script(torch.nn.Linear(2, 2)), tmp_path / "jit.pt")
    assert "TorchScript archive" in refused((tmp_path / "jit.pt").read_bytes())


@given(st.binary(max_size=200) | st.binary(max_size=100).map(lambda b: b"PK\x03\x04" + b))
@settings(max_examples=100, deadline=None)
def test_any_bytes_are_refused_in_one_line(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for name in ("a.pt", "a.safetensors"):
            path = Path(folder) / name
            path.write_bytes(content)
            with pytest.raises(WinnowError) as error:
                read_state(path)
            assert str(error.value).startswith(f"{path}: ") and "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("file", "extra", "quick", "warned"),
    [
        ("RemoteCLIP-ViT-B-32.pt", {}, False, "RemoteCLIP"),
        ("RemoteCLIP-ViT-B-32.pt", {}, True, None),
        ("ViT-B-32.pt", {"context_length": torch.tensor(16)}, False, "context_length"),
        ("epoch_5.pt", {"name": "2024-model_ViT-B-32-quickgelu-lr_1e-05"}, False, "quickgelu"),
        ("vit_b_32-laion2b_e16.pt", {}, True, "laion2b"),
        ("epoch_5.pt", {}, False, None),
        ("epoch_5.pt", {}, True, None),
    ],
)
def test_a_hint_of_the_other_activation_is_told(
    checkpoint: Path,
    tmp_path: Path,
    file: str,
    extra: dict[str, Any],
    quick: bool,
    warned: str | None,
    capsys: pytest.CaptureFixture[str],
) -> None:
    name = "winnow-tiny-gelu" + "-quickgelu" * quick
    (tmp_path / f"{name}.json").write_text(json.dumps({**TINY, "quick_gelu": quick}))
    open_clip.add_model_config(tmp_path / f"{name}.json")
    state = torch.load(checkpoint, weights_only=True)
    run = {key: value for key, value in extra.items() if key == "name"}
    tensors = {key: value for key, value in extra.items() if key != "name"}
    torch.save({**run, "state_dict": {**state, **tensors}}, tmp_path / file)
    models.load_published(name, str(tmp_path / file))
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == (warned is not None)
    if warned:
        other = "winnow-tiny-gelu" + "-quickgelu" * (not quick)
        assert warned in lines[0] and lines[0].endswith(f"give id: {other}")


def test_resized_positions_are_told(
    checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state = torch.load(checkpoint, weights_only=True)
    positions = state["visual.positional_embedding"]
    state["visual.positional_embedding"] = torch.randn(1 + 16, positions.shape[1])
    torch.save(state, tmp_path / "a.pt")
    models.load_published(NAME, str(tmp_path / "a.pt"))
    assert "visual.positional_embedding was resized" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["hf-hub:somebody/TinyCLIP", "local-dir:folder", "folder"])
def test_two_sources_of_weights_are_refused(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    with pytest.raises(WinnowError, match="brings its own weights"):
        models.load_published(name, str(checkpoint))


def test_read_state_takes_the_weights_of_any_trainer(checkpoint: Path, tmp_path: Path) -> None:
    state = torch.load(checkpoint, weights_only=True)
    for form in ("plain", "module", "model", "model_state_dict", "optimizer", "averaged", "deeper"):
        torch.save(STATE_FORMS[form](state), tmp_path / "a.pt")
        found = read_state(tmp_path / "a.pt")
        expected = prefixed(state, "net.clip.") if form == "deeper" else state
        assert found.keys() == expected.keys()
        assert all(torch.equal(found[key], expected[key]) for key in found)


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
