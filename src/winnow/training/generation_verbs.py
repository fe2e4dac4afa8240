"""Commands `train-` autoencoder, generator-standin and generator."""

from pathlib import Path

from winnow.command.description import Output, command
from winnow.data.provenance import weight_files
from winnow.data.tables import LAYOUTS, SAMPLES, read_table
from winnow.params import sections
from winnow.training.record import GENERATOR, trained
from winnow.training.subsets import kept_pairs, reference_split


@command
def train_autoencoder(
    pool: Path,
    human: Path,
    clip: Path,
    output: Output,
    settings: sections.AutoencoderTraining,
) -> None:
    """Train the autoencoder of the generator stand-ins; the rest of the folder is untrained."""
    from winnow.models import diffusion
    from winnow.training import generators

    samples, captions = reference_split(pool, human)
    parameters = {**settings.model_dump(), "images": len(samples)}
    inputs = {"samples": pool / "samples.parquet", "human": human, **weight_files("clip", clip)}
    with trained(output, parameters, inputs) as (folder, given):
        generator, losses, psnr = generators.train_autoencoder(
            pool, samples, captions, clip, settings, settings.images_seen
        )
        diffusion.save(generator, folder, half=True)
        given |= {"loss": losses[-1], "psnr_db": psnr}


@command
def train_generator_standin(
    pool: Path,
    human: Path,
    layouts: Path,
    start: Path,
    output: Output,
    role: sections.GeneratorRole,
    settings: sections.DiffusionTraining,
) -> None:
    """Train a text-to-image stand-in: `t2i` from the autoencoder, others from a generator."""
    from winnow.models import diffusion
    from winnow.training import generators

    samples, captions = reference_split(pool, human)
    truth = read_table(layouts, LAYOUTS)
    settings = generators.settings_of(role, settings)
    parameters = {**settings.model_dump(), "role": role, "images": len(samples)}
    inputs = {"samples": pool / "samples.parquet", "human": human, "layouts": layouts}
    inputs |= weight_files("model", start)
    with trained(output, parameters, inputs) as (folder, given):
        generator, losses = generators.train_generator_standin(
            role, start, pool, samples, captions, truth, settings
        )
        if role == "controlnet":
            diffusion.save_controlnet(generator.controlnet, folder, half=True)
        else:
            diffusion.save(generator, folder, half=True)
        given["loss"] = losses[-1]


@command
def train_generator(
    pool: Path,
    captions: Path,
    subset: Path,
    model: Path,
    output: Output,
    seed: int,
    settings: sections.DiffusionTraining,
) -> None:
    """Fine-tune a text-to-image model on one subset; writes a whole model folder."""
    from winnow.models import diffusion
    from winnow.training.diffusion import fit
    from winnow.training.generators import captioned_latents

    samples = read_table(pool / "samples.parquet", SAMPLES)
    pairs = kept_pairs(subset, captions)
    parameters = {**settings.model_dump(), "seed": seed, "pairs": len(pairs)}
    inputs = {"subset": subset, "captions": captions, **weight_files("model", model)}
    with trained(output, parameters, inputs, GENERATOR, settings.samples_seen) as (folder, given):
        tuned = diffusion.load(model)
        examples = captioned_latents(tuned, pool, samples, pairs)
        losses = fit(tuned, examples, settings, seed)
        diffusion.save(tuned, folder, half=True)
        given["loss"] = losses[-1]
