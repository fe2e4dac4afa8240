"""Peak memory of `winnow score` on a small and on a large pool: it must not grow with the pool.

The model is a light one (a ViT of 2 layers, random weights), so that what grows would show, and
the images are 64 pixels, so that drawing them takes minutes and not an hour.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import open_clip
import torch
from children import run
from open_clip.transform import PreprocessCfg
from pools import make_pool

from winnow.models import clip

VISION = {"image_size": 64, "layers": 2, "width": 64, "head_width": 32, "patch_size": 16}
TEXT = {"context_length": 77, "vocab_size": 49408, "width": 64, "heads": 2, "layers": 2}
CONFIG = {"embed_dim": 64, "vision_cfg": VISION, "text_cfg": TEXT}


def make_model(folder: Path) -> Path:
    """A model folder with random weights and open_clip's own tokenizer."""
    torch.manual_seed(0)
    model = open_clip.CLIP(64, open_clip.CLIPVisionCfg(**VISION), open_clip.CLIPTextCfg(**TEXT))
    preprocess = PreprocessCfg(**open_clip.get_model_preprocess_cfg(model))
    tokenizer = open_clip.SimpleTokenizer()
    clip.save(clip.Clip(model, tokenizer, preprocess, CONFIG, torch.device("cpu")), folder)
    return folder


def main() -> None:
    """Score both pools, each in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, nargs=2, default=(4000, 40000))
    parser.add_argument("--size", type=int, default=64, help="side of the JPEGs in pixels")
    parser.add_argument("--folder", type=Path, help="keep the pools there (default: a scratch one)")
    given = parser.parse_args()
    peaks = []
    with tempfile.TemporaryDirectory() as scratch:
        model = make_model(Path(scratch) / "model")
        for images in given.images:
            folder = (given.folder or Path(scratch)) / f"{images}"
            pool = make_pool(folder, images, given.size)
            words = ["--pool", pool, "--captions", folder / "human.parquet", "--model", model]
            output = Path(scratch) / "scores.parquet"
            seconds, peak = run("score", *words, "--scorer", "clip", "--output", output)
            peaks.append(peak)
            print(f"{images} images: {peak:.0f} MB at the peak, {seconds:.0f} s", flush=True)
    print(f"growth: {peaks[1] / peaks[0] - 1:+.1%}")


if __name__ == "__main__":
    main()
