"""The card of an exported subset, in the hub's form: YAML, then Markdown."""

import re

import yaml

from winnow import __version__
from winnow.export.subset_metadata import About, Selection, SubsetStatistics
from winnow.terrarium.settings import noise_told

SIZES = (
    (10**3, "n<1K"),
    (10**4, "1K<n<10K"),
    (10**5, "10K<n<100K"),
    (10**6, "100K<n<1M"),
    (10**7, "1M<n<10M"),
    (10**8, "10M<n<100M"),
    (10**9, "100M<n<1B"),
)  # as the hub names them
SCENES = 40  # rows of the table
MARKUP = re.compile(r"([\\`*_{}\[\]<>#|~!&$])")
READING = """\
## Reading it

Each sample of the tars is one pair, under the key `<uid>_<caption_id>`, so that an image with
several captions is in several samples: the image, `txt` (the caption) and `json` (uid, caption_id,
caption, score, scene; source, which is what the image was called where it came from; and what chose
the pair: scorer, ratio, checkpoints; null where that is not known). `pairs.parquet` lists the same
pairs with their tar and file. Inside this folder:

```python
import webdataset as wds

pairs = wds.WebDataset("{shards}", shardshuffle=False).decode("pil")
for image, caption, meta in pairs.to_tuple("{extensions}", "txt", "json"):
    ...
```

```
python -m open_clip_train.main --dataset-type webdataset --train-data '{shards}' \\
    --train-num-samples {pairs} --model ViT-B-32
```

```python
import os

os.environ["CROISSANT_CACHE"] = os.path.abspath(".croissant")  # of this data set alone
import mlcroissant as mlc

for record in mlc.Dataset("croissant.json").records("pairs"):
    record["pairs/caption"], record["pairs/image"]
```

mlcroissant unpacks tars into its cache under their relative names, which data sets share: from a
cache that another one used it reads wrong records without a word. It reads all images at once; for
large sets take webdataset.
"""


def summary(statistics: SubsetStatistics, selection: Selection) -> str:
    """What the data set is, in plain text."""
    of = f" of {selection.total:,}" if selection.total else ""
    by = f", chosen by the scorer '{selection.scorer}'" if selection.scorer else ""
    return (
        f"{statistics.pairs:,}{of} pairs of a remote-sensing image and a caption, of "
        f"{statistics.images:,} different images{by}. Exported by Winnow {__version__}."
    )


def data_card(statistics: SubsetStatistics, about: About, selection: Selection) -> str:
    """The content of `README.md`. What comes from the data is escaped."""
    first, last = statistics.shards[0][:-4], statistics.shards[-1][:-4]
    shards = f"{first}.tar" if first == last else f"{{{first}..{last}}}.tar"
    reading = READING.replace("{shards}", shards).replace("{pairs}", str(statistics.pairs))
    return "\n".join(
        [
            "---",
            _front(statistics, about, selection) + "---",
            "",
            f"# {escaped(about.name or selection.name)}",
            "",
            escaped(summary(statistics, selection)),
            "",
            "## How the pairs were chosen",
            "",
            *_choice(statistics, selection),
            "## What is in it",
            "",
            *_contents(statistics),
            "",
            *_noise(statistics, selection),
            *_scenes(statistics),
            "",
            reading.replace("{extensions}", ";".join(statistics.formats)),
            "## Licences",
            "",
            *_licences(about),
            "",
        ]
    )


def escaped(value: object) -> str:
    """Text that Markdown shows as it is, on one line."""
    return MARKUP.sub(r"\\\1", " ".join(str(value).split()))


def _front(statistics: SubsetStatistics, about: About, selection: Selection) -> str:
    size = next((name for limit, name in SIZES if statistics.pairs < limit), "n>1B")
    content = {
        "pretty_name": about.name or selection.name,
        "license": about.licence,
        "task_categories": ["image-to-text", "text-to-image", "zero-shot-image-classification"],
        "size_categories": [size],
        "tags": ["remote-sensing", "data-curation", "webdataset", "croissant", "winnow"],
        "configs": [{"config_name": "default", "data_files": "*.tar"}],
    }
    return yaml.safe_dump(content, sort_keys=False)


def _table(rows: dict[str, object]) -> list[str]:
    return ["| | |", "|---|---|", *(f"| {name} | {escaped(rows[name])} |" for name in rows)]


def _choice(statistics: SubsetStatistics, selection: Selection) -> list[str]:
    rows: dict[str, object] = {
        "caption set": selection.captions,
        "scorer": selection.scorer,
        "checkpoint of the scorer": "; ".join(map(_checkpoint, selection.checkpoints or [])),
        "keep ratio of the experiment": selection.ratio,
        "kept": _share(statistics.pairs, selection.total),
    }
    known = {name: value for name, value in rows.items() if value}
    table = [*_table(known), ""] if known else []
    return table if selection.scorer else [*table, "By which scorer is not known.", ""]


def _checkpoint(told: dict[str, str]) -> str:
    return ", ".join(f"{name} {value}" for name, value in told.items())


def _share(kept: int, total: int | None) -> str | None:
    return f"{kept:,} of {total:,} pairs, {100 * kept / total:.3g} %" if total else None


def _contents(statistics: SubsetStatistics) -> list[str]:
    least, median, most = statistics.words
    low, high = statistics.scores or (0.0, 0.0)
    scores = {"scores": f"{low:.4g} to {high:.4g}"} if statistics.scores else {}
    return _table(
        {
            "pairs": f"{statistics.pairs:,}",
            "images": f"{statistics.images:,}",
            "tars": f"{len(statistics.shards):,}",
            "image formats": ", ".join(statistics.formats),
            "sides of images, pixels": f"{statistics.sides[0]} to {statistics.sides[1]}",
            "words of a caption": f"{least} to {most}, median {median:g}",
            **scores,
            "captions by": ", ".join(f"{name} ({n:,})" for name, n in statistics.writers.items()),
            "split of the pool": ", ".join(statistics.splits),
        }
    )


def _noise(statistics: SubsetStatistics, selection: Selection) -> list[str]:
    if not any(name.endswith("+noise") for name in statistics.writers):
        return [noise_told({}), ""]
    told = [noise_told(selection.noise)] if selection.noise else []
    return [*told, "Captions by `+noise` may hold mistakes that were put in on purpose.", ""]


def _scenes(statistics: SubsetStatistics) -> list[str]:
    if set(statistics.scenes) == {""}:
        return ["No image has a scene class."]
    names = list(statistics.scenes)
    rows = [
        f"| {escaped(name or '(none)')} | {statistics.scenes[name]:,} |" for name in names[:SCENES]
    ]
    if rest := names[SCENES:]:
        rows.append(f"| ({len(rest):,} more) | {sum(statistics.scenes[name] for name in rest):,} |")
    return ["| scene | pairs |", "|---|---:|", *rows]


def _licences(about: About) -> list[str]:
    if about.licence == "unknown":
        return [
            "Images and captions stay under the licences of the sources that they came from; which",
            "these are was not told. Find out before you share them.",
        ]
    return [
        f"Told by who exported it: {escaped(about.licence)}. Images and captions stay under the",
        "licences of the sources that they came from.",
    ]
