"""The stand-in of a multimodal language model: a small real Qwen2-VL in a transformers folder.

Its architecture is Qwen2-VL's own (Wang et al. 2024): a vision transformer with rotary positions,
patches merged two by two, a Qwen2 decoder with multimodal rotary positions. Its tokenizer is a
small byte-level BPE with Qwen2-VL's special tokens, and its chat template is in their format.
"""

import copy
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from transformers import (
    PreTrainedTokenizerFast,
    Qwen2VLConfig,
    Qwen2VLForConditionalGeneration,
    Qwen2VLImageProcessor,
    Qwen2VLProcessor,
    Qwen2VLVideoProcessor,
)

from winnow.data.digests import write_digests
from winnow.models.tokenizer import train_bytes
from winnow.models.weights import writing

_NAMES = ("endoftext", "im_start", "im_end", "vision_start", "vision_end", "image_pad", "video_pad")
SPECIAL = tuple(f"<|{name}|>" for name in _NAMES)
PAD, START, END, VISION_START, VISION_END, IMAGE, VIDEO = range(len(SPECIAL))
PATCH = 8  # pixels; two by two patches become one token
SIDE = 64  # pixels
CHAT_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
    "{% if message['content'] is string %}{{ message['content'] }}"
    "{% else %}{% for part in message['content'] %}"
    "{% if part['type'] in ('image', 'image_url') %}<|vision_start|><|image_pad|><|vision_end|>"
    "{% elif part['type'] == 'text' %}{{ part['text'] }}{% endif %}"
    "{% endfor %}{% endif %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def train_processor(texts: Iterable[str], vocabulary: int) -> Qwen2VLProcessor:
    """The image processor, and a tokenizer trained on `texts` with Qwen2-VL's special tokens."""
    tokenizer = train_bytes(texts, vocabulary, SPECIAL, prefix_space=False)
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token=SPECIAL[PAD],
        eos_token=SPECIAL[END],
        extra_special_tokens={"image_token": SPECIAL[IMAGE], "video_token": SPECIAL[VIDEO]},
        padding_side="left",
    )
    sizes = {"shortest_edge": SIDE * SIDE, "longest_edge": SIDE * SIDE}
    shape: dict[str, Any] = {"patch_size": PATCH, "merge_size": 2, "size": sizes}
    return Qwen2VLProcessor(
        image_processor=Qwen2VLImageProcessor(**shape),
        tokenizer=fast,
        video_processor=Qwen2VLVideoProcessor(**shape),
        chat_template=CHAT_TEMPLATE,
    )


def build(vocabulary: int, seed: int, width: int, layers: int, depth: int) -> Any:
    """A new Qwen2-VL with seeded weights: `layers` in the decoder, `depth` in the vision tower."""
    torch.manual_seed(seed)
    config = Qwen2VLConfig(
        text_config={
            "vocab_size": vocabulary,
            "hidden_size": width,
            "intermediate_size": 3 * width,
            "num_hidden_layers": layers,
            "num_attention_heads": width // 32,
            "num_key_value_heads": width // 32,
            "max_position_embeddings": 512,
            "rope_parameters": {
                "rope_type": "default",
                "rope_theta": 10000.0,
                "mrope_section": [4, 6, 6],  # of the 16 frequencies: time, height, width
            },
            "tie_word_embeddings": True,
            "pad_token_id": PAD,
            "bos_token_id": None,
            "eos_token_id": END,
        },
        vision_config={
            "depth": depth,
            "embed_dim": width,
            "hidden_size": width,
            "num_heads": width // 32,
            "mlp_ratio": 3,
            "patch_size": PATCH,
            "spatial_merge_size": 2,
            "temporal_patch_size": 2,
        },
        tie_word_embeddings=True,
        image_token_id=IMAGE,
        video_token_id=VIDEO,
        vision_start_token_id=VISION_START,
        vision_end_token_id=VISION_END,
    )
    model = Qwen2VLForConditionalGeneration(config)
    model.generation_config.update(eos_token_id=END, pad_token_id=PAD, do_sample=False)
    return model.eval()


def save(model: Any, processor: Any, folder: Path, half: bool = False) -> None:
    """Write a transformers folder (the caller makes it atomic). `half` stores 16-bit floats.

    Raises OSError where the disk is full.
    """
    stored = copy.deepcopy(model).to(torch.float16) if half else model
    with writing():
        stored.save_pretrained(folder)
    processor.save_pretrained(folder)
    write_digests(folder)
