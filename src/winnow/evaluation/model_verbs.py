"""Commands `evaluate-standin` and `evaluate-mllm`: how good a stand-in is."""

from pathlib import Path

from winnow.captioning.settings import Generation
from winnow.command.description import Given, Output, command
from winnow.data.files import read_signed, write_text
from winnow.data.tables import CAPTIONS, LAYOUTS, SAMPLES, read_table
from winnow.models.settings import MllmRole, Role


@command
def evaluate_standin(
    pool: Path,
    human: Path,
    zeroshot: Path,
    model: Path,
    output: Output,
    role: Role,
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
    role: MllmRole,
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

    settings = Generation.model_validate({})
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
