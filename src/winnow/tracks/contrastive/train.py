"""Command `train-contrastive`."""

from pathlib import Path

from winnow.command.description import Output, command
from winnow.data.tables import SAMPLES, read_table
from winnow.tracks.contrastive.settings import Contrastive
from winnow.training.model_record import CONTRASTIVE, new_model_folder
from winnow.training.subsets import kept_pairs


@command
def train_contrastive(
    pool: Path,
    captions: Path,
    subset: Path,
    model: Path,
    output: Output,
    seed: int,
    settings: Contrastive,
) -> None:
    """Fine-tune the general model on one subset."""
    from winnow.models import clip
    from winnow.training.contrastive import fit

    samples = read_table(pool / "samples.parquet", SAMPLES)
    pairs = kept_pairs(subset, captions)
    parameters = {**settings.model_dump(), "seed": seed, "pairs": len(pairs)}
    inputs = {"subset": subset, "model": model / clip.WEIGHTS, "captions": captions}
    with new_model_folder(output, parameters, inputs, CONTRASTIVE, settings.samples_seen) as (
        folder,
        given,
    ):
        tuned = clip.load(model)
        losses = fit(tuned, pool, samples, pairs, settings, settings.samples_seen, seed)
        clip.save(tuned, folder, half=True)
        given["loss"] = losses[-1]
