"""Croissant metadata of an exported subset."""

import hashlib
from pathlib import Path
from typing import Any

import mlcroissant as mlc

from winnow import __version__
from winnow.data.files import json_text
from winnow.export.card import summary
from winnow.export.subset_metadata import About, Selection, SubsetStatistics

PAIRS = "pairs.parquet"
IMAGES = "images"  # the file set inside the tars
RECORDS = "pairs"
MIMES = {"png": "image/png", "jpg": "image/jpeg", "webp": "image/webp"}
ESCAPED = {ord(sign): f"\\u{ord(sign):04x}" for sign in "<>&\u2028\u2029"}
CITATION = (
    "@software{winnow, author = {{The Winnow authors}}, title = {Winnow: a reproducible benchmark "
    f"of data curation for remote-sensing image-text data}}, version = {{{__version__}}}}}"
)


def croissant(
    folder: Path, statistics: SubsetStatistics, about: About, selection: Selection
) -> dict[str, Any]:
    """JSON-LD of the tars and of `pairs.parquet` in `folder`, named relative to it.

    mlcroissant reads from it the records of `pairs`: the columns of EXPORTED but the tar, and the
    image.
    """
    tars = [_file(folder / name, "application/x-tar") for name in statistics.shards]
    images = mlc.FileSet(
        id=IMAGES,
        name=IMAGES,
        description="The images in the tars",
        contained_in=[tar.id for tar in tars],
        encoding_formats=[MIMES[extension] for extension in statistics.formats],
        includes=[f"*.{extension}" for extension in statistics.formats],
    )
    known = {} if about.licence == "unknown" else {"license": [about.licence]}
    metadata = mlc.Metadata(
        name=about.name or selection.name,
        description=summary(statistics, selection),
        version=about.version,
        cite_as=CITATION,
        url=about.url,
        creators=[mlc.Person(name=about.creator)] if about.creator else [],
        date_published=about.published,
        keywords=["remote sensing", "image-text pairs", "data curation"],
        distribution=[*tars, _file(folder / PAIRS, "application/x-parquet"), images],
        record_sets=[_records()],
        **known,
    )
    return metadata.to_json()


def as_text(content: dict[str, Any]) -> str:
    """JSON that a page may hold in a script element as it is: nothing in it ends the element."""
    return json_text(content).translate(ESCAPED)


def _file(path: Path, kind: str) -> mlc.FileObject:
    with path.open("rb") as handle:
        digest = hashlib.file_digest(handle, "sha256").hexdigest()
    return mlc.FileObject(
        id=path.name,
        name=path.name,
        content_url=path.name,
        content_size=f"{path.stat().st_size} B",
        encoding_formats=[kind],
        sha256=digest,
    )


def _records() -> mlc.RecordSet:
    text, number, image = mlc.DataType.TEXT, mlc.DataType.INTEGER, mlc.DataType.IMAGE_OBJECT
    real = mlc.DataType.FLOAT
    # mlcroissant joins from the images to the table: the other way it reads the table as an image.
    file = _field("file", "The image in its tar", text, _member(mlc.FileProperty.filename))
    file.references = _column("file")
    return mlc.RecordSet(
        id=RECORDS,
        name=RECORDS,
        description="One image and one caption each",
        key=[f"{RECORDS}/uid", f"{RECORDS}/caption_id"],
        fields=[
            file,
            _field("uid", "Names the image: SHA-256, 16 bytes, in hex", text, _column("uid")),
            _field("caption_id", "Number of the caption", number, _column("caption_id")),
            _field("scene", "Class of the scene, where known", text, _column("scene")),
            _field("caption", "What the image shows", text, _column("caption")),
            _field("score", "By the scorer that chose it, where known", real, _column("score")),
            _field(
                "source", "What the image was called where it came from", text, _column("source")
            ),
            _field("image", "The image", image, _member(mlc.FileProperty.content)),
        ],
    )


def _field(name: str, description: str, kind: Any, source: mlc.Source) -> mlc.Field:
    return mlc.Field(
        id=f"{RECORDS}/{name}", name=name, description=description, data_types=kind, source=source
    )


def _column(name: str) -> mlc.Source:
    return mlc.Source(file_object=PAIRS, extract=mlc.Extract(column=name))


def _member(part: mlc.FileProperty) -> mlc.Source:
    return mlc.Source(file_set=IMAGES, extract=mlc.Extract(file_property=part))
