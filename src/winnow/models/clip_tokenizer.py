"""CLIP's tokenizer: byte-pair encoding of lower-cased text, of its own merges or the published."""

import json
from collections.abc import Iterable
from typing import Any

from tokenizers import Tokenizer, models, trainers
from transformers import CLIPTokenizer

START, END, WORD_END = "<|startoftext|>", "<|endoftext|>", "</w>"
CONTEXT = 77  # of the published ones


def published() -> CLIPTokenizer:
    """That of OpenAI's models, from the merges that open_clip brings along."""
    from open_clip.tokenizer import SimpleTokenizer

    return from_merges(list(SimpleTokenizer().bpe_ranks))


def train(texts: Iterable[str], vocabulary: int, context: int) -> CLIPTokenizer:
    """One of at most `vocabulary` tokens, whose merges are learned on `texts`, for texts of up to
    `context` tokens."""
    plain = from_merges([]).backend_tokenizer
    learner = Tokenizer(models.BPE(end_of_word_suffix=WORD_END))
    learner.normalizer, learner.pre_tokenizer = plain.normalizer, plain.pre_tokenizer
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary - 2, end_of_word_suffix=WORD_END, show_progress=False
    )
    learner.train_from_iterator(texts, trainer)
    merges = [tuple(pair) for pair in json.loads(learner.to_str())["model"]["merges"]]
    return from_merges(merges[: vocabulary - len(_alphabet()) - 2], context)


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
