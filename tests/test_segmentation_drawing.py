"""Generated images for a segmentor: drawn from masks with exact labels, or from captions alone."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from conftest import World
from PIL import Image

from winnow.command.line import main
from winnow.data import segmentation_set
from winnow.data.digests import write_digests
from winnow.data.files import read_json
from winnow.data.images import open_rgb
from winnow.data.shards import pool_images
from winnow.models import diffusion, diffusion_standins
from winnow.terrarium.schema import CLASSES
from winnow.training.images import land_cover

pytestmark = pytest.mark.usefixtures("same_environment")
LABELS, TEST = 6, 2
DRAW = ["--steps=2", "--batch-size=4", "--threads=1"]


@pytest.fixture(scope="module")
def labelled(world: World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A segmentation set of the tiny world, 48 px, whose rank is not the order of its names."""
    folder = tmp_path_factory.mktemp("segments") / "set"
    folder.mkdir()
    train, test = world.of("pool").head(LABELS), world.of("test").head(TEST)
    chosen = pd.concat([train, test])
    images = dict(pool_images(world.pool, chosen))
    masks = land_cover(world.pool / "masks", chosen["uid"], 48)
    for uid, mask in zip(chosen["uid"], masks, strict=True):
        segmentation_set.write_image_and_mask(folder, uid, np.asarray(open_rgb(images[uid])), mask)
    items = chosen.assign(name=chosen["uid"], group=chosen["scene"])
    items = items.assign(
        split=["train"] * LABELS + ["test"] * TEST,
        rank=[*reversed(range(LABELS)), *[-1] * TEST],
    )
    segmentation_set.write_items(folder, items, CLASSES)
    return folder


