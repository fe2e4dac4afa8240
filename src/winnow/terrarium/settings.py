"""What is done to human captions: how many are taken, and the shares that get known noise."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from winnow.params.fields import Fraction, PositiveInt, Section

Noise = Literal[
    "mismatch",
    "hallucination",
    "count",
    "attribute",
    "relation",
    "generic",
    "truncated",
    "infeasible",
]


def _no_noise(rates: Any) -> Any:
    """`none` in words is no kind of noise at all, as is an empty mapping."""
    if rates is None or rates == "none":
        return {}
    if not isinstance(rates, dict):
        raise ValueError("expected `none`, or shares by kind, for instance {mismatch: 0.3}")
    return rates


def _at_most_all(rates: dict[str, float]) -> dict[str, float]:
    if sum(rates.values()) > 1 + 1e-9:
        raise ValueError(f"the rates sum to {sum(rates.values()):.3g}, more than 1")
    return rates


def _or_none(schema: dict[str, Any]) -> None:
    """Have a JSON Schema of rates allow what `_no_noise` reads."""
    rates = {key: schema.pop(key) for key in {*schema} - {"title", "description"}}
    schema["anyOf"] = [rates, {"enum": ["none", None]}]


Rates = Annotated[
    dict[Noise, Fraction],
    BeforeValidator(_no_noise),
    AfterValidator(_at_most_all),
    Field(json_schema_extra=_or_none),
]


class RawCaptions(Section):
    """How the caption set `raw` is made of human captions."""

    per_image: PositiveInt | None = Field(
        None, description="Maximum number of captions per image, sampled at random (null: all)"
    )
    noise: Rates = Field(
        default_factory=dict,
        description="Share of the captions with each kind of noise (`none`: no noise)",
    )


def noise_told(rates: Mapping[Noise, float]) -> str:
    """A sentence on what was done to the human captions of `raw`, for logs, cards and pages."""
    shares = [f"{kind} {100 * rate:g} %" for kind, rate in rates.items() if rate > 0]
    if not shares:
        return "No noise was added to people's captions."
    return f"Noise was added to people's captions, of known kind: {', '.join(shares)}."
