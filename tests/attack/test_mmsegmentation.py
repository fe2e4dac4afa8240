"""Configurations of segmentors that would run code or fetch weights: nothing is loaded by them."""

import copy
import pickle
import socket
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from winnow.data.errors import WinnowError
from winnow.data.files import read_json, write_json
from winnow.models import mmsegmentation, segmentor
from winnow.models.segmentation_networks import BUILT_IN, configuration

ADDRESSES = (
    "https://evil.org/w.pth", "http://evil.org/w", "open-mmlab://resnet50", "file:///w.pth",
    "torchvision://resnet50", "mmcls://vgg16", "jhu://a", "s3://bucket/w.pth", "petrel://a/b",
    "openmmlab://a", "modelzoo://a", "local://a", "/etc/passwd", "../w.pth", "w.pth", "w.pkl",
)  # fmt: skip


class Loot:
    """A pickle that would write a file."""

    def __init__(self, trace: Path):
        self.trace = trace

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.trace,))


@pytest.fixture(autouse=True)
def guard(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail, past all handlers of errors, where anything is loaded or connected to."""
    from mmengine.runner import checkpoint

    def caught(*words: Any, **_: Any) -> None:
        pytest.fail(f"loaded {words}")

    mmsegmentation.load()
    monkeypatch.setattr(socket, "socket", caught)
    monkeypatch.setattr(torch, "load", caught)
    monkeypatch.setattr(pickle, "load", caught)
    monkeypatch.setattr(torch.hub, "load_state_dict_from_url", caught)
    monkeypatch.setattr(checkpoint, "_load_checkpoint", caught)
    monkeypatch.setattr(checkpoint.CheckpointLoader, "load_checkpoint", caught)


def put(config: dict[str, Any], *place: str, **changes: Any) -> dict[str, Any]:
    """A copy of a configuration with other keys in one of its sections."""
    config = copy.deepcopy(config)
    inner = config
    for key in place:
        inner = inner.setdefault(key, {})
    inner.update(changes)
    return config


UNET = configuration("unet", 2)
SWIN = put(
    UNET,
    backbone={"type": "SwinTransformer", "embed_dims": 8, "depths": [1, 1, 1, 1],
              "num_heads": [1, 1, 1, 1], "pretrain_img_size": 32},
)  # fmt: skip
ATTACKS: dict[str, dict[str, Any]] = {
    "weights by another type": put(
        SWIN, "backbone", init_cfg={"type": "Evil", "checkpoint": "https://evil.org/w.pth"}
    ),
    "weights without a type": put(SWIN, "backbone", init_cfg={"checkpoint": "w"}),
    "weights in a list": put(SWIN, "backbone", init_cfg=[{"type": "Normal"}, {"checkpoint": "w"}]),
    "weights of a part": put(UNET, init_cfg={"type": "Normal", "override": {"type": "Pretrained"}}),
    "weights of MAE": put(
        UNET, backbone={"type": "MAE", "init_cfg": {"type": "Pretrained_Part", "checkpoint": "w"}}
    ),
    "pretrained": put(UNET, "backbone", pretrained="weights"),
    "pretrained, yes": put(UNET, "backbone", pretrained=True),
    "timm": put(UNET, backbone={"type": "TIMMBackbone", "model_name": "a", "pretrained": True}),
    "timm of the hub": put(UNET, backbone={"type": "TIMMBackbone", "model_name": "hf-hub:e/v"}),
    "mmpretrain": put(UNET, backbone={"type": "mmpretrain.ConvNeXt"}),
    "mmpretrain's wrapper": put(UNET, backbone={"type": "HuggingFaceWrapper", "name": "evil"}),
    "VPD": put(UNET, backbone={"type": "VPD", "diffusion_cfg": {"checkpoint": "w"}}),
    "CLIP": put(UNET, "decode_head", type="SideAdapterCLIPHead"),
    "text encoder": put(UNET, text_encoder={"type": "CLIPTextEncoder"}),
    "two encoders": put(UNET, type="MultimodalEncoderDecoder"),
    "a function of Python": put(UNET, backbone={"type": "os.system", "command": "a"}),
    "a builtin": put(UNET, backbone={"type": "eval"}),
    "a module": put(UNET, backbone={"type": "torch.hub.load"}),
    "a type in a list": put(UNET, backbone={"type": ["UNet"]}),
    "scope": put(UNET, "backbone", _scope_="evil"),
    "base": put(UNET, _base_="evil"),
    "delete": put(UNET, "backbone", _delete_=True),
    "imports": put(UNET, custom_imports={"imports": ["evil.py"]}),
    "imports by words": put(UNET, "backbone", imports="os.system"),
    "template": put(UNET, "backbone", name="{{ fileDirname }}"),
    "base's value": put(UNET, "backbone", name="{{_base_.evil}}"),
    "environment": put(UNET, "backbone", name="{{$HOME:/}}"),
    "pickled classes": put(UNET, "decode_head", loss_decode={
        "type": "CrossEntropyLoss", "class_weight": "loot.pkl"}),
    "pickled classes, by a word": put(UNET, "decode_head", loss_decode=[{
        "type": "CrossEntropyLoss", "class_weight": "pkl"}]),
    "preprocessor": put(UNET, data_preprocessor={"type": "evil.Preprocessor"}),
    "augmentation": put(UNET, "data_preprocessor", batch_augments=[{"type": "evil.Augment"}]),
    "key of another kind": put(UNET, "backbone", **{"a.b": 1}),
}  # fmt: skip


@pytest.mark.parametrize("kind", ATTACKS)
def test_a_configuration_that_reaches_out(kind: str, tmp_path: Path) -> None:
    """As a user's file, under `model` or plain, and as what a segmentor's folder has."""
    for content in (ATTACKS[kind], {"model": ATTACKS[kind]}):
        write_json(tmp_path / "net.yaml", content)
        with pytest.raises(WinnowError, match=rf"^{tmp_path}/net\.yaml: (?!mmseg)"):
            segmentor.build(str(tmp_path / "net.yaml"), ["a", "b"], 0)
    segmentor.save(segmentor.build("unet", ["a", "b"], 0), tmp_path)
    (tmp_path / "winnow_digests.json").unlink(missing_ok=True)
    write_json(tmp_path / segmentor.CONFIG, {"model": ATTACKS[kind], "classes": ["a", "b"]})
    with pytest.raises(WinnowError, match=rf"^{tmp_path}/config\.json: (?!mmseg)"):
        segmentor.load(tmp_path)


def test_a_pickle_of_class_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()  # all is let through, but for what the check refuses
    monkeypatch.chdir(tmp_path)  # a name alone may be a file: mmengine takes `pkl` for a pickle
    for name in ("loot.pkl", "loot.npy", "pkl", "pickle"):
        (tmp_path / name).write_bytes(pickle.dumps(Loot(tmp_path / "trace")))
        for named in (str(tmp_path / name), name):
            loss = {"type": "CrossEntropyLoss", "class_weight": named}
            write_json(tmp_path / "net.json", put(UNET, "decode_head", loss_decode=loss))
            with pytest.raises(WinnowError, match=r"net\.json: `class_weight` names a file"):
                segmentor.build(str(tmp_path / "net.json"), ["a", "b"], 0)
    assert not (tmp_path / "trace").exists()


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize(
    "place", [("backbone",), ("decode_head", "init_cfg"), ("decode_head", "norm_cfg"), ()]
)
def test_no_address_anywhere(address: str, place: tuple[str, ...], tmp_path: Path) -> None:
    for value in (address, [address], [[address]], {"deeper": {"still": address}}):
        write_json(tmp_path / "net.yaml", put(UNET, *place, something=value))
        with pytest.raises(WinnowError, match=r"net\.yaml: `(something|still)` is .*expected a w"):
            segmentor.build(str(tmp_path / "net.yaml"), ["a", "b"], 0)


@given(
    st.dictionaries(
        st.sampled_from(["type", "init_cfg", "checkpoint", "_scope_", "name", "norm_cfg", "layer"]),
        st.recursive(
            st.none() | st.booleans() | st.integers(-2, 2)
            | st.sampled_from(["BN", "Normal", "Pretrained", "evil.py", "a://b", "{{a}}", "UNet"]),
            lambda inner: st.lists(inner, max_size=2)
            | st.dictionaries(st.sampled_from(["type", "init_cfg", "layer"]), inner, max_size=2),
            max_leaves=4,
        ),
        max_size=3,
    )
)  # fmt: skip
def test_any_section_is_built_or_refused(tmp_path_factory: Any, section: dict[str, Any]) -> None:
    path = tmp_path_factory.mktemp("any") / "net.json"
    write_json(path, put(UNET, "decode_head", conv_cfg=section, init_cfg=section))
    try:
        segmentor.build(str(path), ["a", "b"], 0)
    except WinnowError as error:
        assert str(error).startswith(f"{path}: ")


def test_networks_of_mmsegmentation_are_built(tmp_path: Path) -> None:
    """A list that refused everything would pass the tests above."""
    head = {"type": "FCNHead", "in_channels": 64, "in_index": 3, "channels": 8}
    backbones: dict[str, dict[str, Any]] = {
        "swin": {**SWIN["backbone"], "window_size": 2},
        "resnet": {"type": "ResNetV1c", "depth": 18, "norm_cfg": {"type": "SyncBN"}},
    }
    for name, backbone in backbones.items():
        width = 512 if name == "resnet" else 64
        content = {"type": "EncoderDecoder", "backbone": backbone,
                   "decode_head": {**head, "in_channels": width}}  # fmt: skip
        write_json(tmp_path / f"{name}.json", content)
        built = segmentor.build(str(tmp_path / f"{name}.json"), ["a", "b"], 0)
        assert built.network.decode_head.conv_seg.out_channels == 2


def test_the_list_of_types_is_of_plain_operators() -> None:
    from mmengine.registry import MODELS, TASK_UTILS, WEIGHT_INITIALIZERS
    from mmseg.registry import MODELS as SEGMENTORS
    from mmseg.registry import TASK_UTILS as SAMPLERS

    from winnow.models.segmentation_networks import TYPES

    registries = (MODELS, TASK_UTILS, WEIGHT_INITIALIZERS, SEGMENTORS, SAMPLERS)
    known = {name: kind for registry in registries for name, kind in registry.module_dict.items()}
    assert set(known) >= TYPES and len(BUILT_IN) == 2
    assert not [name for name in TYPES if known[name].__module__.startswith("mmcv.ops")]


@pytest.mark.parametrize("classes", [None, "ab", [1, 2], [["a"]], {"a": 1}])
def test_classes_that_are_no_names(classes: Any, tmp_path: Path) -> None:
    segmentor.save(segmentor.build("unet", ["a", "b"], 0), tmp_path)
    (tmp_path / "winnow_digests.json").unlink(missing_ok=True)
    config = read_json(tmp_path / segmentor.CONFIG)
    write_json(tmp_path / segmentor.CONFIG, {**config, "classes": classes})
    with pytest.raises(WinnowError, match=r"config\.json: needs model and classes"):
        segmentor.load(tmp_path)
