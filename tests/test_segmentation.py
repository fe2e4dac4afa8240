"""Segmentors by mmsegmentation: built, trained, saved, asked, measured as its own metric does."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from conftest import World
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from winnow.command.line import main
from winnow.data import segmentation_set
from winnow.data.errors import WinnowError
from winnow.data.files import read_json, write_json
from winnow.data.metrics import read_metrics
from winnow.data.segmentation_set import IGNORED
from winnow.data.tables import DRAWS, OUTCOMES, read_table
from winnow.evaluation.segmentation import AREAS, areas, measure, outcomes
from winnow.models import mmsegmentation
from winnow.models import segmentor as models
from winnow.models.segmentation_networks import configuration
from winnow.sources.pool_segmentation import pool_set
from winnow.terrarium.schema import CLASSES
from winnow.training.segmentation import Examples, class_weights, fit, pseudo_labels, union
from winnow.training.settings import SegmentorTraining

TRAINING = {"samples_seen": 24, "batch_size": 4, "learning_rate": 0.01, "precision": "float32"}


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def segment_set(world: World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("segments")
    pool_set(world.pool, world.samples, 12, 0, folder)
    return folder


@pytest.fixture(scope="module")
def examples(segment_set: Path) -> Examples:
    names = segmentation_set.labelled(segmentation_set.read_items(segment_set), 1.0)[
        "name"
    ].tolist()
    return Examples(
        segmentation_set.read_images(segment_set, names),
        segmentation_set.read_masks(segment_set, names, 7),
    )


def training(**changes: Any) -> SegmentorTraining:
    return SegmentorTraining.model_validate(TRAINING | changes)


# What mmsegmentation does in a process where OpenCV cannot be imported.
HEADLESS = """
import sys
sys.modules["cv2"] = None
import numpy as np
from winnow.models import segmentor
from winnow.training.settings import SegmentorTraining
from winnow.training.segmentation import Examples, fit
rng = np.random.default_rng(0)
examples = Examples(
    rng.integers(0, 256, (4, 32, 32, 3), dtype=np.uint8),
    rng.integers(0, 3, (4, 32, 32), dtype=np.uint8),
)
model = segmentor.build("segformer", ["a", "b", "c"], 0)
settings = SegmentorTraining(samples_seen=4, batch_size=2)
assert len(fit(model, examples, settings, 0)) == 2
assert segmentor.labels(model, examples.images).shape == (4, 32, 32)
assert "transformers" not in sys.modules
import cv2
try:
    cv2.imread("a.png")
except ImportError as error:
    print(error)
