"""Command `evaluate-generator`."""

from pathlib import Path

from winnow.command.description import Output, command
from winnow.data.files import read_signed, write_text
from winnow.data.provenance import weight_files
from winnow.evaluation.generation import GenerationSettings, evaluate_folder
from winnow.models.settings import GeneratorRole


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
    role: GeneratorRole,
    settings: GenerationSettings,
) -> None:
    """Write the model card of a text-to-image stand-in, from images that it drew."""
    from safetensors.numpy import load_file

    from winnow.evaluation.card import generator_card

    found = evaluate_folder(generated, pool, human, clip, remoteclip, settings)
    files = weight_files("model", model).values()
    parameters = sum(tensor.size for file in files for tensor in load_file(file).values())
    psnr = read_signed(autoencoder / "foundry.json")["psnr_db"]
    training = read_signed(model / "foundry.json")
    card = generator_card(role, parameters, training, psnr, found.metrics, found.intervals)
    write_text(output, card)
