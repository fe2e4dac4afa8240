"""Describing a pool from one perspective, and the verb `describe`."""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from asking import Script, Stream
from conftest import World

from winnow.captioning import describe, engine
from winnow.captioning.perspectives import Perspective
from winnow.captioning.request_queue import Reply, Request
from winnow.captioning.responses import Responses
from winnow.captioning.settings import TextGeneration
from winnow.command.line import main
from winnow.data.errors import WinnowError
from winnow.data.tables import CAPTIONS, QUARANTINE, read_table, write_table
from winnow.models.settings import Server

ROOT = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def described(
    world: World, tmp_path: Path, script: Script, prompt: str = "what?", empty: str = "retry",
    uids: Sequence[str] | None = None, **options: Any,
) -> tuple[Stream, pd.DataFrame, pd.DataFrame]:  # fmt: skip
    backend = Stream(script)
    perspective = Perspective(prompt=prompt, words=10, empty=empty)
    samples = world.of("pool")
    if uids is not None:
        samples = samples[samples["uid"].isin(uids)]
    captions, quarantine = describe.describe_images(
        world.pool, samples, perspective, backend, Responses(tmp_path), TextGeneration(attempts=2),
        name="scene", **options,
    )  # fmt: skip
    write_table(tmp_path / "captions.parquet", captions, CAPTIONS)
    write_table(tmp_path / "quarantine.parquet", quarantine, QUARANTINE)
    return backend, captions, quarantine


def test_each_image_of_the_pool_split_is_described(world: World, tmp_path: Path) -> None:
    backend, captions, quarantine = described(
        world, tmp_path, lambda request, n: Reply(f"a place\n{request.key}")
    )
    assert captions["uid"].tolist() == world.of("pool")["uid"].tolist()
    assert (captions["text"] == "a place " + captions["uid"]).all()
    assert set(captions["caption_id"]) == {0} and set(captions["perspective"]) == {"scene"}
    assert set(captions["generator"]) == {"mllm"}
    assert quarantine.empty and {r.max_tokens for r in backend.asked} == {20}


def test_some_images_at_another_temperature(world: World, tmp_path: Path) -> None:
    some = world.of("pool")["uid"].tolist()[3:40:7]
    backend, captions, _ = described(
        world, tmp_path, lambda request, n: Reply("a town"), uids=[*some[::-1], "no uid"],
        temperature=0.9, seed=4,
    )  # fmt: skip
    assert captions["uid"].tolist() == some == backend.keys
    assert {(r.temperature, r.seed) for r in backend.asked} == {(0.9, 4)}
    _, captions, quarantine = described(world, tmp_path, lambda request, n: Reply(""), uids=[])
    assert captions.empty and quarantine.empty


@pytest.mark.parametrize("empty, left", [("retry", 40), ("drop", 40), ("nothing special", 48)])
def test_empty_answers(world: World, tmp_path: Path, empty: str, left: int) -> None:
    silent = set(world.of("pool")["uid"].tolist()[:8])
    backend, captions, quarantine = described(
        world,
        tmp_path,
        lambda request, n: Reply(" " if request.key in silent else "a town"),
        empty=empty,
    )
    assert len(captions) == left
    assert len(backend.asked) == 48 + (8 if empty == "retry" else 0)
    expected = {(uid, "describe", "empty answer (2 attempts)") for uid in silent}
    assert set(quarantine.itertuples(index=False, name=None)) == (
        expected if empty == "retry" else set()
    )
    assert set(captions["text"]) == {"a town"} | ({empty} if left == 48 else set())


def test_a_relay_takes_up_the_rule_caption(world: World, tmp_path: Path) -> None:
    uids = world.of("pool")["uid"].tolist()
    texts = ["a {rule} {0} %s \\1", "two planes<|im_end|>\n", "a river"]
    rows = [(uid, i, text, "boxes", "rule") for uid in uids[1:] for i, text in enumerate(texts)]
    rule = pd.DataFrame(rows, columns=list(CAPTIONS))
    backend, captions, quarantine = described(
        world, tmp_path, lambda request, n: Reply("a town"), prompt="Noted: {rule} {x}", rule=rule
    )
    assert {r.prompt for r in backend.asked} == {
        "Noted: a {rule} {0} %s \\1 two planes a river {x}"
    }
    assert set(captions["generator"]) == {"relay"} and captions["uid"].tolist() == uids[1:]
    assert quarantine.to_numpy().tolist() == [[uids[0], "describe", "no rule caption"]]
    with pytest.raises(WinnowError, match="--rule"):
        described(world, tmp_path, lambda request, n: Reply("a town"), prompt="{rule}")


