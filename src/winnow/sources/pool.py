"""One pool from the records of any source: images in shards, rows in tables, nothing lost."""

from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from winnow.data.digests import write_digests
from winnow.data.errors import WinnowError
from winnow.data.files import atomic_path, digest_bytes, write_text
from winnow.data.images import DEFAULT, BadImageError, Normal, normalise
from winnow.data.records import SPLITS, Record, Rejected
from winnow.data.rendering import Conversion, Rendering
from winnow.data.shards import ShardWriter
from winnow.data.tables import (
    CAPTIONS,
    CONVERSIONS,
    LAYOUTS,
    QUARANTINE,
    SAMPLES,
    empty,
    write_table,
)
from winnow.sources.caption_text import caption_fault, clean, storable
from winnow.sources.parallel import ordered
from winnow.sources.reasons import grouped

TWICE = "duplicate caption"
MAX_CAPTIONS = 1000  # of one image
STRENGTH = {split: rank for rank, split in enumerate(SPLITS)}  # test over reference over pool


@dataclass(frozen=True)
class _Row:
    uid: str
    split: str
    scene: str | None
    source: str
    shard: int
    width: int
    height: int
    captions: list[str]
    layout: str | None
    rule_caption: str | None
    conversion: Conversion | None


@dataclass
class _Quarantine:
    rows: list[tuple[str, str, str]] = field(default_factory=list)  # name, stage, reason
    images: int = 0
    captions: int = 0
    joined: int = 0  # images that repeat one of their split
    reasons: Counter[str] = field(default_factory=Counter)  # of images
    lesser: Counter[str] = field(default_factory=Counter)  # of what is less than an image

    def add(
        self, name: str, stage: str, reason: str, image: bool = True, captions: int = 0
    ) -> None:
        reason = storable(reason)
        self.rows.append((storable(name), stage, reason))
        self.captions += captions
        self.images += image
        short = "duplicate" if image and stage == "duplicate" else reason
        (self.reasons if image else self.lesser)[short] += 1

    def table(self) -> pd.DataFrame:
        return pd.DataFrame(self.rows, columns=list(QUARANTINE))


def build_pool(
    records: Iterable[Record | Rejected],
    pool_dir: Path,
    human_path: Path,
    layouts_path: Path,
    *,
    shard_size: int,
    quarantine_limit: float,
    reference: float,
    test: float,
    rendering: Rendering = DEFAULT,
    workers: int = 2,
) -> dict[str, Any]:
    """Write a pool folder, its human captions and all layouts; return what `describe` prints.

    The pool folder itself holds the layouts of the reference split alone, which anyone may read.

    An image that occurs twice is kept once, in the stronger of its splits (test, reference, pool)
    and with all the captions it has there, equal ones once. `reference` is the fraction of
    the pool split set apart as reference; `test` likewise, if the records hold no test image. Both
    go by uid, so they do not depend on the order. Sources either give every record a mask or none.
    Equal records give equal bytes. `workers` threads decode.

    Raises WinnowError if no image is usable, or if more than `quarantine_limit` (fraction) of the
    images were rejected; the quarantine table then lies beside `pool_dir`. `rendering` says how
    rasters become pictures.
    """
    pool_dir, quarantine = Path(pool_dir), _Quarantine()
    beside = pool_dir.with_name(f"{pool_dir.name}.quarantine.parquet")
    with atomic_path(pool_dir) as folder:
        rows = _write_shards(records, folder, shard_size, quarantine, rendering, workers)
        _check(rows, quarantine, quarantine_limit, beside)
        rows = _with_splits(rows, reference, test)
        write_table(folder / "samples.parquet", pd.DataFrame([vars(row) for row in rows]), SAMPLES)
        write_table(folder / "quarantine.parquet", quarantine.table(), QUARANTINE)
        _write_conversions(folder / "conversions.parquet", rows)
        write_table(human_path, _captions(rows), CAPTIONS)
        write_table(layouts_path, _layouts(rows), LAYOUTS)
        known = [row for row in rows if row.split == "reference"]  # whose truth is open
        write_table(folder / "layouts.parquet", _layouts(known), LAYOUTS)
        summary = _summary(rows, quarantine)
        write_text(folder / "summary.txt", describe(summary) + "\n")
    beside.unlink(missing_ok=True)
    return summary


