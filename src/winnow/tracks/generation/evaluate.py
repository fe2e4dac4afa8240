"""Command `evaluate-generation`."""

from pathlib import Path

from winnow.command import verb
from winnow.data.files import read_signed
from winnow.data.metrics import Cell, Metrics
from winnow.data.provenance import measured, provenance, total_cost
from winnow.evaluation.cell import write_cell
from winnow.evaluation.generation import DISTANCES, GenerationSettings, evaluate_folder


@verb(
    "generated",
    "pool",
    "human",
    "clip",
    "remoteclip",
    "output",
    values={
        "captions": str,
        "scorer": str,
        "ratio": float,
        "cell_seed": int,
        "dataset": str,
        "model_name": str,
    },
    settings=GenerationSettings,
)
def evaluate_generation(
    generated: Path,
    pool: Path,
    human: Path,
    clip: Path,
    remoteclip: Path,
    output: Path,
    captions: str,
    scorer: str,
    ratio: float,
    cell_seed: int,
    dataset: str,
    model_name: str,
    threads: int,
    settings: GenerationSettings,
) -> None:
    """Evaluate generated images by FID, KID, CLIP score and RemoteCLIP score, beside real ones."""
    import torch

    from winnow.generation.images import COST, RECORD, digest, read_prompts
    from winnow.models import clip as models

    torch.set_num_threads(threads)
    cost: dict[str, float] = {}
    with measured(cost):
        found = evaluate_folder(generated, pool, human, clip, remoteclip, settings)
    record = read_signed(generated / RECORD)
    drawn = read_signed(generated / COST)
    trained = drawn.pop("training")  # empty for a published model
    spent = total_cost(total_cost(cost, drawn), trained)
    inputs = {"human": human, "samples": pool / "samples.parquet"}
    inputs |= {"clip": clip / models.WEIGHTS, "remoteclip": remoteclip / models.WEIGHTS}
    origin = provenance(settings.model_dump(), inputs)
    origin["inputs"]["generated"] = digest(generated, read_prompts(generated))
    cell = Cell(track="generation", captions=captions, scorer=scorer, ratio=ratio, seed=cell_seed)
    result = Metrics(
        cell=cell,
        dataset=dataset,
        model=model_name,
        pretrained=scorer,
        task="text_to_image",
        metrics=found.metrics,
        intervals=found.intervals,
        n=found.n,
        higher_is_better={name: not name.startswith(DISTANCES) for name in found.metrics},
        unit="mixed",
        provenance=origin
        | {key: record[key] for key in ("training", "generator")}
        | {"drawing": {"parameters": record["parameters"]}},
    )
    samples = trained.get("samples", 0)  # as in every cell: those that the model was trained on
    write_cell(output, result, found.outcomes, spent, samples, draws=found.draws)
