"""The section `terrarium`: the miniature Earth, and the known noise of its captions."""

from typing import Any

from winnow.sources.formats.terrarium import TerrariumSource
from winnow.terrarium.settings import RawCaptions


class World(TerrariumSource, RawCaptions):
    """Terrarium, and what its caption set `raw` is made of where `captions` does not say."""


def with_world(tree: dict[str, Any], world: World) -> dict[str, Any]:
    """A tree of parameters whose source and captions, if they are Terrarium's, follow `world`.

    What `source` and `captions` say themselves stays.
    """
    own = world.model_dump()
    ours = {key: own.pop(key) for key in ("per_image", "noise")}
    source, captions = tree.get("source"), tree.get("captions")
    if not isinstance(source, dict) or source.get("kind") != "terrarium":
        return tree
    if isinstance(captions, dict):
        said = {key: value for key, value in captions.items() if value is not None}
        captions = {**ours, **said}
    return {**tree, "source": {**own, **source}, "captions": captions}
