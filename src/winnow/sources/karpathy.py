"""Karpathy's JSON: {"images": [{"filename", "split", "sentences": [{"raw"}]}]}."""

from collections.abc import Iterator, Mapping
from typing import Any

from winnow.data.errors import WinnowError
from winnow.data.files import read_json
from winnow.data.records import Record, Rejected
from winnow.params.source import KarpathySource, Split
from winnow.sources.local import Entry, read_entries, require_file, require_folder
from winnow.sources.text import split_of


def read_karpathy(source: KarpathySource) -> Iterator[Record | Rejected]:
    """Stream a Karpathy data set; an entry that is not as it should be is Rejected."""
    path = require_file(source.annotations, "annotations")
    folder = require_folder(source.images, "images")
    content = read_json(path)
    images = content.get("images") if isinstance(content, dict) else None
    if not isinstance(images, list):
        raise WinnowError(f"{path}: has no list 'images'; this is not Karpathy's layout")
    entries = [
        _entry(image, f"{path.name}: images[{i}]", source.splits) for i, image in enumerate(images)
    ]
    return read_entries(folder, entries, source)


def _entry(image: Any, place: str, splits: Mapping[str, Split]) -> Entry | Rejected:
    if not isinstance(image, dict):
        return Rejected(place, "entry is not an object")
    sentences = image.get("sentences", [])
    told = len(sentences) if isinstance(sentences, list) else 1
    name = image.get("filename")
    if not isinstance(name, str) or not name:
        return Rejected(place, "entry without filename", captions=told)
    if isinstance(image.get("filepath"), str):  # COCO's subfolder
        name = f"{image['filepath']}/{name}"
    split, captions = image.get("split"), _captions(sentences)
    if captions is None:
        reason = "sentences are not a list of objects with text in 'raw'"
        return Rejected(name, reason, captions=told)
    if not isinstance(split, str) or not split.strip():
        return Rejected(name, "entry without split", captions=len(captions))
    try:
        return Entry(name, captions, split_of(split, splits))
    except ValueError as error:
        return Rejected(name, str(error), captions=len(captions))


def _captions(sentences: Any) -> list[str] | None:
    if not isinstance(sentences, list):
        return None
    captions = [s.get("raw") if isinstance(s, dict) else None for s in sentences]
    texts = [caption for caption in captions if isinstance(caption, str)]
    return texts if len(texts) == len(captions) else None
