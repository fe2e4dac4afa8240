"""Command `evaluate-segmentor-standin`."""

from pathlib import Path

from winnow.command.description import Output, command
from winnow.data.files import read_signed, write_text
from winnow.data.tables import SAMPLES, read_table
from winnow.evaluation.settings import Statistics


@command
def evaluate_segmentor_standin(pool: Path, model: Path, output: Output) -> None:
    """Write the model card of the stand-in `segmentor`, measured on the pool's test split."""
    from winnow.evaluation.card import segmentor_card
    from winnow.evaluation.segmentation import areas, measure
    from winnow.models import segmentor
    from winnow.training.segmentation import pool_examples

    samples = read_table(pool / "samples.parquet", SAMPLES)
    images, truth = pool_examples(pool, samples[samples["split"] == "test"])
    trained, settings = segmentor.load(model), Statistics.model_validate({})
    counted = areas(segmentor.labels(trained, images), truth, len(trained.classes))
    found = measure("", counted, trained.classes, settings.resamples, settings.seed)
    size = sum(parameter.numel() for parameter in trained.network.parameters())
    card = segmentor_card(size, read_signed(model / "foundry.json"), found.metrics, found.intervals)
    write_text(output, card)
