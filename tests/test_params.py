"""params.yaml: what it resolves to, what is refused and how, and its JSON Schema."""

import copy
import difflib
import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from winnow.command.line import main
from winnow.data.errors import WinnowError
from winnow.params.layers import join, layer, merge
from winnow.params.load import read, resolve
from winnow.params.model import Params
from winnow.params.names import CONTROLS
from winnow.scoring.settings import Scorer
from winnow.tracks.registry import cells

ROOT = Path(__file__).parents[1]
SCHEMA = ROOT / "workflow/schemas/params.schema.json"
TREE = read(ROOT / "params.yaml")

REAL = {"kind": "folder", "images": "a", "metadata": "b.csv"}

Edit = Callable[[dict[str, Any]], object]


def tree(**changes: Any) -> dict[str, Any]:
    """params.yaml as it is read, with changes at its top level."""
    return {**copy.deepcopy(TREE), **changes}


def refusal(edit: Edit) -> str:
    """What is said of params.yaml after `edit`."""
    content = tree()
    edit(content)
    with pytest.raises(WinnowError) as caught:
        resolve(content)
    return str(caught.value)


# what it resolves to


@pytest.mark.parametrize("scale", ["smoke", "mini", "paper"])
def test_every_scale_resolves(scale: str) -> None:
    params = resolve(tree(scale=scale))
    assert isinstance(params, Params) and params.scale == scale
    found = cells(params)
    assert Counter(cell.track for cell in found)["contrastive"] > 5
    detected = {cell.captions for cell in found if cell.track == "detection"}
    assert ("raw" in detected) == params.captions.known_noise


def test_a_scale_overrides_in_part() -> None:
    smoke, mini = resolve(tree(scale="smoke")), resolve(tree(scale="mini"))
    assert smoke.source.pool == 240 and mini.source.pool == tree()["terrarium"]["pool"] > 240
    assert smoke.source.size == mini.source.size == 64  # not named by the override
    assert smoke.contrastive.learning_rate == mini.contrastive.learning_rate
    assert smoke.foundry.samples_seen["clip"] == 512
    absent = {
        "siglip",
        "clip_threshold",
        "rotation",
        "text",
        "score_small",
        "score_rs",
        "score_rs_plus",
    }
    assert set(mini.scorers) - set(smoke.scorers) == absent  # null there
    assert list(smoke.score_model.recipes) == ["score_model"]


def test_paper_scale_takes_captions_as_they_are() -> None:
    params = resolve(tree(scale="paper", source=REAL))
    assert params.captions.noise == {} and params.captions.per_image is None
    assert params.models["clip"].pretrained == "openai"
    assert params.models["evaluator_clip"].loader == "standin"
    own = [cell for cell in cells(params) if cell.captions == "raw"]
    assert "oracle" not in {cell.scorer for cell in own}


def raw(source: dict[str, Any], **said: Any) -> tuple[dict[str, float], int | None]:
    """Noise and captions per image of `raw` with a source and a user's section `captions`."""
    found = resolve(merge(tree(source=source), {"captions": said})).captions
    return dict(found.noise), found.per_image


def test_the_noise_of_terrarium_is_terrariums_alone() -> None:
    world = TREE["terrarium"]
    assert raw({"kind": "terrarium"}) == (world["noise"], world["per_image"])
    whole = {"kind": "terrarium", "pool": 5, "reference": 2, "test": 2}
    assert raw(whole) == (world["noise"], world["per_image"])
    assert raw(REAL) == ({}, None)
    for scale in ("smoke", "mini", "paper"):
        params = resolve(tree(scale=scale, source=REAL))
        assert not params.captions.known_noise and params.captions.per_image is None
        tracks = {(cell.track, cell.scorer) for cell in cells(params)}
        assert not [cell for cell in tracks if "oracle" in cell or "detection" in cell]


@pytest.mark.parametrize("source", [{"kind": "terrarium"}, REAL], ids=["terrarium", "real"])
def test_what_is_asked_of_the_captions_always_wins(source: dict[str, Any]) -> None:
    assert raw(source, noise="none")[0] == raw(source, noise={})[0] == {}
    assert raw(source, noise={"count": 0.1}, per_image=2) == ({"count": 0.1}, 2)
    assert raw(source, noise=None) == raw(source)
    assert not resolve(tree(source=source, captions={"noise": "none"})).captions.known_noise


