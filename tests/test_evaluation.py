"""The contrastive track end to end against CLIP_benchmark, the sets it reads, and its verbs."""

import re
import shutil
import tarfile
from pathlib import Path
from typing import Any

import fakes
import numpy as np
import open_clip
import pandas as pd
import pytest
import torch
from clip_benchmark.datasets.builder import build_wds_dataset
from clip_benchmark.metrics import zeroshot_classification, zeroshot_retrieval
from conftest import World
from torch.utils.data import DataLoader

from winnow.command.line import main
from winnow.data.digests import write_digests
from winnow.data.errors import WinnowError
from winnow.data.files import digest_files, read_json, write_json
from winnow.data.images import open_rgb
from winnow.data.metrics import Cell, read_metrics
from winnow.data.shards import iter_shard, shard_path
from winnow.data.tables import OUTCOMES, PAIR, SAMPLES, SCORES, read_table, write_table
from winnow.evaluation import contrastive
from winnow.evaluation.statistics import estimates, headline_means
from winnow.models import clip as models
from winnow.sources import zeroshot_sets as sets
from winnow.sources.zeroshot import TEMPLATES, Made, read_set, write_sets

pytestmark = pytest.mark.usefixtures("same_environment")
ZEROSHOT = tuple(sets.terrarium())


