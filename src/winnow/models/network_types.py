"""What a configuration of mmsegmentation may say: networks of torch's own operators, as plain data.

mmengine imports what a type or scope names, and loads what a `checkpoint`, a `pretrained` or a file
of weights of classes names, by its code that unpickles. So types are of this list, and no text is a
path, an address or a template.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from winnow.data.errors import WinnowError, did_you_mean
from winnow.models.folder import sections

# Types of mmsegmentation, mmcv and mmengine that read no file, fetch nothing, and need none of
# mmcv's compiled operators. Left out: timm's and CLIP's networks, VPD, those of mmdetection.
_TYPES = """
EncoderDecoder CascadeEncoderDecoder SegDataPreProcessor OHEMPixelSampler

BEiT BiSeNetV1 BiSeNetV2 CGNet DDRNet ERFNet FastSCNN HRNet ICNet MAE MSCAN MixVisionTransformer
MobileNetV2 MobileNetV3 PCPVT PIDNet ResNeSt ResNeXt ResNet ResNetV1c ResNetV1d
STDCContextPathNet STDCNet SVT SwinTransformer UNet VisionTransformer

FPN Feature2Pyramid ICNeck JPU MLANeck MultiLevelNeck

ANNHead APCHead ASPPHead DAHead DDRHead DMHead DNLHead DPTHead DepthwiseSeparableASPPHead
DepthwiseSeparableFCNHead EMAHead EncHead FCNHead FPNHead GCHead ISAHead IterativeDecodeHead
KernelUpdateHead KernelUpdator LRASPPHead LightHamHead NLHead OCRHead PIDHead PSPHead PointHead
SETRMLAHead SETRUPHead STDCHead SegformerHead SegmenterMaskTransformerHead UPerHead

BoundaryLoss CrossEntropyLoss DiceLoss FocalLoss HuasdorffDisstanceLoss LovaszLoss
OhemCrossEntropy SiLogLoss TverskyLoss

BN BN1d BN2d BN3d GN IN IN1d IN2d IN3d LN SyncBN
Clamp Clip ELU GELU HSigmoid HSwish LeakyReLU PReLU RReLU ReLU ReLU6 SiLU Sigmoid Swish Tanh
Conv Conv1d Conv2d Conv2dAdaptivePadding Conv3d ConvAWS ConvModule ConvTranspose2d
ConvTranspose3d ConvWS reflect replicate zero
DeconvModule InterpConv bilinear deconv deconv3d nearest pixel_shuffle
BaseTransformerLayer ContextBlock DropPath Dropout FFN GeneralizedAttention MultiheadAttention
NonLocal2d TransformerLayerSequence

Caffe2Xavier Constant Kaiming Normal TruncNormal Uniform Xavier
"""
TYPES = frozenset(_TYPES.split())
WEIGHTS = ("checkpoint", "pretrained")  # keys that name weights, whatever the type beside them
CLASS_WEIGHT = "class_weight"  # numbers, or a file's name: a pickle's where that is `pkl`
KEY = re.compile(r"[A-Za-z]\w*")
WORD = re.compile(r"[\w -]*")


def check(config: Any, where: str | Path) -> None:
    """Refuse a configuration that would import code, read a file or fetch weights, or is no model.

    Raises WinnowError naming `where`, the key and what stands there.
    """
    if not isinstance(config, dict) or not {"type", "backbone", "decode_head"} <= set(config):
        raise WinnowError(f"{where}: is no model: it needs type, backbone and decode_head")
    for section in sections(config):
        for key, value in section.items():
            if not isinstance(key, str) or not KEY.fullmatch(key):
                raise WinnowError(
                    f"{where}: key {key!r} is none of a network; a configuration is data, without "
                    "bases, scopes or imports"
                )
            if value == "Pretrained" or (key in WEIGHTS and value):
                raise WinnowError(
                    f"{where}: `{key}: {value}` names weights to load; take that out and give "
                    "models.segmentor"
                )
            if key == CLASS_WEIGHT and isinstance(value, str):
                raise WinnowError(
                    f"{where}: `{key}` names a file, {value!r}; give the numbers, a list"
                )
            if key == "type" and value is not None:
                _check_type(value, where)
            for text in _texts(value):
                if not WORD.fullmatch(text):
                    raise WinnowError(
                        f"{where}: `{key}` is {text!r}, expected a word; files and addresses are "
                        "not read from a configuration"
                    )


def _texts(value: Any) -> Iterator[str]:
    """The texts of a value, and of lists in it; sections have keys of their own."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for part in value:
            yield from _texts(part)


def _check_type(kind: Any, where: str | Path) -> None:
    if not isinstance(kind, str) or kind not in TYPES:
        near = did_you_mean(kind, TYPES) if isinstance(kind, str) else ""
        raise WinnowError(
            f"{where}: type {kind!r} is none of mmsegmentation's that are built here{near}: types "
            "that import code, fetch weights or need compiled operators are not"
        )