def test_terrariums_noise_can_be_turned_off_where_it_stands() -> None:
    content = tree()
    content["terrarium"].update(noise="none", per_image=None)
    found = resolve(content).captions
    assert found.noise == {} and found.per_image is None


def test_no_split_is_set_apart_unless_it_is_asked_for() -> None:
    found = resolve(tree(source=REAL)).source
    assert (found.reference, found.test) == (0, 0)


def test_merge_goes_key_by_key_and_leaves_its_arguments() -> None:
    base, over = {"a": {"b": 1, "c": {"d": 2}}, "e": [1, 2]}, {"a": {"c": {"d": 3}}, "e": [4]}
    before = copy.deepcopy((base, over))
    assert merge(base, over) == {"a": {"b": 1, "c": {"d": 3}}, "e": [4]}
    assert merge(base, {"a": {"c": {}}}) == {"a": {"b": 1, "c": {}}, "e": [1, 2]}
    assert merge(base, {"a": 1, "f": {"g": 1}})["a"] == 1
    assert (base, over) == before


def test_resolving_leaves_the_tree_alone() -> None:
    content = tree()
    resolve(content)
    assert content == TREE


def test_relative_paths_start_from_the_root_and_are_seen_from_the_folder(tmp_path: Path) -> None:
    (tmp_path / "weights.pt").touch()
    karpathy = {"kind": "karpathy", "annotations": "data/a.json", "images": "/far/images"}
    content = tree(source=karpathy)
    content["scorers"]["mine"] = {"scores": "scores.parquet"}
    content["zeroshot"] |= {"folders": {"eurosat": "../eurosat"}, "sets": {"aid": "aid/set.yaml"}}
    content["models"]["clip"] = {
        "loader": "open_clip", "id": "ViT-B-32", "pretrained": "weights.pt",
    }  # fmt: skip
    content["scorers"]["own"] = {"use": "own:Own", "files": {"words": "words.txt"}}
    (tmp_path / "clip").mkdir()
    content["models"]["siglip"] = {"loader": "open_clip", "id": "local-dir:clip"}
    content["folder"] = str(tmp_path / "runs/mine")
    params = resolve(content, tmp_path)
    assert params.source.annotations == Path("../../data/a.json")
    assert params.source.images == Path("/far/images")
    assert params.scorers["mine"].scores == "../../scores.parquet"
    assert params.scorers["own"].files == {"words": "../../words.txt"}
    assert params.zeroshot.folders["eurosat"] == "../../../eurosat"
    assert params.zeroshot.sets["aid"] == "../../aid/set.yaml"
    assert params.models["clip"].pretrained == "../../weights.pt"
    assert params.models["clip"].id == "ViT-B-32"
    assert params.models["siglip"].id == "local-dir:../../clip"
    shards = {"kind": "webdataset", "shards": "tars/{00..12}.tar"}
    folder = str(tmp_path)
    assert resolve(tree(source=shards, folder=folder), tmp_path).source.shards == shards["shards"]


# what is refused; each message names the key, the value and what is allowed

