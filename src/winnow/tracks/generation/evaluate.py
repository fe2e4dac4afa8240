"""Command `evaluate-generation`."""

from pathlib import Path

from winnow.command.description import Output, command
from winnow.data.files import read_signed
from winnow.data.provenance import measure_cost, total_cost
from winnow.evaluation.cell_results import ModelNames, cell_record, write_cell
from winnow.evaluation.generation import DISTANCES, GenerationSettings, evaluate_folder


class CellGenerationSettings(ModelNames, GenerationSettings):
    """Which cell is measured, and how."""


@command
def evaluate_generation(
    generated: Path,
    pool: Path,
    human: Path,
    clip: Path,
    remoteclip: Path,
    output: Output,
    settings: CellGenerationSettings,
) -> None:
    """Evaluate generated images by FID, KID, CLIP score and RemoteCLIP score, beside real ones."""
    from winnow.generation.images import COST, RECORD, digest, read_prompts
    from winnow.models import clip as models

    with measure_cost() as cost:
        found, outcomes = evaluate_folder(generated, pool, human, clip, remoteclip, settings)
    record = read_signed(generated / RECORD)
    drawn = read_signed(generated / COST)
    trained = drawn.pop("training")  # empty for a published model
    spent = total_cost(total_cost(cost, drawn), trained)
    inputs = {"human": human, "samples": pool / "samples.parquet"}
    inputs |= {"clip": clip / models.WEIGHTS, "remoteclip": remoteclip / models.WEIGHTS}
    result = cell_record(
        settings,
        found,
        inputs,
        task="text_to_image",
        model=settings.model_name,
        lower={name for name in found.metrics if name.startswith(DISTANCES)},
        unit="mixed",
        training=record["training"],
        generator=record["generator"],
        drawing={"parameters": record["parameters"]},
    )
    result.provenance["inputs"]["generated"] = digest(generated, read_prompts(generated))
    samples = trained.get("samples", 0)  # as in every cell: those that the model was trained on
    write_cell(output, result, outcomes, spent, samples, draws=found.draws)
