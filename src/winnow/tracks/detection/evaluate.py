"""Command `evaluate-detection`."""

from pathlib import Path

from winnow.command.description import Output, command
from winnow.data.files import read_signed
from winnow.data.provenance import measure_cost, total_cost
from winnow.data.tables import SCORES, TRUTH, join_scores, read_about, read_table
from winnow.evaluation.cell_results import CellSettings, cell_record, write_cell


@command
def evaluate_detection(scores: Path, truth: Path, output: Output, settings: CellSettings) -> None:
    """Evaluate how well one scorer finds the known noise, by kind."""
    from winnow.evaluation.detection import detection_metrics, detection_outcomes

    with measure_cost() as cost:
        kinds = read_table(truth, TRUTH)
        values = join_scores(kinds, read_table(scores, SCORES), scores)
        pairs = kinds.assign(score=values)
        found = detection_metrics(pairs, settings.resamples, settings.seed)
    result = cell_record(
        settings,
        found,
        {"scores": scores, "truth": truth},
        task="noise_detection",
        model=settings.cell.scorer,
        pretrained="",
        scored_by=read_about(scores),
    )
    total = total_cost(cost, read_signed(scores.with_suffix(".cost.json")))
    outcomes = detection_outcomes(pairs)
    write_cell(output, result, outcomes, total, len(pairs), draws=found.draws)
