"""Which network a segmentor is: two small ones, or an mmsegmentation configuration in YAML or JSON.

A configuration of a file is data, which `network_types` checks: nothing in it imports code, reads a
file or fetches weights.
"""

import copy
from typing import Any

from pydantic import TypeAdapter

from winnow.data.segments import IGNORED
from winnow.data.yaml_file import read_yaml
from winnow.models.folder import sections
from winnow.models.network_types import check

Config = dict[str, Any]

NORM = {"type": "BN", "requires_grad": True}
HEAD: Config = {
    "dropout_ratio": 0.0,
    "norm_cfg": NORM,
    "align_corners": False,
    "ignore_index": IGNORED,
    "loss_decode": {"type": "CrossEntropyLoss", "avg_non_ignore": True},
    # At mmsegmentation's 0.01 the first steps give all weights of a rare class one sign, and as no
    # feature is negative, the head can only say less of it: half of short trainings never say it.
    "init_cfg": {"type": "Normal", "std": 0.1, "override": {"name": "conv_seg"}},
}
# A U-Net (Ronneberger et al. 2015) that begins at half resolution: at full, it takes twice as long.
UNET: Config = {
    "type": "EncoderDecoder",
    "backbone": {
        "type": "UNet",
        "base_channels": 24,
        "num_stages": 3,
        "strides": [2, 1, 1],
        "enc_num_convs": [1, 1, 2],
        "dec_num_convs": [1, 1],
        "downsamples": [True, True],
        "enc_dilations": [1, 1, 1],
        "dec_dilations": [1, 1],
        "norm_cfg": NORM,
    },
    "decode_head": {
        "type": "FCNHead",
        "in_channels": 24,
        "in_index": 2,
        "channels": 24,
        "num_convs": 0,
        "concat_input": False,
        **HEAD,
    },
}
# A SegFormer (Xie et al. 2021) of half the width of B0.
SEGFORMER: Config = {
    "type": "EncoderDecoder",
    "backbone": {
        "type": "MixVisionTransformer",
        "embed_dims": 16,
        "num_layers": [2, 2, 2, 2],
        "num_heads": [1, 2, 4, 8],
        "patch_sizes": [7, 3, 3, 3],
        "sr_ratios": [8, 4, 2, 1],
        "out_indices": [0, 1, 2, 3],
        "drop_path_rate": 0.0,
    },
    "decode_head": {
        "type": "SegformerHead",
        "in_channels": [16, 32, 64, 128],
        "in_index": [0, 1, 2, 3],
        "channels": 64,
        **HEAD,
    },
}
BUILT_IN = {"unet": UNET, "segformer": SEGFORMER}
HALVINGS = {"unet": 3}  # of a side in the network; five in the others
# Mean and deviation of ImageNet; sides are padded to what the halvings divide.
PREPROCESSOR: Config = {
    "type": "SegDataPreProcessor",
    "mean": [123.675, 116.28, 103.53],
    "std": [58.395, 57.12, 57.375],
    "seg_pad_val": IGNORED,
}


def configuration(network: str, classes: int) -> Config:
    """The model configuration of a built-in network, or of a file, for a number of classes.

    A file holds the model, or the model under the key `model`; its heads get the number of classes
    and, with synchronised normalisation, the plain kind, as one process trains. Raises WinnowError
    naming the file and what in it is not taken.
    """
    if network in BUILT_IN:
        found = copy.deepcopy(BUILT_IN[network])
    else:
        content = read_yaml(network, TypeAdapter(Config))
        found = content.get("model", content)
        check(found, network)
    divisor = {"size_divisor": 2 ** HALVINGS.get(network, 5)}
    found.setdefault("data_preprocessor", {**PREPROCESSOR, **divisor, "test_cfg": divisor})
    found |= {"train_cfg": {}, "test_cfg": found.get("test_cfg") or {"mode": "whole"}}
    for part in ("decode_head", "auxiliary_head"):
        heads = found.get(part) or []
        for head in heads if isinstance(heads, list) else [heads]:
            head["num_classes"] = classes
            head.pop("out_channels", None)
    for section in sections(found):
        if section.get("type") == "SyncBN":
            section["type"] = "BN"
    return found