REFUSALS: dict[str, tuple[Edit, list[str]]] = {
    "unknown key": (lambda t: t.update(colour="red"), ["colour", "'red'", "unknown", "scorers"]),
    "unknown key in a section": (
        lambda t: t["pool"].update(shard=5),
        ["pool.shard", "5", "unknown", "shard_size, quarantine_limit"],
    ),
    "unknown key of a scorer": (
        lambda t: t["scorers"]["clip"].update(modle="clip"),
        ["scorers.clip.modle", "'clip'", "use, scores, subset, options, files, model"],
    ),
    "unknown key of the world": (
        lambda t: t["terrarium"].update(poool=5),
        ["terrarium.poool", "5", "pool, reference, test"],
    ),
    "unknown key of a source": (
        lambda t: t.update(source={"kind": "classes", "images": "a", "image": "b"}),
        ["source.classes.image:", "'b'", "scene_pattern"],
    ),
    "unknown key of a scale": (
        lambda t: t["scales"]["mini"].update(pol={"shard_size": 1}),
        ["pol", "unknown", "pool"],
    ),
    "unknown kind of noise": (
        lambda t: t["terrarium"]["noise"].update(cuont=0.1),
        ["terrarium.noise.cuont", "mismatch", "infeasible"],
    ),
    "noise in words": (
        lambda t: t["captions"].update(noise="some"),
        ["captions.noise", "'some'", "`none`", "mismatch"],
    ),
    "wrong type": (
        lambda t: t["contrastive"].update(batch_size="many"),
        ["contrastive.batch_size", "'many'", "integer"],
    ),
    "a list for a number": (
        lambda t: t["terrarium"].update(pool=[1, 2]),
        ["terrarium.pool", "[1, 2]", "integer"],
    ),
    "a number for a section": (lambda t: t.update(pool=3), ["pool", "3"]),
    "a number for the world": (lambda t: t.update(terrarium=5), ["terrarium", "5"]),
    "ratio 0": (lambda t: t.update(ratio=0), ["ratio", "0", "greater than 0"]),
    "ratio 1.5": (lambda t: t.update(ratio=1.5), ["ratio", "1.5", "less than or equal to 1"]),
    "ratio abc": (lambda t: t.update(ratio="abc"), ["ratio", "'abc'", "number"]),
    "ratio NaN": (lambda t: t.update(ratio=float("nan")), ["ratio", "nan"]),
    "ratio null": (lambda t: t.update(ratio=None), ["ratio", "None", "number"]),
    "a ratio of the sweep": (
        lambda t: t["sweep"].update(ratios=[0.3, -0.1]),
        ["sweep.ratios.1", "-0.1", "greater than 0"],
    ),
    "infinite learning rate": (
        lambda t: t["contrastive"].update(learning_rate=float("inf")),
        ["contrastive.learning_rate", "inf", "finite"],
    ),
    "no seed": (lambda t: t["sweep"].update(seeds=[]), ["sweep.seeds", "[]", "at least 1"]),
    "unknown scorer in the sweep": (
        lambda t: t["sweep"].update(scorers=["clip", "clop"]),
        ["sweep.scorers", "'clop'", "none, random, oracle, clip"],
    ),
    "unknown scorer": (
        lambda t: t["scorers"].update(mine={}),
        ["scorers.mine", "'mine'", "none, oracle, random", "module:Class", "scores"],
    ),
    "scorer without its model": (
        lambda t: t["scorers"].update(rotation={}),
        ["scorers.rotation", "model", "one of clip, siglip, domain_clip"],
    ),
    "scorer with an evaluator": (
        lambda t: t["scorers"].update(rotation={"model": "evaluator_clip"}),
        ["scorers.rotation", "one of clip, siglip, domain_clip, not 'evaluator_clip'"],
    ),
    "scorer of one's own with an evaluator": (
        lambda t: t["scorers"].update(mine={"use": "a:B", "model": "evaluator_general"}),
        ["scorers.mine", "evaluator_general grades"],
    ),
    "scorer with a parquet and a class": (
        lambda t: t["scorers"].update(mine={"scores": "a.parquet", "use": "a:B"}),
        ["scorers.mine", "drop", "use"],
    ),
    "the name of the untuned model": (
        lambda t: t["scorers"].update(pretrained={"use": "text"}),
        ["scorers", "'pretrained'"],
    ),
    "a name that is no word": (
        lambda t: t["scorers"].update({"My scorer": {"use": "text"}}),
        ["scorers.My scorer", "pattern"],
    ),
    "noise over 1": (
        lambda t: t["terrarium"]["noise"].update(count=0.9),
        ["terrarium.noise", "1.46", "more than 1"],
    ),
    "one rate over 1": (
        lambda t: t["captions"].update(noise={"count": 1.2}),
        ["captions.noise.count", "1.2", "less than or equal to 1"],
    ),
    "scale": (lambda t: t.update(scale="huge"), ["scale", "'huge'", "'smoke', 'mini' or 'paper'"]),
    "scale as a list": (lambda t: t.update(scale=["mini"]), ["scale", "['mini']", "'smoke'"]),
    "unknown scale": (
        lambda t: t["scales"].update(huge={}),
        ["scales.huge", "smoke, mini, paper"],
    ),
    "a scale that is no mapping": (
        lambda t: t["scales"].update(smoke="fast"),
        ["scales.smoke", "'fast'", "keys and values"],
    ),
    "scales as a list": (lambda t: t.update(scales=["mini"]), ["scales", "['mini']", "mapping"]),
    "source of no known kind": (
        lambda t: t.update(source={"kind": "disk"}),
        ["source", "'disk'", "'folder', 'karpathy', 'terrarium', 'webdataset'"],
    ),
    "source with a missing field": (
        lambda t: t.update(source={"kind": "karpathy", "images": "a"}),
        ["source.karpathy.annotations", "missing"],
    ),
    "a mean of the truth": (
        lambda t: t["scorers"].update(mine={"mean_of": ["clip", "oracle"]}),
        ["scorers.mine", "mean_of", "'oracle'"],
    ),
    "a mean of means": (
        lambda t: t["scorers"].update(mine={"mean_of": ["dldc"]}),
        ["scorers.mine", "mean_of", "'dldc'"],
    ),
    "a mean with a model": (
        lambda t: t["scorers"].update(mine={"mean_of": ["clip"], "model": "clip"}),
        ["scorers.mine", "mean_of"],
    ),
    "choice and threshold": (
        lambda t: t["scorers"]["dldc_chosen"].update(threshold=0.5),
        ["scorers.dldc_chosen", "choose", "threshold"],
    ),
    "a baseline of two kinds": (
        lambda t: t["generation"]["baselines"].update(mine={"model": "crs_diff", "images": "a"}),
        ["generation.baselines.mine", "model", "images"],
    ),
    "a baseline named as a scorer": (
        lambda t: t["generation"]["baselines"].update(clip={"images": "a"}),
        ["generation.baselines.clip", "scorer"],
    ),
    "a baseline that is the base": (
        lambda t: t["generation"]["baselines"].update(mine={"model": "t2i"}),
        ["generation.baselines.mine", "t2i", "pretrained"],
    ),
    "a baseline twice": (
        lambda t: t["generation"]["baselines"].update(mine={"model": "crs_diff"}),
        ["generation.baselines", "'crs_diff' is named twice"],
    ),
    "generation of a caption set out of the sweep": (
        lambda t: t["generation"].update(captions=["humans"]),
        ["generation.captions", "'humans'", "sweep.captions"],
    ),
    "a network that the stand-in is no backbone of": (
        lambda t: t["segmentation"].update(network="segformer"),
        ["models.segmentor", "is a `unet`", "{loader: mmsegmentation, id: FILE}", "null"],
    ),
    "a segmentor by another loader": (
        lambda t: t["models"].update(segmentor={"loader": "open_clip", "id": "x"}),
        ["models.segmentor", "standin or mmsegmentation", "'open_clip'"],
    ),
    "a model's key": (
        lambda t: t["models"]["segmentor"].update(weights="a.pth"),
        ["models.segmentor.weights", "allowed are loader, id"],
    ),
    "no model of a role that every run needs": (
        lambda t: t["models"].update(clip=None),
        ["models", "the role 'clip' is missing"],
    ),
    "a segmentor's scorer": (
        lambda t: t["segmentation"].update(scorers=["dldcc"]),
        ["segmentation.scorers", "'dldcc'"],
    ),
    "a segmentor's scorer with a threshold": (
        lambda t: t["segmentation"].update(scorers=["clip_threshold"]),
        ["segmentation.scorers", "clip_threshold", "threshold"],
    ),
    "a scorer called as the real images": (
        lambda t: t["scorers"].update(real={"use": "clip", "model": "clip"}),
        ["scorers", "'real'", "real images alone"],
    ),
    "two zero-shot sets of one name": (
        lambda t: t["zeroshot"].update(folders={"aid": "aid"}, sets={"aid": "aid.yaml"}),
        ["zeroshot", "'aid'", "taken"],
    ),
    "shares that are not nested": (
        lambda t: t["segmentation"].update(fractions=[1.0, 0.5]),
        ["segmentation", "`fractions` rise"],
    ),
    "no label at the smallest share": (
        lambda t: t["segmentation"].update(labels=1),
        ["segmentation", "0.25 of 1 is no label"],
    ),
    "pseudo labels of a share that is not there": (
        lambda t: t["segmentation"]["text"].update(fractions=[0.3]),
        ["segmentation", "text.fractions", "0.3"],
    ),
    "a key inside what may be null": (
        lambda t: t["segmentation"]["text"].update(confident=0.3),
        ["segmentation.text.confident", "allowed are fractions, confidence"],
    ),
    "a network that nobody knows": (
        lambda t: t["segmentation"].update(network="resnet"),
        ["segmentation.network", "'resnet'"],
    ),
    "a layout of masks that nobody knows": (
        lambda t: t["segmentation"].update(data={"layout": "x", "images": "a", "masks": "b"}),
        ["segmentation.data.layout", "loveda"],
    ),
    "generation by no scorer": (
        lambda t: t["generation"].update(scorers=["dldcc"]),
        ["generation.scorers", "'dldcc'"],
    ),
    "a subfolder of what has none": (
        lambda t: t["models"].update(
            mllm={"loader": "transformers", "id": "a/b", "subfolder": "c"}
        ),
        ["models.mllm", "subfolder", "diffusers"],
    ),
    "model without id": (
        lambda t: t["models"].update(clip={"loader": "open_clip"}),
        ["models.clip", "id", "open_clip"],
    ),
    "role of no model": (
        lambda t: t["models"].update(clap={"loader": "standin"}),
        ["models.clap", "'clap'", "'clip', 'siglip', 'domain_clip', 'evaluator_clip', "],
    ),
    "a loader that the role has no use for": (
        lambda t: t["models"].update(mllm={"loader": "open_clip", "id": "ViT-B-32"}),
        ["models.mllm", "standin or transformers or openai", "'open_clip'"],
    ),
    "a server for a scorer": (
        lambda t: t["models"].update(
            clip={"loader": "openai", "id": "a", "url": "http://localhost:1/v1"}
        ),
        ["models.clip", "standin or open_clip", "'openai'"],
    ),
    "server without its address": (
        lambda t: t["models"].update(mllm={"loader": "openai", "id": "a"}),
        ["models.mllm", "url", "openai"],
    ),
    "raw among the further sets": (
        lambda t: t["sweep"].update(captions=["raw"], curated=[]),
        ["sweep", "raw", "always"],
    ),
    "a curated set that is not swept": (
        lambda t: t["sweep"].update(captions=["human"], curated=["mllm"]),
        ["sweep", "curated", "'mllm'", "captions"],
    ),
    "unknown scorer in the loop": (
        lambda t: t["captioning"]["loop"].update(scorers=["clop"]),
        ["captioning.loop.scorers", "'clop'"],
    ),
    "a loop without rounds": (
        lambda t: t["captioning"]["loop"].update(rounds=[]),
        ["captioning.loop.rounds", "at least 1"],
    ),
    "masks without names": (
        lambda t: t.update(annotations={"masks": "labels"}),
        ["annotations", "mask_classes"],
    ),
    "a scorer whose model is no role": (
        lambda t: t["scorers"]["clip"].update(model="clap"),
        ["scorers.clip", "'clip' needs a `model`", "domain_clip", "not 'clap'"],
    ),
    "a score model that nobody trains": (
        lambda t: t["scorers"]["score_model"].update(model="score_modle"),
        ["scorers.score_model", "score_joint", "not 'score_modle'"],
    ),
    "a class whose model is no role": (
        lambda t: t["scorers"].update(mine={"use": "a:B", "model": "clap"}),
        ["scorers.mine", "'clap'", "neither a role", "domain_clip, geo_rssd"],  # no evaluator
    ),
    "a threshold at several ratios": (
        lambda t: t["sweep"]["scorers"].append("clip_threshold"),
        ["sweep.scorers", "'clip_threshold'", "threshold"],
    ),
    "a recipe with an unknown stage": (
        lambda t: t["score_model"]["recipes"]["score_text"].update(stages=["txt"]),
        ["score_model.recipes.score_text", "'txt'", "captions"],
    ),
    "a recipe that starts nowhere": (
        lambda t: t["score_model"]["recipes"]["score_text"].update(start="clip"),
        ["score_model.recipes.score_text", "'clip'", "small_kept"],
    ),
    "a recipe without stages": (
        lambda t: t["score_model"]["recipes"]["score_text"].update(stages=[]),
        ["score_model.recipes.score_text.stages", "at least 1"],
    ),
    "a start tuned by no scorer": (
        lambda t: t["score_model"]["tuned"]["small_all"].update(scorer="best"),
        ["score_model.tuned.small_all", "'best'"],
    ),
    "a stage that trains an unknown part": (
        lambda t: t["score_model"]["stages"]["joint"].update(train=["eyes"]),
        ["score_model.stages.joint.train", "'vision', 'language' or 'head'"],
    ),
    "a judge without a server": (
        lambda t: t["preferences"].update(judge="openai"),
        ["preferences.judge", "models.judge"],
    ),
    "a judge that is a stand-in": (
        lambda t: t["models"].update(judge={"loader": "standin"}),
        ["models.judge", "openai", "'standin'"],
    ),
    "a captioner that is asked nothing": (
        lambda t: t["preferences"]["captioners"].update(new={"by": "mllm"}),
        ["preferences.captioners.new", "perspective"],
    ),
    "a person that is asked": (
        lambda t: t["preferences"]["captioners"].update(new={"by": "human", "words": 4}),
        ["preferences.captioners.new", "words"],
    ),
    "missing role": (lambda t: t["models"].pop("clip"), ["models", "'clip'", "missing"]),
    "missing role in the foundry": (
        lambda t: t["foundry"]["samples_seen"].pop("domain_clip"),
        ["foundry.samples_seen", "'domain_clip'", "missing"],
    ),
    "missing section": (lambda t: t.pop("sweep"), ["sweep", "missing"]),
}


