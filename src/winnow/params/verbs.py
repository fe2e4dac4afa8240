"""Verbs `schema-json` and `recipes`."""

from pathlib import Path

from winnow.command import verb
from winnow.data.files import write_json, write_signed
from winnow.params import sections


@verb("output")
def schema_json(output: Path, threads: int) -> None:
    """Write the JSON Schema of params.yaml."""
    from winnow.params.schema import json_schema

    write_json(output, json_schema())


@verb("output", settings=sections.ScoreModel)
def recipes(output: Path, threads: int, settings: sections.ScoreModel) -> None:
    """Write down how the score models of a run are trained."""
    write_signed(output, settings.model_dump(mode="json"))
