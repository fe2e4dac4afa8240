"""Command `evaluate-contrastive`."""

from pathlib import Path

from winnow.command.description import Output, command
from winnow.data.files import optional_signed
from winnow.data.provenance import measure_cost, total_cost
from winnow.data.tables import CAPTIONS, SAMPLES, read_table
from winnow.evaluation.cell_results import Measurement, ModelCellSettings, cell_record, write_cell


@command
def evaluate_contrastive(
    pool: Path,
    human: Path,
    zeroshot: Path,
    model: Path,
    output: Output,
    settings: ModelCellSettings,
) -> None:
    """Evaluate one model by retrieval and zero-shot classification."""
    from winnow.evaluation.contrastive import contrastive_outcomes
    from winnow.evaluation.statistics import bootstrap, estimates, headline_means
    from winnow.models import clip

    with measure_cost() as cost:
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
    spent = optional_signed(model / "cost.json")  # the control `pretrained` has none
    result = cell_record(
        settings,
        Measurement(metrics, intervals, {name: len(asked[name]) for name in metrics}, {}),
        {"human": human, "samples": pool / "samples.parquet", "model": model / clip.WEIGHTS},
        task="zeroshot_retrieval and zeroshot_classification",
        model=settings.model_name,
        training=optional_signed(model / "training.json"),
    )
    write_cell(output, result, outcomes, total_cost(cost, spent), spent.get("samples", 0))
