"""Whether what the parameters name is there, so that a run says so before its first job."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from winnow.data.errors import WinnowError
from winnow.params.layers import Joined
from winnow.params.model import Params
from winnow.sources.source import AnySource
from winnow.sources.zeroshot_sets import set_inputs
from winnow.tracks.registry import TRACKS, own_section

Named = Iterator[tuple[str, Path | str | None]]


def require_paths(params: Params, joined: Joined) -> None:
    """Raise WinnowError with a line for each file or folder that is named and not there, as seen
    from the folder that jobs run in, and for a zero-shot set that its file does not describe.
    """
    named = [*_files(params), *_source(params.source)]
    missing = [
        f"{joined.where(tuple(key.split('.')))}: {key}: {_written(joined.tree, key) or path}: "
        "no such file or folder; put it there or correct the path"
        for key, path in named
        if path is not None and not Path(path).exists()
    ]
    try:
        params.source.inputs()
    except WinnowError as error:
        key, _, _ = str(error).partition(":")
        missing.append(f"{joined.where(tuple(key.split('.')))}: {error}")
    if missing:
        raise WinnowError("\n".join(missing))
    set_inputs(params.zeroshot.folders, params.zeroshot.sets)


def _written(tree: Any, key: str) -> str | None:
    """The path as the user wrote it; jobs see it from the folder that they run in."""
    for part in key.split("."):
        tree = tree.get(part) if isinstance(tree, dict) else None
    return tree if isinstance(tree, str) else None


def _source(source: AnySource) -> Named:
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
    for key in ("folders", "sets"):
        for name, path in getattr(params.zeroshot, key).items():
            yield f"zeroshot.{key}.{name}", path
    yield "annotations.coco", params.annotations.coco
    yield "annotations.masks", params.annotations.masks
    yield "captioning.perspectives", params.captioning.perspectives
    yield "preferences.rubric", params.preferences.rubric
    yield "preferences.questions", params.preferences.questions
    yield "preferences.text_pairs", params.preferences.text_pairs
    for track in TRACKS:
        if track.settings:
            yield from own_section(params, track).files()
