"""Command `train-generator`."""

from pathlib import Path

from winnow.command.description import Output, command
from winnow.data.provenance import weight_files
from winnow.data.tables import SAMPLES, read_table
from winnow.training.model_record import GENERATOR, new_model_folder
from winnow.training.settings import DiffusionTraining
from winnow.training.subsets import kept_pairs


@command
def train_generator(
    pool: Path,
    captions: Path,
    subset: Path,
    model: Path,
    output: Output,
    seed: int,
    settings: DiffusionTraining,
) -> None:
    """Fine-tune a text-to-image model on one subset; writes a whole model folder."""
    from winnow.models import diffusion
    from winnow.training.diffusion import fit
    from winnow.training.generator_standins import captioned_latents

    samples = read_table(pool / "samples.parquet", SAMPLES)
    pairs = kept_pairs(subset, captions)
    parameters = {**settings.model_dump(), "seed": seed, "pairs": len(pairs)}
    inputs = {"subset": subset, "captions": captions, **weight_files("model", model)}
    with new_model_folder(output, parameters, inputs, GENERATOR, settings.samples_seen) as (
        folder,
        given,
    ):
        tuned = diffusion.load(model)
        examples = captioned_latents(tuned, pool, samples, pairs)
        losses = fit(tuned, examples, settings, seed)
        diffusion.save(tuned, folder, half=True)
        given["loss"] = losses[-1]
