"""Miniature fake copies of data sets, in the true layouts, and images of every awkward kind."""

import csv
import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

SCENES = ("airport", "beach", "river")


def pixels(seed: int, side: int = 16) -> np.ndarray:
    """uint8 [side, side, 3] that no other seed gives."""
    return np.random.default_rng(seed).integers(0, 256, (side, side, 3), dtype=np.uint8)


def encode(image: Image.Image | np.ndarray, kind: str = "PNG", **options: Any) -> bytes:
    """Encode a picture in one of Pillow's formats."""
    picture = image if isinstance(image, Image.Image) else Image.fromarray(image)
    buffer = io.BytesIO()
    picture.save(buffer, format=kind, **options)
    return buffer.getvalue()


def picture(seed: int, kind: str = "PNG") -> bytes:
    """A small encoded picture that no other seed gives."""
    return encode(pixels(seed), kind)


def awkward_images() -> dict[str, bytes]:
    """Usable images of kinds that a shard cannot hold as they are."""
    colour, other = Image.fromarray(pixels(1)), Image.fromarray(pixels(6))
    veiled = colour.convert("RGBA")
    veiled.putalpha(128)
    grey16 = Image.fromarray(np.arange(256, dtype=np.uint16).reshape(16, 16) * 200)
    return {
        "cmyk": encode(colour.convert("CMYK"), "JPEG"),
        "16-bit": encode(grey16),
        "alpha": encode(veiled),
        "palette": encode(colour.convert("P")),
        "transparent palette": encode(other.convert("P"), transparency=3),
        "one bit": encode(colour.convert("1")),
        "tiff": encode(colour, "TIFF"),
        "float tiff": encode(Image.fromarray(pixels(2)[..., 0].astype(np.float32)), "TIFF"),
        "two-page tiff": encode(
            colour, "TIFF", save_all=True, append_images=[Image.fromarray(pixels(3))]
        ),
    }


def broken_images() -> dict[str, tuple[bytes, str]]:
    """Unusable images, each with a part of the reason that is expected."""
    whole = encode(pixels(4, 64), "JPEG")
    return {
        "zero bytes": (b"", "empty file"),
        "text": (b"not a picture, whatever its name says", "not an image"),
        "header only": (encode(pixels(4))[:20], "damaged"),
        "truncated jpeg": (whole[: len(whole) // 2], "damaged"),
        "truncated png": (encode(pixels(4))[:400], "damaged"),
        "one pixel": (encode(pixels(5, 1)), "1x1 pixels"),
        "not finite": (
            encode(Image.fromarray(np.full((16, 16), np.nan, np.float32)), "TIFF"),
            "not finite",
        ),
        "postscript": (
            b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 16 16\n%%EndComments\n",
            "not an image",
        ),
    }


def karpathy(root: Path, count: int = 12, **changes: Any) -> dict[str, Any]:
    """RSICD's layout: `dataset_rsicd.json` beside `images/`; returns the source's settings."""
    images = []
    (root / "images").mkdir(parents=True)
    for i in range(count):
        name = f"{SCENES[i % 3]}_{i}.jpg"
        (root / "images" / name).write_bytes(picture(i, "JPEG"))
        sentences = [
            {"raw": f"caption {j} of {name} .", "tokens": [], "imgid": i, "sentid": 5 * i + j}
            for j in range(5)
        ]
        split = ("train", "train", "val", "test")[i % 4]
        images.append({"filename": name, "imgid": i, "split": split, "sentences": sentences})
    write_karpathy(root, images)
    return {
        "kind": "karpathy",
        "annotations": root / "dataset_rsicd.json",
        "images": root / "images",
        **changes,
    }


def write_karpathy(root: Path, images: Sequence[Any]) -> None:
    """Replace the annotations of a fake Karpathy data set."""
    (root / "dataset_rsicd.json").write_text(json.dumps({"dataset": "rsicd", "images": images}))


def jsonl_folder(root: Path, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Hugging Face's ImageFolder layout: `metadata.jsonl` among the images that its rows name."""
    _images(root, [str(row.get("file_name", "")) for row in rows])
    lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in rows]
    (root / "metadata.jsonl").write_text("".join(lines), encoding="utf-8")
    return {"kind": "folder", "images": root, "metadata": root / "metadata.jsonl"}


def csv_folder(
    root: Path, columns: Sequence[str], rows: Sequence[Sequence[str]], name: str = "captions.csv"
) -> dict[str, Any]:
    """A table of captions as open_clip reads it (.csv or, with tabs, .tsv) beside its images."""
    _images(root, [row[0] for row in rows])
    with (root / name).open("w", newline="", encoding="utf-8") as handle:
        writer = csv.writer(handle, delimiter="\t" if name.endswith(".tsv") else ",")
        writer.writerows([columns, *rows])
    return {"kind": "folder", "images": root, "metadata": root / name}


def class_tree(root: Path, classes: Sequence[str] = SCENES, each: int = 3) -> dict[str, Any]:
    """EuroSAT's layout: one folder a class."""
    for number, name in enumerate(classes):
        (root / name).mkdir(parents=True)
        for i in range(each):
            (root / name / f"{name}_{i}.png").write_bytes(picture(100 * number + i))
    return {"kind": "classes", "images": root}


def wds_samples(count: int, first: int = 0) -> list[tuple[str, bytes]]:
    """Members as img2dataset writes them: image, .txt and .json a sample."""
    members = []
    for i in range(first, first + count):
        about = {"caption": f"caption of {i}", "scene": SCENES[i % 3], "url": "-"}
        members += [
            (f"{i:09d}.jpg", picture(i, "JPEG")),
            (f"{i:09d}.txt", f"caption of {i}".encode()),
            (f"{i:09d}.json", json.dumps(about).encode()),
        ]
    return members


def write_tar(path: Path, members: Sequence[tuple[str | tarfile.TarInfo, bytes]]) -> Path:
    """A tar of members given by name, or by header where a link or device is wanted."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as tar:
        for name, content in members:
            info = tarfile.TarInfo(name) if isinstance(name, str) else name
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return path


def _images(root: Path, names: Sequence[str]) -> None:
    for i, name in enumerate(dict.fromkeys(names)):
        path = root / name
        if name and path.resolve().is_relative_to(root.resolve()):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(picture(i))