@pytest.mark.parametrize(("edit", "words"), REFUSALS.values(), ids=REFUSALS)
def test_refusals(edit: Edit, words: list[str]) -> None:
    message = refusal(edit)
    assert [word for word in words if word not in message] == [], message


@pytest.mark.parametrize("control", CONTROLS)
def test_a_missing_control_is_named(control: str) -> None:
    message = refusal(lambda t: t["scorers"].pop(control))
    assert f"control '{control}' is missing" in message


def test_without_noise_there_need_be_no_oracle() -> None:
    content = tree()
    content["scorers"].pop("oracle")
    content["sweep"]["scorers"] = ["clip"]
    content["captions"]["noise"] = {"count": 0.0}
    assert not resolve(content).captions.known_noise


def test_all_problems_are_told_at_once() -> None:
    message = refusal(lambda t: (t.update(ratio=2), t["pool"].update(shard_size=0)))
    assert len(message.splitlines()) == 2 and "ratio" in message and "pool.shard_size" in message


@pytest.mark.parametrize("text", ["a: [1", "- 1\n- 2\n", "", "\x00"])
def test_a_file_that_is_no_parameters(tmp_path: Path, text: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    with pytest.raises(WinnowError, match=r"mine\.yaml"):
        read(path)
    with pytest.raises(WinnowError, match=r"none\.yaml"):
        read(tmp_path / "none.yaml")


# the cells


def test_null_leaves_an_entry_out() -> None:
    params = resolve(merge(tree(), {"scorers": {"rotation": None}, "sweep": {"scorers": []}}))
    assert "rotation" not in params.scorers and "text" in params.scorers
    assert "rotation" not in {cell.scorer for cell in cells(params)}


@pytest.mark.parametrize("scale", ["smoke", "mini", "paper"])
@pytest.mark.parametrize("swept", [None, [], ["random"], ["mine"]])
def test_a_trivial_baseline_stands_in_every_sweep(scale: str, swept: list[str] | None) -> None:
    own: dict[str, Any] = {"scorers": {"mine": {"use": "a:B"}}}
    if swept is not None:
        own["sweep"] = {"scorers": swept}
    params = resolve(merge(tree(scale=scale), own))
    found = [cell for cell in cells(params) if cell.scorer == "length"]
    assert {cell.ratio for cell in found if cell.track == "contrastive"} == {params.ratio}
    assert ("detection" in {cell.track for cell in found}) == params.captions.known_noise


ratios = st.floats(1e-6, 1.0)
names = st.lists(st.sampled_from(["random", "oracle", "clip", "text", "mine"]), unique=True)


@given(
    listed=st.lists(ratios, max_size=5),
    headline=ratios,
    methods=names,
    swept=names,
    seeds=st.lists(st.integers(0, 5), min_size=1, max_size=4),
    known=st.booleans(),
    truth=st.booleans(),
)
def test_cells(
    listed: list[float],
    headline: float,
    methods: list[str],
    swept: list[str],
    seeds: list[int],
    known: bool,
    truth: bool,
) -> None:
    swept = [name for name in swept if name in methods]
    methods = [*methods, "chooser"]
    everything = cells(
        SimpleNamespace(
            ratio=headline,
            scorers={name: Scorer(choose=name == "chooser") for name in ["none", *methods]},
            captions=SimpleNamespace(known_noise=known),
            source=SimpleNamespace(knows_truth=truth),
            score_model=SimpleNamespace(recipes=methods, seeds=seeds),
            sweep=SimpleNamespace(
                ratios=listed, scorers=swept, seeds=seeds,
                captions=["human", "mllm"], curated=["mllm"],
            ),
            contrastive=None,
            generation=SimpleNamespace(
                scorers=[*swept, "chooser"], ratios=listed, captions=["human"],
                baselines=["theirs"], seeds=seeds,
            ),
            segmentation=SimpleNamespace(
                scorers=["chooser"], ratios=listed, pretrained=False, data=None, seeds=seeds
            ),
        )
    )  # fmt: skip
    assert len(set(everything)) == len(everything)
    judged = {"none", *methods} & {"none", *swept} - (set() if truth else {"oracle"})
    for captions, scorers in (("human", {"none"}), ("mllm", judged)):
        own = [cell for cell in everything if cell.captions == captions]
        assert {c.scorer for c in own if c.track == "contrastive"} == scorers
        assert {c.ratio for c in own if c.track == "contrastive" and c.scorer != "none"} <= {
            headline
        }
        assert [c.scorer for c in own if c.track == "captioning"] == ["none"]
        assert {c.scorer for c in own if c.track == "detection"} == (
            scorers - {"none"} if truth else set()
        )
    segmented = [(c.scorer, c.ratio, c.seed) for c in everything if c.track == "segmentation"]
    controls = ["random", "oracle"] if known else ["random"]
    rows = [("real", 1.0), ("none", 1.0), *((c, headline) for c in [*controls, "chooser"])]
    assert segmented == [(*row, seed) for row in rows if truth for seed in dict.fromkeys(seeds)]
    drawn = [cell for cell in everything if cell.track == "generation"]
    for name in {*swept, *controls}:
        own = {*listed} if name in swept else set()
        own |= {headline} if name in controls else set()
        assert {c.ratio for c in drawn if c.scorer == name} == own
    assert {c.ratio for c in drawn if c.scorer == "chooser"} == {headline}
    untuned = [(c.scorer, c.seed) for c in drawn if c.scorer in ("pretrained", "theirs")]
    assert untuned == [("pretrained", 0), ("theirs", 0)]
    assert {c.captions for c in drawn if c.scorer == "none"} == {"raw", "human"}
    assert {c.seed for c in drawn if c.scorer == "none"} == set(seeds)
    learned = [(c.scorer, c.seed) for c in everything if c.track == "preference"]
    trained = [(name, seed) for name in methods for seed in dict.fromkeys(seeds)]
    assert learned == [*trained, ("judge", 0)]
    found = [cell for cell in everything if cell.captions == "raw"]
    contrastive = {(c.scorer, c.ratio, c.seed) for c in found if c.track == "contrastive"}
    assert ("pretrained", 1.0, 0) in contrastive
    assert {("none", 1.0, seed) for seed in seeds} <= contrastive
    assert {ratio for name, ratio, _ in contrastive if name in ("none", "pretrained")} == {1.0}
    compared = [name for name in methods if known or name != "oracle"]
    for name in compared:
        wanted = {headline, *(listed if name in swept else [])}
        assert {(r, s) for n, r, s in contrastive if n == name} == {
            (ratio, seed) for ratio in wanted for seed in seeds
        }
    assert {name for name, _, _ in contrastive} == {"none", "pretrained", *compared}
    detection = [c for c in found if c.track == "detection"]
    assert [(c.scorer, c.ratio, c.seed) for c in detection] == [
        (name, 1.0, 0) for name in compared if known
    ]


def segmented(**changes: Any) -> list[tuple[str, float]]:
    found = cells(resolve(merge(tree(), changes)))
    return [(c.scorer, c.ratio) for c in found if c.track == "segmentation"]


def test_segmentors_need_masks_and_generators_a_pool_that_has_them() -> None:
    given = TREE["segmentation"]
    swept = [("dldc", ratio) for ratio in given["ratios"]]
    controls = [("random", TREE["ratio"]), ("oracle", TREE["ratio"])]
    chosen = ("dldc_chosen", TREE["ratio"])
    expected = [("real", 1.0), ("none", 1.0), *controls, *swept, chosen]
    assert segmented() == expected
    assert ("pretrained", 1.0) in segmented(segmentation={"pretrained": True})
    real = {"kind": "folder", "images": "a", "metadata": "b.csv"}
    data = {"layout": "folder", "images": "mine/images", "masks": "mine/masks"}
    assert segmented(source=real) == []
    assert segmented(source=real, segmentation={"data": data}) == [("real", 1.0)]
    assert segmented(segmentation={"data": data}) == [("real", 1.0)]
    given = merge(tree(folder="/data/runs"), {"segmentation": {"data": data}})
    rooted = resolve(given, "/data").segmentation.data
    assert rooted is not None and (rooted.images, rooted.layout) == ("../mine/images", "folder")


@settings(max_examples=30)
@given(ratios)
def test_a_ratio_reads_back_from_a_path(ratio: float) -> None:
    assert float(f"{ratio}") == ratio


def test_the_published_baselines_are_added_as_the_page_says() -> None:
    page = (ROOT / "docs/generation.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```yaml\n(scale: paper.*?)```", page, re.DOTALL)
    found = resolve(join([layer("params.yaml", TREE), layer("mine.yaml", yaml.safe_load(block))]))
    assert list(found.generation.baselines) == ["geo_rssd", "diffusionsat", "crs_diff"]
    assert found.models["crs_diff"].loader == "crs_diff"


# the JSON Schema


def validate(content: dict[str, Any]) -> None:
    jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text())).validate(content)


