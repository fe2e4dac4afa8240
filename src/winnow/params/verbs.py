"""Verb `schema-json`."""

from pathlib import Path

from winnow.command import verb
from winnow.data.files import write_json


@verb("output")
def schema_json(output: Path, threads: int) -> None:
    """Write the JSON Schema of params.yaml."""
    from winnow.params.load import json_schema

    write_json(output, json_schema())
