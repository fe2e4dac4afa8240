"""Commands `judge`, and `evaluate-` captions, detection and judge: how true texts are, and how well
scorers and judges tell."""

from pathlib import Path
from typing import Literal

from winnow.captioning.verbs import Asking
from winnow.command.description import Given, Output, command
from winnow.data.errors import WinnowError
from winnow.data.files import read_signed
from winnow.data.provenance import measured, total_cost
from winnow.data.tables import (
    CANDIDATES,
    CAPTIONS,
    FACTS,
    LAYOUTS,
    PAIR,
    SAMPLES,
    SCORES,
    TRUTH,
    join_scores,
    read_table,
    require_unique,
    write_table,
)
from winnow.evaluation.cell import CellSettings, cell_record, write_cell


@command
def judge(captions: Path, layouts: Path, output: Output, facts: Output) -> None:
    """Check captions against the truth: the kind of mistake of each, and which assertions hold."""
    from winnow.evaluation.caption_quality import check_captions

    kinds, assertions = check_captions(
        read_table(captions, CAPTIONS), read_table(layouts, LAYOUTS), layouts
    )
    write_table(output, kinds, TRUTH)
    write_table(facts, assertions, FACTS)
    shares = kinds["kind"].value_counts(normalize=True)
    print("\n".join(f"{kind}: {share:.1%}" for kind, share in shares.items()) or "no caption")


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
    cost: dict[str, float] = {}
    with measured(cost):
        table = read_table(captions, CAPTIONS)
        require_unique(table, PAIR, captions)
        pairs = pool_pairs(pool, table)
        judged = captioning.judged_outcomes(pairs, truth, facts) if truth else []
        scores = captioning.evaluator_scores(pool, pairs, model, threads)
        found = captioning.evaluate(pairs, scores, judged, settings)
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
    write_cell(output, result, found.outcomes, cost, len(pairs))


@command
def evaluate_detection(scores: Path, truth: Path, output: Output, settings: CellSettings) -> None:
    """Evaluate how well one scorer finds the known noise, by kind."""
    from winnow.evaluation.detection import detection_metrics, detection_outcomes, draws_table

    cost: dict[str, float] = {}
    with measured(cost):
        kinds = read_table(truth, TRUTH)
        values = join_scores(kinds, read_table(scores, SCORES), scores)
        pairs = kinds.assign(score=values)
        found = detection_metrics(pairs, settings.resamples, settings.seed)
    told = {"task": "noise_detection", "model": settings.cell.scorer, "pretrained": ""}
    result = cell_record(settings, found, {"scores": scores, "truth": truth}, **told)
    total = total_cost(cost, read_signed(scores.with_suffix(".cost.json")))
    outcomes, draws = detection_outcomes(pairs), draws_table(found)
    write_cell(output, result, outcomes, total, len(pairs), draws=draws)


class JudgeSettings(CellSettings, Asking):
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

    from winnow.evaluation import agreement
    from winnow.evaluation.preference import summary

    samples = read_table(pool / "samples.parquet", SAMPLES)
    samples = samples[samples["split"] == "reference"]
    proposed = pd.concat([read_table(path, CANDIDATES) for path in candidates], ignore_index=True)
    people = read_table(human, CAPTIONS)
    known = read_table(layouts, LAYOUTS)
    cost: dict[str, float] = {}
    with measured(cost):
        asked = agreement.known_captions(samples, people, known, settings.seed)
        if judge == "truth":
            rated = agreement.by_truth(asked, people, known, questions, layouts)
        else:
            asked = pd.concat([asked, agreement.known_answers(proposed)], ignore_index=True)
            rated = agreement.by_model(asked, pool, samples, rubric, settings)
        outcomes = agreement.agreement_outcomes(rated)
        found = summary(outcomes, settings)
    inputs = {"human": human, "layouts": layouts, "rubric": rubric, "questions": questions}
    name = settings.server.model if settings.server else "the truth"
    result = cell_record(settings, found, inputs, task="agreement", model=name)
    write_cell(output, result, outcomes, cost, len(rated))
    print("\n".join(f"{name}: {value:.3f}" for name, value in found.metrics.items()) or "no pair")
