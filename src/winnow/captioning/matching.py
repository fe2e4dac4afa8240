"""Files of annotations, and the images of the pool that they belong to."""

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from pathlib import PurePosixPath

import pandas as pd

from winnow.data.errors import WinnowError
from winnow.sources.caption_text import storable

Row = tuple[str, str, str, float, float, float, float]  # a row of ANNOTATIONS
Fault = tuple[str, str]  # why something was left out, and where it stands
Key = Callable[[PurePosixPath], str]

# What a name is recognised by, the surest first; a sample of a WebDataset has no suffix.
IMAGE_KEYS: tuple[Key, ...] = (str, lambda name: name.name, lambda name: name.stem)
MASK_KEYS: tuple[Key, ...] = (lambda name: str(name.with_suffix("")), lambda name: name.stem)


def match(
    names: Sequence[str], samples: pd.DataFrame, keys: Sequence[Key], where: str
) -> tuple[dict[str, str], list[Fault]]:
    """Name -> uid of the image whose `source` has the same key, and the names without an image.

    The keys are tried in turn; one counts only where no other name and no other image has it.
    Raises WinnowError beginning with `where` if no name at all has an image.
    """
    paths = {name: PurePosixPath(storable(name)) for name in names}
    sources = {u: PurePosixPath(s) for u, s in zip(samples["uid"], samples["source"], strict=True)}
    found: dict[str, str] = {}
    doubtful: set[str] = set()
    for key in keys:
        images: dict[str, list[str]] = defaultdict(list)
        for uid, path in sources.items():
            images[key(path)].append(uid)
        files = Counter(key(path) for path in paths.values())
        for name, path in paths.items():
            uids = images.get(key(path), [])
            if name not in found and len(uids) == files[key(path)] == 1:
                found[name] = uids[0]
            elif name not in found and uids:
                doubtful.add(name)
    if not found:
        raise WinnowError(_nothing(names, samples, where))
    lost = [name for name in names if name not in found]
    return found, [
        ("its name fits several images or files", storable(name))
        if name in doubtful
        else ("no image of the pool has its name", storable(name))
        for name in lost
    ]


def _nothing(names: Sequence[str], samples: pd.DataFrame, where: str) -> str:
    source = samples["source"].iloc[0] if len(samples) else ""
    if not names:
        return f"{where}: names no image that can be used"
    return (
        f"{where}: none of its {len(names)} images is in the pool; their names, such as "
        f"{storable(names[0])!r}, must be those in the column `source` of samples.parquet, such "
        f"as {source!r}"
    )
