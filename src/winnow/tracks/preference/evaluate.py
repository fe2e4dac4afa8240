"""Commands `evaluate-score-model` and `evaluate-judge`."""

from pathlib import Path
from typing import Literal

from winnow.captioning.verbs import EngineSettings
from winnow.command.description import Given, Output, command
from winnow.data.errors import WinnowError
from winnow.data.files import optional_signed
from winnow.data.provenance import measure_cost
from winnow.data.tables import (
    CANDIDATES,
    CAPTIONS,
    LAYOUTS,
    PREFERENCES,
    SAMPLES,
    read_table,
)
from winnow.evaluation.cell_results import CellSettings, cell_record, write_cell


@command
def evaluate_score_model(
    pool: Path,
    preferences: Path,
    model: Path,
    output: Output,
    settings: CellSettings,
) -> None:
    """Evaluate how often a score model prefers the better text of the held-out pairs."""
    from winnow.evaluation.pair_scores import pair_scores
    from winnow.evaluation.preference import pair_outcomes, summary
    from winnow.models import score

    pairs = read_table(preferences, PREFERENCES)
    pairs = pairs[pairs["split"] == "test"].reset_index(drop=True)
    if pairs.empty:
        raise WinnowError(f"{preferences}: no pair is held out; raise preferences.held_out")
    samples = read_table(pool / "samples.parquet", SAMPLES)
    with measure_cost() as cost:
        values = pair_scores(score.load(model), pool, samples, pairs, preferences)
        outcomes = pair_outcomes(pairs, *values.T)
        found = summary(outcomes, settings)
    training = optional_signed(model / "training.json")  # a published model has none
    curve = {"training.json": {"losses": training.pop("losses", [])}}
    inputs = {"preferences": preferences, "samples": pool / "samples.parquet", "model": model}
    told = {"task": "pair_accuracy", "model": "score model"}
    result = cell_record(settings, found, inputs, **told, training=training)
    write_cell(output, result, outcomes, cost, len(pairs), extra=curve)


class JudgeSettings(CellSettings, EngineSettings):
    """Which cell is measured, how a model is asked to rate, and the intervals."""


@command
def evaluate_judge(
    pool: Path,
    human: Path,
    layouts: Path,
    questions: Given,
    rubric: Given,
    candidates: list[Path],
    output: Output,
    judge: Literal["truth", "openai"],
    settings: JudgeSettings,
) -> None:
    """Evaluate how often the judge rates the right text higher where right and wrong are known."""
    import pandas as pd

    from winnow.evaluation import judge_agreement
    from winnow.evaluation.preference import summary

    samples = read_table(pool / "samples.parquet", SAMPLES)
    samples = samples[samples["split"] == "reference"]
    proposed = pd.concat([read_table(path, CANDIDATES) for path in candidates], ignore_index=True)
    people = read_table(human, CAPTIONS)
    known = read_table(layouts, LAYOUTS)
    with measure_cost() as cost:
        asked = judge_agreement.right_and_wrong_captions(samples, people, known, settings.seed)
        if judge == "truth":
            rated = judge_agreement.truth_ratings(asked, people, known, questions, layouts)
        else:
            asked = pd.concat(
                [asked, judge_agreement.right_and_wrong_answers(proposed)], ignore_index=True
            )
            rated = judge_agreement.model_ratings(asked, pool, samples, rubric, settings)
        outcomes = judge_agreement.agreement_outcomes(rated)
        found = summary(outcomes, settings)
    inputs = {"human": human, "layouts": layouts, "rubric": rubric, "questions": questions}
    name = settings.server.model if settings.server else "the truth"
    result = cell_record(settings, found, inputs, task="agreement", model=name)
    write_cell(output, result, outcomes, cost, len(rated))
    print("\n".join(f"{name}: {value:.3f}" for name, value in found.metrics.items()) or "no pair")
