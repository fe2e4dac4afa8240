"""Models that would run code, reach elsewhere, or rot: nothing is run, and each is named."""

import copy
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import open_clip
import pytest
import torch

from winnow.command.line import main
from winnow.data.digests import write_digests
from winnow.data.errors import WinnowError
from winnow.data.files import digest_files
from winnow.models import clip, diffusion, diffusion_standins, score, segmentor, transformers_folder
from winnow.models import mllm as language_models
from winnow.models.diffusion_hub import fetch_pipeline
from winnow.models.folder import check

CODE = """
from pathlib import Path
Path(__file__).with_name("ran").touch()
Path({trace!r}).touch()
from transformers import CLIPTokenizer, PreTrainedConfig, PreTrainedModel, ProcessorMixin
class Evil(CLIPTokenizer): pass
class EvilConfig(PreTrainedConfig): model_type = "evil"
class EvilModel(PreTrainedModel): config_class = EvilConfig
class EvilProcessor(ProcessorMixin): pass
def generate(*a, **k): pass
"""
AUTO = {
    "AutoConfig": "evil.EvilConfig",
    "AutoModel": "evil.EvilModel",
    "AutoModelForCausalLM": "evil.EvilModel",
    "AutoModelForImageTextToText": "evil.EvilModel",
    "AutoProcessor": "evil.EvilProcessor",
    "AutoTokenizer": ["evil.Evil", "evil.Evil"],
}

pytestmark = pytest.mark.usefixtures("same_environment")


@pytest.fixture
def trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What code of a model would leave. Whoever is asked whether to run it says yes."""
    monkeypatch.setattr("builtins.input", lambda *_: "y")
    monkeypatch.setenv("HF_MODULES_CACHE", str(tmp_path / "modules"))
    return tmp_path / "trace"


def edit(path: Path, *keys: str, **changes: Any) -> None:
    """Change an object in a JSON file, at the place that `keys` tell."""
    content = json.loads(path.read_text()) if path.is_file() else {}
    place = content
    for key in keys:
        place = place.setdefault(key, {})
    place.update(changes)
    path.write_text(json.dumps(content))


def opened(folder: Path, target: Path) -> Path:
    """A copy as somebody else would give it, without digests of Winnow's."""
    return Path(shutil.copytree(folder, target, ignore=shutil.ignore_patterns("winnow_*")))


def trap(folder: Path, trace: Path) -> None:
    """Put code in a folder, and its name wherever a library looks for one."""
    (folder / "custom_generate").mkdir()
    for name in ("evil.py", "custom_generate/generate.py"):
        (folder / name).write_text(CODE.format(trace=str(trace)))
    for name in (
        "config.json", "tokenizer_config.json", "processor_config.json", "generation_config.json",
        "preprocessor_config.json", "video_preprocessor_config.json",
    ):  # fmt: skip
        edit(folder / name, auto_map=AUTO)


# CLIP: configurations

TEXT, VISION = ("model_cfg", "text_cfg"), ("model_cfg", "vision_cfg")
REACHING: dict[str, tuple[tuple[str, ...], dict[str, Any]]] = {
    "remote code": ((*TEXT, "tokenizer_kwargs"), {"trust_remote_code": True}),
    "remote code, elsewhere": (TEXT, {"trust_remote_code": True}),
    "remote code at the top": ((), {"trust_remote_code": False}),
    "revision of code": ((*TEXT, "tokenizer_kwargs"), {"code_revision": "main"}),
    "tokenizer's class": ((*TEXT, "tokenizer_kwargs"), {"tokenizer_type": "evil"}),
    "file of merges": ((*TEXT, "tokenizer_kwargs"), {"bpe_path": "/etc/passwd"}),
    "file of weights": ((*TEXT, "tokenizer_kwargs"), {"gguf_file": "a.gguf"}),
    "text model of the hub": (TEXT, {"hf_model_name": "evil/text", "hf_model_pretrained": True}),
    "text model in a folder": (TEXT, {"hf_model_name": "./evil"}),
    "text model elsewhere": (TEXT, {"hf_model_name": "/evil"}),
    "text model by list": (TEXT, {"hf_model_name": ["evil/text"]}),
    "tokenizer at an address": (TEXT, {"hf_tokenizer_name": "https://evil.org/t"}),
    "tokenizer elsewhere": (TEXT, {"hf_tokenizer_name": "../../evil"}),
    "image model of the hub": (VISION, {"timm_model_name": "hf-hub:evil/vision"}),
    "image model of a folder": (VISION, {"timm_model_name": "local-dir:/evil"}),
    "image model by a path": (VISION, {"timm_model_name": "evil/vision"}),
    "keys of layers": ((*VISION, "norm_kwargs"), {"device": "evil"}),
    "section in a section": ((*VISION, "pool_type"), {"a": 1}),
    "section in a list": (VISION, {"layers": [{"a": 1}]}),
    "unknown key": (("model_cfg",), {"cache_dir": "/tmp"}),
    "unknown preprocessing": (("preprocess_cfg",), {"loader": "evil"}),
}  # fmt: skip


