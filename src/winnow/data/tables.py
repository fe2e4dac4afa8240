"""The Parquet tables: fixed columns and types, declared once, checked on every read and write."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from winnow.data.errors import WinnowError
from winnow.data.files import atomic_path, remedy
from winnow.data.parquet_seal import check_table, seal_table

TEXT = pa.string()

# Column -> type. A name that ends with "?" may hold nulls.
SAMPLES = {
    "uid": TEXT,
    "split": TEXT,  # pool, reference, test
    "scene?": TEXT,
    "source": TEXT,  # where the image came from, for people
    "shard": pa.int32(),
    "width": pa.int32(),
    "height": pa.int32(),
}
CAPTIONS = {
    "uid": TEXT,
    "caption_id": pa.int32(),
    "text": TEXT,
    "perspective": TEXT,
    "generator": TEXT,
}
NOISE = ".noise.json"  # beside captions: share of them that got each kind of noise
TRUTH = {"uid": TEXT, "caption_id": pa.int32(), "kind": TEXT}  # clean, or the kind of known noise
SCORES = {"uid": TEXT, "caption_id": pa.int32(), "score": pa.float64()}
SUBSET = {"uid": TEXT, "caption_id": pa.int32()}
QUARANTINE = {
    "uid": TEXT,
    "stage": TEXT,
    "reason": TEXT,
}  # uid, or the file's name before it has one
# How images that a shard cannot hold as they are became PNG; those kept as they are have no row.
CONVERSIONS = {
    "uid": TEXT,
    "format": TEXT,  # TIFF, PNG, JPEG, JPEG2000, ...
    "stored": TEXT,  # bands and depth, or the name of the colours: RGBA, CMYK, P
    "bands": TEXT,  # those that were drawn, from 1: 4,3,2
    "stretch?": TEXT,  # percentile, declared; none where 8 bits were kept
    "low?": pa.float64(),  # what became black, in the file's own unit
    "high?": pa.float64(),  # what became white
    "nodata": pa.float64(),  # fraction of the drawn values that hold nothing
    "orientation": pa.int32(),  # EXIF's, which was undone; 1 is upright
}
LAYOUTS = {"uid": TEXT, "layout": TEXT, "rule_caption": TEXT}  # Terrarium's truth, layout as JSON
# What comes with an annotated data set: boxes, from boxes or from masks; fractions of the side.
ANNOTATIONS = {
    "uid": TEXT,
    "origin": TEXT,  # box, mask
    "label": TEXT,
    "x0": pa.float64(),
    "y0": pa.float64(),
    "x1": pa.float64(),
    "y1": pa.float64(),
}
# What a caption asserts, checked against the truth; and what it leaves out.
FACTS = {
    "uid": TEXT,
    "caption_id": pa.int32(),
    "kind": TEXT,  # scene, object, count, attribute, relation, condition
    "subject": TEXT,
    "value": TEXT,
    "verdict": TEXT,  # right, wrong, invented, missing
}
# Every description that the dual loop tried.
TRACE = {
    "uid": TEXT,
    "round": pa.int32(),
    "perspective": TEXT,
    "temperature": pa.float64(),
    "seed": pa.int64(),
    "text": TEXT,
    "scores": TEXT,  # JSON: scorer -> score
    "combined": pa.float64(),
    "kept": pa.bool_(),
}
# The keep ratio of each scene, chosen from its scores; pairs without a scene are the scene "".
CHOICE = {
    "scene": TEXT,
    "pairs": pa.int32(),
    "clean_share": pa.float64(),  # of the pairs, by the mixture of the scores
    "source": TEXT,  # whose mixture says so: scene, pool
    "ratio": pa.float64(),
}
# Images of the reference split that are too much alike share a component; one of each is kept.
DEDUPLICATED = {"uid": TEXT, "component": pa.int32(), "kept": pa.bool_()}
# Images that something learned from and that are in an evaluation set, too.
LEAKS = {
    "trained": TEXT,  # what holds the image that is learned from: pool, reference, labels
    "uid": TEXT,
    "evaluation": TEXT,  # test, preferences, segmentation, zeroshot/<set>; pool, of reference
    "other": TEXT,  # the image there: its uid, or digest of its bytes
    "kind": TEXT,  # bytes, pixels; or near: same, turn, crop
    "similarity": pa.float64(),  # correlation of the aligned images, 1 of exact ones
}
# Which sets were compared, and how many images each has.
COMPARED = {
    "trained": TEXT,
    "evaluation": TEXT,
    "images": pa.int32(),
    "others": pa.int32(),
}
# Captions that say nearly what a caption of the test split says; and how many there are.
ECHOES = {
    "captions": TEXT,
    "uid": TEXT,
    "caption_id": pa.int32(),
    "other": TEXT,
    "other_id": pa.int32(),
    "kind": TEXT,  # equal, or near: one word differs
}
ECHOED = {
    "captions": TEXT,
    "split": TEXT,  # pool, or reference to compare with
    "total": pa.int32(),
    "equal": pa.int32(),
    "near": pa.int32(),
}
# What was said about images of the reference split, and by whom. `prompt` is what was asked.
CANDIDATES = {
    "uid": TEXT,
    "kind": TEXT,  # caption, closed, open, remote_sensing
    "category": TEXT,  # of the question: its type, perspective or category; "" for captions
    "prompt": TEXT,
    "reference?": TEXT,  # the right answer to a closed question
    "text": TEXT,
    "proposer": TEXT,  # name of the captioner or answerer
}
RATINGS = {  # of one candidate, 1 to 5
    "relevance": pa.int32(),
    "specificity": pa.int32(),
    "completeness": pa.int32(),
    "clarity": pa.int32(),
    "richness": pa.int32(),
}
RATED = {**CANDIDATES, **RATINGS}
# Of two texts the better one.
PREFERENCES = {
    "uid?": TEXT,  # none: about text alone
    "kind": TEXT,  # text, caption, closed, open, remote_sensing
    "category": TEXT,
    "prompt": TEXT,
    "chosen": TEXT,
    "rejected": TEXT,
    "chosen_by": TEXT,
    "rejected_by": TEXT,
    "margin?": pa.float64(),  # of the mean ratings; none where the right answer is known
    "split": TEXT,  # train, test
}
# What every generator is asked to draw; the image of `row` is the file `{row:05d}.png`.
PROMPTS = {"row": pa.int32(), "uid": TEXT, "scene?": TEXT, "prompt": TEXT}
# The images of a segmentation set, `images/{name}.png` with `masks/{name}.png`.
SEGMENTS = {
    "name": TEXT,
    "uid": TEXT,
    "split": TEXT,  # train, test
    "rank": pa.int32(),  # order in which training images are labelled; -1 of the others
    "group": TEXT,  # scene or region, "" where there is none
}
# Resampled distances: of two cells with the same prompts, equal numbers are equal resamples.
DRAWS = {"metric": TEXT, "draw": pa.int32(), "value?": pa.float64()}
# One row a query and metric. `group` (an image) is what the bootstrap resamples; two cells of one
# track hold the same (metric, query) rows in the same order, so they can be compared paired.
OUTCOMES = {"metric": TEXT, "query": TEXT, "group": TEXT, "value": pa.float64()}

PAIR = ["uid", "caption_id"]  # the key of a pair
REMEDY = "write it again: delete it and run again where a job wrote it"
ABOUT = b"winnow"  # the key of the metadata in which a table says what it is
SHOWN_NAMES, SHOWN_LENGTH = 20, 60  # of the columns of a table, in a message

Columns = dict[str, pa.DataType]


def schema(columns: Columns) -> pa.Schema:
    """The Arrow schema of a declared table."""
    return pa.schema(
        [pa.field(n.rstrip("?"), t, nullable=n.endswith("?")) for n, t in columns.items()]
    )


def empty(columns: Columns) -> pd.DataFrame:
    """A table of the declared columns without rows."""
    return schema(columns).empty_table().to_pandas()


def read_arrow(path: str | Path, columns: Columns) -> pa.Table:
    """Read and check the declared columns of a Parquet file (further columns are ignored).

    Raises WinnowError naming the file, what is wrong with its columns (numbers written as words are
    no numbers), for nulls and NaN the first row and how many there are, and the remedy.
    """
    wanted = schema(columns)
    file = open_table(path)
    faults = column_faults(file.schema_arrow, columns)
    if faults:
        needed = ", ".join(f"{field.name} ({field.type})" for field in wanted)
        raise WinnowError(f"{path}: {'; '.join(faults)}; write it with the columns {needed}")
    try:
        table = file.read(columns=wanted.names).select(wanted.names)
        table.validate(full=True)  # words that are no UTF-8
    except Exception as error:  # of many kinds for damaged files
        raise damaged(path, error) from error
    arrays = [_checked(path, table[field.name], field) for field in wanted]
    return pa.Table.from_arrays(arrays, schema=wanted)


def open_table(path: str | Path, **options: Any) -> pq.ParquetFile:
    """A Parquet file, of which the metadata are read, and whose bytes are those that were written
    as far as it tells. WinnowError names what is none."""
    try:
        check_table(path)
        return pq.ParquetFile(path, page_checksum_verification=True, **options)
    except FileNotFoundError as error:
        raise WinnowError(f"{path}: no such table") from error
    except WinnowError as error:
        raise WinnowError(f"{error}; {REMEDY}") from error
    except Exception as error:  # of many kinds for damaged files
        told = _brief(error)
        advice = remedy(error, REMEDY)
        raise WinnowError(f"{path}: not a readable Parquet file ({told}); {advice}") from error


def damaged(path: str | Path, error: Exception) -> WinnowError:
    """What to say of a table whose columns cannot be read."""
    what = f"truncated or damaged ({_brief(error)})"
    return WinnowError(f"{path}: {what}; {remedy(error, REMEDY)}")


def _brief(error: Exception) -> str:
    """The first line of what another library says of damaged bytes, which may be in it."""
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return ascii((text.splitlines() or [type(error).__name__])[0][:200])[1:-1]


def column_faults(actual: pa.Schema, columns: Columns) -> list[str]:
    """What is wrong with the names and types of a table's columns, one line each."""
    faults = []
    for field in schema(columns):
        places = actual.get_all_field_indices(field.name)
        if not places:
            names = ", ".join(name[:SHOWN_LENGTH] for name in actual.names[:SHOWN_NAMES])
            more = ", ..." if len(actual.names) > SHOWN_NAMES else ""
            faults.append(f"column {field.name!r} is missing (has {names}{more})")
        elif len(places) > 1:
            faults.append(f"column {field.name!r} is there {len(places)} times")
        elif _kind(actual.field(places[0]).type) not in (_kind(field.type), "null"):
            kind = str(actual.field(places[0]).type)[:SHOWN_LENGTH]
            faults.append(f"column {field.name!r} is {kind}, expected {field.type}")
    return faults


