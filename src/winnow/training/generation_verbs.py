"""Commands `train-` autoencoder and generator-standin."""

from pathlib import Path

from winnow.command.description import Output, command
from winnow.data.provenance import weight_files
from winnow.data.tables import LAYOUTS, read_table
from winnow.models.settings import GeneratorRole
from winnow.training.record import trained
from winnow.training.settings import AutoencoderTraining, DiffusionTraining
from winnow.training.subsets import reference_split


@command
def train_autoencoder(
    pool: Path,
    human: Path,
    clip: Path,
    output: Output,
    settings: AutoencoderTraining,
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
    role: GeneratorRole,
    settings: DiffusionTraining,
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
