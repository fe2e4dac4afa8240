"""Loading parameters: read, laid over each other, checked, with paths that hold anywhere."""

import os
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from winnow.data.errors import WinnowError
from winnow.params.layers import Joined, join, layer, read_layer
from winnow.params.model import Params, WithTracks
from winnow.params.refusals import checked
from winnow.params.submissions import with_submissions
from winnow.params.world import World, with_world
from winnow.sources.source import Glob
from winnow.tracks.registry import TRACKS, own_section

LOCAL = "local-dir:"  # how open_clip marks a folder


def read(path: str | Path) -> dict[str, Any]:
    """The parameters in a YAML file, as they stand there."""
    return read_layer(path).tree


def scaled(tree: dict[str, Any]) -> dict[str, Any]:
    """A tree of parameters after the overrides of its `scale`, unchecked."""
    return join([layer("parameters", tree)]).tree


def resolve(joined: dict[str, Any] | Joined, root: str | Path = ".") -> Params:
    """Check parameters, with the submissions among the scorers.

    `root` is what relative paths in `source`, `scorers` and `zeroshot` start from, and where
    `submissions/` lies. Raises WinnowError with one line for each wrong key: where it was given,
    its value, what is allowed.
    """
    if not isinstance(joined, Joined):
        joined = join([layer("parameters", joined)])
    merged = with_submissions(dict(joined.tree), Path(root))
    world = merged.pop("terrarium", None)
    if world is not None:
        # A world that this source does not draw is checked all the same.
        content = {"kind": "terrarium", **world} if isinstance(world, dict) else world
        merged = with_world(merged, checked(TypeAdapter(World), content, joined, ["terrarium"]))
    params = checked(TypeAdapter(WithTracks), merged, joined)
    try:
        return _rooted(params, Path(root))
    except (OSError, RuntimeError) as error:  # too long a name, links in a circle
        raise WinnowError(f"a path in the parameters cannot be one: {error}") from error


def _rooted(params: Params, root: Path) -> Params:
    """Make the paths of user data start at `folder`, where jobs run. They stay relative, so that a
    copied or moved clone asks the cache, and Snakemake's records, the same questions."""
    start = os.path.realpath(params.folder)

    def placed(path: str | Path) -> str:
        return (
            str(path) if Path(path).is_absolute() else os.path.relpath(root.resolve() / path, start)
        )

    fields = type(params.source).model_fields
    paths = {
        name: placed(getattr(params.source, name))
        for name, field in fields.items()
        if field.annotation in (Path, Glob)
    }
    source = type(params.source).model_validate({**params.source.model_dump(), **paths})
    scorers = {
        name: s.model_copy(
            update={
                key: placed(path)
                for key in ("scores", "subset")
                if (path := getattr(s, key)) is not None
            }
            | {"files": {key: placed(path) for key, path in s.files.items()}}
        )
        for name, s in params.scorers.items()
    }
    zeroshot = params.zeroshot.model_copy(
        update={
            key: {name: placed(path) for name, path in getattr(params.zeroshot, key).items()}
            for key in ("folders", "sets")
        }
    )

    def found(name: str) -> str:  # a tag or an architecture stays as it is
        prefix = LOCAL if name.startswith(LOCAL) else ""
        path = name.removeprefix(prefix)
        return prefix + placed(path) if (root / path).exists() else name

    models = {
        role: model.model_copy(
            update={
                key: found(name)
                for key, name in (("id", model.id), ("pretrained", model.pretrained))
                if name is not None and model.loader != "openai"
            }
        )
        for role, model in params.models.items()
    }
    named = {
        key: placed(path)
        for key in ("coco", "masks")
        if (path := getattr(params.annotations, key)) is not None
    }
    perspectives = placed(params.captioning.perspectives)
    asked = {
        key: placed(path)
        for key in ("rubric", "questions", "text_pairs")
        if (path := getattr(params.preferences, key)) is not None
    }
    own = {
        track.name: own_section(params, track).rooted(placed, root)
        for track in TRACKS
        if track.settings
    }
    return params.model_copy(
        update={
            "source": source,
            "scorers": scorers,
            "zeroshot": zeroshot,
            "models": models,
            "annotations": params.annotations.model_copy(update=named),
            "captioning": params.captioning.model_copy(update={"perspectives": perspectives}),
            "preferences": params.preferences.model_copy(update=asked),
            **own,
        }
    )
