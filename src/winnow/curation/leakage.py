"""The leakage audit: images of a training set that are in an evaluation set, too."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
import pandas as pd

from winnow.curation.image_sets import Images
from winnow.curation.near_duplicates import Gallery, matches
from winnow.curation.perceptual_hash import SIDE, grey
from winnow.data.batches import batches
from winnow.data.errors import WinnowError
from winnow.data.images import BadImageError, open_rgb
from winnow.data.tables import COMPARED, LEAKS, empty

BATCH = 256  # training images compared at once


class Fingerprints(NamedTuple):
    """What is compared of N images."""

    uids: list[str]
    pixels: list[str]  # digests of the decoded images
    greys: np.ndarray  # uint8 [N, SIDE, SIDE]


class EvaluationImages:
    """The images of all evaluation sets, and how to find one."""

    def __init__(self, sets: Mapping[str, Images], workers: int):
        found = [
            (name, batch)
            for name, images in sets.items()
            for batch in fingerprints(images, workers)
        ]
        self.sets = [name for name, batch in found for _ in batch.uids]
        self.uids = [uid for _, batch in found for uid in batch.uids]
        greys = [batch.greys for _, batch in found]
        self.gallery = Gallery(np.concatenate(greys or [np.zeros((0, SIDE, SIDE), np.uint8)]))
        self.rows_by_key: dict[str, list[int]] = {}  # by uid and by digest of the pixels
        pixels = (digest for _, batch in found for digest in batch.pixels)
        for row, keys in enumerate(zip(self.uids, pixels, strict=True)):
            for key in keys:
                self.rows_by_key.setdefault(key, []).append(row)


def find_leaks(
    trained: Mapping[str, Images],
    evaluation: Mapping[str, Images],
    against: Mapping[str, Iterable[str]],
    distance: int,
    correlation: float,
    workers: int = 1,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """LEAKS between training sets and the evaluation sets that `against` names for each; COMPARED.

    Memory is that of the evaluation sets; training images are streamed. `distance` is in bits of a
    hash, `correlation` is that above which two images are one. WinnowError names an image that
    cannot be read.
    """
    held = EvaluationImages(evaluation, workers)
    sizes = Counter(held.sets)
    rows, compared = [], []
    for name, images in trained.items():
        wanted, count = list(against[name]), 0
        for batch in fingerprints(images, workers):
            count += len(batch.uids)
            for row, place, kind, similarity in _leaks(batch, held, distance, correlation):
                if held.sets[place] in wanted:
                    keys = (name, batch.uids[row], held.sets[place], held.uids[place])
                    rows.append((*keys, kind, round(similarity, 4)))
        compared += [(name, other, count, sizes[other]) for other in wanted]
    leaks = pd.DataFrame(rows, columns=list(LEAKS)) if rows else empty(LEAKS)
    leaks = leaks.sort_values(["trained", "evaluation", "uid", "other"], ignore_index=True)
    return leaks, pd.DataFrame(compared, columns=list(COMPARED))


def _leaks(
    batch: Fingerprints, held: EvaluationImages, distance: int, correlation: float
) -> Iterator[tuple[int, int, str, float]]:
    """(row of the batch, row of the evaluation sets, kind, similarity), each pair once."""
    known: set[tuple[int, int]] = set()
    for kind, keys in (("bytes", batch.uids), ("pixels", batch.pixels)):
        for row, key in enumerate(keys):
            for place in held.rows_by_key.get(key, []):
                if (row, place) not in known:
                    known.add((row, place))
                    yield row, place, kind, 1.0
    for match in matches(batch.greys, held.gallery, distance, correlation):
        if (match.one, match.other) not in known:
            yield match.one, match.other, match.edit, match.similarity


def fingerprints(images: Images, workers: int) -> Iterator[Fingerprints]:
    """What is compared of images, some of them at a time."""
    with ThreadPoolExecutor(workers) as threads:
        for chunk in batches(images, BATCH):
            found = list(threads.map(_fingerprint, chunk))
            pixels, greys = zip(*found, strict=True)
            yield Fingerprints([uid for uid, _ in chunk], list(pixels), np.stack(greys))


def _fingerprint(item: tuple[str, bytes]) -> tuple[str, np.ndarray]:
    try:
        image = open_rgb(item[1])
    except BadImageError as error:
        raise WinnowError(f"image {item[0]} is {error}; make its set again") from error
    size = f"{image.width}x{image.height}:".encode()
    return hashlib.sha256(size + image.tobytes()).hexdigest()[:32], grey(image)
