"""Verbs `judge`, and `evaluate-` contrastive, detection, standin, mllm, captions, score-model and
judge."""

from pathlib import Path
from typing import Any, Literal

from winnow.captioning.verbs import Asking
from winnow.command import verb
from winnow.data.errors import WinnowError
from winnow.data.files import atomic_path, read_json, write_json, write_text
from winnow.data.metrics import Cell, Metrics, write_metrics
from winnow.data.provenance import measured, provenance
from winnow.data.tables import (
    CANDIDATES,
    CAPTIONS,
    FACTS,
    LAYOUTS,
    OUTCOMES,
    PAIR,
    PREFERENCES,
    SAMPLES,
    SCORES,
    TRUTH,
    join_scores,
    read_table,
    require_unique,
    write_table,
)
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
    counts = {str(name): len(rows) for name, rows in outcomes.groupby("metric")}
    queries = counts | {name: sum(counts[m] for m in parts) for name, parts in means.items()}
    training = _optional(model / "training.json")  # the control `pretrained` has none
    spent = _optional(model / "cost.json")
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
        n={name: int(queries[name]) for name in metrics},
        higher_is_better=dict.fromkeys(metrics, True),
        provenance=provenance(training.pop("parameters", {}), inputs) | {"training": training},
    )
    total = {name: round(value + spent.get(name, 0), 3) for name, value in cost.items()}
    total["peak_mb"] = max(cost["peak_mb"], spent.get("peak_mb", 0))
    with atomic_path(output) as folder:
        folder.mkdir()
        write_metrics(folder / "metrics.json", result)
        write_table(folder / "outcomes.parquet", outcomes, OUTCOMES)
        write_json(folder / "cost.json", {**total, "samples": spent.get("samples", 0)})


def _optional(path: Path) -> dict[str, Any]:
    return dict(read_json(path)) if path.is_file() else {}


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
    from winnow.evaluation.detection import detection_metrics, detection_outcomes

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
    scoring = read_json(scores.with_suffix(".cost.json"))
    total = {name: round(value + scoring.get(name, 0), 3) for name, value in cost.items()}
    total["peak_mb"] = max(cost["peak_mb"], scoring.get("peak_mb", 0))
    with atomic_path(output) as folder:
        folder.mkdir()
        write_metrics(folder / "metrics.json", result)
        write_table(folder / "outcomes.parquet", detection_outcomes(pairs), OUTCOMES)
        write_json(folder / "cost.json", {**total, "samples": len(pairs)})


@verb("pool", "human", "zeroshot", "model", "output", values={"role": sections.Role})
def evaluate_standin(
    pool: Path, human: Path, zeroshot: Path, model: Path, output: Path, role: str, threads: int
) -> None:
    """Write a stand-in's model card: what it is, and how good by the foundry's test split."""
    import torch

    from winnow.evaluation.card import standin_card
    from winnow.evaluation.contrastive import contrastive_outcomes
    from winnow.models import clip

    torch.set_num_threads(threads)
    samples = read_table(pool / "samples.parquet", SAMPLES)
    loaded = clip.load(model)
    outcomes = contrastive_outcomes(loaded, pool, samples, read_table(human, CAPTIONS), zeroshot)
    write_text(output, standin_card(role, loaded, read_json(model / "foundry.json"), outcomes))


