"""The JSON that stays with a trained model."""

from pathlib import Path
from typing import Any

from winnow.data.files import write_json
from winnow.data.provenance import provenance


def write_record(
    path: Path, parameters: dict[str, Any], inputs: dict[str, Path], **training: Any
) -> None:
    """Write the JSON that stays with a model: what its training gave, and what it came from."""
    write_json(path, {**training, **provenance(parameters, inputs)})