@pytest.fixture(scope="module")
def terrarium(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Terrarium's six sets, 13 images each."""
    folder = tmp_path_factory.mktemp("zeroshot") / "sets"
    counts = write_sets(folder, sets.terrarium_sets(images=13, seed=2, size=40))
    assert counts == dict.fromkeys(ZEROSHOT, 13) and len(counts) == 6
    return folder


@pytest.fixture(scope="module")
def outcomes(world: World, standin: Path, terrarium: Path) -> pd.DataFrame:
    """What the whole track measures of the tiny model."""
    clip = models.load(standin)
    return contrastive.contrastive_outcomes(clip, world.pool, world.samples, world.human, terrarium)


@pytest.fixture
def _numpy_scalars(monkeypatch: pytest.MonkeyPatch) -> None:
    # clip_benchmark 1.6.2 calls float() on arrays of one element, which NumPy 2.4 refuses
    def scalar(value: Any) -> float:
        return float(np.asarray(value).item())

    monkeypatch.setattr(zeroshot_classification, "float", scalar, raising=False)


# against CLIP_benchmark: their loaders, their transform, open_clip's own loading


def published(standin: Path) -> tuple[Any, Any, Any]:
    model, _, transform = open_clip.create_model_and_transforms(f"local-dir:{standin}")
    return model.eval(), transform, open_clip.get_tokenizer(f"local-dir:{standin}")


def test_retrieval_is_clip_benchmarks(world: World, standin: Path, outcomes: pd.DataFrame) -> None:
    model, transform, tokenizer = published(standin)
    test = world.of("test")
    images = {
        uid: content
        for shard in sorted(test["shard"].unique())
        for uid, content in iter_shard(shard_path(world.pool, int(shard)))
    }
    captions = {uid: list(rows["text"]) for uid, rows in world.human.groupby("uid")}
    loader = []
    for start in range(0, len(test), 5):
        uids = test["uid"].iloc[start : start + 5]
        pixels = torch.stack([transform(open_rgb(images[uid])) for uid in uids])
        loader.append((pixels, [captions[uid] for uid in uids]))
    expected = zeroshot_retrieval.evaluate(
        model, loader, tokenizer, "cpu", amp=False, recall_k_list=[1, 5, 10]
    )
    found = estimates(outcomes, headline_means(outcomes["metric"]))
    assert {name: found[name] for name in expected} == pytest.approx(expected, abs=1e-6)
    assert found["mean_recall"] == pytest.approx(np.mean(list(expected.values())), abs=1e-6)
    assert 0 < found["image_retrieval_recall@5"] < 1
    counts = outcomes["metric"].value_counts()
    assert counts["text_retrieval_recall@1"] == 16 and counts["image_retrieval_recall@1"] == 80


@pytest.mark.usefixtures("_numpy_scalars")
@pytest.mark.parametrize("name", ZEROSHOT)
def test_zeroshot_is_clip_benchmarks(
    name: str, standin: Path, terrarium: Path, outcomes: pd.DataFrame
) -> None:
    model, transform, tokenizer = published(standin)
    dataset = build_wds_dataset(f"wds/{name}", transform, data_dir=str(terrarium / name))
    assert dataset.templates == list(TEMPLATES)
    loader = DataLoader(dataset, batch_size=5)
    expected = zeroshot_classification.evaluate(
        model, loader, tokenizer, dataset.classes, dataset.templates, "cpu", amp=False
    )
    found = estimates(outcomes)
    assert found[f"{name}/acc1"] == pytest.approx(expected["acc1"], abs=1e-6)
    if len(dataset.classes) >= 5:
        assert found[f"{name}/acc5"] == pytest.approx(expected["acc5"], abs=1e-6)
    assert (outcomes["metric"] == f"{name}/acc1").sum() == 13


def test_outcomes_can_be_compared_paired(
    world: World, standin: Path, terrarium: Path, outcomes: pd.DataFrame, tmp_path: Path
) -> None:
    clip = models.load(standin)
    with torch.no_grad():
        clip.model.text_projection.normal_()
    other = contrastive.contrastive_outcomes(
        clip, world.pool, world.samples, world.human, terrarium
    )
    assert other[["metric", "query", "group"]].equals(outcomes[["metric", "query", "group"]])
    assert not other["value"].equals(outcomes["value"])
    assert set(outcomes["value"]) == {0.0, 1.0}
    shuffled = contrastive.contrastive_outcomes(
        models.load(standin), world.pool, world.samples.sample(frac=1, random_state=0),
        world.human, terrarium,
    )  # fmt: skip
    assert shuffled.equals(outcomes)


def test_batches_do_not_matter(
    world: World, standin: Path, outcomes: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contrastive, "BATCH", 3)
    again = contrastive.retrieval(models.load(standin), world.pool, world.of("test"), world.human)
    expected = outcomes[outcomes["metric"].str.contains("retrieval")].reset_index(drop=True)
    assert again.equals(expected)


# what cannot be evaluated


def test_no_test_split(world: World, standin: Path, terrarium: Path) -> None:
    samples = world.samples[world.samples["split"] != "test"]
    with pytest.raises(WinnowError, match=r"no image of the split `test`.*source\.test"):
        contrastive.contrastive_outcomes(
            models.load(standin), world.pool, samples, world.human, terrarium
        )


def test_a_test_image_that_is_not_in_its_shard(world: World, standin: Path) -> None:
    test = world.of("test")
    stranger = test.iloc[:1].assign(uid="0" * 32)
    with pytest.raises(WinnowError, match="shards hold 16 of the 17 test images"):
        contrastive.retrieval(
            models.load(standin), world.pool, pd.concat([test, stranger]), world.human
        )


def test_a_test_image_without_caption(world: World, standin: Path) -> None:
    uid = world.of("test")["uid"].iloc[3]
    human = world.human[world.human["uid"] != uid]
    with pytest.raises(WinnowError, match=f"image {uid} has no caption"):
        contrastive.retrieval(models.load(standin), world.pool, world.of("test"), human)


def test_a_model_that_diverged(world: World, standin: Path) -> None:
    clip = models.load(standin)
    with torch.no_grad():
        clip.model.text_projection.fill_(float("nan"))
    with pytest.raises(WinnowError, match="diverged"):
        contrastive.retrieval(clip, world.pool, world.of("test"), world.human)


def test_a_label_that_names_no_class(standin: Path, terrarium: Path, tmp_path: Path) -> None:
    name = next(iter(ZEROSHOT))
    folder = tmp_path / name
    shutil.copytree(terrarium / name, folder)
    (folder / "classnames.txt").write_text("farm\nport\n")
    write_digests(folder)
    with pytest.raises(WinnowError, match=rf"zero-shot set {name}: a label lies outside 0\.\.1"):
        contrastive.classification(models.load(standin), folder)


# the sets


def test_terrariums_sets_are_reproducible(terrarium: Path, tmp_path: Path) -> None:
    again, other = tmp_path / "again", tmp_path / "other"
    write_sets(again, sets.terrarium_sets(images=13, seed=2, size=40))
    assert digest_files([terrarium]) == digest_files([again])
    write_sets(other, sets.terrarium_sets(images=13, seed=3, size=40))
    for name in ZEROSHOT:
        first, second = (list(read_set(folder / name).images) for folder in (again, other))
        assert not {content for content, _ in first} & {content for content, _ in second}


def test_what_is_written_is_read(terrarium: Path) -> None:
    for name in ZEROSHOT:
        classes, templates, stream = read_set(terrarium / name)
        assert templates == list(TEMPLATES)
        found = list(stream)
        assert len(classes) == len(set(classes)) > 1 and len(found) == 13
        assert {label for _, label in found} <= set(range(len(classes)))
        assert all(open_rgb(content).size == (40, 40) for content, _ in found)


def scenes(world: World) -> dict[str, Made]:
    return sets.scene_set(world.pool, world.samples)


def own(folders: dict[str, str], files: dict[str, str] | None = None) -> dict[str, Made]:
    return sets.own_sets(folders, files or {}, images=5, seed=2, size=32)


def class_folders(root: Path) -> Path:
    """Real images in one folder a class, among them kinds that need converting."""
    fakes.class_tree(root, ("AnnualCrop", "sea_lake", "River"), each=2)
    (root / "River" / "grey.tif").write_bytes(fakes.awkward_images()["tiff"])
    (root / "River" / "notes.txt").write_text("not an image")
    (root / "legend.png").write_bytes(fakes.picture(9))
    return root


def test_folders_of_classes_become_sets(world: World, standin: Path, tmp_path: Path) -> None:
    tree = class_folders(tmp_path / "eurosat")
    output = tmp_path / "sets"
    counts = write_sets(output, scenes(world) | own({"eurosat": str(tree)}))
    assert counts == {"scenes": 16, "eurosat": 7}
    classes, _, stream = read_set(output / "eurosat")
    assert classes == ["annual crop", "river", "sea lake"]
    found = list(stream)
    assert [label for _, label in found] == [0, 0, 1, 1, 1, 2, 2]
    assert found[0][0] == (tree / "AnnualCrop" / "AnnualCrop_0.png").read_bytes()
    with tarfile.open(output / "eurosat" / "test" / "0.tar") as tar:
        assert tar.getnames()[4:6] == ["s0000002.png", "s0000002.cls"]
    table = contrastive.contrastive_outcomes(
        models.load(standin), world.pool, world.samples, world.human, output
    )
    names = set(table["metric"])
    assert {"eurosat/acc1", "scenes/acc1", "scenes/acc5"} <= names
    assert "eurosat/acc5" not in names  # of three classes, five would always hold it


def test_scenes_of_the_test_split_become_a_set(world: World, tmp_path: Path) -> None:
    write_sets(tmp_path / "sets", scenes(world))
    classes, _, stream = read_set(tmp_path / "sets" / "scenes")
    test = world.of("test")
    images = {
        content: uid
        for shard in sorted(test["shard"].unique())
        for uid, content in iter_shard(shard_path(world.pool, int(shard)))
    }
    scene = test.set_index("uid")["scene"]
    found = list(stream)
    assert len(found) == 16 and classes == sorted(set(scene))
    assert all(scene[images[content]] == classes[label] for content, label in found)


def test_a_pool_without_scenes_has_no_set(world: World, standin: Path, tmp_path: Path) -> None:
    samples = world.samples.assign(scene=None)
    assert write_sets(tmp_path / "sets", sets.scene_set(world.pool, samples)) == {}
    table = contrastive.contrastive_outcomes(
        models.load(standin), world.pool, samples, world.human, tmp_path / "sets"
    )
    assert headline_means(table["metric"]).keys() == {"mean_recall"}


def test_folders_that_are_no_sets(world: World, tmp_path: Path) -> None:
    tree = class_folders(tmp_path / "tree")
    (tree / "River" / "bad.png").write_bytes(fakes.picture(1)[:100])
    with pytest.raises(WinnowError, match=r"River/bad\.png: damaged.*must be whole"):
        write_sets(tmp_path / "sets", own({"mine": str(tree)}))
    for folder in (tree / "River", tmp_path / "nowhere"):
        with pytest.raises(WinnowError, match=r"zeroshot\.folders\.mine: .* 0 class folders"):
            own({"mine": str(folder)})
    assert not (tmp_path / "sets").exists()


# the verbs


def evaluate(
    world: World, model: Path, zeroshot: Path, output: Path, *more: str, repeat: int = 0
) -> int:
    return main(
        ["evaluate-contrastive", f"--pool={world.pool}", f"--human={world.human_path}",
         f"--zeroshot={zeroshot}", f"--model={model}", f"--output={output}",
         f"--cell={{track: contrastive, captions: raw, scorer: clip, ratio: 0.3, seed: {repeat}}}",
         "--dataset=terrarium", "--model-name=tiny", "--threads=1", "--resamples=100", *more]
    )  # fmt: skip


def test_a_contrastive_cell(
    world: World, standin: Path, terrarium: Path, outcomes: pd.DataFrame, tmp_path: Path
) -> None:
    model, output = tmp_path / "model", tmp_path / "cell"
    shutil.copytree(standin, model)
    cost = {"wall_s": 1000.0, "cpu_s": 2000.0, "gpu_s": 0.0, "peak_mb": 1e6, "samples": 64}
    write_json(model / "training.json", {"loss": 1.0, "parameters": {"pairs": 9}})
    write_json(model / "cost.json", cost)
    # the cell's repeat, and the seed of its intervals
    assert evaluate(world, model, terrarium, output, "--seed=7", repeat=3) == 0
    place = Cell(track="contrastive", captions="raw", scorer="clip", ratio=0.3, seed=3)
    metrics = read_metrics(output / "metrics.json", place)
    means = headline_means(outcomes["metric"])
    assert metrics.metrics == pytest.approx(estimates(outcomes, means))
    assert set(metrics.intervals) == set(metrics.n) == set(metrics.metrics)
    assert metrics.n["mean_recall"] == 16 + 80 and metrics.n["acc1"] == 6 * 13
    for name, (low, high) in metrics.intervals.items():
        assert 0 <= low <= high <= 1, name
    assert metrics.provenance["parameters"] == {"resamples": 100, "seed": 7}
    assert metrics.provenance["training"]["parameters"] == {"pairs": 9}
    assert read_table(output / "outcomes.parquet", OUTCOMES).equals(outcomes)
    total = read_json(output / "cost.json")
    assert total["wall_s"] > 1000 and total["cpu_s"] > 2000
    assert total["samples"] == 64 and total["peak_mb"] == 1e6


def test_two_evaluations_agree(
    world: World, standin: Path, terrarium: Path, tmp_path: Path
) -> None:
    for name in "ab":
        assert evaluate(world, standin, terrarium, tmp_path / name) == 0
    digests = {digest_files([tmp_path / name / "metrics.json"]) for name in "ab"}
    assert len(digests) == 1


DETECTED = [
    "--cell={track: detection, captions: raw, scorer: clip, ratio: 1.0, seed: 0}",
    "--dataset=raw",
]


def test_a_detection_cell(world: World, tmp_path: Path) -> None:
    scores = tmp_path / "clip.parquet"
    clean = (world.truth["kind"] == "clean").astype(float)
    write_table(scores, world.truth[PAIR].assign(score=clean).iloc[::-1], SCORES)
    cost = {"wall_s": 5.0, "cpu_s": 5.0, "gpu_s": 0.0, "peak_mb": 1.0, "samples": 96}
    write_json(scores.with_suffix(".cost.json"), cost)
    words = [f"--scores={scores}", f"--truth={world.truth_path}", f"--output={tmp_path / 'cell'}"]
    assert main(["evaluate-detection", *words, *DETECTED, "--resamples=100", "--threads=1"]) == 0
    place = Cell(track="detection", captions="raw", scorer="clip", ratio=1.0, seed=0)
    metrics = read_metrics(tmp_path / "cell" / "metrics.json", place)
    kinds = set(world.truth["kind"]) - {"clean"}
    assert {name.partition("/")[0] for name in metrics.metrics if "/" in name} == kinds
    assert set(metrics.metrics.values()) == {1.0}  # a scorer that knows is perfect
    assert len(read_table(tmp_path / "cell" / "outcomes.parquet", OUTCOMES)) == 96


def test_detection_of_scores_that_do_not_fit(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scores = tmp_path / "clip.parquet"
    write_table(scores, world.truth[PAIR].assign(score=0.0).iloc[1:], SCORES)
    words = [f"--scores={scores}", f"--truth={world.truth_path}", f"--output={tmp_path / 'cell'}"]
    assert main(["evaluate-detection", *words, *DETECTED]) == 2
    assert "clip.parquet: no score for uid" in capsys.readouterr().err


def test_the_zeroshot_verb(world: World, tmp_path: Path) -> None:
    settings = ["--images=3", "--seed=1", "--threads=1"]
    assert main(["zeroshot", f"--output={tmp_path / 'a'}", "--size=32", *settings]) == 0
    assert {path.name for path in (tmp_path / "a").iterdir()} == set(ZEROSHOT)
    tree = class_folders(tmp_path / "tree")
    real = [f"--pool={world.pool}", f'--folders={{"mine": "{tree}"}}']
    assert main(["zeroshot", f"--output={tmp_path / 'b'}", *real, *settings]) == 0
    assert {path.name for path in (tmp_path / "b").iterdir()} == {"mine", "scenes"}
    beside = [*real[1:], "--size=32", *settings]  # Terrarium's
    assert main(["zeroshot", f"--output={tmp_path / 'c'}", *beside]) == 0
    assert {path.name for path in (tmp_path / "c").iterdir()} == {"mine", *ZEROSHOT}


def test_a_set_is_a_file(standin: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tree = class_folders(tmp_path / "eurosat")
    (tree / "set.yaml").write_text(
        "classes: {River: a wide river}\ntemplates: ['{c} from above']\n"
    )
    style = "style: {scenes: [lake, forest], blur: 1.0}\nclasses: {lake: a pond}\n"
    (tmp_path / "drawn.yaml").write_text(style)
    files = {"eurosat": str(tree / "set.yaml"), "drawn": str(tmp_path / "drawn.yaml")}
    assert {tree, tree / "set.yaml", tmp_path / "drawn.yaml"} == {*sets.set_inputs({}, files)}
    assert write_sets(tmp_path / "sets", own({}, files)) == {"drawn": 5, "eurosat": 7}
    classes, templates, _ = read_set(tmp_path / "sets/eurosat")
    assert classes == ["annual crop", "a wide river", "sea lake"]
    assert templates == ["{c} from above"]
    drawn = read_set(tmp_path / "sets/drawn")
    assert drawn.classes == ["a pond", "forest"] and drawn.templates == list(TEMPLATES)
    assert [label for _, label in drawn.images] == [0, 1, 0, 1, 0]
    asked: list[str] = []
    encode = contrastive.encode_texts

    def listening(clip: Any, texts: list[str]) -> np.ndarray:
        asked.extend(texts)
        return encode(clip, texts)

    monkeypatch.setattr(contrastive, "encode_texts", listening)
    contrastive.classification(models.load(standin), tmp_path / "sets/eurosat")
    assert asked == ["annual crop from above", "a wide river from above", "sea lake from above"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("templates: [a photo]", "templates.0: Value error, expected {c}"),
        ("templates: ['{c} {d}']", "templates.0: Value error, expected {c}"),
        ("templates: []", "templates: "),
        ('classes: {River: "a\\nb"}', "classes.River: Value error, expected one line"),
        ("classes: {Rivre: x}", "classes: no class 'Rivre' (did you mean 'River'?)"),
        ("folder: nowhere", "folder: "),
        ("style: {scenes: [lak]}", "style: Value error, scenes: unknown 'lak' (did you mean"),
        ("style: {scale: [2, 1]}", "style: Value error, scale: expected [low, high]"),
        ("style: {colour: red}", "style.colour: "),
        ("style: {}\nfolder: x", "folder: a set with a `style` is drawn"),
        ("colour: red", "colour: Extra inputs"),
    ],
)
def test_a_set_that_is_described_wrongly(tmp_path: Path, text: str, told: str) -> None:
    path = class_folders(tmp_path / "tree") / "set.yaml"
    path.write_text(text + "\n")
    with pytest.raises(WinnowError, match=re.escape(f"{path}: {told}")) as error:
        sets.set_inputs({}, {"mine": str(path)})
    assert "\n" not in str(error.value)


def test_a_model_card(world: World, standin: Path, terrarium: Path, tmp_path: Path) -> None:
    model = tmp_path / "model"
    shutil.copytree(standin, model)
    record = {
        "loss": 1.25, "code": "c0de", "inputs": {"samples": "5a3b1e"},
        "parameters": {"batch_size": 8, "role": "evaluator_clip"},
    }  # fmt: skip
    write_json(model / "foundry.json", record)
    words = [f"--pool={world.pool}", f"--human={world.human_path}", f"--zeroshot={terrarium}"]
    words += [f"--model={model}", f"--output={tmp_path / 'card.md'}", "--role=evaluator_clip"]
    assert main(["evaluate-standin", *words, "--threads=1"]) == 0
    text = (tmp_path / "card.md").read_text()
    assert "it grades, and never scores" in text and "loss 1.250" in text
    assert "| mean_recall |" in text and f"| {next(iter(ZEROSHOT))}/acc1 |" in text


def test_samples_say_what_is_tested(world: World) -> None:
    samples = read_table(world.pool / "samples.parquet", SAMPLES)
    assert samples["split"].value_counts().to_dict() == {"pool": 48, "reference": 24, "test": 16}
