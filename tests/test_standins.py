"""Which models of a run are stand-ins: those that its cells need."""

from pathlib import Path

import pytest

from winnow.params.layers import merge
from winnow.params.load import read, resolve
from winnow.reporting.standins import standins
from winnow.tracks.segmentation.plan import NETWORK

PARAMS = read(Path(__file__).parents[1] / "params.yaml")
OPEN = {"loader": "open_clip", "id": "ViT-B-32"}
DIFFUSERS = {"loader": "diffusers", "id": "org/name"}
BACKBONE = {"loader": "mmsegmentation", "id": "backbone.pth"}
PUBLISHED = {  # a score model, in the place of those that are trained
    "models": {"score_model": {"loader": "transformers", "id": "org/name"}},
    "score_model": {"recipes": {}, "tuned": {}},
    "scorers": dict.fromkeys(("score_small", "score_rs", "score_rs_plus")),
}


def found(scale="mini", **changes):
    return standins(resolve(merge(PARAMS, {"scale": scale, **changes})))


def test_every_role_of_the_default_run_but_the_one_that_nothing_asks():
    assert found() == [*(role for role in PARAMS["models"] if role != "llm"), NETWORK]
    assert "llm" in found(captioning={"integration": {"mode": "llm"}})


def test_models_decide_and_not_the_scale():
    real = {"evaluator_clip": OPEN, "controlnet": DIFFUSERS}
    assert found("paper") == list(real)
    assert found("paper", models=real) == []
    unset = {"clip": {"loader": "standin", "id": None, "pretrained": None}}
    assert found("paper", models=real, scales={"paper": {"models": unset}}) == ["clip"]
    assert set(found()) - set(found(models=real)) == set(real)


@pytest.mark.parametrize(
    ("changes", "unused"),
    [
        ({"generation": {"baselines": {"crs_diff": None}}}, {"crs_diff"}),
        ({"scorers": {"siglip": None}}, {"siglip"}),
        (
            {"segmentation": {"network": "segformer"}, "models": {"segmentor": None}},
            {NETWORK, "segmentor"},
        ),
        ({"models": {"segmentor": BACKBONE}}, {"segmentor"}),
        ({"source": {"kind": "classes", "images": "a"}}, {NETWORK, "segmentor"}),  # no masks
        (PUBLISHED, {"mllm_small"}),
    ],
)
def test_what_is_not_used_is_not_named(changes, unused):
    assert set(found()) - set(found(**changes)) == unused


def test_no_model_writes_the_captions_of_people():
    assert "mllm" in found(**PUBLISHED)
    kept = {"captions": ["human", "rule"], "curated": []}
    assert "mllm" not in found(**PUBLISHED, sweep=kept, generation={"captions": []})