def test_the_schema_does_not_drift(tmp_path: Path) -> None:
    assert main(["schema-json", "--output", str(tmp_path / "schema.json"), "--threads", "1"]) == 0
    kept, now = SCHEMA.read_text().splitlines(), (tmp_path / "schema.json").read_text().splitlines()
    drift = "\n".join(difflib.unified_diff(kept, now, SCHEMA.name, "the types", lineterm="", n=2))
    assert not drift, f"run `make schema`:\n{drift}"


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(json.loads(SCHEMA.read_text()))


def test_editors_find_the_schema() -> None:
    first = (ROOT / "params.yaml").read_text().splitlines()[0]
    assert (ROOT / first.rpartition("$schema=")[2]) == SCHEMA


@pytest.mark.parametrize(
    "text",
    [
        "{scale: smoke}",
        "scales: {mini: {pool: {shard_size: 10}, sweep: {seeds: [0, 1]}}}",
        "{scale: paper, scales: {paper: {captions: {noise: {}}}}}",
        "{folder: mine, source: {kind: karpathy, annotations: a.json, images: b}}",
        "{scorers: {mine: {use: 'a:B', options: {x: [1, {y: 2}]}}}, sweep: {scorers: [mine]}}",
        "models: {clip: {loader: open_clip, id: ViT-B-32, pretrained: a.pt}}",
        "captions: {noise: none, per_image: 2}",
        "{captions: {noise: null, per_image: null}, terrarium: {noise: none, per_image: null}}",
        "{scorers: {rotation: null}, preferences: {captioners: {cut: null}}}",
        "models: {score_model: {loader: transformers, id: PumpkinCat/ScoreRS}}",
    ],
)
def test_files_with_only_what_differs_validate(text: str) -> None:
    content = yaml.safe_load(text)
    validate(content)
    resolve(merge(tree(), content))


