"""Commands `evaluate-generation` and `evaluate-generator`."""

from pathlib import Path

from winnow.command.description import Output, command
from winnow.data.files import read_signed, write_text
from winnow.data.provenance import measured, total_cost, weight_files
from winnow.data.tables import CAPTIONS, SAMPLES, read_table
from winnow.evaluation.cell import ModelNames, cell_record, write_cell
from winnow.evaluation.generation import DISTANCES, Evaluation, GenerationSettings, evaluate
from winnow.params import sections


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

    cost: dict[str, float] = {}
    with measured(cost):
        found = _evaluated(generated, pool, human, clip, remoteclip, settings)
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
    write_cell(output, result, found.outcomes, spent, samples, draws=found.draws)


@command
def evaluate_generator(
    generated: Path,
    pool: Path,
    human: Path,
    clip: Path,
    remoteclip: Path,
    model: Path,
    autoencoder: Path,
    output: Output,
    role: sections.GeneratorRole,
    settings: GenerationSettings,
) -> None:
    """Write the model card of a text-to-image stand-in, from images that it drew."""
    from safetensors.numpy import load_file

    from winnow.evaluation.card import generator_card

    found = _evaluated(generated, pool, human, clip, remoteclip, settings)
    files = weight_files("model", model).values()
    parameters = sum(tensor.size for file in files for tensor in load_file(file).values())
    psnr = read_signed(autoencoder / "foundry.json")["psnr_db"]
    training = read_signed(model / "foundry.json")
    card = generator_card(role, parameters, training, psnr, found.metrics, found.intervals)
    write_text(output, card)


def _evaluated(
    generated: Path,
    pool: Path,
    human: Path,
    clip: Path,
    remoteclip: Path,
    settings: GenerationSettings,
) -> Evaluation:
    """What is measured of a folder of images, once its prompts are those of the pool."""
    from winnow.evaluation.features import Images
    from winnow.generation.images import read_prompts, require_prompts
    from winnow.generation.prompts import prompts_of
    from winnow.models import clip as models

    prompts = read_prompts(generated)
    samples = read_table(pool / "samples.parquet", SAMPLES)
    asked = prompts_of(pool, samples, read_table(human, CAPTIONS), len(prompts))
    require_prompts(generated, prompts, asked)
    images = Images(generated, pool, samples, prompts)
    return evaluate(images, models.load(clip), models.load(remoteclip), settings)
