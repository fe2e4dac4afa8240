"""Zero-shot classification sets, in the layout that CLIP_benchmark reads as a WebDataset.

`<set>/classnames.txt`, `<set>/zeroshot_classification_templates.txt`, `<set>/test/nshards.txt` and
`<set>/test/0.tar` with `s0000000.png` and `s0000000.cls`.
"""

import io
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import pandas as pd

from winnow.data.digests import check_digests, write_digests
from winnow.data.errors import WinnowError
from winnow.data.files import atomic_path, read_bytes
from winnow.data.images import BadImageError, encode_png, normalise
from winnow.data.shards import iter_files, iter_shard, shard_path
from winnow.sources.local import MAX_BYTES, is_hidden, is_image_name, may_be_image
from winnow.sources.text import class_words, storable
from winnow.terrarium.zeroshot import ZEROSHOT, class_names, zeroshot_sample

# ScoreRS (NeurIPS 2025), appendix: both templates, the second without a full stop.
TEMPLATES = ("a satellite photo of {c}.", "a satellite image of {c}")


def write_set(folder: Path, classes: list[str], images: Iterable[tuple[bytes, int]]) -> int:
    """Write one set of encoded images with their class into `folder`; returns their count."""
    (folder / "test").mkdir(parents=True)
    count = 0
    with tarfile.open(folder / "test" / "0.tar", "w") as tar:
        for content, label in images:
            image, extension, *_ = normalise(content)
            for suffix, member in ((extension, image), ("cls", str(label).encode())):
                info = tarfile.TarInfo(f"s{count:07d}.{suffix}")
                info.size = len(member)
                tar.addfile(info, io.BytesIO(member))
            count += 1
    (folder / "classnames.txt").write_text("\n".join(classes) + "\n", encoding="utf-8")
    templates = "\n".join(TEMPLATES) + "\n"
    (folder / "zeroshot_classification_templates.txt").write_text(templates, encoding="utf-8")
    (folder / "test" / "nshards.txt").write_text("1\n", encoding="utf-8")
    write_digests(folder)
    return count


def read_set(folder: Path) -> tuple[list[str], Iterator[tuple[bytes, int]]]:
    """Class names of a set, and a stream of its encoded images with their class. Errors as in
    `check_digests`."""
    check_digests(folder)
    classes = (folder / "classnames.txt").read_text(encoding="utf-8").splitlines()
    return classes, _members(folder / "test" / "0.tar")


def _members(path: Path) -> Iterator[tuple[bytes, int]]:
    image = b""
    for name, content in iter_files(path, f"delete {path.parents[2]} and run again"):
        if name.endswith(".cls"):  # follows its image
            yield image, int(content)
        else:
            image = content


def terrarium_sets(output: Path, images: int, seed: int, size: int) -> dict[str, int]:
    """Write Terrarium's six sets of `images` each; returns the counts by name."""
    counts = {}
    with atomic_path(output) as folder:
        for name in ZEROSHOT:
            drawn = (zeroshot_sample(name, index, seed, size) for index in range(images))
            encoded = ((encode_png(pixels), label) for pixels, label in drawn)
            counts[name] = write_set(folder / name, class_names(name), encoded)
    return counts


def real_sets(
    output: Path, pool: Path, samples: pd.DataFrame, folders: dict[str, str]
) -> dict[str, int]:
    """Write a set `scenes` by the test split's labels, and one for each folder of classes."""
    labelled = samples[(samples["split"] == "test") & samples["scene"].notna()]
    counts = {}
    with atomic_path(output) as folder:
        folder.mkdir()
        if labelled["scene"].nunique() > 1:
            classes = sorted(labelled["scene"].unique())
            label = {
                u: classes.index(s) for u, s in zip(labelled["uid"], labelled["scene"], strict=True)
            }
            images = (
                (content, label[uid])
                for shard in sorted(labelled["shard"].unique())
                for uid, content in iter_shard(shard_path(pool, int(shard)))
                if uid in label
            )
            counts["scenes"] = write_set(folder / "scenes", classes, images)
        for name, tree in sorted(folders.items()):
            classes = class_folders(Path(tree), name)
            words = [class_words(c) for c in classes]
            counts[name] = write_set(folder / name, words, _class_images(Path(tree), classes))
    return counts


def class_folders(tree: Path, name: str) -> list[str]:
    """The class folders of a tree, sorted; two or more, else a WinnowError."""
    found = tree.iterdir() if tree.is_dir() else ()
    classes = sorted(p.name for p in found if p.is_dir() and not is_hidden(p.name))
    if len(classes) < 2:
        raise WinnowError(
            f"zeroshot.folders.{name}: {tree} holds {len(classes)} class folders, not 2+"
        )
    unnamed = next((c for c in classes if storable(c) != c), None)
    if unnamed is not None:
        raise WinnowError(
            f"zeroshot.folders.{name}: {tree / storable(unnamed)}: the name of a class "
            "folder is not UTF-8 text; rename the folder"
        )
    return classes


def _class_images(tree: Path, classes: list[str]) -> Iterator[tuple[bytes, int]]:
    for label, name in enumerate(classes):
        files = sorted(p for p in (tree / name).iterdir() if not is_hidden(p.name))
        images = [file for file in files if is_image_name(file.name)]
        others = [f for f in files if f not in images and may_be_image(f.suffix.lower())]
        if others or not images:
            raise WinnowError(
                f"{others[0]}: a kind of image that is not read; an evaluation set must be whole"
                if others
                else f"{tree / name}: a class without images; remove the folder"
            )
        for file in images:
            yield _whole(file), label


def _whole(file: Path) -> bytes:
    try:
        if file.stat().st_size > MAX_BYTES:
            raise BadImageError(f"larger than {MAX_BYTES} bytes")
        content = read_bytes(file)
        normalise(content)
    except OSError as error:
        raise WinnowError(
            f"{file}: cannot be read ({error.strerror}); an evaluation set must be whole"
        ) from error
    except BadImageError as error:
        raise WinnowError(f"{file}: {error}; an evaluation set must be whole") from error
    return content