def _kind(type: pa.DataType) -> str:
    """What a column holds; a cast within a kind loses nothing, or fails."""
    if pa.types.is_dictionary(type):
        return _kind(type.value_type)
    if pa.types.is_integer(type) or pa.types.is_floating(type):
        return "number"
    if pa.types.is_string(type) or pa.types.is_large_string(type) or pa.types.is_string_view(type):
        return "text"
    return str(type)


def _array(path: str | Path, values: pd.Series, field: pa.Field) -> pa.Array | pa.ChunkedArray:
    try:
        return pa.array(values, type=field.type, from_pandas=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError) as error:
        raise WinnowError(
            f"{path}: column {field.name!r} cannot be written as {field.type} ({error})"
        ) from error


def _checked(path: str | Path, column: pa.ChunkedArray, field: pa.Field) -> pa.ChunkedArray:
    try:
        column = column.cast(field.type)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise WinnowError(
            f"{path}: column {field.name!r} is {column.type}, expected {field.type} ({error}); "
            f"write it as {field.type}"
        ) from error
    bad = pc.is_null(column, nan_is_null=True)
    if not field.nullable and pc.any(bad).as_py():
        row = pc.index(bad, True).as_py()
        raise WinnowError(
            f"{path}: column {field.name!r} has no value (null or NaN) in row {row} "
            f"({pc.sum(bad).as_py()} such rows); give each a value"
        )
    return column


