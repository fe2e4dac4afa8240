"""Zero-shot classification sets, in the layout that CLIP_benchmark reads as a WebDataset.

`<set>/classnames.txt`, `<set>/zeroshot_classification_templates.txt`, `<set>/test/nshards.txt` and
`<set>/test/0.tar` with `s0000000.png` and `s0000000.cls`.
"""

import io
import tarfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from winnow.data.digests import check_digests, write_digests
from winnow.data.files import atomic_path
from winnow.data.images import normalise
from winnow.data.shards import iter_files

CLASSES, PROMPTS = "classnames.txt", "zeroshot_classification_templates.txt"
# ScoreRS (NeurIPS 2025), appendix: both templates, the second without a full stop.
TEMPLATES = ("a satellite photo of {c}.", "a satellite image of {c}")


class Made(NamedTuple):
    """What a set is written from; labels are the places of the classes."""

    classes: Sequence[str]
    templates: Sequence[str]  # with {c} for a class
    images: Iterable[tuple[bytes, int]]  # encoded, with their labels


def write_sets(output: Path, sets: Mapping[str, Made]) -> dict[str, int]:
    """Write sets below `output`; returns the number of images by name."""
    with atomic_path(output) as folder:
        folder.mkdir()
        return {name: write_set(folder / name, made) for name, made in sets.items()}


def write_set(folder: Path, made: Made) -> int:
    """Write one set into `folder`; returns the number of its images."""
    (folder / "test").mkdir(parents=True)
    count = 0
    with tarfile.open(folder / "test" / "0.tar", "w") as tar:
        for content, label in made.images:
            image, extension, *_ = normalise(content)
            for suffix, member in ((extension, image), ("cls", str(label).encode())):
                info = tarfile.TarInfo(f"s{count:07d}.{suffix}")
                info.size = len(member)
                tar.addfile(info, io.BytesIO(member))
            count += 1
    for name, lines in ((CLASSES, made.classes), (PROMPTS, made.templates)):
        (folder / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "test" / "nshards.txt").write_text("1\n", encoding="utf-8")
    write_digests(folder)
    return count


def read_set(folder: Path) -> Made:
    """A set as it was written, its images as a stream. Errors as in `check_digests`."""
    check_digests(folder)
    classes, templates = (
        (folder / name).read_text(encoding="utf-8").splitlines() for name in (CLASSES, PROMPTS)
    )
    return Made(classes, templates, _members(folder / "test" / "0.tar"))


def _members(path: Path) -> Iterator[tuple[bytes, int]]:
    image = b""
    for name, content in iter_files(path, f"delete {path.parents[2]} and run again"):
        if name.endswith(".cls"):  # follows its image
            yield image, int(content)
        else:
            image = content
