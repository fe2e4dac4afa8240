"""A subset as a folder that webdataset, open_clip, mlcroissant and the hub read."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from winnow.data.errors import WinnowError
from winnow.data.files import atomic_path, write_text
from winnow.data.shards import ShardWriter, iter_images, shard_path
from winnow.data.tables import write_table
from winnow.export.card import data_card
from winnow.export.croissant import PAIRS, as_text, croissant
from winnow.export.subset_metadata import EXPORTED, About, Selection, subset_statistics

NOT_TOLD = About()
NOT_KNOWN = Selection()


def export_subset(
    pool: Path,
    samples: pd.DataFrame,
    pairs: pd.DataFrame,
    output: Path,
    shard_size: int,
    about: About = NOT_TOLD,
    selection: Selection = NOT_KNOWN,
) -> int:
    """Write at least one kept pair (rows of CAPTIONS, a `score` where there is one) as a data set;
    returns their count.

    The folder holds `{shard:05d}.tar`, `pairs.parquet` (EXPORTED), `croissant.json` and a card,
    `README.md`. It appears only when it is whole; equal inputs give equal bytes.
    """
    if output.exists():
        raise WinnowError(f"{output}: exists already; name another folder or delete it")
    with atomic_path(output) as folder:
        exported = write_shards(pool, samples, pairs, folder, shard_size, selection)
        write_table(folder / PAIRS, exported, EXPORTED)
        facts = subset_statistics(exported, pairs, samples)
        write_text(folder / "croissant.json", as_text(croissant(folder, facts, about, selection)))
        write_text(folder / "README.md", data_card(facts, about, selection))
    return len(exported)


def write_shards(
    pool: Path,
    samples: pd.DataFrame,
    pairs: pd.DataFrame,
    folder: Path,
    shard_size: int,
    selection: Selection = NOT_KNOWN,
) -> pd.DataFrame:
    """Write the pairs' tars into `folder`; returns EXPORTED's rows in the order of the tars.

    Each pair is a sample, as trainers that read `jpg;txt` need it, under the key
    `<uid>_<caption_id>`: the image, `txt` (the caption) and `json` (docs/scorers.md). The pool's
    shards are streamed. A pair without an image is an error.
    """
    if "score" not in pairs:
        pairs = pairs.assign(score=np.nan)
    wanted = dict(iter(pairs.groupby("uid", sort=False)))
    rows = samples[samples["uid"].isin(list(wanted))]
    known = {
        uid: {"scene": scene if isinstance(scene, str) else None, "source": source}
        for uid, scene, source in rows[["uid", "scene", "source"]].itertuples(index=False)
    }
    writer = ShardWriter(folder, shard_size)
    exported: list[dict[str, Any]] = []
    for shard in sorted(set(rows["shard"].tolist())):
        for uid, extension, content in iter_images(shard_path(pool, shard)):
            if uid in wanted:
                exported += _add(writer, wanted[uid], known[uid], selection, extension, content)
    writer.close()
    if len(exported) != len(pairs):
        raise WinnowError(f"{pool}: holds {len(exported)} of the {len(pairs)} kept pairs")
    return pd.DataFrame(exported)


def _add(
    writer: ShardWriter,
    pairs: pd.DataFrame,
    metadata: dict[str, Any],
    selection: Selection,
    extension: str,
    image: bytes,
) -> list[dict[str, Any]]:
    rows = []
    scores = pairs["score"].astype(float).tolist()
    for pair, score in zip(pairs.itertuples(), scores, strict=True):
        key = f"{pair.uid}_{pair.caption_id}"
        row = {
            "uid": pair.uid,
            "caption_id": pair.caption_id,
            "caption": pair.text,
            "score": None if math.isnan(score) else score,
            **metadata,
        }
        content = json.dumps({**row, **selection.about}, ensure_ascii=False, allow_nan=False)
        texts = {"txt": str(pair.text).encode(), "json": content.encode()}
        shard = writer.add(key, {extension: image, **texts})
        rows.append({**row, "shard": f"{shard:05d}.tar", "file": f"{key}.{extension}"})
    return rows