def test_our_own_files_validate() -> None:
    for path in [ROOT / "params.yaml", *sorted((ROOT / "docs/pools").glob("*.yaml"))]:
        validate(read(path))


@pytest.mark.parametrize(
    "text",
    [
        "ratio: 0",
        "ratio: abc",
        "colour: red",
        "scale: huge",
        "pool: {shard: 1}",
        "scales: {huge: {}}",
        "scales: {mini: {pool: {shard: 1}}}",
        "captions: {noise: {cuont: 0.1}}",
        "captions: {noise: some}",
        "models: {clap: {}}",
        "scorers: {My scorer: {}}",
        "source: {kind: karpathy, annotation: a.json}",
        "terrarium: {poool: 1}",
    ],
)
def test_the_schema_refuses_what_the_types_refuse(text: str) -> None:
    content = yaml.safe_load(text)
    with pytest.raises(jsonschema.ValidationError):
        validate(content)
    with pytest.raises(WinnowError):
        resolve(merge(tree(), content))


def test_every_knob_is_described() -> None:
    schema = json.loads(SCHEMA.read_text())
    for name in ("Captions", "Scorer", "Scoring", "Curation", "Sweep", "Contrastive", "Foundry"):
        properties = schema["$defs"][name]["properties"]
        assert [key for key, entry in properties.items() if "description" not in entry] == []


def test_parameters_are_read_without_what_takes_time() -> None:
    code = "import sys, winnow.params.load; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"torch", "pandas", "pyarrow", "scipy"} & set(done.stdout.split())
