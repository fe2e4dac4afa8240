"""Verbs `train-` autoencoder and generator-standin."""

from pathlib import Path

from winnow.command import verb
from winnow.data.files import atomic_path
from winnow.data.provenance import measured, weight_files
from winnow.data.splits import rows_of
from winnow.data.tables import CAPTIONS, LAYOUTS, SAMPLES, read_table
from winnow.params import sections
from winnow.training.record import write_record


@verb("pool", "human", "clip", "output", settings=sections.AutoencoderTraining)
def train_autoencoder(
    pool: Path,
    human: Path,
    clip: Path,
    output: Path,
    threads: int,
    settings: sections.AutoencoderTraining,
) -> None:
    """Train the autoencoder of the generator stand-ins; the rest of the folder is untrained."""
    import torch

    from winnow.models import diffusion
    from winnow.training import generators

    torch.set_num_threads(threads)
    samples = read_table(pool / "samples.parquet", SAMPLES)
    samples = rows_of(samples, "reference", pool)
    captions = read_table(human, CAPTIONS)
    captions = captions[captions["uid"].isin(set(samples["uid"]))]
    cost: dict[str, float] = {}
    with atomic_path(output) as folder:
        with measured(cost):
            generator, losses, psnr = generators.train_autoencoder(
                pool, samples, captions, clip, settings, settings.images_seen
            )
            diffusion.save(generator, folder, half=True)
        parameters = {**settings.model_dump(), "images": len(samples)}
        inputs = {"samples": pool / "samples.parquet", "human": human}
        inputs |= weight_files("clip", clip)
        result = {"loss": losses[-1], "psnr_db": psnr}
        write_record(folder / "foundry.json", parameters, inputs, **result)
    print(f"{output}: PSNR {psnr:.1f} dB, {cost['wall_s']:.0f} s")


@verb(
    "pool",
    "human",
    "layouts",
    "start",
    "output",
    values={"role": sections.GeneratorRole},
    settings=sections.DiffusionTraining,
)
def train_generator_standin(
    pool: Path,
    human: Path,
    layouts: Path,
    start: Path,
    output: Path,
    role: sections.GeneratorRole,
    threads: int,
    settings: sections.DiffusionTraining,
) -> None:
    """Train a text-to-image stand-in: `t2i` from the autoencoder, others from a generator."""
    import torch

    from winnow.models import diffusion
    from winnow.training import generators

    torch.set_num_threads(threads)
    samples = read_table(pool / "samples.parquet", SAMPLES)
    samples = rows_of(samples, "reference", pool)
    captions = read_table(human, CAPTIONS)
    captions = captions[captions["uid"].isin(set(samples["uid"]))]
    truth = read_table(layouts, LAYOUTS)
    settings = generators.settings_of(role, settings)
    cost: dict[str, float] = {}
    with atomic_path(output) as folder:
        with measured(cost):
            generator, losses = generators.train_generator_standin(
                role, start, pool, samples, captions, truth, settings
            )
        if role == "controlnet":
            diffusion.save_controlnet(generator.controlnet, folder, half=True)
        else:
            diffusion.save(generator, folder, half=True)
        parameters = {**settings.model_dump(), "role": role, "images": len(samples)}
        inputs = {"samples": pool / "samples.parquet", "human": human, "layouts": layouts}
        inputs |= weight_files("model", start)
        write_record(folder / "foundry.json", parameters, inputs, loss=losses[-1])
    print(f"{output}: loss {losses[-1]:.3f}, {cost['wall_s']:.0f} s")
