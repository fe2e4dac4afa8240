"""The foundry's text-to-image models: small generators that take published checkpoints' places.

`t2i` learned from human captions: what it draws can be told apart before it is fine-tuned.
`geo_rssd` is `t2i` trained further on captions of which some are false; `diffusionsat` and
`crs_diff` are `geo_rssd` trained further with metadata as well. The `controlnet` of `t2i` follows
land-cover masks.
"""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from winnow.data.errors import WinnowError
from winnow.data.temporary_folders import scratch_folder
from winnow.models import clip as models
from winnow.models import diffusion, diffusion_standins
from winnow.models.diffusionsat_unet import METADATA
from winnow.models.settings import GeneratorRole
from winnow.models.text_to_image import TextToImageModel
from winnow.terrarium.noise import corrupt
from winnow.terrarium.schema import CLASSES
from winnow.training import autoencoder
from winnow.training.clip_standins import COARSE, scenes, training_pairs
from winnow.training.diffusion import Examples, encode, fit
from winnow.training.images import decode, fitted, land_cover
from winnow.training.settings import DiffusionTraining, Optimiser

SEED: dict[GeneratorRole, int] = {
    "t2i": 11,
    "geo_rssd": 12,
    "diffusionsat": 13,
    "crs_diff": 14,
    "controlnet": 15,
}
MISMATCHED = 0.2  # share of the captions, of another image, that the baselines learned from
MONTHS = {"winter": 1, "spring": 4, "summer": 7, "autumn": 10}


def train_autoencoder(
    pool: Path,
    samples: pd.DataFrame,
    captions: pd.DataFrame,
    clip: Path,
    settings: Optimiser,
    images_seen: int,
) -> tuple[TextToImageModel, list[float], float]:
    """An untrained `t2i` but for its autoencoder, its losses, and its PSNR on the last images.

    The CLIP of the folder `clip` judges what it loses, beside pixels.
    """
    if len(samples) < 2:
        raise WinnowError(
            f"the reference split has {len(samples)} images; the autoencoder learns from one at "
            "least, and is measured on another"
        )
    texts = [*captions["text"], *(t.format(s) for t in COARSE for s in scenes(samples))]
    generator = diffusion_standins.build_stable_diffusion(texts, SEED["t2i"])
    with scratch_folder() as scratch:
        prepare = fitted(generator.size)
        pixels, _ = decode(prepare, generator.size, pool, samples, scratch / "pixels.npy")
        held = max(1, min(256, len(pixels) // 10))
        losses = autoencoder.fit(
            generator.vae, pixels[:-held], models.load(clip), settings, images_seen, SEED["t2i"]
        )
        return generator, losses, autoencoder.psnr(generator.vae, pixels[-held:])


def settings_of(role: GeneratorRole, settings: DiffusionTraining) -> DiffusionTraining:
    """How the stand-in of a role is trained: only `t2i` and `geo_rssd` train a text encoder, which
    those that start from them share as a file, as all share the autoencoder's."""
    own = settings.train_text and role in ("t2i", "geo_rssd")
    return settings.model_copy(update={"train_text": own})


def train_generator_standin(
    role: GeneratorRole,
    start: Path,
    pool: Path,
    samples: pd.DataFrame,
    captions: pd.DataFrame,
    layouts: pd.DataFrame,
    settings: DiffusionTraining,
) -> tuple[TextToImageModel, list[float]]:
    """Train the stand-in of `role` from the folder `start`.

    `t2i` starts from the autoencoder's, `geo_rssd` and the ControlNet from that of `t2i`, the
    others from `geo_rssd`.
    """
    generator = diffusion.load(start)
    seed = SEED[role]
    pairs = training_pairs(role, samples, captions)
    if role == "diffusionsat":
        generator = diffusion_standins.build_diffusionsat(generator, seed)
    elif role == "crs_diff":
        generator = diffusion_standins.build_crs_diff(generator, seed)
    elif role == "controlnet":
        generator.controlnet = diffusion_standins.build_controlnet(generator, len(CLASSES), seed)
    if role in ("geo_rssd", "diffusionsat", "crs_diff"):
        pairs = mismatched_pairs(pairs, samples, seed)
    examples = captioned_latents(generator, pool, samples, pairs)
    uids = samples["uid"][samples["uid"].isin(set(pairs["uid"]))].tolist()
    if generator.metadata:
        metadata = generator.normalise_metadata(metadata_values(layouts, uids)).cpu()
        examples = Examples(examples.latents, examples.images, examples.texts, metadata=metadata)
    elif role == "controlnet":
        masks = torch.from_numpy(land_cover(pool / "masks", uids, generator.size))
        examples = Examples(examples.latents, examples.images, examples.texts, masks=masks)
    return generator, fit(generator, examples, settings, seed)


def captioned_latents(
    generator: TextToImageModel, pool: Path, samples: pd.DataFrame, pairs: pd.DataFrame
) -> Examples:
    """Examples of `pairs` (uid, text); latents of their images are in the order of `samples`.

    Raises WinnowError where there is no pair.
    """
    if pairs.empty:
        raise WinnowError("no pair to train a generator on: the subset is empty")
    needed = samples[samples["uid"].isin(set(pairs["uid"]))]
    with scratch_folder() as scratch:
        prepare = fitted(generator.size)
        pixels, row = decode(prepare, generator.size, pool, needed, scratch / "pixels.npy")
        latents = encode(generator, pixels)
    return Examples(latents, np.array([row[uid] for uid in pairs["uid"]]), pairs["text"].tolist())


def mismatched_pairs(pairs: pd.DataFrame, samples: pd.DataFrame, seed: int) -> pd.DataFrame:
    """`pairs` (uid, text), of which a share have another image's caption."""
    scene = dict(zip(samples["uid"], samples["scene"], strict=True))
    texts, _ = corrupt(
        pairs["text"].tolist(),
        [scene[uid] for uid in pairs["uid"]],
        pairs["uid"].tolist(),
        {"mismatch": MISMATCHED},
        seed,
    )
    return pairs.assign(text=texts)


def metadata_values(layouts: pd.DataFrame, uids: Sequence[str]) -> np.ndarray:
    """Metadata [N, 7], columns METADATA, of Terrarium's layouts; NaN is what they do not say, and
    all that is known of an image without one."""
    known = dict(zip(layouts["uid"], layouts["layout"], strict=True))
    values = np.full((len(uids), len(METADATA)), np.nan)
    for row, uid in enumerate(uids):
        if uid not in known:
            continue
        layout = json.loads(known[uid])
        for name, value in (
            ("ground_sample_distance", layout["gsd"]),
            ("cloud", layout["cloud"]),
            ("month", MONTHS[layout["season"]]),
        ):
            values[row, METADATA.index(name)] = value
    return values