def _summary(rows: list[_Row], quarantine: _Quarantine) -> dict[str, Any]:
    counts = Counter(row.split for row in rows)
    return {
        "images": len(rows) + quarantine.images,
        "kept": len(rows),
        "captions": sum(len(row.captions) for row in rows),
        "splits": {split: counts[split] for split in SPLITS},
        "rejected": quarantine.images,
        "reasons": dict(sorted(grouped(quarantine.reasons).items())),
        "joined": quarantine.joined,
        "captions_lost": quarantine.captions,
        "lesser": dict(sorted(grouped(quarantine.lesser).items())),
        "quarantined": len(quarantine.rows),
        "converted": dict(Counter(r.conversion.headline for r in rows if r.conversion)),
    }


def describe(summary: dict[str, Any]) -> str:
    """The summary of `build_pool` in a few lines."""
    splits = ", ".join(f"{split} {count}" for split, count in summary["splits"].items())
    reasons, lesser = (
        [f"  {count} x {reason}" for reason, count in summary[kind].items()]
        for kind in ("reasons", "lesser")
    )
    joined, others = summary["joined"], sum(summary["lesser"].values())
    made = summary["converted"]
    converted = [f"{sum(made.values())} images became PNG: conversions.parquet"] if made else []
    converted += [f"  {count} x {how}" for how, count in sorted(made.items())]
    return "\n".join(
        [
            f"{summary['kept']} of {summary['images']} images kept ({splits})",
            *([f"{joined} more repeat one of their split: captions joined"] if joined else []),
            f"{summary['captions']} captions kept, {summary['captions_lost']} not",
            f"{summary['quarantined']} rows in quarantine, {summary['rejected']} of them images",
            *reasons,
            *([f"{others} of them less than an image", *lesser] if others else []),
            *converted,
        ]
    )


def _write_conversions(path: Path, rows: list[_Row]) -> None:
    """The table CONVERSIONS, where an image was converted."""
    done = [{"uid": row.uid, **vars(row.conversion)} for row in rows if row.conversion]
    if done:
        write_table(path, pd.DataFrame(done), CONVERSIONS)


def _write_shards(
    records: Iterable[Record | Rejected],
    folder: Path,
    shard_size: int,
    quarantine: _Quarantine,
    rendering: Rendering,
    workers: int,
) -> list[_Row]:
    rows: list[_Row] = []
    places: dict[str, int] = {}
    masks: ShardWriter | None = None
    with ExitStack() as stack:
        images = stack.enter_context(closing(ShardWriter(folder / "shards", shard_size)))
        for record, image in _decoded(records, quarantine, rendering, workers):
            uid = digest_bytes(image.content)
            if uid in places:
                place = places[uid]
                rows[place] = _settle(rows[place], record, quarantine)
                continue
            shard = images.add(uid, {image.extension: image.content})
            if record.mask is not None:
                if masks is None:
                    masks = stack.enter_context(closing(ShardWriter(folder / "masks", shard_size)))
                masks.add(uid, {"png": record.mask})
            places[uid] = len(rows)
            rows.append(_row(uid, record, image, shard))
    if masks is not None:
        write_digests(folder / "masks")
    return rows


def _decoded(
    records: Iterable[Record | Rejected],
    quarantine: _Quarantine,
    rendering: Rendering,
    workers: int,
) -> Iterator[tuple[Record, Normal]]:
    """Records with a usable image and caption; all else goes to the quarantine, in order."""
    decode = partial(_decode, rendering)
    with ThreadPoolExecutor(workers) as executor:
        for item, outcome in ordered(executor, decode, records, 8 * workers):
            if isinstance(item, Rejected):
                quarantine.add(item.name, "source", item.reason, item.image, item.captions)
            elif isinstance(outcome, str):
                quarantine.add(item.name, "image", outcome, captions=len(item.captions))
            else:
                captions = _usable(item, quarantine)
                if captions and outcome is not None:
                    yield replace(item, captions=captions), outcome
                else:
                    quarantine.add(item.name, "caption", "no caption")


def _decode(
    rendering: Rendering, item: Record | Rejected
) -> tuple[Record | Rejected, Normal | str | None]:
    if isinstance(item, Rejected):
        return item, None
    try:
        return item, normalise(item.image, rendering)
    except BadImageError as error:
        return item, str(error)


def _usable(record: Record, quarantine: _Quarantine) -> list[str]:
    """The captions that can be used, of real images equal ones once; the other ones are counted."""
    usable: list[str] = []
    _refuse_more(record.name, len(record.captions) - MAX_CAPTIONS, quarantine)
    for caption in map(clean, record.captions[:MAX_CAPTIONS]):
        fault = caption_fault(caption)
        if fault is None and caption in usable and record.layout is None:
            fault = TWICE
        if fault is None:
            usable.append(caption)
        else:
            quarantine.add(record.name, "caption", fault, image=False, captions=1)
    return usable


