"""Command `train-generator`."""

from pathlib import Path

from winnow.command import verb
from winnow.data.files import atomic_path, write_signed
from winnow.data.provenance import measured, weight_files
from winnow.data.tables import SAMPLES, read_table
from winnow.params import sections
from winnow.training.record import GENERATOR, write_trained
from winnow.training.subsets import kept_pairs


@verb(
    "pool",
    "captions",
    "subset",
    "model",
    "output",
    values={"seed": int},
    settings=sections.DiffusionTraining,
)
def train_generator(
    pool: Path,
    captions: Path,
    subset: Path,
    model: Path,
    output: Path,
    seed: int,
    threads: int,
    settings: sections.DiffusionTraining,
) -> None:
    """Fine-tune a text-to-image model on one subset; writes a whole model folder."""
    import torch

    from winnow.models import diffusion
    from winnow.training.diffusion import fit
    from winnow.training.generators import captioned_latents

    torch.set_num_threads(threads)
    samples = read_table(pool / "samples.parquet", SAMPLES)
    pairs = kept_pairs(subset, captions)
    cost: dict[str, float] = {}
    with atomic_path(output) as folder:
        with measured(cost):
            tuned = diffusion.load(model)
            examples = captioned_latents(tuned, pool, samples, pairs)
            losses = fit(tuned, examples, settings, seed)
            diffusion.save(tuned, folder, half=True)
        write_signed(folder / "cost.json", {**cost, "samples": settings.samples_seen})
        parameters = {**settings.model_dump(), "seed": seed, "pairs": len(pairs)}
        inputs = {"subset": subset, "captions": captions, **weight_files("model", model)}
        write_trained(folder, GENERATOR, parameters, inputs, loss=losses[-1])
