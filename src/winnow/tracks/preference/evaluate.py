"""Commands `evaluate-score-model` and `evaluate-judge`."""

from pathlib import Path
from typing import Literal

from winnow.captioning.verbs import Asking
from winnow.command import verb
from winnow.data.errors import WinnowError
from winnow.data.files import optional_signed
from winnow.data.metrics import Cell, Metrics
from winnow.data.provenance import measured, provenance
from winnow.data.tables import CANDIDATES, CAPTIONS, LAYOUTS, PREFERENCES, SAMPLES, read_table
from winnow.evaluation.cell import write_cell
from winnow.params import sections


@verb(
    "pool",
    "preferences",
    "model",
    "output",
    values={"recipe": str, "cell_seed": int, "dataset": str},
    settings=sections.Statistics,
)
def evaluate_score_model(
    pool: Path,
    preferences: Path,
    model: Path,
    output: Path,
    recipe: str,
    cell_seed: int,
    dataset: str,
    threads: int,
    settings: sections.Statistics,
) -> None:
    """Evaluate how often a score model prefers the better text of the held-out pairs."""
    import torch

    from winnow.evaluation.pair_scores import pair_scores
    from winnow.evaluation.preference import pair_outcomes, summary
    from winnow.models import score

    torch.set_num_threads(threads)
    pairs = read_table(preferences, PREFERENCES)
    pairs = pairs[pairs["split"] == "test"].reset_index(drop=True)
    if pairs.empty:
        raise WinnowError(f"{preferences}: no pair is held out; raise preferences.held_out")
    samples = read_table(pool / "samples.parquet", SAMPLES)
    cost: dict[str, float] = {}
    with measured(cost):
        values = pair_scores(score.load(model), pool, samples, pairs, preferences)
        outcomes = pair_outcomes(pairs, *values.T)
        found = summary(outcomes, settings)
    training = optional_signed(model / "training.json")  # a published model has none
    losses = training.pop("losses", [])
    inputs = {"preferences": preferences, "samples": pool / "samples.parquet", "model": model}
    result = Metrics(
        cell=Cell(
            track="preference", captions="reference", scorer=recipe, ratio=1.0, seed=cell_seed
        ),
        dataset=dataset,
        model="score model",
        pretrained=recipe,
        task="pair_accuracy",
        metrics=found.metrics,
        intervals=found.intervals,
        n=found.n,
        higher_is_better=dict.fromkeys(found.metrics, True),
        provenance=provenance(settings.model_dump(), inputs) | {"training": training},
    )
    curve = {"training.json": {"losses": losses}}
    write_cell(output, result, outcomes, cost, len(pairs), extra=curve)


class Judging(Asking, sections.Statistics):
    """How a model is asked to rate, and what draws the resamples."""


@verb(
    "pool",
    "human",
    "layouts",
    "questions",
    "rubric",
    "output",
    lists=("candidates",),
    values={"judge": Literal["truth", "openai"]},
    settings=Judging,
)
def evaluate_judge(
    pool: Path,
    human: Path,
    layouts: Path,
    questions: Path,
    rubric: Path,
    candidates: list[Path],
    output: Path,
    judge: str,
    threads: int,
    settings: Judging,
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
    result = Metrics(
        cell=Cell(track="preference", captions="reference", scorer="judge", ratio=1.0, seed=0),
        dataset="known mistakes",
        model=settings.server.model if settings.server else "the truth",
        pretrained="judge",
        task="agreement",
        metrics=found.metrics,
        intervals=found.intervals,
        n=found.n,
        higher_is_better=dict.fromkeys(found.metrics, True),
        provenance=provenance(settings.model_dump(), inputs),
    )
    write_cell(output, result, outcomes, cost, len(rated))
    print("\n".join(f"{name}: {value:.3f}" for name, value in found.metrics.items()) or "no pair")
