"""What a source hands to the pool: one record an image, before it has a uid."""

from dataclasses import dataclass, field

SPLITS = ("pool", "reference", "test")


@dataclass(frozen=True)
class Record:
    """One image as a source gives it.

    `name` says where it came from, for error messages; `image` holds the encoded bytes; `layout`
    (JSON), `rule_caption` and `mask` (PNG of land-cover classes) are known for Terrarium alone.
    """

    name: str
    image: bytes
    split: str
    scene: str | None
    captions: list[str] = field(default_factory=list)
    layout: str | None = None
    rule_caption: str | None = None
    mask: bytes | None = None


@dataclass(frozen=True)
class Rejected:
    """Something a source could not read, and why: a row of the quarantine table.

    `image` is False where less than an image was lost (one caption, a file of another kind); only
    images count against the quarantine limit. `captions` is the number of captions lost with it.
    """

    name: str
    reason: str
    image: bool = True
    captions: int = 0