def test_a_shard_that_lacks_an_image(world: World, tmp_path: Path) -> None:
    shutil.copytree(world.pool, tmp_path / "pool")
    samples = pd.read_parquet(tmp_path / "pool" / "samples.parquet")
    samples.loc[samples.index[0], "uid"] = "0" * 32
    samples.assign(split="pool").to_parquet(tmp_path / "pool" / "samples.parquet")
    pool = tmp_path / "pool"
    with pytest.raises(WinnowError, match=r"00000\.tar: holds \d+ of the \d+ images"):
        list(describe.pool_images(pool, describe.pool_samples(pool)))


def words(world: World, tmp_path: Path, **changes: Any) -> list[str]:
    options = {
        "pool": world.pool,
        "perspectives": ROOT / "workflow" / "perspectives.yaml",
        "perspective": "scene",
        "output": tmp_path / "out.parquet",
        "quarantine": tmp_path / "quarantine.parquet",
        **changes,
    }
    return ["describe", *(f"--{key}={value}" for key, value in options.items()), "--threads=1"]


@pytest.mark.usefixtures("same_environment")
def test_describing_as_a_verb(
    world: World,
    mllm: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given = words(world, tmp_path, model=mllm, batch_size=16, quarantine_limit=1)
    assert main(given) == 0
    captions = read_table(tmp_path / "out.parquet", CAPTIONS)
    quarantine = read_table(tmp_path / "quarantine.parquet", QUARANTINE)
    assert len(captions) + len(quarantine) == 48 and len(captions) > 24
    printed = capsys.readouterr()
    assert f"48 images: {len(captions)} captions, {len(quarantine)} in quarantine" in printed.out
    assert "48/48" in printed.err and "answer/s" in printed.err
    cost = json.loads((tmp_path / "out.cost.json").read_text())
    assert cost["samples"] == 48 and cost["wall_s"] > 0
    first = (tmp_path / "out.parquet").read_bytes()

    def forbidden(*_: Any) -> None:
        raise AssertionError("asked again")

    from winnow.captioning.transformers_backend import TransformersBackend

    monkeypatch.setattr(TransformersBackend, "generate", forbidden)
    assert main(given) == 0
    assert (tmp_path / "out.parquet").read_bytes() == first


@pytest.mark.usefixtures("same_environment")
def test_too_many_in_quarantine(
    world: World,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    bad = set(world.of("pool")["uid"].tolist()[:5])

    down = Reply(fault="server answered 500 (6 attempts)", final=True)

    def script(request: Request, n: int) -> Reply:
        return down if request.key in bad else Reply("a town")

    monkeypatch.setattr(engine, "backend_for", lambda model, settings: Stream(script))
    given = words(world, tmp_path, model=tmp_path)
    assert main([*given, "--quarantine-limit=0.1"]) == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert "5 of 48 images got no answer" in error and "10%" in error
    assert "5 times: server answered 500 (6 attempts)" in error
    assert len(read_table(tmp_path / "quarantine.parquet", QUARANTINE)) == 5
    assert not (tmp_path / "out.parquet").exists()
    assert main([*given, "--quarantine-limit=0.11"]) == 0
    assert len(read_table(tmp_path / "out.parquet", CAPTIONS)) == 43


@pytest.mark.usefixtures("same_environment")
@pytest.mark.parametrize(
    "changes, message",
    [
        ({}, "--model, --server: give one of them"),
        ({"model": "a", "server": '{"url": "http://b/v1", "model": "c"}'}, "--model, --server"),
        ({"server": '{"url": "b:80", "model": "c"}'}, "--server.url"),
        ({"server": '{"url": "http://b"}'}, "--server.model"),
        ({"model": "nowhere"}, "nowhere: no config.json"),
        ({"perspective": "mood"}, "no perspective 'mood'"),
        ({"perspective": "detail", "model": "m"}, "--rule"),
        ({"model": "m", "attempts": 0}, "--attempts"),
    ],
)
def test_what_the_verb_refuses(
    world: World,
    tmp_path: Path,
    mllm: Path,
    capsys: pytest.CaptureFixture[str],
    changes: dict[str, Any],
    message: str,
) -> None:
    if changes.get("model") == "m":
        changes = {**changes, "model": mllm}
    assert main(words(world, tmp_path, **changes)) == 2
    assert message in capsys.readouterr().err.splitlines()[-1]
    assert not (tmp_path / "out.parquet").exists()


def test_the_backend_of_a_server() -> None:
    server = Server(url="http://host:81/v1/", model="m")
    assert engine.backend_for(server, TextGeneration()).identity == "openai host:81/v1 m"
