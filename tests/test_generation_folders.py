"""Folders of generated images: drawn or taken in by the command, refused, and measured."""

import csv
import json
import re
import shutil
from contextlib import closing
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from cleanfid import fid as clean_fid
from conftest import World
from PIL import Image
from workflow_helpers import clone, shrink

from winnow.command.line import main
from winnow.data.errors import WinnowError
from winnow.data.files import read_json
from winnow.data.images import encode_png
from winnow.data.metrics import Cell, read_metrics
from winnow.data.shards import ShardWriter, iter_shard, shard_path
from winnow.data.tables import DRAWS, OUTCOMES, PROMPTS, read_table, write_table
from winnow.evaluation import features, generation
from winnow.evaluation.generation import GenerationSettings
from winnow.evaluation.standin_cards import GENERATOR_METRICS
from winnow.generation.external_images import matched_files, read_images
from winnow.generation.images import iter_images
from winnow.generation.prompts import prompts_of
from winnow.models import diffusion, diffusion_standins

pytestmark = pytest.mark.usefixtures("same_environment")
COUNT = 12
RESAMPLES = 40


@pytest.fixture
def asked(world: World) -> pd.DataFrame:
    return prompts_of(world.pool, world.samples, world.human, COUNT)


def picture(seed: int, side: int = 24) -> Image.Image:
    rng = np.random.default_rng(seed)
    return Image.fromarray(rng.integers(0, 256, (side, side, 3), dtype=np.uint8))


def theirs(folder: Path, asked: pd.DataFrame, suffix: str = "png") -> Path:
    """A folder that somebody generated, with its `prompts.csv`."""
    folder.mkdir()
    rows = [(f"{row}.{suffix}", text) for row, text in enumerate(asked["prompt"])]
    for row, (name, _) in enumerate(rows):
        picture(row).save(folder / name)
    write_listing(folder, rows)
    return folder


def write_listing(folder: Path, rows: list[tuple[str, str]]) -> None:
    with (folder / "prompts.csv").open("w", newline="", encoding="utf-8") as handle:
        csv.writer(handle).writerows([("file_name", "prompt"), *rows])


def inputs(world: World, **more: object) -> list[str]:
    options = {"pool": world.pool, "human": world.human_path, **more}
    return [f"--{key.replace('_', '-')}={value}" for key, value in options.items()]


# verbs


@pytest.mark.parametrize("suffix", ["csv", "jsonl"])
def test_what_is_listed_can_be_drawn_elsewhere_and_taken_in(
    world: World, tmp_path: Path, asked: pd.DataFrame, suffix: str
) -> None:
    listing = tmp_path / ("prompts.csv" if suffix == "csv" else "metadata.jsonl")
    assert main(["list-prompts", *inputs(world, output=listing, images=COUNT)]) == 0
    if suffix == "csv":
        rows = list(csv.DictReader(listing.open(newline="", encoding="utf-8")))
    else:
        rows = [json.loads(line) for line in listing.read_text(encoding="utf-8").splitlines()]
    assert [row["prompt"] for row in rows] == asked["prompt"].tolist()
    folder, output = tmp_path / "theirs", tmp_path / "out"
    folder.mkdir()
    for place, row in enumerate(rows):
        picture(place).save(folder / row["file_name"])
    listing.rename(folder / listing.name)
    words = inputs(world, folder=folder, output=output, images=COUNT)
    assert main(["import-images", *words]) == 0
    assert read_table(output / "prompts.parquet", PROMPTS).equals(asked)
    assert len(list(output.glob("*.png"))) == COUNT
    assert np.array_equal(np.asarray(Image.open(output / "00003.png")), np.asarray(picture(3)))
    assert read_json(output / "generated.json")["generator"] == "folder"
    assert read_json(output / "cost.json")["samples"] == COUNT


