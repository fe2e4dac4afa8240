"""Command `schema-json`."""

from winnow.command.description import Output, command
from winnow.data.files import write_json


@command
def schema_json(output: Output) -> None:
    """Write the JSON Schema of params.yaml."""
    from winnow.params.schema import json_schema

    write_json(output, json_schema())
