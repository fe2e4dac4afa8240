"""Fixtures that several files share: a tiny pool with known noise, and a tiny stand-in."""

import copy
import os
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import settings
from mllm_fixture import mllm  # noqa: F401
from workflow_helpers import small, smoke, state, undisturbed, victim  # noqa: F401

from winnow.data.tables import CAPTIONS, LAYOUTS, SAMPLES, TRUTH, read_table, write_table
from winnow.sources.formats.terrarium import TerrariumSource
from winnow.sources.settings import Captions

settings.register_profile("any machine", deadline=None)  # a busy one is no fault of the code
settings.load_profile("any machine")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The files that share the smoke run come first: all wait for it, and it has all cores."""
    items.sort(key=lambda item: "smoke" not in getattr(item, "fixturenames", ()))


NOISE = {"mismatch": 0.3, "count": 0.1, "attribute": 0.1, "generic": 0.1}


@dataclass(frozen=True)
class World:
    """A pool and all that belongs to it, as paths and as tables."""

    pool: Path
    human_path: Path
    layouts_path: Path
    raw_path: Path
    truth_path: Path
    samples: pd.DataFrame
    human: pd.DataFrame
    raw: pd.DataFrame  # two captions an image, some noisy
    truth: pd.DataFrame

    def of(self, split: str) -> pd.DataFrame:
        """The samples of one split."""
        return self.samples[self.samples["split"] == split]


@pytest.fixture
def same_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """For tests that call `main`, which sets the numbers of threads of the whole process."""
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        monkeypatch.setenv(name, os.environ.get(name, "1"))
    monkeypatch.setenv("TOKENIZERS_PARALLELISM", "false")


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """A Terrarium pool of 48 images in three shards, 24 reference and 16 test images, 48 px."""
    from winnow.sources.pool import build_pool
    from winnow.sources.raw_caption_set import raw_captions
    from winnow.sources.read import read_source

    root = tmp_path_factory.mktemp("world")
    pool, human, layouts = root / "pool", root / "human.parquet", root / "layouts.parquet"
    build_pool(
        read_source(TerrariumSource(pool=48, reference=24, test=16, size=48, seed=5)),
        pool,
        human,
        layouts,
        shard_size=20,
        quarantine_limit=0,
        reference=0,
        test=0,
        workers=1,
    )
    samples, captions = read_table(pool / "samples.parquet", SAMPLES), read_table(human, CAPTIONS)
    settings = Captions.model_validate({"per_image": 2, "noise": NOISE, "seed": 1})
    raw, truth = raw_captions(samples, captions, read_table(layouts, LAYOUTS), settings)
    write_table(root / "raw.parquet", raw, CAPTIONS)
    write_table(root / "truth.parquet", truth, TRUTH)
    return World(
        pool,
        human,
        layouts,
        root / "raw.parquet",
        root / "truth.parquet",
        samples,
        captions,
        read_table(root / "raw.parquet", CAPTIONS),
        read_table(root / "truth.parquet", TRUTH),
    )


@pytest.fixture(scope="session")
def standin(world: World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a stand-in with random weights: the foundry's architecture, but 32 px."""
    import torch

    from winnow.models import clip
    from winnow.models.tokenizer import train_tokenizer
    from winnow.training.clip_standins import architecture

    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("models") / "clip"
    size = train_tokenizer(world.human["text"], 400, folder)
    config = copy.deepcopy(architecture("clip", size))
    config["embed_dim"] = 32
    config["vision_cfg"].update(image_size=32, layers=[1, 1, 1, 1], width=8, head_width=32)
    config["text_cfg"].update(width=32, heads=2)
    clip.save(clip.build(config, folder, seed=0), folder)
    return folder


@pytest.fixture(scope="session")
def tiny_generator(world: World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a generator as the foundry begins with: 64 px, random weights."""
    import torch

    from winnow.models import diffusion, diffusion_standins

    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("generators") / "t2i"
    folder.mkdir()
    diffusion.save(diffusion_standins.build_stable_diffusion(world.human["text"], 0), folder)
    return folder