def read_table(path: str | Path, columns: Columns) -> pd.DataFrame:
    """Read a declared table as a DataFrame. Errors as in `read_arrow`."""
    return read_arrow(path, columns).to_pandas()


def write_table(
    path: str | Path,
    frame: pd.DataFrame,
    columns: Columns,
    about: Mapping[str, Any] | None = None,
) -> None:
    """Write a declared table atomically, columns in their declared order, nothing else. What is
    said `about` it is read by `read_about`."""
    wanted = schema(columns)
    missing = [name for name in wanted.names if name not in frame.columns]
    if missing:
        raise WinnowError(f"{path}: column {missing[0]!r} is missing from the table to write")
    arrays = [_checked(path, _array(path, frame[field.name], field), field) for field in wanted]
    table = pa.Table.from_arrays(arrays, schema=wanted)
    if about is not None:
        table = table.replace_schema_metadata({ABOUT: json.dumps(about)})
    write_arrow(path, table)


def write_arrow(path: str | Path, table: pa.Table) -> None:
    """Write a table atomically, with checksums of its pages and a digest of the whole file."""
    with atomic_path(path) as temporary:
        pq.write_table(table, temporary, write_page_checksum=True)
        seal_table(temporary)


def read_about(path: str | Path) -> dict[str, Any]:
    """What was said about a table when it was written; empty where nothing was."""
    found = (open_table(path).schema_arrow.metadata or {}).get(ABOUT, b"{}")
    try:
        content = json.loads(found)
    except (ValueError, RecursionError) as error:
        raise WinnowError(f"{path}: what it says of itself is damaged ({error})") from error
    return content if isinstance(content, dict) else {}


