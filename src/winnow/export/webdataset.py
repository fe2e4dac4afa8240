"""A subset as a folder that webdataset, open_clip, mlcroissant and the hub read."""

import json
from pathlib import Path
from typing import Any

import pandas as pd

from winnow.data.errors import WinnowError
from winnow.data.files import atomic_path, write_json, write_text
from winnow.data.shards import ShardWriter, iter_members, shard_path
from winnow.data.tables import write_table
from winnow.export.card import data_card
from winnow.export.croissant import PAIRS, croissant
from winnow.export.facts import EXPORTED, About, Chosen, describe

NOT_TOLD = About()
NOT_KNOWN = Chosen()


def export_subset(
    pool: Path,
    samples: pd.DataFrame,
    pairs: pd.DataFrame,
    output: Path,
    shard_size: int,
    about: About = NOT_TOLD,
    chosen: Chosen = NOT_KNOWN,
) -> int:
    """Write at least one kept pair (rows of CAPTIONS) as a data set; returns their count.

    The folder holds `{shard:05d}.tar`, `pairs.parquet` (EXPORTED), `croissant.json` and a card,
    `README.md`. It appears only when it is whole; equal inputs give equal bytes.
    """
    if output.exists():
        raise WinnowError(f"{output}: exists already; name another folder or delete it")
    with atomic_path(output) as folder:
        exported = write_shards(pool, samples, pairs, folder, shard_size)
        write_table(folder / PAIRS, exported, EXPORTED)
        facts = describe(exported, pairs, samples)
        write_json(folder / "croissant.json", croissant(folder, facts, about, chosen))
        write_text(folder / "README.md", data_card(facts, about, chosen))
    return len(exported)


def write_shards(
    pool: Path, samples: pd.DataFrame, pairs: pd.DataFrame, folder: Path, shard_size: int
) -> pd.DataFrame:
    """Write the pairs' tars into `folder`; returns EXPORTED's rows in the order of the tars.

    Each sample holds the image, `txt` (the caption) and `json` (uid, caption_id, scene), under the
    key `<uid>_<caption_id>`. The pool's shards are streamed. A pair without an image is an error.
    """
    wanted = dict(iter(pairs.groupby("uid", sort=False)))
    rows = samples[samples["uid"].isin(list(wanted))]
    scenes = {
        u: s if isinstance(s, str) else None
        for u, s in zip(rows["uid"], rows["scene"], strict=True)
    }
    writer = ShardWriter(folder, shard_size)
    exported: list[dict[str, Any]] = []
    for shard in sorted(set(rows["shard"].tolist())):
        for uid, extension, content in iter_members(shard_path(pool, shard)):
            if uid in wanted:
                meta = {"uid": uid, "scene": scenes[uid]}
                exported += _add(writer, wanted[uid], meta, extension, content)
    writer.close()
    if len(exported) != len(pairs):
        raise WinnowError(f"{pool}: holds {len(exported)} of the {len(pairs)} kept pairs")
    return pd.DataFrame(exported)


def _add(
    writer: ShardWriter, pairs: pd.DataFrame, meta: dict[str, Any], extension: str, image: bytes
) -> list[dict[str, Any]]:
    rows = []
    for pair in pairs.itertuples():
        key = f"{pair.uid}_{pair.caption_id}"
        content = json.dumps({**meta, "caption_id": pair.caption_id}, ensure_ascii=False)
        texts = {"txt": str(pair.text).encode(), "json": content.encode()}
        shard = writer.add(key, {extension: image, **texts})
        rows.append(
            {
                **meta,
                "caption_id": pair.caption_id,
                "caption": pair.text,
                "shard": f"{shard:05d}.tar",
                "file": f"{key}.{extension}",
            }
        )
    return rows
