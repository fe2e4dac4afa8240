"""Commands `evaluate-` contrastive, score-model, standin and mllm: how good a trained model is."""

from pathlib import Path

from winnow.command.description import Given, Output, command
from winnow.data.errors import WinnowError
from winnow.data.files import optional_signed, read_signed, write_text
from winnow.data.provenance import measured, total_cost
from winnow.data.tables import CAPTIONS, LAYOUTS, PREFERENCES, SAMPLES, read_table
from winnow.evaluation.cell import CellSettings, Found, ModelCellSettings, cell_record, write_cell
from winnow.params import sections


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
    spent = optional_signed(model / "cost.json")  # the control `pretrained` has none
    result = cell_record(
        settings,
        Found(metrics, intervals, {name: len(asked[name]) for name in metrics}),
        {"human": human, "samples": pool / "samples.parquet", "model": model / clip.WEIGHTS},
        task="zeroshot_retrieval and zeroshot_classification",
        model=settings.model_name,
        training=optional_signed(model / "training.json"),
    )
    write_cell(output, result, outcomes, total_cost(cost, spent), spent.get("samples", 0))


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
    cost: dict[str, float] = {}
    with measured(cost):
        values = pair_scores(score.load(model), pool, samples, pairs, preferences)
        outcomes = pair_outcomes(pairs, *values.T)
        found = summary(outcomes, settings)
    training = optional_signed(model / "training.json")  # a published model has none
    curve = {"training.json": {"losses": training.pop("losses", [])}}
    inputs = {"preferences": preferences, "samples": pool / "samples.parquet", "model": model}
    told = {"task": "pair_accuracy", "model": "score model"}
    result = cell_record(settings, found, inputs, **told, training=training)
    write_cell(output, result, outcomes, cost, len(pairs), extra=curve)


@command
def evaluate_standin(
    pool: Path,
    human: Path,
    zeroshot: Path,
    model: Path,
    output: Output,
    role: sections.Role,
) -> None:
    """Write a stand-in's model card: what it is, and how good by the foundry's test split."""
    from winnow.evaluation.card import standin_card
    from winnow.evaluation.contrastive import contrastive_outcomes
    from winnow.models import clip

    samples = read_table(pool / "samples.parquet", SAMPLES)
    loaded = clip.load(model)
    outcomes = contrastive_outcomes(loaded, pool, samples, read_table(human, CAPTIONS), zeroshot)
    write_text(output, standin_card(role, loaded, read_signed(model / "foundry.json"), outcomes))


@command
def evaluate_mllm(
    pool: Path,
    layouts: Path,
    perspectives: Given,
    model: Path,
    output: Output,
    role: sections.MllmRole,
) -> None:
    """Write the model card of a multimodal stand-in, measured on the pool's test split."""
    from winnow.captioning.annotations import own_rules
    from winnow.captioning.describe import describe_images
    from winnow.captioning.perspectives import load_perspectives
    from winnow.captioning.responses import Responses
    from winnow.captioning.transformers_backend import TransformersBackend
    from winnow.evaluation.caption_quality import check_captions, quality_outcomes
    from winnow.evaluation.card import mllm_card
    from winnow.evaluation.quiz import quiz_outcomes

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