def test_generate_and_evaluate(
    world: World, tmp_path: Path, tiny_generator: Path, standin: Path, asked: pd.DataFrame
) -> None:
    model, output = tmp_path / "t2i", tmp_path / "generated"
    shutil.copytree(tiny_generator, model)
    spent = {"wall_s": 100, "cpu_s": 90, "gpu_s": 0, "peak_mb": 1, "samples": 640}
    (model / "cost.json").write_text(json.dumps(spent))
    (model / "training.json").write_text(json.dumps({"loss": 0.5}))
    words = inputs(world, model=model, output=output, threads=1)
    words += [f"--images={COUNT}", "--steps=2", "--batch-size=8"]
    assert main(["generate", *words]) == 0
    assert read_table(output / "prompts.parquet", PROMPTS).equals(asked)
    assert Image.open(output / f"{COUNT - 1:05d}.png").size == (64, 64)
    record = read_json(output / "generated.json")
    assert record["generator"] == "stable_diffusion" and record["training"] == {"loss": 0.5}
    assert record["parameters"]["steps"] == 2
    assert any(name.startswith("model/unet/") for name in record["inputs"])
    drawing = read_json(output / "cost.json")
    assert drawing["training"] == spent and drawing["samples"] == COUNT

    cell = tmp_path / "cell"
    measure = inputs(world, generated=output, clip=standin, remoteclip=standin, output=cell)
    measure += ["--cell={track: generation, captions: raw, scorer: clip, ratio: 0.3, seed: 1}"]
    measure += ["--dataset=terrarium", "--model-name=tiny", f"--resamples={RESAMPLES}"]
    measure += ["--kid-subsets=3", "--threads=1", '--statistics={"resamples": 100}']
    assert main(["evaluate-generation", *measure]) == 0
    place = Cell(track="generation", captions="raw", scorer="clip", ratio=0.3, seed=1)
    metrics = read_metrics(cell / "metrics.json", place)
    assert metrics.unit == "mixed" and metrics.provenance["parameters"]["features"] == "evaluator"
    assert metrics.provenance["training"] == {"loss": 0.5}
    assert metrics.provenance["drawing"]["parameters"]["steps"] == 2
    headline = {"fid", "kid", "clip_score", "remoteclip_score"}
    real = {"fid_floor", "kid_floor", "clip_score_real", "remoteclip_score_real"}
    assert headline | real <= set(metrics.metrics)
    assert all(metrics.n[name] == COUNT for name in headline | real)
    assert set(metrics.intervals) == set(metrics.n) == set(metrics.metrics)
    better = metrics.higher_is_better
    assert not better["fid"] and not better["kid_floor"] and better["clip_score"]
    scenes = asked["scene"].value_counts()
    assert {name for name in better if name.startswith("kid/")} == {
        f"kid/{scene}" for scene in scenes[scenes > 1].index
    }
    assert metrics.n[f"clip_score/{scenes.index[0]}"] == scenes.iloc[0]
    assert not better[f"kid/{scenes.index[0]}"] and better[f"clip_score/{scenes.index[0]}"]
    assert metrics.metrics["fid"] > metrics.metrics["fid_floor"] > 0  # noise, real images
    right = [name for name in better if name.startswith("scene_accuracy")]
    assert right == ["scene_accuracy", "scene_accuracy_real"]
    assert all(0 <= metrics.metrics[name] <= 1 and better[name] for name in right)
    outcomes = read_table(cell / "outcomes.parquet", OUTCOMES)
    scores = outcomes[outcomes["metric"] == "clip_score"]
    assert scores["query"].tolist() == scores["group"].tolist() == asked["uid"].tolist()
    assert scores["value"].mean() == pytest.approx(metrics.metrics["clip_score"])
    draws = read_table(cell / "draws.parquet", DRAWS)
    assert (draws["metric"] == "fid").sum() == RESAMPLES
    mean = draws.loc[draws["metric"] == "fid", "value"].mean()
    assert mean == pytest.approx(metrics.metrics["fid"])
    cost = read_json(cell / "cost.json")
    assert cost["wall_s"] > 100 + drawing["wall_s"] and cost["samples"] == 640
    stored = (cell / "outcomes.parquet").read_bytes(), (cell / "draws.parquet").read_bytes()
    assert main(["evaluate-generation", *measure]) == 0
    again = read_metrics(cell / "metrics.json", place)
    assert again.metrics == metrics.metrics and again.intervals == metrics.intervals
    assert again.provenance["inputs"] == metrics.provenance["inputs"]
    assert stored == (
        (cell / "outcomes.parquet").read_bytes(),
        (cell / "draws.parquet").read_bytes(),
    )


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--images=0"], "--images"),
        (["--images=99"], "--images: 99 prompts"),
        (["--images=2", "--masks=somewhere"], "--controlnet and --masks: one needs the other"),
        (["--images=2", "--guidance=0.5"], "--guidance"),
    ],
)
def test_what_generate_refuses(
    world: World, tmp_path: Path, tiny_generator: Path, capsys: pytest.CaptureFixture,
    words: list[str], message: str,
) -> None:  # fmt: skip
    output = tmp_path / "generated"
    given = inputs(world, model=tiny_generator, output=output, threads=1)
    assert main(["generate", *given, *words]) == 2
    assert message in capsys.readouterr().err
    assert not output.exists()