def _row(uid: str, record: Record, image: Normal, shard: int) -> _Row:
    return _Row(
        uid,
        record.split,
        clean(record.scene or "") or None,
        storable(record.name),
        shard,
        image.width,
        image.height,
        record.captions,
        record.layout,
        record.rule_caption,
        image.conversion,
    )


def _settle(first: _Row, again: Record, quarantine: _Quarantine) -> _Row:
    """The row that stands for an image that occurs again.

    Within a split it has the captions of both. Of two splits the weaker goes to the quarantine.
    """
    if first.split == again.split:
        return _joined(first, again, quarantine)
    stronger = max(first.split, again.split, key=STRENGTH.__getitem__)
    reason = f"duplicate of {first.uid}: in {first.split} and {again.split}, kept in {stronger}"
    if stronger == first.split:
        quarantine.add(again.name, "duplicate", reason, captions=len(again.captions))
        return first
    quarantine.add(first.source, "duplicate", reason, captions=len(first.captions))
    return replace(
        first,
        split=again.split,
        scene=clean(again.scene or "") or None,
        source=storable(again.name),
        captions=again.captions,
        layout=again.layout,
        rule_caption=again.rule_caption,
    )


def _joined(first: _Row, again: Record, quarantine: _Quarantine) -> _Row:
    quarantine.joined += 1
    scene = clean(again.scene or "") or None
    if scene is not None and first.scene not in (None, scene):
        reason = f"scene of a repeated image: {scene}, kept is {first.scene}"
        quarantine.add(again.name, "duplicate", reason, image=False)
    captions = list(first.captions)
    for caption in again.captions:
        if caption in captions:
            quarantine.add(again.name, "caption", TWICE, image=False, captions=1)
        else:
            captions.append(caption)
    _refuse_more(again.name, len(captions) - MAX_CAPTIONS, quarantine)
    return replace(first, captions=captions[:MAX_CAPTIONS], scene=first.scene or scene)


def _refuse_more(name: str, count: int, quarantine: _Quarantine) -> None:
    """Count the captions of an image that are too many."""
    if count > 0:
        reason = f"more than {MAX_CAPTIONS} captions of an image"
        quarantine.add(name, "caption", reason, image=False, captions=count)


def _check(rows: list[_Row], quarantine: _Quarantine, limit: float, beside: Path) -> None:
    total = len(rows) + quarantine.images
    if rows and quarantine.images <= limit * total:
        return
    write_table(beside, quarantine.table(), QUARANTINE)
    reasons = grouped(quarantine.reasons or quarantine.lesser)
    often = ", ".join(f"{reason} ({count})" for reason, count in reasons.most_common(3))
    if not rows:
        raise WinnowError(
            f"the source has no usable image ({total} found; {often or 'nothing rejected'}); "
            f"see {beside}"
        )
    raise WinnowError(
        f"{quarantine.images} of {total} images were rejected, the limit is {limit:g} of all; "
        f"most often: {often}; all of them are in {beside}; mend the source, or raise "
        "quarantine_limit"
    )


def _with_splits(rows: list[_Row], reference: float, test: float) -> list[_Row]:
    named = any(row.split == "test" for row in rows)
    return [replace(row, split=_split(row, reference, 0.0 if named else test)) for row in rows]


def _split(row: _Row, reference: float, test: float) -> str:
    if row.split != "pool":
        return row.split
    if _draw(row.uid, "test") < test:
        return "test"
    return "reference" if _draw(row.uid, "reference") < reference else "pool"


def _draw(uid: str, purpose: str) -> float:
    """A number in [0, 1) that follows from the uid alone."""
    return int(digest_bytes(f"{purpose}/{uid}".encode())[:13], 16) / 16**13


def _captions(rows: list[_Row]) -> pd.DataFrame:
    return pd.DataFrame(
        [
            (row.uid, number, text, "human", "human")
            for row in rows
            for number, text in enumerate(row.captions)
        ],
        columns=list(CAPTIONS),
    )


def _layouts(rows: list[_Row]) -> pd.DataFrame:
    known = [(r.uid, r.layout, r.rule_caption) for r in rows if r.layout is not None]
    return pd.DataFrame(known, columns=list(LAYOUTS)) if known else empty(LAYOUTS)
