"""The scorer `score_model`: values of captions as answers to the prompt of the model's folder."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from conftest import World

from winnow.command.line import main
from winnow.data.errors import WinnowError
from winnow.data.images import open_rgb
from winnow.data.shards import iter_shard, shard_path
from winnow.data.tables import PAIR, SCORES, read_table
from winnow.models import score
from winnow.models.precision import chosen
from winnow.models.weights import device
from winnow.scoring.engine import pool_pairs, score_pool
from winnow.scoring.scorers import Context, make

pytestmark = pytest.mark.usefixtures("same_environment")


@pytest.fixture(scope="module")
def folder(mllm: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A score model with random weights; images of 48 pixels are made 64."""
    torch.set_num_threads(1)
    model = score.start_from(mllm, seed=0)
    torch.nn.init.normal_(model.head.weight, std=1.0)
    model.prompt = "what is this?"
    target = tmp_path_factory.mktemp("models") / "score_model"
    target.mkdir()
    score.save(model, target)
    return target


def run(scorer: Any, world: World, output: Path, size: int = 7) -> np.ndarray:
    pairs = pool_pairs(world.pool, world.raw)
    score_pool(scorer, world.pool, pairs, output, key="k", batch_size=size)
    table = read_table(output, SCORES)
    assert table[PAIR].equals(pairs[PAIR].reset_index(drop=True))
    return table["score"].to_numpy()


def expected(world: World, folder: Path, prompt: str) -> np.ndarray:
    """Each pair by itself."""
    model = score.load(folder)
    samples = world.of("pool")
    images = {
        uid: model.prepare(open_rgb(content))[None]
        for shard in samples["shard"].unique()
        for uid, content in iter_shard(shard_path(world.pool, int(shard)))
    }
    pairs = pool_pairs(world.pool, world.raw)
    return np.array(
        [
            score.score_pairs(model, [score.Asked(prompt, text, 0)], images[uid])[0]
            for uid, text in zip(pairs["uid"], pairs["text"], strict=True)
        ]
    )


def test_scores_are_the_values_of_the_pairs(world: World, folder: Path, tmp_path: Path) -> None:
    scorer = make("score_model", Context(folder, precision="float32"), {})
    wanted = expected(world, folder, "what is this?")
    assert np.std(wanted) > 0.1
    for size in (1, 7, 1000):
        found = run(scorer, world, tmp_path / "scores.parquet", size)
        np.testing.assert_allclose(found, wanted, atol=1e-4)


def test_features_are_made_once_an_image(world: World, folder: Path, tmp_path: Path) -> None:
    scorer: Any = make("score_model", Context(folder, precision="float32"), {})
    made: list[int] = []
    features = scorer.model.features
    scorer.model.features = lambda pixels: made.append(len(pixels)) or features(pixels)
    run(scorer, world, tmp_path / "scores.parquet")
    assert sum(made) == 48  # of 96 captions


def test_the_prompt_may_be_another(world: World, folder: Path, tmp_path: Path) -> None:
    context = Context(folder, precision="float32")
    scorer = make("score_model", context, {"prompt": "describe it!"})
    found = run(scorer, world, tmp_path / "scores.parquet")
    np.testing.assert_allclose(found, expected(world, folder, "describe it!"), atol=1e-4)


def test_precision_changes_little(world: World, folder: Path, tmp_path: Path) -> None:
    scores = {
        name: run(make("score_model", Context(folder, precision=name), {}), world, tmp_path / name)
        for name in ("float32", "bfloat16", "auto")
    }
    correlation = pd.DataFrame(scores).corr("spearman")
    assert 0.95 < correlation.loc["float32", "bfloat16"] < 1
    assert np.array_equal(scores["auto"], scores[chosen("auto", device())])


def test_what_it_lacks_is_named(folder: Path, standin: Path) -> None:
    with pytest.raises(WinnowError, match="needs a score model"):
        make("score_model", Context(), {})
    with pytest.raises(WinnowError, match=r"config\.json"):
        make("score_model", Context(standin), {})
    with pytest.raises(WinnowError, match="`prompt` is ' '"):
        make("score_model", Context(folder), {"prompt": " "})
    with pytest.raises(WinnowError, match="unknown options shape"):
        make("score_model", Context(folder), {"shape": 3})


def test_the_verb_scores(world: World, folder: Path, tmp_path: Path) -> None:
    output = tmp_path / "scores.parquet"
    words = ["score", "--pool", str(world.pool), "--captions", str(world.raw_path),
             "--output", str(output), "--scorer", "score_model", "--model", str(folder),
             "--precision=float32", "--threads", "1"]  # fmt: skip
    assert main(words) == 0
    scores = read_table(output, SCORES)["score"]
    np.testing.assert_allclose(scores, expected(world, folder, "what is this?"), atol=1e-4)


def test_scorers_are_listed_without_torch() -> None:
    code = "import sys, winnow.scoring.scorers; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
