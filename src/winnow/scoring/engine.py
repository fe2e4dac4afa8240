"""Run a scorer over a pool: stream shards, decode in parallel, batch, resume by shard."""

import shutil
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from tqdm import tqdm

from winnow.data.batches import batches
from winnow.data.errors import WinnowError
from winnow.data.files import digest_bytes
from winnow.data.images import BadImageError, open_rgb
from winnow.data.shards import iter_shard, shard_path
from winnow.data.tables import SCORES, empty, read_table, write_table
from winnow.scoring.scorer import Batch, Scorer, check


def score_pool(
    scorer: Scorer,
    pool: Path,
    pairs: pd.DataFrame,
    output: Path,
    *,
    key: str,
    batch_size: int = 256,
    workers: int = 2,
    ahead: int = 0,
    about: Mapping[str, Any] | None = None,
) -> int:
    """Score `pairs` (uid, caption_id, text, shard), write SCORES to `output` with what is said
    `about` them, return their count.

    Each finished shard is kept in `<output>.parts/<key>/` until the whole is written, so a killed
    run goes on where it stopped; `key` must change with anything that changes scores. Images pass
    through once, `batch_size` at a time; `ahead` batches are decoded in the background, which helps
    when the model runs on an accelerator and not when it shares the cores.
    """
    unfinished = output.parent / f"{output.name}.parts"
    folder, parts = unfinished / digest_bytes(key.encode()), []
    for stale in unfinished.glob("*"):
        if stale != folder:
            shutil.rmtree(stale)
    with (
        ThreadPoolExecutor(workers) as threads,
        tqdm(total=len(pairs), unit="pair", mininterval=2, desc=output.stem) as progress,
    ):
        for shard in pairs["shard"].unique().tolist():
            part, rows = folder / f"{shard:05d}.parquet", pairs[pairs["shard"] == shard]
            if not part.is_file():
                path = shard_path(pool, shard)
                _score_shard(scorer, path, rows, part, batch_size, threads, ahead)
            parts.append(part)
            progress.update(len(rows))
    tables = [read_table(part, SCORES) for part in parts]
    scores = pd.concat(tables, ignore_index=True) if tables else empty(SCORES)
    order = pairs[["uid", "caption_id"]].merge(scores, on=["uid", "caption_id"], how="left")
    write_table(output, order, SCORES, about)
    shutil.rmtree(unfinished, ignore_errors=True)
    return len(order)


def _score_shard(
    scorer: Scorer,
    path: Path,
    rows: pd.DataFrame,
    part: Path,
    batch_size: int,
    threads: ThreadPoolExecutor,
    ahead: int,
) -> None:
    if scorer.sees_images:
        batches = _image_batches(scorer, path, rows, batch_size, threads, ahead)
    else:
        batches = (_batch(rows.iloc[i : i + batch_size]) for i in range(0, len(rows), batch_size))
    done = []
    for batch in batches:
        scores = check(scorer.score(batch), batch, scorer)
        done.append(
            pd.DataFrame({"uid": batch.uid, "caption_id": batch.caption_id, "score": scores})
        )
    found = sum(len(frame) for frame in done)
    if found != len(rows):
        raise WinnowError(
            f"{path}: holds {found} of the {len(rows)} pairs that samples.parquet names"
        )
    write_table(part, pd.concat(done, ignore_index=True), SCORES)


def _image_batches(
    scorer: Scorer,
    path: Path,
    rows: pd.DataFrame,
    batch_size: int,
    threads: ThreadPoolExecutor,
    ahead: int,
) -> Iterator[Batch]:
    places = rows.groupby("uid", sort=False).indices  # row numbers of each image's pairs
    wanted = ((uid, content) for uid, content in iter_shard(path) if uid in places)

    def decode(item: tuple[str, bytes]) -> np.ndarray:
        try:
            return scorer.prepare(open_rgb(item[1]))
        except BadImageError as error:
            raise WinnowError(
                f"{path}: image {item[0]} is {error}; delete the pool and run again"
            ) from error

    def pending() -> Iterator[tuple[list[str], list[Future[np.ndarray]]]]:
        for chunk in batches(wanted, batch_size):
            yield [uid for uid, _ in chunk], [threads.submit(decode, item) for item in chunk]

    waiting: list[tuple[list[str], list[Future[np.ndarray]]]] = []
    source = pending()
    while True:
        waiting += islice(source, ahead + 1 - len(waiting))
        if not waiting:
            return
        uids, futures = waiting.pop(0)
        pixels = np.stack([future.result() for future in futures])
        waiting += islice(source, max(0, ahead - len(waiting)))
        found = [places[uid] for uid in uids]
        image = np.repeat(np.arange(len(uids)), [len(place) for place in found])
        yield _batch(rows.iloc[np.concatenate(found)], image, pixels)


def _batch(
    rows: pd.DataFrame, image: np.ndarray | None = None, pixels: np.ndarray | None = None
) -> Batch:
    return Batch(
        uid=rows["uid"].tolist(),
        caption_id=rows["caption_id"].tolist(),
        text=rows["text"].tolist(),
        image=np.arange(len(rows)) if image is None else image,
        pixels=pixels,
    )


def pool_pairs(pool: Path, captions: pd.DataFrame) -> pd.DataFrame:
    """The pairs of the pool split with their shard, in pool order; none for an empty set."""
    from winnow.data.tables import SAMPLES

    samples = read_table(pool / "samples.parquet", SAMPLES)
    samples = samples.loc[samples["split"] == "pool", ["uid", "shard"]]
    pairs = samples.merge(captions[["uid", "caption_id", "text"]], on="uid", how="inner")
    if pairs.empty and len(captions):
        raise WinnowError(f"{pool}: no caption belongs to an image of the pool split")
    return pairs