def test_the_card_of_a_stand_in(
    world: World, tmp_path: Path, tiny_generator: Path, standin: Path
) -> None:
    model, output, card = tmp_path / "t2i", tmp_path / "generated", tmp_path / "t2i.md"
    shutil.copytree(tiny_generator, model)
    parameters = {"samples_seen": 8, "role": "t2i"}
    record = {"loss": 0.25, "psnr_db": 21.5, "parameters": parameters, "code": "c0de"}
    (model / "foundry.json").write_text(json.dumps({**record, "inputs": {"samples": "5a"}}))
    words = inputs(world, model=model, output=output, threads=1)
    assert main(["generate", *words, f"--images={COUNT}", "--steps=2", "--batch-size=8"]) == 0
    words = inputs(world, generated=output, clip=standin, remoteclip=standin, model=model)
    words += [f"--autoencoder={model}", f"--output={card}", "--role=t2i", "--threads=1"]
    words += [f"--resamples={RESAMPLES}", "--kid-subsets=3"]
    assert main(["evaluate-generator", *words]) == 0
    text = card.read_text(encoding="utf-8")
    weights = sum(p.numel() for part in parts(model) for p in part.parameters())
    assert f"({weights / 1e6:.1f} M parameters" in text and "PSNR of 21.5 dB" in text
    rows = [line.split(" | ") for line in text.splitlines() if line.startswith("| ")]
    names = [name for name, _ in GENERATOR_METRICS.values()]
    assert [row[0].removeprefix("| ") for row in rows] == ["metric", *names]
    assert all(float(row[1]) >= 0 or row[0] == "| KID" for row in rows[1:])


def parts(model: Path) -> list[torch.nn.Module]:
    loaded = diffusion.load(model)
    return [loaded.vae, loaded.unet, loaded.text_encoder]


def test_generate_from_masks(
    world: World,
    tmp_path: Path,
    tiny_generator: Path,
    asked: pd.DataFrame,
    capsys: pytest.CaptureFixture,
) -> None:
    base, network = diffusion.load(tiny_generator), tmp_path / "controlnet"
    controlnet = diffusion_standins.build_controlnet(base, 3, seed=0)
    torch.manual_seed(0)
    for parameter in controlnet.parameters():  # untrained, it has no effect
        torch.nn.init.normal_(parameter, std=0.05)
    diffusion.save_controlnet(controlnet, network)
    given = inputs(world, model=tiny_generator, threads=1, images=3, steps=2)
    given += [f"--controlnet={network}"]

    def drawn(name: str, label: int) -> Path:
        masks = tmp_path / f"masks_{name}"
        with closing(ShardWriter(masks, 100)) as writer:
            for uid in asked["uid"].head(3):
                writer.add(uid, {"png": encode_png(np.full((64, 64), label, np.uint8))})
        words = [*given, f"--masks={masks}", f"--output={tmp_path / name}"]
        assert main(["generate", *words]) == (2 if label > 2 else 0)
        return tmp_path / name

    grass, water = drawn("grass", 1), drawn("water", 2)
    assert (grass / "00000.png").read_bytes() != (water / "00000.png").read_bytes()
    names = read_json(grass / "generated.json")["inputs"]
    assert "masks" in names and any(name.startswith("controlnet/") for name in names)
    capsys.readouterr()
    assert not drawn("unknown", 3).exists()
    assert f"class 3; {network} knows 0 to 2" in capsys.readouterr().err


