"""Command `evaluate-captions`."""

from pathlib import Path

from winnow.command.description import Output, command
from winnow.data.errors import WinnowError
from winnow.data.provenance import measure_cost
from winnow.data.tables import (
    CAPTIONS,
    PAIR,
    read_table,
    require_unique,
)
from winnow.evaluation.cell_results import CellSettings, cell_record, write_cell


@command
def evaluate_captions(
    pool: Path,
    captions: Path,
    model: Path,
    output: Output,
    truth: Path | None,
    facts: Path | None,
    threads: int,
    settings: CellSettings,
) -> None:
    """Evaluate the pool's captions of one set: by the truth where it is known, and as texts."""
    from winnow.evaluation import captioning
    from winnow.models import clip
    from winnow.scoring.engine import pool_pairs

    if facts is not None and truth is None:
        raise WinnowError("--facts: needs --truth, which names every judged caption")
    with measure_cost() as cost:
        table = read_table(captions, CAPTIONS)
        require_unique(table, PAIR, captions)
        pairs = pool_pairs(pool, table)
        judged = captioning.judged_outcomes(pairs, truth, facts) if truth else []
        scores = captioning.evaluator_scores(pool, pairs, model, threads)
        found, outcomes = captioning.evaluate(pairs, scores, judged, settings)
    inputs = {
        "captions": captions,
        "samples": pool / "samples.parquet",
        "model": model / clip.WEIGHTS,
        **({"truth": truth} if truth else {}),
        **({"facts": facts} if facts else {}),
    }
    result = cell_record(
        settings,
        found,
        inputs,
        task="captioning",
        model=", ".join(sorted(table["generator"].unique())),
        pretrained="evaluator_clip",
        lower=captioning.LOWER_IS_BETTER,
        unit="mixed",
    )
    write_cell(output, result, outcomes, cost, len(pairs))
