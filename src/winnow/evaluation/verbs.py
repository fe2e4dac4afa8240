"""Verbs `evaluate-contrastive`, `evaluate-detection` and `evaluate-standin`."""

from pathlib import Path
from typing import Any

from winnow.command import verb
from winnow.data.files import atomic_path, read_json, write_json, write_text
from winnow.data.metrics import Cell, Metrics, write_metrics
from winnow.data.provenance import measured, provenance
from winnow.data.tables import (
    CAPTIONS,
    OUTCOMES,
    SAMPLES,
    SCORES,
    TRUTH,
    join_scores,
    read_table,
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
