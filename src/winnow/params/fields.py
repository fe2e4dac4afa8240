"""Kinds of values that sections of `params.yaml` are made of, and their base class.

Each section is in the `settings.py` of the code that it configures. A field's description becomes
its help in the JSON Schema.
"""

from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator

from winnow.data.secrets import without_login


def _whole(value: Any) -> Any:
    """4e6 is a whole number, though YAML and JSON read it as another kind."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


PositiveInt = Annotated[int, BeforeValidator(_whole), Field(gt=0)]
Fraction = Annotated[float, Field(ge=0, le=1)]
Ratio = Annotated[float, Field(gt=0, le=1)]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
Seed = Annotated[int, Field(ge=0, lt=2**32)]


def _without_nulls(content: Any) -> Any:
    return (
        {k: v for k, v in content.items() if v is not None}
        if isinstance(content, dict)
        else content
    )


Entry = TypeVar("Entry")
# In an override `name: null` leaves an entry out.
DROPPABLE = (BeforeValidator(_without_nulls), Field(json_schema_extra={"x-droppable": True}))
Named = Annotated[dict[Name, Entry], *DROPPABLE]


class Section(BaseModel):
    """A group of parameters: unknown keys are refused, values do not change after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    _logins = field_validator("*")(without_login)
