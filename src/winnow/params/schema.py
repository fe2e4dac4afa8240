"""The JSON Schema of `params.yaml`: editors complete from it, and refusals list its keys."""

from typing import Any, get_args

from winnow.params.model import NOT_SCALED, WithTracks
from winnow.params.names import Scale
from winnow.params.world import World


def json_schema() -> dict[str, Any]:
    """JSON Schema of `params.yaml` and of a file with only what differs: sections in part."""
    schema = WithTracks.model_json_schema()
    world = World.model_json_schema()
    world["properties"].pop("kind")
    schema["$defs"]["Terrarium"] = {**world, "title": "Terrarium"}
    schema["properties"]["terrarium"] = {"$ref": "#/$defs/Terrarium"}
    for part in (schema, *schema["$defs"].values()):
        part.pop("required", None)  # the rest may stand in the other file
        for node in part.get("properties", {}).values():
            if "patternProperties" in node:
                node["additionalProperties"] = False
            if node.pop("x-droppable", False):
                entries = node.get("patternProperties", node)
                key = "additionalProperties" if entries is node else next(iter(entries))
                entries[key] = {"anyOf": [entries[key], {"type": "null"}]}
    for kind in schema["properties"]["source"]["discriminator"]["mapping"].values():
        schema["$defs"][kind.rpartition("/")[2]]["required"] = ["kind"]  # tells the kinds apart
    schema["$defs"]["Override"] = {
        "type": "object",
        "description": "Any of the other keys, in part",
        "properties": {k: v for k, v in schema["properties"].items() if k not in NOT_SCALED},
        "additionalProperties": False,
    }
    schema["properties"]["scales"] = {
        "type": "object",
        "description": "Overrides by scale",
        "properties": {name: {"$ref": "#/$defs/Override"} for name in get_args(Scale)},
        "additionalProperties": False,
    }
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "Winnow parameters"
    return schema
