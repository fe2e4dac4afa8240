"""Which images are too much alike, and the verb `deduplicate`."""

import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import World
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from PIL import Image, ImageEnhance

from winnow.command.line import main
from winnow.curation import deduplicate as duplicates
from winnow.data.files import digest_bytes
from winnow.data.images import encode_png, open_rgb
from winnow.data.shards import ShardWriter, pool_images
from winnow.data.tables import DEDUPLICATED, SAMPLES, read_table, write_table
from winnow.models import clip

pytestmark = pytest.mark.usefixtures("same_environment")


def unit(features: np.ndarray) -> np.ndarray:
    return (features / np.linalg.norm(features, axis=1, keepdims=True)).astype(np.float32)


def named(count: int) -> pd.DataFrame:
    uids = [f"{(7 * i) % 101:032x}" for i in range(count)]
    return pd.DataFrame({"uid": uids, "shard": 0})


def brute_force(features: np.ndarray, threshold: float) -> list[set[int]]:
    """Components by walking from row to row."""
    white = duplicates.whitened(features)
    alike = (white @ white.T > threshold) | (features @ features.T > duplicates.SAME)
    left, found = set(range(len(features))), []
    while left:
        walk, seen = [min(left)], set()
        while walk:
            row = walk.pop()
            if row not in seen:
                seen.add(row)
                walk += np.flatnonzero(alike[row] | alike[:, row]).tolist()
        left -= seen
        found.append(seen)
    return found


@examples(max_examples=60)
@given(st.integers(1, 30), st.integers(2, 12), st.integers(0, 9999), st.floats(-0.3, 0.95))
def test_components_are_those_of_brute_force(n: int, d: int, seed: int, threshold: float) -> None:
    rng = np.random.default_rng(seed)
    features = unit(rng.normal(size=(n, d)))
    features[rng.integers(n)] = features[0]
    expected = brute_force(features, threshold)
    for block in (3, 4096):
        found = duplicates.components(features, threshold, block)
        assert [set(np.flatnonzero(found == i)) for i in range(found.max() + 1)] == expected


def test_many_joins_are_condensed(monkeypatch: pytest.MonkeyPatch) -> None:
    features = unit(np.random.default_rng(1).normal(size=(60, 6)))
    expected = duplicates.components(features, 0.5)
    monkeypatch.setattr(duplicates, "EDGES", 5)
    assert (duplicates.components(features, 0.5, 7) == expected).all()


def test_a_chain_is_one_component() -> None:
    turns = np.linspace(0, np.pi, 12)
    chain = np.stack([np.cos(turns), np.sin(turns), 0 * turns], axis=1)
    axes = np.array([[0, 0, 1.0], [0, 0, -1], [0, -1, 0.6], [0, -1, -0.6]])
    found = duplicates.components(unit(np.concatenate([chain, axes])), 0.9)
    assert set(found[:12]) == {0} and 0 not in found[12:]


@pytest.mark.parametrize("count", [0, 1, 2, 5])
def test_degenerate_features(count: int) -> None:
    equal = unit(np.ones((count, 4)) + np.arange(4)) if count else np.zeros((0, 0), np.float32)
    assert duplicates.components(equal, 0.65).tolist() == [0] * count
    table = duplicates.deduplicate(named(count), equal, 0.65)
    assert table["kept"].sum() == min(count, 1) and len(table) == count
    assert duplicates.components(unit(np.eye(8)[:count] + 0.01), 0.65).tolist() == [*range(count)]


@examples(max_examples=30)
@given(st.permutations(range(20)))
def test_the_order_of_images_does_not_matter(order: list[int]) -> None:
    features = unit(np.random.default_rng(3).normal(size=(20, 5)))
    samples = named(20)
    table = duplicates.deduplicate(samples, features, 0.6)
    again = duplicates.deduplicate(samples.iloc[order], features[order], 0.6)
    assert again.sort_values("uid", ignore_index=True).equals(
        table.sort_values("uid", ignore_index=True)
    )
    firsts = table.groupby("component")["uid"].min()
    assert set(table.loc[table["kept"], "uid"]) == set(firsts)
    assert 1 < len(firsts) < 20


def jpeg(image: Image.Image) -> Image.Image:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=90)
    return Image.open(buffer).convert("RGB")


def test_near_duplicates_in_a_pool(world: World, standin: Path, tmp_path: Path) -> None:
    """Three images come again, changed a little; the others of their scenes stay apart."""
    reference = world.of("reference")
    images = dict(pool_images(world.pool, reference))
    first = [open_rgb(images[uid]) for uid in reference["uid"].iloc[:3]]
    copies = [
        jpeg(first[0]),
        first[1].resize((96, 96), Image.Resampling.BICUBIC),
        ImageEnhance.Brightness(first[2]).enhance(1.05),
    ]
    encoded = [encode_png(np.asarray(copy)) for copy in copies]
    added = {digest_bytes(content): content for content in encoded}
    writer = ShardWriter(tmp_path / "pool" / "shards", 100)
    for uid, content in {**images, **added}.items():
        writer.add(uid, {"png": content})
    writer.close()
    rows = reference.iloc[:3].assign(uid=list(added))
    samples = pd.concat([reference, rows, world.of("pool")[:1]], ignore_index=True).assign(shard=0)
    write_table(tmp_path / "pool" / "samples.parquet", samples, SAMPLES)
    output = tmp_path / "images.parquet"
    words = ["--pool", str(tmp_path / "pool"), "--model", str(standin), "--output", str(output)]
    assert main(["deduplicate", *words, "--threshold=0.65", "--threads", "1"]) == 0
    table = read_table(output, DEDUPLICATED)
    assert table["uid"].tolist() == samples["uid"].tolist()[:-1]
    component = table.set_index("uid")["component"]
    assert table["kept"].sum() == len(reference) == component.nunique()
    for copy, uid in zip(added, reference["uid"], strict=False):
        assert component[copy] == component[uid]
        assert table.set_index("uid")["kept"][min(copy, uid)]  # the first in the order of uids


def test_features_keep_the_order_of_the_samples(world: World, standin: Path) -> None:
    seen = clip.load(standin)
    samples = world.of("reference")
    describe = duplicates.descriptors(seen)
    features = duplicates.image_features(world.pool, samples, seen, describe)
    turned = duplicates.image_features(world.pool, samples[::-1], seen, describe)
    assert np.allclose(features, turned[::-1], atol=1e-6)
    assert np.allclose(np.linalg.norm(features, axis=1), 1)
    assert duplicates.image_features(world.pool, samples[:0], seen, describe).size == 0
