"""The scorers: each maps an image and a caption to a float, higher is better."""

import hashlib
import importlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from PIL import Image

from winnow.data.errors import WinnowError
from winnow.data.language import ENGLISH, language, words
from winnow.data.tables import TRUTH, read_table


@dataclass(frozen=True)
class Batch:
    """Pairs to score. Pair `i` is image `image[i]` of `pixels` with text `text[i]`."""

    uid: list[str]
    caption_id: list[int]
    text: list[str]
    image: np.ndarray  # int [pairs]
    pixels: np.ndarray | None  # what `prepare` returned, stacked: [images, ...]


@dataclass(frozen=True)
class Context:
    """What a scorer may use: its role's model folder, the sealed truth (oracle alone), a seed."""

    model: Path | None = None
    truth: Path | None = None
    seed: int = 0
    precision: str = "auto"


class Scorer:
    """Base of every scorer. `options` come from `params.yaml`."""

    sees_images = True  # False spares the engine reading and decoding them

    def __init__(self, context: Context, **options: Any):
        if options:
            raise WinnowError(
                f"scorer {type(self).__name__}: unknown options {', '.join(sorted(options))}"
            )
        self.context = context

    def prepare(self, image: Image.Image) -> np.ndarray:
        """Make a decoded image ready, in a worker thread: an array of one shape for all images."""
        raise NotImplementedError(f"{type(self).__name__} sees images but has no prepare()")

    def score(self, batch: Batch) -> np.ndarray:
        """Scores [pairs], finite floats."""
        raise NotImplementedError(f"{type(self).__name__} has no score()")


class NoScore(Scorer):
    """Control: keeps everything."""

    sees_images = False

    def score(self, batch: Batch) -> np.ndarray:
        """One score for all."""
        return np.zeros(len(batch.text))


class RandomScore(Scorer):
    """Control: a fair draw for each pair, from the seed and the pair's key alone."""

    sees_images = False

    def score(self, batch: Batch) -> np.ndarray:
        """Uniform in [0, 1), the same whatever the batches."""
        keys = (
            f"{self.context.seed}/{u}/{c}" for u, c in zip(batch.uid, batch.caption_id, strict=True)
        )
        digests = (hashlib.sha256(key.encode()).digest()[:7] for key in keys)
        return np.array([int.from_bytes(digest) / 256**7 for digest in digests])


class OracleScore(Scorer):
    """Control: reads the sealed truth, and orders kinds of noise by how much is false."""

    sees_images = False
    VALUE: ClassVar[dict[str, float]] = {
        "clean": 1.0,
        "truncated": 0.75,  # true, but less than it could say
        "generic": 0.75,
        "attribute": 0.5,  # one fact is wrong
        "count": 0.5,
        "relation": 0.5,
        "hallucination": 0.25,  # a thing that is not there
        "infeasible": 0.25,
        "mismatch": 0.0,
    }

    def __init__(self, context: Context, **options: Any):
        super().__init__(context, **options)
        if context.truth is None:
            raise WinnowError("scorer oracle: needs the sealed truth, give --truth")
        truth = read_table(context.truth, TRUTH)
        unknown = set(truth["kind"]) - set(self.VALUE)
        if unknown:
            raise WinnowError(f"{context.truth}: unknown kind of noise {sorted(unknown)[0]!r}")
        keys = zip(truth["uid"], truth["caption_id"], strict=True)
        self.kinds = dict(zip(keys, truth["kind"], strict=True))

    def score(self, batch: Batch) -> np.ndarray:
        """The value of each pair's kind."""
        keys = zip(batch.uid, batch.caption_id, strict=True)
        try:
            return np.array([self.VALUE[self.kinds[key]] for key in keys])
        except KeyError as error:
            raise WinnowError(f"{self.context.truth}: no row for pair {error}") from error


class LengthScore(Scorer):
    """Trivial baseline: the longer a caption, the better, whatever it says and the image shows.

    What a learned scorer gains must be seen against it.
    """

    sees_images = False

    def score(self, batch: Batch) -> np.ndarray:
        """The number of words; of characters in scripts without blanks."""
        return np.array([float(len(words(text))) for text in batch.text])


