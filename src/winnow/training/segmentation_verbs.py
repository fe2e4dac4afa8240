"""Verb `train-segmentor-standin`."""

from pathlib import Path
from typing import TYPE_CHECKING

from winnow.command import verb
from winnow.data.files import atomic_path
from winnow.data.provenance import measured
from winnow.data.tables import SAMPLES, read_table
from winnow.params import sections
from winnow.training.record import write_record

if TYPE_CHECKING:
    pass


@verb("pool", "output", settings=sections.BackboneTraining)
def train_segmentor_standin(
    pool: Path, output: Path, threads: int, settings: sections.BackboneTraining
) -> None:
    """Train the stand-in whose backbone segmentors start from, on a pool's reference split."""
    import torch

    from winnow.models import segmentor as models
    from winnow.training import segmentation

    torch.set_num_threads(threads)
    samples = read_table(pool / "samples.parquet", SAMPLES)
    samples = samples[samples["split"] == "reference"].head(settings.images)
    cost: dict[str, float] = {}
    with measured(cost):
        model, losses = segmentation.train_standin(pool, samples, settings)
    parameters = {**settings.model_dump(), "role": "segmentor", "images": len(samples)}
    with atomic_path(output) as folder:
        folder.mkdir()
        models.save(model, folder)
        inputs = {"samples": pool / "samples.parquet"}
        write_record(folder / "foundry.json", parameters, inputs, loss=losses[-1])
    print(f"{output}: loss {losses[-1]:.3f}, {cost['wall_s']:.0f} s")
