"""Command `evaluate-detection`."""

from pathlib import Path

from winnow.command import verb
from winnow.data.files import read_signed
from winnow.data.metrics import Cell, Metrics
from winnow.data.provenance import measured, provenance, total_cost
from winnow.data.tables import SCORES, TRUTH, join_scores, read_table
from winnow.evaluation.cell import write_cell
from winnow.params import sections


@verb(
    "scores",
    "truth",
    "output",
    values={"captions": str, "scorer": str},
    settings=sections.Statistics,
)
def evaluate_detection(
    scores: Path,
    truth: Path,
    output: Path,
    captions: str,
    scorer: str,
    threads: int,
    settings: sections.Statistics,
) -> None:
    """Evaluate how well one scorer finds the known noise, by kind."""
    from winnow.evaluation.detection import detection_metrics, detection_outcomes, draws_table

    cost: dict[str, float] = {}
    with measured(cost):
        kinds = read_table(truth, TRUTH)
        values = join_scores(kinds, read_table(scores, SCORES), scores)
        pairs = kinds.assign(score=values)
        found = detection_metrics(pairs, settings.resamples, settings.seed)
    result = Metrics(
        cell=Cell(track="detection", captions=captions, scorer=scorer, ratio=1.0, seed=0),
        dataset=captions,
        model=scorer,
        pretrained="",
        task="noise_detection",
        metrics=found.metrics,
        intervals=found.intervals,
        n=found.n,
        higher_is_better=dict.fromkeys(found.metrics, True),
        provenance=provenance(settings.model_dump(), {"scores": scores, "truth": truth}),
    )
    total = total_cost(cost, read_signed(scores.with_suffix(".cost.json")))
    outcomes, draws = detection_outcomes(pairs), draws_table(found)
    write_cell(output, result, outcomes, total, len(pairs), draws=draws)