class TextScore(Scorer):
    """Caption heuristics: looks at the text alone.

    Rewards length up to 12 words and distinct words (characters in scripts without blanks);
    punishes stock phrases, an unfinished last word, and words about what cannot be seen from above,
    all of which are known of English alone. In the manner of the text filters of DataComp (Gadre et
    al. 2023) and of data-juicer's operators.
    """

    sees_images = False
    STOCK = re.compile(r"\b(some|several|various|many|things|area|image|picture|view|place)\b")
    UNFINISHED = re.compile(r"\b(a|an|the|and|or|of|in|on|at|by|to|with|near|next|is|are)\W*$")
    UNSEEN = re.compile(
        r"\b(sound|smell|noise|music|name[ds]?|owner|century|history|historic|famous|festival|"
        r"feel|happy|peaceful|inside|indoors?|year|built in|yesterday|tomorrow|voices?)\b|\d{4}"
    )

    def score(self, batch: Batch) -> np.ndarray:
        """Sum of rewards and punishments, about -3 to 2."""
        return np.array([self._score(text.lower()) for text in batch.text])

    def _score(self, text: str) -> float:
        found = words(text)
        if not found:
            return -3.0
        length = min(len(found), 12) / 12 - max(0, len(found) - 40) / 40
        distinct = len(set(found)) / len(found)
        stock, unfinished, unseen = self._faults(text)
        return max(-3.0, length + distinct - stock - unfinished - unseen)

    def _faults(self, text: str) -> tuple[float, float, float]:
        """Punishments, each 0 to 1; none where what looks like a fault is not English."""
        stock = min(1.0, len(self.STOCK.findall(text)) / 3)
        unfinished = 1.0 if self.UNFINISHED.search(text) else 0.0
        unseen = 1.0 if self.UNSEEN.search(text) else 0.0
        foreign = (stock or unfinished or unseen) and language(text) != ENGLISH
        return (0.0, 0.0, 0.0) if foreign else (stock, unfinished, unseen)


class ClipScore(Scorer):
    """Cosine of the image's and the caption's features, -1 to 1 (Hessel et al. 2021, unscaled)."""

    def __init__(self, context: Context, **options: Any):
        super().__init__(context, **options)
        if context.model is None:
            raise WinnowError("scorer: needs a model, give `model: <role>` in params.yaml")
        import torch

        from winnow.models import clip
        from winnow.scoring.precision import choose

        self.torch = torch
        self.clip = clip.load(context.model)
        self.autocast = choose(self.clip, context.precision, context.model)

    def prepare(self, image: Image.Image) -> np.ndarray:
        """The model's own resizing: uint8 [H, W, 3]."""
        return self.clip.prepare(image)

    def score(self, batch: Batch) -> np.ndarray:
        """Cosine similarity of each pair."""
        with self.torch.inference_mode(), self.autocast():
            texts = self.clip.encode_texts(batch.text)
            return self._similarity(batch, texts)

    def _similarity(self, batch: Batch, texts: Any, turns: int = 0) -> np.ndarray:
        assert batch.pixels is not None
        pixels = np.ascontiguousarray(np.rot90(batch.pixels, turns, axes=(1, 2)))
        images = self.clip.encode_images(pixels)[batch.image]
        return (images * texts).sum(dim=1).double().cpu().numpy()


class RotationScore(ClipScore):
    """Rotation-consistent CLIP score: mean over four quarter turns, less their deviation.

    From above there is no "up", so a caption that fits only one orientation is suspect. After
    RS5M's rotation-consistent caption selection (Zhang et al. 2024); that the deviation enters with
    weight one is our choice.
    """

    def score(self, batch: Batch) -> np.ndarray:
        """Mean minus standard deviation of the four cosines."""
        with self.torch.inference_mode(), self.autocast():
            texts = self.clip.encode_texts(batch.text)
            turns = np.stack([self._similarity(batch, texts, turn) for turn in range(4)])
        return turns.mean(axis=0) - turns.std(axis=0)


# By class, or by `module:Class` where the module imports this one.
BUILT_IN: dict[str, type[Scorer] | str] = {
    "none": NoScore,
    "random": RandomScore,
    "oracle": OracleScore,
    "text": TextScore,
    "length": LengthScore,
    "clip": ClipScore,
    "siglip": ClipScore,
    "domain_clip": ClipScore,
    "rotation": RotationScore,
    "score_model": "winnow.scoring.score_model:ScoreModelScore",
}


def make(use: str, context: Context, options: dict[str, Any]) -> Scorer:
    """The scorer that `use` names: a built-in, or `module:Class` of the user's own."""
    built_in = BUILT_IN.get(use, use)
    if not isinstance(built_in, str):
        return built_in(context, **options)
    module, _, name = built_in.partition(":")
    if not name:
        raise WinnowError(
            f"scorers: {use!r} is no built-in scorer ({', '.join(BUILT_IN)}); a class of your own "
            "is named `module:Class`, a parquet of scores goes under `scores:`"
        )
    try:
        kind = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise WinnowError(
            f"scorers: {use!r} cannot be imported ({error}); is its folder on PYTHONPATH?"
        ) from error
    return kind(context, **options)


def check(scores: np.ndarray, batch: Batch, scorer: Scorer) -> np.ndarray:
    """Refuse scores of the wrong length or that are not finite, naming the pair."""
    scores = np.asarray(scores, dtype=np.float64)
    name = type(scorer).__name__
    if scores.shape != (len(batch.text),):
        raise WinnowError(f"{name}: returned shape {scores.shape} for {len(batch.text)} pairs")
    if not np.isfinite(scores).all():
        row = int(np.flatnonzero(~np.isfinite(scores))[0])
        raise WinnowError(
            f"{name}: score {scores[row]} for uid {batch.uid[row]}, "
            f"caption_id {batch.caption_id[row]}; scores must be finite"
        )
    return scores
