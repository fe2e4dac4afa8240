"""A tiny Qwen2-VL with random weights, as a folder of transformers."""

import re
from pathlib import Path

import pytest

SPECIAL = [
    "<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|vision_start|>", "<|vision_end|>",
    "<|image_pad|>", "<|video_pad|>",
]  # fmt: skip
TEMPLATE = """{% for message in messages %}<|im_start|>{{ message.role }}
{% if message.content is string %}{{ message.content }}{% else %}{% for part in message.content %}\
{% if part.type == 'image' %}<|vision_start|><|image_pad|><|vision_end|>{% else %}{{ part.text }}\
{% endif %}{% endfor %}{% endif %}<|im_end|>
{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant
{% endif %}"""
TEXTS = ["two white planes on the apron", "a river between green fields and a small town"]


def build_mllm(folder: Path, seed: int = 0) -> Path:
    """Save model and processor: two layers of width 32, patches of 8 pixels, 16 tokens an image."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import (
        PreTrainedTokenizerFast,
        Qwen2VLConfig,
        Qwen2VLForConditionalGeneration,
        Qwen2VLImageProcessor,
        Qwen2VLProcessor,
        Qwen2VLVideoProcessor,
    )

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=320,
        special_tokens=SPECIAL,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(TEXTS * 3, trainer)
    size = {"shortest_edge": 64 * 64, "longest_edge": 64 * 64}
    processor = Qwen2VLProcessor(
        image_processor=Qwen2VLImageProcessor(patch_size=8, size=size),
        tokenizer=PreTrainedTokenizerFast(
            tokenizer_object=tokenizer, pad_token=SPECIAL[0], eos_token=SPECIAL[2]
        ),
        video_processor=Qwen2VLVideoProcessor(patch_size=8, size=size),
        chat_template=TEMPLATE,
    )
    config = Qwen2VLConfig(
        text_config={
            "vocab_size": tokenizer.get_vocab_size(),
            "hidden_size": 32,
            "intermediate_size": 64,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "num_key_value_heads": 2,
            "max_position_embeddings": 512,
            "initializer_range": 0.5,  # so that answers differ by image
            "rope_parameters": {
                "rope_type": "default", "rope_theta": 1e4, "mrope_section": [2, 3, 3],
            },
            "eos_token_id": 2,
            "pad_token_id": 0,
            "bos_token_id": None,
        },
        vision_config={
            "depth": 2, "embed_dim": 32, "hidden_size": 32, "num_heads": 2, "patch_size": 8,
            "initializer_range": 0.5,
        },
        vision_start_token_id=3, vision_end_token_id=4, image_token_id=5, video_token_id=6,
    )  # fmt: skip
    torch.manual_seed(seed)
    model = Qwen2VLForConditionalGeneration(config)
    spoken = re.compile("[a-zĠ]+")  # letters and spaces, as the byte-level alphabet has them
    silent = [i for text, i in tokenizer.get_vocab().items() if not spoken.fullmatch(text)]
    model.generation_config.update(
        eos_token_id=2, pad_token_id=0, do_sample=False, suppress_tokens=sorted({*silent} - {2})
    )
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def mllm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a tiny Qwen2-VL."""
    import torch

    torch.set_num_threads(1)
    return build_mllm(tmp_path_factory.mktemp("models") / "mllm")
