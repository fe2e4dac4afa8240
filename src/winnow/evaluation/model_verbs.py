"""Verbs `evaluate-` contrastive, score-model, standin and mllm: how good a trained model is."""

from pathlib import Path

from winnow.command import verb
from winnow.data.errors import WinnowError
from winnow.data.files import optional_signed, read_signed, write_text
from winnow.data.metrics import Cell, Metrics
from winnow.data.provenance import measured, provenance, total_cost
from winnow.data.tables import CAPTIONS, LAYOUTS, PREFERENCES, SAMPLES, read_table
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
    write_text(output, standin_card(role, loaded, read_signed(model / "foundry.json"), outcomes))


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
    from winnow.evaluation.caption_quality import check_captions, quality_outcomes
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
            outcomes[name] = quality_outcomes(*check_captions(captions, known, layouts))
    labelled = samples[samples["uid"].isin(set(known["uid"]))]
    quiz = quiz_outcomes(pool, labelled, known, backend, Responses())
    size = sum(parameter.numel() for parameter in backend.model.parameters())
    record = read_signed(model / "foundry.json")
    write_text(output, mllm_card(role, size, record, outcomes, quiz))