@pytest.mark.parametrize("kind", REACHING)
def test_a_clip_configuration_is_read_first(
    kind: str, standin: Path, tmp_path: Path, trace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From a folder, by its path or as `local-dir:`, and from the hub, before anything else."""
    folder = opened(standin, tmp_path / "clip")
    trap(folder, trace)
    place, changes = REACHING[kind]
    edit(folder / clip.CONFIG, *TEXT, hf_tokenizer_name="somebody/clip")
    edit(folder / clip.CONFIG, *place, **changes)
    asked = []

    def download(_: str, filename: str | None = None, **__: Any) -> str:
        asked.append(filename)
        return str(folder / (filename or clip.WEIGHTS))

    monkeypatch.setattr(open_clip.factory, "download_pretrained_from_hf", download)
    monkeypatch.setattr(open_clip.factory, "create_model", never)
    monkeypatch.setattr(open_clip, "create_model", never)
    key = next(iter(changes)) if kind != "section in a section" else place[-1]
    for name in (str(folder), f"local-dir:{folder}", "hf-hub:somebody/clip"):
        with pytest.raises(WinnowError, match=rf"{clip.CONFIG}: `{key}`"):
            clip.load_published(name, None)
    assert set(asked) == {clip.CONFIG} and not trace.exists()


def never(*_: Any, **__: Any) -> None:
    pytest.fail("a library was asked to read what should be refused")


def test_a_repository_names_no_tokenizer_of_others(
    standin: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = opened(standin, tmp_path / "clip")
    edit(folder / clip.CONFIG, *TEXT, hf_tokenizer_name="evil/tokenizer")
    download = lambda _, filename=None, **__: str(folder / (filename or clip.WEIGHTS))  # noqa: E731
    monkeypatch.setattr(open_clip.factory, "download_pretrained_from_hf", download)
    monkeypatch.setattr(open_clip, "create_model", never)
    with pytest.raises(WinnowError, match="`hf_tokenizer_name` is 'evil/tokenizer', which is none"):
        clip.load_published("hf-hub:somebody/clip", None)


@pytest.mark.parametrize("content", ["[]", "{", "{}", '{"model_cfg": []}', '{"model_cfg": {}}'])
def test_a_clip_configuration_that_is_none(content: str, standin: Path, tmp_path: Path) -> None:
    folder = opened(standin, tmp_path / "clip")
    (folder / clip.CONFIG).write_text(content)
    with pytest.raises(WinnowError, match=f"^{folder / clip.CONFIG}: "):
        clip.load(folder)


def test_what_open_clip_has_itself_is_taken() -> None:
    from winnow.models import clip_config

    assert len(open_clip.list_models()) > 100
    for name in open_clip.list_models():
        content = {"model_cfg": open_clip.get_model_config(name), "preprocess_cfg": {}}
        for repository in (None, "somebody/clip"):
            clip_config.check(copy.deepcopy(content), name, repository)


# code in folders


def test_code_beside_a_clip(standin: Path, tmp_path: Path, trace: Path) -> None:
    """The tokenizer is one that the library knows, or one by code: neither runs any."""
    folder = opened(standin, tmp_path / "clip")
    trap(folder, trace)
    edit(folder / "config.json", model_type="evil")
    edit(folder / "tokenizer_config.json", tokenizer_class="Evil")
    with pytest.raises(WinnowError, match="code of its own, which is never run"):
        clip.load(folder)
    assert not trace.exists()


@pytest.mark.parametrize("load", [lambda f: transformers_folder.load(f, torch.float32), score.load])
def test_code_beside_a_language_model(
    load: Callable[[Path], Any], mllm: Path, tmp_path: Path, trace: Path
) -> None:
    """Where transformers knows the model itself, its own classes are taken."""
    known, unknown = opened(mllm, tmp_path / "known"), opened(mllm, tmp_path / "unknown")
    for folder in (known, unknown):
        trap(folder, trace)
        if load is score.load:
            edit(folder / "config.json", architectures=[score.ARCHITECTURE])
    if load is not score.load:
        assert type(load(known)[0]).__name__ == "Qwen2VLForConditionalGeneration"
    else:
        with pytest.raises(WinnowError, match=r"lm_head\.weight is no part of a score model"):
            load(known)
    edit(unknown / "config.json", model_type="evil")
    for name in ("processor_config.json", "tokenizer_config.json"):
        edit(unknown / name, processor_class="EvilProcessor")
    with pytest.raises(WinnowError, match="code of its own, which is never run"):
        load(unknown)
    assert not trace.exists()


REFUSED: dict[str, tuple[str, dict[str, Any]]] = {
    "trust": ("config.json", {"trust_remote_code": True}),
    "trust inside": ("config.json", {"text_config": {"trust_remote_code": True}}),
    "trust of the tokenizer": ("tokenizer_config.json", {"trust_remote_code": "yes"}),
    "generation": ("generation_config.json", {"custom_generate": "evil/generate"}),
    "pipelines": ("config.json", {"custom_pipelines": {"evil": {"impl": "evil.Evil"}}}),
    "kernel": ("config.json", {"attn_implementation": "evil/kernel"}),
    "kernel of a part": ("config.json", {"_attn_implementation": {"text_config": "evil/kernel:f"}}),
    "kernel as stored": ("config.json", {"_attn_implementation_internal": "evil/kernel"}),
    "experts": ("config.json", {"experts_implementation": "evil/kernel"}),
    "base elsewhere": ("adapter_config.json", {"base_model_name_or_path": "evil/base"}),
    "library of a base": ("adapter_config.json", {"auto_mapping": {"parent_library": "evil"}}),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_a_folder_asks_for(kind: str, mllm: Path, tmp_path: Path, trace: Path) -> None:
    folder = opened(mllm, tmp_path / "model")
    name, changes = REFUSED[kind]
    edit(folder / name, **changes)
    for load in (lambda f: transformers_folder.load(f, torch.float32), score.load):
        with pytest.raises(WinnowError, match=f"^{folder / name}: "):
            load(folder)
    with pytest.raises(WinnowError, match=f"^{folder / name}: "):
        transformers_folder.fetch_transformers(str(folder), None, tmp_path / "fetched")
    assert not (tmp_path / "fetched").exists() and not trace.exists()


def test_what_a_linked_folder_asks_for(tmp_path: Path) -> None:
    """Libraries follow links, too, and one that leads back is no endless way."""
    folder, part = tmp_path / "model", tmp_path / "elsewhere/part"
    folder.mkdir()
    part.mkdir(parents=True)
    (folder / "text_encoder").symlink_to(part)
    (part / "back").symlink_to(folder)
    check(folder)
    edit(part / "config.json", attn_implementation="org/kernel")
    place = folder / "text_encoder/config.json"
    with pytest.raises(WinnowError, match=f"^{place}: `attn_implementation` names code"):
        check(folder)


def test_a_part_of_a_folder_is_not_fetched(mllm: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As transformers' wrapper of timm does for `hf-hub:` in a configuration of a part."""
    import huggingface_hub
    from transformers import AutoModelForImageTextToText, AutoProcessor

    def fetch(*_: Any, **__: Any) -> str:
        return huggingface_hub.hf_hub_download("evil/part", "config.json")

    before = huggingface_hub.constants.HF_HUB_OFFLINE
    for kind in (AutoModelForImageTextToText, AutoProcessor):
        monkeypatch.setattr(kind, "from_pretrained", fetch)
        with pytest.raises(WinnowError, match="names a part that is not in the folder"):
            transformers_folder.load(mllm, torch.float32)
    assert before is huggingface_hub.constants.HF_HUB_OFFLINE


@pytest.mark.parametrize("part", [".", "vae", "unet", "text_encoder", "tokenizer", "scheduler"])
@pytest.mark.parametrize("kind", ["custom_pipeline", "trust_remote_code", "adapter"])
def test_what_a_pipeline_asks_for(
    kind: str, part: str, tiny_generator: Path, tmp_path: Path, trace: Path
) -> None:
    folder = opened(tiny_generator, tmp_path / "model")
    name = {".": "model_index.json", "tokenizer": "tokenizer_config.json"}.get(part, "config.json")
    name = "scheduler_config.json" if part == "scheduler" else name
    if kind == "adapter":
        name = "adapter_config.json"
    edit(folder / part / name, **{kind: "evil"})
    (folder / part / "evil.py").write_text(CODE.format(trace=str(trace)))
    with pytest.raises(WinnowError, match=f"^{folder / part / name}: "):
        diffusion.load(folder)
    with pytest.raises(WinnowError, match=name):
        fetch_pipeline(str(folder), tmp_path / "fetched")
    assert not (tmp_path / "fetched").exists()
    assert not trace.exists()


def test_code_beside_a_pipeline(tiny_generator: Path, tmp_path: Path, trace: Path) -> None:
    """Classes are those of the layout, whatever module an index or a configuration names."""
    folder = opened(tiny_generator, tmp_path / "model")
    index = {part: ["evil", "Evil"] for part in ("vae", "unet", "text_encoder", "tokenizer")}
    edit(folder / "model_index.json", **index)
    for part in (".", "vae", "unet", "text_encoder", "tokenizer"):
        (folder / part / "evil.py").write_text(CODE.format(trace=str(trace)))
        name = "tokenizer_config.json" if part == "tokenizer" else "config.json"
        edit(folder / part / name, auto_map={**AUTO, "UNet2DConditionModel": "evil.Evil"})
    diffusion.load(folder)
    assert not trace.exists()
    edit(folder / "model_index.json", _class_name="EvilPipeline")
    with pytest.raises(WinnowError, match=r"`_class_name` is 'EvilPipeline', expected"):
        diffusion.load(folder)
    for name in ("model_index.json", "unet/config.json", "scheduler/scheduler_config.json"):
        broken = opened(tiny_generator, tmp_path / "broken")
        (broken / name).write_text('["evil"]')
        with pytest.raises(WinnowError, match=f"^{broken / name}: is no JSON object"):
            diffusion.load(broken)
        shutil.rmtree(broken)


# damaged bytes


@pytest.fixture(scope="module")
def written(
    standin: Path, mllm: Path, tiny_generator: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, tuple[Path, Callable[[Path], Any]]]:
    """A folder by each of Winnow's writers, and what reads it."""
    root = tmp_path_factory.mktemp("written")
    base = diffusion.load(tiny_generator)
    found: dict[str, tuple[Path, Callable[[Path], Any]]] = {
        "clip": (standin, clip.load),
        "mllm": (root / "mllm", lambda f: transformers_folder.load(f, torch.float32)),
        "fetched": (root / "fetched", lambda f: transformers_folder.load(f, torch.float32)),
        "score": (root / "score", score.load),
        "segmentor": (root / "segmentor", segmentor.load),
        "stable_diffusion": (tiny_generator, diffusion.load),
        "diffusionsat": (root / "diffusionsat", diffusion.load),
        "crs_diff": (root / "crs_diff", diffusion.load),
        "controlnet": (root / "controlnet", diffusion.load_controlnet),
        "pipeline": (root / "pipeline", diffusion.load),
    }
    for kind in ("mllm", "score", "segmentor", "diffusionsat", "crs_diff", "controlnet"):
        (root / kind).mkdir()
    language_models.save(*transformers_folder.load(mllm, torch.float32), root / "mllm")
    transformers_folder.fetch_transformers(str(mllm), None, root / "fetched")
    score.save(score.start_from(mllm, 0), root / "score")
    segmentor.save(segmentor.build("unet", ["a", "b"], 0), root / "segmentor")
    for kind in ("diffusionsat", "crs_diff"):
        build = getattr(diffusion_standins, f"build_{kind}")
        diffusion.save(build(base, 0), root / kind)
    diffusion.save_controlnet(diffusion_standins.build_controlnet(base, 3, 0), root / "controlnet")
    fetch_pipeline(str(tiny_generator), root / "pipeline")
    return found


KINDS = (
    "clip", "mllm", "fetched", "score", "segmentor", "stable_diffusion", "diffusionsat", "crs_diff",
    "controlnet", "pipeline",
)  # fmt: skip


def damage(path: Path, how: str) -> None:
    content = bytearray(path.read_bytes())
    if how == "lost":
        return path.unlink()
    if how == "cut":
        del content[len(content) // 2 :]
    else:
        content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("how", ["flipped", "cut", "lost"])
@pytest.mark.parametrize("kind", KINDS)
def test_damage_is_named(
    kind: str, how: str, written: dict[str, tuple[Path, Callable[[Path], Any]]], tmp_path: Path
) -> None:
    """Of each file that the writer wrote, whether or not a library would have found it."""
    source, load = written[kind]
    folder = Path(shutil.copytree(source, tmp_path / "model"))
    load(folder)
    files = [path for path in sorted(folder.rglob("*.*")) if not path.name.startswith("winnow_")]
    assert len(files) > 1
    for file in files:
        if how == "lost" and file.name in ("config.json", "crs.yaml", clip.CONFIG, clip.WEIGHTS):
            continue  # what tells that it is a model at all
        whole = file.read_bytes()
        damage(file, how)
        with pytest.raises(WinnowError, match=f"^{file}: .*again") as caught:
            load(folder)
        assert "\n" not in str(caught.value)
        file.write_bytes(whole)
    load(folder)


def test_damaged_starts_and_releases(
    written: dict[str, tuple[Path, Callable[[Path], Any]]], tmp_path: Path
) -> None:
    """What is read in part, copied, or released is whole as well."""
    for kind in ("segmentor", "pipeline", "mllm", "clip"):
        shutil.copytree(written[kind][0], tmp_path / kind)
        weights = sorted((tmp_path / kind).rglob("*.safetensors"))[0]
        damage(weights, "flipped")
    with pytest.raises(
        WinnowError, match=r"segmentor/model\.safetensors: does not have the digest"
    ):
        segmentor.build("unet", ["a"], 0, tmp_path / "segmentor")
    with pytest.raises(WinnowError, match=r"pipeline/.*: does not have the digest"):
        fetch_pipeline(str(tmp_path / "pipeline"), tmp_path / "out")
    with pytest.raises(WinnowError, match=r"mllm/.*: does not have the digest"):
        transformers_folder.fetch_transformers(str(tmp_path / "mllm"), None, tmp_path / "out")
    (tmp_path / "clip.md").write_text("# Stand-in")
    assert main(["release", f"--standins={tmp_path}", f"--output={tmp_path / 'out'}"]) == 2
    assert not (tmp_path / "out").exists()


def test_a_damaged_part_of_a_folder_with_digests(tiny_generator: Path, tmp_path: Path) -> None:
    """The digests lie beside the folder that is asked for, and are those of all its siblings."""
    part = opened(tiny_generator, tmp_path / "repository/small")
    write_digests(part.parent)
    fetch_pipeline(str(part.parent), tmp_path / "out", subfolder="small")
    weights = sorted(part.rglob("*.safetensors"))[0]
    damage(weights, "flipped")
    with pytest.raises(WinnowError, match=f"^{weights}: does not have the digest"):
        fetch_pipeline(str(part.parent), tmp_path / "again", subfolder="small")
    assert not (tmp_path / "again").exists()


@pytest.mark.parametrize("content", [b"", b"[]", b'{"a": 1}', b"\xff", b'{"../x": "00"}'])
def test_damaged_digests(content: bytes, standin: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(standin, tmp_path / "model"))
    (folder / "winnow_digests.json").write_bytes(content)
    with pytest.raises(WinnowError, match=f"^{folder}/.*(again|not valid JSON)"):
        clip.load(folder)


def test_digests_change_no_record(standin: Path, tmp_path: Path) -> None:
    """A record names a model by its files, with digests beside them or without."""
    plain = opened(standin, tmp_path / "model")
    assert (standin / "winnow_digests.json").is_file()
    assert digest_files([plain]) == digest_files([standin])
    clip.load(plain)
    (plain / "README.md").write_text("A user's own note.")
    shutil.copyfile(standin / "winnow_digests.json", plain / "winnow_digests.json")
    clip.load(plain)
