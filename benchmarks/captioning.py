"""The captioning engine against a bare batched `generate` of the same model.

Two loops take turns on each part of one pool, so that a machine which slows down slows both:

- generate: `model.generate` on batches made ready before, and nothing else;
- engine: `winnow.captioning`, from encoded images to answers in the cache on disk.

Both ask each image once, greedily, in batches of the same images.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from pools import make_pool
from turns import ratio

from winnow.captioning.answers import tidy
from winnow.captioning.describe import pool_images, pool_samples
from winnow.captioning.engine import Request, ask
from winnow.captioning.perspectives import load_perspectives
from winnow.captioning.responses import Responses
from winnow.captioning.transformers_backend import Group, TransformersBackend

ROOT = Path(__file__).parents[1]


def main() -> None:
    """Make the pool, run the loops, print rates and their ratio."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", type=Path, default=ROOT / "released" / "standins" / "mllm")
    parser.add_argument("--pool", type=Path, help="default: images of Terrarium, drawn for this")
    parser.add_argument("--images", type=int, default=2048)
    parser.add_argument("--size", type=int, default=64, help="side of drawn images in pixels")
    parser.add_argument("--batch-size", type=int, default=256)
    parser.add_argument("--batches", type=int, default=4, help="in one turn")
    parser.add_argument("--perspective", default="objects")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        pool = given.pool or make_pool(Path(scratch), given.images, given.size)
        run(pool, given, Path(scratch))


def run(pool: Path, given: argparse.Namespace, scratch: Path) -> None:
    """Both loops on each part."""
    perspectives = load_perspectives(ROOT / "workflow" / "perspectives.yaml")
    perspective = perspectives.find(given.perspective)
    backend = TransformersBackend(given.model, given.batch_size)
    responses = Responses(scratch / "responses")
    images = pool_images(pool, pool_samples(pool).head(given.images))
    length = perspective.max_tokens
    requests = (Request(uid, perspective.prompt, image, length) for uid, image in images)
    generate, engine, different, count = [], [], 0, 0
    for _ in backend.replies(list(islice(requests, given.batch_size))):
        pass  # warm up
    while part := list(islice(requests, given.batches * given.batch_size)):
        groups = [
            group
            for start in range(0, len(part), given.batch_size)
            for group in backend.groups(part[start : start + given.batch_size])[1]
        ]
        ready = [backend.placed(group) for group in groups]
        start = time.perf_counter()
        with torch.inference_mode():
            outputs = [
                backend.model.generate(**inputs, max_new_tokens=length, do_sample=False)
                for inputs in ready
            ]
        generate.append(time.perf_counter() - start)
        start = time.perf_counter()
        answers = list(ask(backend, part, responses, attempts=1))
        engine.append(time.perf_counter() - start)
        texts = [
            text
            for group, output in zip(groups, outputs, strict=True)
            for text in read(backend, group, output)
        ]
        different += sum(
            not text.startswith(answer.text)  # where it was cut, less than the whole
            for answer, text in zip(answers, texts, strict=True)
        )
        count += len(part)
        print(f"{len(part)} images: generate {generate[-1]:.2f} s, engine {engine[-1]:.2f} s")
    print(f"generate {count / sum(generate):8.1f} answers/s")
    print(f"engine   {count / sum(engine):8.1f} answers/s")
    found = ratio("generate", np.array(generate), np.array(engine), "turns", digits=3)
    print(f"{found}, {different} answers differ")


def read(backend: TransformersBackend, group: Group, output: torch.Tensor) -> list[str]:
    """The new text of each row, on one line."""
    tokens = output[:, group.inputs["input_ids"].shape[1] :]
    return [tidy(text) for text in backend.tokenizer.batch_decode(tokens, skip_special_tokens=True)]


if __name__ == "__main__":
    main()
