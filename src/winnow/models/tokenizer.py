"""Small byte-pair tokenizers for the stand-ins, trained on the reference split's captions."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from tokenizers import (
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)
from transformers import PreTrainedTokenizerFast

PAD, START, END = "<pad>", "<start>", "<end>"  # ids 0, 1, 2


def train_bytes(
    texts: Iterable[str], vocabulary: int, special: Sequence[str], prefix_space: bool
) -> Any:
    """A tokenizer trained on `texts`, whose first ids are the `special` tokens'.

    Byte level, so that any script is readable; lower case, since captions differ in it by habit.
    """
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=prefix_space)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=list(special),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def train_tokenizer(texts: Iterable[str], vocabulary: int, folder: Path) -> int:
    """Train on `texts` and save a transformers tokenizer into `folder`; returns its size."""
    tokenizer = train_bytes(texts, vocabulary, (PAD, START, END), prefix_space=True)
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{START} $A {END}", special_tokens=[(START, 1), (END, 2)]
    )
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token=PAD, bos_token=START, eos_token=END
    )
    fast.save_pretrained(folder)
    return int(tokenizer.get_vocab_size())
