"""What is said of an exported subset: how it was chosen, and what is in it."""

import re
from collections import Counter
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pandas as pd
import pyarrow as pa
from pydantic import Field, TypeAdapter, ValidationError

from winnow.data.errors import WinnowError
from winnow.data.files import read_json
from winnow.data.tables import NOISE, TEXT
from winnow.params.sections import Noise, Rates, Section

# The pairs in the order of the tars; `shard` is the tar, `file` the image inside.
EXPORTED = {
    "uid": TEXT,
    "caption_id": pa.int32(),
    "scene?": TEXT,
    "caption": TEXT,
    "shard": TEXT,
    "file": TEXT,
}
NAME = re.compile(r"[a-z][a-z0-9_]*")
RATIO = re.compile(r"[01]\.[0-9]+(e-[0-9]+)?")
SEMANTIC = r"^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)$"


class About(Section):
    """What the pairs themselves do not say."""

    name: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$",
        description="Of the data set; by default from captions, scorer and ratio",
    )
    licence: str = Field(
        default="unknown",
        pattern=r"^[a-z0-9][a-z0-9.+-]{0,59}$",
        description="As the hub names it, for instance cc-by-4.0 or other",
    )
    version: str = Field(default="1.0.0", pattern=SEMANTIC, description="Of the data set")
    creator: str | None = Field(default=None, max_length=300, description="Who made the data set")
    url: str | None = Field(
        default=None,
        max_length=300,
        pattern=r"^https?://[^\s<>\"]+$",
        description="Where it is published",
    )
    published: date | None = Field(default=None, description="Day of the publication, YYYY-MM-DD")


@dataclass(frozen=True)
class Chosen:
    """How the pairs were chosen, as far as it is known."""

    captions: str | None = None
    scorer: str | None = None
    ratio: str | None = None
    total: int | None = None  # pairs that they were chosen from
    noise: dict[Noise, float] | None = None  # share of those that got each kind of it

    @property
    def name(self) -> str:
        """A name for the data set."""
        known = [part for part in (self.captions, self.scorer, self.ratio) if part]
        return "-".join(["winnow", *(known or ["subset"])])


@dataclass(frozen=True)
class Facts:
    """What is in an exported subset."""

    pairs: int
    images: int
    shards: list[str]  # names of the tars
    formats: list[str]  # extensions of the images
    sides: tuple[int, int]  # of images, shortest and longest, pixels
    words: tuple[int, float, int]  # of a caption: fewest, median, most
    scenes: dict[str, int]  # pairs, most frequent first; "" without a scene
    writers: dict[str, int]  # pairs by generator of the caption
    splits: list[str]


def noise_beside(captions: Path) -> dict[Noise, float] | None:
    """What `winnow corrupt` says beside a caption set of the noise that it put in, if it wrote it.

    WinnowError names a file that says something else.
    """
    path = captions.with_suffix(NOISE)
    if not path.exists():
        return None
    try:
        return dict(TypeAdapter(Rates).validate_python(read_json(path)))
    except ValidationError as error:
        raise WinnowError(f"{path}: no shares by kind of noise; make the captions again") from error


def chosen(subset: Path, captions: pd.DataFrame, samples: pd.DataFrame, kept: pd.Series) -> Chosen:
    """From the place the DAG gives a subset, `subsets/<captions>/<scorer>/<ratio>.parquet`.

    The total counts pairs of `captions` in those splits that the `kept` uids belong to.
    """
    splits = samples.set_index("uid")["split"]
    among = kept.map(splits).dropna().unique()
    total = int(captions["uid"].map(splits).isin(among).sum())
    place = subset.absolute().with_suffix("").parts
    if len(place) < 4 or place[-4] != "subsets" or not RATIO.fullmatch(place[-1]):
        return Chosen(total=total)
    if not (NAME.fullmatch(place[-3]) and NAME.fullmatch(place[-2])):
        return Chosen(total=total)
    return Chosen(captions=place[-3], scorer=place[-2], ratio=place[-1], total=total)


def describe(exported: pd.DataFrame, pairs: pd.DataFrame, samples: pd.DataFrame) -> Facts:
    """Facts of at least one exported pair; `pairs` has CAPTIONS' columns, `samples` SAMPLES'."""
    words = exported["caption"].map(lambda text: len(text.split()))
    rows = samples[samples["uid"].isin(exported["uid"])]
    sides = pd.concat([rows["width"], rows["height"]])
    return Facts(
        pairs=len(exported),
        images=exported["uid"].nunique(),
        shards=sorted(exported["shard"].unique()),
        formats=sorted(exported["file"].str.rpartition(".")[2].unique()),
        sides=(int(sides.min()), int(sides.max())),
        words=(int(words.min()), float(words.median()), int(words.max())),
        scenes=_frequent(exported["scene"].fillna("")),
        writers=_frequent(pairs["generator"]),
        splits=sorted(rows["split"].unique()),
    )


def _frequent(values: pd.Series) -> dict[str, int]:
    return dict(sorted(Counter(values).items(), key=lambda item: (-item[1], item[0])))
