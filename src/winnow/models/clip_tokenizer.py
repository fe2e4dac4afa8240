"""CLIP's tokenizer: byte-pair encoding of lower-cased text, of its own merges or the published."""

import json
from collections.abc import Iterable
from typing import Any

from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from transformers import CLIPTokenizer

START, END, WORD_END = "<|startoftext|>", "<|endoftext|>", "</w>"
CONTEXT = 77  # of the published ones
PRIVATE = 0xE000  # first code point for private use: signs that end words, while merges are learned


def published() -> CLIPTokenizer:
    """That of OpenAI's models, from the merges that open_clip brings along."""
    from open_clip.tokenizer import SimpleTokenizer

    return from_merges(list(SimpleTokenizer().bpe_ranks))


def train(texts: Iterable[str], vocabulary: int, context: int) -> CLIPTokenizer:
    """One of at most `vocabulary` tokens, whose merges are learned on `texts`, for texts of up to
    `context` tokens."""
    plain = from_merges([]).backend_tokenizer
    learner = Tokenizer(models.BPE())
    learner.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    trainer = trainers.BpeTrainer(vocab_size=vocabulary, show_progress=False)
    learner.train_from_iterator((_marked(plain, text) for text in texts), trainer)
    merges = [
        (_unmarked(first), _unmarked(second))
        for first, second in json.loads(learner.to_str())["model"]["merges"]
    ]
    return from_merges(merges[: vocabulary - len(_alphabet()) - 2], context)


def _marked(plain: Tokenizer, text: str) -> str:
    """The words of a text, the last sign of each replaced by its sign that ends words.

    The trainer's own suffix would get its numbers in an order that differs from run to run, and
    with them which of two equally frequent merges comes first.
    """
    words = plain.pre_tokenizer.pre_tokenize_str(plain.normalizer.normalize_str(text))
    return " ".join(f"{word[:-1]}{chr(PRIVATE + ord(word[-1]))}" for word, _ in words)


def _unmarked(token: str) -> str:
    last = ord(token[-1]) - PRIVATE
    return token if last < 0 else f"{token[:-1]}{chr(last)}{WORD_END}"


def from_merges(merges: list[tuple[str, str]], context: int = CONTEXT) -> CLIPTokenizer:
    """One of given merges. Ids: bytes, bytes that end a word, merged tokens, start, end."""
    tokens = [*_alphabet(), *(first + second for first, second in merges), START, END]
    ids: dict[str, int] = {}
    for token in tokens:
        ids.setdefault(token, len(ids))
    settings: dict[str, Any] = {"vocab": ids, "merges": merges, "model_max_length": context}
    return CLIPTokenizer(**settings)


def _alphabet() -> list[str]:
    from open_clip.tokenizer import bytes_to_unicode

    signs = list(bytes_to_unicode().values())
    return signs + [sign + WORD_END for sign in signs]
