"""Whether what the parameters name is there, so that a run says so before its first job."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from winnow.data.errors import WinnowError
from winnow.params.layers import Joined
from winnow.params.model import Params
from winnow.params.source import Source, WebdatasetSource
from winnow.tracks.registry import TRACKS, own_section

Named = Iterator[tuple[str, Path | str | None]]


def require(params: Params, given: Joined) -> None:
    """Raise WinnowError with a line for each file or folder that is named and not there, as seen
    from the folder that jobs run in.
    """
    named = [*_files(params), *_source(params.source)]
    missing = [
        f"{given.where(tuple(key.split('.')))}: {key}: {_written(given.tree, key) or path}: "
        "no such file or folder; put it there or correct the path"
        for key, path in named
        if path is not None and not Path(path).exists()
    ]
    if isinstance(params.source, WebdatasetSource):
        from winnow.sources.webdataset import shard_paths  # pandas, which planning needs not

        try:
            shard_paths(params.source.shards)
        except WinnowError as error:
            missing.append(f"{given.where(('source', 'shards'))}: {error}")
    if missing:
        raise WinnowError("\n".join(missing))


def _written(tree: Any, key: str) -> str | None:
    """The path as the user wrote it; jobs see it from the folder that they run in."""
    for part in key.split("."):
        tree = tree.get(part) if isinstance(tree, dict) else None
    return tree if isinstance(tree, str) else None


def _source(source: Source) -> Named:
    for key, value in source:
        if isinstance(value, Path):
            yield f"source.{key}", value


def _files(params: Params) -> Named:
    """What jobs read beside the source. Folders of a baseline's images may come later."""
    for name, scorer in params.scorers.items():
        yield f"scorers.{name}.scores", scorer.scores
        yield f"scorers.{name}.subset", scorer.subset
        for key, path in scorer.files.items():
            yield f"scorers.{name}.files.{key}", path
    for name, folder in params.zeroshot.folders.items():
        yield f"zeroshot.folders.{name}", folder
    yield "annotations.coco", params.annotations.coco
    yield "annotations.masks", params.annotations.masks
    yield "captioning.perspectives", params.captioning.perspectives
    yield "preferences.rubric", params.preferences.rubric
    yield "preferences.questions", params.preferences.questions
    yield "preferences.text_pairs", params.preferences.text_pairs
    for track in TRACKS:
        if track.settings:
            yield from own_section(params, track).files()
