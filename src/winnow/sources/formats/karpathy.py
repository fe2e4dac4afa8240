"""Karpathy's JSON: {"images": [{"filename", "split", "sentences": [{"raw"}]}]}."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from winnow.data.errors import WinnowError
from winnow.data.files import read_json
from winnow.data.records import Record, Rejected
from winnow.sources.caption_text import split_of
from winnow.sources.local_images import Entry, read_entries, require_file, require_folder
from winnow.sources.source import FolderOfImages, Split


class KarpathySource(FolderOfImages):
    """Captions in Karpathy's JSON layout (RSICD, UCM-captions, Sydney-captions, ...)."""

    kind: Literal["karpathy"] = "karpathy"
    annotations: Path = Field(description="the JSON file")
    images: Path = Field(description="folder for the file names in the JSON")
    splits: dict[str, Split] = Field(
        default={"train": "pool", "restval": "pool", "val": "reference", "test": "test"},
        description="split names of the JSON -> our splits",
    )
    scene_pattern: str | None = Field(
        default="^([a-z]+)_[0-9]+",
        description="regular expression with one group that matches the scene in a file name",
    )

    def records(self, workers: int) -> Iterator[Record | Rejected]:
        """An entry that is not as it should be is Rejected."""
        path = require_file(self.annotations, "annotations")
        folder = require_folder(self.images, "images")
        content = read_json(path)
        images = content.get("images") if isinstance(content, dict) else None
        if not isinstance(images, list):
            raise WinnowError(f"{path}: has no list 'images'; this is not Karpathy's layout")
        entries = [
            _entry(image, f"{path.name}: images[{i}]", self.splits)
            for i, image in enumerate(images)
        ]
        return read_entries(folder, entries, self)

    def remedy(self) -> str:
        """What to do where the source holds nothing at all."""
        return f"source.annotations: {self.annotations}: its list 'images' is empty; add entries"


SOURCE = KarpathySource


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
