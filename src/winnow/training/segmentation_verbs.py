"""Command `train-segmentor-standin`."""

from pathlib import Path
from typing import TYPE_CHECKING

from winnow.command.description import Output, command
from winnow.data.tables import SAMPLES, read_table
from winnow.training.record import trained
from winnow.training.settings import BackboneTraining

if TYPE_CHECKING:
    pass


@command
def train_segmentor_standin(pool: Path, output: Output, settings: BackboneTraining) -> None:
    """Train the stand-in whose backbone segmentors start from, on a pool's reference split."""
    from winnow.models import segmentor as models
    from winnow.training import segmentation

    samples = read_table(pool / "samples.parquet", SAMPLES)
    samples = samples[samples["split"] == "reference"].head(settings.images)
    parameters = {**settings.model_dump(), "role": "segmentor", "images": len(samples)}
    with trained(output, parameters, {"samples": pool / "samples.parquet"}) as (folder, given):
        model, losses = segmentation.train_standin(pool, samples, settings)
        models.save(model, folder)
        given["loss"] = losses[-1]
