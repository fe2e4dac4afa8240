"""Commands `schema-json` and `recipes`."""

from winnow.command.description import Output, command
from winnow.data.files import write_json, write_signed
from winnow.params import sections


@command
def schema_json(output: Output) -> None:
    """Write the JSON Schema of params.yaml."""
    from winnow.params.schema import json_schema

    write_json(output, json_schema())


@command
def recipes(output: Output, settings: sections.ScoreModel) -> None:
    """Write down how the score models of a run are trained."""
    write_signed(output, settings.model_dump(mode="json"))