@pytest.mark.parametrize("kind", ["diffusionsat", "crs_diff"])
def test_a_controlnet_is_for_a_stable_diffusion(
    world: World,
    tmp_path: Path,
    tiny_generator: Path,
    asked: pd.DataFrame,
    capsys: pytest.CaptureFixture,
    kind: str,
) -> None:
    base = diffusion.load(tiny_generator)
    network, model, masks = (tmp_path / name for name in ("controlnet", kind, "masks"))
    diffusion.save_controlnet(diffusion_standins.build_controlnet(base, 3, seed=0), network)
    build = getattr(diffusion_standins, f"build_{kind}")
    model.mkdir()
    diffusion.save(build(base, seed=1), model)
    with closing(ShardWriter(masks, 100)) as writer:
        for uid in asked["uid"].head(3):
            writer.add(uid, {"png": encode_png(np.zeros((64, 64), np.uint8))})
    words = inputs(world, model=model, output=tmp_path / "out", threads=1, images=3, steps=2)
    words += [f"--controlnet={network}", f"--masks={masks}"]
    assert main(["generate", *words]) == 2
    said = capsys.readouterr().err
    assert f"{network}: {model} is a {kind}, which draws with no ControlNet; take a Stable" in said
    assert not (tmp_path / "out").exists()


# folders of others


def test_images_of_one_prompt_are_taken_in_the_listings_order(
    asked: pd.DataFrame, tmp_path: Path
) -> None:
    twice = asked.assign(prompt=["the same", *asked["prompt"][1:-1], "the same"])
    folder = theirs(tmp_path / "theirs", twice, "jpg")
    names = matched_files(folder, twice)
    assert names == [f"{row}.jpg" for row in range(COUNT)]
    assert [image.shape for image in read_images(folder, names)] == [(24, 24, 3)] * COUNT


def test_a_folder_of_images_that_is_not_there(tmp_path: Path) -> None:
    folder, repository = tmp_path / "their images", tmp_path / "repository"
    repository.mkdir()
    made = clone(repository, tmp_path / "state")
    made.change(shrink)
    theirs = {"their_model": {"images": str(folder)}}
    made.change(lambda content: content["generation"].update(baselines=theirs))
    planned = ("snakemake", "--cores=1", "--dry-run", "--quiet", "all", "--")
    cell = "artifacts/cells/generation/raw/their_model/1.0/0"
    refused = made.run(*planned, cell)
    key = "generation.baselines.their_model.images"
    assert refused.code == 1
    told = rf"params\.yaml:\d+: {re.escape(f'{key}: {folder}: no such folder; put the')}"
    assert re.match(told, refused.text.splitlines()[-1])
    assert "Exception" not in refused.text and "Traceback" not in refused.text
    made.expect(*planned, "artifacts/pool", "artifacts/captions/human.parquet")  # to list prompts
    folder.mkdir()
    made.expect(*planned, cell)