@pytest.fixture(scope="module")
def controlnet(tiny_generator: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a ControlNet with random weights."""
    folder = tmp_path_factory.mktemp("controlnet") / "controlnet"
    network = diffusion_standins.build_controlnet(diffusion.load(tiny_generator), 7, seed=1)
    torch.manual_seed(0)
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    folder.mkdir()
    diffusion.save_controlnet(network, folder, half=True)
    return folder


def draw(verb: str, world: World, output: Path, images: int = LABELS, **paths: Path) -> int:
    inputs = {"human": world.human_path, "output": output, **paths}
    words = [word for name, path in inputs.items() for word in (f"--{name}", str(path))]
    return main([verb, *words, f"--images={images}", *DRAW])


@pytest.fixture(scope="module")
def drawn(
    world: World,
    labelled: Path,
    tiny_generator: Path,
    controlnet: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    output = tmp_path_factory.mktemp("drawn") / "mask"
    paths = {"segments": labelled, "model": tiny_generator, "controlnet": controlnet}
    assert draw("draw-labelled", world, output, images=LABELS - 1, **paths) == 0
    return output


def test_drawn_images_have_the_masks_and_names_of_labelled_ones(
    labelled: Path, drawn: Path
) -> None:
    items, real = segmentation_set.read_items(drawn), segmentation_set.read_items(labelled)
    assert items["rank"].tolist() == list(range(LABELS - 1))
    assert set(items["split"]) == {"train"} and set(items["name"]) < set(real["name"])
    assert segmentation_set.read_classes(drawn) == list(CLASSES)
    names = items["name"].tolist()
    masks = [segmentation_set.read_masks(place, names, len(CLASSES)) for place in (drawn, labelled)]
    assert np.array_equal(*masks)
    pixels = segmentation_set.read_images(drawn, names)
    assert pixels.shape == (LABELS - 1, 48, 48, 3), "as large as the real ones"
    assert len({image.tobytes() for image in pixels}) == LABELS - 1
    share = segmentation_set.labelled(items, 0.4)["name"].tolist()
    assert share == real.sort_values("rank").loc[lambda t: t["rank"] >= 0, "name"].tolist()[:2]


def test_what_is_drawn_is_on_record(drawn: Path) -> None:
    record = read_json(drawn / "generated.json")
    assert record["parameters"]["images"] == LABELS - 1
    assert {"human", "items", "masks"} < set(record["inputs"])
    assert any(name.startswith("controlnet/") for name in record["inputs"])
    cost = read_json(drawn / "cost.json")
    assert cost["samples"] == LABELS - 1 and cost["training"] == {}


def test_the_mask_changes_what_is_drawn(
    world: World,
    labelled: Path,
    drawn: Path,
    tiny_generator: Path,
    controlnet: Path,
    tmp_path: Path,
) -> None:
    other = tmp_path / "set"
    shutil.copytree(labelled, other)
    name = segmentation_set.read_items(drawn)["name"].iloc[0]
    Image.fromarray(np.full((48, 48), 2, np.uint8)).save(other / "masks" / f"{name}.png")
    write_digests(other)
    paths = {"segments": other, "model": tiny_generator, "controlnet": controlnet}
    assert draw("draw-labelled", world, tmp_path / "out", images=2, **paths) == 0
    names = segmentation_set.read_items(tmp_path / "out")["name"].tolist()
    before, after = (
        segmentation_set.read_images(place, names).astype(int)
        for place in (drawn, tmp_path / "out")
    )
    changed = np.abs(before - after).max(axis=(1, 2, 3)) > 2  # sums in another order change by 1
    assert changed.tolist() == [True, False]


def test_captions_of_images_without_labels(
    world: World, labelled: Path, tiny_generator: Path, tmp_path: Path
) -> None:
    paths = {"segments": labelled, "pool": world.pool, "model": tiny_generator}
    assert draw("draw-unlabelled", world, tmp_path / "text", images=5, **paths) == 0
    items = segmentation_set.read_items(tmp_path / "text")
    others = set(world.of("pool")["uid"]) - set(segmentation_set.read_items(labelled)["uid"])
    assert items["uid"].tolist() == sorted(others)[:5]
    assert items["rank"].tolist() == list(range(5))
    assert not (tmp_path / "text" / "masks").exists()
    shape = segmentation_set.read_images(tmp_path / "text", items["name"].tolist()).shape
    assert shape == (5, 48, 48, 3)


@pytest.mark.parametrize(
    ("verb", "images", "message"),
    [
        ("draw-labelled", LABELS + 1, "labelled images: there are 6, --images asks for 7; lower"),
        ("draw-unlabelled", 43, "unlabelled images: there are 42, --images asks for 43; lower"),
    ],
)
def test_more_than_there_are(
    world: World,
    labelled: Path,
    tiny_generator: Path,
    controlnet: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture,
    verb: str,
    images: int,
    message: str,
) -> None:
    more = {"controlnet": controlnet} if verb == "draw-labelled" else {"pool": world.pool}
    paths = {"segments": labelled, "model": tiny_generator, **more}
    assert draw(verb, world, tmp_path / "out", images=images, **paths) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("label", [segmentation_set.IGNORED, 6])
def test_labels_that_the_controlnet_does_not_know(
    world: World,
    labelled: Path,
    tiny_generator: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture,
    label: int,
) -> None:
    small = tmp_path / "controlnet"
    network = diffusion_standins.build_controlnet(diffusion.load(tiny_generator), 6, seed=1)
    small.mkdir()
    diffusion.save_controlnet(network, small, half=True)
    other = tmp_path / "set"
    shutil.copytree(labelled, other)
    for name in segmentation_set.read_items(other)["name"]:
        Image.fromarray(np.full((48, 48), label, np.uint8)).save(other / "masks" / f"{name}.png")
    write_digests(other)
    paths = {"segments": other, "model": tiny_generator, "controlnet": small}
    assert draw("draw-labelled", world, tmp_path / "out", **paths) == 2
    assert f"set: class {label}; " in capsys.readouterr().err
