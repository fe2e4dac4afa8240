"""The roles of models, and the section `models`."""

import json
import re
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, JsonValue, model_validator

from winnow.data.secrets import is_secret
from winnow.params.fields import PositiveInt, Section

ScoringRole = Literal["clip", "siglip", "domain_clip"]
EvaluatorRole = Literal["evaluator_clip", "evaluator_general"]  # they grade; no scorer uses them
Role = Literal[ScoringRole, EvaluatorRole]  # of contrastive models
MllmRole = Literal["mllm", "mllm_small"]  # of multimodal models
GeneratorRole = Literal["t2i", "geo_rssd", "diffusionsat", "crs_diff", "controlnet"]
ModelRole = Literal[Role, MllmRole, "llm", GeneratorRole]
# A server that judges, a published score model, what segmentors start from.
OptionalRole = Literal["judge", "score_model", "segmentor"]
SENT = ("max_tokens", "temperature", "seed", "top_p")  # to a server, beside model and messages
SERVER_KEY = "OPENAI_API_KEY"  # the environment variable; local servers need none


def _without_secrets(url: str) -> str:
    try:
        parts = urlsplit(url)
        named = bool(parts.hostname) and parts.port != 0
    except ValueError:
        named = False
    if named and ("@" in parts.netloc or "?" in url or "#" in url):
        raise ValueError(
            "stands in command lines and records, so it may hold no name, password or query; a key "
            f"goes into the environment variable {SERVER_KEY}"
        )
    if not named:
        raise ValueError("is no address such as http://localhost:8000/v1")
    return url


ServerUrl = Annotated[str, Field(pattern=r"^https?://[^/\s]\S*$"), AfterValidator(_without_secrets)]
ExtraBody = Annotated[
    dict[str, JsonValue] | None,
    Field(
        description="openai: additional fields of each request, as the server documents them; "
        "they are recorded, so do not put a key here"
    ),
]
Renamed = Annotated[
    dict[Literal["max_tokens", "temperature", "seed", "top_p"], str | None] | None,
    Field(
        description="openai: the name under which a parameter is sent, for instance "
        "`max_tokens: max_completion_tokens`; null: not sent"
    ),
]


def _sent_names(renamed: Renamed) -> dict[str, str]:
    names: dict[str, str | None] = {name: name for name in SENT}
    for name, sent in (renamed or {}).items():
        names[name] = sent
    return {name: sent for name, sent in names.items() if sent is not None}


def _check_sent(extra_body: ExtraBody, renamed: Renamed) -> None:
    sent = ["model", "messages", "stream", *_sent_names(renamed).values()]
    for name in extra_body or {}:
        if name in sent:
            raise ValueError(
                f"`extra_body` has {name!r}, which is sent anyway (`parameters` leaves out "
                f"{', '.join(SENT)})"
            )
    if twice := [name for name in sent if sent.count(name) > 1]:
        raise ValueError(f"`parameters` sends two things as {twice[0]!r}")
    if not all(re.fullmatch(r"[A-Za-z_][\w.-]*", name, re.ASCII) for name in sent):
        raise ValueError("`parameters` has what is no name of a field, such as max_tokens")
    try:
        json.dumps(extra_body, allow_nan=False)
    except ValueError as error:
        raise ValueError("`extra_body` has a number that JSON does not know") from error
    if secret := _secret_in(extra_body):
        raise ValueError(
            f"`extra_body` has {secret!r}, but it stands in command lines and records: a key "
            f"goes into the environment variable {SERVER_KEY}"
        )


def _secret_in(content: Any) -> str:
    """The name of a key or password in JSON, or ""."""
    if isinstance(content, dict):
        return next((k for k in content if is_secret(k)), "") or _secret_in([*content.values()])
    if isinstance(content, list):
        return next(filter(None, map(_secret_in, content)), "")
    return ""


class Server(Section):
    """A model behind an OpenAI-compatible server."""

    url: ServerUrl = Field(description="Address of the API, usually `.../v1`")
    model: str = Field(min_length=1, description="Name of the model at the server")
    extra_body: ExtraBody = None
    parameters: Renamed = None

    def names(self) -> dict[str, str]:
        """The parameters that are sent, and under which names."""
        return _sent_names(self.parameters)

    @model_validator(mode="after")
    def _fields_fit(self) -> "Server":
        _check_sent(self.extra_body, self.parameters)
        return self


class Model(Section):
    """A role's model: one of our stand-ins, or a published checkpoint by name."""

    loader: Literal[
        "standin",
        "open_clip",
        "transformers",
        "openai",
        "diffusers",
        "diffusionsat",
        "crs_diff",
        "mmsegmentation",
    ] = Field(
        "standin",
        description="How the model is loaded; `standin`: the released stand-in for Terrarium, "
        "or one trained in the run for other pools",
    )
    id: str | None = Field(
        None,
        description="open_clip: `ViT-B-32`, `hf-hub:org/name`, or a folder in its layout; "
        "transformers, diffusers, diffusionsat: `org/name` of the hub, or a folder; crs_diff, "
        "mmsegmentation: the checkpoint's file; openai: the model's name at the server",
    )
    pretrained: str | None = Field(
        None, description="open_clip: a pretrained tag, or a state dict such as RemoteCLIP's .pt"
    )
    revision: str | None = Field(
        None,
        description="transformers, diffusers, diffusionsat: a commit, tag or branch of the hub's "
        "repository",
    )
    subfolder: str | None = Field(
        None,
        description="diffusers, diffusionsat: subfolder of `id` with the pipeline, for instance "
        "GeoRSSD's `checkpoint/20p/22000`",
    )
    side: PositiveInt | None = Field(
        None,
        description="diffusers, diffusionsat: side of the images in pixels, if the UNet's "
        "configuration differs from its training (DiffusionSat: 512)",
    )
    url: ServerUrl | None = Field(
        None,
        description="openai: address of the server's API, usually `.../v1`; the key is read "
        f"from the environment variable {SERVER_KEY}",
    )
    extra_body: ExtraBody = None
    parameters: Renamed = None
    licence: str | None = Field(None, description="Licence of the published checkpoint")

    @model_validator(mode="after")
    def _id_when_needed(self) -> "Model":
        if (self.loader == "standin") != (self.id is None):
            own = "has no" if self.loader == "standin" else "needs an"
            raise ValueError(f"the loader {self.loader} {own} `id`")
        if (self.loader == "openai") != (self.url is not None):
            raise ValueError("`url` belongs to the loader openai, which needs one")
        if self.loader != "openai" and (self.extra_body or self.parameters):
            raise ValueError("`extra_body` and `parameters` belong to the loader openai")
        _check_sent(self.extra_body, self.parameters)
        if self.pretrained is not None and self.loader != "open_clip":
            raise ValueError("`pretrained` belongs to the loader open_clip")
        hub = ("transformers", "diffusers", "diffusionsat")
        if self.revision is not None and self.loader not in hub:
            raise ValueError(f"`revision` belongs to the loaders {', '.join(hub)}")
        if (self.subfolder or self.side) and self.loader not in hub[1:]:
            raise ValueError("`subfolder` and `side` belong to the loaders diffusers, diffusionsat")
        return self

    @property
    def server(self) -> Server | None:
        """Where the loader openai finds it."""
        if self.url is None or self.id is None:
            return None
        return Server(
            url=self.url, model=self.id, extra_body=self.extra_body, parameters=self.parameters
        )