def broken(folder: Path, asked: pd.DataFrame, fault: str) -> None:
    """Damage a good folder."""
    rows = [(f"{row}.png", text) for row, text in enumerate(asked["prompt"])]
    if fault == "missing prompt":
        write_listing(folder, rows[:-1])
    elif fault == "extra prompt":
        picture(99).save(folder / "more.png")
        write_listing(folder, [*rows, ("more.png", "a castle")])
    elif fault == "one prompt too often":
        picture(99).save(folder / "more.png")
        write_listing(folder, [*rows, ("more.png", rows[0][1])])
    elif fault == "extra image":
        (folder / "deep").mkdir()
        picture(99).save(folder / "deep" / "more.png")
    elif fault == "missing image":
        (folder / "4.png").unlink()
    elif fault == "other size":
        picture(4, side=32).save(folder / "4.png")
    elif fault == "black image":
        Image.new("RGB", picture(4).size).save(folder / "4.png")
    elif fault == "plain image":
        Image.new("RGB", picture(4).size, "teal").save(folder / "4.png")
    elif fault == "damaged image":
        (folder / "4.png").write_bytes((folder / "4.png").read_bytes()[:90])
    elif fault == "outside":
        write_listing(folder, [("../0.png", rows[0][1]), *rows[1:]])
        (folder / "0.png").unlink()
    elif fault == "twice":
        write_listing(folder, [rows[0], (rows[0][0], rows[1][1]), *rows[2:]])
    elif fault == "no prompt":
        write_listing(folder, [(rows[0][0], ""), *rows[1:]])
    elif fault == "no column":
        (folder / "prompts.csv").write_text("file_name,text\n0.png,a\n", encoding="utf-8")
    elif fault == "open quote":
        (folder / "prompts.csv").write_text('file_name,prompt\n0.png,"a\n', encoding="utf-8")
    elif fault == "no listing":
        (folder / "prompts.csv").unlink()
    elif fault == "not text":
        (folder / "prompts.csv").write_bytes(b"\xff\xfe\x00")
    elif fault == "json":
        (folder / "metadata.jsonl").write_text('{"file_name": "0.png"\n', encoding="utf-8")
    elif fault == "json list":
        (folder / "metadata.jsonl").write_text("\n[]\n", encoding="utf-8")


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("missing prompt", r"prompts.csv: prompt: .*\(row 11\): no image"),
        ("extra prompt", "prompts.csv: file_name: more.png: prompt not asked for"),
        ("one prompt too often", "file_name: more.png: prompt not asked for, or too often"),
        ("extra image", "theirs: deep/more.png: not in prompts.csv"),
        ("missing image", "4.png: file_name: no such file; generate it again"),
        ("other size", "4.png: 32x32 pixels, 0.png has 24x24"),
        ("black image", "4.png: the image is black"),
        ("plain image", "4.png: the image is of one colour"),
        ("damaged image", "4.png: file_name: damaged"),
        ("outside", "file_name: leaves the image folder"),
        ("twice", "prompts.csv: line 3: file_name: 0.png is there twice"),
        ("no prompt", "prompts.csv: line 2: prompt: no text"),
        ("no column", "prompts.csv: line 2: prompt: no text"),
        ("open quote", "prompts.csv: line 2: unexpected end of data"),
        ("no listing", "theirs: no metadata.jsonl or prompts.csv"),
        ("not text", "prompts.csv: cannot be read as UTF-8"),
        ("json", "metadata.jsonl: line 1: not valid JSON"),
        ("json list", "metadata.jsonl: line 2: not a JSON object"),
    ],
)
def test_folders_that_do_not_hold_what_was_asked_for(
    asked: pd.DataFrame, tmp_path: Path, fault: str, message: str
) -> None:
    folder = theirs(tmp_path / "theirs", asked)
    broken(folder, asked, fault)
    with pytest.raises(WinnowError, match=message):
        list(read_images(folder, matched_files(folder, asked)))


def test_a_refused_folder_leaves_nothing(
    world: World, tmp_path: Path, asked: pd.DataFrame, capsys: pytest.CaptureFixture
) -> None:
    folder, output = theirs(tmp_path / "theirs", asked), tmp_path / "out"
    broken(folder, asked, "other size")
    words = inputs(world, folder=folder, output=output, images=COUNT)
    assert main(["import-images", *words]) == 2
    assert "4.png: 32x32 pixels" in capsys.readouterr().err
    assert not output.exists()


