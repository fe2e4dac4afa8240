"""A cleaned WebDataset that webdataset and open_clip read."""

import json
from pathlib import Path
from typing import Any

import pandas as pd

from winnow.data.errors import WinnowError
from winnow.data.files import atomic_path
from winnow.data.shards import ShardWriter, iter_members, shard_path


def export_subset(
    pool: Path, samples: pd.DataFrame, pairs: pd.DataFrame, output: Path, shard_size: int
) -> int:
    """Write the kept pairs (uid, caption_id, text) as `{shard:05d}.tar`; returns their count.

    Each sample holds the image, `txt` (the caption) and `json` (uid, caption_id, scene), under the
    key `<uid>_<caption_id>`. Shards are streamed; `output` appears only when it is whole.
    """
    if output.exists():
        raise WinnowError(f"{output}: exists already; name another folder or delete it")
    wanted = dict(iter(pairs.groupby("uid", sort=False)))
    rows = samples[samples["uid"].isin(list(wanted))]
    scenes = {
        u: s if isinstance(s, str) else None
        for u, s in zip(rows["uid"], rows["scene"], strict=True)
    }
    with atomic_path(output) as folder:
        writer = ShardWriter(folder, shard_size)
        for shard in sorted(set(rows["shard"].tolist())):
            for uid, extension, content in iter_members(shard_path(pool, shard)):
                if uid in wanted:
                    _add(
                        writer, wanted[uid], {"uid": uid, "scene": scenes[uid]}, extension, content
                    )
        writer.close()
        if writer.count != len(pairs):
            raise WinnowError(f"{pool}: holds {writer.count} of the {len(pairs)} kept pairs")
    return writer.count


def _add(
    writer: ShardWriter, pairs: pd.DataFrame, meta: dict[str, Any], extension: str, image: bytes
) -> None:
    for pair in pairs.itertuples():
        key = f"{pair.uid}_{pair.caption_id}"
        content = json.dumps({**meta, "caption_id": pair.caption_id}, ensure_ascii=False)
        texts = {"txt": str(pair.text).encode(), "json": content.encode()}
        writer.add(key, {extension: image, **texts})