@verb("pool", "layouts", "perspectives", "model", "output", values={"role": sections.MllmRole})
def evaluate_mllm(
    pool: Path,
    layouts: Path,
    perspectives: Path,
    model: Path,
    output: Path,
    role: sections.MllmRole,
    threads: int,
) -> None:
    """Write the model card of a multimodal stand-in, measured on the pool's test split."""
    import torch

    from winnow.captioning.annotations import own_rules
    from winnow.captioning.describe import describe_images
    from winnow.captioning.perspectives import load_perspectives
    from winnow.captioning.responses import Responses
    from winnow.captioning.transformers_backend import TransformersBackend
    from winnow.evaluation.caption_quality import judge_captions, quality_outcomes
    from winnow.evaluation.card import mllm_card
    from winnow.evaluation.quiz import quiz_outcomes

    torch.set_num_threads(threads)
    settings = sections.Generation.model_validate({})
    backend = TransformersBackend(model, settings.batch_size)
    samples = read_table(pool / "samples.parquet", SAMPLES)
    samples = samples[samples["split"] == "test"]
    known = read_table(layouts, LAYOUTS)
    known = known[known["uid"].isin(set(samples["uid"]))]
    rule, asked = own_rules(pool, samples, known), load_perspectives(perspectives)
    outcomes = {}
    for name, perspective in [*asked.perspectives.items(), *asked.relay.items()]:
        captions, _ = describe_images(
            pool, samples, perspective, backend, Responses(), settings, name=name, rule=rule
        )
        if len(known):
            outcomes[name] = quality_outcomes(*judge_captions(captions, known, layouts))
    labelled = samples[samples["uid"].isin(set(known["uid"]))]
    quiz = quiz_outcomes(pool, labelled, known, backend, Responses())
    size = sum(parameter.numel() for parameter in backend.model.parameters())
    record = read_json(model / "foundry.json")
    write_text(output, mllm_card(role, size, record, outcomes, quiz))


@verb("captions", "layouts", "output", "facts")
def judge(captions: Path, layouts: Path, output: Path, facts: Path, threads: int) -> None:
    """Judge captions by the truth: what kind of mistake each has, and which claims hold."""
    from winnow.evaluation.caption_quality import judge_captions

    kinds, claims = judge_captions(
        read_table(captions, CAPTIONS), read_table(layouts, LAYOUTS), layouts
    )
    write_table(output, kinds, TRUTH)
    write_table(facts, claims, FACTS)
    shares = kinds["kind"].value_counts(normalize=True)
    print("\n".join(f"{kind}: {share:.1%}" for kind, share in shares.items()) or "no caption")


@verb(
    "pool",
    "captions",
    "model",
    "output",
    optional=("truth", "facts"),
    values={"captions_name": str, "dataset": str},
    settings=sections.Statistics,
)
def evaluate_captions(
    pool: Path,
    captions: Path,
    model: Path,
    output: Path,
    truth: Path | None,
    facts: Path | None,
    captions_name: str,
    dataset: str,
    threads: int,
    settings: sections.Statistics,
) -> None:
    """Evaluate the pool's captions of one set: by the truth where it is known, and as texts."""
    import torch

    from winnow.evaluation import captioning
    from winnow.models import clip
    from winnow.scoring.engine import pool_pairs

    if facts is not None and truth is None:
        raise WinnowError("--facts: needs --truth, which names every judged caption")
    torch.set_num_threads(threads)
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
    result = Metrics(
        cell=Cell(track="captioning", captions=captions_name, scorer="none", ratio=1.0, seed=0),
        dataset=dataset,
        model=", ".join(sorted(table["generator"].unique())),
        pretrained="evaluator_clip",
        task="captioning",
        metrics=found.metrics,
        intervals=found.intervals,
        n=found.n,
        higher_is_better={m: m not in captioning.LOWER_IS_BETTER for m in found.metrics},
        unit="mixed",
        provenance=provenance(settings.model_dump(), inputs),
    )
    with atomic_path(output) as folder:
        folder.mkdir()
        write_metrics(folder / "metrics.json", result)
        write_table(folder / "outcomes.parquet", found.outcomes, OUTCOMES)
        write_json(folder / "cost.json", {**cost, "samples": len(pairs)})


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
    training = _optional(model / "training.json")  # a published model has none
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
    with atomic_path(output) as folder:
        folder.mkdir()
        write_metrics(folder / "metrics.json", result)
        write_table(folder / "outcomes.parquet", outcomes, OUTCOMES)
        write_json(folder / "training.json", {"losses": losses})
        write_json(folder / "cost.json", {**cost, "samples": len(pairs)})


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
    with atomic_path(output) as folder:
        folder.mkdir()
        write_metrics(folder / "metrics.json", result)
        write_table(folder / "outcomes.parquet", outcomes, OUTCOMES)
        write_json(folder / "cost.json", {**cost, "samples": len(rated)})
    print("\n".join(f"{name}: {value:.3f}" for name, value in found.metrics.items()) or "no pair")