"""


def test_without_opencv_a_segmentor_trains_all_the_same() -> None:
    done = subprocess.run([sys.executable, "-c", HEADLESS], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().startswith("the segmentor needs OpenCV, which cannot be imported")


def test_a_compiled_operator_says_that_it_is_not_there() -> None:
    mmsegmentation.load()
    from mmcv.ops import sigmoid_focal_loss

    with pytest.raises(WinnowError, match="an operator that mmcv-lite lacks"):
        sigmoid_focal_loss(torch.zeros(2, 3), torch.zeros(2, dtype=torch.long))


@effort(max_examples=30)
@given(seed=st.integers(0, 10**6), classes=st.integers(2, 8), missing=st.booleans())
def test_metrics_are_those_of_mmsegmentation(seed: int, classes: int, missing: bool) -> None:
    mmsegmentation.load()
    from mmseg.evaluation import IoUMetric

    rng = np.random.default_rng(seed)
    known = np.arange(classes - 1 if missing else classes, dtype=np.uint8)
    truth = rng.choice([*known, IGNORED], (5, 9, 7)).astype(np.uint8)
    predicted = np.where(rng.random(truth.shape) < 0.5, truth, rng.choice(known, truth.shape))
    predicted = np.where(truth == IGNORED, 0, predicted).astype(np.uint8)
    names = [f"c{i}" for i in range(classes)]
    counted = areas(predicted, truth, classes)
    found = measure("m", counted, names, 20, 3)

    metric = IoUMetric()
    metric.dataset_meta = {"classes": names}
    for ours, theirs in zip(predicted, truth, strict=True):
        labels = {"data": torch.from_numpy(ours)}, {"data": torch.from_numpy(theirs)}
        metric.process({}, [{"pred_sem_seg": labels[0], "gt_sem_seg": labels[1]}])
    totals = [sum(part) for part in zip(*metric.results, strict=True)]
    expected = IoUMetric.total_area_to_metrics(*totals)
    assert found.metrics["m/miou"] == pytest.approx(np.nanmean(expected["IoU"]), abs=1e-6)
    assert found.metrics["m/macc"] == pytest.approx(np.nanmean(expected["Acc"]), abs=1e-6)
    for name, value in zip(names, expected["IoU"], strict=True):
        if np.isnan(value):
            assert f"m/iou/{name}" not in found.metrics
        else:
            assert found.metrics[f"m/iou/{name}"] == pytest.approx(value, abs=1e-6)
    summary = metric.compute_metrics(metric.results)
    assert summary["mIoU"] == pytest.approx(100 * found.metrics["m/miou"], abs=0.006)


def test_resamples_are_of_images_and_alike_for_all_segmentors() -> None:
    from mmseg.evaluation import IoUMetric

    rng = np.random.default_rng(0)
    truth = rng.integers(0, 3, (6, 8, 8), dtype=np.uint8)
    predicted = np.where(rng.random(truth.shape) < 0.7, truth, 0).astype(np.uint8)
    counted = areas(predicted, truth, 3)
    first = measure("a", counted, ["x", "y", "z"], 50, 9)
    again = measure("b", counted, ["x", "y", "z"], 50, 9)
    assert (first.draws["a/miou"] == again.draws["b/miou"]).all()
    drawn = np.random.default_rng(9).integers(0, 6, (50, 6))
    for row, images in enumerate(drawn[:5]):
        totals = [torch.from_numpy(counted[images, kind].sum(axis=0)) for kind in range(4)]
        expected = np.nanmean(IoUMetric.total_area_to_metrics(*totals)["IoU"])
        assert first.draws["a/miou"][row] == pytest.approx(expected, abs=1e-9)
    low, high = first.intervals["a/miou"]
    assert low < first.metrics["a/miou"] < high
    table = outcomes("a", counted, list("abcdef"), ["x", "y", "z"])
    total = table[table["metric"] == "a/union/y"]["value"].sum()
    assert total == counted[:, AREAS.index("union"), 1].sum()


@pytest.mark.parametrize("network", ["unet", "segformer"])
def test_a_segmentor_learns_and_comes_back_from_its_folder(
    network: str, examples: Examples, tmp_path: Path
) -> None:
    model = models.build(network, CLASSES, 0)
    losses = fit(model, examples, training(samples_seen=120), 0)
    assert len(losses) == 30
    assert np.mean(losses[-5:]) < 0.8 * np.mean(losses[:3])
    models.save(model, tmp_path)
    loaded = models.load(tmp_path)
    assert loaded.classes == list(CLASSES)
    labels = models.labels(model, examples.images)
    assert labels.shape == examples.masks.shape
    assert (labels == models.labels(loaded, examples.images)).all()
    hits = (labels == examples.masks).mean()
    assert hits > np.bincount(examples.masks.ravel()).max() / examples.masks.size


def test_training_depends_on_its_seed_alone(examples: Examples) -> None:
    runs = [
        fit(models.build("unet", CLASSES, seed), examples, training(), seed) for seed in (1, 1, 2)
    ]
    assert runs[0] == runs[1] != runs[2]


def test_as_few_steps_as_one_can_be_trained(examples: Examples) -> None:
    for steps in (1, 2):
        changes = {"samples_seen": 4 * steps, "warmup": 0.5}
        losses = fit(models.build("unet", CLASSES, 0), examples, training(**changes), 0)
        assert len(losses) == steps


def test_pixels_that_are_ignored_do_not_train(examples: Examples) -> None:
    masks = examples.masks.copy()
    masks[:, :, 24:] = IGNORED
    changed = np.where(masks == IGNORED, 3, masks)
    half = fit(models.build("unet", CLASSES, 0), Examples(examples.images, masks), training(), 0)
    all_of = fit(
        models.build("unet", CLASSES, 0), Examples(examples.images, changed), training(), 0
    )
    assert half != all_of
    blank = Examples(examples.images, np.full_like(masks, IGNORED))
    with pytest.raises(WinnowError, match="no pixel has a label"):
        fit(models.build("unet", CLASSES, 0), blank, training(), 0)


@pytest.mark.parametrize(("crop", "side"), [(24, 24), (None, 48), (64, 48)])
def test_a_crop_is_all_that_the_network_sees(
    examples: Examples, crop: int | None, side: int
) -> None:
    model = models.build("unet", CLASSES, 0)
    sides: list[tuple[int, ...]] = []
    model.network.backbone.register_forward_pre_hook(
        lambda _, inputs: sides.append(tuple(inputs[0].shape[2:]))
    )
    fit(model, examples, training(samples_seen=8, crop=crop), 0)
    assert set(sides) == {(side, side)}


def test_rare_classes_weigh_more() -> None:
    masks = np.array([[[0] * 9 + [1, IGNORED, IGNORED]]], np.uint8)
    weights = class_weights(masks, 3)
    assert weights.tolist() == pytest.approx([(10 / 27) ** 0.5, (10 / 3) ** 0.5, 0])
    assert class_weights(np.array([0, 1, 1, 0], np.uint8), 2).tolist() == [1, 1]


def test_a_training_that_diverges(examples: Examples) -> None:
    model = models.build("unet", CLASSES, 0)
    with pytest.raises(WinnowError, match=r"diverged at step .* lower learning_rate"):
        fit(model, examples, training(learning_rate=1e30), 0)


def test_images_of_two_sizes(examples: Examples) -> None:
    other = Examples(examples.images[:, :32, :32], examples.masks[:, :32, :32])
    assert len(union([other, other]).masks) == 2 * len(other.masks)
    with pytest.raises(WinnowError, match="have 32x32 and 48x48 pixels"):
        union([examples, other])


def test_pseudo_labels_are_the_sure_ones(examples: Examples) -> None:
    model = models.build("unet", CLASSES, 0)
    fit(model, examples, training(), 0)
    labels = models.labels(model, examples.images)
    assert (pseudo_labels(model, examples.images, 0.0) == labels).all()
    some = pseudo_labels(model, examples.images, 0.4)
    assert 0 < (some == IGNORED).mean() < 1
    assert (some[some != IGNORED] == labels[some != IGNORED]).all()
    assert (pseudo_labels(model, examples.images, 1.0) == IGNORED).mean() > 0.9


def test_networks_of_a_file(tmp_path: Path) -> None:
    content = configuration("unet", 19)
    content["backbone"]["norm_cfg"] = {"type": "SyncBN", "requires_grad": True}
    content["auxiliary_head"] = [
        {**content["decode_head"], "in_index": 1, "in_channels": 48, "channels": 48}
    ]
    write_json(tmp_path / "net.json", {"model": content})
    model = models.build(str(tmp_path / "net.json"), ["a", "b"], 0)
    assert model.network.decode_head.conv_seg.out_channels == 2
    assert model.network.auxiliary_head[0].conv_seg.out_channels == 2
    assert not any(isinstance(m, torch.nn.SyncBatchNorm) for m in model.network.modules())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"type": "os.system"}, r"net\.yaml: type 'os\.system' is none of mmseg"),
        ({"backbone": {"type": "U-Net"}}, r"net\.yaml: type 'U-Net' is none.*mean 'UNet'"),
        ({"backbone": {"type": "UNet", "depth": 3}}, r"cannot build it: .*depth"),
        ({"pretrained": "https://example.org/w.pth"}, "names weights to load"),
        ({"init_cfg": {"type": "Pretrained", "checkpoint": "w.pth"}}, "names weights to load"),
        ({"decode_head": None}, "cannot build it"),
    ],
)
def test_files_that_are_no_network(tmp_path: Path, change: dict, message: str) -> None:
    path = tmp_path / "net.yaml"
    write_json(path, configuration("unet", 2) | change)
    with pytest.raises(WinnowError, match=message):
        models.build(str(path), ["a", "b"], 0)
    path.write_text("backbone: {type: UNet}")
    with pytest.raises(WinnowError, match="is no model: it needs type"):
        models.build(str(path), ["a", "b"], 0)


def test_a_backbone_to_start_from(tmp_path: Path) -> None:
    other = models.build("unet", ["a", "b", "c"], 5)
    models.save(other, tmp_path)
    theirs = load_file(tmp_path / models.WEIGHTS)
    own, plain = (
        models.build("unet", ["a", "b", "c"], 0, start).network.state_dict()
        for start in (tmp_path, None)
    )
    assert all(torch.equal(own[key], theirs[key]) for key in own if key.startswith("backbone."))
    heads = [key for key in own if not key.startswith("backbone.")]
    assert heads and all(torch.equal(own[key], plain[key]) for key in heads)
    assert not all(torch.equal(own[key], theirs[key]) for key in heads)


@pytest.mark.parametrize("prefix", ["backbone.", ""])
@pytest.mark.parametrize("name", ["b.safetensors", "b.pth"])
def test_fetching_a_backbone(
    prefix: str,
    name: str,
    tmp_path: Path,
    same_environment: None,
    capsys: pytest.CaptureFixture[str],
) -> None:
    state = models.build("unet", ["a", "b"], 5).network.backbone.state_dict()
    named = {prefix + key: value for key, value in state.items()}
    if name.endswith(".pth"):
        torch.save({"state_dict": named, "meta": {"epoch": 3}}, tmp_path / name)
    else:
        save_file(named, tmp_path / name)
    words = ["fetch-model", "--loader=mmsegmentation", f"--id={tmp_path / name}"]
    assert run(*words, "--output", tmp_path / "start") == 0
    started = models.build("unet", ["c"], 0, tmp_path / "start").network.backbone.state_dict()
    assert all(torch.equal(started[key], state[key]) for key in state)
    with pytest.raises(WinnowError, match=r"start/model\.safetensors: .* is no part of the model"):
        models.build("segformer", ["a", "b"], 0, tmp_path / "start")
    (tmp_path / name).write_bytes(b"PK")
    assert run(*words, "--output", tmp_path / "other") == 2
    assert f"{tmp_path / name}: not readable as" in capsys.readouterr().err
    assert not (tmp_path / "other").exists()


def test_a_segmentor_without_a_configuration(tmp_path: Path) -> None:
    write_json(tmp_path / models.CONFIG, {"model": {}})
    with pytest.raises(WinnowError, match="needs model and classes"):
        models.load(tmp_path)


def test_the_standin(
    world: World, segment_set: Path, tmp_path: Path, same_environment: None
) -> None:
    options = [f"--{k.replace('_', '-')}={v}" for k, v in TRAINING.items()]
    standin, card = tmp_path / "segmentor", tmp_path / "segmentor.md"
    pool = ["--pool", world.pool]
    words = ["train-segmentor-standin", *pool, "--output", standin, *options]
    assert run(*words, "--images=20") == 0
    record = read_json(standin / "foundry.json")["parameters"]
    assert (record["role"], record["images"]) == ("segmentor", 20)
    assert run("evaluate-segmentor-standin", *pool, "--model", standin, "--output", card) == 0
    text = card.read_text()
    assert "# Stand-in `segmentor`" in text and "| miou | " in text and "| iou/water | " in text
    words = ["train-segmentor", "--segments", segment_set, "--seed", 0, "--fraction=1.0", *options]
    losses = []
    for name, start in (("new", []), ("started", ["--start", standin])):
        assert run(*words, "--output", tmp_path / name, *start) == 0
        losses.append(read_json(tmp_path / name / "training.json"))
    assert losses[0]["loss"] != losses[1]["loss"]
    assert {k for k in losses[1]["inputs"] if k not in losses[0]["inputs"]} == {
        "start/model.safetensors"
    }


@pytest.fixture
def drawn(segment_set: Path, tmp_path: Path) -> tuple[Path, Path]:
    """What a generator would have drawn from masks, and from captions alone."""
    items = segmentation_set.labelled(segmentation_set.read_items(segment_set), 1.0)
    images = segmentation_set.read_images(segment_set, items["name"].tolist())
    masks = segmentation_set.read_masks(segment_set, items["name"].tolist(), 7)
    folders = tmp_path / "masked", tmp_path / "text"
    for folder in folders:
        folder.mkdir()
        for name, image, mask in zip(items["name"], images, masks, strict=True):
            segmentation_set.write_image_and_mask(
                folder, name, image, mask if folder == folders[0] else None
            )
        segmentation_set.write_items(folder, items, CLASSES)
    return folders


def run(*words: object) -> int:
    return main([str(word) for word in words])


def test_the_verbs(
    segment_set: Path, drawn: tuple[Path, Path], tmp_path: Path, same_environment: None
) -> None:
    train = ["train-segmentor", "--segments", segment_set, "--seed", 0]
    options = [f"--{k.replace('_', '-')}={v}" for k, v in TRAINING.items()]
    real, mask, text, cell = (tmp_path / name for name in ("real", "mask", "text", "cell"))
    half, whole = "--fraction=0.5", "--fraction=1.0"
    assert run(*train, "--output", real, *options, half) == 0
    assert run(*train, "--output", mask, "--generated", drawn[0], *options, whole) == 0
    labelled = ["--drawn", drawn[1], "--teacher", real, "--confidence=0.2"]
    assert run(*train, "--output", text, *labelled, *options, half) == 0
    record = read_json(text / "training.json")
    assert (record["labelled"], record["images"]) == (6, 18)
    assert 0 <= record["ignored"] < 1
    assert record["parameters"]["confidence"] == 0.2
    record = read_json(mask / "training.json")
    assert record["images"] == 24 and "confidence" not in record["parameters"]
    assert read_json(real / "training.json")["images"] == 6

    words = ["evaluate-segmentor", "--segments", segment_set, "--output", cell]
    words += ["--models", mask, text]
    place = ["--cell={track: segmentation, captions: raw, scorer: none, ratio: 1.0, seed: 0}"]
    assert run(*words, *place, "--dataset", "t", "--model-name", "unet", "--resamples=100") == 0
    assert read_json(cell / "cost.json")["samples"] == 2 * 24
    metrics = read_metrics(cell / "metrics.json")
    assert {name.rsplit("/", 1)[0] for name in metrics.metrics if name.endswith("miou")} == {
        "mask/100",
        "text/50",
    }
    assert metrics.n["mask/100/miou"] == 16
    table = read_table(cell / "outcomes.parquet", OUTCOMES)
    pixels = table[table["metric"].str.startswith("mask/100/label/")]["value"].sum()
    assert pixels == 16 * 48 * 48
    draws = read_table(cell / "draws.parquet", DRAWS)
    assert set(draws["metric"]) == set(metrics.metrics)
    shown = list((cell / "predictions" / "text" / "50").glob("*.png"))
    assert len(shown) == 8


def test_what_the_verbs_refuse(
    segment_set: Path,
    drawn: tuple[Path, Path],
    tmp_path: Path,
    same_environment: None,
    capsys: pytest.CaptureFixture[str],
) -> None:
    words = ["train-segmentor", "--segments", segment_set, "--seed", 0, "--output", tmp_path / "o"]
    options = ["--samples-seen=4", "--fraction=1.0"]
    assert run(*words, "--drawn", drawn[1], *options) == 2
    assert "--drawn and --teacher: one needs the other" in capsys.readouterr().err
    both = ["--generated", drawn[0], "--drawn", drawn[1], "--teacher", drawn[1]]
    assert run(*words, *both, *options) == 2
    assert "--generated or --drawn" in capsys.readouterr().err
    items = segmentation_set.read_items(drawn[0])
    segmentation_set.write_items(drawn[0], items[:-1], CLASSES)
    assert run(*words, "--generated", drawn[0], *options) == 2
    assert "no image was drawn from the mask of" in capsys.readouterr().err
    place = ["--cell={track: segmentation, captions: raw, scorer: none, ratio: 1.0, seed: 0}"]
    words = ["evaluate-segmentor", "--segments", segment_set, *place]
    words += ["--dataset", "t", "--model-name", "unet", "--output", tmp_path / "cell"]
    assert run(*words) == 2
    assert "names no segmentor" in capsys.readouterr().err
    model = tmp_path / "model"
    model.mkdir()
    assert run(*words, "--models", model) == 2
    assert str(model / "training.json") in capsys.readouterr().err
    write_json(model / "training.json", {"parameters": {"mode": "real"}})
    assert run(*words, "--models", model) == 2
    assert "needs parameters with mode and fraction" in capsys.readouterr().err


ROADS = Path(__file__).parents[2] / "shared" / "data" / "roads-mini"


@pytest.mark.parametrize(("network", "rate"), [("unet", 0.01), ("segformer", 0.003)])
def test_a_rare_class_is_found_from_whatever_weights_are_drawn(network: str, rate: float) -> None:
    rng = np.random.default_rng(0)
    masks = np.zeros((32, 32, 32), dtype=np.uint8)
    for mask in masks:
        start = rng.integers(2, 28)
        (mask if rng.random() < 0.5 else mask.T)[start : start + 4] = 1  # an eighth
    noise = rng.normal(100, 40, (*masks.shape, 1)) + rng.normal(0, 40, (len(masks), 1, 1, 3))
    bars = Examples((noise + 30 * masks[..., None]).clip(0, 255).astype(np.uint8), masks)
    settings = training(samples_seen=320, batch_size=8, learning_rate=rate, weight_decay=0.01)
    for seed in range(3):
        model = models.build(network, ["background", "bar"], seed)
        fit(model, bars, settings, seed)
        found = models.labels(model, bars.images)
        assert found[masks == 1].mean() > 0.5, f"seed {seed} overlooks the bars"


@pytest.mark.skipif(not ROADS.is_dir(), reason="needs shared/data/roads-mini")
def test_real_roads_are_found_better_than_by_saying_background(
    tmp_path: Path, same_environment: None
) -> None:
    words = ["--output", tmp_path / "set", f"--images={ROADS / 'images'}", "--threshold=128"]
    words += [f"--masks={ROADS / 'masks'}", "--tile=80", "--test=0.25"]
    assert run("import-segmentation", *words, '--classes=["background", "road"]') == 0
    items = segmentation_set.read_items(tmp_path / "set")
    test = segmentation_set.held_out(items)["name"].tolist()
    train = segmentation_set.labelled(items, 1.0)["name"].tolist()
    parts = [segmentation_set.read_images(tmp_path / "set", train)]
    parts += [segmentation_set.read_masks(tmp_path / "set", train, 2)]
    model = models.build("unet", ["background", "road"], 0)
    settings = {"samples_seen": 1600, "precision": "auto", "weight_decay": 0.01}
    fit(model, Examples(*parts), training(**settings), 0)
    truth = segmentation_set.read_masks(tmp_path / "set", test, 2)
    labels = models.labels(model, segmentation_set.read_images(tmp_path / "set", test))
    ours, background = (
        measure("m", areas(each, truth, 2), ["background", "road"], 2, 0).metrics["m/miou"]
        for each in (labels, np.zeros_like(truth))
    )
    assert ours > background + 0.05
