"""Command `train-contrastive`."""

from pathlib import Path

from winnow.command import verb
from winnow.data.files import atomic_path, write_signed
from winnow.data.provenance import measured
from winnow.data.tables import SAMPLES, read_table
from winnow.tracks.contrastive.settings import Contrastive
from winnow.training.record import CONTRASTIVE, write_trained
from winnow.training.subsets import kept_pairs


@verb(
    "pool",
    "captions",
    "subset",
    "model",
    "output",
    values={"seed": int},
    settings=Contrastive,
)
def train_contrastive(
    pool: Path,
    captions: Path,
    subset: Path,
    model: Path,
    output: Path,
    seed: int,
    threads: int,
    settings: Contrastive,
) -> None:
    """Fine-tune the general model on one subset."""
    import torch

    from winnow.models import clip
    from winnow.training.contrastive import fit

    torch.set_num_threads(threads)
    samples = read_table(pool / "samples.parquet", SAMPLES)
    pairs = kept_pairs(subset, captions)
    cost: dict[str, float] = {}
    with atomic_path(output) as folder:
        with measured(cost):
            tuned = clip.load(model)
            losses = fit(tuned, pool, samples, pairs, settings, settings.samples_seen, seed)
            clip.save(tuned, folder, half=True)
        write_signed(folder / "cost.json", {**cost, "samples": settings.samples_seen})
        parameters = {**settings.model_dump(), "seed": seed, "pairs": len(pairs)}
        inputs = {"subset": subset, "model": model / clip.WEIGHTS, "captions": captions}
        write_trained(folder, CONTRASTIVE, parameters, inputs, loss=losses[-1])
