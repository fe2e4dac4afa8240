"""Command `evaluate-contrastive`."""

from pathlib import Path

from winnow.command import verb
from winnow.data.files import optional_signed
from winnow.data.metrics import Cell, Metrics
from winnow.data.provenance import measured, provenance, total_cost
from winnow.data.tables import CAPTIONS, SAMPLES, read_table
from winnow.evaluation.cell import write_cell
from winnow.params import sections


@verb(
    "pool",
    "human",
    "zeroshot",
    "model",
    "output",
    values={
        "captions": str,
        "scorer": str,
        "ratio": float,
        "cell_seed": int,
        "dataset": str,
        "model_name": str,
    },
    settings=sections.Statistics,
)
def evaluate_contrastive(
    pool: Path,
    human: Path,
    zeroshot: Path,
    model: Path,
    output: Path,
    captions: str,
    scorer: str,
    ratio: float,
    cell_seed: int,
    dataset: str,
    model_name: str,
    threads: int,
    settings: sections.Statistics,
) -> None:
    """Evaluate one model by retrieval and zero-shot classification."""
    import torch

    from winnow.evaluation.contrastive import contrastive_outcomes
    from winnow.evaluation.statistics import bootstrap, estimates, headline_means
    from winnow.models import clip

    torch.set_num_threads(threads)
    cost: dict[str, float] = {}
    with measured(cost):
        outcomes = contrastive_outcomes(
            clip.load(model),
            pool,
            read_table(pool / "samples.parquet", SAMPLES),
            read_table(human, CAPTIONS),
            zeroshot,
        )
        means = headline_means(outcomes["metric"])
        intervals = bootstrap(outcomes, settings.resamples, settings.seed, means)
    metrics = estimates(outcomes, means)
    asked = {str(name): set(rows["query"]) for name, rows in outcomes.groupby("metric")}
    asked |= {name: set().union(*(asked[m] for m in parts)) for name, parts in means.items()}
    training = optional_signed(model / "training.json")  # the control `pretrained` has none
    spent = optional_signed(model / "cost.json")
    cell = Cell(track="contrastive", captions=captions, scorer=scorer, ratio=ratio, seed=cell_seed)
    inputs = {
        "human": human,
        "samples": pool / "samples.parquet",
        "model": model / clip.WEIGHTS,
    }
    result = Metrics(
        cell=cell,
        dataset=dataset,
        model=model_name,
        pretrained=scorer,
        task="zeroshot_retrieval and zeroshot_classification",
        metrics=metrics,
        intervals=intervals,
        n={name: len(asked[name]) for name in metrics},
        higher_is_better=dict.fromkeys(metrics, True),
        provenance=provenance(settings.model_dump(), inputs) | {"training": training},
    )
    write_cell(output, result, outcomes, total_cost(cost, spent), spent.get("samples", 0))