# what is measured


def test_inception_features_are_clean_fids(
    asked: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def extractor(batch: torch.Tensor) -> torch.Tensor:  # in the place of Inception
        assert batch.shape[1:] == (3, 299, 299)
        return batch[:, :, ::60, ::60].flatten(1)

    folder = theirs(tmp_path / "theirs", asked)
    expected = clean_fid.get_folder_features(
        str(folder), extractor, num_workers=0, device=torch.device("cpu"), verbose=False
    )
    names = sorted(path.name for path in folder.glob("*.png"))
    images = ((name, (folder / name).read_bytes()) for name in names)
    monkeypatch.setattr(features, "BATCH", 5)
    found = features.inception_features(images, extractor)
    assert list(found) == names
    assert np.allclose(np.stack(list(found.values())), expected, rtol=1e-6)


def test_inception_without_its_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    def build(*_: object, **__: object) -> None:
        raise OSError("no network")

    monkeypatch.setattr("cleanfid.features.build_feature_extractor", build)
    with pytest.raises(WinnowError, match=r"--features: inception: .*no network.*evaluator"):
        features.inception()


def test_real_images_in_the_place_of_generated_ones(
    world: World, tmp_path: Path, standin: Path, asked: pd.DataFrame
) -> None:
    from winnow.models import clip

    wanted = {
        uid: content
        for shard in sorted(world.samples["shard"].unique())
        for uid, content in iter_shard(shard_path(world.pool, int(shard)))
    }
    for row, uid in zip(asked["row"], asked["uid"], strict=True):
        (tmp_path / f"{row:05d}.png").write_bytes(wanted[uid])
    images = features.Images(tmp_path, world.pool, world.samples.sample(frac=1), asked)
    model = clip.load(standin)
    asked_for = GenerationSettings.model_validate({"resamples": 20, "kid_subsets": 2})
    found, _ = generation.evaluate(images, model, model, asked_for)
    values = found.metrics
    assert values["fid"] == pytest.approx(0, abs=1e-6) and values["fid_floor"] > 0
    assert values["kid"] <= 1e-6  # without pairs of an image with itself it may be below 0
    assert values["clip_score"] == values["clip_score_real"] == values["remoteclip_score"]


def test_a_reference_split_with_fewer_images_gives_no_floor(
    world: World, tmp_path: Path, standin: Path, asked: pd.DataFrame
) -> None:
    few = world.samples.drop(world.of("reference").index[3:])
    images = features.Images(tmp_path, world.pool, few, asked)
    assert images.reference(lambda _: {}) is None
    rng = np.random.default_rng(0)
    sets = [rng.normal(size=(COUNT, 4)) for _ in range(2)]
    asked_for = GenerationSettings.model_validate({"resamples": 20, "kid_subsets": 2})
    scenes = pd.Series(["a"] * 5 + ["b"] + [None] * 6)
    found = generation.distances(*sets, None, scenes, asked_for)
    assert set(found.values) == {"fid", "kid", "kid/a"} and found.n["kid/a"] == 5


def test_images_of_other_prompts_are_refused(
    world: World, tmp_path: Path, standin: Path, asked: pd.DataFrame, capsys: pytest.CaptureFixture
) -> None:
    stale = asked.assign(prompt=[*asked["prompt"][:-1], "a castle"])
    write_table(tmp_path / "prompts.parquet", stale, PROMPTS)
    words = inputs(world, generated=tmp_path, clip=standin, remoteclip=standin)
    words += ["--cell={track: generation, captions: raw, scorer: clip, ratio: 0.3, seed: 1}"]
    words += ["--dataset=x", "--model-name=y", f"--output={tmp_path / 'cell'}"]
    assert main(["evaluate-generation", *words]) == 2
    assert "prompt of row 11 is 'a castle', asked for is" in capsys.readouterr().err
    with pytest.raises(WinnowError, match=r"00000.png: No such file.*generate again"):
        next(iter_images(tmp_path, asked))
