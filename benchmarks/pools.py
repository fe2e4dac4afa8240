"""Pools of Terrarium JPEGs for the benchmarks, built as any folder of images is."""

from __future__ import annotations

import io
import json
import multiprocessing
import os
from functools import partial
from pathlib import Path

from PIL import Image

from winnow.sources.formats.folder import FolderSource
from winnow.sources.pool import build_pool
from winnow.sources.read import read_source
from winnow.terrarium.world import draw_sample

QUALITY = 90  # of the JPEGs


def make_pool(folder: Path, images: int, size: int, shard_size: int = 1000) -> Path:
    """Draw `images` JPEGs of `size` pixels with a caption each; returns the folder of the pool.

    `folder` then holds `images/`, `images/metadata.jsonl`, `pool/` and `human.parquet`.
    """
    pool, pictures = folder / "pool", folder / "images"
    if pool.is_dir():
        return pool
    pictures.mkdir(parents=True, exist_ok=True)
    with multiprocessing.Pool(os.cpu_count()) as processes:
        drawn = processes.imap(partial(_draw, pictures, size), range(images), chunksize=50)
        rows = [json.dumps(row) + "\n" for row in drawn]
    metadata = pictures / "metadata.jsonl"
    metadata.write_text("".join(rows), encoding="utf-8")
    source = FolderSource(images=pictures, metadata=metadata, reference=0, test=0)
    build_pool(
        read_source(source),
        pool,
        folder / "human.parquet",
        folder / "layouts.parquet",
        shard_size=shard_size,
        quarantine_limit=0.01,
        reference=0,
        test=0,
    )
    return pool


def _draw(pictures: Path, size: int, index: int) -> dict[str, str]:
    sample = draw_sample(0, index, size)
    buffer = io.BytesIO()
    Image.fromarray(sample.image).save(buffer, "JPEG", quality=QUALITY)
    name = f"{index:06d}.jpg"
    (pictures / name).write_bytes(buffer.getvalue())
    return {"file_name": name, "text": sample.captions[0]}