def join_scores(captions: pd.DataFrame, scores: pd.DataFrame, path: str | Path) -> np.ndarray:
    """Scores in the order of `captions`; a pair whose score is missing or infinite is named."""
    require_unique(scores, PAIR, path)
    values = captions[PAIR].merge(scores, on=PAIR, how="left")["score"].to_numpy()
    missing, infinite = np.isnan(values), np.isinf(values)
    if missing.any():
        raise WinnowError(
            f"{path}: no score for {_pair(captions, missing)} ({int(missing.sum())} pairs without "
            "a score); score every pair of the captions"
        )
    if infinite.any():
        raise WinnowError(
            f"{path}: the score of {_pair(captions, infinite)} is not a finite number "
            f"({int(infinite.sum())} such pairs); write finite numbers"
        )
    return values


def _pair(frame: pd.DataFrame, which: np.ndarray) -> str:
    row = frame.iloc[int(np.flatnonzero(which)[0])]
    return f"uid {row['uid']}, caption_id {row['caption_id']}"


def strangers(captions: pd.DataFrame, table: pd.DataFrame) -> tuple[np.ndarray, str]:
    """Which rows of `table` are no pair of `captions`, bool [n]; and what to say of them."""
    known = pd.MultiIndex.from_frame(captions[PAIR])
    unknown = ~pd.MultiIndex.from_frame(table[PAIR]).isin(known)
    if not unknown.any():
        return unknown, ""
    told = f"row {int(np.flatnonzero(unknown)[0])}: {_pair(table, unknown)} is no pair of the "
    return unknown, f"{told}captions ({int(unknown.sum())} such rows of {len(table)})"


def kept_rows(captions: pd.DataFrame, subset: pd.DataFrame, path: str | Path) -> np.ndarray:
    """Where the pairs of `subset` (read from `path`) stand in `captions`: numbers of rows, in the
    subset's order. WinnowError names a pair that is there twice, or that `captions` lack."""
    require_unique(subset, PAIR, path)
    unknown, told = strangers(captions, subset)
    if unknown.any():
        raise WinnowError(f"{path}: {told}; leave them out")
    pairs = pd.MultiIndex.from_frame(captions[PAIR])
    return pairs.get_indexer_for(pd.MultiIndex.from_frame(subset[PAIR]))


def require_unique(frame: pd.DataFrame, keys: Sequence[str], path: str | Path) -> None:
    """Refuse a table in which a key occurs twice, naming the first."""
    doubled = frame.duplicated(subset=list(keys)).to_numpy()
    if doubled.any():
        row = int(np.flatnonzero(doubled)[0])
        key = ", ".join(str(frame.iloc[row][k]) for k in keys)
        raise WinnowError(
            f"{path}: {' and '.join(keys)} ({key}) occurs again in row {row} "
            f"({int(doubled.sum())} such rows); keep one row of each"
        )
