"""Submissions: scorers of others, each a folder with a card and a table (docs/submissions.md)."""

import json
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any

from pydantic import AfterValidator, Field, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from winnow.data.errors import WinnowError
from winnow.data.files import digest_bytes
from winnow.data.yaml_file import read_yaml
from winnow.params.fields import Name, Ratio, Section

FOLDER = "submissions"  # of the repository
CARD = "card.yaml"
CHECKED = "checked.yaml"  # what `winnow submit` found
TABLES = ("scores", "subset")  # `<name>.parquet`: one of them
CARD_BYTES = 64 * 1024
SHOWN_FAULTS, SHOWN_KEY = 20, 60  # of a card, in a message
NONE_TAKEN: Mapping[str, str] = MappingProxyType({})
ANYTHING: TypeAdapter[Any] = TypeAdapter(Any)
# What a card says of the pool that a run curates: the pairs follow from these sections.
POOL_SECTIONS = ("source", "terrarium", "captions")


def _printable(text: str) -> str:
    if not text.strip() or any(not c.isprintable() and c != "\n" for c in text):
        raise ValueError("is empty, or holds characters that cannot be printed")
    return text


Words = Annotated[str, Field(max_length=2000), AfterValidator(_printable)]


class Card(Section):
    """Who submits what."""

    name: Annotated[Name, Field(max_length=40)] = Field(description="Name of the row in the tables")
    authors: list[Words] = Field(min_length=1, max_length=100)
    licence: Words = Field(description="Licence of the submitted table")
    description: Words = Field(description="How the scores or the subset were computed")
    link: (
        Annotated[
            str,
            Field(max_length=300, pattern=r"^https?://[^\s<>\"]+$"),
            AfterValidator(_printable),
        ]
        | None
    ) = Field(None, description="Link to a paper or code")


class Checked(Section):
    """What the check of a submission found."""

    pool: str = Field(pattern=r"^[0-9a-f]{32}$", description="Digest of the parameters of the pool")
    share: Ratio | None = Field(None, description="Share of the pairs that a subset keeps")


def read_card(path: Path, taken: Mapping[str, str] = NONE_TAKEN) -> Card:
    """A submission's card. `taken` are names that it may not have, and whose they are.

    WinnowError names the file and everything that is wrong in it, key by key.
    """
    if path.is_symlink() or not path.is_file():
        kind = "is a link; put the file itself there" if path.is_symlink() else "no such file"
        raise WinnowError(f"{path}: {kind}; a submission has a card")
    size = path.stat().st_size
    if size > CARD_BYTES:
        raise WinnowError(f"{path}: {size} bytes, a card has at most {CARD_BYTES}; shorten it")
    content = read_yaml(path, ANYTHING)
    faults = []
    name = content.get("name") if isinstance(content, dict) else None
    if isinstance(name, str) and name in taken:
        faults.append(f"name: {name!r} is taken by {taken[name]}")
    try:
        card = Card.model_validate(content)
    except ValidationError as error:
        faults += map(_told, error.errors(include_url=False))
    if faults:
        more = [f"and {len(faults) - SHOWN_FAULTS} more"] if len(faults) > SHOWN_FAULTS else []
        raise WinnowError(f"{path}: {'; '.join(faults[:SHOWN_FAULTS] + more)}")
    return card


def _told(fault: ErrorDetails) -> str:
    """The key and what is wrong with it."""
    place = ".".join(str(part)[:SHOWN_KEY] for part in fault["loc"] if part != "[key]")
    if fault["type"] == "extra_forbidden":
        return f"{place}: unknown key; a card has {', '.join(Card.model_fields)}"
    return f"{place or 'top level'}: {fault['msg'].removeprefix('Value error, ')}"


def table_of(folder: Path) -> str:
    """Which of TABLES a submission brings: exactly one."""
    found = [name for name in TABLES if (folder / f"{name}.parquet").exists()]
    if len(found) == 1:
        path = folder / f"{found[0]}.parquet"
        if path.is_symlink() or not path.is_file():
            raise WinnowError(f"{path}: is a link or no file; put the file itself there")
        return found[0]
    both = "both scores.parquet and subset.parquet" if found else "neither"
    text = next((path.name for path in sorted(folder.glob("*.csv"))), None)
    hint = (
        f" ({ascii(text)[1:-1]} is none: write it as Parquet, numbers as numbers)" if text else ""
    )
    raise WinnowError(
        f"{folder}: holds {both}; a submission is scores.parquet or subset.parquet{hint}"
    )


def pool_digest(tree: dict[str, Any]) -> str:
    """A digest of the parameters, after the overrides of their scale, that pairs follow from."""
    source = tree.get("source")
    terrarium = isinstance(source, dict) and source.get("kind") == "terrarium"
    content = {k: tree.get(k) for k in POOL_SECTIONS if k != "terrarium" or terrarium}
    return digest_bytes(json.dumps(content, sort_keys=True, default=str).encode())


def submitted(folder: Path, pool: str) -> dict[str, dict[str, Any]]:
    """The scorers, as `params.yaml` has them, of the submissions in `folder` for a pool.

    Those that were checked for another pool take no part. WinnowError names a folder that
    `winnow submit` did not make.
    """
    found: dict[str, dict[str, Any]] = {}
    for path in sorted(folder.glob(f"*/{CARD}")):
        place = path.parent
        card = read_card(path)
        checked = read_yaml(place / CHECKED, TypeAdapter(Checked))
        if card.name != place.name:
            raise WinnowError(f"{path}: name: is {card.name!r}, its folder is {place.name!r}")
        if checked.pool != pool:
            continue
        kind = table_of(place)
        entry: dict[str, Any] = {kind: f"{FOLDER}/{place.name}/{kind}.parquet"}
        found[card.name] = entry | ({"share": checked.share} if checked.share else {})
    return found


def with_submissions(tree: dict[str, Any], root: Path) -> dict[str, Any]:
    """A tree of parameters with the submissions for its pool among its scorers.

    WinnowError names a submission that has the name of a scorer.
    """
    scorers = tree.get("scorers")
    theirs = submitted(root / FOLDER, pool_digest(tree))
    if not theirs or not isinstance(scorers, dict):  # what is no mapping is refused later
        return tree
    taken = next((name for name in theirs if name in scorers), None)
    if taken is not None:
        raise WinnowError(
            f"{FOLDER}/{taken}: the parameters have a scorer of this name; rename one of them"
        )
    return {**tree, "scorers": {**scorers, **theirs}}
