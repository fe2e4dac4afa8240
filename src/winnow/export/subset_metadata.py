"""What is said of an exported subset: how it was chosen, and what is in it."""

import re
from collections import Counter
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from pydantic import Field, TypeAdapter, ValidationError, field_validator

from winnow.data.errors import WinnowError
from winnow.data.files import read_signed
from winnow.data.language import words
from winnow.data.tables import NOISE, SCORES, TEXT, join_scores, read_about, read_table
from winnow.params.fields import Name, Section
from winnow.terrarium.settings import Noise, Rates

# The pairs in the order of the tars; `shard` is the tar, `file` the image inside.
EXPORTED = {
    "uid": TEXT,
    "caption_id": pa.int32(),
    "scene?": TEXT,
    "caption": TEXT,
    "score?": pa.float64(),  # of the scorer that chose the pair, where it gives any
    "source": TEXT,  # the image in the pool's source: a file's name, or the like
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

    @field_validator("creator")
    @classmethod
    def _one_line(cls, creator: str | None) -> str | None:
        if creator is not None and creator != "".join(creator.splitlines()):
            raise ValueError("holds a line break; write it in one line")
        return creator


class ScoredBy(Section):
    """What a table of scores says of itself (`winnow score` writes it)."""

    scorer: Name | None = None
    scored: bool = Field(True, description="Whether the scores tell pairs apart")
    checkpoints: list[dict[str, str]] | None = None


@dataclass(frozen=True)
class Selection:
    """How the pairs were chosen, as far as it is known."""

    captions: str | None = None
    scorer: str | None = None
    ratio: str | None = None
    total: int | None = None  # pairs that they were chosen from
    checkpoints: list[dict[str, str]] | None = None  # that the scorer scores with; [] has none
    noise: dict[Noise, float] | None = None  # share of those that got each kind of it

    @property
    def about(self) -> dict[str, Any]:
        """What each sample says of how it was chosen; null what is not known."""
        ratio = None if self.ratio is None else float(self.ratio)
        return {"scorer": self.scorer, "ratio": ratio, "checkpoints": self.checkpoints}

    @property
    def name(self) -> str:
        """A name for the data set."""
        known = [part for part in (self.captions, self.scorer, self.ratio) if part]
        return "-".join(["winnow", *(known or ["subset"])])


@dataclass(frozen=True)
class SubsetStatistics:
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
    scores: tuple[float, float] | None = None  # lowest and highest, where there are any


def noise_beside(captions: Path) -> dict[Noise, float] | None:
    """What `winnow raw-captions` says beside a caption set of the noise that it put in, if it wrote
    it.

    WinnowError names a file that says something else.
    """
    path = captions.with_suffix(NOISE)
    if not path.exists():
        return None
    try:
        return dict(TypeAdapter(Rates).validate_python(read_signed(path)))
    except ValidationError as error:
        raise WinnowError(f"{path}: no shares by kind of noise; make the captions again") from error


def selection_from_path(
    subset: Path, captions: pd.DataFrame, samples: pd.DataFrame, kept: pd.Series
) -> Selection:
    """From the place the DAG gives a subset, `subsets/<captions>/<scorer>/<ratio>.parquet`.

    The total counts pairs of `captions` in those splits that the `kept` uids belong to.
    """
    splits = samples.set_index("uid")["split"]
    among = kept.map(splits).dropna().unique()
    total = int(captions["uid"].map(splits).isin(among).sum())
    place = subset.absolute().with_suffix("").parts
    if len(place) < 4 or place[-4] != "subsets" or not RATIO.fullmatch(place[-1]):
        return Selection(total=total)
    if not (NAME.fullmatch(place[-3]) and NAME.fullmatch(place[-2])):
        return Selection(total=total)
    return Selection(captions=place[-3], scorer=place[-2], ratio=place[-1], total=total)


def scores_beside(subset: Path) -> Path | None:
    """The scores that a subset was chosen by, where the DAG has them: from the subset's place,
    `scores/<captions>/<scorer>.parquet`."""
    folder = subset.absolute().parent
    if len(folder.parts) < 4 or folder.parts[-3] != "subsets":
        return None
    path = folder.parents[2] / "scores" / folder.parent.name / f"{folder.name}.parquet"
    return path if path.is_file() else None


def with_scores(
    pairs: pd.DataFrame, how: Selection, path: Path | None
) -> tuple[pd.DataFrame, Selection]:
    """Kept pairs with the column `score` from the table of scores at `path`, and what that table
    says of its scorer. Scores that tell no pairs apart are left out, as are those of no table."""
    if path is None:
        return pairs.assign(score=np.nan), how
    scores = join_scores(pairs, read_table(path, SCORES), path)
    try:
        about = ScoredBy.model_validate(read_about(path))
    except ValidationError as error:
        raise WinnowError(f"{path}: what it says of its scorer is damaged ({error})") from error
    if not about.scored:
        scores = np.full(len(pairs), np.nan)
    told = replace(how, scorer=how.scorer or about.scorer, checkpoints=about.checkpoints)
    return pairs.assign(score=scores), told


def subset_statistics(
    exported: pd.DataFrame, pairs: pd.DataFrame, samples: pd.DataFrame
) -> SubsetStatistics:
    """Facts of at least one exported pair; `pairs` has CAPTIONS' columns, `samples` SAMPLES'."""
    lengths = exported["caption"].map(lambda text: len(words(text)))
    rows = samples[samples["uid"].isin(exported["uid"])]
    scores = exported["score"].dropna()
    sides = pd.concat([rows["width"], rows["height"]])
    return SubsetStatistics(
        pairs=len(exported),
        images=exported["uid"].nunique(),
        shards=sorted(exported["shard"].unique()),
        formats=sorted(exported["file"].str.rpartition(".")[2].unique()),
        sides=(int(sides.min()), int(sides.max())),
        words=(int(lengths.min()), float(lengths.median()), int(lengths.max())),
        scenes=_frequent(exported["scene"].fillna("")),
        writers=_frequent(pairs["generator"]),
        splits=sorted(rows["split"].unique()),
        scores=(float(scores.min()), float(scores.max())) if len(scores) else None,
    )


def _frequent(values: pd.Series) -> dict[str, int]:
    return dict(sorted(Counter(values).items(), key=lambda item: (-item[1], item[0])))
